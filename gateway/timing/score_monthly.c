/* score_monthly.c - accounts with a column a month: how late, how much was billed, how much was
 * paid.
 *
 * The months become what a small decayed state would hold, so that a row says how the account
 * behaves and not what happened in one month. Lateness of -1 and -2 (paid in full, nothing used) is
 * kept as it is: public tables write it so. */
#include "gateway/timing/score_part.h"

#include <math.h>
#include <stdio.h>

enum { MONTHS_MAX = 24 };
static const double fade = 0.7; /* of a month's weight a month later */

typedef struct {
    int late[MONTHS_MAX], bill[MONTHS_MAX], paid[MONTHS_MAX]; /* columns, oldest first; -1 none */
    size_t n;
    int limit;
    bool in_money; /* bills and payments are amounts, to be divided by the limit */
} layout;

static int column_of(const score_sheet *s, const char *stem, int k)
{
    char name[SCORE_NAME_MAX];
    snprintf(name, sizeof name, "%s%d", stem, k);
    const char *const names[] = {name, NULL};
    return score_column(s, names);
}

static bool oldest_first(const score_sheet *s, layout *ret)
{
    static const char *const limits[] = {"limitk", "limit", NULL};
    for (int k = 1; k <= MONTHS_MAX && column_of(s, "late", k) >= 0; k++) {
        ret->late[ret->n] = column_of(s, "late", k);
        ret->bill[ret->n] = column_of(s, "bill", k);
        ret->paid[ret->n++] = column_of(s, "paid", k);
    }
    ret->limit = score_column(s, limits);
    return ret->n >= 3;
}

/* PAY_0 is the newest month, PAY_2 the one before it: the public table has no PAY_1. */
static bool newest_first(const score_sheet *s, layout *ret)
{
    static const char *const limits[] = {"limitbal", "limit", NULL};
    int late[MONTHS_MAX];
    for (int k = 0; k < MONTHS_MAX; k++) {
        int c = column_of(s, "pay", k);
        if (c >= 0)
            late[ret->n++] = c;
    }
    for (size_t i = 0; i < ret->n; i++) {
        int month = (int)(ret->n - i); /* BILL_AMT1 is the newest */
        ret->late[i] = late[month - 1];
        ret->bill[i] = column_of(s, "billamt", month);
        ret->paid[i] = column_of(s, "payamt", month);
    }
    ret->limit = score_column(s, limits);
    ret->in_money = true;
    return ret->n >= 3;
}

static bool layout_of(const score_sheet *s, layout *ret)
{
    *ret = (layout){0};
    if (oldest_first(s, ret))
        return true;
    *ret = (layout){0};
    return newest_first(s, ret);
}

bool score_is_monthly(const score_sheet *s)
{
    layout l;
    return layout_of(s, &l);
}

/* ---- a row ---- */

enum {
    LATE_NOW,
    LATE_BEFORE,
    LATE_TWO_BEFORE,
    LATE_MAX,
    LATE_FADED,
    MONTHS_LATE,
    MONTHS_VERY_LATE,
    LATE_TREND,
    SINCE_LATE,
    UNPAID_FADED,
    PAID_FADED,
    PAID_NOW,
    PAID_BEFORE,
    PAID_MEAN,
    USED_NOW,
    USED_MEAN,
    USED_TREND,
    LIMIT,
    COLUMN_COUNT
};

static const char *const names[COLUMN_COUNT] = {
    "late_now",           "late_before",      "late_two_before",
    "late_max",           "late_faded",       "months_late",
    "months_very_late",   "late_trend",       "months_since_late",
    "unpaid_bills_faded", "paid_share_faded", "paid_now",
    "paid_before",        "paid_mean",        "used_now",
    "used_mean",          "used_trend",       "limit"};

typedef struct {
    double late[MONTHS_MAX], bill[MONTHS_MAX], paid[MONTHS_MAX], limit;
    size_t n;
} months;

static gw_code read_cell(const score_sheet *s, size_t r, int column, double *ret, gw_err *err)
{
    *ret = NAN;
    if (column < 0 || score_number(s->rows[r][column], ret))
        return GW_OK;
    return gw_fail(err, GW_EINVAL, "CSV line %u, column %.*s: a number is expected", s->line[r],
                   (int)(s->header[column].n < 60 ? s->header[column].n : 60), s->header[column].p);
}

static gw_code read_months(const score_sheet *s, const layout *l, size_t r, months *ret,
                           gw_err *err)
{
    gw_code rc = read_cell(s, r, l->limit, &ret->limit, err);
    ret->n = l->n;
    double unit = l->in_money ? ret->limit : 1;
    for (size_t i = 0; i < l->n && rc == GW_OK; i++) {
        rc = read_cell(s, r, l->late[i], &ret->late[i], err);
        if (rc == GW_OK)
            rc = read_cell(s, r, l->bill[i], &ret->bill[i], err);
        if (rc == GW_OK)
            rc = read_cell(s, r, l->paid[i], &ret->paid[i], err);
        ret->bill[i] /= unit;
        ret->paid[i] /= unit;
    }
    return rc;
}

static double log_share(double v)
{
    return isfinite(v) ? log1p(50 * fmax(0, v)) : (double)NAN;
}

static void fold_month(const months *m, size_t i, double *x)
{
    double late = fmax(0, m->late[i]);
    bool billed = m->bill[i] > 0;
    double before = i ? m->bill[i - 1] : m->bill[i];
    x[LATE_FADED] = fade * x[LATE_FADED] + (late > 0);
    x[LATE_MAX] = fmax(x[LATE_MAX], late);
    x[MONTHS_LATE] += late > 0;
    x[MONTHS_VERY_LATE] += late >= 2;
    x[SINCE_LATE] = late > 0 ? 0 : x[SINCE_LATE] + 1;
    if (!isfinite(m->paid[i]) || !isfinite(m->bill[i]))
        return;
    x[UNPAID_FADED] = fade * x[UNPAID_FADED] + (billed && m->paid[i] <= 0);
    x[PAID_FADED] = fade * x[PAID_FADED] + fmin(1, m->paid[i] / fmax(before, 0.02));
    x[PAID_MEAN] += m->paid[i] / (double)m->n;
    x[USED_MEAN] += m->bill[i] / (double)m->n;
}

static void row_of(const months *m, double *x)
{
    size_t last = m->n - 1;
    memset(x, 0, COLUMN_COUNT * sizeof *x);
    for (size_t i = 0; i < m->n; i++)
        fold_month(m, i, x);
    x[LATE_NOW] = m->late[last];
    x[LATE_BEFORE] = m->late[last - 1];
    x[LATE_TWO_BEFORE] = m->late[last - 2];
    x[LATE_TREND] = m->late[last] - m->late[last - 1];
    x[PAID_NOW] = log_share(m->paid[last]);
    x[PAID_BEFORE] = log_share(m->paid[last - 1]);
    x[PAID_MEAN] = log_share(x[PAID_MEAN]);
    x[USED_NOW] = m->bill[last];
    x[USED_TREND] = m->bill[last] - m->bill[0];
    x[LIMIT] = m->limit > 0 ? log10(m->limit) : (double)NAN;
}

gw_code score_read_monthly(const score_sheet *s, int outcome, score_table *t, gw_err *err)
{
    layout l;
    layout_of(s, &l);
    t->column_n = COLUMN_COUNT;
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        score_name(t->names[i], gw_str_of(names[i]));
    for (size_t i = 0; i < s->column_n; i++) {
        bool used = (int)i == outcome || (int)i == l.limit;
        for (size_t k = 0; k < l.n; k++)
            used = used || (int)i == l.late[k] || (int)i == l.bill[k] || (int)i == l.paid[k];
        if (!used)
            score_leave_out(t, s->header[i], "not behaviour");
    }
    gw_code rc = score_rows(t, s->row_n, err);
    for (size_t r = 0; r < s->row_n && rc == GW_OK; r++) {
        months m;
        rc = read_months(s, &l, r, &m, err);
        if (rc == GW_OK)
            row_of(&m, t->x + r * COLUMN_COUNT);
    }
    return rc;
}
