/* outbox.c - reading the 64 outbox streams and forgetting what the log holds. */
#include "gateway/state/conn.h"
#include "gateway/state/head.h"
#include "gateway/state/record.h"

#include "gateway/base/json.h"

#include <inttypes.h>
#include <stdio.h>

enum { FACT_MAX = 8 * STATE_NAME_MAX }; /* an id escaped as JSON */

typedef struct {
    state *s;
    gw_arena *arena;
    state_outbox_entry *entries;
    size_t n, limit;
    size_t *bodies; /* entries whose reminder hash is needed */
    size_t body_n;
} reading;

static gw_code no_room(gw_err *err)
{
    return gw_fail(err, GW_ENOMEM, "reading the outbox: it does not fit the arena");
}

/* ---- asking ---- */

static void ask(state *s, const gw_str last_ids[STATE_SHARDS], size_t count, int block_ms)
{
    conn_command(s, 4 + (block_ms > 0 ? 2 : 0) + 2 * STATE_SHARDS, "XREAD");
    conn_arg_z(s, "COUNT");
    conn_arg_int(s, (int64_t)count);
    if (block_ms > 0) {
        conn_arg_z(s, "BLOCK");
        conn_arg_int(s, block_ms);
    }
    conn_arg_z(s, "STREAMS");
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        conn_arg_key(s, k, "out", NULL);
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        conn_arg(s, last_ids[k].n ? last_ids[k] : GW_STR("0-0"));
}

/* ---- reading entries ---- */

static int shard_of_key(gw_str key)
{
    if (key.n < 8 || memcmp(key.p, "dl:{", 4) != 0)
        return -1;
    int shard = (key.p[4] - '0') * 10 + (key.p[5] - '0');
    return shard >= 0 && shard < STATE_SHARDS ? shard : -1;
}

/* [id, [field, value]] */
static gw_code take_entry(reading *x, int shard, const redisReply *r, gw_err *err)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[1]->elements != 2)
        return conn_unexpected("XREAD", err);
    state_outbox_entry *e = &x->entries[x->n];
    *e = (state_outbox_entry){.shard = (uint8_t)shard};
    gw_str field = conn_text(r->element[1]->element[0]);
    gw_code rc = conn_copy(x->arena, r->element[0], &e->stream_id, err);
    if (rc != GW_OK)
        return rc;
    if (gw_str_is(field, RECORD_FIELD)) {
        rc = record_unpack(conn_text(r->element[1]->element[1]), x->arena, &e->rec, err);
    } else if (gw_str_is(field, RECORD_ACCEPT)) {
        e->rec = (state_record){.event = NULL, .with_body = true}; /* the rest follows */
        rc = conn_copy(x->arena, r->element[1]->element[1], &e->rec.rid, err);
        if (rc == GW_OK && e->rec.rid.n != 2 * (GW_ID_TEXT - 1))
            return conn_unexpected("XREAD", err);
        e->rec.rid = (gw_str){e->rec.rid.p + GW_ID_TEXT - 1, GW_ID_TEXT - 1}; /* "<did><rid>" */
    } else {
        rc = gw_fail(err, GW_ECORRUPT, "outbox of shard %d has an entry of an unknown format",
                     shard);
    }
    if (rc != GW_OK)
        return rc;
    if (e->rec.with_body)
        x->bodies[x->body_n++] = x->n;
    x->n++;
    return GW_OK;
}

static gw_code take_streams(reading *x, const redisReply *r, gw_err *err)
{
    x->s->outbox_active = r->elements;
    for (size_t i = 0; i < r->elements; i++) {
        const redisReply *stream = r->element[i];
        int shard = stream->elements == 2 ? shard_of_key(conn_text(stream->element[0])) : -1;
        if (shard < 0)
            return conn_unexpected("XREAD", err);
        /* what is beyond the limit is simply read again next time */
        for (size_t k = 0; k < stream->element[1]->elements && x->n < x->limit; k++) {
            gw_code rc = take_entry(x, shard, stream->element[1]->element[k], err);
            if (rc != GW_OK)
                return rc;
        }
    }
    return GW_OK;
}

/* ---- bodies and acceptances, told by the reminder hash ---- */

static void ask_body(state *s, const state_outbox_entry *e)
{
    char key[CONN_KEY_TEXT];
    int n = snprintf(key, sizeof key, "dl:{%02d}:r:%.*s", e->shard, GW_ID_TEXT - 1,
                     e->rec.rid.p ? e->rec.rid.p : "");
    conn_command(s, 4, "HMGET");
    conn_arg(s, (gw_str){key, (size_t)n});
    conn_arg_z(s, HEAD_FIELD);
    conn_arg_z(s, "b");
}

static gw_code one_member(reading *x, const char *name, gw_str value, gw_str *ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&json, FACT_MAX);
    gw_buf_putc(&json, '{');
    json_put_member_str(&json, name, value);
    gw_buf_putc(&json, '}');
    gw_code rc = gw_buf_code(&json, "acceptance record", err);
    if (rc != GW_OK)
        return rc;
    ret->p = gw_arena_copy(x->arena, gw_buf_str(&json));
    ret->n = json.n;
    return ret->p ? GW_OK : no_room(err);
}

static gw_code tell_acceptance(reading *x, state_outbox_entry *e, const gw_str part[HEAD_PARTS],
                               gw_err *err)
{
    if (!part[HEAD_AT].p)
        return gw_fail(err, GW_ECORRUPT,
                       "outbox entry %.*s of shard %d: its reminder no longer exists",
                       GW_STR_ARG(e->stream_id), e->shard);
    e->rec.event = RECORD_ACCEPT_EVENT;
    e->rec.t.ms = strtoll(part[HEAD_AT].p, NULL, 10); /* a comma ends it */
    e->rec.source = part[HEAD_SOURCE];
    e->rec.debtor = part[HEAD_DEBTOR];
    e->rec.case_id = part[HEAD_CASE];
    gw_code rc = one_member(x, "channel", part[HEAD_CHANNEL], &e->rec.fact, err);
    return rc == GW_OK ? one_member(x, "job", part[HEAD_JOB], &e->rec.priv, err) : rc;
}

static gw_code take_body(reading *x, state_outbox_entry *e, gw_err *err)
{
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(x->s, &r, err);
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
        return conn_unexpected("HMGET", err);
    gw_str a, part[HEAD_PARTS] = {{0}};
    bool job = head_is_job(conn_text(r->element[0]));
    rc = conn_copy(x->arena, r->element[job ? 0 : 1], job ? &a : &e->body, err);
    if (rc == GW_OK && job) {
        rc = head_unpack(a, x->arena, part, err);
        e->body = part[HEAD_BODY];
    }
    return rc == GW_OK && !e->rec.event ? tell_acceptance(x, e, part, err) : rc;
}

static gw_code fetch_bodies(reading *x, gw_err *err)
{
    size_t asked = 0;
    for (size_t i = 0; i < x->body_n; i++) {
        while (asked < x->body_n && asked < i + CONN_READS_MAX)
            ask_body(x->s, &x->entries[x->bodies[asked++]]);
        gw_code rc = take_body(x, &x->entries[x->bodies[i]], err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code read_entries(reading *x, size_t limit, gw_err *err)
{
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(x->s, &r, err);
    if (rc != GW_OK)
        return rc;
    x->s->outbox_active = 0;
    if (r->type == REDIS_REPLY_NIL) /* nothing within block_ms */
        return GW_OK;
    if (r->type != REDIS_REPLY_ARRAY)
        return conn_unexpected("XREAD", err);
    x->limit = limit;
    x->entries = gw_arena_alloc(x->arena, limit * sizeof *x->entries);
    x->bodies = gw_arena_alloc(x->arena, limit * sizeof *x->bodies);
    if (!x->entries || !x->bodies)
        return no_room(err);
    return take_streams(x, r, err);
}

gw_code state_outbox_read(state *s, const gw_str last_ids[STATE_SHARDS], size_t limit, int block_ms,
                          gw_arena *arena, state_outbox_entry **ret, size_t *ret_n, gw_err *err)
{
    if (limit == 0 || limit > STATE_OUTBOX_READ_MAX)
        return gw_fail(err, GW_EINVAL, "outbox: read 1..%d entries at a time",
                       STATE_OUTBOX_READ_MAX);
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    if (block_ms > 0)
        conn_timeout(s, s->timeout_ms + block_ms);
    /* COUNT is per stream: share the limit among as many as had entries last time */
    size_t count = s->outbox_active ? (limit + s->outbox_active - 1) / s->outbox_active : limit;
    ask(s, last_ids, count, block_ms);
    reading x = {.s = s, .arena = arena};
    rc = read_entries(&x, limit, err);
    if (rc == GW_OK)
        rc = fetch_bodies(&x, err);
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading the outbox");
    *ret = x.entries;
    *ret_n = x.n;
    return GW_OK;
}

/* ---- trimming ---- */

/* XTRIM MINID keeps ids at and above its argument: the one after `through`. */
static bool id_after(gw_str through, char *ret, size_t cap)
{
    char text[48];
    if (!through.n || through.n >= sizeof text)
        return false;
    memcpy(text, through.p, through.n);
    text[through.n] = '\0';
    uint64_t ms, seq;
    char *end;
    ms = strtoull(text, &end, 10);
    if (*end != '-')
        return false;
    seq = strtoull(end + 1, &end, 10);
    if (*end)
        return false;
    if (seq == UINT64_MAX)
        ms++;
    seq++; /* wraps to 0 of the next millisecond */
    snprintf(ret, cap, "%" PRIu64 "-%" PRIu64, ms, seq);
    return true;
}

gw_code state_outbox_trim_all(state *s, const gw_str through_ids[STATE_SHARDS], gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    size_t asked = 0;
    for (unsigned k = 0; k < STATE_SHARDS; k++) {
        char first_kept[48];
        if (!through_ids[k].n)
            continue;
        if (!id_after(through_ids[k], first_kept, sizeof first_kept)) {
            conn_drop(s);
            return gw_fail(err, GW_EINVAL, "outbox of shard %u: not a stream id", k);
        }
        conn_command(s, 5, "XTRIM");
        conn_arg_key(s, k, "out", NULL);
        conn_arg_z(s, "MINID");
        conn_arg_z(s, "=");
        conn_arg_z(s, first_kept);
        asked++;
    }
    for (; asked && rc == GW_OK; asked--) {
        CONN_REPLY *r = NULL;
        rc = conn_reply(s, &r, err);
    }
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "trimming the outbox");
}

gw_code state_outbox_trim(state *s, uint8_t shard, gw_str through_id, gw_err *err)
{
    gw_str all[STATE_SHARDS] = {{0}};
    if (shard >= STATE_SHARDS)
        return gw_fail(err, GW_EINVAL, "outbox: no shard %d", shard);
    all[shard] = through_id;
    return state_outbox_trim_all(s, all, err);
}
