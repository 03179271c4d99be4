#include "gateway/state/inbox.h"

#include "gateway/state/conn.h"

enum { PIPELINE_MAX = 256 };

#define FIELD "1"

static gw_code take_answers(state *s, size_t n, gw_err *err)
{
    gw_code rc = GW_OK;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        CONN_REPLY *r = NULL;
        rc = conn_reply(s, &r, err);
    }
    return rc;
}

gw_code state_inbox_add(state *s, const state_inbox_item *items, size_t n, gw_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].shard >= STATE_SHARDS || !items[i].bytes.n ||
            items[i].bytes.n > STATE_INBOX_ENTRY_MAX)
            return gw_fail(err, GW_EINVAL, "inbox: an entry has 1..%d bytes and a shard",
                           STATE_INBOX_ENTRY_MAX);
    gw_code rc = conn_begin(s, true, err);
    for (size_t i = 0; i < n && rc == GW_OK;) {
        size_t sent = 0;
        for (; i < n && sent < PIPELINE_MAX; i++, sent++) {
            conn_command(s, 5, "XADD");
            conn_arg_key(s, items[i].shard, "in", NULL);
            conn_arg_z(s, "*");
            conn_arg_z(s, FIELD);
            conn_arg(s, items[i].bytes);
        }
        rc = take_answers(s, sent, err);
    }
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "keeping what came in");
}

/* ---- reading ---- */

typedef struct {
    gw_arena *arena;
    state_inbox_entry *list;
    size_t n, limit;
} reading;

static void ask(state *s, unsigned shard, gw_str last, size_t count)
{
    char from[64];
    size_t n = last.n < sizeof from - 1 ? last.n : 0;
    from[0] = n ? '(' : '-';
    if (n)
        memcpy(from + 1, last.p, n);
    conn_command(s, 6, "XRANGE");
    conn_arg_key(s, shard, "in", NULL);
    conn_arg(s, (gw_str){from, n + 1});
    conn_arg_z(s, "+");
    conn_arg_z(s, "COUNT");
    conn_arg_int(s, (int64_t)count);
}

/* [id, [field, value]] each */
static gw_code take(reading *x, unsigned shard, const redisReply *r, gw_err *err)
{
    if (r->type != REDIS_REPLY_ARRAY)
        return conn_unexpected("XRANGE", err);
    for (size_t i = 0; i < r->elements && x->n < x->limit; i++) {
        const redisReply *e = r->element[i];
        if (e->type != REDIS_REPLY_ARRAY || e->elements != 2 || e->element[1]->elements != 2)
            return conn_unexpected("XRANGE", err);
        state_inbox_entry *to = &x->list[x->n];
        to->shard = (uint8_t)shard;
        gw_code rc = conn_copy(x->arena, e->element[0], &to->stream_id, err);
        if (rc == GW_OK)
            rc = conn_copy(x->arena, e->element[1]->element[1], &to->bytes, err);
        if (rc != GW_OK)
            return rc;
        x->n++;
    }
    return GW_OK;
}

gw_code state_inbox_read(state *s, const uint8_t shard_mask[STATE_SHARDS],
                         const gw_str last_ids[STATE_SHARDS], size_t limit, gw_arena *arena,
                         state_inbox_entry **ret, size_t *ret_n, gw_err *err)
{
    size_t shards = 0;
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        shards += shard_mask[k] != 0;
    if (limit == 0 || limit > STATE_INBOX_READ_MAX)
        return gw_fail(err, GW_EINVAL, "inbox: read 1..%d entries at a time", STATE_INBOX_READ_MAX);
    *ret_n = 0;
    if (shards == 0)
        return GW_OK;
    reading x = {.arena = arena, .limit = limit};
    x.list = gw_arena_alloc(arena, limit * sizeof *x.list);
    if (!x.list)
        return gw_fail(err, GW_ENOMEM, "reading the inbox: it does not fit the arena");
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        if (shard_mask[k])
            ask(s, k, last_ids[k], (limit + shards - 1) / shards);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        CONN_REPLY *r = NULL;
        if (!shard_mask[k])
            continue;
        rc = conn_reply(s, &r, err);
        if (rc == GW_OK)
            rc = take(&x, k, r, err);
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading the inbox");
    *ret = x.list;
    *ret_n = x.n;
    return GW_OK;
}

gw_code state_inbox_remove(state *s, const state_inbox_entry *entries, size_t n, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    for (size_t i = 0; i < n && rc == GW_OK;) {
        size_t sent = 0;
        for (; i < n && sent < PIPELINE_MAX; i++, sent++) {
            conn_command(s, 3, "XDEL");
            conn_arg_key(s, entries[i].shard, "in", NULL);
            conn_arg(s, entries[i].stream_id);
        }
        rc = take_answers(s, sent, err);
    }
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "clearing the inbox");
}

gw_code state_inbox_size(state *s, uint64_t *ret, gw_err *err)
{
    uint64_t total = 0;
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    for (unsigned k = 0; k < STATE_SHARDS; k++) {
        conn_command(s, 2, "XLEN");
        conn_arg_key(s, k, "in", NULL);
    }
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        CONN_REPLY *r = NULL;
        rc = conn_reply(s, &r, err);
        if (rc == GW_OK)
            total += (uint64_t)conn_int(r, 0);
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "counting the inbox");
    *ret = total;
    return GW_OK;
}
