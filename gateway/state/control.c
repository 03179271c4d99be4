/* control.c - the manual clock, the pauses, the rules in force and the name of the log, which all
 * gateways share. */
#include "gateway/state/conn.h"

gw_code state_clock_get(state *s, bool *ret_manual, gw_wall *ret_t, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 2, "GET");
    conn_arg_z(s, "dl:clock");
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading the clock");
    int64_t ms = conn_int(r, INT64_MIN);
    if (r->type != REDIS_REPLY_NIL && ms == INT64_MIN)
        return gw_fail(err, GW_ECORRUPT, "dl:clock is not a number of milliseconds");
    *ret_manual = r->type != REDIS_REPLY_NIL;
    if (*ret_manual)
        ret_t->ms = ms;
    return GW_OK;
}

gw_code state_log_known(state *s, bool *ret_known, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 2, "EXISTS");
    conn_arg_z(s, "dl:log");
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "asking for the store's log");
    if (r->type != REDIS_REPLY_INTEGER)
        return gw_fail(err, GW_ECORRUPT, "EXISTS answers no number");
    *ret_known = r->integer == 1;
    return GW_OK;
}

gw_code state_log_set(state *s, gw_str origin, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 3, "SET");
    conn_arg_z(s, "dl:log");
    conn_arg(s, origin);
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "naming the store's log");
}

static gw_code ask_number(state *s, int64_t *ret, gw_err *err)
{
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "counting what is stored");
    if (r->type != REDIS_REPLY_INTEGER)
        return gw_fail(err, GW_ECORRUPT, "the store answers no number");
    *ret = r->integer;
    return GW_OK;
}

/* What a start writes before anything else does not count. */
gw_code state_is_empty(state *s, bool *ret_empty, gw_err *err)
{
    int64_t all = 0;
    int64_t own = 0;
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 1, "DBSIZE");
    rc = ask_number(s, &all, err);
    if (rc == GW_OK)
        rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 3, "EXISTS");
    conn_arg_z(s, "dl:meta");
    conn_arg_z(s, "dl:clock");
    rc = ask_number(s, &own, err);
    if (rc == GW_OK)
        *ret_empty = all == own;
    return rc;
}

gw_code state_clock_set(state *s, const gw_wall *t, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, t ? 3 : 2, t ? "SET" : "DEL");
    conn_arg_z(s, "dl:clock");
    if (t)
        conn_arg_int(s, t->ms);
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "setting the clock");
}

gw_code state_control_get(state *s, gw_arena *arena, state_hash *ret, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 2, "HGETALL");
    conn_arg_z(s, "dl:control");
    rc = conn_read_hash(s, arena, ret, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "reading the pauses");
}

gw_code state_control_set(state *s, gw_str field, gw_str json, gw_err *err)
{
    if (!field.n || field.n > STATE_NAME_MAX || json.n > STATE_VALUE_MAX)
        return gw_fail(err, GW_EINVAL, "pause: a name of 1..%d bytes is needed", STATE_NAME_MAX);
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, json.p ? 4 : 3, json.p ? "HSET" : "HDEL");
    conn_arg_z(s, "dl:control");
    conn_arg(s, field);
    if (json.p)
        conn_arg(s, json);
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "setting a pause");
}

/* ---- sets of rules ---- */

static gw_code remove_rules(state *s, gw_str key, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 3, "HDEL");
    conn_arg_z(s, "dl:rules");
    conn_arg(s, key);
    CONN_REPLY *r = NULL;
    return conn_reply(s, &r, err);
}

static gw_code remove_old_rules(state *s, gw_str key, gw_str keep, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 2, "HKEYS");
    conn_arg_z(s, "dl:rules");
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    for (size_t i = 0; rc == GW_OK && r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) {
        gw_str found = conn_text(r->element[i]);
        if (!gw_str_eq(found, key) && !gw_str_eq(found, keep))
            rc = remove_rules(s, found, err);
    }
    return rc;
}

gw_code state_rules_put(state *s, gw_str key, gw_str text, gw_str keep, gw_err *err)
{
    if (!key.n || key.n > STATE_NAME_MAX || text.n > STATE_RULES_MAX)
        return gw_fail(err, GW_ELIMIT, "the rules have more than %d bytes", STATE_RULES_MAX);
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 4, "HSET");
    conn_arg_z(s, "dl:rules");
    conn_arg(s, key);
    conn_arg(s, text);
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    if (rc == GW_OK)
        rc = remove_old_rules(s, key, keep, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "storing the rules");
}

gw_code state_rules_get(state *s, gw_str key, gw_arena *arena, gw_str *ret, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 3, "HGET");
    conn_arg_z(s, "dl:rules");
    conn_arg(s, key);
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading the rules in force");
    gw_str text = conn_text(r);
    if (!text.p)
        return gw_fail(err, GW_ENOTFOUND, "the store does not have the rules in force");
    char *copy = gw_arena_copy(arena, text);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "reading the rules in force");
    *ret = (gw_str){copy, text.n};
    return GW_OK;
}
