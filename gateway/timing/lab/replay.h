/* replay.h - every policy on a real activity trace.
 *
 * Each day on which a person responded to anything is one contact; the policy names an allowed hour
 * and learns only whether the person would have responded then (of three misses in ten also the
 * next hour of that day with a response, as late reactions are seen). Persons are split in two
 * folds: one fold's log - three random hours a day - warms the shared tables, the other is scored;
 * then the reverse. Every hour's outcome is known, so nothing is estimated off-policy.
 * The oracle is the best hour of the person and day type on that person's other days (odd for even,
 * even for odd), so it is not inflated by picking the luckiest hour.
 *
 * Pure but for memory; the same trace, options and seed give the same figures. */
#ifndef TIMING_LAB_REPLAY_H
#define TIMING_LAB_REPLAY_H

#include "gateway/timing/lab/policies.h"
#include "gateway/timing/lab/trace.h"

/* Contacts 1-5, then those made after 5, 10, 20 and 50: 6-10, 11-20, 21-50, 51 and later. */
enum { REPLAY_BANDS = 5, REPLAY_REPEATS_MAX = 20 };
extern const char *const replay_bands[REPLAY_BANDS];

typedef struct {
    uint32_t window;  /* allowed hours */
    bool cold;        /* no warm fold */
    unsigned repeats; /* runs with other random numbers, averaged */
    uint64_t seed;
} replay_options;

typedef struct {
    double share, low, high; /* of the oracle's lift; NAN when the oracle has none */
    double answered;         /* share of contacts answered */
} replay_figure;

typedef struct {
    replay_figure overall, bands[REPLAY_BANDS];
    double brier, log_loss; /* NAN when the policy does not predict */
} replay_row;

typedef struct {
    size_t contacts, band_contacts[REPLAY_BANDS];
    double random, oracle; /* share of contacts answered */
    double band_random[REPLAY_BANDS], band_oracle[REPLAY_BANDS];
} replay_ground;

/* What does not depend on the policy. */
gw_code replay_measure(const trace *t, const replay_options *o, replay_ground *ret, gw_err *err)
    GW_NODISCARD;
gw_code replay_policy(const trace *t, size_t policy, const replay_options *o, replay_row *ret,
                      gw_err *err) GW_NODISCARD;

#endif
