#include "workers/runtime/worker_inside.h"

#include "gateway/base/crash.h"

void worker_say(worker *w, const wire_header *h, gw_str payload)
{
    (void)link_send(w->link, h, payload); /* what is dropped is said again or not needed */
}

void worker_say_ready(worker *w)
{
    if (w->draining)
        return;
    wire_header h = {.type = WIRE_READY,
                     .ready = {.worker = gw_str_of(w->name),
                               .channel = gw_str_of(w->driver->name),
                               .credit = w->config.credit,
                               .alone = w->driver->alone}};
    worker_say(w, &h, (gw_str){NULL, 0});
}

void worker_say_heartbeat(worker *w)
{
    wire_header h = {.type = WIRE_HEARTBEAT, .heartbeat = {gw_str_of(w->boot)}};
    worker_say(w, &h, (gw_str){NULL, 0});
    w->said = gw_mono_now();
}

void worker_say_intent(worker *w, job *j)
{
    channel_attempt *a = j->attempt;
    wire_header h = {.type = WIRE_INTENT,
                     .intent = {.ref = j->ref,
                                .sha256 = gw_str_of(j->hash),
                                .message_id = a->message_id,
                                .bytes = (int64_t)a->bytes.n}};
    worker_say(w, &h, gw_buf_str(&a->bytes));
}

static wire_call call_of(const channel_call *c)
{
    if (!c->amd)
        return (wire_call){0};
    return (wire_call){.amd = gw_str_of(c->amd),
                       .right_party = gw_str_of(c->right_party),
                       .pressed = gw_str_of(c->pressed),
                       .promise_date = gw_str_of(c->promise_date),
                       .ended_by = gw_str_of(c->ended_by),
                       .dialled_ms = c->dialled_ms,
                       .ring_ms = c->ring_ms,
                       .answer_ms = c->answer_ms,
                       .end_ms = c->end_ms,
                       .cause = c->cause};
}

void worker_say_outcome(worker *w, job *j)
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
    out->provider = gw_str_of(o->provider);
    out->provider_ref = gw_str_of(o->provider_ref);
    out->call = call_of(&o->call);
    out->recipient_n = o->recipient_n;
    for (size_t i = 0; i < o->recipient_n; i++)
        out->recipients[i] = (wire_recipient_result){o->recipients[i].index, o->recipients[i].code,
                                                     gw_str_of(o->recipients[i].enhanced)};
    GW_CRASH_POINT("worker-before-outcome");
    worker_say(w, h, gw_buf_str(&o->raw));
}

void worker_repeat_outcomes(worker *w, int older_ms)
{
    gw_mono now = gw_mono_now();
    for (job *j = job_first(w->jobs, JOB_REPORTING); j; j = job_next(j))
        if (now.ms - j->since.ms >= older_ms) {
            worker_say_outcome(w, j);
            j->since = now;
        }
}
