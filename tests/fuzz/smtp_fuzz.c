/* A server that says the fuzzer's bytes over a real socket: libESMTP and our guards come to an
 * outcome, never to a crash, and `delivered` only after a reply 2xx that follows a 354. */
#include "workers/email/smtp.h"
#include "workers/runtime/source.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 10 }; /* replies cost one wait each when nothing is said meanwhile */

static const char content[] = "Date: Tue, 22 Jan 2013 10:00:00 +0000\r\nFrom: b@example.test\r\n"
                              "Message-ID: <r@example.test>\r\n\r\nHello\r\n";

typedef struct {
    int listener;
    const uint8_t *data;
    size_t n;
} liar;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Replies are separated by NUL; each waits for something to be said first, but the greeting. */
static void *lie(void *arg)
{
    liar *l = arg;
    struct timeval patience = {.tv_usec = WAIT_MS * 1000};
    int fd = accept(l->listener, NULL, NULL);
    char heard[65536];
    if (fd < 0)
        return NULL;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (size_t at = 0; at <= l->n;) {
        const uint8_t *stop = memchr(l->data + at, 0, l->n - at);
        size_t len = stop ? (size_t)(stop - (l->data + at)) : l->n - at;
        if (send(fd, l->data + at, len, MSG_NOSIGNAL) < 0 || recv(fd, heard, sizeof heard, 0) == 0)
            break;
        at += len + 1;
    }
    close(fd);
    return NULL;
}

static void on_report(void *arg, channel_attempt *a)
{
    *(channel_attempt **)arg = a;
}

static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0);
    assert(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static channel_attempt *make_attempt(void)
{
    channel_attempt *a = channel_attempt_new(1 << 16);
    wire_task *t = gw_arena_alloc(a->arena, sizeof *t);
    t->ref = (wire_ref){GW_STR("r"), 1, GW_STR("t")};
    t->deadline_ms = INT64_MAX;
    t->from.address = GW_STR("b@example.test");
    t->to[0] = (wire_recipient){{NULL, 0}, {NULL, 0}, GW_STR("a@example.test"), GW_STR("to")};
    t->to_n = 1;
    a->task = t;
    a->go_at = gw_mono_now();
    gw_buf_puts(&a->bytes, content);
    return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool ready;
    gw_err err = {0};
    smtp_relay *relay = NULL;
    channel_attempt *done = NULL;
    pthread_t thread;
    liar l = {.data = data, .n = n};
    int port;
    if (!ready)
        assert(smtp_process_setup("/tmp/dunlin-smtp-fuzz", &err) == GW_OK);
    ready = true;
    l.listener = listen_somewhere(&port);
    const smtp_config c = {.host = "127.0.0.1",
                           .port = port,
                           .hostname = "w.example.test",
                           .dsn = SMTP_DSN_FAILURE,
                           .session_messages = 1,
                           .idle_ms = 1,
                           .greeting_ms = WAIT_MS,
                           .envelope_ms = WAIT_MS,
                           .data_ms = WAIT_MS,
                           .transfer_ms = WAIT_MS,
                           .final_ms = WAIT_MS};
    assert(smtp_relay_new(&c, &relay, &err) == GW_OK);
    channel_source *source = channel_source_new(on_report, &done);
    channel_source_put(source, make_attempt());
    channel_source_close(source);
    pthread_create(&thread, NULL, lie, &l);
    smtp_serve(relay, source);
    shutdown(l.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(l.listener);
    assert(done && done->outcome.why[0]);
    if (done->outcome.result == WIRE_DELIVERED)
        assert(done->outcome.code / 100 == 2 && memmem(data, n, "2", 1));
    channel_attempt_free(done);
    channel_source_free(source);
    smtp_relay_free(relay);
    return 0;
}
