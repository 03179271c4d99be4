/* score_generic.c - any table: each column of numbers, or of two words, is a column of the model.
 */
#include "gateway/timing/score_part.h"

#include <math.h>

/* Marks of a person and identifiers: never used, whatever they would predict. */
static const char *const personal[] = {
    "age",     "sex",      "gender",   "marriage",  "marital",     "maritalstatus", "education",
    "race",    "religion", "ethnic",   "ethnicity", "nationality", "birthdate",     "dob",
    "address", "postcode", "zip",      "zipcode",   "name",        "email",         "phone",
    "city",    "country",  "language", "children",  "dependents",  "disability",    "countrycode"};
static const char *const identifier[] = {"id",        "no",        "number",     "row",
                                         "index",     "customer",  "customerid", "debtor",
                                         "account",   "accountid", "invoice",    "invoicenumber",
                                         "invoiceid", "case",      "caseid"};

static bool listed(const char *plain, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(plain, list[i]) == 0)
            return true;
    return false;
}

/* How a column reads as numbers. */
typedef struct {
    bool words;
    gw_str first, second; /* of a column of two words: 0 and 1 */
} reading;

static const char *read_as(const score_sheet *s, size_t column, reading *ret)
{
    size_t numbers = 0, filled = 0;
    bool changes = false;
    double v, first = NAN;
    *ret = (reading){0};
    for (size_t r = 0; r < s->row_n; r++) {
        gw_str cell = s->rows[r][column];
        if (score_number(cell, &v)) {
            if (isfinite(v)) {
                changes = changes || (numbers && v != first);
                first = numbers ? first : v;
                numbers++;
                filled++;
            }
            continue;
        }
        filled++;
        if (ret->first.n == 0)
            ret->first = cell;
        else if (!gw_str_eq(cell, ret->first) && ret->second.n == 0)
            ret->second = cell;
        else if (!gw_str_eq(cell, ret->first) && !gw_str_eq(cell, ret->second))
            return numbers ? "text among numbers" : "text";
    }
    if (numbers && numbers < filled)
        return "text among numbers";
    ret->words = ret->second.n > 0;
    return changes || ret->words ? NULL : "constant";
}

static double value_of(const reading *as, gw_str cell)
{
    double v;
    if (as->words)
        return gw_str_eq(cell, as->first) ? 0 : gw_str_eq(cell, as->second) ? 1 : (double)NAN;
    score_number(cell, &v);
    return v;
}

gw_code score_read_generic(const score_sheet *s, int outcome, score_table *t, gw_err *err)
{
    size_t from[SCORE_COLUMNS_MAX];
    reading as[SCORE_COLUMNS_MAX];
    for (size_t i = 0; i < s->column_n; i++) {
        const char *why = NULL;
        if ((int)i == outcome)
            continue;
        if (listed(s->plain[i], personal, GW_COUNT(personal)))
            why = "personal";
        else if (listed(s->plain[i], identifier, GW_COUNT(identifier)))
            why = "identifier";
        else if (t->column_n == SCORE_COLUMNS_MAX)
            why = "too many columns";
        else
            why = read_as(s, i, &as[t->column_n]);
        if (why) {
            score_leave_out(t, s->header[i], why);
            continue;
        }
        from[t->column_n] = i;
        score_name(t->names[t->column_n++], s->header[i]);
    }
    if (t->column_n == 0)
        return gw_fail(err, GW_EINVAL, "no column of numbers is left to learn from");
    gw_code rc = score_rows(t, s->row_n, err);
    for (size_t r = 0; rc == GW_OK && r < s->row_n; r++)
        for (size_t c = 0; c < t->column_n; c++)
            t->x[r * t->column_n + c] = value_of(&as[c], s->rows[r][from[c]]);
    return rc;
}
