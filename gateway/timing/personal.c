#include "gateway/timing/personal.h"

#include <math.h>
#include <string.h>

static const float level_pull = 2;  /* expected answers before a debtor's own level counts half */
static const float hour_pull = 2;   /* the same for one hour */
static const float fade = .985F;    /* of each contact's weight with every newer one */
static const float other_day = .4F; /* what a weekday says about the weekend, and the reverse */
static const float kernel[] = {1, .5F, .1F};
static const float most = .97F;

typedef struct {
    float observed, expected; /* S, E */
    float s[TIMING_DAYTYPES][TIMING_HOURS], e[TIMING_DAYTYPES][TIMING_HOURS];
} totals;

static void add_late(const timing_tables *t, unsigned segment, const history_contact *c, float w,
                     totals *ret)
{
    unsigned row = timing_row(c->channel, c->daytype);
    const float *p = t->segment[segment] + row;
    unsigned last = t->last[row / TIMING_HOURS];
    float sum = 0;
    unsigned late = c->hour + c->late;
    if (late > last)
        last = late;
    for (unsigned g = c->hour + 1U; g <= last; g++)
        sum += p[g];
    ret->s[c->daytype][late] += w;
    for (unsigned g = c->hour + 1U; g <= last; g++)
        ret->e[c->daytype][g] += w * p[g] / sum;
}

static void add_up(const timing_tables *t, unsigned segment, const history *h, totals *ret)
{
    memset(ret, 0, sizeof *ret);
    float w = 1;
    for (uint32_t i = h->n; i-- > 0;) {
        const history_contact *c = &h->contacts[i];
        float trust = w * history_trust(c->result);
        float p = t->segment[segment][timing_cell(c->channel, c->daytype, c->hour)];
        float yes = history_is_yes(c->result) ? trust : 0;
        ret->observed += yes;
        ret->expected += trust * p;
        ret->s[c->daytype][c->hour] += yes;
        ret->e[c->daytype][c->hour] += trust * p;
        if (c->result == RESULT_LATE)
            add_late(t, segment, c, w, ret);
        w *= fade;
    }
}

void timing_personal(const timing_tables *t, const history *h, const timing_question *q,
                     timing_estimate *ret)
{
    totals sum;
    unsigned row = timing_row(q->channel, q->daytype);
    const float *p1 = t->segment[q->segment] + row;
    add_up(t, q->segment, h, &sum);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->population, t->population + row, sizeof ret->population);
    memcpy(ret->segment, p1, sizeof ret->segment);
    ret->level = (sum.observed + level_pull) / (sum.expected + level_pull);
    for (int x = 0; x < TIMING_HOURS; x++) {
        if (!timing_allows(q, (unsigned)x))
            continue;
        float a = 0;
        float b = 0;
        for (int g = x < 2 ? 0 : x - 2; g <= x + 2 && g < TIMING_HOURS; g++) {
            float k = kernel[g > x ? g - x : x - g];
            a += k * (sum.s[q->daytype][g] + other_day * sum.s[!q->daytype][g]);
            b += k * (sum.e[q->daytype][g] + other_day * sum.e[!q->daytype][g]);
        }
        ret->debtor[x] = p1[x] * ret->level;
        ret->weight[x] = b;
        ret->mean[x] = fminf(most, p1[x] * (hour_pull + a) / (hour_pull / ret->level + b));
    }
}
