/* route.c - the sending thread: attempts under way, each at one of its providers. */
#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "workers/providers/route_part.h"

#include <stdio.h>

enum {
    TAKE_MS = 1000,
    KEPT_CONNECTIONS = 128,
    WAITING_MAX = 64, /* attempts that wait for a provider here; the others wait in the queue */
};

typedef struct flight {
    struct router *router;
    channel_attempt *a;
    const route_plan *plan;
    size_t leg;
    int queries;      /* asked so far */
    gw_mono due;      /* of a waiting one */
    gw_mono patience; /* for a rate; then the provider is passed over */
    struct flight *next;
} flight;

typedef struct router {
    fleet *fleet;
    channel_source *source;
    http_engine *engine;
    flight *waiting, **waiting_end; /* for a provider, or for the moment of a question; in order */
    size_t waiting_n, flights;
    bool freed; /* a request has ended: who waits for a free place need not wait any longer */
} router;

void route_keep_raw(gw_buf *raw, const char *name, const http_result *r)
{
    gw_str body = r->body;
    size_t room = raw->ceiling > raw->n + 128 ? raw->ceiling - raw->n - 128 : 0;
    if (room == 0)
        return;
    if (body.n > room)
        body.n = room;
    gw_buf_printf(raw, "%s: HTTP %d %s\n", name, r->status, r->why ? r->why : "");
    gw_buf_put_str(raw, body);
    gw_buf_putc(raw, '\n');
}

/* ---- ends ---- */

static carrier *carrier_of(const flight *f)
{
    return f->plan->legs[f->leg].carrier;
}

static void report(flight *f)
{
    router *r = f->router;
    r->flights--;
    GW_CRASH_POINT("route-before-report");
    channel_report(r->source, f->a);
    free(f);
}

static void decide(flight *f, wire_result result, int status, const char *why)
{
    channel_decide(f->a, result, status, why);
    f->a->outcome.recipients[0] = (channel_recipient){.index = 0, .code = status};
    f->a->outcome.recipient_n = 1;
}

static void name_provider(flight *f, const provider_answer *answer)
{
    channel_outcome *o = &f->a->outcome;
    carrier *c = carrier_of(f);
    snprintf(o->provider, sizeof o->provider, "%s", c->p->name);
    snprintf(o->remote_host, sizeof o->remote_host, "%s", c->host);
    if (!answer)
        return;
    if (answer->id.n && answer->id.n < sizeof o->provider_ref)
        snprintf(o->provider_ref, sizeof o->provider_ref, "%.*s", GW_STR_ARG(answer->id));
    if (answer->code.n && answer->code.n < sizeof o->enhanced)
        snprintf(o->enhanced, sizeof o->enhanced, "%.*s", GW_STR_ARG(answer->code));
}

static void wait_until(flight *f, int64_t ms)
{
    router *r = f->router;
    f->due.ms = gw_mono_now().ms + ms;
    f->next = NULL;
    *r->waiting_end = f;
    r->waiting_end = &f->next;
    r->waiting_n++;
}

/* ---- asking what became of it ---- */

static void on_query(void *arg, const http_result *r);
static void ask_later(flight *f);

/* Can it be asked by our own reference alone? */
static bool can_ask(flight *f, provider_request *ret)
{
    const provider *p = carrier_of(f)->p;
    gw_err ignored = {0};
    gw_str own = gw_str_of(f->plan->own);
    gw_str id = gw_str_of(f->a->outcome.provider_ref);
    const provider_values v = {
        .to = f->a->task->to[0].address, .ref = own, .idempotency = own, .id = id};
    return p->query && provider_build(p, p->query, &v, f->a->arena, ret, &ignored) == GW_OK;
}

static void ask(flight *f)
{
    provider_request request;
    gw_err err = {0};
    f->queries++;
    if (!can_ask(f, &request) ||
        carrier_start(f->router->engine, carrier_of(f), &request, on_query, f, &err) != GW_OK)
        report(f);
}

static void ask_later(flight *f)
{
    provider_request ignored;
    if (f->queries == ROUTE_QUERIES || !can_ask(f, &ignored)) {
        report(f);
        return;
    }
    wait_until(f, (int64_t)f->router->fleet->query_after_ms << f->queries);
}

static void on_query(void *arg, const http_result *r)
{
    flight *f = arg;
    provider_answer answer;
    carrier *c = carrier_of(f);
    route_keep_raw(&f->a->outcome.raw, c->p->name, r);
    if (r->stage == HTTP_ANSWERED) {
        provider_read_query(c->p, r->status, r->body, f->a->arena, &answer);
        if (answer.found) {
            name_provider(f, &answer);
            bool taken = answer.state <= WIRE_RECEIPT_DELIVERED;
            decide(f, taken ? WIRE_DELIVERED : WIRE_REFUSED, r->status,
                   taken ? "found-by-query" : "failed-by-query");
            report(f);
            return;
        }
    }
    ask_later(f); /* not there yet, or no answer: what is unknown stays so */
}

/* ---- the providers in turn ---- */

static void try_leg(flight *f);

static void next_leg(flight *f)
{
    f->leg++;
    f->patience.ms = 0;
    if (f->leg == f->plan->n) {
        f->leg--;
        report(f); /* the outcome is that of the last one tried */
        return;
    }
    try_leg(f);
}

static void on_answer(flight *f, const http_result *r)
{
    carrier *c = carrier_of(f);
    provider_answer answer;
    provider_read_answer(c->p, r->status, r->body, f->a->arena, &answer);
    name_provider(f, &answer);
    switch (answer.verdict) {
    case PROVIDER_TOOK:
        decide(f, WIRE_DELIVERED, r->status, answer.why);
        report(f);
        return;
    case PROVIDER_REFUSED:
        decide(f, WIRE_REFUSED, r->status, answer.why);
        report(f);
        return;
    case PROVIDER_LATER:
        decide(f, WIRE_LATER, r->status, answer.why);
        f->a->outcome.retry_after_ms = r->retry_after_ms;
        if (r->retry_after_ms > 0)
            carrier_block(c, gw_mono_now(), r->retry_after_ms);
        next_leg(f);
        return;
    case PROVIDER_UNCLEAR:
        decide(f, WIRE_UNKNOWN, r->status, answer.why);
        ask_later(f);
        return;
    }
}

static void on_done(void *arg, const http_result *r)
{
    flight *f = arg;
    carrier *c = carrier_of(f);
    carrier_release(c);
    f->router->freed = true;
    GW_CRASH_POINT("route-after-answer");
    route_keep_raw(&f->a->outcome.raw, c->p->name, r);
    name_provider(f, NULL);
    snprintf(f->a->outcome.remote_tls, sizeof f->a->outcome.remote_tls, "%s", r->tls);
    switch (r->stage) {
    case HTTP_NOT_SENT:
        decide(f, WIRE_LATER, 0, r->why);
        next_leg(f);
        return;
    case HTTP_SENT:
        decide(f, WIRE_UNKNOWN, r->status, r->why);
        ask_later(f);
        return;
    case HTTP_ANSWERED:
        on_answer(f, r);
        return;
    }
}

/* A provider that makes us wait: for a moment we do, else the next one is tried. */
static void pass_over(flight *f, const char *why, int64_t wait_ms)
{
    name_provider(f, NULL);
    decide(f, WIRE_LATER, 0, why);
    f->a->outcome.retry_after_ms = wait_ms;
    next_leg(f);
}

static bool is_too_late(const flight *f)
{
    const channel_attempt *a = f->a;
    int64_t now = a->go_wall_ms;
    if (!a->task->manual_clock)
        now += gw_mono_now().ms - a->go_at.ms;
    return now > f->plan->start_by_ms || channel_is_late(a);
}

static void try_leg(flight *f)
{
    carrier *c = carrier_of(f);
    gw_mono now = gw_mono_now();
    int64_t wait_ms = 0;
    gw_err err = {0};
    if (is_too_late(f)) {
        decide(f, WIRE_LATER, 0, "validity-passed");
        report(f);
        return;
    }
    carrier_verdict v = carrier_take(c, now, &wait_ms);
    if (v == CARRIER_WAIT) {
        if (f->patience.ms == 0)
            f->patience.ms = now.ms + ROUTE_PATIENCE_MS;
        if (now.ms + wait_ms < f->patience.ms)
            wait_until(f, wait_ms);
        else
            pass_over(f, "rate", wait_ms);
        return;
    }
    if (v == CARRIER_BLOCKED) {
        pass_over(f, "throttled", wait_ms);
        return;
    }
    GW_CRASH_POINT("route-before-send");
    if (carrier_start(f->router->engine, c, f->plan->legs[f->leg].request, on_done, f, &err) ==
        GW_OK)
        return;
    carrier_release(c);
    gw_log(GW_LOG_ERROR, "a request cannot be made", "provider=%s text=\"%s\"", c->p->name,
           err.text);
    decide(f, WIRE_LATER, 0, "request-failed");
    next_leg(f);
}

/* ---- the thread ---- */

static void begin(router *r, channel_attempt *a)
{
    flight *f = calloc(1, sizeof *f);
    if (!f) {
        channel_decide(a, WIRE_LATER, 0, "no-memory");
        channel_report(r->source, a);
        return;
    }
    *f = (flight){.router = r, .a = a, .plan = a->prepared};
    r->flights++;
    try_leg(f);
}

static bool waits_for_question(const flight *f)
{
    return f->a->outcome.result == WIRE_UNKNOWN && f->a->outcome.why[0];
}

/* Those whose moment has come; milliseconds to the next one, TAKE_MS at most. */
static int resume_waiting(router *r)
{
    flight *list = r->waiting;
    int64_t now = gw_mono_now().ms;
    bool freed = r->freed;
    r->waiting = NULL;
    r->waiting_end = &r->waiting;
    r->waiting_n = 0;
    r->freed = false;
    for (flight *next; list; list = next) {
        next = list->next;
        bool question = waits_for_question(list);
        if (list->due.ms > now && (question || !freed))
            wait_until(list, list->due.ms - now);
        else if (question)
            ask(list);
        else
            try_leg(list);
    }
    int64_t first = now + TAKE_MS;
    for (const flight *f = r->waiting; f; f = f->next)
        first = f->due.ms < first ? f->due.ms : first;
    return r->freed ? 0 : first > now ? (int)(first - now) : 0;
}

static void wake(void *arg)
{
    http_wake(arg);
}

void route_serve(fleet *fl, channel_source *source)
{
    router r = {.fleet = fl, .source = source};
    r.waiting_end = &r.waiting;
    gw_err err = {0};
    if (http_engine_new(KEPT_CONNECTIONS, &r.engine, &err) != GW_OK)
        gw_bug("no HTTP client");
    channel_on_work(source, wake, r.engine);
    while (!channel_is_closed(source) || r.flights) {
        channel_attempt *a;
        while (r.flights < ROUTE_FLIGHTS_MAX && r.waiting_n < WAITING_MAX &&
               (a = channel_take(source, r.flights || channel_is_draining(source) ? 0 : TAKE_MS)))
            begin(&r, a);
        int wait_ms = resume_waiting(&r);
        if (r.flights)
            http_step(r.engine, wait_ms);
    }
    channel_off_work(source, r.engine);
    http_engine_free(r.engine);
}
