#include "gateway/state/mark.h"

#include "gateway/state/conn.h"

#include <stdio.h>

/* The kinds whose marks lie in the shard of their own hash. */
#define OF_PROVIDER 'p'
#define OF_ADDRESS  'a'

static bool is_own_shard(char kind)
{
    return kind == OF_PROVIDER || kind == OF_ADDRESS;
}

enum {
    PIPELINE_MAX = 256,
    PAGE = 1024,
    HEAD = 1 + GW_ID_TEXT - 1 + 1,
    MEMBER = HEAD + STATE_MARK_VALUE_MAX
};

void state_mark_provider(const uint8_t *id_key, gw_str provider, gw_str ref, gw_id *ret)
{
    gw_id_keyed(id_key, (gw_str[]){GW_STR("p"), provider, ref}, 3, ret);
}

/* Mailboxes differ in case only by custom (RFC 5321 §2.4): compared without it. */
void state_mark_address(const uint8_t *id_key, gw_str address, gw_id *ret)
{
    char lower[256];
    size_t n = address.n < sizeof lower ? address.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] =
            (char)(address.p[i] >= 'A' && address.p[i] <= 'Z' ? address.p[i] | 0x20 : address.p[i]);
    gw_id_keyed(id_key, (gw_str[]){GW_STR("a"), {lower, n}}, 2, ret);
}

static size_t put_head(char kind, const gw_id *key, char *to)
{
    char id[GW_ID_TEXT];
    gw_id_format(key, id);
    return (size_t)snprintf(to, HEAD + 1, "%c%s:", kind, id);
}

static void put(state *s, const state_mark *m, bool remove)
{
    char member[MEMBER + 1];
    size_t n = put_head(m->kind, &m->key, member);
    memcpy(member + n, m->value.p, m->value.n);
    conn_command(s, remove ? 3 : 4, remove ? "ZREM" : "ZADD");
    conn_arg_key(s, m->shard, "x", NULL);
    if (!remove)
        conn_arg_z(s, "0");
    conn_arg(s, (gw_str){member, n + m->value.n});
}

static gw_code write_all(state *s, const state_mark *marks, size_t n, bool remove, gw_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (marks[i].shard >= STATE_SHARDS || marks[i].value.n > STATE_MARK_VALUE_MAX ||
            (is_own_shard(marks[i].kind) && marks[i].shard != state_shard(&marks[i].key)))
            return gw_fail(
                err, GW_EINVAL,
                "a mark has a shard (kinds p and a: its own) and a value of at most %d bytes",
                STATE_MARK_VALUE_MAX);
    gw_code rc = conn_begin(s, true, err);
    for (size_t i = 0; i < n && rc == GW_OK;) {
        size_t sent = 0;
        for (; i < n && sent < PIPELINE_MAX; i++, sent++)
            put(s, &marks[i], remove);
        for (; sent && rc == GW_OK; sent--) {
            CONN_REPLY *r = NULL;
            rc = conn_reply(s, &r, err);
        }
    }
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "marking");
}

gw_code state_mark_add(state *s, const state_mark *marks, size_t n, gw_err *err)
{
    return write_all(s, marks, n, false, err);
}

gw_code state_mark_remove(state *s, const state_mark *marks, size_t n, gw_err *err)
{
    return write_all(s, marks, n, true, err);
}

static void ask(state *s, unsigned shard, char kind, const gw_id *key, size_t from_n, int limit)
{
    char from[HEAD + 2] = "[", to[HEAD + 3] = "[";
    size_t n = 1 + put_head(kind, key, from + 1);
    put_head(kind, key, to + 1);
    to[n] = '\xff';
    conn_command(s, 7, "ZRANGEBYLEX");
    conn_arg_key(s, shard, "x", NULL);
    conn_arg(s, (gw_str){from, n});
    conn_arg(s, (gw_str){to, n + 1});
    conn_arg_z(s, "LIMIT");
    conn_arg_int(s, (int64_t)from_n);
    conn_arg_int(s, limit);
}

typedef struct {
    gw_arena *arena;
    state_mark *list;
    size_t n;
} finding;

static gw_code take(finding *f, unsigned shard, char kind, const gw_id *key, const redisReply *r,
                    gw_err *err)
{
    if (r->type != REDIS_REPLY_ARRAY)
        return conn_unexpected("ZRANGEBYLEX", err);
    if (r->elements == 0)
        return GW_OK;
    state_mark *grown = gw_arena_alloc(f->arena, (f->n + r->elements) * sizeof *grown);
    if (!grown)
        return gw_fail(err, GW_ENOMEM, "reading marks: they do not fit the arena");
    if (f->n)
        memcpy(grown, f->list, f->n * sizeof *grown);
    f->list = grown;
    for (size_t i = 0; i < r->elements; i++) {
        gw_str member;
        gw_code rc = conn_copy(f->arena, r->element[i], &member, err);
        if (rc != GW_OK)
            return rc;
        if (member.n < HEAD)
            return conn_unexpected("a mark", err);
        f->list[f->n++] =
            (state_mark){(uint8_t)shard, kind, *key, {member.p + HEAD, member.n - HEAD}};
    }
    return GW_OK;
}

gw_code state_mark_find(state *s, char kind, const gw_id *key, gw_arena *arena, state_mark **ret,
                        size_t *ret_n, gw_err *err)
{
    finding f = {.arena = arena};
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        ask(s, k, kind, key, 0, STATE_MARKS_FOUND_MAX);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        CONN_REPLY *r = NULL;
        rc = conn_reply(s, &r, err);
        if (rc == GW_OK)
            rc = take(&f, k, kind, key, r, err);
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading marks");
    *ret = f.list;
    *ret_n = f.n;
    return GW_OK;
}

gw_code state_mark_lookup(state *s, const gw_id *keys, size_t n, gw_arena *arena, gw_str *ret,
                          gw_err *err)
{
    gw_code rc = n ? conn_begin(s, false, err) : GW_OK;
    for (size_t first = 0, i = 0; i < n && rc == GW_OK; first = i) {
        for (; i < n && i - first < PIPELINE_MAX; i++)
            ask(s, state_shard(&keys[i]), OF_PROVIDER, &keys[i], 0, 1);
        for (size_t k = first; k < i && rc == GW_OK; k++) {
            finding f = {.arena = arena};
            CONN_REPLY *r = NULL;
            rc = conn_reply(s, &r, err);
            if (rc == GW_OK)
                rc = take(&f, state_shard(&keys[k]), OF_PROVIDER, &keys[k], r, err);
            ret[k] = rc == GW_OK && f.n ? f.list[0].value : (gw_str){NULL, 0};
        }
    }
    if (n)
        conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "reading marks");
}

gw_code state_mark_debtors(state *s, const gw_id *address, gw_arena *arena, gw_str **ret,
                           size_t *ret_n, gw_err *err)
{
    finding f = {.arena = arena};
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    for (size_t before = 0; rc == GW_OK && (before == 0 || f.n == before); before += PAGE) {
        CONN_REPLY *r = NULL;
        ask(s, state_shard(address), OF_ADDRESS, address, before, PAGE);
        rc = conn_reply(s, &r, err);
        if (rc == GW_OK)
            rc = take(&f, state_shard(address), OF_ADDRESS, address, r, err);
    }
    conn_end(s);
    gw_str *list = rc == GW_OK ? gw_arena_alloc(arena, (f.n + 1) * sizeof *list) : NULL;
    if (rc == GW_OK && !list)
        rc = gw_fail(err, GW_ENOMEM, "they do not fit the arena");
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading marks");
    for (size_t i = 0; i < f.n; i++)
        list[i] = f.list[i].value;
    *ret = list;
    *ret_n = f.n;
    return GW_OK;
}
