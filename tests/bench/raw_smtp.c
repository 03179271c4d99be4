/* raw_smtp PORT N THREADS MESSAGES FILE - the raw limit of handing mail to the relay: libESMTP
 * alone sends the bytes of FILE (a whole message, as the worker built it in this run) N times over
 * THREADS sessions side by side, MESSAGES a session. No rendering, no state, no evidence.
 *
 * Prints {"n","delivered","seconds","bytes"}. */
#include "tests/bench/bench.h"

#include <libesmtp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

const char bench_usage_text[] = "raw_smtp PORT N THREADS MESSAGES FILE";

enum { MESSAGE_BYTES_MAX = 1 << 20, THREADS_MAX = 64 };

static char message[MESSAGE_BYTES_MAX];
static size_t message_bytes;
static char server[64];
static long messages_a_session;
static atomic_long left, delivered;

/* libESMTP asks with len NULL to begin again, then for pieces until there is none. */
static const char *content(void **ctx, int *len, void *arg)
{
    (void)ctx;
    bool *given = arg;
    if (!len) {
        *given = false;
        return NULL;
    }
    *len = *given ? 0 : (int)message_bytes;
    const char *piece = *given ? NULL : message;
    *given = true;
    return piece;
}

/* libESMTP forgets TCP_NODELAY, which costs it 40 ms a message, and hands nobody its socket; so its
 * call of connect(2) comes here. */
int connect(int fd, const struct sockaddr *to, socklen_t n)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return (int)syscall(SYS_connect, fd, to, n);
}

static void count_delivered(smtp_message_t m, void *arg)
{
    (void)arg;
    if (smtp_message_transfer_status(m)->code / 100 == 2)
        atomic_fetch_add(&delivered, 1);
}

static void send_session(long n)
{
    smtp_session_t s = smtp_create_session();
    bool *given = calloc((size_t)n, sizeof *given);
    if (!s || !given)
        bench_die("session", "out of memory");
    smtp_set_server(s, server);
    smtp_set_hostname(s, "bench.example.test");
    for (long i = 0; i < n; i++) {
        smtp_message_t m = smtp_add_message(s);
        smtp_set_reverse_path(m, "receivables@creditor.example.test");
        smtp_set_messagecb(m, content, &given[i]);
        smtp_add_recipient(m, "d1@bench.example.test");
    }
    smtp_start_session(s); /* its result proves nothing: the messages' codes do */
    smtp_enumerate_messages(s, count_delivered, NULL);
    smtp_destroy_session(s);
    free(given);
}

static void *send_all(void *arg)
{
    for (;;) {
        long before = atomic_fetch_sub(&left, messages_a_session);
        if (before <= 0)
            return arg;
        send_session(before < messages_a_session ? before : messages_a_session);
    }
}

int main(int argc, char **argv)
{
    if (argc != 6)
        bench_usage();
    long n = bench_number(argv[2], 1);
    long threads = bench_number(argv[3], 1);
    messages_a_session = bench_number(argv[4], 1);
    snprintf(server, sizeof server, "127.0.0.1:%ld", bench_number(argv[1], 1));
    FILE *f = fopen(argv[5], "r");
    message_bytes = f ? fread(message, 1, sizeof message, f) : 0;
    if (!message_bytes || threads > THREADS_MAX)
        bench_usage();
    fclose(f);
    signal(SIGPIPE, SIG_IGN);
    atomic_store(&left, n);
    pthread_t ids[THREADS_MAX];
    int64_t start = bench_now_ns();
    for (long i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, send_all, NULL) != 0)
            bench_die("thread", "cannot be started");
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    printf("{\"n\":%ld,\"delivered\":%ld,\"seconds\":%.6f,\"bytes\":%zu}\n", n,
           atomic_load(&delivered), (double)(bench_now_ns() - start) / 1e9, message_bytes);
    return 0;
}
