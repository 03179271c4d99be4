#include "tests/workers/email/bench_mail.h"
#include "tests/support/must.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { THREADS_MAX = 16, OUTCOMES_MAX = 10000 };

struct mail_rig {
    smtp_relay *relay;
    channel_source *source;
    pthread_t threads[THREADS_MAX], watcher;
    int thread_n;
    pthread_mutex_t lock;
    pthread_cond_t news;
    channel_attempt *done[OUTCOMES_MAX];
    size_t done_n;
    bool stopping;
};

channel_attempt *mail_attempt(int number, const rcpt *rcpts)
{
    static const rcpt usual[] = {{"debtor@example.test", NULL}, {NULL, NULL}};
    channel_attempt *a = channel_attempt_new(1 << 20);
    wire_task *t = gw_arena_alloc(a->arena, sizeof *t);
    char text[512];
    rcpts = rcpts ? rcpts : usual;
    int n = snprintf(text, sizeof text, "r%d", number);
    t->ref = (wire_ref){
        {gw_arena_copy(a->arena, (gw_str){text, (size_t)n}), (size_t)n}, 1, GW_STR("tok")};
    t->source = GW_STR("billing");
    t->from = (wire_sender){GW_STR("Creditor"), GW_STR("billing@example.test"), {"", 0}, {"", 0}};
    t->deadline_ms = INT64_MAX;
    for (; rcpts[t->to_n].address; t->to_n++)
        t->to[t->to_n] =
            (wire_recipient){GW_STR("primary"), GW_STR(""), gw_str_of(rcpts[t->to_n].address),
                             gw_str_of(rcpts[t->to_n].kind ? rcpts[t->to_n].kind : "to")};
    a->task = t;
    a->go_at = gw_mono_now();
    snprintf(text, sizeof text,
             "Date: Tue, 22 Jan 2013 10:00:00 +0000\r\nFrom: billing@example.test\r\n"
             "To: debtor@example.test\r\nSubject: Invoice %d\r\nMessage-ID: <r%d@example.test>\r\n"
             "\r\nHello %d\r\n.a line with a dot\r\n..two\r\n",
             number, number, number);
    mail_attempt_bytes(a, text);
    return a;
}

void mail_attempt_bytes(channel_attempt *a, const char *bytes)
{
    gw_buf_clear(&a->bytes);
    gw_buf_puts(&a->bytes, bytes);
}

static void on_report(void *arg, channel_attempt *a)
{
    mail_rig *r = arg;
    pthread_mutex_lock(&r->lock);
    MUST(r->done_n < OUTCOMES_MAX);
    r->done[r->done_n++] = a;
    pthread_cond_broadcast(&r->news);
    pthread_mutex_unlock(&r->lock);
}

static void *serve(void *arg)
{
    mail_rig *r = arg;
    smtp_serve(r->relay, r->source);
    return NULL;
}

static void *watch(void *arg)
{
    mail_rig *r = arg;
    struct timespec step = {0, 20 * 1000000L};
    for (;;) {
        pthread_mutex_lock(&r->lock);
        bool stop = r->stopping;
        pthread_mutex_unlock(&r->lock);
        if (stop)
            return NULL;
        smtp_watch(r->relay);
        nanosleep(&step, NULL);
    }
}

mail_rig *mail_rig_start(const smtp_config *config, int threads)
{
    mail_rig *r = calloc(1, sizeof *r);
    gw_err err = {0};
    gw_code rc = smtp_relay_new(config, &r->relay, &err);
    if (rc != GW_OK)
        fprintf(stderr, "%s\n", err.text);
    MUST(rc == GW_OK);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->news, NULL);
    r->source = channel_source_new(on_report, r);
    for (r->thread_n = 0; r->thread_n < threads; r->thread_n++)
        pthread_create(&r->threads[r->thread_n], NULL, serve, r);
    pthread_create(&r->watcher, NULL, watch, r);
    return r;
}

void mail_rig_put(mail_rig *r, channel_attempt *a)
{
    bool open = channel_source_put(r->source, a);
    MUST(open);
}

static bool wait_for(mail_rig *r, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    while (r->done_n < n)
        if (pthread_cond_timedwait(&r->news, &r->lock, &until) != 0)
            return false;
    return true;
}

channel_attempt *mail_rig_outcome(mail_rig *r, size_t i)
{
    pthread_mutex_lock(&r->lock);
    bool there = wait_for(r, i + 1);
    channel_attempt *a = there ? r->done[i] : NULL;
    pthread_mutex_unlock(&r->lock);
    MUST(there);
    return a;
}

channel_attempt *mail_rig_outcome_of(mail_rig *r, size_t n, const char *rid)
{
    channel_attempt *found = NULL;
    pthread_mutex_lock(&r->lock);
    bool there = wait_for(r, n);
    for (size_t i = 0; there && i < r->done_n; i++)
        if (gw_str_is(r->done[i]->task->ref.rid, rid))
            found = r->done[i];
    pthread_mutex_unlock(&r->lock);
    MUST(there && found);
    return found;
}

smtp_relay *mail_rig_relay(mail_rig *r)
{
    return r->relay;
}

void mail_rig_stop(mail_rig *r)
{
    channel_source_close(r->source);
    for (int i = 0; i < r->thread_n; i++)
        pthread_join(r->threads[i], NULL);
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->watcher, NULL);
    for (size_t i = 0; i < r->done_n; i++)
        channel_attempt_free(r->done[i]);
    channel_source_free(r->source);
    smtp_relay_free(r->relay);
    pthread_cond_destroy(&r->news);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

smtp_config mail_config(const smtp_server *s)
{
    return (smtp_config){.host = "127.0.0.1",
                         .port = smtp_server_port(s),
                         .tls = SMTP_TLS_NONE,
                         .hostname = "worker.example.test",
                         .dsn = SMTP_DSN_SUCCESS | SMTP_DSN_FAILURE | SMTP_DSN_DELAY,
                         .idle_ms = 100,
                         .greeting_ms = 400,
                         .envelope_ms = 400,
                         .data_ms = 400,
                         .transfer_ms = 400,
                         .final_ms = 400};
}
