#include "gateway/timing/model.h"

#include <math.h>

static const float personal_share = .2F; /* of A in B's mean, as powers: two views err less */
static const float least_explored = .05F;
static const float young =
    30; /* contacts of a row after which half the decisions explore no more */

timing_model *timing_model_new(void)
{
    timing_counts *none = calloc(1, sizeof *none);
    timing_model *m = calloc(1, sizeof *m);
    if (m && none) {
        m->kind = MODEL_A;
        timing_tables_make(none, &m->tables);
    } else {
        free(m);
        m = NULL;
    }
    free(none);
    return m;
}

void timing_model_free(timing_model *m)
{
    free(m);
}

void timing_predict(const timing_model *m, const history *h, const timing_question *q,
                    timing_estimate *ret)
{
    timing_personal(&m->tables, h, q, ret);
    if (m->kind != MODEL_B)
        return;
    timing_estimate b;
    archetype_estimate(&m->index, &m->tables, h, q, &b);
    for (unsigned x = 0; x < TIMING_HOURS; x++) {
        if (!timing_allows(q, x))
            continue;
        ret->mean[x] = b.mean[x] * powf(ret->mean[x] / b.mean[x], personal_share);
        ret->debtor[x] = b.debtor[x];
    }
    ret->archetype = b.archetype;
    ret->archetype_weight = b.archetype_weight;
}

float timing_explore_share(const timing_model *m, const timing_question *q)
{
    float seen = m->tables.tried[timing_row(q->channel, q->daytype) / TIMING_HOURS];
    return fminf(1, fmaxf(least_explored, young / (1 + seen)));
}
