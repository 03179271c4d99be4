#include "workers/voice/ari_socket.h"

#include "gateway/wire/provider_url.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>

enum { HOST_BYTES = 300, PATH_BYTES = 1024, ADDRESS_BYTES = INET6_ADDRSTRLEN };

struct ari_socket {
    struct lws_context *context;
    struct lws *wsi;
    lws_sorted_usec_list_t timer;
    bool open, gone, timed_out;
    provider_signature signature; /* header lines of the handshake; wiped when they are sent */
    gw_buf message;               /* the one that is coming in */
    gw_buf queue;                 /* whole ones, each behind its length */
    size_t queue_at;
};

/* ---- libwebsockets' side ---- */

static void append_headers(ari_socket *s, unsigned char **at, unsigned char *end, struct lws *wsi)
{
    const gw_buf *h = &s->signature.headers;
    for (size_t i = 0; i < h->n;) {
        const char *line = h->data + i;
        const char *stop = memchr(line, '\n', h->n - i);
        const char *colon = stop ? memchr(line, ':', (size_t)(stop - line)) : NULL;
        if (!colon)
            return;
        char name[128];
        const char *value = colon + 2;
        snprintf(name, sizeof name, "%.*s:", (int)(colon - line), line);
        if (lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                        (const unsigned char *)value, (int)(stop - value), at, end))
            return; /* refused by the server then */
        i = (size_t)(stop - h->data) + 1;
    }
}

/* False: too much was said. */
static bool keep(ari_socket *s, const void *bytes, size_t n, bool last)
{
    gw_buf_put(&s->message, bytes, n);
    if (s->message.code == GW_OK && last) {
        uint32_t length = (uint32_t)s->message.n;
        gw_buf_put(&s->queue, &length, sizeof length);
        gw_buf_put(&s->queue, s->message.data, s->message.n);
        gw_buf_clear(&s->message);
    }
    return s->message.code == GW_OK && s->queue.code == GW_OK;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t n)
{
    ari_socket *s = user;
    switch (why) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        append_headers(s, in, *(unsigned char **)in + n, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        s->open = true;
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return keep(s, in, n, lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi))
                   ? 0
                   : -1;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (s)
            s->gone = true;
        return 0;
    default:
        return 0;
    }
}

/* libwebsockets 4.1 calls this and then waits on: it is woken. */
static void on_timer(lws_sorted_usec_list_t *timer)
{
    ari_socket *s = lws_container_of(timer, ari_socket, timer);
    s->timed_out = true;
    lws_cancel_service(s->context);
}

/* Let things happen until done(s), the end of the connection, or so long. */
static void serve(ari_socket *s, int wait_ms, bool (*done)(const ari_socket *s))
{
    s->timed_out = false;
    lws_sul_schedule(s->context, 0, &s->timer, on_timer, (lws_usec_t)wait_ms * LWS_US_PER_MS);
    while (!done(s) && !s->gone && !s->timed_out)
        if (lws_service(s->context, 0) < 0)
            s->gone = true;
    lws_sul_cancel(&s->timer);
}

/* ---- opening ---- */

static const struct lws_protocols protocols[] = {{"ari", on_event, 0, 0, 0, NULL, 0},
                                                 {NULL, NULL, 0, 0, 0, NULL, 0}};
static const lws_retry_bo_t idle = {.secs_since_valid_ping = ARI_SOCKET_PING_S,
                                    .secs_since_valid_hangup = ARI_SOCKET_DEAD_S};

/* It would write names and addresses to stderr. */
static void silence_library(void)
{
    lws_set_log_level(0, NULL);
}

static gw_code make_context(ari_socket *s, const carrier *c, bool tls, gw_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, silence_library);
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols,
                                             .gid = (gid_t)-1,
                                             .uid = (uid_t)-1,
                                             .fd_limit_per_thread = 8,
                                             /* else taken from the environment */
                                             .http_proxy_address = "",
                                             .client_ssl_ca_filepath = c->rules.ca_file,
                                             .retry_and_idle_policy = &idle};
    if (tls)
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    if (c->rules.ca_file)
        info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    s->context = lws_create_context(&info);
    return s->context ? GW_OK : gw_fail(err, GW_ENOMEM, "starting a WebSocket");
}

/* The first address of the host that the rules allow. */
static gw_code resolve(const char *host, const char *port, bool loopback, char ret[ADDRESS_BYTES],
                       gw_err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return gw_fail(err, GW_EIO, "the host of base_url is not known");
    bool found = false;
    for (struct addrinfo *a = list; a && !found; a = a->ai_next)
        found = http_address_allowed(a->ai_addr, loopback) &&
                getnameinfo(a->ai_addr, a->ai_addrlen, ret, ADDRESS_BYTES, NULL, 0,
                            NI_NUMERICHOST) == 0;
    freeaddrinfo(list);
    return found ? GW_OK : gw_fail(err, GW_EREFUSED, "the address of base_url is not allowed");
}

/* Without the brackets of IPv6. */
static void plain_host(gw_str host, char ret[HOST_BYTES])
{
    if (host.n > 2 && host.p[0] == '[')
        host = (gw_str){host.p + 1, host.n - 2};
    snprintf(ret, HOST_BYTES, "%.*s", GW_STR_ARG(host));
}

static gw_code sign(ari_socket *s, const carrier *c, gw_str path, gw_err *err)
{
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    GW_AUTO_BUF gw_buf url;
    gw_buf_init(&url, PATH_BYTES + PATH_BYTES);
    gw_buf_put_str(&url, c->p->base_url);
    gw_buf_put_str(&url, path);
    const provider_request r = {.method = GW_STR("GET"), .url = gw_buf_str(&url)};
    if (!clock || url.code != GW_OK)
        return gw_fail(err, GW_ENOMEM, "starting a WebSocket");
    return provider_sign(c->p, &r, &c->secrets, gw_clock_now(clock), GW_STR("0"), &s->signature,
                         err);
}

static bool is_open(const ari_socket *s)
{
    return s->open;
}

static gw_code connect_to(ari_socket *s, const carrier *c, const provider_url *u, gw_str path_text,
                          gw_err *err)
{
    bool tls = gw_str_is(u->scheme, "https");
    char host[HOST_BYTES], address[ADDRESS_BYTES], port[8], path[PATH_BYTES];
    GW_AUTO_BUF gw_buf name;
    gw_buf_init(&name, HOST_BYTES);
    plain_host(u->host, host);
    snprintf(port, sizeof port, "%.*s",
             GW_STR_ARG(u->port.n ? u->port : gw_str_of(tls ? "443" : "80")));
    if (snprintf(path, sizeof path, "%.*s", GW_STR_ARG(path_text)) >= PATH_BYTES)
        return gw_fail(err, GW_ELIMIT, "the path of the events is too long");
    (void)provider_url_host(u, &name);
    gw_buf_putc(&name, '\0');
    gw_code rc = gw_buf_code(&name, "the host", err);
    if (rc == GW_OK)
        rc = resolve(host, port, c->rules.loopback, address, err);
    if (rc == GW_OK)
        rc = make_context(s, c, tls, err);
    if (rc != GW_OK)
        return rc;
    const struct lws_client_connect_info info = {
        .context = s->context,
        .address = address,
        .port = atoi(port),
        .path = path,
        .host = name.data,
        .ssl_connection = (tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .local_protocol_name = "ari",
        .userdata = s,
        .pwsi = &s->wsi,
        .retry_and_idle_policy = &idle,
    };
    if (!lws_client_connect_via_info(&info))
        s->gone = true;
    serve(s, c->rules.connect_ms, is_open);
    if (s->open)
        return GW_OK;
    return s->gone ? gw_fail(err, GW_EIO, "Asterisk does not open its event stream")
                   : gw_fail(err, GW_ETIMEOUT, "Asterisk does not open its event stream in time");
}

gw_code ari_socket_open(carrier *c, gw_str path, ari_socket **ret, gw_err *err)
{
    provider_url u;
    if (!provider_url_parse(c->p->base_url, &u) ||
        (!c->rules.loopback && !gw_str_is(u.scheme, "https")))
        return gw_fail(err, GW_EINVAL, "only https is allowed, and http to this machine");
    GW_AUTO(ari_socket_close) ari_socket *s = calloc(1, sizeof *s);
    if (!s)
        return gw_fail(err, GW_ENOMEM, "starting a WebSocket");
    gw_buf_init(&s->message, ARI_SOCKET_MESSAGE);
    gw_buf_init(&s->queue, ARI_SOCKET_QUEUE);
    provider_signature_init(&s->signature);
    gw_code rc = sign(s, c, path, err);
    if (rc == GW_OK)
        rc = connect_to(s, c, &u, path, err);
    gw_buf_wipe(&s->signature.headers);
    if (rc != GW_OK)
        return rc;
    *ret = s;
    s = NULL;
    return GW_OK;
}

void ari_socket_close(ari_socket *s)
{
    if (!s)
        return;
    if (s->context)
        lws_context_destroy(s->context);
    provider_signature_done(&s->signature);
    gw_buf_done(&s->message);
    gw_buf_done(&s->queue);
    free(s);
}

/* ---- reading ---- */

static bool has_message(const ari_socket *s)
{
    return s->queue_at < s->queue.n;
}

gw_code ari_socket_next(ari_socket *s, int wait_ms, gw_buf *ret, bool *ret_came, gw_err *err)
{
    gw_buf_clear(ret);
    *ret_came = false;
    if (!has_message(s) && !s->gone)
        serve(s, wait_ms, has_message);
    if (!has_message(s))
        return s->gone ? gw_fail(err, GW_ECLOSED, "the event stream of Asterisk is gone") : GW_OK;
    uint32_t n;
    memcpy(&n, s->queue.data + s->queue_at, sizeof n);
    gw_buf_put(ret, s->queue.data + s->queue_at + sizeof n, n);
    s->queue_at += sizeof n + n;
    if (!has_message(s)) {
        gw_buf_clear(&s->queue);
        s->queue_at = 0;
    }
    *ret_came = true;
    return gw_buf_code(ret, "an event of Asterisk", err);
}
