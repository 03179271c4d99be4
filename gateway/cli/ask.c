#include "gateway/cli/ask.h"

#include "gateway/base/file.h"
#include "gateway/cli/print.h"
#include "gateway/wire/curve.h"

#include <stdio.h>

static gw_code code_of(dunlin_code code)
{
    switch (code) {
    case DUNLIN_OK:
        return GW_OK;
    case DUNLIN_ETIMEOUT:
        return GW_ETIMEOUT;
    case DUNLIN_ENOMEM:
        return GW_ENOMEM;
    case DUNLIN_EINVAL:
        return GW_EINVAL;
    default:
        return GW_EIO;
    }
}

gw_code ask_connect(const cli_common *c, const char *who, int timeout_ms, dunlin **ret, gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    char relative[128];
    char server[CURVE_KEY_TEXT];
    curve_pair pair;
    config_data_path(c->config, "keys/gateway.pub", path);
    gw_code rc = curve_load_public(path, server, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "no gateway keys in %s; is `dunlin up` running on this --data",
                       c->config->data);
    snprintf(relative, sizeof relative, "keys/secret/%s.key", who);
    config_data_path(c->config, relative, path);
    rc = curve_load(path, &pair, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "key of %s; `dunlin key NAME` makes one", who);
    char why[200] = "";
    const dunlin_options options = {
        .endpoint = c->config->intake_endpoint,
        .server_key = server,
        .secret_key = pair.secret_key,
        .timeout_ms = timeout_ms ? timeout_ms : ASK_TIMEOUT_MS,
    };
    dunlin_code opened = dunlin_open(&options, ret, why, sizeof why);
    curve_wipe(&pair);
    return opened == DUNLIN_OK ? GW_OK : gw_fail(err, code_of(opened), "connecting: %s", why);
}

gw_code ask_once(dunlin *d, const char *verb, gw_str body, gw_arena *arena, json_doc *ret,
                 gw_err *err)
{
    const dunlin_body b = {body.p, body.n};
    dunlin_verdict v;
    dunlin_code sent = dunlin_send(d, verb, &b, 1, &v);
    if (sent == DUNLIN_ETIMEOUT)
        return gw_fail(err, GW_ETIMEOUT,
                       "the gateway does not answer; is it running? (`dunlin up`)");
    if (sent != DUNLIN_OK)
        return gw_fail(err, code_of(sent), "asking the gateway: %s", dunlin_error(d));
    const char *text = gw_arena_copy(arena, (gw_str){v.json, v.bytes});
    if (!text)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    gw_code rc = json_parse((gw_str){text, v.bytes}, arena, ret, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "the gateway's answer");
    if (v.kind == DUNLIN_REJECTED) {
        gw_str why = json_get_str(ret, 0, "reason");
        gw_str where = json_get_str(ret, 0, "pointer");
        return gw_fail(err, GW_EREFUSED, "%.*s%s%.*s", GW_STR_ARG(why), where.n ? " at " : "",
                       GW_STR_ARG(where));
    }
    if (v.kind == DUNLIN_BUSY)
        return gw_fail(err, GW_EBUSY, "the gateway is busy or has no state store; try again");
    return GW_OK;
}

gw_code ask_operator(const cli_common *c, const char *verb, gw_str body, int timeout_ms,
                     gw_arena *arena, json_doc *ret, gw_err *err)
{
    dunlin *d = NULL;
    gw_code rc = arena ? ask_connect(c, CLI_OPERATOR, timeout_ms, &d, err)
                       : gw_fail(err, GW_ENOMEM, "out of memory");
    if (rc == GW_OK)
        rc = ask_once(d, verb, body, arena, ret, err);
    dunlin_close(d);
    return rc;
}

int ask_and_print(const cli_common *c, const char *verb, gw_str body)
{
    gw_err err = {0};
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = ask_operator(c, verb, body, 0, arena, &answer, &err);
    if (rc != GW_OK)
        return cli_fail(c, rc, &err);
    if (c->json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    else
        print_json(stdout, &answer, 0);
    return 0;
}
