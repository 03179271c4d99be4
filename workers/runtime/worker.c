#include "workers/runtime/worker_inside.h"

#include "gateway/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    POLL_MS = 200,
    REOPEN_MAX_MS = 30000,
    SCRATCH_MAX = 4 << 20, /* headers of the gateway's messages */
};

/* ---- time ---- */

static void drop_impatient(worker *w)
{
    gw_mono now = gw_mono_now();
    static const job_state states[] = {JOB_TEMPLATE, JOB_WAITING};
    for (size_t s = 0; s < GW_COUNT(states); s++)
        for (job *j = job_first(w->jobs, states[s]), *next; j; j = next) {
            next = job_next(j);
            if (now.ms - j->since.ms < w->config.patience_ms)
                break; /* the others are younger */
            gw_log(GW_LOG_WARN, "no answer of the gateway, the task is dropped", "rid=%.*s",
                   GW_STR_ARG(j->ref.rid));
            worker_drop(w, j);
        }
}

/* What the socket has queued for a gateway that is gone would all come at once when it is back. */
static void mind_silence(worker *w)
{
    gw_mono now = gw_mono_now();
    if (now.ms - w->heard.ms < WORKER_SILENCE_MS || now.ms - w->reopened.ms < w->reopen_ms)
        return;
    gw_err err = {0};
    if (!w->lost)
        gw_log(GW_LOG_WARN, "the gateway is silent, connecting anew", NULL);
    w->lost = true;
    w->reopened = now;
    w->reopen_ms = w->reopen_ms * 2 < REOPEN_MAX_MS ? w->reopen_ms * 2 : REOPEN_MAX_MS;
    if (link_reopen(w->link, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "connecting to the gateway failed", "text=\"%s\"", err.text);
        return;
    }
    worker_say_ready(w);
    worker_say_heartbeat(w);
}

static void tick(worker *w)
{
    gw_mono now = gw_mono_now();
    if (atomic_load(&w->stop))
        worker_drain(w, "signal");
    mind_silence(w);
    if (w->draining && w->lost)
        worker_drop_without_go(w); /* nobody is there to say GO: do not wait for it */
    if (now.ms - w->said.ms >= w->config.heartbeat_ms && !w->lost)
        worker_say_heartbeat(w);
    if (now.ms - w->watched.ms < 1000)
        return;
    w->watched = now;
    if (w->driver->watch)
        w->driver->watch(w->driver->self);
    worker_feed_waiting(w); /* a template may have to be asked for again */
    drop_impatient(w);
    worker_repeat_outcomes(w, WORKER_REPEAT_MS);
}

/* Once nothing waits for GO any more, sessions may end as soon as they are idle. */
static bool is_drained(worker *w)
{
    if (!w->draining)
        return false;
    size_t before_go = job_count_in(w->jobs, JOB_TEMPLATE) + job_count_in(w->jobs, JOB_PREPARING) +
                       job_count_in(w->jobs, JOB_WAITING);
    if (before_go == 0 && !w->closed) {
        channel_source_close(w->source);
        w->closed = true;
    }
    return job_count(w->jobs) == 0;
}

gw_code worker_run(worker *w, gw_err *err)
{
    int wait_ms = w->config.heartbeat_ms < POLL_MS ? w->config.heartbeat_ms : POLL_MS;
    worker_say_ready(w);
    worker_say_heartbeat(w);
    while (!is_drained(w)) {
        zmq_pollitem_t items[] = {{.socket = link_socket(w->link), .events = ZMQ_POLLIN},
                                  {.fd = w->wake_fd, .events = ZMQ_POLLIN}};
        if (zmq_poll(items, GW_COUNT(items), wait_ms) < 0 && zmq_errno() != EINTR)
            return gw_fail(err, GW_EIO, "waiting for the gateway: %s", zmq_strerror(zmq_errno()));
        if (items[1].revents & ZMQ_POLLIN) {
            uint64_t times;
            ssize_t ignored = read(w->wake_fd, &times, sizeof times);
            (void)ignored;
        }
        worker_receive(w);
        gw_arena_reset(w->scratch);
        worker_take_back(w);
        worker_tell_answers(w);
        tick(w);
        if (w->draining && gw_mono_now().ms - w->drain_since.ms > w->config.drain_ms)
            return gw_fail(err, GW_ETIMEOUT, "the drain gave up %zu tasks", job_count(w->jobs));
    }
    return GW_OK;
}

void worker_stop(worker *w)
{
    atomic_store(&w->stop, true);
    worker_wake(w);
}

/* ---- making one ---- */

static gw_code check(const worker_config *c, gw_err *err)
{
    if (c->credit < 1 || c->credit > WORKER_CREDIT_MAX)
        return gw_fail(err, GW_EINVAL, "credit must be 1..%d", WORKER_CREDIT_MAX);
    if (c->prepare_threads < 1 || c->prepare_threads > WORKER_THREADS_MAX || c->send_threads < 1 ||
        c->send_threads > WORKER_THREADS_MAX)
        return gw_fail(err, GW_EINVAL, "threads must be 1..%d", WORKER_THREADS_MAX);
    if (!c->name || !c->name[0] || strlen(c->name) >= WORKER_NAME_BYTES)
        return gw_fail(err, GW_EINVAL, "the worker's name must have 1..%d bytes",
                       WORKER_NAME_BYTES - 1);
    return GW_OK;
}

static gw_code start_threads(worker *w, gw_err *err)
{
    while (w->preparer_n < w->config.prepare_threads) {
        if (pthread_create(&w->preparers[w->preparer_n], NULL, worker_prepare, w) != 0)
            return gw_fail(err, GW_ENOMEM, "starting a preparing thread");
        w->preparer_n++;
    }
    while (w->sender_n < w->config.send_threads) {
        if (pthread_create(&w->senders[w->sender_n], NULL, worker_send, w) != 0)
            return gw_fail(err, GW_ENOMEM, "starting a sending thread");
        w->sender_n++;
    }
    return worker_ask_start(w, err);
}

static gw_code make_parts(worker *w, gw_err *err)
{
    w->zmq = zmq_ctx_new();
    w->jobs = job_table_new();
    w->templates = templates_new(WORKER_TEMPLATES_MAX);
    w->source = channel_source_new(worker_give_back, w);
    w->scratch = gw_arena_new(SCRATCH_MAX);
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!w->zmq || !w->jobs || !w->templates || !w->source || !w->scratch || w->wake_fd < 0)
        return gw_fail(err, GW_ENOMEM, "starting the worker");
    return link_open(w->zmq, w->config.endpoint, w->config.server_public, w->config.pair, &w->link,
                     err);
}

gw_code worker_new(const worker_config *config, const channel *driver, worker **ret, gw_err *err)
{
    gw_code rc = check(config, err);
    if (rc != GW_OK)
        return rc;
    worker *w = calloc(1, sizeof *w);
    if (!w)
        return gw_fail(err, GW_ENOMEM, "starting the worker");
    w->config = *config;
    if (w->config.patience_ms == 0)
        w->config.patience_ms = WORKER_PATIENCE_MS;
    if (w->config.drain_ms == 0)
        w->config.drain_ms = WORKER_DRAIN_MS;
    if (w->config.heartbeat_ms == 0)
        w->config.heartbeat_ms = WORKER_HEARTBEAT_MS;
    w->reopen_ms = WORKER_SILENCE_MS;
    w->driver = driver;
    w->wake_fd = -1;
    snprintf(w->name, sizeof w->name, "%s", config->name);
    gw_id boot;
    gw_id_random(&boot);
    gw_id_format(&boot, w->boot);
    w->heard = w->reopened = gw_mono_now();
    attempt_queue_init(&w->to_prepare);
    attempt_queue_init(&w->done);
    rc = make_parts(w, err);
    if (rc == GW_OK)
        rc = start_threads(w, err);
    if (rc != GW_OK) {
        worker_free(w);
        return rc;
    }
    *ret = w;
    return GW_OK;
}

void worker_free(worker *w)
{
    if (!w)
        return;
    attempt_queue_close(&w->to_prepare);
    if (w->source)
        channel_source_close(w->source);
    for (int i = 0; i < w->preparer_n; i++)
        pthread_join(w->preparers[i], NULL);
    for (int i = 0; i < w->sender_n; i++)
        pthread_join(w->senders[i], NULL);
    worker_ask_stop(w);
    /* attempts in the queues belong to jobs */
    (void)attempt_queue_take_all(&w->done);
    attempt_queue_done(&w->to_prepare);
    attempt_queue_done(&w->done);
    channel_source_free(w->source);
    link_close(w->link);
    if (w->zmq)
        zmq_ctx_term(w->zmq);
    job_table_free(w->jobs);
    templates_free(w->templates);
    gw_arena_free(w->scratch);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    free(w);
}
