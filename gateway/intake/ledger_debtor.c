#include "gateway/intake/ledger_part.h"

#include "gateway/base/time.h"
#include "gateway/wire/event.h"
#include "gateway/wire/format.h"

#include <stdio.h>

/* ---- the debtor itself ---- */

gw_code ledger_debtor(const fold *f)
{
    gw_str stamp = state_get(&f->debtor->debtor, "bs"); /* "sum:rx" */
    size_t n = f->sum.n;
    if (stamp.n > n && stamp.p[n] == ':' && gw_str_eq((gw_str){stamp.p, n}, f->sum))
        return part_duplicate(f, (gw_wall){strtoll(stamp.p + n + 1, NULL, 10)});
    PART_BUF(fact);
    PART_BUF(priv);
    uint32_t contacts = json_member(f->body, 0, "contacts");
    part_copy(f, &fact, "role");
    part_copy(f, &fact, "zone");
    part_copy(f, &fact, "locale");
    part_copy(f, &fact, "segment");
    json_put_member_int(&fact, "contacts", json_at(f->body, contacts)->count);
    part_copy(f, &priv, "name");
    part_copy(f, &priv, "contacts");
    char *now = gw_arena_alloc(f->arena, GW_ID_TEXT + 24);
    char *body = gw_arena_copy(f->arena, json_raw(f->body, 0));
    if (!now || !body)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    snprintf(now, GW_ID_TEXT + 24, "%s:%lld", f->sum.p, (long long)f->event->now.ms);
    bool known = state_get(&f->debtor->debtor, "b").p != NULL;
    ledger_result *out = f->out;
    out->debtor_sets[out->debtor_n++] = (state_field){GW_STR("b"), {body, json_raw(f->body, 0).n}};
    out->debtor_sets[out->debtor_n++] = (state_field){GW_STR("bs"), gw_str_of(now)};
    return part_record(f, EVENT_CONTACT, GW_STR(""), known ? "changed" : "new", &fact, &priv);
}

/* ---- acts on one thing, known by their own ids: the list "seen" ---- */

typedef enum { NEW_ACT, SAME_ACT, OTHER_ACT } act;

static act find_act(const fold *f, const stored *s, gw_str id, gw_wall *ret_first)
{
    uint32_t seen = s->exists ? json_member(&s->doc, 0, "seen") : 0;
    if (!seen)
        return NEW_ACT;
    uint32_t end = json_at(&s->doc, seen)->next;
    for (uint32_t e = json_first(seen); e < end; e = json_at(&s->doc, e)->next) {
        if (!gw_str_eq(json_get_str(&s->doc, e, "id"), id))
            continue;
        ret_first->ms = json_get_int(&s->doc, e, "rx", 0);
        return gw_str_eq(json_get_str(&s->doc, e, "sum"), f->sum) ? SAME_ACT : OTHER_ACT;
    }
    return NEW_ACT;
}

/* The old list without its oldest entries, and this act. */
static void put_seen(const fold *f, gw_buf *b, const stored *s, gw_str id)
{
    uint32_t seen = s->exists ? json_member(&s->doc, 0, "seen") : 0;
    json_put_name(b, "seen");
    gw_buf_putc(b, '[');
    if (seen) {
        uint32_t skip = json_at(&s->doc, seen)->count;
        skip = skip < LEDGER_SEEN_MAX ? 0 : skip - LEDGER_SEEN_MAX + 1;
        uint32_t end = json_at(&s->doc, seen)->next;
        for (uint32_t e = json_first(seen); e < end; e = json_at(&s->doc, e)->next) {
            if (skip) {
                skip--;
                continue;
            }
            gw_buf_put_str(b, json_raw(&s->doc, e));
            gw_buf_putc(b, ',');
        }
    }
    gw_buf_putc(b, '{');
    json_put_member_str(b, "id", id);
    part_stamp(f, b);
    gw_buf_puts(b, "}]");
}

static gw_code other_act(const fold *f)
{
    return part_reject(f, "conflict", "this id was used with another content; use a new id", "/id");
}

/* ---- consent ---- */

static int64_t moment_of(const fold *f)
{
    gw_wall t;
    gw_str s = json_get_str(f->body, 0, "at");
    return s.n && gw_time_parse(s, &t, NULL) == GW_OK ? t.ms : f->event->now.ms;
}

/* "<channel>:<address>", widened by the scope. NULL p when the address does not fit the channel. */
static gw_str consent_key(const fold *f)
{
    gw_str channel = json_get_str(f->body, 0, "channel");
    gw_str address = json_get_str(f->body, 0, "address");
    gw_str scope = json_get_str(f->body, 0, "scope");
    bool all = gw_str_is(scope, "all");
    bool wide = all || gw_str_is(scope, "channel");
    const char *wrong = wide                          ? NULL
                        : gw_str_is(channel, "email") ? format_email(address)
                                                      : format_e164(address);
    char key[LEDGER_NAME_MAX];
    if (wrong)
        return (gw_str){NULL, 0};
    int n = snprintf(key, sizeof key, "%.*s:%.*s", all ? 1 : (int)channel.n, all ? "*" : channel.p,
                     wide ? 1 : (int)address.n, wide ? "*" : address.p);
    return (gw_str){gw_arena_copy(f->arena, (gw_str){key, (size_t)n}), (size_t)n};
}

/* One current value per address has room for one purpose. A withdrawal for one purpose over a
 * wider or other grant therefore withdraws everything (closed rather than open), and a grant for
 * one purpose does not narrow a grant for all. */
static gw_str purpose_now(const fold *f, const stored *old, bool granted)
{
    gw_str mine = json_get_str(f->body, 0, "purpose");
    if (!mine.n || !old->exists)
        return mine;
    gw_str before = json_get_str(&old->doc, 0, "purpose");
    bool was_granted = gw_str_is(json_get_str(&old->doc, 0, "status"), "granted");
    if (granted)
        return was_granted && !before.n ? before : mine;
    return gw_str_eq(before, mine) ? mine : GW_STR("");
}

/* An entry older than the current one is recorded, but changes only the list of acts. */
static gw_code put_consent(const fold *f, gw_buf *object, const stored *old, bool current)
{
    static const char *const members[] = {"status", "scope", "source"};
    if (!current) {
        uint32_t end = json_at(&old->doc, 0)->next;
        for (uint32_t m = json_first(0); m < end; m = json_at(&old->doc, m + 1)->next) {
            char *name = gw_arena_copy(f->arena, json_str(&old->doc, m));
            if (!name)
                return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
            if (strcmp(name, "seen") == 0)
                continue;
            if (json_kind_of(&old->doc, m + 1) == JSON_STRING)
                json_put_member_str(object, name, json_str(&old->doc, m + 1));
            else
                json_put_member_raw(object, name, json_raw(&old->doc, m + 1));
        }
        return GW_OK;
    }
    bool granted = gw_str_is(json_get_str(f->body, 0, "status"), "granted");
    gw_str purpose = purpose_now(f, old, granted);
    for (size_t i = 0; i < GW_COUNT(members); i++)
        part_copy(f, object, members[i]);
    if (purpose.n)
        json_put_member_str(object, "purpose", purpose);
    part_copy_moment(f, object, "at");
    json_put_member_int(object, "at_ms", moment_of(f));
    json_put_member_int(object, "rx", f->event->now.ms);
    return GW_OK;
}

static gw_code store_consent(const fold *f, gw_str key, const stored *old)
{
    bool granted = gw_str_is(json_get_str(f->body, 0, "status"), "granted");
    int64_t before = old->exists ? json_get_int(&old->doc, 0, "at_ms", INT64_MIN) : INT64_MIN;
    bool current = moment_of(f) > before || (moment_of(f) == before && !granted);
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    gw_code rc = put_consent(f, &object, old, current);
    put_seen(f, &object, old, json_get_str(f->body, 0, "id"));
    part_copy(f, &fact, "channel");
    part_copy(f, &fact, "status");
    part_copy(f, &fact, "scope");
    part_copy(f, &fact, "purpose");
    part_copy_moment(f, &fact, "at");
    part_copy(f, &priv, "id");
    part_copy(f, &priv, "address");
    part_copy(f, &priv, "source");
    if (rc == GW_OK)
        rc = part_set_debtor(f, "o:", key, &object);
    if (rc != GW_OK)
        return rc;
    return part_record(f, EVENT_CONSENT, GW_STR(""),
                       !current  ? "older-than-current"
                       : granted ? "granted"
                                 : "withdrawn",
                       &fact, &priv);
}

gw_code ledger_consent(const fold *f)
{
    gw_str id = json_get_str(f->body, 0, "id");
    gw_str key = consent_key(f);
    if (!key.p)
        return part_reject(f, "invalid",
                           "an entry about one address needs that address: a mail address for "
                           "email, an E.164 number for sms and voice",
                           "/address");
    if (moment_of(f) > f->event->now.ms + LEDGER_AHEAD_MS)
        return part_reject(f, "invalid",
                           "more than a day ahead of the gateway's clock; correct it or leave it "
                           "out",
                           "/at");
    stored old;
    gw_wall first;
    gw_code rc = part_read(f, &f->debtor->debtor, "o:", key, &old);
    if (rc != GW_OK)
        return rc;
    switch (find_act(f, &old, id, &first)) {
    case SAME_ACT:
        return part_duplicate(f, first);
    case OTHER_ACT:
        return other_act(f);
    case NEW_ACT:
        break;
    }
    return store_consent(f, key, &old);
}

/* ---- holds ---- */

gw_code ledger_hold(const fold *f)
{
    static const char *const members[] = {"state", "until", "by", "reason"};
    gw_str id = json_get_str(f->body, 0, "id");
    gw_str kind = json_get_str(f->body, 0, "kind");
    stored old;
    gw_wall first;
    gw_code rc = part_read(f, &f->debtor->debtor, "h:", kind, &old);
    if (rc != GW_OK)
        return rc;
    switch (find_act(f, &old, id, &first)) {
    case SAME_ACT:
        return part_duplicate(f, first);
    case OTHER_ACT:
        return other_act(f);
    case NEW_ACT:
        break;
    }
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    for (size_t i = 0; i < GW_COUNT(members); i++)
        part_copy(f, &object, members[i]);
    json_put_member_int(&object, "rx", f->event->now.ms);
    put_seen(f, &object, &old, id);
    part_copy(f, &fact, "kind");
    part_copy(f, &fact, "state");
    part_copy(f, &fact, "until");
    part_copy(f, &priv, "id");
    part_copy(f, &priv, "by");
    part_copy(f, &priv, "reason");
    bool set = gw_str_is(json_get_str(f->body, 0, "state"), "set");
    rc = part_set_debtor(f, "h:", kind, &object);
    return rc == GW_OK
               ? part_record(f, EVENT_HOLD, GW_STR(""), set ? "set" : "released", &fact, &priv)
               : rc;
}
