/* due.c - what is due in a lane, the next due moment, and the counters. */
#include "gateway/state/conn.h"
#include "gateway/state/lane.h"

static size_t asked_shards(const uint8_t mask[STATE_SHARDS], uint8_t ret[STATE_SHARDS],
                           unsigned from)
{
    size_t n = 0;
    for (unsigned i = 0; i < STATE_SHARDS; i++) {
        unsigned k = (from + i) % STATE_SHARDS;
        if (mask[k])
            ret[n++] = (uint8_t)k;
    }
    return n;
}

static void ask_accepted(state *s, unsigned shard, size_t limit)
{
    conn_command(s, 4, "LRANGE");
    conn_arg_key(s, shard, "w", NULL);
    conn_arg_z(s, "0");
    conn_arg_int(s, (int64_t)limit - 1);
}

static gw_code take_accepted(const redisReply *r, unsigned shard, state_due_entry *at, size_t room,
                             size_t *n, gw_err *err)
{
    if (r->type != REDIS_REPLY_ARRAY)
        return conn_unexpected("LRANGE", err);
    for (size_t i = 0; i < r->elements && *n < room; i++) {
        state_due_entry e = {.shard = (uint8_t)shard, .kind = 'r'};
        gw_code rc = conn_rid(r->element[i], &e.id, err);
        if (rc != GW_OK)
            return rc;
        at[(*n)++] = e;
    }
    return GW_OK;
}

static void ask_due(state *s, unsigned shard, char lane, gw_wall until, size_t limit)
{
    if (lane == DUE_ACCEPTED) {
        ask_accepted(s, shard, limit);
        return;
    }
    conn_command(s, 8, "ZRANGEBYSCORE");
    conn_arg_key(s, shard, "due", NULL);
    conn_arg_int(s, due_score(lane, 0));
    conn_arg_int(s, due_score(lane, until.ms));
    conn_arg_z(s, "WITHSCORES");
    conn_arg_z(s, "LIMIT");
    conn_arg_z(s, "0");
    conn_arg_int(s, (int64_t)limit);
}

static gw_code take_due(const redisReply *r, unsigned shard, char lane, state_due_entry *at,
                        size_t room, size_t *n, gw_err *err)
{
    if (lane == DUE_ACCEPTED)
        return take_accepted(r, shard, at, room, n, err);
    if (r->type != REDIS_REPLY_ARRAY || r->elements % 2)
        return conn_unexpected("ZRANGEBYSCORE", err);
    for (size_t i = 0; i < r->elements && *n < room; i += 2) {
        gw_str member = conn_text(r->element[i]);
        if (member.n != GW_ID_TEXT + 1 || (member.p[0] != 'r' && member.p[0] != 'd'))
            return conn_unexpected("ZRANGEBYSCORE", err);
        state_due_entry e = {.shard = (uint8_t)shard,
                             .kind = member.p[0],
                             .score = conn_int(r->element[i + 1], 0) - due_score(lane, 0)};
        gw_code rc = gw_id_parse((gw_str){member.p + 2, member.n - 2}, &e.id, err);
        if (rc != GW_OK)
            return rc;
        at[(*n)++] = e;
    }
    return GW_OK;
}

static int sooner(const void *a, const void *b)
{
    const state_due_entry *x = a, *y = b;
    return x->score < y->score ? -1 : x->score > y->score;
}

gw_code state_due(state *s, const uint8_t shard_mask[STATE_SHARDS], char lane, gw_wall until,
                  size_t limit, gw_arena *arena, state_due_entry **ret, size_t *ret_n, gw_err *err)
{
    uint8_t shards[STATE_SHARDS];
    if ((lane != DUE_ACCEPTED && due_lane(lane) < 0) || limit == 0 || limit > STATE_DUE_MAX)
        return gw_fail(err, GW_EINVAL, "due: lane is one of a w e s v f k, limit 1..%d",
                       STATE_DUE_MAX);
    size_t n = 0, shard_n = asked_shards(shard_mask, shards, s->due_rotor++);
    state_due_entry *entries = gw_arena_alloc(arena, limit * sizeof *entries);
    if (!entries)
        return gw_fail(err, GW_ENOMEM, "due entries do not fit the arena");
    /* the limit is shared by as many shards as had something due last time */
    size_t *active = &s->due_active[(unsigned char)lane];
    size_t share = *active ? (limit + *active - 1) / *active : limit;
    gw_code rc = conn_begin(s, false, err);
    for (size_t i = 0; i < shard_n && rc == GW_OK; i++)
        ask_due(s, shards[i], lane, until, share);
    *active = 0;
    for (size_t i = 0; i < shard_n && rc == GW_OK; i++) {
        CONN_REPLY *r = NULL;
        rc = conn_reply(s, &r, err);
        if (rc == GW_OK) {
            *active += r->elements > 0;
            rc = take_due(r, shards[i], lane, entries, limit, &n, err);
        }
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading what is due");
    if (lane != DUE_ACCEPTED) /* all due, and in the order they came within a shard */
        qsort(entries, n, sizeof *entries, sooner);
    *ret = entries;
    *ret_n = n;
    return GW_OK;
}

gw_code state_next_due(state *s, const char *lanes, int64_t *ret_ms, gw_err *err)
{
    int64_t next = INT64_MAX;
    const char *asked = lanes;
    gw_code rc = conn_begin(s, false, err);
    for (; *asked && rc == GW_OK; asked++)
        for (unsigned k = 0; k < STATE_SHARDS; k++)
            ask_due(s, k, *asked, (gw_wall){INT64_MAX}, 1);
    for (const char *lane = lanes; lane < asked && rc == GW_OK; lane++)
        for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
            CONN_REPLY *r = NULL;
            state_due_entry e;
            size_t n = 0;
            rc = conn_reply(s, &r, err);
            if (rc == GW_OK)
                rc = take_due(r, k, *lane, &e, 1, &n, err);
            if (rc == GW_OK && n && e.score < next)
                next = e.score;
        }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading the next due moment");
    *ret_ms = next;
    return GW_OK;
}

/* One shard's hash alone may be below zero: a call counts for all its shards in one of them. */
static gw_code add_counts(const redisReply *r, int64_t by_state[128], gw_err *err)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements % 2)
        return conn_unexpected("HGETALL", err);
    for (size_t i = 0; i < r->elements; i += 2) {
        gw_str name = conn_text(r->element[i]);
        int64_t v = conn_int(r->element[i + 1], INT64_MIN);
        if (name.n != 1 || (unsigned char)name.p[0] >= 128 || v == INT64_MIN)
            return gw_fail(err, GW_ECORRUPT, "a counter of reminders is not a number");
        by_state[(unsigned char)name.p[0]] += v;
    }
    return GW_OK;
}

gw_code state_counts(state *s, uint64_t ret_by_state[128], uint64_t *ret_outbox, gw_err *err)
{
    int64_t by_state[128] = {0};
    uint64_t outbox = 0;
    gw_code rc = conn_begin(s, false, err);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        conn_command(s, 2, "HGETALL");
        conn_arg_key(s, k, "n", NULL);
        conn_command(s, 2, "XLEN");
        conn_arg_key(s, k, "out", NULL);
    }
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        CONN_REPLY *counts = NULL, *entries = NULL;
        rc = conn_reply(s, &counts, err);
        if (rc == GW_OK)
            rc = add_counts(counts, by_state, err);
        if (rc == GW_OK)
            rc = conn_reply(s, &entries, err);
        if (rc == GW_OK)
            outbox += (uint64_t)conn_int(entries, 0);
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "counting reminders");
    for (size_t i = 0; i < 128; i++)
        ret_by_state[i] = by_state[i] > 0 ? (uint64_t)by_state[i] : 0;
    *ret_outbox = outbox;
    return GW_OK;
}
