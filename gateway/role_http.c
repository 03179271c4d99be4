#include "gateway/role_http.h"

#include "gateway/base/log.h"
#include "gateway/dispatch/query.h"
#include "gateway/http/providers.h"

struct role_http {
    char tokens[CONFIG_PATH_BYTES], endpoint[CONFIG_PATH_BYTES];
    booker *booker;
    query *query;
    http_providers *providers;
    http *http;
};

static void wake_booker(void *context)
{
    const role_http *r = context;
    booker_wake(r->booker);
}

static gw_code open_http(role_http *r, const role_http_parts *p, gw_err *err)
{
    const config *c = p->c;
    config_data_path(c, "keys/tokens", r->tokens);
    config_data_path(c, "run/http.socket", r->endpoint);
    http_config hc = {
        .endpoint = *c->http_endpoint ? c->http_endpoint : r->endpoint,
        .public_url = c->http_public_url,
        .token_folder = r->tokens,
        .connections = (int)c->http_connections,
        .connections_per_ip = (int)c->http_connections_per_ip,
        .idle_s = (int)(c->http_idle_ms / 1000),
        .body_max = (size_t)c->http_body_max,
        .hook_body_max = HOOK_BODY_MAX,
        .inbox_max = (uint64_t)c->http_inbox_max,
        .intake = p->intake,
        .hooks = http_providers_hooks(r->providers),
        .dispatch = p->dispatch,
        .recorder = p->recorder,
        .inbox_news = wake_booker,
        .inbox_context = r,
    };
    hc.intake.calls = (intake_calls){r->query, query_answer, query_act, query_wake};
    return http_start(&hc, &r->http, err);
}

gw_code role_http_start(const role_http_parts *p, role_http **ret, gw_err *err)
{
    role_http *r = calloc(1, sizeof *r);
    if (!r)
        return gw_fail(err, GW_ENOMEM, "starting the role http");
    r->booker = p->booker;
    gw_code rc = query_new(p->dispatch_config, p->dispatch, &r->query, err);
    if (rc == GW_OK)
        rc = http_providers_load(p->c->dir, p->c->data, p->c->http_providers, &r->providers, err);
    if (rc == GW_OK)
        rc = open_http(r, p, err);
    if (rc != GW_OK) {
        role_http_stop(r);
        return rc;
    }
    *ret = r;
    return GW_OK;
}

void role_http_stop(role_http *r)
{
    if (!r)
        return;
    http_stop(r->http);
    http_providers_free(r->providers);
    query_free(r->query);
    free(r);
}
