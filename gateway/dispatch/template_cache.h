/* template_cache.h - published templates in memory: which version is current, and bundle bytes.
 *
 * Current versions are asked of the store again after TEMPLATE_CACHE_MS, so a publication counts
 * within a second; bundles never change and are kept. Thread: one owner. */
#ifndef GATEWAY_DISPATCH_TEMPLATE_CACHE_H
#define GATEWAY_DISPATCH_TEMPLATE_CACHE_H

#include "gateway/base/clock.h"
#include "gateway/dispatch/decide.h"

enum { TEMPLATE_CACHE_MS = 1000, TEMPLATE_CACHE_MAX = 1024 };

typedef struct template_cache template_cache;

/* store: folder of templates/engine/store.h. NULL when out of memory. */
template_cache *template_cache_new(const char *store);
void template_cache_free(template_cache *c);
GW_CLEANUP_FUNC(template_cache, template_cache_free)

/* decide_context.template_pick; ctx is the template_cache. locale may be empty (then "en"). */
gw_code template_cache_pick(void *ctx, gw_str name, gw_str locale, decide_template *ret);
/* The bundle's bytes, borrowed until the next call. GW_ENOTFOUND, GW_ECORRUPT, GW_EIO. */
gw_code template_cache_bundle(template_cache *c, gw_str version, gw_str *ret, gw_err *err)
    GW_NODISCARD;

#endif
