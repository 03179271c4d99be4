/* ceiling.c - what a perfect model could reach: a Bayes filter over debtors drawn from the true
 * generator. Not deployable, since nobody has the generator of real debtors. */
#include "gateway/timing/choose.h"
#include "gateway/timing/lab/policies_internal.h"
#include "gateway/timing/lab/world.h"

#include <string.h>

enum { POOL = 1500 };

typedef struct {
    policy base;
    const uint8_t *segments;
    world_debtor *pool[WORLD_SEGMENTS];
    float (*weights)[POOL];
} ceiling;

static void destroy(policy *p)
{
    ceiling *c = (ceiling *)p;
    for (unsigned g = 0; g < WORLD_SEGMENTS; g++)
        free(c->pool[g]);
    free(c->weights);
    free(c);
}

static policy *make(const policy_row *row, const policy_start *start)
{
    ceiling *c = calloc(1, sizeof *c);
    timing_random r = {77};
    unsigned full = 0;
    unsigned n[WORLD_SEGMENTS] = {0};
    bool good = c != NULL;
    if (!c)
        return NULL;
    c->base.row = row;
    c->segments = start->segments;
    c->weights = malloc((start->persons + 1) * sizeof *c->weights);
    for (unsigned g = 0; g < WORLD_SEGMENTS; g++)
        good = (c->pool[g] = malloc(POOL * sizeof *c->pool[g])) != NULL && good;
    if (!good || !c->weights) {
        destroy(&c->base);
        return NULL;
    }
    while (full < WORLD_SEGMENTS) {
        world_debtor d;
        world_debtor_make(&d, WORLD_NORMAL, &r);
        if (n[d.segment] == POOL)
            continue;
        c->pool[d.segment][n[d.segment]++] = d;
        full += n[d.segment] == POOL;
    }
    for (size_t i = 0; i < start->persons; i++)
        for (unsigned k = 0; k < POOL; k++)
            c->weights[i][k] = 1.0F / POOL;
    return &c->base;
}

static void ask(policy *p, size_t person, const timing_question *q, timing_random *r, float *choose,
                float *mean)
{
    (void)r;
    const ceiling *c = (const ceiling *)p;
    const world_debtor *pool = c->pool[q->segment];
    float score[TIMING_HOURS] = {0};
    for (unsigned k = 0; k < POOL; k++)
        if (c->weights[person][k] > 1e-5F)
            for (unsigned h = 0; h < WORLD_HOURS; h++)
                score[h + WORLD_FIRST_HOUR] +=
                    c->weights[person][k] * pool[k].p[q->channel][q->daytype][h];
    timing_chances(q, score, .05F, choose);
    if (mean)
        memcpy(mean, score, sizeof score);
}

static void learn(policy *p, size_t person, const history_contact *x, int32_t day)
{
    (void)day;
    ceiling *c = (ceiling *)p;
    const world_debtor *pool = c->pool[c->segments[person]];
    float *w = c->weights[person];
    float sum = 0;
    for (unsigned k = 0; k < POOL; k++) {
        const float *row = pool[k].p[x->channel][x->daytype];
        float chance = row[x->hour - WORLD_FIRST_HOUR];
        float say = history_is_yes(x->result) ? chance : 1 - chance;
        if (x->result == RESULT_LATE) {
            float rest = 0;
            for (unsigned h = x->hour + 1U - WORLD_FIRST_HOUR; h < WORLD_HOURS; h++)
                rest += row[h];
            say *= row[x->hour + x->late - WORLD_FIRST_HOUR] / rest;
        }
        sum += w[k] = (.996F * w[k] + .004F / POOL) * say;
    }
    for (unsigned k = 0; k < POOL; k++)
        w[k] /= sum;
}

const policy_row policy_ceiling = {
    {"ceiling", "(ceiling) knows the generator", true, true}, make, destroy, ask, learn, NULL};
