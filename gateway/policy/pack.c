#include "gateway/policy/pack.h"

#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"
#include "gateway/base/time.h"

#include <stdio.h>

static const char *const channel_names[POLICY_CHANNEL_COUNT + 1] = {
    [POLICY_EMAIL] = "email", [POLICY_SMS] = "sms",         [POLICY_VOICE] = "voice",
    [POLICY_DESK] = "desk",   [POLICY_CHANNEL_COUNT] = "*",
};
static const char *const role_names[] = {"company", "consumer", "guarantor"};

policy_channel policy_channel_of(gw_str name)
{
    size_t i = 0;
    while (i < POLICY_CHANNEL_COUNT && !gw_str_is(name, channel_names[i]))
        i++;
    return (policy_channel)i;
}

const char *policy_channel_name(policy_channel c)
{
    return (unsigned)c <= POLICY_CHANNEL_COUNT ? channel_names[c] : "?";
}

unsigned policy_role_of(gw_str name)
{
    for (unsigned i = 0; i < GW_COUNT(role_names); i++)
        if (gw_str_is(name, role_names[i]))
            return 1U << i;
    return 0;
}

const char *policy_role_name(unsigned role)
{
    for (unsigned i = 0; i < GW_COUNT(role_names); i++)
        if (role == 1U << i)
            return role_names[i];
    return "unknown";
}

/* ---- members ---- */

static gw_code copy_name(const json_doc *d, uint32_t object, const char *member,
                         char out[PACK_NAME_MAX + 1], gw_err *err)
{
    gw_str s;
    gw_code rc = json_need_str(d, object, member, PACK_NAME_MAX, &s, err);
    if (rc != GW_OK)
        return rc;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return GW_OK;
}

static gw_code check_head(const json_doc *d, gw_err *err)
{
    int64_t format;
    gw_str title;
    gw_code rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    return rc == GW_OK ? json_need_str(d, 0, "title", PACK_NOTE_MAX, &title, err) : rc;
}

/* Every number says where it comes from, when that was read, and how sure we are. */
static gw_code check_note(const json_doc *d, uint32_t row, gw_err *err)
{
    static const char *const confidence[] = {"house", "primary", "secondary", "general"};
    gw_str s;
    int32_t day;
    size_t i;
    gw_code rc = json_need_str(d, row, "source", PACK_NOTE_MAX, &s, err);
    if (rc == GW_OK)
        rc = json_need_str(d, row, "read", 10, &s, err);
    if (rc == GW_OK && gw_date_parse(s, &day, NULL) != GW_OK)
        rc = json_fail(d, json_member(d, row, "read"), err, "a date like 2026-01-31 is expected");
    if (rc == GW_OK)
        rc = json_need_choice(d, row, "confidence", confidence, GW_COUNT(confidence), &i, err);
    return rc;
}

/* ---- rows ---- */

static bool clock_minutes(gw_str s, int *ret)
{
    if (s.n != 5 || s.p[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    int h = (s.p[0] - '0') * 10 + s.p[1] - '0';
    int m = (s.p[3] - '0') * 10 + s.p[4] - '0';
    if (m > 59 || h * 60 + m > 1440)
        return false;
    *ret = h * 60 + m;
    return true;
}

static gw_code need_clock(const json_doc *d, uint32_t row, const char *member, int *ret,
                          gw_err *err)
{
    gw_str s;
    gw_code rc = json_need_str(d, row, member, 5, &s, err);
    if (rc == GW_OK && !clock_minutes(s, ret))
        rc = json_fail(d, json_member(d, row, member), err,
                       "a clock time from 00:00 to 24:00 is expected");
    return rc;
}

static gw_code need_weekdays(const json_doc *d, uint32_t row, uint8_t *ret, gw_err *err)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    uint32_t list;
    uint8_t bits = 0;
    gw_code rc = json_need_array(d, row, "days", 7, &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        size_t i = 0;
        while (i < 7 && !(json_kind_of(d, e) == JSON_STRING && gw_str_is(json_str(d, e), names[i])))
            i++;
        if (i == 7 || (bits & (1U << i)))
            return json_fail(d, e, err, "each of mon tue wed thu fri sat sun at most once");
        bits |= (uint8_t)(1U << i);
    }
    if (bits == 0)
        return json_fail(d, list, err, "name at least one day");
    *ret = bits;
    return GW_OK;
}

static gw_code read_window(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", "!days", "!from",      "!to",
                                          "!source",  "!read", "!confidence"};
    size_t channel = 0;
    int from = 0;
    int to = 0;
    uint8_t weekdays = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc =
            json_need_choice(d, row, "channel", channel_names, POLICY_CHANNEL_COUNT, &channel, err);
    if (rc == GW_OK)
        rc = need_weekdays(d, row, &weekdays, err);
    if (rc == GW_OK)
        rc = need_clock(d, row, "from", &from, err);
    if (rc == GW_OK)
        rc = need_clock(d, row, "to", &to, err);
    if (rc == GW_OK)
        rc = check_note(d, row, err);
    if (rc != GW_OK)
        return rc;
    if (from >= to)
        return json_fail(d, row, err,
                         "\"from\" must be before \"to\"; split a window over midnight into two");
    p->windows[channel][p->window_n[channel]++] =
        (pack_window){weekdays, (int16_t)from, (int16_t)to};
    return GW_OK;
}

static gw_code read_cap(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!field",  "!per",  "!max",
                                          "!source", "!read", "!confidence"};
    static const char *const periods[] = {"day"};
    size_t field = 0;
    size_t period;
    int64_t max = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc =
            json_need_choice(d, row, "field", channel_names, POLICY_CHANNEL_COUNT + 1, &field, err);
    if (rc == GW_OK)
        rc = json_need_choice(d, row, "per", periods, GW_COUNT(periods), &period, err);
    if (rc == GW_OK)
        rc = json_need_int(d, row, "max", 0, 1000, &max, err);
    if (rc == GW_OK)
        rc = check_note(d, row, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < p->cap_n; i++)
        if (p->caps[i].channel == (policy_channel)field)
            return json_fail(d, row, err, "a second cap for the same field");
    p->caps[p->cap_n++] = (pack_cap){(policy_channel)field, max};
    return GW_OK;
}

static gw_code read_consent(const json_doc *d, uint32_t row, pack *p, gw_err *err)
{
    static const char *const members[] = {"!channel", "!mode", "!source", "!read", "!confidence"};
    static const char *const modes[] = {"opt-out", "opt-in"};
    size_t channel = 0;
    size_t mode = 0;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc =
            json_need_choice(d, row, "channel", channel_names, POLICY_CHANNEL_COUNT, &channel, err);
    if (rc == GW_OK)
        rc = json_need_choice(d, row, "mode", modes, GW_COUNT(modes), &mode, err);
    if (rc == GW_OK)
        rc = check_note(d, row, err);
    if (rc != GW_OK)
        return rc;
    if (p->consent[channel] != PACK_CONSENT_SILENT)
        return json_fail(d, row, err, "a second consent mode for the same channel");
    p->consent[channel] = mode == 0 ? PACK_CONSENT_OPT_OUT : PACK_CONSENT_OPT_IN;
    return GW_OK;
}

typedef gw_code row_fn(const json_doc *d, uint32_t row, pack *p, gw_err *err);

static gw_code read_rows(const json_doc *d, const char *member, uint32_t max, row_fn *read, pack *p,
                         gw_err *err)
{
    uint32_t list;
    gw_code rc = json_need_array(d, 0, member, max, &list, err);
    for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
         e = json_at(d, e)->next)
        rc = read(d, e, p, err);
    return rc;
}

static gw_code read_roles(const json_doc *d, pack *p, gw_err *err)
{
    uint32_t list;
    gw_code rc = json_need_array(d, 0, "roles", GW_COUNT(role_names), &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        unsigned bit = json_kind_of(d, e) == JSON_STRING ? policy_role_of(json_str(d, e)) : 0;
        if (!bit)
            return json_fail(d, e, err, "company, consumer or guarantor is expected");
        p->roles |= bit;
    }
    return p->roles ? GW_OK : json_fail(d, list, err, "name at least one role");
}

static gw_code read_holidays(const json_doc *d, pack *p, gw_err *err)
{
    if (json_kind_of(d, json_member(d, 0, "holidays")) == JSON_NULL)
        return GW_OK;
    return copy_name(d, 0, "holidays", p->calendar_id, err);
}

static gw_code read_pack(const json_doc *d, pack *p, gw_err *err)
{
    static const char *const members[] = {"!format",   "!id",      "!version", "!title",  "!roles",
                                          "!holidays", "!windows", "!caps",    "!consent"};
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = check_head(d, err);
    if (rc == GW_OK)
        rc = copy_name(d, 0, "id", p->id, err);
    if (rc == GW_OK)
        rc = copy_name(d, 0, "version", p->version, err);
    if (rc == GW_OK)
        rc = read_roles(d, p, err);
    if (rc == GW_OK)
        rc = read_holidays(d, p, err);
    if (rc == GW_OK)
        rc = read_rows(d, "windows", POLICY_WINDOWS_MAX, read_window, p, err);
    if (rc == GW_OK)
        rc = read_rows(d, "caps", POLICY_CAPS_MAX, read_cap, p, err);
    if (rc == GW_OK)
        rc = read_rows(d, "consent", POLICY_CHANNEL_COUNT, read_consent, p, err);
    return rc;
}

static gw_code open_file(jsonc_file *f, gw_str text, char **ret_canonical, gw_err *err)
{
    gw_code rc = jsonc_open(text, POLICY_RULES_BYTES_MAX, f, err);
    return rc == GW_OK ? jsonc_canonical(f, ret_canonical, err) : rc;
}

gw_code pack_parse(const char *name, gw_str text, pack **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    GW_AUTO(pack_free) pack *p = calloc(1, sizeof *p);
    if (!p)
        return gw_fail(err, GW_ENOMEM, "%s", name);
    gw_code rc = open_file(&file, text, &p->canonical, err);
    if (rc == GW_OK)
        rc = read_pack(&file.doc, p, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    *ret = p;
    p = NULL;
    return GW_OK;
}

void pack_free(pack *p)
{
    if (!p)
        return;
    free(p->canonical);
    free(p);
}

/* ---- calendars ---- */

static gw_code read_every(const json_doc *d, uint32_t row, pack_calendar *c, gw_err *err)
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
    gw_date date = gw_date_of_day(day);
    c->every[date.month] |= 1U << date.day;
    return GW_OK;
}

static gw_code read_date(const json_doc *d, uint32_t row, pack_calendar *c, gw_err *err)
{
    gw_str s;
    gw_code rc = json_need_str(d, row, "date", 10, &s, err);
    if (rc == GW_OK && gw_date_parse(s, &c->days[c->day_n], NULL) != GW_OK)
        rc = json_fail(d, json_member(d, row, "date"), err, "a date like 2026-12-25 is expected");
    if (rc == GW_OK)
        c->day_n++;
    return rc;
}

static gw_code read_holiday(const json_doc *d, uint32_t row, pack_calendar *c, gw_err *err)
{
    static const char *const members[] = {"date", "every", "!name"};
    gw_str name;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_str(d, row, "name", PACK_NOTE_MAX, &name, err);
    if (rc != GW_OK)
        return rc;
    bool has_date = json_member(d, row, "date") != 0;
    if (has_date == (json_member(d, row, "every") != 0))
        return json_fail(d, row, err, "either \"date\" or \"every\" is expected");
    return has_date ? read_date(d, row, c, err) : read_every(d, row, c, err);
}

static int compare_days(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static gw_code read_calendar(const json_doc *d, pack_calendar *c, gw_err *err)
{
    static const char *const members[] = {"!format", "!id", "!title", "!days"};
    uint32_t list = 0;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = check_head(d, err);
    if (rc == GW_OK)
        rc = copy_name(d, 0, "id", c->id, err);
    if (rc == GW_OK)
        rc = json_need_array(d, 0, "days", POLICY_HOLIDAYS_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    c->days = calloc(json_at(d, list)->count + 1, sizeof *c->days);
    if (!c->days)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
         e = json_at(d, e)->next)
        rc = read_holiday(d, e, c, err);
    qsort(c->days, c->day_n, sizeof *c->days, compare_days);
    return rc;
}

gw_code pack_calendar_parse(const char *name, gw_str text, pack_calendar **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    GW_AUTO(pack_calendar_free) pack_calendar *c = calloc(1, sizeof *c);
    if (!c)
        return gw_fail(err, GW_ENOMEM, "%s", name);
    gw_code rc = open_file(&file, text, &c->canonical, err);
    if (rc == GW_OK)
        rc = read_calendar(&file.doc, c, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    *ret = c;
    c = NULL;
    return GW_OK;
}

void pack_calendar_free(pack_calendar *c)
{
    if (!c)
        return;
    free(c->canonical);
    free(c->days);
    free(c);
}

bool pack_calendar_has(const pack_calendar *c, int32_t day)
{
    gw_date d = gw_date_of_day(day);
    if (c->every[d.month] & (1U << d.day))
        return true;
    return c->day_n && bsearch(&day, c->days, c->day_n, sizeof day, compare_days) != NULL;
}
