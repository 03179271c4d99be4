#include "workers/runtime/templates.h"

#include "gateway/base/clock.h"

enum { ASK_AGAIN_MS = 1000, VERSION_BYTES = TEMPLATE_VERSION_TEXT - 1 };

typedef struct {
    char version[TEMPLATE_VERSION_TEXT];
    template_bundle *bundle; /* NULL: asked for */
    size_t borrowed;
    uint64_t used;
    int64_t asked_ms;
} slot;

struct templates {
    slot *slots;
    size_t n, max;
    uint64_t use;
};

templates *templates_new(size_t max)
{
    templates *t = calloc(1, sizeof *t);
    if (t)
        t->slots = calloc(max, sizeof *t->slots);
    if (!t || !t->slots) {
        free(t);
        return NULL;
    }
    t->max = max;
    return t;
}

void templates_free(templates *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        template_bundle_free(t->slots[i].bundle);
    free(t->slots);
    free(t);
}

static slot *find(templates *t, gw_str version)
{
    for (size_t i = 0; i < t->n; i++)
        if (gw_str_is(version, t->slots[i].version))
            return &t->slots[i];
    return NULL;
}

const template_bundle *templates_borrow(templates *t, gw_str version)
{
    slot *s = find(t, version);
    if (!s || !s->bundle)
        return NULL;
    s->borrowed++;
    s->used = ++t->use;
    return s->bundle;
}

void templates_release(templates *t, const template_bundle *b)
{
    for (size_t i = 0; b && i < t->n; i++)
        if (t->slots[i].bundle == b)
            t->slots[i].borrowed--;
}

/* A slot for a version that is not here: a new one, or that of the one used longest ago. NULL when
 * all are in use. */
static slot *claim(templates *t, gw_str version)
{
    slot *s = NULL;
    if (version.n != VERSION_BYTES)
        return NULL;
    if (t->n < t->max) {
        s = &t->slots[t->n++];
    } else {
        for (size_t i = 0; i < t->n; i++)
            if (!t->slots[i].borrowed && (!s || t->slots[i].used < s->used))
                s = &t->slots[i];
        if (!s)
            return NULL;
        template_bundle_free(s->bundle);
    }
    *s = (slot){.asked_ms = -ASK_AGAIN_MS, .used = ++t->use};
    memcpy(s->version, version.p, version.n);
    return s;
}

bool templates_should_ask(templates *t, gw_str version)
{
    int64_t now = gw_mono_now().ms;
    slot *s = find(t, version);
    if (!s)
        s = claim(t, version);
    if (!s || s->bundle || now - s->asked_ms < ASK_AGAIN_MS)
        return false;
    s->asked_ms = now;
    return true;
}

gw_code templates_put(templates *t, gw_str version, gw_str json, gw_err *err)
{
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    slot *s = find(t, version);
    if (!s || s->bundle)
        return GW_OK; /* nobody waits for it */
    gw_code rc = template_bundle_parse(json, &b, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "template %.16s", s->version);
    if (!gw_str_is(version, template_bundle_version(b)))
        return gw_fail(err, GW_ECORRUPT, "template %.16s has other content than its version says",
                       s->version);
    s->bundle = b;
    b = NULL;
    return GW_OK;
}
