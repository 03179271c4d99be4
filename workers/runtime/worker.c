#include "workers/runtime/worker.h"

#include "gateway/base/crash.h"
#include "gateway/base/id.h"
#include "gateway/base/log.h"
#include "workers/runtime/job.h"
#include "workers/runtime/link.h"
#include "workers/runtime/queue.h"
#include "workers/runtime/source.h"
#include "workers/runtime/templates.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    POLL_MS = 200,
    MESSAGES_PER_TURN = 512,
    BENCH_STOP_MS = 500, /* how often an idle preparing thread looks whether it is to end */
    REOPEN_MAX_MS = 30000,
    SCRATCH_MAX = 4 << 20, /* headers of the gateway's messages */
    NAME_BYTES = 128,
};

struct worker {
    worker_config config;
    char name[NAME_BYTES], boot[GW_ID_TEXT];
    const channel *driver;
    void *zmq;
    link_end *link;
    gw_arena *scratch;   /* of one message of the gateway */
    wire_header outcome; /* being said; too large for the stack of a loop */
    job_table *jobs;
    templates *templates;
    channel_source *source;   /* GO came */
    attempt_queue to_prepare; /* template is there */
    attempt_queue done;       /* prepared or reported, back to the runtime */
    int wake_fd;              /* done has something, or stop was called */
    atomic_bool stop;
    pthread_t preparers[WORKER_THREADS_MAX], senders[WORKER_THREADS_MAX];
    int preparer_n, sender_n;

    char gateway_boot[GW_ID_TEXT + 1];
    gw_mono heard, said, watched, reopened;
    int reopen_ms; /* between two of them; doubles while nothing is heard */
    bool lost, draining, closed;
    gw_mono drain_since;
};

static void wake(worker *w)
{
    uint64_t one = 1;
    ssize_t ignored = write(w->wake_fd, &one, sizeof one);
    (void)ignored; /* full means it is awake already */
}

/* From preparing and sending threads. */
static void give_back(void *arg, channel_attempt *a)
{
    worker *w = arg;
    bool first;
    attempt_queue_put(&w->done, a, &first);
    if (first)
        wake(w);
}

/* ---- preparing threads ---- */

static void hash_bytes(job *j)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)j->attempt->bytes.data, j->attempt->bytes.n, hash);
    gw_hex(hash, sizeof hash, j->hash);
}

/* Reasons of a message that could not be made. */
static const struct {
    gw_code code;
    wire_result result;
    const char *why;
} failures[] = {
    {GW_EINVAL, WIRE_REFUSED, "prepare-invalid"},   {GW_EREFUSED, WIRE_REFUSED, "prepare-refused"},
    {GW_ELIMIT, WIRE_REFUSED, "prepare-limit"},     {GW_ENOTFOUND, WIRE_REFUSED, "prepare-missing"},
    {GW_ECORRUPT, WIRE_REFUSED, "prepare-corrupt"},
};

static void decide_failure(channel_attempt *a, gw_code code, const char *text)
{
    channel_decide(a, WIRE_LATER, 0, "prepare-failed");
    for (size_t i = 0; i < GW_COUNT(failures); i++)
        if (failures[i].code == code)
            channel_decide(a, failures[i].result, 0, failures[i].why);
    gw_buf_puts(&a->outcome.raw, text);
}

static void *prepare_all(void *arg)
{
    worker *w = arg;
    void *bench = NULL;
    bool empty = false;
    while (!attempt_queue_is_closed(&w->to_prepare, &empty) || !empty) {
        channel_attempt *a = attempt_queue_take(&w->to_prepare, BENCH_STOP_MS);
        if (!a)
            continue;
        job *j = a->owner;
        gw_err err = {0};
        j->prepared = bench ? GW_OK : w->driver->bench_new(w->driver->self, &bench, &err);
        if (j->prepared == GW_OK)
            j->prepared = w->driver->prepare(w->driver->self, bench, a, j->bundle, &err);
        if (j->prepared == GW_OK)
            hash_bytes(j);
        else
            decide_failure(a, j->prepared, err.text);
        give_back(w, a);
    }
    if (bench)
        w->driver->bench_free(bench);
    return NULL;
}

static void *send_all(void *arg)
{
    worker *w = arg;
    w->driver->serve(w->driver->self, w->source);
    return NULL;
}

/* ---- saying things ---- */

static bool say(worker *w, const wire_header *h, gw_str payload)
{
    return link_send(w->link, h, payload);
}

static void say_ready(worker *w)
{
    if (w->draining)
        return;
    wire_header h = {.type = WIRE_READY,
                     .ready = {gw_str_of(w->name), gw_str_of(w->driver->name), w->config.credit}};
    say(w, &h, (gw_str){NULL, 0});
}

static void say_heartbeat(worker *w)
{
    wire_header h = {.type = WIRE_HEARTBEAT, .heartbeat = {gw_str_of(w->boot)}};
    say(w, &h, (gw_str){NULL, 0});
    w->said = gw_mono_now();
}

static void say_intent(worker *w, job *j)
{
    channel_attempt *a = j->attempt;
    wire_header h = {.type = WIRE_INTENT,
                     .intent = {.ref = j->ref,
                                .sha256 = gw_str_of(j->hash),
                                .message_id = a->message_id,
                                .bytes = (int64_t)a->bytes.n}};
    say(w, &h, gw_buf_str(&a->bytes));
}

static void say_outcome(worker *w, job *j)
{
    const channel_outcome *o = &j->attempt->outcome;
    wire_header *h = &w->outcome;
    wire_outcome *out = &h->outcome;
    h->type = WIRE_OUTCOME;
    out->ref = j->ref;
    out->outcome = o->result;
    out->code = o->code;
    out->enhanced = gw_str_of(o->enhanced);
    out->why = gw_str_of(o->why);
    out->retry_after_ms = o->retry_after_ms;
    out->remote_host = gw_str_of(o->remote_host);
    out->remote_tls = gw_str_of(o->remote_tls);
    out->recipient_n = o->recipient_n;
    for (size_t i = 0; i < o->recipient_n; i++)
        out->recipients[i] = (wire_recipient_result){o->recipients[i].index, o->recipients[i].code,
                                                     gw_str_of(o->recipients[i].enhanced)};
    GW_CRASH_POINT("worker-before-outcome");
    say(w, h, gw_buf_str(&o->raw));
}

/* ---- a job's way ---- */

static void end_job(worker *w, job *j)
{
    templates_release(w->templates, j->bundle);
    job_end(w->jobs, j);
}

/* No longer wanted. While another thread has the attempt the job can only be marked. */
static void drop_job(worker *w, job *j)
{
    if (j->state == JOB_PREPARING || j->state == JOB_SENDING)
        j->dropped = true;
    else
        end_job(w, j);
}

static void report_job(worker *w, job *j)
{
    job_set(w->jobs, j, JOB_REPORTING);
    say_outcome(w, j);
}

static void want_template(worker *w, job *j)
{
    gw_str version = j->attempt->task->template;
    j->bundle = templates_borrow(w->templates, version);
    if (j->bundle) {
        job_set(w->jobs, j, JOB_PREPARING);
        attempt_queue_put(&w->to_prepare, j->attempt, NULL);
    } else if (templates_should_ask(w->templates, version)) {
        wire_header h = {.type = WIRE_WANT, .template = {version}};
        say(w, &h, (gw_str){NULL, 0});
    }
}

static void feed_waiting(worker *w)
{
    for (job *j = job_first(w->jobs, JOB_TEMPLATE), *next; j; j = next) {
        next = job_next(j);
        want_template(w, j);
    }
}

static void on_prepared(worker *w, job *j)
{
    if (j->prepared == GW_OK) {
        job_set(w->jobs, j, JOB_WAITING);
        say_intent(w, j);
    } else {
        gw_log(GW_LOG_WARN, "a message cannot be made", "rid=%.*s why=%s text=\"%.*s\"",
               GW_STR_ARG(j->ref.rid), j->attempt->outcome.why,
               GW_STR_ARG(gw_buf_str(&j->attempt->outcome.raw)));
        report_job(w, j);
    }
}

static void take_back(worker *w)
{
    channel_attempt *next;
    for (channel_attempt *a = attempt_queue_take_all(&w->done); a; a = next) {
        next = a->next;
        job *j = a->owner;
        if (j->dropped)
            end_job(w, j);
        else if (j->state == JOB_PREPARING)
            on_prepared(w, j);
        else
            report_job(w, j);
    }
}

/* ---- what the gateway says ---- */

/* The header was decoded into scratch; what the job keeps goes to the attempt's own arena. */
static bool copy_task(job *j, const wire_task *in, gw_str facts)
{
    gw_arena *arena = j->attempt->arena;
    wire_task *t = gw_arena_alloc(arena, sizeof *t);
    if (!t)
        return false;
    memcpy(t, in, offsetof(wire_task, to));
    for (size_t i = 0; i < in->to_n; i++)
        t->to[i] = in->to[i];
    t->to_n = in->to_n;
    t->message_id = in->message_id;
    t->reference = in->reference;
    t->manual_clock = in->manual_clock;
    gw_str *fixed[] = {&t->ref.rid,    &t->ref.tok,   &t->source,          &t->template,
                       &t->locale,     &t->from.name, &t->from.address,    &t->from.reply_to,
                       &t->message_id, &t->reference, &t->from.unsubscribe};
    size_t n = GW_COUNT(fixed) + in->to_n * 4;
    for (size_t i = 0; i < n; i++) {
        gw_str *s;
        if (i < GW_COUNT(fixed)) {
            s = fixed[i];
        } else {
            wire_recipient *r = &t->to[(i - GW_COUNT(fixed)) / 4];
            gw_str *const parts[] = {&r->role, &r->name, &r->address, &r->kind};
            s = parts[(i - GW_COUNT(fixed)) % 4];
        }
        s->p = gw_arena_copy(arena, *s);
        if (!s->p)
            return false;
    }
    char *kept = gw_arena_copy(arena, facts);
    j->attempt->facts = (gw_str){kept, facts.n};
    j->attempt->task = t;
    j->ref = t->ref;
    return kept != NULL;
}

static void on_task(worker *w, const wire_task *t, gw_str facts)
{
    job *known = job_find(w->jobs, &t->ref);
    if (known && known->state == JOB_REPORTING)
        say_outcome(w, known);
    if (known || w->draining)
        return;
    job *old = job_find_rid(w->jobs, t->ref.rid);
    if (old && old->state < JOB_SENDING) /* the gateway has begun another attempt */
        drop_job(w, old);
    if (job_count(w->jobs) >= (size_t)w->config.credit * 2) {
        gw_log(GW_LOG_WARN, "more tasks than credit, one is not taken", NULL);
        return;
    }
    job *j = job_new(w->jobs, w->config.message_bytes_max);
    if (!j)
        return;
    if (!copy_task(j, t, facts)) {
        channel_attempt_free(j->attempt);
        free(j);
        return;
    }
    j->state = JOB_TEMPLATE;
    job_table_add(w->jobs, j);
    want_template(w, j);
}

static void on_template(worker *w, gw_str version, gw_str json)
{
    gw_err err = {0};
    gw_code rc = templates_put(w->templates, version, json, &err);
    if (rc != GW_OK)
        gw_log(GW_LOG_ERROR, "a template of the gateway is not usable", "text=\"%s\"", err.text);
    feed_waiting(w);
}

static void on_go(worker *w, const wire_go *go)
{
    job *j = job_find(w->jobs, &go->ref);
    if (!j || j->state != JOB_WAITING)
        return;
    j->attempt->go_wall_ms = go->now_ms;
    j->attempt->go_at = gw_mono_now();
    job_set(w->jobs, j, JOB_SENDING);
    if (!channel_source_put(w->source, j->attempt)) { /* closed: nothing has left */
        channel_decide(j->attempt, WIRE_LATER, 0, "worker-stopping");
        report_job(w, j);
    }
}

static void on_abort(worker *w, const wire_ref *ref)
{
    job *j = job_find(w->jobs, ref);
    if (j && j->state < JOB_SENDING)
        drop_job(w, j);
}

static void on_seen(worker *w, const wire_ref *ref)
{
    job *j = job_find(w->jobs, ref);
    if (j && j->state == JOB_REPORTING)
        end_job(w, j);
}

static void repeat_outcomes(worker *w, int older_ms)
{
    gw_mono now = gw_mono_now();
    for (job *j = job_first(w->jobs, JOB_REPORTING); j; j = job_next(j))
        if (now.ms - j->since.ms >= older_ms) {
            say_outcome(w, j);
            j->since = now;
        }
}

static void drop_without_go(worker *w)
{
    for (job_state s = JOB_TEMPLATE; s < JOB_SENDING; s++)
        for (job *j = job_first(w->jobs, s), *next; j; j = next) {
            next = job_next(j);
            drop_job(w, j);
        }
}

static void on_heartbeat(worker *w, gw_str boot)
{
    bool known = w->gateway_boot[0] != 0;
    if (gw_str_is(boot, w->gateway_boot) || boot.n >= sizeof w->gateway_boot)
        return;
    memcpy(w->gateway_boot, boot.p, boot.n);
    w->gateway_boot[boot.n] = '\0';
    if (!known)
        return;
    gw_log(GW_LOG_INFO, "the gateway was started anew", NULL);
    drop_without_go(w);
    say_ready(w);
    repeat_outcomes(w, 0);
}

static void start_drain(worker *w, const char *why)
{
    if (w->draining)
        return;
    gw_log(GW_LOG_INFO, "draining", "why=%s in_hand=%zu", why, job_count(w->jobs));
    wire_header h = {.type = WIRE_DRAIN};
    say(w, &h, (gw_str){NULL, 0});
    w->draining = true;
    w->drain_since = gw_mono_now();
}

static void handle(worker *w, const wire_header *h, gw_str payload)
{
    switch (h->type) {
    case WIRE_TASK:
        on_task(w, &h->task, payload);
        break;
    case WIRE_TEMPLATE:
        on_template(w, h->template.template, payload);
        break;
    case WIRE_GO:
        on_go(w, &h->go);
        break;
    case WIRE_ABORT:
        on_abort(w, &h->abort.ref);
        break;
    case WIRE_SEEN:
        on_seen(w, &h->seen);
        break;
    case WIRE_HEARTBEAT:
        on_heartbeat(w, h->heartbeat.boot);
        break;
    case WIRE_DRAIN:
        start_drain(w, "gateway");
        break;
    default:
        gw_log(GW_LOG_WARN, "the gateway says what only workers say", "type=%s",
               wire_type_name(h->type));
    }
}

static void receive(worker *w)
{
    link_message m;
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        gw_arena_reset(w->scratch);
        if (!link_receive(w->link, w->scratch, &m))
            return;
        w->heard = gw_mono_now();
        if (w->lost) {
            w->lost = false;
            w->reopen_ms = WORKER_SILENCE_MS;
            say_ready(w);
            repeat_outcomes(w, 0);
        }
        handle(w, m.header, m.payload);
        link_message_done(&m);
    }
}

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
            drop_job(w, j);
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
    say_ready(w);
    say_heartbeat(w);
}

static void tick(worker *w)
{
    gw_mono now = gw_mono_now();
    if (atomic_load(&w->stop))
        start_drain(w, "signal");
    mind_silence(w);
    if (now.ms - w->said.ms >= WORKER_HEARTBEAT_MS && !w->lost)
        say_heartbeat(w);
    if (now.ms - w->watched.ms < 1000)
        return;
    w->watched = now;
    if (w->driver->watch)
        w->driver->watch(w->driver->self);
    feed_waiting(w); /* a template may have to be asked for again */
    drop_impatient(w);
    repeat_outcomes(w, WORKER_REPEAT_MS);
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
    say_ready(w);
    say_heartbeat(w);
    while (!is_drained(w)) {
        zmq_pollitem_t items[] = {{.socket = link_socket(w->link), .events = ZMQ_POLLIN},
                                  {.fd = w->wake_fd, .events = ZMQ_POLLIN}};
        if (zmq_poll(items, GW_COUNT(items), POLL_MS) < 0 && zmq_errno() != EINTR)
            return gw_fail(err, GW_EIO, "waiting for the gateway: %s", zmq_strerror(zmq_errno()));
        if (items[1].revents & ZMQ_POLLIN) {
            uint64_t times;
            ssize_t ignored = read(w->wake_fd, &times, sizeof times);
            (void)ignored;
        }
        receive(w);
        gw_arena_reset(w->scratch);
        take_back(w);
        tick(w);
        if (w->draining && gw_mono_now().ms - w->drain_since.ms > w->config.drain_ms)
            return gw_fail(err, GW_ETIMEOUT, "the drain gave up %zu tasks", job_count(w->jobs));
    }
    return GW_OK;
}

void worker_stop(worker *w)
{
    atomic_store(&w->stop, true);
    wake(w);
}

/* ---- making one ---- */

static gw_code check(const worker_config *c, gw_err *err)
{
    if (c->credit < 1 || c->credit > WORKER_CREDIT_MAX)
        return gw_fail(err, GW_EINVAL, "credit must be 1..%d", WORKER_CREDIT_MAX);
    if (c->prepare_threads < 1 || c->prepare_threads > WORKER_THREADS_MAX || c->send_threads < 1 ||
        c->send_threads > WORKER_THREADS_MAX)
        return gw_fail(err, GW_EINVAL, "threads must be 1..%d", WORKER_THREADS_MAX);
    if (!c->name || !c->name[0] || strlen(c->name) >= NAME_BYTES)
        return gw_fail(err, GW_EINVAL, "the worker's name must have 1..%d bytes", NAME_BYTES - 1);
    return GW_OK;
}

static gw_code start_threads(worker *w, gw_err *err)
{
    while (w->preparer_n < w->config.prepare_threads) {
        if (pthread_create(&w->preparers[w->preparer_n], NULL, prepare_all, w) != 0)
            return gw_fail(err, GW_ENOMEM, "starting a preparing thread");
        w->preparer_n++;
    }
    while (w->sender_n < w->config.send_threads) {
        if (pthread_create(&w->senders[w->sender_n], NULL, send_all, w) != 0)
            return gw_fail(err, GW_ENOMEM, "starting a sending thread");
        w->sender_n++;
    }
    return GW_OK;
}

static gw_code make_parts(worker *w, gw_err *err)
{
    w->zmq = zmq_ctx_new();
    w->jobs = job_table_new();
    w->templates = templates_new(WORKER_TEMPLATES_MAX);
    w->source = channel_source_new(give_back, w);
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
