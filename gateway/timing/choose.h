/* choose.h - from chances to a choice: greedy with logged exploration.
 *
 * With probability 1 - e the best allowed hour (the earliest of equals), else any allowed hour,
 * each as likely. The propensity of what was chosen is exact, and at least .05 / 12 where twelve
 * hours are allowed. Thread: any; pure. */
#ifndef TIMING_CHOOSE_H
#define TIMING_CHOOSE_H

#include "gateway/timing/history.h"
#include "gateway/timing/model.h"
#include "gateway/timing/random.h"

/* Probability of each hour; 0 where not allowed. score NULL: no hour is better. */
void timing_chances(const timing_question *q, const float *score, float explore,
                    float ret[TIMING_HOURS]);

typedef struct {
    uint8_t hour;
    history_chooser chooser;
    float propensity;
    float explore; /* share of decisions that explored */
    timing_estimate estimate;
} timing_choice;

/* holdout: the debtor belongs to the share that gets a random allowed hour, so that the gain can be
 * shown. seed: stable for the decision. False when no hour is allowed; *ret is then untouched. */
bool timing_choose(const timing_model *m, const history *h, const timing_question *q, bool holdout,
                   uint64_t seed, timing_choice *ret);

#endif
