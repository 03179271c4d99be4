#include "gateway/dispatch/rebuild_part.h"

#include "gateway/evidence/fsck.h"
#include "gateway/wire/event.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA = 512 << 20,
    BODY_MAX = 8 << 20,
    FIRST_CONTENTS = 1024,
    FACT_MAX = 512,
    ENTRY_TXNS = 4 /* at most, of one entry */
};

gw_code rebuild_fault(rebuild *b, const entry *e, gw_code code, const char *what)
{
    const char *origin = reader_origin(b->reader, e->origin);
    return gw_fail(b->err, code, "entry %llu of %s: %s", (unsigned long long)e->index,
                   origin ? origin : "?", what);
}

/* ---- private values and contents ---- */

static gw_code open_private(rebuild *b, entry *e)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, BODY_MAX);
    gw_code rc = reader_disclosures(b->reader, e->leaf, &text, b->err);
    char *copy = rc == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&text)) : NULL;
    if (rc == GW_OK && !copy)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    return rc == GW_OK ? json_parse((gw_str){copy, text.n}, b->arena, &e->priv, b->err) : rc;
}

gw_code rebuild_private(rebuild *b, entry *e, const char *name, gw_str *ret)
{
    gw_code rc = e->priv.n ? GW_OK : open_private(b, e);
    *ret = (gw_str){"", 0};
    if (rc != GW_OK)
        return rc;
    for (uint32_t at = json_first(0); at < json_at(&e->priv, 0)->next;
         at = json_at(&e->priv, at)->next) {
        uint32_t salt = json_first(at);
        uint32_t key = json_at(&e->priv, salt)->next;
        uint32_t value = json_at(&e->priv, key)->next;
        if (!gw_str_is(json_str(&e->priv, key), name))
            continue;
        *ret = json_str(&e->priv, value);
        return ret->p ? GW_OK : gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    }
    return GW_OK;
}

gw_code rebuild_body(rebuild *b, const entry *e, gw_str *ret)
{
    reader_content contents[READER_CONTENTS_MAX];
    size_t n;
    GW_AUTO_BUF gw_buf plain;
    gw_buf_init(&plain, BODY_MAX);
    *ret = (gw_str){"", 0};
    gw_code rc = reader_contents(b->reader, e->leaf, contents, &n, b->err);
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        if (strcmp(contents[i].role, "submission") != 0)
            continue;
        rc = reader_blob(b->reader, e->leaf, i, &plain, NULL, b->err);
        char *copy = rc == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&plain)) : NULL;
        if (rc == GW_OK && !copy)
            rc = gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
        *ret = (gw_str){copy, copy ? plain.n : 0};
        break;
    }
    gw_buf_wipe(&plain);
    return rc;
}

/* ---- message contents that entries name ---- */

static void put_content(gw_id *list, size_t cap, const gw_id *id)
{
    static const gw_id none = {{0}};
    size_t at;
    memcpy(&at, id->b, sizeof at);
    for (at &= cap - 1; memcmp(list[at].b, none.b, sizeof none.b) != 0; at = (at + 1) & (cap - 1))
        if (memcmp(list[at].b, id->b, sizeof id->b) == 0)
            return;
    list[at] = *id;
}

static gw_code name_content(rebuild *b, const gw_id *id)
{
    static const gw_id none = {{0}};
    if (2 * (b->content_n + 1) > b->content_cap) {
        size_t cap = b->content_cap ? 2 * b->content_cap : FIRST_CONTENTS;
        gw_id *list = calloc(cap, sizeof *list);
        if (!list)
            return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
        for (size_t i = 0; i < b->content_cap; i++)
            if (memcmp(b->contents[i].b, none.b, sizeof none.b) != 0)
                put_content(list, cap, &b->contents[i]);
        free(b->contents);
        b->contents = list;
        b->content_cap = cap;
    }
    put_content(b->contents, b->content_cap, id);
    b->content_n++;
    return GW_OK;
}

static gw_code note_contents(rebuild *b, const entry *e)
{
    const json_doc *d = &e->v.doc;
    gw_code rc = GW_OK;
    if (!e->v.blob)
        return GW_OK;
    for (uint32_t at = json_first(e->v.blob); at < json_at(d, e->v.blob)->next && rc == GW_OK;
         at = json_at(d, at)->next) {
        gw_id id;
        gw_str seg = json_get_str(d, at, "seg");
        rc = gw_id_parse(json_get_str(d, at, "id"), &id, b->err);
        if (rc == GW_OK)
            rc = name_content(b, &id);
        if (rc == GW_OK && seg.n == sizeof b->last_segment - 1)
            snprintf(b->last_segment, sizeof b->last_segment, "%.*s", GW_STR_ARG(seg));
    }
    return rc;
}

/* ---- the walk ---- */

static bool is_event(gw_str name)
{
    static const char *const events[] = {EVENT_ITEM, EVENT_PAYMENT, EVENT_PROMISE, EVENT_DISPUTE,
                                         EVENT_HOLD, EVENT_CONSENT, EVENT_CONTACT, EVENT_HOURS};
    for (size_t i = 0; i < GW_COUNT(events); i++)
        if (gw_str_is(name, events[i]))
            return true;
    return false;
}

/* reply-read, reply-taken, reply-released (query_reply.c) */
static bool is_act_on_reply(const entry *e)
{
    return gw_str_is(e->v.event, EVENT_OPERATOR) && e->v.why.n > 6 &&
           memcmp(e->v.why.p, "reply-", 6) == 0;
}

static gw_code play(rebuild *b, entry *e)
{
    gw_code rc = note_contents(b, e);
    if (rc != GW_OK)
        return rc;
    if (e->v.rid.n && gw_str_is(e->v.event, EVENT_RECEIVED))
        return rebuild_receipt(b, e);
    if (e->v.rid.n)
        return rebuild_move(b, e);
    bool reply = gw_str_is(e->v.event, EVENT_RECEIVED) &&
                 (e->debtor.n || gw_str_is(e->v.why, "unknown-sender"));
    if (reply || is_act_on_reply(e))
        return rebuild_reply(b, e);
    if (is_event(e->v.event))
        return rebuild_event(b, e);
    if (gw_str_is(e->v.event, EVENT_POLICY) || gw_str_is(e->v.event, EVENT_OPERATOR))
        return rebuild_control(b, e);
    return GW_OK; /* the log's own records */
}

static gw_code read_entry(rebuild *b, const reader_entry *at, entry *e)
{
    GW_AUTO_BUF gw_buf leaf;
    gw_buf_init(&leaf, 1 << 17);
    *e = (entry){.origin = at->origin, .index = at->index};
    gw_code rc = reader_leaf(b->reader, at, &leaf, b->err);
    char *copy = rc == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&leaf)) : NULL;
    if (rc == GW_OK && !copy)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    e->leaf = (gw_str){copy, leaf.n};
    if (rc == GW_OK)
        rc = record_parse(e->leaf, b->arena, &e->v, b->err);
    if (rc == GW_OK)
        rc = gw_id_parse(e->v.kase, &e->kase, b->err);
    if (rc == GW_OK)
        rc =
            reader_who(b->reader, e->v.kase, b->arena, &e->source, &e->debtor, &e->case_id, b->err);
    return rc;
}

static gw_code walk(rebuild *b)
{
    gw_code rc = GW_OK;
    for (uint32_t origin = 1; origin <= reader_origins(b->reader) && rc == GW_OK; origin++)
        for (uint64_t i = 0; rc == GW_OK; i++) {
            reader_entry at;
            entry e;
            rc = reader_at(b->reader, origin, i, &at, b->err);
            if (rc == GW_ENOTFOUND) {
                rc = GW_OK;
                break;
            }
            if (rc == GW_OK)
                rc = read_entry(b, &at, &e);
            if (rc == GW_ENOTFOUND) { /* its key was destroyed: there is nothing to make again */
                b->ret->erased++;
                rc = GW_OK;
                continue;
            }
            if (rc == GW_OK)
                rc = play(b, &e);
            b->ret->entries++;
            if (rc == GW_OK && e.v.obx.n && e.v.t.ms > b->ret->log_ends.ms)
                b->ret->log_ends = e.v.t;
            if (rc == GW_OK && (b->txn_n + ENTRY_TXNS > REBUILD_CHUNK ||
                                b->debtor_n == REBUILD_CHUNK || i % 256 == 255))
                rc = rebuild_flush(b);
        }
    return rc == GW_OK ? rebuild_flush(b) : rc;
}

gw_code rebuild_flush(rebuild *b)
{
    state_verdict verdicts[REBUILD_CHUNK];
    state_reserved reserved[REBUILD_CHUNK];
    gw_code rc = state_reserve(b->store, b->uses, b->use_n, reserved, b->err);
    if (b->txn_n && rc == GW_OK)
        rc = state_apply(b->store, b->txns, b->txn_n, verdicts, b->err);
    for (size_t i = 0; i < b->txn_n && rc == GW_OK; i++)
        if (verdicts[i] != STATE_OK)
            rc = gw_fail(b->err, GW_ECORRUPT, "the store answers otherwise than it did (%d)",
                         verdicts[i]);
    b->txn_n = b->debtor_n = b->use_n = 0;
    gw_arena_reset(b->arena);
    return rc;
}

/* ---- before and after ---- */

static void tell_fault(void *ctx, const char *text)
{
    char *first = ctx;
    if (!first[0])
        snprintf(first, 192, "%s", text);
}

static gw_code verify_log(rebuild *b)
{
    char first[192] = "";
    fsck_result found = {0};
    const fsck_order order = {.dir = b->o->evidence_dir,
                              .tenant_key = b->o->tenant_key,
                              .state_dir = b->o->state_dir,
                              .on_fault = tell_fault,
                              .ctx = first};
    gw_code rc = fsck_run(&order, &found, b->err);
    if (rc == GW_OK && found.faults)
        rc = gw_fail(b->err, GW_ECORRUPT, "the log does not verify, nothing was rebuilt: %.150s",
                     first);
    return rc;
}

static gw_code check_store(rebuild *b)
{
    bool empty;
    gw_code rc = state_setup(b->store, b->err);
    if (rc == GW_OK)
        rc = state_is_empty(b->store, &empty, b->err);
    if (rc == GW_OK && !empty)
        rc = gw_fail(b->err, GW_EREFUSED,
                     "the store is not empty: what it holds is newer than the log; empty it only "
                     "when it is lost");
    return rc;
}

/* The outbox of the new store counts on from the system's clock; entries below what was logged
 * would be taken for repetitions. */
static gw_code check_clock(rebuild *b, evidence *ev)
{
    gw_str last[EVIDENCE_SHARDS];
    GW_AUTO(gw_clock_free) gw_clock *system = gw_clock_new();
    gw_code rc = system ? evidence_positions(ev, last) : gw_fail(b->err, GW_ENOMEM, "rebuilding");
    for (int i = 0; i < EVIDENCE_SHARDS && rc == GW_OK; i++) {
        long long ms = last[i].n ? strtoll(last[i].p, NULL, 10) : 0;
        if (ms >= gw_clock_now(system).ms)
            rc = gw_fail(b->err, GW_EREFUSED,
                         "this machine's clock lies before the end of the log; set it first");
    }
    return rc;
}

static gw_code record_rebuild(rebuild *b, evidence *ev)
{
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, FACT_MAX);
    gw_buf_putc(&fact, '{');
    json_put_member_int(&fact, "entries", (int64_t)b->ret->entries);
    json_put_member_int(&fact, "events", (int64_t)b->ret->events);
    json_put_member_int(&fact, "reminders", (int64_t)b->ret->reminders);
    json_put_member_int(&fact, "in_flight", (int64_t)b->ret->in_flight);
    json_put_member_int(&fact, "unsure", (int64_t)b->ret->unsure);
    json_put_member_int(&fact, "strays", (int64_t)b->ret->strays);
    gw_buf_putc(&fact, '}');
    const evidence_draft d = {.event = EVENT_REBUILD, .t = b->o->now, .fact = gw_buf_str(&fact)};
    return evidence_append(ev, &d, 1, b->err);
}

static gw_code run(rebuild *b, evidence *ev)
{
    const reader_config rc_reader = {b->o->evidence_dir, b->o->tenant_key};
    gw_code rc = verify_log(b);
    if (rc == GW_OK)
        rc = reader_open(&rc_reader, &b->reader, b->err);
    if (rc == GW_OK)
        rc = state_open(&b->o->state, &b->store, b->err);
    if (rc == GW_OK)
        rc = check_store(b);
    if (rc == GW_OK)
        rc = check_clock(b, ev);
    if (rc == GW_OK)
        rc = walk(b);
    if (rc == GW_OK)
        rc = rebuild_doubts(b);
    if (rc == GW_OK && b->o->clock_movable)
        rc = state_clock_set(b->store, &b->ret->log_ends, b->err);
    char origin[256];
    uint64_t size;
    evidence_size(ev, origin, &size);
    if (rc == GW_OK)
        rc = state_log_set(b->store, gw_str_of(origin), b->err);
    return rc == GW_OK ? record_rebuild(b, ev) : rc;
}

gw_code rebuild_log_end(const char *evidence_dir, gw_wall *ret, gw_err *err)
{
    static const char *const own[] = {"x-Start", "x-Recovery", "x-Export", EVENT_REBUILD};
    const reader_config cfg = {evidence_dir, NULL};
    GW_AUTO(reader_close) reader *r = NULL;
    gw_wall end = {0};
    gw_code rc = reader_open(&cfg, &r, err);
    for (uint32_t origin = 1; rc == GW_OK && origin <= reader_origins(r); origin++) {
        reader_entry e;
        for (uint64_t i = 0; (rc = reader_at(r, origin, i, &e, err)) == GW_OK; i++) {
            bool happened = true;
            for (size_t k = 0; k < GW_COUNT(own); k++)
                happened = happened && strcmp(e.event, own[k]) != 0;
            if (happened && e.t.ms > end.ms)
                end = e.t;
        }
        rc = rc == GW_ENOTFOUND ? GW_OK : rc;
    }
    if (rc == GW_OK)
        *ret = end;
    return rc;
}

gw_code rebuild_run(const rebuild_order *o, evidence *ev, rebuild_result *ret, gw_err *err)
{
    rebuild *b = calloc(1, sizeof *b);
    if (!b || !(b->arena = gw_arena_new(ARENA))) {
        free(b);
        return gw_fail(err, GW_ENOMEM, "rebuilding");
    }
    *ret = (rebuild_result){0};
    b->o = o;
    b->ret = ret;
    b->err = err;
    gw_code rc = run(b, ev);
    reader_close(b->reader);
    state_close(b->store);
    gw_arena_free(b->arena);
    free(b->reminders);
    free(b->contents);
    free(b);
    return rc;
}
