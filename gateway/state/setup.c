/* setup.c - state_setup: a fit server, our functions, our format; or no start. */
#include "gateway/state/doctor.h"
#include "gateway/state/function.h"

static gw_code server_is_fit(state *s, gw_err *err)
{
    state_finding found[STATE_FINDINGS_MAX];
    size_t n = 0;
    gw_code rc = doctor_server(s, found, STATE_FINDINGS_MAX, &n, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        if (found[i].severity == STATE_FATAL)
            return gw_fail(err, GW_EREFUSED, "state store refused: %s; remedy: %s", found[i].what,
                           found[i].remedy);
    return GW_OK;
}

/* Format before functions: a store of another format must not get our functions. */
static gw_code meta_is_ours(state *s, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    const struct {
        const char *name;
        int value;
    } first[] = {{"format", dunlin_lua_format}, {"shards", STATE_SHARDS}};
    for (size_t i = 0; i < GW_COUNT(first); i++) {
        conn_command(s, 4, "HSETNX");
        conn_arg_z(s, "dl:meta");
        conn_arg_z(s, first[i].name);
        conn_arg_int(s, first[i].value);
    }
    conn_command(s, 4, "HMGET");
    conn_arg_z(s, "dl:meta");
    conn_arg_z(s, first[0].name);
    conn_arg_z(s, first[1].name);
    for (size_t i = 0; i < GW_COUNT(first) && rc == GW_OK; i++) {
        CONN_REPLY *created = NULL;
        rc = conn_reply(s, &created, err);
    }
    CONN_REPLY *r = NULL;
    if (rc == GW_OK)
        rc = conn_reply(s, &r, err);
    conn_end(s);
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
        return conn_unexpected("HMGET dl:meta", err);
    for (size_t i = 0; i < GW_COUNT(first); i++)
        if (conn_int(r->element[i], -1) != first[i].value)
            return gw_fail(err, GW_EREFUSED,
                           "state store has %s %lld, this program knows %d: use the program "
                           "version that wrote it, or give an empty store and run dunlin rebuild",
                           first[i].name, (long long)conn_int(r->element[i], -1), first[i].value);
    return GW_OK;
}

static gw_code note_creation(state *s, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 1, "TIME");
    CONN_REPLY *t = NULL;
    rc = conn_reply(s, &t, err);
    if (rc != GW_OK)
        return rc;
    if (t->type != REDIS_REPLY_ARRAY || t->elements != 2)
        return conn_unexpected("TIME", err);
    conn_command(s, 4, "HSETNX");
    conn_arg_z(s, "dl:meta");
    conn_arg_z(s, "created");
    conn_arg_int(s, conn_int(t->element[0], 0) * 1000 + conn_int(t->element[1], 0) / 1000);
    CONN_REPLY *r = NULL;
    return conn_reply(s, &r, err);
}

static gw_code functions_are_ours(state *s, gw_err *err)
{
    function_match match = FUNCTION_ABSENT;
    gw_code rc = function_look(s, &match, err);
    if (rc != GW_OK)
        return rc;
    switch (match) {
    case FUNCTION_FOREIGN:
        return gw_fail(err, GW_EREFUSED,
                       "state store runs functions of another stored format: use the program "
                       "version that wrote it");
    case FUNCTION_ABSENT:
    case FUNCTION_OLDER:
        return function_load(s, err);
    case FUNCTION_SAME:
    case FUNCTION_UNSEEN:
    case FUNCTION_NEWER:
        break;
    }
    return GW_OK;
}

gw_code state_setup(state *s, gw_err *err)
{
    static gw_code (*const steps[])(state *, gw_err *) = {server_is_fit, meta_is_ours,
                                                          functions_are_ours, note_creation};
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        gw_code rc = steps[i](s, err);
        if (rc != GW_OK)
            return gw_wrap(err, rc, "starting");
    }
    return GW_OK;
}
