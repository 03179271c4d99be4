/* http.h - the HTTP door: API, callbacks of providers, one-click unsubscribe, health and metrics.
 *
 *     POST /v1/<verb>         the verbs of intake (gateway/intake/README.md), one JSON body, a JSON
 *                             array, or JSON lines (application/x-ndjson); Authorization: Bearer
 *     GET, POST /hooks/<p>    callbacks of provider p; answered 2xx only when they are on disk
 *     GET, POST /u/<token>    RFC 8058; GET shows a page and changes nothing, POST withdraws
 *     GET /healthz            200 or 503, JSON
 *     GET /metrics            Prometheus text, no personal data
 *
 * README.md in this folder is the page for those who call it. HTTP/1.1 in the clear on loopback or
 * a socket in the data folder: TLS is the work of the proxy in front.
 *
 * libmicrohttpd's own thread reads requests up to the named limits and parks them; our thread
 * "http" takes what is waiting, plays all of it with one durable write, and lets the answers go.
 *
 * Thread: http_start and http_stop one thread; the rest any. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "gateway/dispatch/dispatch.h"
#include "gateway/intake/intake.h"
#include "gateway/wire/hook.h"

enum {
    HTTP_TARGET_MAX = HOOK_URL_MAX, /* bytes of path and query; longer: 414 */
    HTTP_OVERRUN_MAX = 4 << 20, /* bytes past the body's limit that are read away; then: closed */
    HTTP_WAITING_MAX = 1024,    /* requests parked for our thread; more: 503 */
    HTTP_ANSWER_MAX = 80 * 1024 * 1024,
};

/* How callbacks are verified and read; gateway/http/providers.h is the real one. */
typedef struct {
    void *context;
    /* GW_ENOTFOUND no such provider; GW_EREFUSED forged or outside the replay window; GW_EINVAL,
     * GW_ELIMIT not what that provider sends. Called on the thread "http". */
    gw_code (*read)(void *context, gw_str provider, const hook_request *call, gw_wall now,
                    gw_arena *arena, hook_reading *ret, gw_err *err);
} http_hooks;

typedef struct {
    const char *endpoint;     /* "127.0.0.1:7380", "[::1]:7380", or an absolute path: Unix socket */
    const char *public_url;   /* as others reach it, "https://dunlin.example.test"; "" none */
    const char *token_folder; /* keys/bearers */
    int connections, connections_per_ip, idle_s;
    size_t body_max, hook_body_max;
    uint64_t inbox_max;                /* entries that may wait before callbacks are answered 503 */
    intake_config intake;              /* for the door; zmq, zap, endpoint, pair unused */
    http_hooks hooks;                  /* read NULL: no callbacks here */
    dispatch *dispatch;                /* NULL: not in this process */
    recorder *recorder;                /* NULL: not in this process */
    void (*inbox_news)(void *context); /* something is in the inbox; NULL none */
    void *inbox_context;
} http_config;

typedef struct http http;

/* Strings are borrowed until http_stop. */
gw_code http_start(const http_config *config, http **ret, gw_err *err) GW_NODISCARD;
/* Answers what was received, then closes. Accepts NULL. */
void http_stop(http *h);
GW_CLEANUP_FUNC(http, http_stop)
/* The port bound, 0 for a Unix socket. */
int http_port(const http *h);

#endif
