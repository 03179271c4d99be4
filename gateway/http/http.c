#include "gateway/http/http.h"

#include "gateway/base/log.h"
#include "gateway/http/exchange.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    ARENA = 128 << 20,
    BACKLOG = 128,
    TICK_MS = 1000,
    INBOX_ROOM = 4096,
    STOP_TRIES = 200,
    STOP_PAUSE_NS = 5000000
};

const route http_routes[] = {
    {"/v1/", false, true, api_work, "v1"},
    {"/hooks/", true, true, hook_work, "hooks"},
    {"/u/", true, true, unsubscribe_work, "unsubscribe"},
    {"/healthz", true, false, health_work, "healthz"},
    {"/metrics", true, false, metrics_work, "metrics"},
};
const size_t http_route_n = GW_COUNT(http_routes);

/* ---- the thread "http" ---- */

static exchange *take_waiting(http *h)
{
    struct timespec until;
    pthread_mutex_lock(&h->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_MS / 1000;
    while (!h->first && !atomic_load(&h->stop) &&
           pthread_cond_timedwait(&h->news, &h->lock, &until) != ETIMEDOUT)
        ;
    exchange *list = h->first;
    h->first = NULL;
    h->last = &h->first;
    h->waiting = 0;
    pthread_mutex_unlock(&h->lock);
    return list;
}

static void write_inbox(http *h, exchange *list)
{
    gw_err err = {0};
    if (h->inbox_n == 0)
        return;
    gw_code rc = state_inbox_add(h->store, h->inbox, h->inbox_n, &err);
    if (rc != GW_OK)
        gw_log(GW_LOG_WARN, "callbacks not kept; their providers repeat them",
               "code=%s text=\"%s\"", gw_code_name(rc), err.text);
    for (exchange *x = list; x; x = x->next)
        if (x->in_inbox)
            hook_finish(x, rc);
    h->inbox_n = 0;
    if (rc == GW_OK && h->cfg.inbox_news)
        h->cfg.inbox_news(h->cfg.inbox_context);
}

static void play_door(http *h, exchange *list)
{
    if (h->door_requests == 0)
        return;
    door_play(h->door);
    for (exchange *x = list; x; x = x->next) {
        if (!x->in_door)
            continue;
        if (x->route->work == api_work)
            api_finish(h, x);
        else
            unsubscribe_finish(h, x);
        x->in_door = false;
    }
    door_clear(h->door);
    h->door_requests = 0;
}

bool http_door_begin(http *h, exchange *x, verb v, zap_role role, gw_str who)
{
    if (!door_begin(h->door, v, role, who)) {
        x->retry_after_s = 1;
        exchange_refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "try again in a moment");
        return false;
    }
    x->request = h->door_requests++;
    x->bodies = 0;
    x->in_door = true;
    return true;
}

/* Callbacks are bounded by what the booker has not booked yet. */
static void ask_inbox_size(http *h)
{
    gw_err err;
    gw_mono now = gw_mono_now();
    if (now.ms - h->inbox_asked.ms < TICK_MS)
        return;
    h->inbox_asked = now;
    if (state_inbox_size(h->store, &h->inbox_size, &err) != GW_OK)
        h->inbox_size = UINT64_MAX; /* not now: the store is away */
}

static void turn(http *h, exchange *list)
{
    gw_arena_reset(h->arena);
    ask_inbox_size(h);
    for (exchange *x = list; x; x = x->next)
        x->route->work(h, x);
    write_inbox(h, list);
    play_door(h, list);
    for (exchange *x = list, *next; x; x = next) {
        next = x->next; /* after its resumption it is no longer ours */
        MHD_resume_connection(x->connection);
    }
    hook_tick(h);
}

static void *run(void *arg)
{
    http *h = arg;
    pthread_setname_np(pthread_self(), "http");
    while (!atomic_load(&h->stop))
        turn(h, take_waiting(h));
    turn(h, take_waiting(h)); /* what was parked before nothing more could be */
    return NULL;
}

/* ---- listening ---- */

static int listen_unix(const char *path, gw_err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) {
        (void)gw_fail(err, GW_ELIMIT, "http.endpoint: the socket's path is too long");
        return -1;
    }
    strcpy(at.sun_path, path);
    unlink(path); /* of a predecessor; the data folder has one owner */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0077);
    bool good =
        fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, BACKLOG) == 0;
    umask(old);
    if (good)
        return fd;
    (void)gw_fail_errno(err, errno, "http.endpoint: listening on %s", path);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* "host:port" with a numeric host; a name would leave open where we listen. */
static int listen_tcp(const char *endpoint, int *ret_port, gw_err *err)
{
    char host[64], port[8];
    const char *colon = strrchr(endpoint, ':');
    size_t n = colon ? (size_t)(colon - endpoint) : 0;
    bool bracket = n > 2 && endpoint[0] == '[' && endpoint[n - 1] == ']';
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM},
                    *at = NULL;
    snprintf(host, sizeof host, "%.*s", (int)(bracket ? n - 2 : n), endpoint + bracket);
    snprintf(port, sizeof port, "%s", colon ? colon + 1 : "");
    if (!n || n >= sizeof host || getaddrinfo(host, port, &hints, &at) != 0) {
        (void)gw_fail(err, GW_EINVAL,
                      "http.endpoint: 127.0.0.1:7380, [::1]:7380 or an absolute socket path is "
                      "expected");
        return -1;
    }
    int one = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
                getsockname(fd, (struct sockaddr *)&bound, &size) == 0 &&
                getnameinfo((struct sockaddr *)&bound, size, NULL, 0, port, sizeof port,
                            NI_NUMERICSERV) == 0;
    if (!good) {
        (void)gw_fail_errno(err, errno, "http.endpoint: listening on %s", endpoint);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    *ret_port = good ? atoi(port) : 0;
    freeaddrinfo(at);
    return fd;
}

static gw_code start_daemon(http *h, gw_err *err)
{
    const http_config *c = &h->cfg;
    h->listen_fd = c->endpoint[0] == '/' ? listen_unix(c->endpoint, err)
                                         : listen_tcp(c->endpoint, &h->port, err);
    if (h->listen_fd < 0)
        return err && err->code ? err->code : GW_EIO;
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, exchange_handle, h,
        MHD_OPTION_LISTEN_SOCKET, h->listen_fd, MHD_OPTION_URI_LOG_CALLBACK, exchange_target, h,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_done, h, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)c->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)(c->endpoint[0] == '/' ? 0 : c->connections_per_ip),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)c->idle_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    if (h->daemon)
        return GW_OK;
    close(h->listen_fd);
    return gw_fail(err, GW_EIO, "the HTTP server does not start");
}

/* ---- life ---- */

static gw_code open_parts(http *h, gw_err *err)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->news, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&h->lock, NULL);
    h->last = &h->first;
    h->listen_fd = -1;
    h->arena = gw_arena_new(ARENA);
    h->inbox = calloc(INBOX_ROOM, sizeof *h->inbox);
    h->inbox_room = INBOX_ROOM;
    h->tokens = bearers_new(h->cfg.token_folder);
    if (!h->arena || !h->inbox || !h->tokens)
        return gw_fail(err, GW_ENOMEM, "starting HTTP");
    gw_code rc = state_open(&h->cfg.intake.state, &h->store, err);
    if (rc == GW_OK)
        rc = door_open(&h->cfg.intake, &h->door, err);
    if (rc == GW_OK)
        rc = start_daemon(h, err);
    if (rc != GW_OK)
        return rc;
    if (pthread_create(&h->thread, NULL, run, h) != 0)
        return gw_fail(err, GW_ENOMEM, "starting the HTTP thread");
    h->running = true;
    return GW_OK;
}

gw_code http_start(const http_config *config, http **ret, gw_err *err)
{
    http *h = calloc(1, sizeof *h);
    if (!h)
        return gw_fail(err, GW_ENOMEM, "starting HTTP");
    h->cfg = *config;
    gw_code rc = open_parts(h, err);
    if (rc != GW_OK) {
        http_stop(h);
        return rc;
    }
    *ret = h;
    return GW_OK;
}

void http_stop(http *h)
{
    if (!h)
        return;
    if (h->daemon)
        MHD_quiesce_daemon(h->daemon); /* no new connections; the listening socket is ours again */
    pthread_mutex_lock(&h->lock);
    atomic_store(&h->stop, true);
    pthread_cond_signal(&h->news);
    pthread_mutex_unlock(&h->lock);
    if (h->running)
        pthread_join(h->thread, NULL);
    /* What has its answer gets it out; a client that does not read is cut off. */
    for (int i = 0; h->daemon && i < STOP_TRIES && atomic_load(&h->open) > 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = STOP_PAUSE_NS}, NULL);
    if (h->daemon) {
        MHD_stop_daemon(h->daemon);
        close(h->listen_fd);
        if (h->cfg.endpoint[0] == '/')
            unlink(h->cfg.endpoint);
    }
    door_close(h->door);
    state_close(h->store);
    bearers_free(h->tokens);
    gw_arena_free(h->arena);
    free(h->inbox);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->news);
    free(h);
}

int http_port(const http *h)
{
    return h->port;
}
