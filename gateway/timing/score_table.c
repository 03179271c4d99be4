#include "gateway/timing/score_part.h"

#include "gateway/base/csv.h"

#include <ctype.h>
#include <math.h>

const char *score_kind_name(score_kind k)
{
    static const char *const names[] = {"ledger", "monthly", "generic"};
    return names[k];
}

void score_table_free(score_table *t)
{
    if (!t)
        return;
    free(t->x);
    free(t->y);
    free(t->line);
    free(t->at);
    free(t->known);
    free(t);
}

void score_name(char ret[SCORE_NAME_MAX], gw_str name)
{
    size_t n = name.n < SCORE_NAME_MAX ? name.n : SCORE_NAME_MAX - 1;
    memcpy(ret, name.p, n);
    ret[n] = 0;
}

void score_leave_out(score_table *t, gw_str name, const char *why)
{
    if (t->left_out_n == SCORE_COLUMNS_MAX)
        return;
    score_name(t->left_out[t->left_out_n].name, name);
    t->left_out[t->left_out_n++].why = why;
}

gw_code score_rows(score_table *t, size_t n, gw_err *err)
{
    t->x = calloc(n * t->column_n + 1, sizeof *t->x);
    t->y = calloc(n + 1, sizeof *t->y);
    t->line = calloc(n + 1, sizeof *t->line);
    t->at = calloc(n + 1, sizeof *t->at);
    t->known = calloc(n + 1, sizeof *t->known);
    return t->x && t->y && t->line && t->at && t->known
               ? GW_OK
               : gw_fail(err, GW_ENOMEM, "reading a table: out of memory");
}

/* ---- the sheet ---- */

static void plain_name(gw_str name, char ret[SCORE_NAME_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < name.n && n + 1 < SCORE_NAME_MAX; i++)
        if (isalnum((unsigned char)name.p[i]))
            ret[n++] = (char)tolower((unsigned char)name.p[i]);
    ret[n] = 0;
}

static gw_code read_header(score_sheet *s, const csv_row *row, gw_err *err)
{
    s->column_n = row->n;
    for (size_t i = 0; i < row->n; i++) {
        char *copy = gw_arena_copy(s->arena, row->cells[i]);
        if (!copy)
            return gw_fail(err, GW_ENOMEM, "reading a table: out of memory");
        s->header[i] = (gw_str){copy, row->cells[i].n};
        plain_name(s->header[i], s->plain[i]);
    }
    return GW_OK;
}

static gw_code grow(score_sheet *s, gw_err *err)
{
    size_t cap = s->row_cap ? 2 * s->row_cap : 1024;
    if (s->row_n == SCORE_ROWS_MAX)
        return gw_fail(err, GW_ELIMIT, "the table has more than %d rows", SCORE_ROWS_MAX);
    gw_str **rows = realloc(s->rows, cap * sizeof *rows);
    if (rows)
        s->rows = rows;
    uint32_t *line = rows ? realloc(s->line, cap * sizeof *line) : NULL;
    if (!line)
        return gw_fail(err, GW_ENOMEM, "reading a table: out of memory");
    s->line = line;
    s->row_cap = cap;
    return GW_OK;
}

static gw_code on_row(void *arg, const csv_row *row, gw_err *err)
{
    score_sheet *s = arg;
    if (s->column_n == 0)
        return read_header(s, row, err);
    if (row->n != s->column_n)
        return gw_fail(err, GW_EINVAL, "CSV line %zu has %zu cells, the header has %zu", row->line,
                       row->n, s->column_n);
    gw_code rc = s->row_n == s->row_cap ? grow(s, err) : GW_OK;
    if (rc != GW_OK)
        return rc;
    gw_str *cells = gw_arena_alloc(s->arena, row->n * sizeof *cells);
    for (size_t i = 0; cells && i < row->n; i++) {
        char *copy = gw_arena_copy(s->arena, row->cells[i]);
        cells[i] = (gw_str){copy, row->cells[i].n};
        cells = copy ? cells : NULL;
    }
    if (!cells)
        return gw_fail(err, GW_ENOMEM, "reading a table: out of memory");
    s->rows[s->row_n] = cells;
    s->line[s->row_n++] = (uint32_t)row->line;
    return GW_OK;
}

int score_column(const score_sheet *s, const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 0; i < s->column_n; i++)
            if (strcmp(s->plain[i], *names) == 0)
                return (int)i;
    return -1;
}

bool score_number(gw_str cell, double *ret)
{
    static const char *const missing[] = {"NA", "N/A", "null", "NULL", "nan", "NaN", "?"};
    *ret = NAN;
    while (cell.n && (*cell.p == ' ' || *cell.p == '\t'))
        cell = (gw_str){cell.p + 1, cell.n - 1};
    while (cell.n && cell.p[cell.n - 1] == ' ')
        cell.n--;
    if (cell.n == 0)
        return true;
    for (size_t i = 0; i < GW_COUNT(missing); i++)
        if (gw_str_is(cell, missing[i]))
            return true;
    char text[64], *end;
    if (cell.n >= sizeof text || !(isdigit((unsigned char)*cell.p) || strchr("+-.", *cell.p)))
        return false;
    memcpy(text, cell.p, cell.n);
    text[cell.n] = 0;
    double v = strtod(text, &end);
    if (*end || !isfinite(v))
        return false;
    *ret = v;
    return true;
}

/* ---- the outcome ---- */

gw_code score_outcome(const score_sheet *s, size_t r, int column, uint8_t *ret, gw_err *err)
{
    static const struct {
        const char *word;
        uint8_t y;
    } words[] = {{"yes", 1}, {"no", 0}, {"true", 1}, {"false", 0}, {"y", 1}, {"n", 0}};
    double v;
    gw_str cell = s->rows[r][column];
    char plain[SCORE_NAME_MAX];
    if (score_number(cell, &v) && (v == 0 || v == 1)) {
        *ret = v == 1;
        return GW_OK;
    }
    plain_name(cell, plain);
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (strcmp(plain, words[i].word) == 0) {
            *ret = words[i].y;
            return GW_OK;
        }
    return gw_fail(err, GW_EINVAL,
                   "CSV line %u, column %.*s: the outcome must be 0 or 1; name the outcome with "
                   "--outcome COLUMN",
                   s->line[r], (int)(s->header[column].n < 60 ? s->header[column].n : 60),
                   s->header[column].p);
}

static bool is_binary(const score_sheet *s, int column)
{
    uint8_t y;
    for (size_t r = 0; r < s->row_n; r++)
        if (score_outcome(s, r, column, &y, NULL) != GW_OK)
            return false;
    return true;
}

static gw_code find_outcome(const score_sheet *s, const char *named, int *ret, gw_err *err)
{
    static const char *const usual[] = {"defaultnext", "defaultpaymentnextmonth",
                                        "paidnext",    "default",
                                        "paid",        "outcome",
                                        "label",       "target",
                                        "y",           NULL};
    if (named) {
        char plain[SCORE_NAME_MAX];
        plain_name(gw_str_of(named), plain);
        const char *const wanted[] = {plain, NULL};
        *ret = score_column(s, wanted);
        return *ret >= 0
                   ? GW_OK
                   : gw_fail(err, GW_EINVAL,
                             "the table has no column \"%.60s\" (line 1 names the columns)", named);
    }
    *ret = score_column(s, usual);
    if (*ret < 0 && is_binary(s, (int)s->column_n - 1))
        *ret = (int)s->column_n - 1;
    return *ret >= 0 ? GW_OK
                     : gw_fail(err, GW_EINVAL,
                               "no outcome: no usual name in line 1 and the last column is not "
                               "only 0 and 1; name it with --outcome COLUMN");
}

static bool is_bad_end(const char *plain)
{
    static const char *const words[] = {"default", "late", "bad", "churn", "overdue", "unpaid"};
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (strstr(plain, words[i]))
            return true;
    return false;
}

/* A table with an outcome column: one example a row, in the order of the file. */
static gw_code read_rows(const score_sheet *s, int outcome, score_table *t, gw_err *err)
{
    GW_AUTO_FREE uint8_t *y = calloc(s->row_n, sizeof *y);
    gw_code rc = y ? GW_OK : gw_fail(err, GW_ENOMEM, "reading a table: out of memory");
    for (size_t r = 0; rc == GW_OK && r < s->row_n; r++)
        rc = score_outcome(s, r, outcome, &y[r], err);
    if (rc == GW_OK)
        rc = t->kind == SCORE_MONTHLY ? score_read_monthly(s, outcome, t, err)
                                      : score_read_generic(s, outcome, t, err);
    if (rc != GW_OK)
        return rc;
    t->n = s->row_n;
    memcpy(t->y, y, t->n * sizeof *y);
    memcpy(t->line, s->line, t->n * sizeof *t->line);
    for (size_t r = 0; r < t->n; r++) {
        t->at[r] = (double)r;
        t->known[r] = (double)r + 0.5;
    }
    return GW_OK;
}

static gw_code read_sheet(const score_sheet *s, const score_options *o, score_table *t, gw_err *err)
{
    int outcome;
    if (!o->outcome && score_is_ledger(s)) {
        t->kind = SCORE_LEDGER;
        t->y_pays = true;
        return score_read_ledger(s, o, t, err);
    }
    gw_code rc = find_outcome(s, o->outcome, &outcome, err);
    if (rc != GW_OK)
        return rc;
    score_name(t->outcome, s->header[outcome]);
    t->y_pays = !is_bad_end(s->plain[outcome]);
    t->kind = score_is_monthly(s) ? SCORE_MONTHLY : SCORE_GENERIC;
    return read_rows(s, outcome, t, err);
}

gw_code score_table_read(gw_str csv, const score_options *options, score_table **ret, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(SCORE_ARENA_MAX);
    GW_AUTO(score_table_free) score_table *t = calloc(1, sizeof *t);
    score_sheet *s = calloc(1, sizeof *s);
    gw_code rc = GW_OK;
    if (!arena || !t || !s)
        rc = gw_fail(err, GW_ENOMEM, "reading a table: out of memory");
    if (rc == GW_OK) {
        s->arena = arena;
        rc = csv_parse(csv, NULL, on_row, s, err);
    }
    if (rc == GW_OK && s->row_n < SCORE_ROWS_MIN)
        rc = gw_fail(err, GW_EINVAL, "the table has %zu rows below its header; %d are needed",
                     s->row_n, SCORE_ROWS_MIN);
    if (rc == GW_OK)
        rc = read_sheet(s, options, t, err);
    if (s) {
        free(s->rows);
        free(s->line);
    }
    free(s);
    if (rc != GW_OK)
        return rc;
    *ret = t;
    t = NULL;
    return GW_OK;
}
