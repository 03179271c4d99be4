#include "gateway/timing/choose.h"

#include <string.h>

static int best_of(const timing_question *q, const float *score)
{
    int best = -1;
    for (int h = 0; h < TIMING_HOURS; h++)
        if (timing_allows(q, (unsigned)h) && (best < 0 || score[h] > score[best]))
            best = h;
    return best;
}

void timing_chances(const timing_question *q, const float *score, float explore,
                    float ret[TIMING_HOURS])
{
    float each = (score ? explore : 1) / (float)__builtin_popcount(q->allowed);
    for (unsigned h = 0; h < TIMING_HOURS; h++)
        ret[h] = timing_allows(q, h) ? each : 0;
    if (score && q->allowed)
        ret[best_of(q, score)] += 1 - explore;
}

static unsigned nth_allowed(const timing_question *q, unsigned n)
{
    for (unsigned h = 0;; h++)
        if (timing_allows(q, h) && n-- == 0)
            return h;
}

bool timing_choose(const timing_model *m, const history *h, const timing_question *q, bool holdout,
                   uint64_t seed, timing_choice *ret)
{
    timing_question in = *q;
    in.allowed &= (UINT32_C(1) << TIMING_HOURS) - 1;
    unsigned n = (unsigned)__builtin_popcount(in.allowed);
    if (n == 0)
        return false;
    timing_random r = {seed};
    timing_predict(m, h, &in, &ret->estimate);
    ret->explore = holdout ? 1 : timing_explore_share(m, &in);
    unsigned best = (unsigned)best_of(&in, ret->estimate.mean);
    bool explores = timing_random_unit(&r) < (double)ret->explore;
    unsigned hour = explores ? nth_allowed(&in, timing_random_below(&r, n)) : best;
    ret->chooser = holdout ? CHOSE_HOLDOUT : explores ? CHOSE_EXPLORE : CHOSE_BEST;
    ret->hour = (uint8_t)hour;
    ret->propensity = ret->explore / (float)n + (hour == best ? 1 - ret->explore : 0);
    return true;
}
