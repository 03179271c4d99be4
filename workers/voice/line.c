#include "workers/voice/line.h"

#include "gateway/base/log.h"
#include "workers/voice/amd.h"
#include "workers/voice/script.h"
#include "workers/voice/sound.h"

#include <stdio.h>

enum {
    TAKE_MS = 500,
    NOT_PLACED_RETRY_MS = 60000,
    SILENCE_AFTER_MS = 10000, /* behind a part, beyond the wait for a key */
};

typedef struct {
    const line_config *config;
    const trunk_driver *trunk;
    void *open; /* trunk; NULL: closed */
    channel_attempt *attempt;
    script script;
    call_plan plan;
    call call;
    amd hearing;
    char own[WIRE_OWN_TEXT]; /* our reference of the attempt */
    bool closed;             /* the trunk said that the call is down */
} line;

/* ---- what happened ---- */

static void note(line *l, const char *what)
{
    gw_buf_printf(&l->attempt->outcome.raw, "+%lld ms %s %s\n",
                  (long long)(gw_mono_now().ms - l->call.dialled.ms),
                  call_state_name(l->call.state), what);
}

static int retry_ms(const line_config *c, call_end end)
{
    switch (end) {
    case CALL_END_NO_ANSWER:
    case CALL_END_NO_TONE:
        return c->no_answer_ms;
    case CALL_END_BUSY:
    case CALL_END_CARRIER_LATER:
        return c->busy_ms;
    case CALL_END_CALL_LATER:
        return c->call_back_ms;
    case CALL_END_NOT_PLACED:
        return NOT_PLACED_RETRY_MS;
    default:
        return -1;
    }
}

/* Our moment on the gateway's clock. */
static int64_t wall_ms(const channel_attempt *a, gw_mono at)
{
    return at.ms ? a->go_wall_ms + (at.ms - a->go_at.ms) : -1;
}

static void put_call(channel_attempt *a, const call *c, gw_str promise_date)
{
    channel_call *out = &a->outcome.call;
    const char *judged = call_event_name(c->amd);
    *out = (channel_call){.amd = judged[0] ? judged : "none",
                          .right_party = call_party_name(c->party),
                          .pressed = call_pressed_name(c->pressed),
                          .ended_by = c->remote ? "them" : "us",
                          .dialled_ms = wall_ms(a, c->dialled),
                          .ring_ms = wall_ms(a, c->rang),
                          .answer_ms = wall_ms(a, c->answered),
                          .end_ms = wall_ms(a, c->ended),
                          .cause = c->cause};
    if (c->pressed == CALL_PRESSED_PROMISE)
        snprintf(out->promise_date, sizeof out->promise_date, "%.*s", GW_STR_ARG(promise_date));
}

static void finish(line *l)
{
    channel_attempt *a = l->attempt;
    call_end end = l->call.end;
    channel_decide(a, call_end_result(end), l->call.sip, call_end_name(end));
    a->outcome.retry_after_ms = retry_ms(l->config, end);
    snprintf(a->outcome.remote_host, sizeof a->outcome.remote_host, "%s", l->config->host);
    if (!l->call.dialled.ms || end == CALL_END_NOT_PLACED) /* nobody was called: no call to count */
        return;
    put_call(a, &l->call, l->script.promise_date);
    if (!l->config->provider[0])
        return;
    snprintf(a->outcome.provider, sizeof a->outcome.provider, "%s", l->config->provider);
    snprintf(a->outcome.provider_ref, sizeof a->outcome.provider_ref, "%s", l->own);
}

/* ---- acting ---- */

static void close_trunk(line *l)
{
    l->trunk->close(l->open);
    l->open = NULL;
}

static gw_code play(line *l, call_part part, gw_err *err)
{
    gw_str ulaw = l->script.ulaw[part];
    if (ulaw.n == 0)
        return GW_OK;
    return l->trunk->play(l->open, ulaw, l->plan.answer_ms + SILENCE_AFTER_MS, err);
}

static void tell(line *l, call_event on);

static void act(line *l, call_effects fx)
{
    gw_err err = {0};
    gw_code rc = GW_OK;
    if (fx.acts & CALL_DO_LISTEN)
        amd_init(&l->hearing);
    if (fx.acts & CALL_DO_PLAY)
        rc = play(l, fx.part, &err);
    if (rc == GW_OK && fx.acts & CALL_DO_HANG_UP)
        rc = l->trunk->hang_up(l->open, &err);
    if (rc != GW_OK) {
        gw_log(GW_LOG_WARN, "the line is lost in a call", "text=\"%s\"", err.text);
        tell(l, CALL_ON_LOST);
    }
}

static void tell(line *l, call_event on)
{
    int unexpected = l->call.unexpected;
    note(l, call_event_name(on));
    call_effects fx = call_step(&l->call, on, &l->plan, gw_mono_now());
    if (l->call.unexpected != unexpected)
        note(l, "has no row");
    act(l, fx);
}

/* ---- hearing ---- */

static void on_level(line *l, double level)
{
    if (l->call.state != CALL_LISTENING && l->call.state != CALL_TONE)
        return;
    static const call_event events[] = {[AMD_HUMAN] = CALL_ON_HUMAN,
                                        [AMD_MACHINE] = CALL_ON_MACHINE,
                                        [AMD_UNSURE] = CALL_ON_UNSURE,
                                        [AMD_QUIET] = CALL_ON_QUIET};
    amd_verdict v = amd_hear(&l->hearing, level, gw_mono_now());
    if (v != AMD_NOTHING)
        tell(l, events[v]);
}

static void on_event(line *l, const trunk_event *e)
{
    switch (e->kind) {
    case TRUNK_RINGING:
        tell(l, CALL_ON_RINGING);
        break;
    case TRUNK_ESTABLISHED:
        tell(l, CALL_ON_ANSWERED);
        break;
    case TRUNK_KEY:
        tell(l, call_key(e->key));
        break;
    case TRUNK_LEVEL:
        on_level(l, e->level);
        break;
    case TRUNK_RESPONSE:
        if (!e->ok && l->call.state == CALL_DIALLING)
            tell(l, CALL_ON_NOT_PLACED);
        break;
    case TRUNK_CLOSED:
        l->closed = true;
        call_close(&l->call, e->sip, e->cause);
        tell(l, CALL_ON_CLOSED);
        break;
    default:
        break;
    }
}

/* ---- one call ---- */

static void hold_call(line *l)
{
    while (l->call.state != CALL_OVER) {
        int64_t left = l->call.due_ms - gw_mono_now().ms;
        if (left <= 0) {
            tell(l, CALL_ON_TIMER);
            continue;
        }
        trunk_event e;
        gw_err err = {0};
        if (l->trunk->next(l->open, left < TAKE_MS ? (int)left : TAKE_MS, &e, &err) != GW_OK) {
            gw_log(GW_LOG_WARN, "the line is lost in a call", "text=\"%s\"", err.text);
            tell(l, CALL_ON_LOST);
        } else {
            on_event(l, &e);
        }
    }
}

/* What is left over from the call before must not be taken for news of the next one. */
static bool is_quiet(line *l)
{
    trunk_event e;
    gw_err err = {0};
    for (gw_code rc = GW_OK; rc == GW_OK;) {
        rc = l->trunk->next(l->open, 0, &e, &err);
        if (rc == GW_OK && e.kind == TRUNK_OTHER)
            return true;
    }
    return false;
}

static gw_code ready(line *l, gw_err *err)
{
    if (l->open && !is_quiet(l))
        close_trunk(l);
    return l->open ? GW_OK : l->trunk->open(l->config->trunk_config, &l->open, err);
}

static gw_code open_script(line *l, gw_err *err)
{
    channel_attempt *a = l->attempt;
    gw_code rc = script_read(gw_buf_str(&a->bytes), a->arena, &l->script, err);
    if (rc != GW_OK)
        return rc;
    l->plan = l->config->plan;
    if (l->script.ulaw[CALL_PART_MESSAGE].n == 0)
        return gw_fail(err, GW_EINVAL, "the script is not spoken");
    for (int p = CALL_PART_NONE + 1; p < CALL_PART_COUNT; p++)
        l->plan.part_ms[p] = sound_ms(l->script.ulaw[p].n);
    return GW_OK;
}

static bool dial(line *l, gw_err *err)
{
    (void)call_step(&l->call, CALL_ON_DIAL, &l->plan, gw_mono_now());
    note(l, "dial");
    if (l->trunk->dial(l->open, l->script.to, gw_str_of(l->own), err) == GW_OK) {
        /* It rings from now on, however long the command took. */
        l->call.due_ms += gw_mono_now().ms - l->call.dialled.ms;
        return true;
    }
    l->call.end = CALL_END_LINE_LOST; /* it may have been read all the same */
    return false;
}

static void run_call(line *l, channel_attempt *a)
{
    gw_err err = {0};
    l->attempt = a;
    l->closed = false;
    channel_own(a, l->own);
    call_init(&l->call);
    l->call.end = CALL_END_NOT_PLACED;
    gw_code rc = open_script(l, &err);
    if (rc == GW_OK)
        rc = ready(l, &err);
    if (rc == GW_OK && dial(l, &err))
        hold_call(l);
    if (err.text[0])
        gw_log(GW_LOG_ERROR, "a call cannot be made", "code=%s text=\"%s\"", gw_code_name(rc),
               err.text);
    finish(l);
    if (!l->closed) /* it may still be in the call */
        close_trunk(l);
}

void line_serve(const line_config *config, channel_source *source)
{
    line l = {.config = config, .trunk = config->trunk};
    while (!channel_is_closed(source)) {
        channel_attempt *a = channel_take(source, TAKE_MS);
        if (!a)
            continue;
        run_call(&l, a);
        channel_report(source, a);
    }
    close_trunk(&l);
}
