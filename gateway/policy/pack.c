#include "gateway/policy/pack.h"

#include "gateway/base/jsonc.h"
#include "gateway/base/region.h"
#include "gateway/base/time.h"
#include "gateway/policy/note.h"

static const char *const channel_names[POLICY_CHANNEL_COUNT + 1] = {
    [POLICY_EMAIL] = "email",     [POLICY_SMS] = "sms",     [POLICY_VOICE] = "voice",
    [POLICY_LETTER] = "letter",   [POLICY_VISIT] = "visit", [POLICY_DESK] = "desk",
    [POLICY_CHANNEL_COUNT] = "*",
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

gw_code pack_copy_name(const json_doc *d, uint32_t object, const char *member, size_t max,
                       char *out, gw_err *err)
{
    gw_str s;
    gw_code rc = json_need_str(d, object, member, max, &s, err);
    if (rc != GW_OK)
        return rc;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return GW_OK;
}

/* ---- who, where, when ---- */

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
        p->applies.roles |= bit;
    }
    return p->applies.roles ? GW_OK : json_fail(d, list, err, "name at least one role");
}

typedef bool name_check(gw_str s);

static bool is_zone_name(gw_str s)
{
    zone *z = NULL;
    bool known = zone_open(s, &z, NULL) == GW_OK;
    zone_close(z);
    return known;
}

/* A list of texts, kept in the document's arena. */
static gw_code read_names(const json_doc *d, uint32_t object, const char *member, size_t max,
                          name_check *check, const char *expected, const char **ret, size_t *ret_n,
                          gw_err *err)
{
    uint32_t list;
    if (!json_member(d, object, member))
        return GW_OK;
    gw_code rc = json_need_array(d, object, member, (uint32_t)max, &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        if (json_kind_of(d, e) != JSON_STRING || !check(json_str(d, e)))
            return json_fail(d, e, err, "%s is expected", expected);
        ret[*ret_n] = gw_arena_copy(d->arena, json_str(d, e));
        if (!ret[(*ret_n)++])
            return gw_fail(err, GW_ENOMEM, "out of memory");
    }
    return *ret_n ? GW_OK : json_fail(d, list, err, "name at least one, or leave it out");
}

static gw_code read_day(const json_doc *d, uint32_t object, const char *member, int32_t otherwise,
                        int32_t *ret, gw_err *err)
{
    gw_str s;
    *ret = otherwise;
    if (!json_member(d, object, member))
        return GW_OK;
    gw_code rc = json_need_str(d, object, member, 10, &s, err);
    if (rc == GW_OK && gw_date_parse(s, ret, NULL) != GW_OK)
        rc =
            json_fail(d, json_member(d, object, member), err, "a date like 2026-01-31 is expected");
    return rc;
}

static gw_code read_senders(const json_doc *d, uint32_t object, pack *p, gw_err *err)
{
    static const char *const names[] = {"creditor", "third-party"};
    uint32_t list;
    if (!json_member(d, object, "senders"))
        return GW_OK;
    gw_code rc = json_need_array(d, object, "senders", GW_COUNT(names), &list, err);
    if (rc != GW_OK)
        return rc;
    p->applies.senders = 0;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        size_t i = 0;
        while (i < 2 && !(json_kind_of(d, e) == JSON_STRING && gw_str_is(json_str(d, e), names[i])))
            i++;
        if (i == 2)
            return json_fail(d, e, err, "creditor or third-party is expected");
        p->applies.senders |= 1U << (POLICY_SENDER_CREDITOR + i);
    }
    return p->applies.senders ? GW_OK : json_fail(d, list, err, "name at least one sender");
}

static gw_code read_applies(const json_doc *d, pack *p, gw_err *err)
{
    static const char *const members[] = {"regions", "zones", "senders", "from", "until"};
    pack_applies *a = &p->applies;
    uint32_t at = json_member(d, 0, "applies");
    a->senders = 1U << POLICY_SENDER_CREDITOR | 1U << POLICY_SENDER_THIRD_PARTY;
    a->from_day = INT32_MIN;
    a->until_day = INT32_MAX;
    if (!at)
        return GW_OK;
    gw_code rc = json_check_members(d, at, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = read_names(d, at, "regions", PACK_PLACES_MAX, gw_region_valid, "a region like US-MA",
                        a->places, &a->place_n, err);
    if (rc == GW_OK)
        rc = read_names(d, at, "zones", PACK_ZONES_MAX, is_zone_name, "a time zone of this system",
                        a->zones, &a->zone_n, err);
    if (rc == GW_OK)
        rc = read_senders(d, at, p, err);
    if (rc == GW_OK)
        rc = read_day(d, at, "from", INT32_MIN, &a->from_day, err);
    if (rc == GW_OK)
        rc = read_day(d, at, "until", INT32_MAX, &a->until_day, err);
    if (rc == GW_OK && a->from_day >= a->until_day)
        rc = json_fail(d, at, err, "\"from\" must be before \"until\"");
    return rc;
}

static gw_code read_location(const json_doc *d, pack *p, gw_err *err)
{
    static const char *const names[] = {"debtor", "all-plausible"};
    size_t i = 0;
    if (!json_member(d, 0, "location"))
        return GW_OK;
    gw_code rc = json_need_choice(d, 0, "location", names, GW_COUNT(names), &i, err);
    p->applies.all_plausible = i == 1;
    return rc;
}

static gw_code read_calendar_id(const json_doc *d, const char *member, char *out, gw_err *err)
{
    uint32_t at = json_member(d, 0, member);
    if (!at || json_kind_of(d, at) == JSON_NULL)
        return GW_OK;
    return pack_copy_name(d, 0, member, PACK_NAME_MAX, out, err);
}

/* ---- the whole ---- */

static gw_code read_pack(const json_doc *d, pack *p, gw_err *err)
{
    static const char *const members[] = {
        "!format",  "!id",       "!version", "!title",   "!roles",    "applies",
        "location", "!holidays", "workdays", "!windows", "!caps",     "cool_downs",
        "!consent", "verified",  "content",  "opt_out",  "retention", "deadlines"};
    int64_t format;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 2, 2, &format, err);
    if (rc == GW_OK)
        rc = pack_copy_name(d, 0, "title", PACK_NOTE_MAX, p->title, err);
    if (rc == GW_OK)
        rc = pack_copy_name(d, 0, "id", PACK_NAME_MAX, p->id, err);
    if (rc == GW_OK)
        rc = pack_copy_name(d, 0, "version", PACK_NAME_MAX, p->version, err);
    if (rc == GW_OK)
        rc = read_roles(d, p, err);
    if (rc == GW_OK)
        rc = read_applies(d, p, err);
    if (rc == GW_OK)
        rc = read_location(d, p, err);
    if (rc == GW_OK)
        rc = read_calendar_id(d, "holidays", p->holidays_id, err);
    if (rc == GW_OK)
        rc = read_calendar_id(d, "workdays", p->workdays_id, err);
    return rc == GW_OK ? pack_read_rows(d, p, err) : rc;
}

gw_code pack_parse(const char *name, gw_str text, pack **ret, gw_err *err)
{
    GW_AUTO(pack_free) pack *p = calloc(1, sizeof *p);
    if (!p)
        return gw_fail(err, GW_ENOMEM, "%s", name);
    gw_code rc = jsonc_open(text, POLICY_RULES_BYTES_MAX, &p->file, err);
    if (rc == GW_OK)
        rc = jsonc_canonical(&p->file, &p->canonical, err);
    if (rc == GW_OK)
        rc = read_pack(&p->file.doc, p, err);
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
    jsonc_close(&p->file);
    free(p->canonical);
    free(p);
}
