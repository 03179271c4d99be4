/* provider_rig.h - a provider out of a text, for tests. */
#ifndef TESTS_PROVIDER_RIG_H
#define TESTS_PROVIDER_RIG_H

#include "gateway/wire/provider_hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static inline void provider_rig_dir(char ret[600])
{
    snprintf(ret, 600, "%s/config", getenv("DUNLIN_SOURCE"));
}

static inline schema *provider_rig_shape(void)
{
    char path[700], dir[600];
    gw_err err = {0};
    schema *shape = NULL;
    provider_rig_dir(dir);
    snprintf(path, sizeof path, "%s/schema/provider.json", dir);
    if (schema_load(path, &shape, &err) != GW_OK)
        fail_msg("%s", err.text);
    return shape;
}

/* The shipped one of that name. */
static inline provider *provider_rig_shipped(const char *name)
{
    char dir[600];
    gw_err err = {0};
    provider *p = NULL;
    provider_rig_dir(dir);
    if (provider_load(dir, name, &p, &err) != GW_OK)
        fail_msg("%s", err.text);
    return p;
}

static inline provider *provider_rig_parse(const char *text)
{
    GW_AUTO(schema_free) schema *shape = provider_rig_shape();
    gw_err err = {0};
    provider *p = NULL;
    if (provider_parse("test", gw_str_of(text), shape, &p, &err) != GW_OK)
        fail_msg("%s", err.text);
    return p;
}

static inline provider_secrets provider_rig_secret(const char *name, const char *value)
{
    return (provider_secrets){.list = {{gw_str_of(name), gw_str_of(value)}}, .n = 1};
}

#endif
