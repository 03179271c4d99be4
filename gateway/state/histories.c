#include "gateway/state/histories.h"

#include "gateway/state/conn.h"

#include <stdio.h>

static gw_code ask_keys(state *s, char cursor[24], gw_arena *arena, state_history **ret,
                        size_t *ret_n, gw_err *err)
{
    CONN_REPLY *r = NULL;
    conn_command(s, 6, "SCAN");
    conn_arg_z(s, cursor);
    conn_arg_z(s, "MATCH");
    conn_arg_z(s, "dl:{??}:d:*");
    conn_arg_z(s, "COUNT");
    conn_arg_z(s, "1000");
    gw_code rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
        r->element[1]->type != REDIS_REPLY_ARRAY || conn_text(r->element[0]).n >= 24)
        return conn_unexpected("SCAN", err);
    size_t n = r->element[1]->elements;
    state_history *list = gw_arena_alloc(arena, (n + 1) * sizeof *list);
    if (!list)
        return gw_fail(err, GW_ENOMEM, "state store: the answer does not fit the arena");
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        rc = conn_copy(arena, r->element[1]->element[i], &list[i].key, err);
    snprintf(cursor, 24, "%.*s", GW_STR_ARG(conn_text(r->element[0])));
    *ret = list;
    *ret_n = n;
    return rc;
}

static gw_code read_one(state *s, gw_arena *arena, state_history *h, gw_err *err)
{
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 3)
        return conn_unexpected("HMGET", err);
    gw_str *to[] = {&h->history, &h->segment, &h->source};
    for (size_t i = 0; i < 3 && rc == GW_OK; i++)
        if (r->element[i]->type != REDIS_REPLY_NIL)
            rc = conn_copy(arena, r->element[i], to[i], err);
    return rc;
}

gw_code state_histories(state *s, char cursor[24], gw_arena *arena, state_history **ret,
                        size_t *ret_n, gw_err *err)
{
    state_history *list = NULL;
    size_t n = 0;
    size_t asked = 0;
    gw_code rc = conn_begin(s, false, err);
    if (rc == GW_OK)
        rc = ask_keys(s, cursor, arena, &list, &n, err);
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        for (; asked < n && asked < i + CONN_READS_MAX; asked++) {
            conn_command(s, 5, "HMGET");
            conn_arg(s, list[asked].key);
            conn_arg_z(s, "th");
            conn_arg_z(s, "tg");
            conn_arg_z(s, "src");
        }
        rc = read_one(s, arena, &list[i], err);
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading timing histories");
    *ret = list;
    *ret_n = n;
    return GW_OK;
}
