#include "gateway/timing/lab/policies.h"

#include "gateway/timing/lab/policies_internal.h"

#include <string.h>

static const policy_row *const table[] = {
    &policy_fixed,    &policy_random,   &policy_population, &policy_segment,
    &policy_frequent, &policy_thompson, &policy_linucb,     &policy_a,
    &policy_b,        &policy_dunlin,   &policy_ceiling,
};

size_t policy_count(void)
{
    return GW_COUNT(table);
}

policy_about policy_describe(size_t i)
{
    return table[i]->about;
}

policy *policy_new(size_t i, const policy_start *start)
{
    return table[i]->make(table[i], start);
}

void policy_free(policy *p)
{
    if (p)
        p->row->destroy(p);
}

void policy_ask(policy *p, size_t person, const timing_question *q, timing_random *r,
                float ret_choose[TIMING_HOURS], float ret_mean[TIMING_HOURS])
{
    memset(ret_choose, 0, TIMING_HOURS * sizeof *ret_choose);
    p->row->ask(p, person, q, r, ret_choose, ret_mean);
}

void policy_learn(policy *p, size_t person, const history_contact *c, int32_t day)
{
    if (p->row->learn)
        p->row->learn(p, person, c, day);
}

void policy_night(policy *p)
{
    if (p->row->night)
        p->row->night(p);
}

unsigned policy_draw(const float choose[TIMING_HOURS], timing_random *r)
{
    double u = timing_random_unit(r);
    unsigned last = 0;
    for (unsigned h = 0; h < TIMING_HOURS; h++) {
        if (choose[h] <= 0)
            continue;
        last = h;
        if (u < (double)choose[h])
            return h;
        u -= (double)choose[h];
    }
    return last;
}
