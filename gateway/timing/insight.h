/* insight.h - what prediction was worth, from closed contacts in one streaming pass: `dunlin report
 * timing`.
 *
 * Per group (all, source, channel, ladder step):
 *   calibration   of the chance predicted for the hour chosen, against answers: Brier score, the
 * same of a constant, expected calibration error and how large it would be by chance alone uplift
 * answers where the model chose (with its exploration) minus those of the hold-out group, which
 * gets a random allowed hour estimates     what choosing always the best hour, and always a random
 * allowed hour, would have brought on these contacts: IPS, SNIPS and doubly robust (lab/ope.h names
 * the papers), with the effective sample size; their difference is the effect of the hour curves
 * answers by local hour, per channel and kind of day, of contacts whose hour was drawn at random
 * (exploration, hold-out): nothing else compares hours fairly
 *
 * An answer is one in the hour of the contact, or money or a promise within the horizon; "reacted"
 * counts late answers as well. Contacts whose hour a rule or a person chose have no propensity and
 * enter no estimate (they are counted).
 *
 * Intervals are 95 %. Contacts of one person hang together, so persons are dealt into
 * INSIGHT_BUCKETS buckets by hash and the spread is that of leaving out a bucket at a time
 * (delete-a-group jackknife); where the propensities imply a larger spread than was seen, that
 * counts: rare exploration hides in small logs.
 *
 * Verdict: fewer than INSIGHT_LEAST contacts with a propensity: too few to say. The hour makes no
 * difference when the interval of the effect contains zero or the lift is below INSIGHT_LIFT.
 *
 * Memory does not grow with the contacts. Pure; one owner. */
#ifndef TIMING_INSIGHT_H
#define TIMING_INSIGHT_H

#include "gateway/base/buf.h"
#include "gateway/timing/history.h"

enum {
    INSIGHT_BUCKETS = 100,
    INSIGHT_LEAST = 200, /* contacts with a propensity */
    INSIGHT_BINS = 12,
    INSIGHT_GROUPS_MAX = 512, /* what comes later is counted in `left_out` */
    INSIGHT_NAME_MAX = 160,
};
#define INSIGHT_LIFT .05 /* a lift below it is no difference */

typedef struct {
    gw_str source, step;        /* "" none */
    uint64_t person;            /* any stable hash */
    history_contact contact;    /* gap is ignored */
    bool has_propensity;        /* what follows is known */
    unsigned hours, best_hour;  /* allowed ones */
    double propensity, explore; /* of the hour chosen; share that explores (hold-out: 1) */
    double p, best_p, mean_p;   /* predicted: at the hour, at the best one, mean over the allowed */
} insight_contact;

typedef struct {
    double value, low, high; /* NAN when there is nothing to tell */
} insight_figure;

typedef struct {
    insight_figure ips, snips, dr;
    double effective;
} insight_estimate;

typedef struct {
    uint64_t n, yes;
    double rate, low, high; /* Wilson's interval */
} insight_rate;

typedef struct {
    uint64_t n;
    double predicted, observed, low, high;
} insight_bin;

typedef enum { INSIGHT_TOO_FEW, INSIGHT_NO_DIFFERENCE, INSIGHT_MATTERS } insight_verdict;

typedef struct {
    char kind[8]; /* "all", "source", "channel", "step" */
    char name[INSIGHT_NAME_MAX];
    uint64_t contacts, forced, predicted, holdout;
    insight_rate answered, reacted; /* over all contacts */
    insight_figure brier;
    double brier_constant, ece, ece_by_chance;
    insight_bin bins[INSIGHT_BINS]; /* n 0: unused */
    insight_rate chosen, random;    /* answers: model, hold-out */
    insight_figure uplift, reacted_uplift;
    insight_estimate best, any;  /* always the best hour, always a random one */
    insight_figure effect, lift; /* doubly robust: best - any, and relative to any */
    insight_verdict verdict;
    insight_rate curve[TIMING_CHANNELS][TIMING_DAYTYPES][TIMING_HOURS]; /* hours drawn at random */
} insight_group;

typedef struct insight insight;
insight *insight_new(void); /* NULL: out of memory */
void insight_free(insight *x);
GW_CLEANUP_FUNC(insight, insight_free)

/* False: out of memory. */
bool insight_add(insight *x, const insight_contact *c);
size_t insight_groups(const insight *x);
/* Group i: 0 is all. */
void insight_read(const insight *x, size_t i, insight_group *ret);
uint64_t insight_left_out(const insight *x);

/* Wilson's 95 % interval of yes of n. */
insight_rate insight_rate_of(uint64_t n, uint64_t yes);
/* "too few contacts to say", "the hour makes no difference here", "the hour matters". */
const char *insight_verdict_text(insight_verdict v);

#endif
