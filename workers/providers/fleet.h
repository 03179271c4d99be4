/* fleet.h - the providers that one channel may use, in the order of preference.
 *
 * Each carries its secrets, its rate and what it last asked us to wait; all sending threads share
 * them. Thread: fleet_new and fleet_free one thread, the rest any. */
#ifndef PROVIDERS_FLEET_H
#define PROVIDERS_FLEET_H

#include "gateway/wire/provider_sign.h"
#include "workers/providers/http.h"
#include "workers/providers/rate.h"

#include <pthread.h>

enum { FLEET_MAX = 16 };

typedef struct {
    provider *p;
    provider_secrets secrets;
    http_rules rules;
    char ca_file[512], host[256];
    pthread_mutex_t lock; /* of what follows */
    rate rate;
    gw_mono blocked_until; /* Retry-After */
    int under_way;
} carrier;

/* Strings are copied. */
typedef struct {
    const char *names;                 /* "kannel,twilio" */
    const char *config_dir, *data_dir; /* of providers/, schema/ and of the secrets */
    const char *channel;               /* what they must carry */
    const char *callback_url;          /* "https://us.example.test/hooks"; "" none */
    int query_after_ms;                /* before an unknown is asked after; 0 = 2000 */
    bool (*is_creditor)(const void *arg, gw_str source); /* of its own debts; NULL: unknown */
    const void *arg;                                     /* borrowed */
} fleet_config;

typedef struct {
    carrier *carriers[FLEET_MAX];
    size_t n;
    char callback_url[500];
    int query_after_ms;
    bool (*is_creditor)(const void *arg, gw_str source);
    const void *arg;
} fleet;

/* GW_EINVAL a name or a file that does not fit, GW_ENOTFOUND, GW_EREFUSED (a secret that others may
 * read), GW_EIO, GW_ELIMIT, GW_ENOMEM. */
gw_code fleet_new(const fleet_config *c, fleet **ret, gw_err *err) GW_NODISCARD;
void fleet_free(fleet *f);
GW_CLEANUP_FUNC(fleet, fleet_free)
/* One of them has a rate, which this process keeps by itself. */
bool fleet_has_rate(const fleet *f);
/* NULL when there is none of that name. */
carrier *fleet_named(const fleet *f, gw_str name);

typedef enum {
    CARRIER_TAKEN,   /* a request may be started; carrier_release when it is over */
    CARRIER_WAIT,    /* *ret_wait_ms says how long until it is worth to ask again */
    CARRIER_BLOCKED, /* it asked us to wait, *ret_wait_ms from now */
} carrier_verdict;
carrier_verdict carrier_take(carrier *c, gw_mono now, int64_t *ret_wait_ms);
void carrier_release(carrier *c);
/* It asked us to leave it alone for so long. */
void carrier_block(carrier *c, gw_mono now, int64_t wait_ms);

/* Sign and start one. GW_EINVAL it cannot be signed, or the URL is not allowed: done is not called
 * then. */
gw_code carrier_start(http_engine *e, carrier *c, const provider_request *r, http_done done,
                      void *arg, gw_err *err) GW_NODISCARD;

#endif
