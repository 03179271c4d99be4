/* policies.h - every policy behind one small interface, so that all are measured alike.
 *
 * Baselines: what people and products do today. A and B: ours, through the very functions the
 * gateway calls. A policy sees only what a gateway would see: questions, and the contacts it chose
 * with what came of them.
 *
 * Thread: one owner at a time. */
#ifndef TIMING_LAB_POLICIES_H
#define TIMING_LAB_POLICIES_H

#include "gateway/timing/archetype_fit.h"
#include "gateway/timing/random.h"

enum { LAB_NAME_MAX = 16 };

typedef struct policy policy;

/* What came before the first decision, from other persons. */
typedef struct {
    const fit_log *log;      /* NULL: a cold start */
    size_t persons;          /* that will be asked about, 0 .. persons - 1 */
    const uint8_t *segments; /* of each */
    uint64_t seed;
} policy_start;

typedef struct {
    const char *id, *title;
    bool predicts;    /* gives chances, not only an hour */
    bool needs_world; /* knows the simulator; no policy for a real trace */
} policy_about;

size_t policy_count(void);
policy_about policy_describe(size_t i);

/* NULL: out of memory. */
policy *policy_new(size_t i, const policy_start *start);
void policy_free(policy *p);
GW_CLEANUP_FUNC(policy, policy_free)

/* The chance with which each allowed hour would be chosen (sum 1, 0 elsewhere), and, for policies
 * that predict, the expected chance of an answer at each (may be NULL). */
void policy_ask(policy *p, size_t person, const timing_question *q, timing_random *r,
                float ret_choose[TIMING_HOURS], float ret_mean[TIMING_HOURS]);
/* A contact has closed. */
void policy_learn(policy *p, size_t person, const history_contact *c, int32_t day);
/* A night has passed. */
void policy_night(policy *p);

/* Draw from ret_choose. */
unsigned policy_draw(const float choose[TIMING_HOURS], timing_random *r);

#endif
