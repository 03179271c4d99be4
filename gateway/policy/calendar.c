#include "gateway/policy/calendar.h"

#include "gateway/base/jsonc.h"
#include "gateway/base/time.h"
#include "gateway/policy/note.h"
#include "gateway/policy/rules.h"

#include <stdio.h>

enum { NAME_MAX = 64, TITLE_MAX = 1024, SEARCH_DAYS = 400, TABLE_DAYS = 131 * 366 };

typedef struct {
    int32_t day;
    uint8_t as; /* 0 holiday, else the weekday 1..7 it is worked as */
} special;

struct calendar {
    char id[NAME_MAX + 1];
    char *canonical;
    special *days; /* sorted */
    size_t day_n;
    uint32_t every[13]; /* month 1..12: bit d = day d of that month, each year */
    int years[POLICY_CALENDAR_YEARS_MAX];
    size_t year_n;
    bool every_year, draft;
    uint8_t weekend;           /* bit 0 Monday */
    uint8_t table[TABLE_DAYS]; /* from 1970 on: weekday << 2 | calendar_day */
};

/* ---- reading ---- */

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static gw_code read_every(const json_doc *d, uint32_t row, calendar *c, gw_err *err)
{
    gw_str s;
    char leap[16];
    int32_t day;
    gw_code rc = json_need_str(d, row, "every", 5, &s, err);
    if (rc != GW_OK)
        return rc;
    snprintf(leap, sizeof leap, "2000-%.*s", GW_STR_ARG(s)); /* so that 02-29 is a day */
    if (gw_date_parse(gw_str_of(leap), &day, NULL) != GW_OK)
        return json_fail(d, json_member(d, row, "every"), err, "a day like 12-25 is expected");
    if (json_member(d, row, "work"))
        return json_fail(d, row, err, "\"work\" belongs to one date, not to every year");
    gw_date date = gw_date_of_day(day);
    c->every[date.month] |= 1U << date.day;
    return GW_OK;
}

static bool knows_year(const calendar *c, int year)
{
    for (size_t i = 0; i < c->year_n; i++)
        if (c->years[i] == year)
            return true;
    return c->every_year;
}

static gw_code read_date(const json_doc *d, uint32_t row, calendar *c, gw_err *err)
{
    gw_str s;
    special x = {0};
    size_t as = 0;
    gw_code rc = json_need_str(d, row, "date", 10, &s, err);
    if (rc == GW_OK && gw_date_parse(s, &x.day, NULL) != GW_OK)
        rc = json_fail(d, json_member(d, row, "date"), err, "a date like 2026-12-25 is expected");
    if (rc == GW_OK && json_member(d, row, "work")) {
        rc = json_need_choice(d, row, "work", weekdays, GW_COUNT(weekdays), &as, err);
        x.as = (uint8_t)(as + 1);
    }
    if (rc == GW_OK && !knows_year(c, gw_date_of_day(x.day).year))
        rc = json_fail(d, json_member(d, row, "date"), err, "its year is not among \"years\"");
    if (rc == GW_OK)
        c->days[c->day_n++] = x;
    return rc;
}

static gw_code read_day(const json_doc *d, uint32_t row, calendar *c, gw_err *err)
{
    static const char *const members[] = {"date", "every", "work", "!name"};
    gw_str name;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_str(d, row, "name", TITLE_MAX, &name, err);
    if (rc != GW_OK)
        return rc;
    bool has_date = json_member(d, row, "date") != 0;
    if (has_date == (json_member(d, row, "every") != 0))
        return json_fail(d, row, err, "either \"date\" or \"every\" is expected");
    return has_date ? read_date(d, row, c, err) : read_every(d, row, c, err);
}

static gw_code read_years(const json_doc *d, calendar *c, gw_err *err)
{
    uint32_t at = json_member(d, 0, "years");
    if (json_kind_of(d, at) == JSON_STRING && gw_str_is(json_str(d, at), "every")) {
        c->every_year = true;
        return GW_OK;
    }
    uint32_t list;
    gw_code rc = json_need_array(d, 0, "years", POLICY_CALENDAR_YEARS_MAX, &list, err);
    if (rc != GW_OK)
        return json_fail(d, at, err, "a list of years, or \"every\", is expected");
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        int64_t y = json_at(d, e)->i;
        if (json_kind_of(d, e) != JSON_INT || y < 1970 || y > 2200)
            return json_fail(d, e, err, "a year from 1970 to 2200 is expected");
        c->years[c->year_n++] = (int)y;
    }
    return GW_OK;
}

static gw_code read_weekend(const json_doc *d, calendar *c, gw_err *err)
{
    uint32_t list;
    c->weekend = 1U << 5 | 1U << 6;
    if (!json_member(d, 0, "weekend"))
        return GW_OK;
    gw_code rc = json_need_array(d, 0, "weekend", 7, &list, err);
    if (rc != GW_OK)
        return rc;
    c->weekend = 0;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        size_t i = 0;
        while (i < 7 &&
               !(json_kind_of(d, e) == JSON_STRING && gw_str_is(json_str(d, e), weekdays[i])))
            i++;
        if (i == 7)
            return json_fail(d, e, err, "mon tue wed thu fri sat or sun is expected");
        c->weekend |= (uint8_t)(1U << i);
    }
    return GW_OK;
}

static int compare_days(const void *a, const void *b)
{
    int32_t x = ((const special *)a)->day;
    int32_t y = ((const special *)b)->day;
    return (x > y) - (x < y);
}

static gw_code read_days(const json_doc *d, calendar *c, gw_err *err)
{
    uint32_t list = 0;
    gw_code rc = json_need_array(d, 0, "days", POLICY_HOLIDAYS_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    c->days = calloc(json_at(d, list)->count + 1, sizeof *c->days);
    if (!c->days)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
         e = json_at(d, e)->next)
        rc = read_day(d, e, c, err);
    qsort(c->days, c->day_n, sizeof *c->days, compare_days);
    for (size_t i = 1; rc == GW_OK && i < c->day_n; i++)
        if (c->days[i].day == c->days[i - 1].day)
            rc = json_fail(d, list, err, "a date stands there twice");
    return rc;
}

static gw_code read_calendar(const json_doc *d, calendar *c, gw_err *err)
{
    static const char *const members[] = {"!format", "!id",     "!title", "!years",      "weekend",
                                          "!days",   "!source", "!read",  "!confidence", "draft"};
    int64_t format;
    gw_str s;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    if (rc == GW_OK)
        rc = json_need_str(d, 0, "title", TITLE_MAX, &s, err);
    if (rc == GW_OK)
        rc = json_need_str(d, 0, "id", NAME_MAX, &s, err);
    if (rc == GW_OK)
        memcpy(c->id, s.p, s.n);
    if (rc == GW_OK)
        rc = note_read(d, 0, &c->draft, err);
    if (rc == GW_OK)
        rc = read_years(d, c, err);
    if (rc == GW_OK)
        rc = read_weekend(d, c, err);
    return rc == GW_OK ? read_days(d, c, err) : rc;
}

/* ---- what a day is ---- */

static calendar_day look_up(const calendar *c, int32_t day, int *ret_weekday)
{
    gw_date d = gw_date_of_day(day);
    int weekday = gw_day_weekday(day);
    calendar_day what = CALENDAR_ORDINARY;
    special key = {.day = day};
    const special *s = c->day_n ? bsearch(&key, c->days, c->day_n, sizeof key, compare_days) : NULL;
    if (!knows_year(c, d.year)) {
        what = CALENDAR_UNKNOWN;
    } else if (s && s->as) {
        weekday = s->as;
        what = CALENDAR_SHIFTED;
    } else if (s || (c->every[d.month] & (1U << d.day))) {
        what = CALENDAR_HOLIDAY;
    }
    *ret_weekday = weekday;
    return what;
}

static void fill_table(calendar *c)
{
    for (int32_t day = 0; day < TABLE_DAYS; day++) {
        int weekday;
        calendar_day what = look_up(c, day, &weekday);
        c->table[day] = (uint8_t)(weekday << 2 | (int)what);
    }
}

gw_code calendar_parse(const char *name, gw_str text, calendar **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    GW_AUTO(calendar_free) calendar *c = calloc(1, sizeof *c);
    if (!c)
        return gw_fail(err, GW_ENOMEM, "%s", name);
    gw_code rc = jsonc_open(text, POLICY_RULES_BYTES_MAX, &file, err);
    if (rc == GW_OK)
        rc = jsonc_canonical(&file, &c->canonical, err);
    if (rc == GW_OK)
        rc = read_calendar(&file.doc, c, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    fill_table(c);
    *ret = c;
    c = NULL;
    return GW_OK;
}

void calendar_free(calendar *c)
{
    if (!c)
        return;
    free(c->canonical);
    free(c->days);
    free(c);
}

const char *calendar_id(const calendar *c)
{
    return c->id;
}

const char *calendar_canonical(const calendar *c)
{
    return c->canonical;
}

bool calendar_is_draft(const calendar *c)
{
    return c->draft;
}

int calendar_year(const calendar *c, size_t n)
{
    return n < c->year_n ? c->years[n] : 0;
}

/* ---- asking ---- */

calendar_day calendar_look(const calendar *c, int32_t day, int *ret_weekday)
{
    int weekday;
    calendar_day what;
    if (day >= 0 && day < TABLE_DAYS) {
        what = (calendar_day)(c->table[day] & 3);
        weekday = c->table[day] >> 2;
    } else {
        what = look_up(c, day, &weekday);
    }
    if (ret_weekday)
        *ret_weekday = weekday;
    return what;
}

bool calendar_is_workday(const calendar *c, int32_t day)
{
    int weekday;
    calendar_day what = calendar_look(c, day, &weekday);
    return what == CALENDAR_SHIFTED ||
           (what == CALENDAR_ORDINARY && !(c->weekend & (1U << (weekday - 1))));
}

bool calendar_add_workdays(const calendar *c, int32_t day, int n, int32_t *ret_day)
{
    int32_t last = day + SEARCH_DAYS;
    for (int32_t d = n > 0 ? day + 1 : day; d <= last; d++) {
        if (calendar_look(c, d, NULL) == CALENDAR_UNKNOWN)
            return false;
        if (calendar_is_workday(c, d) && (n <= 0 || --n == 0)) {
            *ret_day = d;
            return true;
        }
    }
    return false;
}

bool calendar_count_workdays(const calendar *c, int32_t from, int32_t to, int *ret_n)
{
    int n = 0;
    if (to < from || to - from > SEARCH_DAYS)
        return false;
    for (int32_t d = from + 1; d <= to; d++) {
        if (calendar_look(c, d, NULL) == CALENDAR_UNKNOWN)
            return false;
        n += calendar_is_workday(c, d);
    }
    *ret_n = n;
    return true;
}
