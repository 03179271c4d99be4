/* stamp_sink STAMPS [MESSAGE] - an SMTP server on loopback that takes every mail, keeps none, and
 * notes when each DATA command arrived. One thread, epoll.
 *
 * Mails are told apart by their recipient, d<number>@...: bench_debtor gives each job's debtor such
 * an address. On SIGTERM it writes STAMPS, one line a mail: "number data_ns" (CLOCK_MONOTONIC, the
 * same clock as `billing steady`), and prints {"mails"}. MESSAGE gets the first mail as it came.
 * First line of standard output: the port. */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

const char bench_usage_text[] = "stamp_sink STAMPS [MESSAGE]";

enum { PEERS_MAX = 256, INPUT_BYTES = 64 * 1024, MAILS_MAX = 2000000, REPLY_BYTES = 4096 };

typedef struct {
    int fd;
    bool in_data;
    long number; /* of the recipient */
    int dot;     /* how much of CR LF . CR LF has been seen */
    char in[INPUT_BYTES];
    size_t n;
} peer;

typedef struct {
    long number;
    int64_t data_ns;
} stamp;

static stamp stamps[MAILS_MAX];
static size_t stamp_n;
static FILE *sample; /* the first mail, until its end */
static volatile sig_atomic_t stopping;

static void stop(int sig)
{
    (void)sig;
    stopping = 1;
}

static const struct {
    const char *verb, *reply;
} replies[] = {
    {"EHLO", "250-sink.example.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10485760\r\n"},
    {"HELO", "250 sink.example.test\r\n"},
    {"MAIL", "250 2.1.0 Ok\r\n"},
    {"RCPT", "250 2.1.5 Ok\r\n"},
    {"DATA", "354 End data with <CR><LF>.<CR><LF>\r\n"},
    {"RSET", "250 2.0.0 Ok\r\n"},
    {"NOOP", "250 2.0.0 Ok\r\n"},
    {"QUIT", "221 2.0.0 Bye\r\n"},
};

static const char *answer(peer *p, const char *text)
{
    if (strncasecmp(text, "RCPT TO:<d", 10) == 0)
        p->number = strtol(text + 10, NULL, 10);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (strncasecmp(text, replies[i].verb, 4) == 0)
            return replies[i].reply;
    return "500 5.5.1 Unknown\r\n";
}

static void note_data(peer *p)
{
    if (stamp_n == MAILS_MAX)
        bench_die("stamp_sink", "more mails than MAILS_MAX");
    stamps[stamp_n++] = (stamp){p->number, bench_now_ns()};
    p->in_data = true;
    p->dot = 2; /* the line before the content has ended */
}

/* Skip content; returns how many bytes were taken, and clears in_data behind the final dot. */
static size_t skip_content(peer *p, const char *at, size_t n)
{
    static const char end[] = "\r\n.\r\n";
    size_t i = 0;
    while (i < n && p->in_data) {
        p->dot = at[i] == end[p->dot] ? p->dot + 1 : at[i] == '\r' ? 1 : 0;
        i++;
        p->in_data = p->dot < (int)sizeof end - 1;
    }
    if (sample && stamp_n == 1) {
        fwrite(at, 1, p->in_data ? i : i >= 3 ? i - 3 : 0, sample);
        if (!p->in_data) {
            fclose(sample);
            sample = NULL;
        }
    }
    return i;
}

/* All whole commands and content that has come. False when the peer has said QUIT. */
static bool work(peer *p)
{
    char out[REPLY_BYTES];
    size_t out_n = 0, at = 0;
    bool going = true;
    while (at < p->n && going && out_n < sizeof out - 256) {
        const char *reply = NULL;
        if (p->in_data) {
            at += skip_content(p, p->in + at, p->n - at);
            reply = p->in_data ? NULL : "250 2.0.0 Ok\r\n";
        } else {
            char *end = memchr(p->in + at, '\n', p->n - at);
            if (!end)
                break;
            *end = '\0';
            reply = answer(p, p->in + at);
            if (reply[0] == '3')
                note_data(p);
            going = reply[0] != '2' || reply[1] != '2';
            at = (size_t)(end - p->in) + 1;
        }
        if (reply) {
            memcpy(out + out_n, reply, strlen(reply));
            out_n += strlen(reply);
        }
    }
    memmove(p->in, p->in + at, p->n - at);
    p->n -= at;
    return send(p->fd, out, out_n, MSG_NOSIGNAL) == (ssize_t)out_n && going;
}

static int listen_loopback(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, PEERS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        bench_die("listen", strerror(errno));
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

static void admit(int ep, int listener)
{
    static const char greeting[] = "220 sink.example.test ESMTP\r\n";
    int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    peer *p = fd < 0 ? NULL : calloc(1, sizeof *p);
    if (!p)
        return;
    p->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0 ||
        send(fd, greeting, sizeof greeting - 1, MSG_NOSIGNAL) < 0)
        bench_die("accept", strerror(errno));
}

static void serve(peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->n, sizeof p->in - p->n, 0);
    if (n > 0)
        p->n += (size_t)n;
    if (n > 0 && work(p))
        return;
    close(p->fd);
    free(p);
}

static void write_stamps(const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        bench_die(path, strerror(errno));
    for (size_t i = 0; i < stamp_n; i++)
        fprintf(f, "%ld %lld\n", stamps[i].number, (long long)stamps[i].data_ns);
    fclose(f);
    printf("{\"mails\":%zu}\n", stamp_n);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        bench_usage();
    sample = argc == 3 ? fopen(argv[2], "w") : NULL;
    struct sigaction sa = {.sa_handler = stop};
    sigaction(SIGTERM, &sa, NULL);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_loopback();
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    while (!stopping) {
        struct epoll_event ready[64];
        int n = epoll_wait(ep, ready, 64, 1000);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr)
                serve(ready[i].data.ptr);
            else
                admit(ep, listener);
        }
    }
    write_stamps(argv[1]);
    return 0;
}
