#include "gateway/dispatch/template_cache.h"

#include "templates/engine/store.h"

typedef struct {
    char name[TEMPLATE_NAME_MAX + 1], wanted[TEMPLATE_NAME_MAX + 1];
    decide_template found;
    gw_code code;
    gw_mono asked;
} current_row;

typedef struct {
    char version[TEMPLATE_VERSION_TEXT];
    char *bytes;
    size_t n;
} bundle_row;

struct template_cache {
    char *store;
    current_row *current;
    size_t current_n;
    bundle_row *bundles;
    size_t bundle_n;
};

template_cache *template_cache_new(const char *store)
{
    template_cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->store = strdup(store);
    c->current = calloc(TEMPLATE_CACHE_MAX, sizeof *c->current);
    c->bundles = calloc(TEMPLATE_CACHE_MAX, sizeof *c->bundles);
    if (!c->store || !c->current || !c->bundles) {
        template_cache_free(c);
        return NULL;
    }
    return c;
}

void template_cache_free(template_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->bundle_n; i++)
        free(c->bundles[i].bytes);
    free(c->bundles);
    free(c->current);
    free(c->store);
    free(c);
}

static current_row *find_current(template_cache *c, gw_str name, gw_str locale)
{
    for (size_t i = 0; i < c->current_n; i++)
        if (gw_str_is(name, c->current[i].name) && gw_str_is(locale, c->current[i].wanted))
            return &c->current[i];
    if (c->current_n == TEMPLATE_CACHE_MAX)
        c->current_n = 0; /* more names than anybody has: begin anew rather than grow */
    current_row *row = &c->current[c->current_n++];
    memset(row, 0, sizeof *row);
    memcpy(row->name, name.p, name.n);
    memcpy(row->wanted, locale.p, locale.n);
    row->code = GW_EBUSY;
    return row;
}

gw_code template_cache_pick(void *ctx, gw_str name, gw_str locale, decide_template *ret)
{
    template_cache *c = ctx;
    if (locale.n == 0)
        locale = GW_STR("en");
    if (name.n == 0 || name.n > TEMPLATE_NAME_MAX || locale.n > TEMPLATE_NAME_MAX)
        return GW_ENOTFOUND;
    current_row *row = find_current(c, name, locale);
    gw_mono now = gw_mono_now();
    if (row->code == GW_EBUSY || now.ms - row->asked.ms >= TEMPLATE_CACHE_MS) {
        row->code = template_store_pick(c->store, row->name, row->wanted, "en", row->found.locale,
                                        row->found.version, NULL);
        row->asked = now;
    }
    if (row->code == GW_OK)
        *ret = row->found;
    return row->code;
}

static void keep_bundle(template_cache *c, const char *version, gw_buf *bytes, gw_str *ret)
{
    bundle_row *row = &c->bundles[c->bundle_n % TEMPLATE_CACHE_MAX];
    if (c->bundle_n >= TEMPLATE_CACHE_MAX)
        free(row->bytes);
    memcpy(row->version, version, sizeof row->version);
    row->bytes = gw_buf_take(bytes, &row->n);
    c->bundle_n += c->bundle_n < TEMPLATE_CACHE_MAX;
    *ret = (gw_str){row->bytes, row->n};
}

gw_code template_cache_bundle(template_cache *c, gw_str version, gw_str *ret, gw_err *err)
{
    char text[TEMPLATE_VERSION_TEXT] = "";
    if (version.n != sizeof text - 1)
        return gw_fail(err, GW_ENOTFOUND, "not a template version");
    memcpy(text, version.p, version.n);
    for (size_t i = 0; i < c->bundle_n; i++) {
        if (strcmp(c->bundles[i].version, text) != 0)
            continue;
        *ret = (gw_str){c->bundles[i].bytes, c->bundles[i].n};
        return GW_OK;
    }
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, TEMPLATE_BUNDLE_MAX);
    gw_code rc = template_store_load(c->store, text, &bytes, err);
    if (rc == GW_OK)
        keep_bundle(c, text, &bytes, ret);
    return rc;
}
