/* providers.h - the providers that may call /hooks: their descriptors and secrets, loaded once.
 *
 * Of each secret only what verifies callbacks is used here; the listener that the internet reaches
 * should run with a data folder that holds no others (reliability: split the roles).
 *
 * Thread: load and free one thread; reading any, for nothing changes. */
#ifndef HTTP_PROVIDERS_H
#define HTTP_PROVIDERS_H

#include "gateway/http/http.h"

enum { HTTP_PROVIDERS_MAX = 32 };

typedef struct http_providers http_providers;

/* names: files of <config_dir>/providers without .jsonc, separated by commas; "" none. Secrets lie
 * below data_dir. Any that cannot be read stops the start and says which. */
gw_code http_providers_load(const char *config_dir, const char *data_dir, const char *names,
                            http_providers **ret, gw_err *err) GW_NODISCARD;
void http_providers_free(http_providers *p); /* accepts NULL */
GW_CLEANUP_FUNC(http_providers, http_providers_free)
/* What http_config.hooks wants. */
http_hooks http_providers_hooks(http_providers *p);

#endif
