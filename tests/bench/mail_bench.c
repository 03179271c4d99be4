/* mail_bench [seconds [threads [prepare]]] - what the e-mail worker costs, part by part, on one
 * machine with Postfix's smtp-sink as relay: prepare   facts -> context -> template -> statement ->
 * message, with the intent's hash; one thread send      prepared bytes through smtp_serve, and
 * through bare libESMTP for comparison both each thread prepares, another set sends CPU is this
 * process's user and system time per message. Run from the project's root or with DUNLIN_SOURCE
 * set. */
#include "tests/support/smtp_sink.h"
#include "workers/email/compose.h"
#include "workers/email/email.h"
#include "workers/runtime/source.h"

#include <libesmtp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { THREADS_MAX = 32, PER_SESSION = 100, IN_HAND = 512 };

static const char facts[] =
    "{\"creditor\":{\"name\":\"Creditor Ltd\",\"email\":\"help@creditor.example.test\"},"
    "\"debtor\":{\"id\":\"D1\",\"name\":\"Debtor GmbH\"},\"contact\":{\"name\":\"Ann Debtor\"},"
    "\"case\":\"INV-1\",\"reference\":\"INV-1\",\"date\":\"2013-01-22\",\"statement\":\"detailed\","
    "\"locale\":\"en\",\"items\":["
    "{\"id\":\"INV-1\",\"due\":\"2013-01-12\",\"amount_minor\":123450,\"paid_minor\":0,"
    "\"open_minor\":123450,\"currency\":\"USD\",\"days_overdue\":10},"
    "{\"id\":\"INV-2\",\"due\":\"2013-01-29\",\"amount_minor\":99000,\"paid_minor\":9000,"
    "\"open_minor\":90000,\"currency\":\"USD\",\"days_overdue\":0}]}";

static int seconds = 3, threads = 4;
static template_bundle *bundle;
static gw_buf ready; /* one prepared message */

typedef struct {
    int64_t wall_ms;
    double cpu_s;
} stopwatch;

static stopwatch now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (stopwatch){gw_mono_now().ms,
                       (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6};
}

static void say(const char *what, stopwatch from, long n)
{
    stopwatch to = now();
    double s = (double)(to.wall_ms - from.wall_ms) / 1000;
    printf("%-34s %8.0f /s   %6.1f us CPU each\n", what, (double)n / s,
           (to.cpu_s - from.cpu_s) / (double)n * 1e6);
    fflush(stdout);
}

static void die(const gw_err *err)
{
    fprintf(stderr, "mail_bench: %s\n", err->text);
    exit(1);
}

static channel driver_for(int port, bool pdf)
{
    gw_err err = {0};
    channel driver;
    const email_config c = {.transport = port ? EMAIL_SMTP : EMAIL_OUTBOX,
                            .from_address = "billing@creditor.example.test",
                            .from_name = "Creditor",
                            .unsubscribe_mailto = "stop@creditor.example.test",
                            .pdf = pdf,
                            .outbox = {.folder = "."},
                            .smtp = {.host = "127.0.0.1",
                                     .port = port,
                                     .tls = SMTP_TLS_NONE,
                                     .hostname = "worker.example.test",
                                     .session_messages = PER_SESSION,
                                     .dsn = SMTP_DSN_FAILURE}};
    if (email_channel(&c, &driver, &err) != GW_OK)
        die(&err);
    return driver;
}

static void give_task(channel_attempt *a)
{
    wire_task *t = gw_arena_alloc(a->arena, sizeof *t);
    t->ref = (wire_ref){GW_STR("0123456789abcdefghjkmnpqrs"), 1, GW_STR("tok")};
    t->source = GW_STR("billing");
    t->locale = GW_STR("en");
    t->now_ms = 1358848800000;
    t->deadline_ms = INT64_MAX;
    t->reference = GW_STR("INV-1");
    t->to[0] = (wire_recipient){GW_STR("primary"), GW_STR("Ann Debtor"),
                                GW_STR("ann@debtor.example.test"), GW_STR("to")};
    t->to_n = 1;
    a->task = t;
    a->facts = GW_STR(facts);
    a->go_at = gw_mono_now();
}

static void prepare(const channel *driver, void *bench, channel_attempt *a)
{
    unsigned char hash[32];
    gw_err err = {0};
    channel_attempt_reset(a);
    give_task(a);
    if (driver->prepare(driver->self, bench, a, bundle, &err) != GW_OK)
        die(&err);
    SHA256((const unsigned char *)a->bytes.data, a->bytes.n, hash);
}

static void bench_prepare(bool pdf)
{
    gw_err err = {0};
    void *bench;
    channel driver = driver_for(0, pdf);
    channel_attempt *a = channel_attempt_new(COMPOSE_BYTES_MAX);
    if (driver.bench_new(driver.self, &bench, &err) != GW_OK)
        die(&err);
    prepare(&driver, bench, a); /* fonts and formatters are made here */
    if (!pdf) {
        gw_buf_init(&ready, COMPOSE_BYTES_MAX);
        gw_buf_put_str(&ready, gw_buf_str(&a->bytes));
    }
    char label[64];
    snprintf(label, sizeof label, "prepare, %s, %zu bytes", pdf ? "PDF and CSV" : "CSV",
             a->bytes.n);
    long n = 0;
    stopwatch from = now();
    for (; gw_mono_now().ms - from.wall_ms < seconds * 1000; n++)
        prepare(&driver, bench, a);
    say(label, from, n);
    driver.bench_free(bench);
    channel_attempt_free(a);
    driver.close(driver.self);
}

/* ---- bare libESMTP ---- */

static atomic_long bare_sent;
static int bare_port;

static const char *bare_content(void **ctx, int *len, void *arg)
{
    (void)ctx;
    int *done = arg;
    if (!len) {
        *done = 0;
        return NULL;
    }
    *len = *done ? 0 : (int)ready.n;
    *done = 1;
    return *len ? ready.data : NULL;
}

static void *bare(void *arg)
{
    int64_t until = gw_mono_now().ms + seconds * 1000;
    (void)arg;
    while (gw_mono_now().ms < until) {
        char server[32];
        int done = 0;
        snprintf(server, sizeof server, "127.0.0.1:%d", bare_port);
        smtp_session_t s = smtp_create_session();
        smtp_set_server(s, server);
        for (int i = 0; i < PER_SESSION; i++) {
            smtp_message_t m = smtp_add_message(s);
            smtp_set_reverse_path(m, "billing@creditor.example.test");
            smtp_add_recipient(m, "ann@debtor.example.test");
            smtp_set_messagecb(m, bare_content, &done);
        }
        smtp_start_session(s);
        smtp_destroy_session(s);
        atomic_fetch_add(&bare_sent, PER_SESSION);
    }
    return NULL;
}

static void bench_bare(void)
{
    pthread_t t[THREADS_MAX];
    smtp_sink sink = smtp_sink_start(NULL, NULL);
    bare_port = sink.port;
    stopwatch from = now();
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, bare, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    say("send, bare libESMTP", from, atomic_load(&bare_sent));
    smtp_sink_stop(&sink);
}

/* ---- through the driver ---- */

typedef struct {
    channel driver;
    channel_source *source;
    bool prepare;
    void *benches[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t free_one;
    channel_attempt *idle;
    atomic_long sent, failed;
} line_up;

static void on_report(void *arg, channel_attempt *a)
{
    line_up *l = arg;
    atomic_fetch_add(a->outcome.result == WIRE_DELIVERED ? &l->sent : &l->failed, 1);
    pthread_mutex_lock(&l->lock);
    a->next = l->idle;
    l->idle = a;
    pthread_cond_signal(&l->free_one);
    pthread_mutex_unlock(&l->lock);
}

static void *serve(void *arg)
{
    line_up *l = arg;
    l->driver.serve(l->driver.self, l->source);
    return NULL;
}

static channel_attempt *take_idle(line_up *l)
{
    pthread_mutex_lock(&l->lock);
    while (!l->idle)
        pthread_cond_wait(&l->free_one, &l->lock);
    channel_attempt *a = l->idle;
    l->idle = a->next;
    pthread_mutex_unlock(&l->lock);
    return a;
}

static void *feed(void *arg)
{
    line_up *l = arg;
    gw_err err = {0};
    void *bench = NULL;
    int64_t until = gw_mono_now().ms + seconds * 1000;
    if (l->driver.bench_new(l->driver.self, &bench, &err) != GW_OK)
        die(&err);
    while (gw_mono_now().ms < until) {
        channel_attempt *a = take_idle(l);
        if (l->prepare) {
            prepare(&l->driver, bench, a);
        } else {
            channel_attempt_reset(a);
            give_task(a);
            gw_buf_put_str(&a->bytes, gw_buf_str(&ready));
        }
        channel_source_put(l->source, a);
    }
    l->driver.bench_free(bench);
    return NULL;
}

static void bench_driver(const char *label, bool with_prepare, bool pdf)
{
    pthread_t senders[THREADS_MAX], feeders[2];
    smtp_sink sink = smtp_sink_start(NULL, NULL);
    line_up *l = calloc(1, sizeof *l);
    l->driver = driver_for(sink.port, pdf);
    l->prepare = with_prepare;
    l->source = channel_source_new(on_report, l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->free_one, NULL);
    for (int i = 0; i < IN_HAND; i++) {
        channel_attempt *a = channel_attempt_new(COMPOSE_BYTES_MAX);
        a->next = l->idle;
        l->idle = a;
    }
    int feeder_n = with_prepare ? 2 : 1;
    stopwatch from = now();
    for (int i = 0; i < threads; i++)
        pthread_create(&senders[i], NULL, serve, l);
    for (int i = 0; i < feeder_n; i++)
        pthread_create(&feeders[i], NULL, feed, l);
    for (int i = 0; i < feeder_n; i++)
        pthread_join(feeders[i], NULL);
    channel_source_close(l->source);
    for (int i = 0; i < threads; i++)
        pthread_join(senders[i], NULL);
    say(label, from, atomic_load(&l->sent));
    if (l->failed)
        printf("  %ld were not delivered\n", atomic_load(&l->failed));
    l->driver.close(l->driver.self);
    smtp_sink_stop(&sink);
    while (l->idle) {
        channel_attempt *a = l->idle;
        l->idle = a->next;
        channel_attempt_free(a);
    }
    channel_source_free(l->source);
    free(l);
}

int main(int argc, char **argv)
{
    gw_err err = {0};
    char path[1024], home[] = "/tmp/dunlin-mail-bench-XXXXXX";
    const char *root = getenv("DUNLIN_SOURCE");
    seconds = argc > 1 ? atoi(argv[1]) : seconds;
    threads = argc > 2 ? atoi(argv[2]) : threads;
    if (seconds < 1 || threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: mail_bench [seconds [threads 1..%d [prepare]]]\n", THREADS_MAX);
        return 2;
    }
    snprintf(path, sizeof path, "%s/templates/en/payment-reminder", root ? root : ".");
    if (!mkdtemp(home) || smtp_process_setup(home, &err) != GW_OK ||
        template_bundle_load(path, &bundle, &err) != GW_OK)
        die(&err);
    bench_prepare(false);
    bool all = argc < 4;
    if (all)
        bench_prepare(true);
    if (all && smtp_sink_is_here()) {
        bench_bare();
        bench_driver("send, through the driver", false, false);
        bench_driver("prepare with CSV, and send", true, false);
        bench_driver("prepare with PDF and CSV, and send", true, true);
    }
    template_bundle_free(bundle);
    gw_buf_done(&ready);
    return rmdir(home);
}
