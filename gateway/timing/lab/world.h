/* world.h - debtors with a known truth: the generator behind `dunlin timing simulate`.
 *
 * Each debtor follows one of six day routines (office, early shift, late shift, at home, commuter,
 * night owl), moved by its own shift, mixed with a second one, with bumps of its own, and answers
 * each channel at its own level. A segment hints at the routine and does not decide it. Now and
 * then a debtor takes up another routine. Rates and shapes are those of the reference simulator
 * whose figures the timing model was designed with.
 *
 * Pure; the same seed gives the same world. */
#ifndef TIMING_LAB_WORLD_H
#define TIMING_LAB_WORLD_H

#include "gateway/timing/cell.h"
#include "gateway/timing/random.h"

enum { WORLD_FIRST_HOUR = 8, WORLD_LAST_HOUR = 19, WORLD_HOURS = 12, WORLD_SEGMENTS = 4 };
#define WORLD_WINDOW ((((UINT32_C(1) << WORLD_HOURS) - 1)) << WORLD_FIRST_HOUR)

typedef enum { WORLD_NORMAL, WORLD_NULL } world_kind; /* NULL: the hour makes no difference */

typedef struct {
    timing_random random; /* the debtor's own stream: for its next routine */
    world_kind kind;
    uint8_t segment;
    double level, channel_level[TIMING_CHANNELS];
    float p[TIMING_CHANNELS][TIMING_DAYTYPES][WORLD_HOURS]; /* chance of an answer */
} world_debtor;

void world_debtor_make(world_debtor *d, world_kind kind, timing_random *r);
/* Draw another routine: the drift of a life. */
void world_debtor_change(world_debtor *d);

/* The channel and day type of a contact nobody chose, as often as in the reference. */
unsigned world_channel(timing_random *r);
unsigned world_daytype(timing_random *r);

static inline float world_chance(const world_debtor *d, const timing_question *q, unsigned hour)
{
    return d->p[q->channel][q->daytype][hour - WORLD_FIRST_HOUR];
}

#endif
