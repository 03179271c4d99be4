#include "tests/bench/slow_provider.h"
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FDS_MAX = 65536, BACKLOG = 4096, EVENTS = 256, REQUEST_MAX = 16384, LOOK_MS = 20 };

struct slow_provider {
    int listener, epoll, port;
    _Atomic int held;
    _Atomic bool at_once, flush;
    struct {              /* by descriptor */
        bool open, whole; /* whole: its request came and is not answered */
        int body_left;    /* -1: the head is not whole */
        int n;
        char *head;
    } peers[FDS_MAX];
    pthread_t thread;
};

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 10\r\n\r\n{\"id\":\"x\"}";

static void reply(slow_provider *s, int fd)
{
    s->peers[fd].whole = false;
    s->peers[fd].body_left = -1;
    s->peers[fd].n = 0;
    atomic_fetch_sub(&s->held, 1);
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0)
        return; /* whoever asked is gone */
}

static void hang_up(slow_provider *s, int fd)
{
    if (s->peers[fd].whole)
        atomic_fetch_sub(&s->held, 1);
    free(s->peers[fd].head);
    memset(&s->peers[fd], 0, sizeof s->peers[fd]);
    close(fd);
}

static void note_whole(slow_provider *s, int fd)
{
    s->peers[fd].whole = true;
    free(s->peers[fd].head);
    s->peers[fd].head = NULL;
    atomic_fetch_add(&s->held, 1);
    if (atomic_load(&s->at_once))
        reply(s, fd);
}

/* The head's end, and how much body is still to come. */
static void read_head(slow_provider *s, int fd)
{
    char *head = s->peers[fd].head;
    int n = s->peers[fd].n;
    head[n] = '\0';
    char *end = strstr(head, "\r\n\r\n");
    if (!end)
        return;
    char *length = strcasestr(head, "content-length:");
    int body = length && length < end ? atoi(length + sizeof "content-length:" - 1) : 0;
    s->peers[fd].body_left = body - (n - (int)(end + 4 - head));
}

static void take(slow_provider *s, int fd)
{
    char scratch[4096];
    for (;;) {
        bool heading = s->peers[fd].body_left < 0;
        if (heading && !s->peers[fd].head)
            s->peers[fd].head = malloc(REQUEST_MAX + 1);
        char *to = heading ? s->peers[fd].head + s->peers[fd].n : scratch;
        size_t room = heading ? (size_t)(REQUEST_MAX - s->peers[fd].n) : sizeof scratch;
        ssize_t n = to ? recv(fd, to, room, MSG_DONTWAIT) : 0;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            hang_up(s, fd);
            return;
        }
        if (heading) {
            s->peers[fd].n += (int)n;
            read_head(s, fd);
        } else {
            s->peers[fd].body_left -= (int)n;
        }
        if (s->peers[fd].body_left == 0) {
            note_whole(s, fd);
            return;
        }
    }
}

static void accept_all(slow_provider *s)
{
    for (int fd; (fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (fd >= FDS_MAX) {
            close(fd);
            continue;
        }
        s->peers[fd].open = true;
        s->peers[fd].body_left = -1;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
    }
}

static void *serve(void *arg)
{
    slow_provider *s = arg;
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(s->epoll, events, EVENTS, LOOK_MS);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == s->listener)
                accept_all(s);
            else
                take(s, events[i].data.fd);
        }
        if (!atomic_exchange(&s->flush, false))
            continue;
        for (int fd = 0; fd < FDS_MAX; fd++)
            if (s->peers[fd].open && s->peers[fd].whole)
                reply(s, fd);
    }
    return NULL;
}

slow_provider *slow_provider_start(void)
{
    slow_provider *s = calloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    if (!s)
        bench_die("slow provider", "out of memory");
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bind(s->listener, (struct sockaddr *)&at, n) != 0 || listen(s->listener, BACKLOG) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &n) != 0)
        bench_die("slow provider", strerror(errno));
    s->port = ntohs(at.sin_port);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = s->listener};
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &e);
    if (pthread_create(&s->thread, NULL, serve, s) != 0)
        bench_die("slow provider", "no thread");
    return s;
}

int slow_provider_port(const slow_provider *s)
{
    return s->port;
}

int slow_provider_held(const slow_provider *s)
{
    return atomic_load(&s->held);
}

bool slow_provider_await(const slow_provider *s, int held, int timeout_ms)
{
    int64_t until = bench_now_ns() + (int64_t)timeout_ms * 1000000;
    struct timespec step = {.tv_nsec = 5000000};
    while (slow_provider_held(s) != held) {
        if (bench_now_ns() > until)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

void slow_provider_answer(slow_provider *s, bool at_once)
{
    atomic_store(&s->at_once, at_once);
    atomic_store(&s->flush, true);
}
