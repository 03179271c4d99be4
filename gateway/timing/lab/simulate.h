/* simulate.h - every policy in the simulated world: share of the oracle's lift after n contacts.
 *
 *     share at n = (V policy - V random) / (V oracle - V random)
 * V is the mean true chance at the chosen hour over debtors and contacts n-2 .. n+2; the oracle
 * takes the best allowed hour of each debtor, channel and day type.
 * 30 % of the outcomes arrive three contacts late; of the misses some are answered later the same
 * day and only then stamped. Pure but for memory; the same options give the same figures. */
#ifndef TIMING_LAB_SIMULATE_H
#define TIMING_LAB_SIMULATE_H

#include "gateway/timing/lab/policies.h"
#include "gateway/timing/lab/world.h"

enum {
    SIMULATE_MARKS = 4,
    SIMULATE_CONTACTS_MAX = 400,
    SIMULATE_DEBTORS_MAX = 100000,
    SIMULATE_SEEDS_MAX = 64,
    SIMULATE_CHANGE = 25,   /* world drift: everybody changes before this contact ... */
    SIMULATE_RECOVERY = 25, /* ... and is looked at this many contacts later */
};
extern const int simulate_marks[SIMULATE_MARKS]; /* 5 10 20 50 */

typedef enum { SIMULATE_NORMAL, SIMULATE_NULL, SIMULATE_DRIFT } simulate_world;

typedef struct {
    simulate_world world;
    bool cold;      /* no log before the first contact; else 2,500 debtors with 20 contacts each */
    bool plain_log; /* the log knows no late reactions, as in the reference */
    unsigned debtors, contacts, seeds;
    uint64_t seed;
} simulate_options;

typedef struct {
    double share[SIMULATE_MARKS], low[SIMULATE_MARKS], high[SIMULATE_MARKS]; /* NAN: not reached */
    double overall;
    double times_random;                        /* answers, as a multiple of a random hour's */
    double times_random_low, times_random_high; /* 90 %, bootstrap over debtors */
    double before_change, after_change;         /* world drift: shares */
    double brier, calibration_error;            /* NAN when the policy does not predict */
} simulate_row;

/* One policy. GW_ENOMEM. */
gw_code simulate_policy(size_t policy, const simulate_options *o, simulate_row *ret, gw_err *err)
    GW_NODISCARD;

/* The log of other debtors a mature start is warmed with. Free both lists. */
gw_code simulate_log(uint64_t seed, size_t persons, unsigned contacts, world_kind kind,
                     bool with_late, fit_log *ret, fit_contact **ret_contacts) GW_NODISCARD;

/* Whether debtor d answers when asked at `hour`, and if not, how many hours later it reacts (0: it
 * does not). u: two uniform numbers, so that every policy meets the same luck. */
history_contact simulate_answer(const world_debtor *d, const timing_question *q, unsigned hour,
                                const double u[2]);

#endif
