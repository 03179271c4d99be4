#include "gateway/timing/lab/world.h"

#include <math.h>

enum { PEAKS = 2, ROUTINES = 6 };

typedef struct {
    double height, at, width;
} peak;

static const struct {
    const char *name;
    peak weekday[PEAKS], weekend[PEAKS];
} routines[ROUTINES] = {
    {"office", {{1, 12.5, .9}, {1.2, 18.8, 1.2}}, {{1, 11, 1.8}, {.5, 17, 2}}},
    {"early shift", {{1.2, 16.3, 1.4}, {.4, 9, .8}}, {{1, 10.5, 2}, {.5, 16, 2}}},
    {"late shift", {{1.2, 10.3, 1.3}, {0, 0, 1}}, {{1, 13, 2.2}, {0, 0, 1}}},
    {"at home", {{.9, 10.4, 1.5}, {.6, 15.5, 1.8}}, {{.8, 10.5, 1.8}, {.5, 15.5, 2}}},
    {"commuter", {{1.1, 8.4, .7}, {1.1, 17.8, .9}}, {{.9, 12, 2.5}, {0, 0, 1}}},
    {"night owl", {{1, 14.3, 1.6}, {.9, 19.2, 1.1}}, {{1.1, 16.5, 2.3}, {0, 0, 1}}},
};

/* Chance of each routine in each segment: informative, not decisive. */
static const double routine_share[WORLD_SEGMENTS][ROUTINES] = {
    {.45, .10, .05, .05, .30, .05},
    {.10, .45, .25, .10, .05, .05},
    {.05, .05, .05, .65, .05, .15},
    {.30, .10, .15, .10, .15, .20},
};

static const struct {
    double base, swing; /* log odds at rest, and how far a routine moves them */
    peak habit;         /* of the channel itself */
    double share;       /* of the contacts */
} channels[TIMING_CHANNELS] = {
    {-2.6, 1.3, {.35, 9.5, 1.2}, .40},
    {-2.2, 1.6, {.3, 18, 1.8}, .35},
    {-2.4, 2.1, {.3, 17.5, 1.5}, .25},
};

static double bump(peak p, int hour)
{
    double z = (hour + WORLD_FIRST_HOUR + .5 - p.at) / p.width;
    return p.height * exp(-.5 * z * z);
}

static double routine_at(unsigned k, unsigned daytype, int hour)
{
    const peak *p = daytype ? routines[k].weekend : routines[k].weekday;
    return bump(p[0], hour) + bump(p[1], hour);
}

static double moved_routine(unsigned k, unsigned daytype, double hour)
{
    double x = hour < 0 ? 0 : hour > WORLD_HOURS - 1 ? WORLD_HOURS - 1 : hour;
    int i = (int)x;
    int next = i + 1 < WORLD_HOURS ? i + 1 : i;
    double f = x - i;
    return routine_at(k, daytype, i) * (1 - f) + routine_at(k, daytype, next) * f;
}

static unsigned draw_weighted(timing_random *r, const double *weights, unsigned n)
{
    double u = timing_random_unit(r);
    for (unsigned i = 0; i + 1 < n; i++) {
        if (u < weights[i])
            return i;
        u -= weights[i];
    }
    return n - 1;
}

void world_debtor_change(world_debtor *d)
{
    timing_random *r = &d->random;
    unsigned main_routine = draw_weighted(r, routine_share[d->segment], ROUTINES);
    unsigned other = timing_random_below(r, ROUTINES);
    double shift = .9 * timing_random_normal(r);
    peak own[TIMING_DAYTYPES];
    for (unsigned w = 0; w < TIMING_DAYTYPES; w++)
        own[w] = (peak){.5 * timing_random_normal(r), 0, .9};
    for (unsigned w = 0; w < TIMING_DAYTYPES; w++)
        own[w].at = WORLD_FIRST_HOUR + WORLD_HOURS * timing_random_unit(r);
    for (unsigned c = 0; c < TIMING_CHANNELS; c++)
        for (unsigned w = 0; w < TIMING_DAYTYPES; w++)
            for (int h = 0; h < WORLD_HOURS; h++) {
                double a = .8 * moved_routine(main_routine, w, h - shift) +
                           .2 * routine_at(other, w, h) + bump(own[w], h);
                double by_hour = channels[c].swing * a + bump(channels[c].habit, h);
                double x = channels[c].base + d->level + d->channel_level[c] +
                           (d->kind == WORLD_NULL ? .6 : by_hour);
                d->p[c][w][h] = (float)(1 / (1 + exp(-x)));
            }
}

void world_debtor_make(world_debtor *d, world_kind kind, timing_random *r)
{
    d->kind = kind;
    d->random.state = timing_random_word(r);
    d->segment = (uint8_t)timing_random_below(r, WORLD_SEGMENTS);
    d->level = .6 * timing_random_normal(r);
    for (unsigned c = 0; c < TIMING_CHANNELS; c++)
        d->channel_level[c] = .35 * timing_random_normal(r);
    world_debtor_change(d);
}

unsigned world_channel(timing_random *r)
{
    double shares[TIMING_CHANNELS];
    for (unsigned c = 0; c < TIMING_CHANNELS; c++)
        shares[c] = channels[c].share;
    return draw_weighted(r, shares, TIMING_CHANNELS);
}

unsigned world_daytype(timing_random *r)
{
    return timing_random_unit(r) < 2.0 / 7;
}
