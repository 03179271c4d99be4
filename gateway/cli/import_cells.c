#include "gateway/cli/import_internal.h"

#include "gateway/base/money.h"
#include "gateway/base/time.h"
#include "gateway/wire/format.h"

#include <stdio.h>

enum { PHONE_MAX = 32, TERM_DAYS_MAX = 3650 };

static const struct {
    import_col col;
    const char *name;
} own_names[] = {
    {COL_CURRENCY, "currency"},  {COL_ZONE, "zone"},        {COL_AMOUNT, "contract amount"},
    {COL_DUE, "due date"},       {COL_ROLE, "role"},        {COL_LOCALE, "locale"},
    {COL_INVOICE, "invoice no"}, {COL_CUSTOMER, "customer"}};

/* Header as the table spells it; our own name for a column it lacks. */
static const char *column_name(const import_row *r, import_col c)
{
    if (r->layout->at[c] >= 0)
        return r->layout->header[c];
    for (size_t i = 0; i < GW_COUNT(own_names); i++)
        if (own_names[i].col == c)
            return own_names[i].name;
    return "?";
}

gw_code import_bad(const import_row *r, import_col c, gw_err *err, const char *what)
{
    return gw_fail(err, GW_EINVAL, "line %zu, column \"%s\": %s", r->row->line, column_name(r, c),
                   what);
}

static bool starts(gw_str s, const char *z)
{
    return s.n >= strlen(z) && memcmp(s.p, z, strlen(z)) == 0;
}

static bool ends(gw_str s, const char *z)
{
    return s.n >= strlen(z) && memcmp(s.p + s.n - strlen(z), z, strlen(z)) == 0;
}

/* Bytes of the blank (space, tab, no-break or wide space) at one end of s, 0 if there is none. */
static size_t blank(gw_str s, bool (*at)(gw_str s, const char *z))
{
    static const char *const blanks[] = {" ", "\t", "\xC2\xA0", "　"};
    for (size_t i = 0; i < GW_COUNT(blanks); i++)
        if (at(s, blanks[i]))
            return strlen(blanks[i]);
    return 0;
}

/* Blanks go, line breaks stay: they are errors. */
static gw_str trim(gw_str s)
{
    size_t n;
    while ((n = blank(s, starts)) > 0)
        s = (gw_str){s.p + n, s.n - n};
    while ((n = blank(s, ends)) > 0)
        s.n -= n;
    return s;
}

gw_str import_cell(const import_row *r, import_col c)
{
    int at = r->layout->at[c];
    return at < 0 ? (gw_str){"", 0} : trim(r->row->cells[at]);
}

gw_code import_text(const import_row *r, import_col c, const char *format, size_t max_bytes,
                    gw_str otherwise, gw_str *ret, gw_err *err)
{
    gw_str s = import_cell(r, c);
    if (s.n == 0) {
        *ret = otherwise;
        return GW_OK;
    }
    const char *expected = format_find(gw_str_of(format))(s);
    if (expected) {
        char what[160];
        snprintf(what, sizeof what, "must be %s", expected);
        return import_bad(r, c, err, what);
    }
    if (s.n > max_bytes)
        return import_bad(r, c, err, "the text is too long; shorten it");
    const char *copy = gw_arena_copy(r->arena, s);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "importing the table");
    *ret = (gw_str){copy, s.n};
    return GW_OK;
}

gw_code import_phone(const import_row *r, import_col c, gw_str *ret, gw_err *err)
{
    char plain[PHONE_MAX];
    size_t n = 0;
    gw_str s = import_cell(r, c);
    *ret = (gw_str){"", 0};
    for (size_t i = 0; i < s.n && n < sizeof plain; i++)
        if (!strchr(" -().'", s.p[i]) || s.p[i] == '\0') /* a spreadsheet's ' marks text */
            plain[n++] = s.p[i];
    if (n == 0)
        return GW_OK;
    const char *expected = format_e164((gw_str){plain, n});
    if (expected)
        return import_bad(r, c, err,
                          "write the number with its country code, e.g. +44 20 7946 0000");
    const char *copy = gw_arena_copy(r->arena, (gw_str){plain, n});
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "importing the table");
    *ret = (gw_str){copy, n};
    return GW_OK;
}

/* ---- dates ---- */

static bool number(gw_str *s, size_t max_digits, int *ret)
{
    size_t n = 0;
    int v = 0;
    while (n < s->n && n < max_digits && s->p[n] >= '0' && s->p[n] <= '9')
        v = v * 10 + (s->p[n++] - '0');
    *s = (gw_str){s->p + n, s->n - n};
    *ret = v;
    return n > 0;
}

static bool mark(gw_str *s, const char *z)
{
    if (!starts(*s, z))
        return false;
    *s = (gw_str){s->p + strlen(z), s->n - strlen(z)};
    return true;
}

/* Year first, then month and day, with the marks of one row. */
static bool date_parts(gw_str s, gw_date *ret)
{
    static const struct {
        const char *first, *second, *last;
    } marks[] = {{"-", "-", ""}, {"/", "/", ""}, {".", ".", ""}, {"年", "月", "日"}};
    if (s.n == 8 && memchr(s.p, '/', 8) == NULL) {
        gw_str parts[] = {{s.p, 4}, {s.p + 4, 2}, {s.p + 6, 2}};
        if (number(&parts[0], 4, &ret->year) && !parts[0].n && number(&parts[1], 2, &ret->month) &&
            !parts[1].n && number(&parts[2], 2, &ret->day) && !parts[2].n)
            return true;
    }
    for (size_t i = 0; i < GW_COUNT(marks); i++) {
        gw_str rest = s;
        if (number(&rest, 4, &ret->year) && ret->year >= 1000 && mark(&rest, marks[i].first) &&
            number(&rest, 2, &ret->month) && mark(&rest, marks[i].second) &&
            number(&rest, 2, &ret->day) && mark(&rest, marks[i].last) && rest.n == 0)
            return true;
    }
    return false;
}

gw_code import_date(const import_row *r, import_col c, bool *ret_given, int32_t *ret_day,
                    gw_err *err)
{
    gw_date d;
    char text[40];
    gw_str s = import_cell(r, c);
    *ret_given = s.n > 0;
    if (s.n == 0)
        return GW_OK;
    if (!date_parts(s, &d))
        return import_bad(r, c, err, "not a date; write it as 2013-02-01");
    snprintf(text, sizeof text, "%04d-%02d-%02d", d.year, d.month, d.day);
    if (gw_date_parse(gw_str_of(text), ret_day, NULL) != GW_OK)
        return import_bad(r, c, err, "there is no such day; check month and day");
    return GW_OK;
}

/* ---- amounts, flags, terms ---- */

gw_code import_money(const import_row *r, import_col c, gw_str currency, bool *ret_given,
                     int64_t *ret_minor, gw_err *err)
{
    gw_err why = {0};
    gw_str s = import_cell(r, c);
    *ret_given = s.n > 0;
    if (s.n == 0)
        return GW_OK;
    if (money_parse(s, currency, ret_minor, &why) != GW_OK)
        return import_bad(r, c, err,
                          "not an exact amount; write digits such as 1234.50, without a currency "
                          "sign and with no more decimals than the currency has");
    if (*ret_minor < 0)
        return import_bad(r, c, err,
                          "is negative; credit notes are not open items, leave them out");
    return GW_OK;
}

gw_code import_yes(const import_row *r, import_col c, bool *ret, gw_err *err)
{
    static const struct {
        const char *word;
        bool yes;
    } words[] = {{"yes", true},  {"no", false},    {"Yes", true},  {"No", false},    {"YES", true},
                 {"NO", false},  {"y", true},      {"n", false},   {"Y", true},      {"N", false},
                 {"true", true}, {"false", false}, {"TRUE", true}, {"FALSE", false}, {"1", true},
                 {"0", false},   {"是", true},     {"否", false},  {"有", true},     {"无", false}};
    gw_str s = import_cell(r, c);
    *ret = false;
    if (s.n == 0)
        return GW_OK;
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (gw_str_is(s, words[i].word)) {
            *ret = words[i].yes;
            return GW_OK;
        }
    return import_bad(r, c, err, "write yes or no (是 or 否)");
}

int import_term_days(gw_str terms)
{
    static const char *const units[] = {"", "d", "day", "days", "天", "日"};
    int days;
    if (starts(terms, "net") || starts(terms, "Net") || starts(terms, "NET"))
        terms = trim((gw_str){terms.p + 3, terms.n - 3});
    if (!number(&terms, 4, &days) || days > TERM_DAYS_MAX)
        return -1;
    terms = trim(terms);
    for (size_t i = 0; i < GW_COUNT(units); i++)
        if (gw_str_is(terms, units[i]))
            return days;
    return -1;
}
