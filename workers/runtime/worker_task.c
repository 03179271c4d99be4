#include "workers/runtime/worker_inside.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"

enum { MESSAGES_PER_TURN = 512 };

/* ---- a job's way ---- */

static void end_job(worker *w, job *j)
{
    templates_release(w->templates, j->bundle);
    job_end(w->jobs, j);
}

/* No longer wanted. While another thread has the attempt the job can only be marked. */
void worker_drop(worker *w, job *j)
{
    if (j->state == JOB_PREPARING || j->state == JOB_SENDING)
        j->dropped = true;
    else
        end_job(w, j);
}

static void report_job(worker *w, job *j)
{
    job_set(w->jobs, j, JOB_REPORTING);
    worker_say_outcome(w, j);
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
        worker_say(w, &h, (gw_str){NULL, 0});
    }
}

void worker_feed_waiting(worker *w)
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
        worker_say_intent(w, j);
    } else {
        gw_log(GW_LOG_WARN, "a message cannot be made", "rid=%.*s why=%s text=\"%.*s\"",
               GW_STR_ARG(j->ref.rid), j->attempt->outcome.why,
               GW_STR_ARG(gw_buf_str(&j->attempt->outcome.raw)));
        report_job(w, j);
    }
}

void worker_take_back(worker *w)
{
    channel_attempt *next;
    for (channel_attempt *a = attempt_queue_take_all(&w->done); a; a = next) {
        next = a->next;
        job *j = a->owner;
        if (j->dropped) {
            end_job(w, j);
        } else if (j->state == JOB_PREPARING) {
            on_prepared(w, j);
        } else {
            GW_CRASH_POINT("worker-after-send");
            report_job(w, j);
        }
    }
}

/* ---- what the gateway says ---- */

/* The header was decoded into scratch; what the job keeps goes to the attempt's own arena. */
static bool copy_task(job *j, const wire_task *in, gw_str facts)
{
    gw_arena *arena = j->attempt->arena;
    wire_task *t = gw_arena_alloc(arena, wire_task_bytes(in->to_n));
    if (!t || !channel_attempt_room(j->attempt, in->to_n))
        return false;
    memcpy(t, in, wire_task_bytes(in->to_n));
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
        worker_say_outcome(w, known);
    if (known || w->draining)
        return;
    job *old = job_find_rid(w->jobs, t->ref.rid);
    if (old && old->state < JOB_SENDING) /* the gateway has begun another attempt */
        worker_drop(w, old);
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
    worker_feed_waiting(w);
}

static void on_go(worker *w, const wire_go *go)
{
    job *j = job_find(w->jobs, &go->ref);
    if (!j || j->state != JOB_WAITING)
        return;
    j->attempt->go_wall_ms = go->now_ms;
    j->attempt->go_at = gw_mono_now();
    job_set(w->jobs, j, JOB_SENDING);
    GW_CRASH_POINT("worker-after-go");
    if (!channel_source_put(w->source, j->attempt)) { /* closed: nothing has left */
        channel_decide(j->attempt, WIRE_LATER, 0, "worker-stopping");
        report_job(w, j);
    }
}

static void on_abort(worker *w, const wire_ref *ref)
{
    job *j = job_find(w->jobs, ref);
    if (j && j->state < JOB_SENDING)
        worker_drop(w, j);
}

static void on_seen(worker *w, const wire_ref *ref)
{
    job *j = job_find(w->jobs, ref);
    if (j && j->state == JOB_REPORTING)
        end_job(w, j);
}

void worker_drop_without_go(worker *w)
{
    for (job_state s = JOB_TEMPLATE; s < JOB_SENDING; s++)
        for (job *j = job_first(w->jobs, s), *next; j; j = next) {
            next = job_next(j);
            worker_drop(w, j);
        }
}

/* The gateway that was told the intent is gone, or its GO is. The store may hold the intent as
 * given GO; only we know that none came, and from here on none counts. */
void worker_give_up_go(worker *w)
{
    for (job *j = job_first(w->jobs, JOB_WAITING), *next; j; j = next) {
        next = job_next(j);
        channel_decide(j->attempt, WIRE_LATER, 0, WIRE_WHY_NO_GO);
        report_job(w, j);
    }
    worker_drop_without_go(w);
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
    worker_say_ready(w);
    worker_repeat_outcomes(w, 0);
    worker_give_up_go(w);
}

void worker_drain(worker *w, const char *why)
{
    if (w->draining)
        return;
    gw_log(GW_LOG_INFO, "draining", "why=%s in_hand=%zu", why, job_count(w->jobs));
    wire_header h = {.type = WIRE_DRAIN};
    worker_say(w, &h, (gw_str){NULL, 0});
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
    case WIRE_PULL:
        worker_ask(w, &h->pull);
        break;
    case WIRE_DRAIN:
        worker_drain(w, "gateway");
        break;
    default:
        gw_log(GW_LOG_WARN, "the gateway says what only workers say", "type=%s",
               wire_type_name(h->type));
    }
}

void worker_receive(worker *w)
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
            worker_say_ready(w);
            worker_repeat_outcomes(w, 0);
            worker_give_up_go(w); /* the connection it would have come by is closed */
        }
        handle(w, m.header, m.payload);
        link_message_done(&m);
    }
}
