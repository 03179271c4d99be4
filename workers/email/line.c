#include "workers/email/line.h"

#include "gateway/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GAP_MAX = 64,
    FD_MAX = 65536
}; /* unused numbers in a row after which no more are looked at */

struct line_set {
    pthread_mutex_t lock; /* the list and every line's fields */
    pthread_mutex_t turn; /* one connects at a time */
    line *lines;
    int port, connect_ms, busy_ms;
};

static void on_signal(int number)
{
    (void)number; /* only to make connect(2) return with EINTR */
}

line_set *line_set_new(int port, int connect_ms, int busy_ms)
{
    line_set *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    struct sigaction act = {.sa_handler = on_signal}; /* without SA_RESTART */
    sigaction(SIGUSR2, &act, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->turn, NULL);
    s->port = port;
    s->connect_ms = connect_ms;
    s->busy_ms = busy_ms;
    return s;
}

void line_set_free(line_set *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->turn);
    free(s);
}

void line_init(line *l, line_set *s)
{
    *l = (line){.set = s, .thread = pthread_self(), .fd = -1};
    pthread_mutex_lock(&s->lock);
    l->next = s->lines;
    s->lines = l;
    pthread_mutex_unlock(&s->lock);
}

void line_done(line *l)
{
    line_end(l);
    pthread_mutex_lock(&l->set->lock);
    for (line **at = &l->set->lines; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    pthread_mutex_unlock(&l->set->lock);
}

void line_begin_connect(line *l)
{
    pthread_mutex_lock(&l->set->turn);
    pthread_mutex_lock(&l->set->lock);
    l->connecting = true;
    l->cut = false;
    l->connecting_ms = gw_mono_now().ms;
    pthread_mutex_unlock(&l->set->lock);
}

static bool is_known(const line_set *s, ino_t inode)
{
    for (const line *l = s->lines; l; l = l->next)
        if (l->fd >= 0 && l->inode == inode)
            return true;
    return false;
}

static bool leads_to(int fd, int port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
    socklen_t n = sizeof peer;
    if (getpeername(fd, &peer.any, &n) != 0)
        return false;
    in_port_t to = peer.any.sa_family == AF_INET    ? peer.v4.sin_port
                   : peer.any.sa_family == AF_INET6 ? peer.v6.sin6_port
                                                    : 0;
    return ntohs(to) == port;
}

/* A duplicate of the one socket connected to the relay's port that no line knows, -1 if there is
 * none. The lock is held. Other sessions may close theirs meanwhile, so a candidate is looked at
 * again once it is ours. */
static int find_socket(const line_set *s, ino_t *ret_inode)
{
    for (int fd = 0, gap = 0; fd < FD_MAX && gap < GAP_MAX; fd++) {
        if (!leads_to(fd, s->port)) {
            gap = errno == EBADF ? gap + 1 : 0;
            continue;
        }
        gap = 0;
        struct stat st;
        int ours = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (ours >= 0 && leads_to(ours, s->port) && fstat(ours, &st) == 0 &&
            !is_known(s, st.st_ino)) {
            *ret_inode = st.st_ino;
            return ours;
        }
        if (ours >= 0)
            close(ours);
    }
    return -1;
}

static void close_duplicate(line *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void line_connected(line *l)
{
    pthread_mutex_lock(&l->set->lock);
    close_duplicate(l); /* libESMTP may try the relay's next address */
    l->fd = find_socket(l->set, &l->inode);
    int on = 1;
    /* libESMTP writes a kilobyte at a time and leaves Nagle's algorithm on: the last piece of a
     * larger message then waits for the peer's delayed ACK, 40 ms for each message. */
    if (l->fd >= 0)
        setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool turn = l->connecting;
    l->connecting = false;
    pthread_mutex_unlock(&l->set->lock);
    if (turn)
        pthread_mutex_unlock(&l->set->turn);
}

void line_end(line *l)
{
    pthread_mutex_lock(&l->set->lock);
    close_duplicate(l);
    bool turn = l->connecting;
    l->connecting = false;
    l->busy_ms = 0;
    pthread_mutex_unlock(&l->set->lock);
    if (turn)
        pthread_mutex_unlock(&l->set->turn);
}

void line_busy(line *l, bool busy)
{
    pthread_mutex_lock(&l->set->lock);
    l->busy_ms = busy ? gw_mono_now().ms : 0;
    pthread_mutex_unlock(&l->set->lock);
}

void line_cork(line *l, bool on)
{
    int value = on;
    if (l->fd >= 0)
        setsockopt(l->fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

bool line_is_stale(line *l)
{
    char b;
    return l->fd >= 0 && recv(l->fd, &b, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void cut(line *l)
{
    l->cut = true;
    if (l->fd >= 0)
        shutdown(l->fd, SHUT_RDWR);
}

void line_cut(line *l)
{
    pthread_mutex_lock(&l->set->lock);
    cut(l);
    pthread_mutex_unlock(&l->set->lock);
}

bool line_was_cut(line *l)
{
    pthread_mutex_lock(&l->set->lock);
    bool was = l->cut;
    pthread_mutex_unlock(&l->set->lock);
    return was;
}

void line_watch(line_set *s)
{
    int64_t now = gw_mono_now().ms;
    pthread_mutex_lock(&s->lock);
    for (line *l = s->lines; l; l = l->next) {
        if (l->connecting && now - l->connecting_ms > s->connect_ms) {
            gw_log(GW_LOG_WARN, "connecting to the mail relay takes too long", "ms=%lld",
                   (long long)(now - l->connecting_ms));
            l->connecting_ms = now; /* again after the same time: there may be more addresses */
            pthread_kill(l->thread, SIGUSR2);
        }
        if (l->busy_ms && !l->cut && now - l->busy_ms > s->busy_ms) {
            gw_log(GW_LOG_WARN, "a message to the mail relay takes too long, line cut", "ms=%lld",
                   (long long)(now - l->busy_ms));
            cut(l);
        }
    }
    pthread_mutex_unlock(&s->lock);
}
