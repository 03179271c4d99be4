#include "gateway/intake/bind.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/base/time.h"
#include "gateway/intake/intake.h"
#include "gateway/state/mark.h"

#include <stdio.h>

enum { TRIES = 8, CONTACTS_MAX = 64, CHANNELS = 3, VALUE_MAX = 8192, BODY_MAX = 8192 };

static const struct {
    const char *channel, *member;
} lines[CHANNELS] = {{"email", "email"}, {"sms", "phone"}, {"voice", "phone"}};

static gw_code no_memory(gw_err *err)
{
    return gw_fail(err, GW_ENOMEM, "binding an address: out of memory");
}

/* ---- what binds ---- */

static bool is_binding(gw_str status, gw_str suppression)
{
    return gw_str_is(status, "withdrawn") ||
           (gw_str_is(status, "suppressed") &&
            (gw_str_is(suppression, "legal") || gw_str_is(suppression, "leaked")));
}

static int64_t moment_of(const json_doc *body, gw_wall now)
{
    gw_wall t;
    gw_str s = json_get_str(body, 0, "at");
    return s.n && gw_time_parse(s, &t, NULL) == GW_OK ? t.ms : now.ms;
}

/* Each address the debtor has where the entry holds, once per channel. */
static gw_code each_address(const teller *t, const bind_entry *like, const state_debtor *debtor,
                            bind_entry *list, size_t *ret_n, gw_err *err)
{
    json_doc *d = gw_arena_alloc(t->arena, sizeof *d);
    gw_str text = state_get(&debtor->debtor, "b");
    bool all = gw_str_is(like->scope, "all");
    size_t n = 0;
    if (!d)
        return no_memory(err);
    gw_code rc = text.n ? json_parse(text, t->arena, d, err) : GW_OK;
    uint32_t contacts = rc == GW_OK && text.n ? json_member(d, 0, "contacts") : 0;
    uint32_t end = contacts ? json_at(d, contacts)->next : 0;
    for (uint32_t c = json_first(contacts); c < end; c = json_at(d, c)->next)
        for (size_t i = 0; i < CHANNELS && n < CONTACTS_MAX; i++) {
            gw_str address = json_get_str(d, c, lines[i].member);
            if (!address.n || (!all && !gw_str_is(like->channel, lines[i].channel)))
                continue;
            list[n] = *like;
            list[n].channel = gw_str_of(lines[i].channel);
            list[n].address = address;
            list[n++].scope = GW_STR("address");
        }
    *ret_n = n;
    return rc;
}

gw_code bind_entries(const teller *t, gw_str source, const state_debtor *debtor,
                     const json_doc *body, bind_entry **ret, size_t *ret_n, gw_err *err)
{
    gw_str scope = json_get_str(body, 0, "scope");
    bind_entry e = {
        .channel = json_get_str(body, 0, "channel"),
        .address = json_get_str(body, 0, "address"),
        .scope = scope.n ? scope : GW_STR("address"),
        .status = json_get_str(body, 0, "status"),
        .suppression = json_get_str(body, 0, "suppression"),
        .purpose = json_get_str(body, 0, "purpose"),
        .debt = json_get_str(body, 0, "debt"),
        .source = source,
        .said = json_get_str(body, 0, "source"),
        .at_ms = moment_of(body, t->now),
    };
    *ret_n = 0;
    if (!is_binding(e.status, e.suppression))
        return GW_OK;
    *ret = gw_arena_alloc(t->arena, CONTACTS_MAX * sizeof **ret);
    if (!*ret)
        return no_memory(err);
    if (e.address.n) {
        (*ret)[0] = e;
        *ret_n = 1;
        return GW_OK;
    }
    /* About a debt, without saying who spoke: it stays with the debtor it was said of. */
    return e.debt.n ? GW_OK : each_address(t, &e, debtor, *ret, ret_n, err);
}

/* ---- the register ---- */

static gw_code put_once(const teller *t, const bind_entry *e, const state_record *record,
                        state_verdict *ret, gw_err *err)
{
    state_debtor at;
    gw_id key;
    char name[GW_ID_TEXT + 2];
    bind_entry known = {.at_ms = INT64_MIN};
    bind_entry widest = *e;
    GW_AUTO_BUF gw_buf value;
    gw_buf_init(&value, VALUE_MAX);
    state_mark_address(t->id_key, e->address, &key);
    gw_code rc = state_load_debtors(t->store, &key, 1, t->arena, &at, err);
    if (rc != GW_OK)
        return rc;
    if (at.debtor.n >= BIND_FIELDS_MAX) {
        widest.scope = GW_STR("all");
        widest.purpose = widest.debt = (gw_str){NULL, 0};
    }
    bind_entry_name(t, &widest, name);
    gw_str stored = state_get(&at.debtor, name);
    /* What cannot be read is written anew: it never means that nothing was said. */
    if (stored.n && bind_entry_read(stored, e->address, t->arena, &known, NULL) != GW_OK)
        known.at_ms = INT64_MIN;
    *ret = STATE_OK;
    if (known.at_ms >= e->at_ms && !record)
        return GW_OK;
    rc = bind_entry_write(known.at_ms >= e->at_ms ? &known : &widest, &value, err);
    if (rc != GW_OK)
        return rc;
    state_field set = {gw_str_of(name), gw_buf_str(&value)};
    state_txn x = {.shard = state_shard(&key),
                   .did = &key,
                   .debtor_version = (int64_t)at.debtor.version,
                   .debtor_sets = &set,
                   .debtor_n = 1,
                   .version = -1,
                   .records = record,
                   .record_n = record != NULL};
    return state_apply(t->store, &x, 1, ret, err);
}

gw_code bind_put(const teller *t, const bind_entry *e, const state_record *record, gw_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        state_verdict verdict;
        gw_code rc = put_once(t, e, record, &verdict, err);
        if (rc != GW_OK || verdict == STATE_OK)
            return rc;
    }
    return gw_fail(err, GW_EBUSY, "an address keeps moving");
}

/* ---- telling debtors ---- */

/* A debtor that cannot be read, or takes no more, is held or full anyway; the others are told. */
static gw_code tell_one(const teller *t, const bind_entry *e, gw_str source, gw_str debtor,
                        gw_err *err)
{
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, BODY_MAX);
    gw_code rc = bind_entry_body(t, e, debtor, &body, err);
    if (rc == GW_OK)
        rc = tell(t, VERB_CONSENT, source, debtor, gw_buf_str(&body), err);
    if (rc == GW_ECORRUPT || rc == GW_EINVAL || rc == GW_ECONFLICT) {
        gw_log(GW_LOG_ERROR, "a debtor does not take what was said at its address", "code=%s",
               gw_code_name(rc));
        return GW_OK;
    }
    return rc;
}

static gw_code spread(const teller *t, const bind_entry *e, const gw_id *except, gw_err *err)
{
    gw_id key;
    gw_str *found;
    size_t n;
    state_mark_address(t->id_key, e->address, &key);
    gw_code rc = state_mark_debtors(t->store, &key, t->arena, &found, &n, err);
    gw_id *dids = rc == GW_OK ? gw_arena_alloc(t->arena, (n + 1) * sizeof *dids) : NULL;
    state_debtor *others = rc == GW_OK ? gw_arena_alloc(t->arena, (n + 1) * sizeof *others) : NULL;
    size_t m = 0;
    if (rc == GW_OK && (!dids || !others))
        rc = no_memory(err);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        if (gw_id_parse(found[i], &dids[m], NULL) == GW_OK &&
            (!except || memcmp(dids[m].b, except->b, sizeof except->b) != 0))
            m++;
    if (rc == GW_OK && m)
        rc = state_load_debtors(t->store, dids, m, t->arena, others, err);
    for (size_t i = 0; i < m && rc == GW_OK; i++) {
        gw_str source = state_get(&others[i].debtor, "src");
        gw_str debtor = state_get(&others[i].debtor, "deb");
        /* Marked but not stored yet: it reads the register after it is. */
        if (debtor.n && bind_entry_counts(t->apart, e, source))
            rc = tell_one(t, e, source, debtor, err);
    }
    return rc;
}

gw_code bind_said(const teller *t, const gw_id *did, gw_str source, const state_debtor *debtor,
                  const json_doc *body, gw_err *err)
{
    bind_entry *list;
    size_t n;
    gw_code rc = bind_entries(t, source, debtor, body, &list, &n, err);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        rc = bind_put(t, &list[i], NULL, err);
    GW_CRASH_POINT("bind-after-register");
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        rc = spread(t, &list[i], did, err);
    GW_CRASH_POINT("bind-after-debtors");
    return rc;
}

/* ---- a debtor and the register ---- */

typedef struct {
    gw_id key;
    gw_str address;
    const bind_debtor *of;
} lookup;

static size_t lookups_of(const teller *t, const bind_debtor *d, lookup *ret)
{
    static const char *const members[] = {"email", "phone"};
    size_t n = 0;
    uint32_t contacts = json_member(d->body, 0, "contacts");
    uint32_t end = contacts ? json_at(d->body, contacts)->next : 0;
    for (uint32_t c = json_first(contacts); c < end; c = json_at(d->body, c)->next)
        for (size_t i = 0; i < GW_COUNT(members) && n < CONTACTS_MAX; i++) {
            gw_str address = json_get_str(d->body, c, members[i]);
            if (!address.n)
                continue;
            ret[n] = (lookup){.address = address, .of = d};
            state_mark_address(t->id_key, address, &ret[n++].key);
        }
    return n;
}

static gw_code tell_found(const teller *t, const lookup *l, const state_hash *found, gw_err *err)
{
    gw_code rc = GW_OK;
    for (size_t i = 0; i < found->n && rc == GW_OK; i++) {
        bind_entry e;
        gw_str name = found->fields[i].name;
        if (name.n < 2 || memcmp(name.p, "s:", 2) != 0)
            continue;
        rc = bind_entry_read(found->fields[i].value, l->address, t->arena, &e, err);
        if (rc == GW_OK && bind_entry_counts(t->apart, &e, l->of->source))
            rc = tell_one(t, &e, l->of->source, l->of->debtor, err);
    }
    return rc;
}

gw_code bind_debtors(const teller *t, const bind_debtor *list, size_t n, gw_err *err)
{
    lookup *all = gw_arena_alloc(t->arena, (n * CONTACTS_MAX + 1) * sizeof *all);
    size_t m = 0;
    if (!all)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        m += lookups_of(t, &list[i], all + m);
    gw_id *keys = gw_arena_alloc(t->arena, (m + 1) * sizeof *keys);
    state_debtor *found = gw_arena_alloc(t->arena, (m + 1) * sizeof *found);
    if (!keys || !found)
        return no_memory(err);
    for (size_t i = 0; i < m; i++)
        keys[i] = all[i].key;
    gw_code rc = m ? state_load_debtors(t->store, keys, m, t->arena, found, err) : GW_OK;
    for (size_t i = 0; i < m && rc == GW_OK; i++)
        rc = tell_found(t, &all[i], &found[i].debtor, err);
    return rc;
}
