/* http.h - the HTTP client of the workers: many requests at once over libcurl's multi interface.
 *
 * What it promises:
 *  1. https only, to public addresses, unless the rules say loopback: then http or https to this
 *     machine and nowhere else. The address a name resolved to is what is looked at, at connect and
 *     again before each request, so that a name cannot be bound anew in between.
 *  2. No redirects, no proxy (also not from the environment), no netrc, no cookies, no compression.
 *  3. A request is written to the network at most once, unless it is idempotent: libcurl by itself
 *     would send it again when a kept connection turns out dead, and nobody could tell whether the
 *     first one was taken.
 *  4. Every answer is one of: not sent (nothing of the request left), sent (it may have been
 *     taken), answered (status and whole body are known, or a status >= 300 at least).
 *  5. Time and size are bounded by the rules. HTTP/2 where the server offers it over TLS.
 *
 * Thread: an engine has one owner; http_wake any thread. done runs inside http_step. */
#ifndef PROVIDERS_HTTP_H
#define PROVIDERS_HTTP_H

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

enum {
    HTTP_TLS_TEXT = 32,
    HTTP_RETRY_AFTER_MAX_S = 86400, /* a longer Retry-After counts as this */
    HTTP_IDLE_S = 20,               /* a connection kept longer is not used again */
};

typedef struct {
    bool loopback;
    bool idempotent;
    bool alone; /* each request on a connection of its own: the server closes idle ones early */
    const char *ca_file; /* NULL: the system's */
    int connect_ms, total_ms;
    size_t response_max;
} http_rules;

/* Borrowed for http_start only, but the rules, which must outlive the request. method: GET, POST,
 * DELETE. headers: lines "Name: value\n". */
typedef struct {
    gw_str method, url, headers, body;
    const http_rules *rules;
} http_request;

typedef enum { HTTP_NOT_SENT, HTTP_SENT, HTTP_ANSWERED } http_stage;

typedef struct {
    http_stage stage;
    const char *why; /* static reason code unless answered: "connect-failed", "no-answer", ... */
    int status;      /* 0 = none seen */
    gw_str body;     /* borrowed for done; empty unless all of it came */
    int64_t retry_after_ms;  /* -1 not said */
    char tls[HTTP_TLS_TEXT]; /* "TLS" or empty, and " h2" */
} http_result;

typedef void (*http_done)(void *arg, const http_result *r);

typedef struct http_engine http_engine;

/* connections: kept at most. */
gw_code http_engine_new(int connections, http_engine **ret, gw_err *err) GW_NODISCARD;
/* What is under way ends without done. Accepts NULL. */
void http_engine_free(http_engine *e);
GW_CLEANUP_FUNC(http_engine, http_engine_free)

/* GW_EINVAL the URL is not one the rules allow; then done is not called. */
gw_code http_start(http_engine *e, const http_request *r, http_done done, void *arg, gw_err *err)
    GW_NODISCARD;
/* Let things go on, waiting at most wait_ms for something to happen. */
void http_step(http_engine *e, int wait_ms);
size_t http_running(const http_engine *e);
void http_wake(http_engine *e);
/* The true time, for signatures, whatever a manual clock of the gateway says. */
gw_wall http_now(const http_engine *e);

/* May we connect to this address? (http_address.c; RFC 6890 and cloud metadata) */
struct sockaddr;
bool http_address_allowed(const struct sockaddr *a, bool loopback);

#endif
