#include "gateway/timing/score_run.h"

#include <math.h>

void score_run_done(score_run *r)
{
    additive_free(r->model);
    free(r->p);
    *r = (score_run){0};
}

static int by_known(const void *a, const void *b, void *arg)
{
    const double *known = arg;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    if (known[x] != known[y])
        return known[x] < known[y] ? -1 : 1;
    return (x > y) - (x < y);
}

static const double *row(const score_table *t, size_t i)
{
    return t->x + i * t->column_n;
}

static gw_code walk(const score_table *t, additive *m, double *p, gw_err *err)
{
    size_t *order = calloc(t->n, sizeof *order);
    size_t taught = 0;
    if (!order)
        return gw_fail(err, GW_ENOMEM, "scoring a table: out of memory");
    for (size_t i = 0; i < t->n; i++)
        order[i] = i;
    qsort_r(order, t->n, sizeof *order, by_known, t->known);
    bool room = true;
    for (size_t i = 0; i < t->n && room; i++) {
        for (; room && taught < t->n && t->known[order[taught]] < t->at[i]; taught++)
            room = additive_learn(m, row(t, order[taught]), t->y[order[taught]]);
        p[i] = additive_predict(m, row(t, i), NULL);
    }
    for (; room && taught < t->n; taught++)
        room = additive_learn(m, row(t, order[taught]), t->y[order[taught]]);
    free(order);
    return room ? GW_OK : gw_fail(err, GW_ENOMEM, "scoring a table: out of memory");
}

static void best_alone(const score_table *t, scorecard_pair *pairs, score_run *r)
{
    size_t n = t->n - r->scored_from;
    r->baseline = -1;
    for (size_t c = 0; c < t->column_n; c++) {
        for (size_t i = 0; i < n; i++) {
            double v = row(t, r->scored_from + i)[c];
            pairs[i] = (scorecard_pair){isfinite(v) ? v : -1e300, t->y[r->scored_from + i]};
        }
        double a = scorecard_auc(pairs, n);
        a = a < 0.5 ? 1 - a : a;
        if (r->baseline < 0 || a > r->baseline_auc) {
            r->baseline = (int)c;
            r->baseline_auc = a;
        }
    }
}

gw_code score_run_table(const score_table *t, score_run *ret, gw_err *err)
{
    const char *names[SCORE_COLUMNS_MAX];
    for (size_t i = 0; i < t->column_n; i++)
        names[i] = t->names[i];
    score_run r = {.scored_from = t->n / 2, .p = calloc(t->n + 1, sizeof *r.p)};
    size_t n = t->n - r.scored_from;
    scorecard_pair *pairs = calloc(n + 1, sizeof *pairs);
    r.model = additive_new(names, t->column_n);
    size_t placing = r.scored_from < SCORE_PLACE_MAX ? r.scored_from : SCORE_PLACE_MAX;
    gw_code rc = r.model && r.p && pairs && additive_place(r.model, t->x, placing)
                     ? GW_OK
                     : gw_fail(err, GW_ENOMEM, "scoring a table: out of memory");
    if (rc == GW_OK)
        rc = walk(t, r.model, r.p, err);
    if (rc == GW_OK) {
        for (size_t i = 0; i < n; i++)
            pairs[i] = (scorecard_pair){r.p[r.scored_from + i], t->y[r.scored_from + i]};
        scorecard_of(pairs, n, &r.card);
        if (r.card.positive == 0 || r.card.positive == n)
            rc = gw_fail(err, GW_EINVAL,
                         "every outcome of the second half is the same: nothing to rank");
        else
            best_alone(t, pairs, &r);
    }
    free(pairs);
    if (rc != GW_OK)
        score_run_done(&r);
    else
        *ret = r;
    return rc;
}
