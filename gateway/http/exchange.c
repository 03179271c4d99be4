#include "gateway/http/exchange.h"

#include "gateway/base/json.h"
#include "gateway/base/tally.h"

#include <stdio.h>

enum { REFUSAL_MAX = 1024 };

static const char json_type[] = "application/json";

/* ---- answering ---- */

void exchange_say(exchange *x, int status, const char *type)
{
    x->status = status;
    x->type = type;
}

void exchange_refuse(exchange *x, int status, const char *code, const char *reason)
{
    gw_buf_clear(&x->answer);
    gw_buf_putc(&x->answer, '{');
    json_put_member_str(&x->answer, "error", gw_str_of(code));
    json_put_member_str(&x->answer, "reason", gw_str_of(reason));
    gw_buf_puts(&x->answer, "}\n");
    exchange_say(x, status, json_type);
}

static enum MHD_Result queue_answer(exchange *x)
{
    static char none[1]; /* libmicrohttpd takes no const */
    char status[8], seconds[16];
    x->stage = ANSWERED;
    if (x->answer.code != GW_OK)
        exchange_refuse(x, MHD_HTTP_INTERNAL_SERVER_ERROR, "too-large",
                        "the answer is larger than this gateway gives; ask for less");
    struct MHD_Response *r = MHD_create_response_from_buffer(
        x->answer.n, x->answer.data ? x->answer.data : none, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, x->type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                            "frame-ancestors 'none'");
    if (x->challenge)
        MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (x->retry_after_s) {
        snprintf(seconds, sizeof seconds, "%d", x->retry_after_s);
        MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (x->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW,
                                x->route->get ? x->route->post ? "GET, POST" : "GET" : "POST");
    snprintf(status, sizeof status, "%d", x->status);
    tally_add("dunlin_http_requests_total", "route", gw_str_of(x->route ? x->route->name : "none"),
              "status", gw_str_of(status), 1);
    enum MHD_Result queued = MHD_queue_response(x->connection, (unsigned)x->status, r);
    MHD_destroy_response(r);
    return queued;
}

/* ---- reading ---- */

void *exchange_target(void *http_, const char *uri, struct MHD_Connection *c)
{
    http *h = http_;
    exchange *x = calloc(1, sizeof *x);
    size_t n = strlen(uri);
    if (!x)
        return NULL;
    atomic_fetch_add(&h->open, 1);
    x->connection = c;
    gw_buf_init(&x->answer, HTTP_ANSWER_MAX);
    if (n > HTTP_TARGET_MAX || !(x->target = strdup(uri)))
        return x; /* no target: refused when it is handled */
    size_t path = strcspn(x->target, "?");
    x->path = (gw_str){x->target, path};
    x->query = (gw_str){x->target + path + (path < n), n - path - (path < n)};
    return x;
}

static const route *find_route(const exchange *x)
{
    for (size_t i = 0; i < http_route_n; i++) {
        size_t n = strlen(http_routes[i].path);
        bool folder = http_routes[i].path[n - 1] == '/';
        bool same = x->path.n >= n && memcmp(x->path.p, http_routes[i].path, n) == 0;
        if (same && (folder ? x->path.n > n : x->path.n == n))
            return &http_routes[i];
    }
    return NULL;
}

static size_t body_limit(const http *h, const exchange *x)
{
    return x->route->work == hook_work ? h->cfg.hook_body_max : h->cfg.body_max;
}

/* The head of the request is there. False: it has its answer already. */
static bool begin(http *h, exchange *x, const char *method)
{
    x->begun = true;
    if (!x->target) {
        exchange_refuse(x, MHD_HTTP_URI_TOO_LONG, "too-large", "the address is too long");
        return false;
    }
    x->route = find_route(x);
    if (!x->route) {
        exchange_refuse(x, MHD_HTTP_NOT_FOUND, "unknown-path",
                        "there are /v1/<verb>, /hooks/<provider>, /u/<token>, /healthz and "
                        "/metrics");
        return false;
    }
    size_t n = strlen(x->route->path);
    x->tail = (gw_str){x->path.p + n, x->path.n - n};
    x->post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    bool get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    if (!(get && x->route->get) && !(x->post && x->route->post)) {
        exchange_refuse(x, MHD_HTTP_METHOD_NOT_ALLOWED, "method", "another method is expected");
        return false;
    }
    gw_buf_init(&x->body, body_limit(h, x));
    return true;
}

/* Hand it to the thread "http". */
static enum MHD_Result park(http *h, exchange *x)
{
    pthread_mutex_lock(&h->lock);
    bool room = h->waiting < HTTP_WAITING_MAX && !atomic_load(&h->stop);
    if (room) {
        x->stage = PARKED;
        MHD_suspend_connection(x->connection); /* before anybody can resume it */
        x->next = NULL;
        *h->last = x;
        h->last = &x->next;
        h->waiting++;
        pthread_cond_signal(&h->news);
    }
    pthread_mutex_unlock(&h->lock);
    if (room)
        return MHD_YES;
    x->retry_after_s = 1;
    exchange_refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "try again in a moment");
    return queue_answer(x);
}

enum MHD_Result exchange_handle(void *http_, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_n, void **context)
{
    http *h = http_;
    exchange *x = *context;
    (void)c, (void)url, (void)version;
    if (!x)
        return MHD_NO;      /* no memory: the connection is closed */
    if (x->stage == PARKED) /* resumed: the answer is there */
        return queue_answer(x);
    if (x->stage == ANSWERED)
        return MHD_YES;
    if (!x->begun)
        return begin(h, x, method) ? MHD_YES : queue_answer(x);
    if (*data_n) {
        x->received += *data_n;
        if (x->received > body_limit(h, x))
            x->too_large = true; /* the rest is read away, so that the client hears why ... */
        else
            gw_buf_put(&x->body, data, *data_n);
        *data_n = 0;
        return x->received <= body_limit(h, x) + HTTP_OVERRUN_MAX ? MHD_YES : MHD_NO; /* ... once */
    }
    if (x->too_large || x->body.code != GW_OK) {
        exchange_refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "too-large",
                        "the body is larger than http.body_max; send smaller batches");
        return queue_answer(x);
    }
    return park(h, x);
}

void exchange_done(void *http_, struct MHD_Connection *c, void **context,
                   enum MHD_RequestTerminationCode why)
{
    http *h = http_;
    exchange *x = *context;
    (void)c, (void)why;
    if (!x)
        return;
    atomic_fetch_sub(&h->open, 1);
    free(x->target);
    gw_buf_wipe(&x->body);
    gw_buf_done(&x->body);
    gw_buf_done(&x->answer);
    free(x);
    *context = NULL;
}
