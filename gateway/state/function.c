#include "gateway/state/function.h"

/* The loaded text; *ret_known false when the user may not ask for it. */
static gw_code same_text(state *s, bool *ret_known, bool *ret_same, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 5, "FUNCTION");
    conn_arg_z(s, "LIST");
    conn_arg_z(s, "LIBRARYNAME");
    conn_arg_z(s, FUNCTION_LIBRARY);
    conn_arg_z(s, "WITHCODE");
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    *ret_known = rc == GW_OK;
    *ret_same = false;
    if (rc == GW_EREFUSED)
        return GW_OK;
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY)
        return conn_unexpected("FUNCTION LIST", err);
    const redisReply *library = r->elements ? r->element[0] : NULL;
    for (size_t i = 0; library && i + 1 < library->elements; i += 2)
        if (gw_str_is(conn_text(library->element[i]), "library_code"))
            *ret_same = gw_str_eq(conn_text(library->element[i + 1]),
                                  (gw_str){(const char *)dunlin_lua, dunlin_lua_bytes});
    return GW_OK;
}

gw_code function_look(state *s, function_match *ret, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 3, "FCALL_RO");
    conn_arg_z(s, "dunlin_version");
    conn_arg_z(s, "0");
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    if (rc == GW_ENOTFOUND) {
        *ret = FUNCTION_ABSENT;
        return GW_OK;
    }
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
        return conn_unexpected("dunlin_version", err);
    int64_t format = conn_int(r->element[0], -1), revision = conn_int(r->element[1], -1);
    bool known = false, same = false;
    rc = same_text(s, &known, &same, err);
    if (rc != GW_OK)
        return rc;
    *ret = format != dunlin_lua_format      ? FUNCTION_FOREIGN
           : revision > dunlin_lua_revision ? FUNCTION_NEWER
           : revision < dunlin_lua_revision ? FUNCTION_OLDER
           : !known                         ? FUNCTION_UNSEEN
           : same                           ? FUNCTION_SAME
                                            : FUNCTION_OLDER;
    return GW_OK;
}

gw_code function_load(state *s, gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 4, "FUNCTION");
    conn_arg_z(s, "LOAD");
    conn_arg_z(s, "REPLACE");
    conn_arg(s, (gw_str){(const char *)dunlin_lua, dunlin_lua_bytes});
    CONN_REPLY *r = NULL;
    rc = conn_reply(s, &r, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "loading the function library " FUNCTION_LIBRARY);
}
