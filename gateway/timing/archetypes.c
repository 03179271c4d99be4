#include "gateway/timing/archetypes.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const float fade = .985F;
static const float hour_pull = 10; /* expected answers before an hour of the debtor's counts half */
static const float neighbour = .4F;
static const float other_day = .3F;

const float archetype_levels[ARCHETYPE_LEVELS] = {.45F, 1, 1.8F};

static const float most = .97F;

static void index_cell(const archetypes *a, unsigned row, unsigned h, archetype_index *ret)
{
    unsigned cell = row + h;
    for (unsigned i = 0; i < ARCHETYPES; i++) {
        float p = a->curve[i][row + h];
        ret->profile[cell][i] = p;
        ret->log_p[cell][i] = logf(p);
        for (unsigned l = 0; l < ARCHETYPE_LEVELS; l++) {
            float x = fminf(most, p * archetype_levels[l]);
            ret->log_yes[cell][l * ARCHETYPES + i] = logf(x);
            ret->log_no[cell][l * ARCHETYPES + i] = logf(1 - x);
        }
    }
}

void archetype_index_make(const archetypes *a, const timing_tables *t, archetype_index *ret)
{
    for (unsigned g = 0; g < TIMING_SEGMENTS; g++)
        for (unsigned i = 0; i < ARCHETYPE_COMPONENTS; i++)
            ret->log_prior[g][i] = logf(a->prior[g][i]);
    for (unsigned row = 0; row < TIMING_CELLS; row += TIMING_HOURS) {
        for (unsigned h = 0; h < TIMING_HOURS; h++)
            index_cell(a, row, h, ret);
        for (unsigned i = 0; i < ARCHETYPES; i++) {
            float tail = 1e-6F;
            for (int h = TIMING_HOURS - 1; h >= 0; h--) {
                ret->log_tail[row + (unsigned)h][i] = logf(tail);
                if (h <= t->last[row / TIMING_HOURS])
                    tail += ret->profile[row + (unsigned)h][i];
            }
        }
    }
}

static void add_scaled(float *to, const float *from, float w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] += w * from[i];
}

void archetype_add_late(const archetype_index *ix, unsigned cell, unsigned late, float w,
                        float components[ARCHETYPE_COMPONENTS])
{
    float say[ARCHETYPES];
    for (unsigned i = 0; i < ARCHETYPES; i++)
        say[i] = ix->log_p[cell + late][i] - ix->log_tail[cell][i];
    for (unsigned l = 0; l < ARCHETYPE_LEVELS; l++)
        add_scaled(components + l * ARCHETYPES, say, w, ARCHETYPES);
}

static void exp_weights(float w[ARCHETYPE_COMPONENTS])
{
    float top = w[0];
    float sum = 0;
    for (unsigned i = 1; i < ARCHETYPE_COMPONENTS; i++)
        top = w[i] > top ? w[i] : top;
    for (unsigned i = 0; i < ARCHETYPE_COMPONENTS; i++)
        sum += w[i] = expf(w[i] - top);
    for (unsigned i = 0; i < ARCHETYPE_COMPONENTS; i++)
        w[i] /= sum;
}

void archetype_weights(const archetype_index *ix, unsigned segment, const history *h,
                       float ret[ARCHETYPE_COMPONENTS])
{
    float w = 1;
    memcpy(ret, ix->log_prior[segment], sizeof ix->log_prior[segment]);
    for (uint32_t i = h->n; i-- > 0;) {
        const history_contact *c = &h->contacts[i];
        unsigned cell = timing_cell(c->channel, c->daytype, c->hour);
        add_scaled(ret, history_is_yes(c->result) ? ix->log_yes[cell] : ix->log_no[cell],
                   w * history_trust(c->result), ARCHETYPE_COMPONENTS);
        if (c->result == RESULT_LATE)
            archetype_add_late(ix, cell, c->late, w, ret);
        w *= fade;
    }
    exp_weights(ret);
}

/* Four sums side by side, over the archetypes: one vector each step. */
static float dot(const float a[ARCHETYPES], const float b[ARCHETYPES])
{
    float lanes[4] = {0};
    for (unsigned i = 0; i < ARCHETYPES; i += 4)
        for (unsigned k = 0; k < 4; k++)
            lanes[k] += a[i + k] * b[i + k];
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}
static_assert(ARCHETYPES % 4 == 0, "dot takes four at a time");

typedef struct {
    float s[TIMING_DAYTYPES][TIMING_HOURS], e[TIMING_DAYTYPES][TIMING_HOURS];
} residual;

static void spread_late(const archetype_index *ix, const timing_tables *t, const history_contact *c,
                        const float v[ARCHETYPES], float w, residual *ret)
{
    unsigned row = timing_row(c->channel, c->daytype);
    unsigned last = t->last[row / TIMING_HOURS];
    unsigned late = c->hour + c->late;
    float mu[TIMING_HOURS];
    float sum = 0;
    last = late > last ? late : last;
    for (unsigned g = c->hour + 1U; g <= last; g++)
        sum += mu[g] = dot(ix->profile[row + g], v);
    for (unsigned g = c->hour + 1U; g <= last; g++)
        ret->e[c->daytype][g] += w * mu[g] / sum;
    ret->s[c->daytype][late] += w;
}

static void add_up(const archetype_index *ix, const timing_tables *t, const history *h,
                   const float v[ARCHETYPES], residual *ret)
{
    float w = 1;
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = h->n; i-- > 0;) {
        const history_contact *c = &h->contacts[i];
        unsigned row = timing_row(c->channel, c->daytype);
        float trust = w * history_trust(c->result);
        ret->e[c->daytype][c->hour] += trust * dot(ix->profile[row + c->hour], v);
        if (history_is_yes(c->result))
            ret->s[c->daytype][c->hour] += trust;
        if (c->result == RESULT_LATE)
            spread_late(ix, t, c, v, w, ret);
        w *= fade;
    }
}

static void find_heaviest(const float w[ARCHETYPE_COMPONENTS], timing_estimate *ret)
{
    ret->archetype_weight = 0;
    for (unsigned k = 0; k < ARCHETYPES; k++) {
        float sum = 0;
        for (unsigned l = 0; l < ARCHETYPE_LEVELS; l++)
            sum += w[l * ARCHETYPES + k];
        if (sum > ret->archetype_weight) {
            ret->archetype_weight = sum;
            ret->archetype = k;
        }
    }
}

void archetype_estimate(const archetype_index *ix, const timing_tables *t, const history *h,
                        const timing_question *q, timing_estimate *ret)
{
    float w[ARCHETYPE_COMPONENTS];
    float v[ARCHETYPES] = {0};
    unsigned row = timing_row(q->channel, q->daytype);
    residual r;
    memset(ret, 0, sizeof *ret);
    memcpy(ret->population, t->population + row, sizeof ret->population);
    memcpy(ret->segment, t->segment[q->segment] + row, sizeof ret->segment);
    archetype_weights(ix, q->segment, h, w);
    for (unsigned l = 0; l < ARCHETYPE_LEVELS; l++)
        add_scaled(v, w + l * ARCHETYPES, archetype_levels[l], ARCHETYPES);
    add_up(ix, t, h, v, &r);
    ret->level = 1;
    find_heaviest(w, ret);
    for (int x = 0; x < TIMING_HOURS; x++) {
        if (!timing_allows(q, (unsigned)x))
            continue;
        float a = hour_pull;
        float b = hour_pull;
        for (int g = x < 1 ? 0 : x - 1; g <= x + 1 && g < TIMING_HOURS; g++) {
            float k = g == x ? 1 : neighbour;
            a += k * (r.s[q->daytype][g] + other_day * r.s[!q->daytype][g]);
            b += k * (r.e[q->daytype][g] + other_day * r.e[!q->daytype][g]);
        }
        ret->debtor[x] = dot(ix->profile[row + (unsigned)x], v);
        ret->weight[x] = b - hour_pull;
        ret->mean[x] = fminf(most, ret->debtor[x] * a / b);
    }
}
