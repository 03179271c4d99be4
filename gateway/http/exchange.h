/* exchange.h - one request and its answer; the routes and the steps of the thread "http".
 *
 *   http.c         life, the thread "http"     exchange.c   libmicrohttpd's side: read, park,
 * answer api.c          /v1                         hook.c       /hooks unsubscribe.c  /u status.c
 * /healthz, /metrics
 *
 * Private to gateway/http. An exchange belongs to libmicrohttpd's thread while it is read and
 * answered, and to the thread "http" while it is parked. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "gateway/http/bearer.h"
#include "gateway/http/http.h"
#include "gateway/intake/door.h"
#include "gateway/state/inbox.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct exchange exchange;
typedef struct route route;

struct route {
    const char *path; /* whole, or a beginning that ends in '/' */
    bool get, post;
    void (*work)(http *h, exchange *x); /* fills the answer, on the thread "http" */
    const char *name;                   /* label of the metrics */
};

struct exchange {
    exchange *next;
    struct MHD_Connection *connection;
    const route *route;
    char *target; /* as received: path and query */
    gw_str path, query;
    gw_str tail; /* of the path, behind the route's beginning */
    bool post, begun, too_large;
    enum { READING, PARKED, ANSWERED } stage;
    gw_buf body;
    size_t received; /* bytes of the body so far, those read away too */

    int status;
    const char *type; /* media type, static */
    gw_buf answer;
    int retry_after_s; /* 0: none */
    bool challenge;    /* WWW-Authenticate: Bearer */

    /* while it is worked on */
    bool batch, lines;
    size_t request, bodies; /* in the door */
    bool in_door, in_inbox;
};

/* What refused callbacks came to, recorded once a minute at most (hook.c). */
typedef struct {
    uint64_t forged, unknown, unreadable;
    gw_mono recorded;
} refused_hooks;

struct http {
    http_config cfg;
    struct MHD_Daemon *daemon;
    int listen_fd;
    int port;
    pthread_t thread;
    bool running;
    _Atomic bool stop;
    _Atomic int open; /* exchanges between first byte and end */
    pthread_mutex_t lock;
    pthread_cond_t news;
    exchange *first, **last; /* parked */
    size_t waiting;

    /* of the thread "http" */
    door *door;
    size_t door_requests;
    state *store;
    bearers *tokens;
    gw_arena *arena; /* of one turn */
    state_inbox_item *inbox;
    size_t inbox_n, inbox_room;
    uint64_t inbox_size;
    gw_mono inbox_asked;
    refused_hooks refused;
};

extern const route http_routes[];
extern const size_t http_route_n;

/* ---- exchange.c: callbacks of libmicrohttpd ---- */

void *exchange_target(void *http, const char *uri, struct MHD_Connection *c);
enum MHD_Result exchange_handle(void *http, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_n, void **context);
void exchange_done(void *http, struct MHD_Connection *c, void **context,
                   enum MHD_RequestTerminationCode why);

/* ---- answering ---- */

/* status and one JSON object {"error":code,"reason":text}. */
void exchange_refuse(exchange *x, int status, const char *code, const char *reason);
/* status and what stands in x->answer. */
void exchange_say(exchange *x, int status, const char *type);

/* ---- routes ---- */

void api_work(http *h, exchange *x);
void api_finish(http *h, exchange *x); /* after the door was played */
void hook_work(http *h, exchange *x);
void hook_finish(exchange *x, gw_code rc); /* after the inbox was written */
void hook_tick(http *h);                   /* record refused calls */
void unsubscribe_work(http *h, exchange *x);
void unsubscribe_finish(http *h, exchange *x);
void health_work(http *h, exchange *x);
void metrics_work(http *h, exchange *x);

/* Begin a request in the door; when it is full x is refused with 503. */
bool http_door_begin(http *h, exchange *x, verb v, zap_role role, gw_str who);
static inline gw_wall http_now(const http *h)
{
    return gw_clock_now(h->cfg.intake.clock);
}

#endif
