/* willing_prior.c - the model a gateway has before it has seen a ledger, and a trained one read in.
 */
#include "gateway/timing/willing.h"

enum { KNOTS = 3 };

/* What practice expects, no more: late payers pay late again, promises tell, old debts are harder.
 * Log-odds of paying within 30 days; the curves of 7 days are the same around a lower average. */
static const struct {
    double knots[KNOTS], weights[KNOTS], missing;
} curves[WILLING_COLUMN_COUNT] = {
    [WILLING_HISTORY] = {{0, 3, 12}, {0, 0.1, 0.2}, 0},
    [WILLING_LATE_SHARE] = {{0, 0.3, 1}, {0.8, 0.1, -0.9}, 0},
    [WILLING_MEAN_LATE] = {{0, 10, 45}, {0.4, 0, -0.6}, 0},
    [WILLING_LAST_LATE] = {{0, 10, 45}, {0.3, 0, -0.5}, 0},
    [WILLING_TREND] = {{-20, 0, 20}, {0.2, 0, -0.3}, 0},
    [WILLING_SINCE_PAYMENT] = {{15, 60, 180}, {0.3, 0, -0.7}, -0.2},
    [WILLING_PARTIAL_SHARE] = {{0, 0.5, 1}, {0.1, 0, -0.2}, 0},
    [WILLING_PROMISES_KEPT] = {{0, 1, 3}, {0, 0.4, 0.7}, 0},
    [WILLING_PROMISES_BROKEN] = {{0, 1, 3}, {0, -0.7, -1.2}, 0},
    [WILLING_OVERDUE_SHARE] = {{0, 0.5, 1}, {0.3, 0, -0.3}, 0},
    [WILLING_DAYS_OVERDUE] = {{0, 30, 120}, {0.3, -0.2, -1.2}, 0},
    [WILLING_DISPUTED_SHARE] = {{0, 0.2, 1}, {0, -0.2, -0.6}, 0},
    [WILLING_UNANSWERED] = {{0, 2, 6}, {0, -0.3, -0.7}, 0},
    [WILLING_AMOUNT] = {{2, 4, 6}, {0.1, 0, -0.2}, 0},
};

gw_code willing_read(gw_str json, additive **ret, gw_err *err)
{
    GW_AUTO(additive_free) additive *m = NULL;
    gw_code rc = additive_load(json, &m, err);
    if (rc != GW_OK)
        return rc;
    bool same = additive_columns(m) == WILLING_COLUMN_COUNT;
    for (size_t i = 0; same && i < WILLING_COLUMN_COUNT; i++)
        same = strcmp(additive_name(m, i), willing_column_name((willing_column)i)) == 0;
    if (!same)
        return gw_fail(err, GW_EINVAL,
                       "this model was not trained on a ledger: its columns are others");
    *ret = m;
    m = NULL;
    return GW_OK;
}

additive *willing_prior(int days)
{
    const char *names[WILLING_COLUMN_COUNT];
    for (size_t i = 0; i < WILLING_COLUMN_COUNT; i++)
        names[i] = willing_column_name((willing_column)i);
    additive *m = additive_new(names, WILLING_COLUMN_COUNT);
    for (size_t i = 0; m && i < WILLING_COLUMN_COUNT; i++)
        additive_set(m, i, curves[i].knots, curves[i].weights, KNOTS, curves[i].missing);
    if (m)
        additive_set_bias(m, days <= 7 ? -0.6 : 0.2);
    return m;
}
