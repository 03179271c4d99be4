#include "gateway/http/providers.h"

#include "gateway/wire/provider_hook.h"

#include <stdio.h>

typedef struct {
    provider *p;
    provider_secrets secrets;
} known;

struct http_providers {
    known list[HTTP_PROVIDERS_MAX];
    size_t n;
};

static gw_code load_one(http_providers *ps, const char *config_dir, const char *data_dir,
                        gw_str name, gw_err *err)
{
    char z[PROVIDER_NAME_MAX + 1];
    if (ps->n == HTTP_PROVIDERS_MAX)
        return gw_fail(err, GW_ELIMIT, "http.providers: more than %d", HTTP_PROVIDERS_MAX);
    if (name.n == 0 || name.n > PROVIDER_NAME_MAX)
        return gw_fail(err, GW_EINVAL, "http.providers: names separated by commas are expected");
    snprintf(z, sizeof z, "%.*s", GW_STR_ARG(name));
    known *k = &ps->list[ps->n++];
    gw_code rc = provider_load(config_dir, z, &k->p, err);
    if (rc == GW_OK)
        rc = provider_secrets_load(k->p, data_dir, &k->secrets, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "http.providers: %s", z);
}

gw_code http_providers_load(const char *config_dir, const char *data_dir, const char *names,
                            http_providers **ret, gw_err *err)
{
    http_providers *ps = calloc(1, sizeof *ps);
    gw_code rc = ps ? GW_OK : gw_fail(err, GW_ENOMEM, "loading providers");
    for (const char *p = names; rc == GW_OK && *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        rc = load_one(ps, config_dir, data_dir, (gw_str){p, n}, err);
        p += n;
    }
    if (rc != GW_OK) {
        http_providers_free(ps);
        return rc;
    }
    *ret = ps;
    return GW_OK;
}

void http_providers_free(http_providers *ps)
{
    if (!ps)
        return;
    for (size_t i = 0; i < ps->n; i++) {
        provider_free(ps->list[i].p);
        provider_secrets_done(&ps->list[i].secrets);
    }
    free(ps);
}

static gw_code read_hook(void *context, gw_str name, const hook_request *call, gw_wall now,
                         gw_arena *arena, hook_reading *ret, gw_err *err)
{
    http_providers *ps = context;
    for (size_t i = 0; i < ps->n; i++)
        if (gw_str_is(name, ps->list[i].p->name))
            return provider_read_hook(ps->list[i].p, &ps->list[i].secrets, call, now, arena, ret,
                                      err);
    return gw_fail(err, GW_ENOTFOUND, "no such provider is configured");
}

http_hooks http_providers_hooks(http_providers *p)
{
    return (http_hooks){p, read_hook};
}
