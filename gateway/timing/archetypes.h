/* archetypes.h - model B: a debtor is a mixture of day routines learned from everybody.
 *
 * A routine (archetype) gives the chance of an answer for every cell. A component is a routine
 * times one of three levels; a debtor is a weight over the components, computed from its history:
 *     log w = log prior + sum over contacts, fading by .985, of log p or log (1 - p)
 * The final mean is the mixture times the debtor's own residual by hour, observed over expected.
 * Three fits of eight routines from different starts stand side by side: their average errs less
 * than any one of them.
 *
 * Thread: any; pure, allocates nothing. */
#ifndef TIMING_ARCHETYPES_H
#define TIMING_ARCHETYPES_H

#include "gateway/timing/estimate.h"
#include "gateway/timing/tables.h"

enum {
    ARCHETYPE_FITS = 3,
    ARCHETYPE_EACH = 8,
    ARCHETYPES = ARCHETYPE_FITS * ARCHETYPE_EACH, /* index fit * EACH + k */
    ARCHETYPE_LEVELS = 3,
    ARCHETYPE_COMPONENTS = ARCHETYPES * ARCHETYPE_LEVELS, /* index level * ARCHETYPES + archetype */
};

/* What is learned and stored. */
typedef struct {
    float curve[ARCHETYPES][TIMING_CELLS];
    float prior[TIMING_SEGMENTS][ARCHETYPE_COMPONENTS]; /* each segment sums to 1 */
} archetypes;

/* The same in the order in which a decision reads it. */
typedef struct {
    float log_prior[TIMING_SEGMENTS][ARCHETYPE_COMPONENTS];
    float profile[TIMING_CELLS][ARCHETYPES];
    float log_tail[TIMING_CELLS][ARCHETYPES]; /* log of the sum over the later hours */
    float log_p[TIMING_CELLS][ARCHETYPES];
    float log_no[TIMING_CELLS][ARCHETYPE_COMPONENTS], log_yes[TIMING_CELLS][ARCHETYPE_COMPONENTS];
} archetype_index;

extern const float archetype_levels[ARCHETYPE_LEVELS];

/* The last hour of a row in which anybody is contacted ends its tail. */
void archetype_index_make(const archetypes *a, const timing_tables *t, archetype_index *ret);

/* Add what a reaction `late` hours after the contact in cell says, times w, to the components. */
void archetype_add_late(const archetype_index *ix, unsigned cell, unsigned late, float w,
                        float components[ARCHETYPE_COMPONENTS]);

/* Posterior weights of the components, sum 1. */
void archetype_weights(const archetype_index *ix, unsigned segment, const history *h,
                       float ret[ARCHETYPE_COMPONENTS]);

void archetype_estimate(const archetype_index *ix, const timing_tables *t, const history *h,
                        const timing_question *q, timing_estimate *ret);

#endif
