/* estimate.h - the chance of an answer at each hour of a day, and what it was made of.
 *
 * Both models give the same picture, level by level, so that a choice can be explained. */
#ifndef TIMING_ESTIMATE_H
#define TIMING_ESTIMATE_H

#include "gateway/timing/cell.h"

typedef struct {
    float population[TIMING_HOURS], segment[TIMING_HOURS];
    float debtor[TIMING_HOURS]; /* before the personal hour kernel: level, or archetypes */
    float mean[TIMING_HOURS];   /* final */
    float weight[TIMING_HOURS]; /* evidence behind the personal part, in expected answers */
    float level;                /* A: this debtor answers `level` times as often as its segment */
    unsigned archetype;         /* B: the heaviest profile and its weight */
    float archetype_weight;
} timing_estimate;

#endif
