#include "gateway/dispatch/person.h"
#include "gateway/dispatch/query_part.h"

#include "gateway/base/file.h"
#include "gateway/dispatch/life.h"
#include "gateway/intake/windows.h"
#include "gateway/state/inbox.h"

#include <stddef.h>

enum { QUERY_MODEL_BYTES = 1 << 20 };

/* ---- helpers ---- */

void query_put_time(gw_buf *b, const char *name, int64_t ms)
{
    char text[GW_TIME_TEXT];
    if (ms == VIEW_NO_TIME)
        return;
    gw_time_format((gw_wall){ms}, text);
    json_put_member_str(b, name, gw_str_of(text));
}

void query_put_text(gw_buf *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b, name, value);
}

gw_code query_context(query *q, const intake_ask *ask, decide_context *ret, gw_err *err)
{
    state_hash *control = gw_arena_alloc(ask->arena, sizeof *control);
    if (!control)
        return gw_fail(err, GW_ENOMEM, "reading pauses");
    gw_code rc = state_control_get(ask->store, ask->arena, control, err);
    if (rc != GW_OK)
        return rc;
    house_live_update(&q->house, control);
    rules_live_update(&q->rules, ask->store, control, NULL);
    timing_live_look(q->timing, gw_mono_now());
    *ret = (decide_context){
        .facts = {.zones = q->cfg->zones,
                  .promise_grace_days = q->cfg->promise_grace_days,
                  .channels_ready = q->cfg->channels,
                  .clock_ok = true,
                  .sources = q->cfg->sources,
                  .source_n = q->cfg->source_n,
                  .control = control,
                  .bounce_ms = q->cfg->bounce_ms,
                  .third_parties = q->cfg->third_parties,
                  .house = q->house.windows,
                  .house_unreadable = q->house.unreadable,
                  .rules_unreadable = q->rules.unreadable,
                  .providers = q->cfg->providers,
                  .provider_n = q->cfg->provider_n},
        .rules = q->rules.rules,
        .template_pick = template_cache_pick,
        .template_ctx = q->templates,
        .timing = timing_live_model(q->timing),
        .holdout_percent = q->cfg->timing_holdout,
    };
    return GW_OK;
}

static gw_code need_source(const intake_ask *ask, gw_err *err)
{
    return ask->source.n ? GW_OK
                         : gw_fail(err, GW_EINVAL, "name the billing system in member source");
}

gw_code query_find_job(query *q, const intake_ask *ask, loaded **ret, gw_err *err)
{
    return query_find_named(q, ask, json_get_str(ask->body, 0, "job"), ret, err);
}

gw_code query_find_named(query *q, const intake_ask *ask, gw_str job, loaded **ret, gw_err *err)
{
    state_ref refs[STATE_SHARDS];
    gw_id rid;
    loaded *list;
    gw_code rc = need_source(ask, err);
    if (rc == GW_OK && !job.n)
        rc = gw_fail(err, GW_EINVAL, "name the job in member job");
    if (rc != GW_OK)
        return rc;
    load_reminder_id(q->cfg->id_key, ask->source, job, &rid);
    /* The reminder lives in its debtor's shard, and the job does not say which: look everywhere. */
    for (int i = 0; i < STATE_SHARDS; i++)
        refs[i] = (state_ref){rid, (uint8_t)i};
    rc = load_reminders(ask->store, q->cfg->id_key, refs, STATE_SHARDS, true, ask->arena, &list,
                        err);
    if (rc != GW_OK)
        return rc;
    for (int i = 0; i < STATE_SHARDS; i++) {
        if (list[i].code == GW_ENOTFOUND)
            continue;
        *ret = &list[i];
        return list[i].code == GW_OK
                   ? GW_OK
                   : gw_fail(err, GW_ECORRUPT, "the debtor of this job is not readable");
    }
    return gw_fail(err, GW_ENOTFOUND, "this billing system has no such job");
}

gw_code query_find_debtor(query *q, const intake_ask *ask, view_debtor **ret, gw_err *err)
{
    gw_str debtor = json_get_str(ask->body, 0, "debtor");
    state_debtor *raw = gw_arena_alloc(ask->arena, sizeof *raw);
    view_debtor *v = gw_arena_alloc(ask->arena, sizeof *v);
    gw_id did;
    gw_code rc = need_source(ask, err);
    if (rc == GW_OK && !debtor.n)
        rc = gw_fail(err, GW_EINVAL, "name the debtor in member debtor");
    if (rc == GW_OK && (!raw || !v))
        rc = gw_fail(err, GW_ENOMEM, "loading a debtor");
    if (rc != GW_OK)
        return rc;
    load_debtor_id(q->cfg->id_key, ask->source, debtor, &did);
    rc = state_load_debtors(ask->store, &did, 1, ask->arena, raw, err);
    if (rc == GW_OK)
        rc = view_debtor_read(raw, ask->arena, v, err);
    if (rc == GW_OK && v->version == 0)
        rc = gw_fail(err, GW_ENOTFOUND, "this billing system has no such debtor");
    if (rc == GW_OK)
        rc = person_load(ask->store, q->cfg->id_key, &v, 1, ask->arena, err);
    if (rc == GW_OK)
        *ret = v;
    return rc;
}

/* ---- status ---- */

static void put_counts(gw_buf *b, const uint64_t by_state[128])
{
    static const char letters[] = "APHOLTCSDXRUQ";
    json_put_name(b, "reminders");
    gw_buf_putc(b, '{');
    for (const char *s = letters; *s; s++)
        json_put_member_int(b, life_state_name((life_state)*s),
                            (int64_t)by_state[(unsigned char)*s]);
    gw_buf_putc(b, '}');
}

static void put_workers(gw_buf *b, const dispatch_status *s)
{
    json_put_name(b, "workers");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < s->worker_n; i++) {
        const dispatch_worker *w = &s->workers[i];
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "worker", gw_str_of(w->name));
        json_put_member_str(b, "channel", gw_str_of(w->channel));
        json_put_member_int(b, "credit", w->credit);
        json_put_member_int(b, "outstanding", w->outstanding);
        json_put_member_bool(b, "draining", w->draining);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_dispatch(gw_buf *b, const dispatch_status *s)
{
    static const struct {
        const char *name;
        size_t at;
    } counters[] = {
        {"tasks", offsetof(dispatch_status, tasks)},
        {"intents", offsetof(dispatch_status, intents)},
        {"gos", offsetof(dispatch_status, gos)},
        {"aborts", offsetof(dispatch_status, aborts)},
        {"outcomes", offsetof(dispatch_status, outcomes)},
        {"plans", offsetof(dispatch_status, plans)},
        {"unexpected", offsetof(dispatch_status, unexpected)},
        {"turns", offsetof(dispatch_status, turns)},
        {"claimed", offsetof(dispatch_status, claimed)},
        {"sending", offsetof(dispatch_status, sending)},
        {"waiting_outcomes", offsetof(dispatch_status, waiting_outcomes)},
    };
    json_put_name(b, "dispatch");
    gw_buf_putc(b, '{');
    json_put_member_int(b, "shards", s->shards);
    json_put_member_bool(b, "store_ok", s->store_ok);
    json_put_member_bool(b, "recorder_ok", s->recorder_ok);
    json_put_member_bool(b, "lease_ok", s->lease_ok);
    json_put_member_bool(b, "draining", s->draining);
    for (size_t i = 0; i < GW_COUNT(counters); i++) {
        uint64_t v;
        memcpy(&v, (const char *)s + counters[i].at, sizeof v);
        json_put_member_int(b, counters[i].name, (int64_t)v);
    }
    gw_buf_putc(b, '}');
}

static void put_pauses(gw_buf *b, const state_hash *control)
{
    size_t n = 0;
    json_put_name(b, "pauses");
    gw_buf_putc(b, '{');
    for (size_t i = 0; i < control->n; i++) {
        if (gw_str_is(control->fields[i].name, WINDOWS_FIELD) ||
            gw_str_is(control->fields[i].name, RULES_FIELD))
            continue;
        if (n++)
            gw_buf_putc(b, ',');
        json_put_string(b, control->fields[i].name);
        gw_buf_putc(b, ':');
        gw_buf_put_str(b, control->fields[i].value);
    }
    gw_buf_putc(b, '}');
}

static gw_code answer_status(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    uint64_t by_state[128], outbox, inbox;
    int64_t next;
    decide_context ctx;
    gw_code rc = state_counts(ask->store, by_state, &outbox, err);
    if (rc == GW_OK)
        rc = state_next_due(ask->store, "wesvk", &next, err);
    if (rc == GW_OK)
        rc = state_inbox_size(ask->store, &inbox, err);
    if (rc == GW_OK)
        rc = query_context(q, ask, &ctx, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(ret, '{');
    query_put_time(ret, "now", ask->now.ms);
    put_counts(ret, by_state);
    json_put_member_int(ret, "outbox", (int64_t)outbox);
    json_put_member_int(ret, "inbox", (int64_t)inbox);
    if (next != INT64_MAX)
        query_put_time(ret, "next_due", next);
    if (q->d) {
        dispatch_status *s = gw_arena_alloc(ask->arena, sizeof *s);
        if (!s)
            return gw_fail(err, GW_ENOMEM, "reading the status");
        dispatch_get_status(q->d, s);
        put_workers(ret, s);
        put_dispatch(ret, s);
    }
    if (q->cfg->recorder) {
        json_put_member_bool(ret, "recorder_ok", recorder_ok(q->cfg->recorder));
        json_put_member_int(ret, "recorded", (int64_t)recorder_moved(q->cfg->recorder));
    }
    zap_counts keys;
    zap_count(q->cfg->zap, &keys);
    json_put_member_int(ret, "keys", (int64_t)keys.keys);
    json_put_member_int(ret, "refused_keys", (int64_t)keys.refused_key);
    json_put_member_int(ret, "handshake_failures", (int64_t)keys.handshake_failures);
    put_pauses(ret, ctx.facts.control);
    json_put_member_str(ret, "rules", gw_str_of(policy_rules_hash(ctx.rules)));
    gw_buf_putc(ret, '}');
    return GW_OK;
}

/* ---- clock ---- */

static gw_code answer_clock(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    (void)ask;
    (void)err;
    walk_state w = {.now = gw_clock_now(q->cfg->clock)};
    w.target = w.now;
    if (q->cfg->walk)
        clock_walk_get(q->cfg->walk, &w);
    gw_buf_putc(ret, '{');
    query_put_time(ret, "now", w.now.ms);
    query_put_time(ret, "target", w.target.ms);
    json_put_member_bool(ret, "manual", w.manual);
    json_put_member_bool(ret, "movable", q->cfg->walk != NULL);
    json_put_member_bool(ret, "idle", w.idle);
    json_put_member_str(ret, "waiting_for", gw_str_of(walk_waiting_name(w.waiting_for)));
    gw_buf_putc(ret, '}');
    return GW_OK;
}

/* ---- windows of the house ---- */

static gw_code answer_windows(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    (void)q;
    state_hash control;
    gw_code rc = state_control_get(ask->store, ask->arena, &control, err);
    if (rc != GW_OK)
        return rc;
    gw_str stored = windows_in_force(&control);
    gw_buf_put_str(ret, stored.n ? stored : GW_STR("{\"windows\":null}"));
    return GW_OK;
}

/* ---- rules in force ---- */

/* {"by","since","reason"?,"hash","set","rules":<the whole set>} */
static gw_code answer_rules(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    (void)q;
    state_hash control;
    gw_str set;
    gw_code rc = state_control_get(ask->store, ask->arena, &control, err);
    if (rc != GW_OK)
        return rc;
    gw_str stored = rules_in_force(&control);
    if (!stored.n)
        return gw_buf_puts(ret, "{\"rules\":null}");
    rc = state_rules_get(ask->store, rules_set_of(stored, ask->arena), ask->arena, &set, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_put_str(ret, (gw_str){stored.p, stored.n - 1});
    json_put_member_raw(ret, "rules", set);
    return gw_buf_putc(ret, '}');
}

/* ---- the table ---- */

static const struct {
    const char *what;
    bool operators_only;
    gw_code (*answer)(query *, const intake_ask *, gw_buf *, gw_err *);
} questions[] = {
    {"job", false, query_job},         {"jobs", false, query_jobs},
    {"debtor", false, query_debtor},   {"items", false, query_items},
    {"explain", false, query_explain}, {"status", true, answer_status},
    {"clock", false, answer_clock},    {"windows", false, answer_windows},
    {"rules", true, answer_rules},     {"holds", false, query_holds},
    {"calls", false, query_calls},     {"call-codes", false, query_call_codes},
    {"replies", false, query_replies},
};

gw_code query_answer(void *context, const intake_ask *ask, gw_buf *ret_json, gw_err *err)
{
    gw_str what = json_get_str(ask->body, 0, "what");
    if (ask->verb == VERB_TRY)
        return query_try(context, ask, ret_json, err);
    for (size_t i = 0; i < GW_COUNT(questions); i++) {
        if (!gw_str_is(what, questions[i].what))
            continue;
        if (questions[i].operators_only && ask->role != ZAP_OPERATOR)
            return gw_fail(err, GW_EREFUSED, "only operators may ask that");
        if (ask->role == ZAP_AGENT && strncmp(questions[i].what, "call", 4) != 0)
            return gw_fail(err, GW_EREFUSED, "an agent asks for calls and call-codes only");
        return questions[i].answer(context, ask, ret_json, err);
    }
    return gw_fail(
        err, GW_EINVAL,
        "what must be job, jobs, debtor, items, explain, status, clock, windows, holds, replies, "
        "calls or call-codes");
}

void query_wake(void *context, uint64_t jobs, uint64_t changed)
{
    query *q = context;
    if (q->cfg->walk)
        clock_walk_touch(q->cfg->walk);
    if (q->d && jobs)
        dispatch_wake_jobs(q->d, jobs);
    if (q->d && changed)
        dispatch_wake(q->d, changed);
}

static gw_code load_willing(const char *file, additive **ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, QUERY_MODEL_BYTES);
    gw_code rc = gw_file_read(file, &text, err);
    if (rc == GW_OK)
        rc = willing_read(gw_buf_str(&text), ret, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "willing.model: %s", file);
}

/* The trained models, or the built-in ones. */
static gw_code open_willing(query *q, gw_err *err)
{
    static const int days[] = {7, 30};
    for (size_t i = 0; i < GW_COUNT(days); i++) {
        const char *file = q->cfg->willing_model[i];
        gw_code rc = GW_OK;
        if (file && *file)
            rc = load_willing(file, &q->willing[i], err);
        else if (!(q->willing[i] = willing_prior(days[i])))
            rc = gw_fail(err, GW_ENOMEM, "opening queries");
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

gw_code query_new(const dispatch_config *config, dispatch *d, query **ret, gw_err *err)
{
    query *q = calloc(1, sizeof *q);
    if (!q)
        return gw_fail(err, GW_ENOMEM, "opening queries");
    q->cfg = config;
    q->d = d;
    house_live_init(&q->house);
    rules_live_init(&q->rules, config->rules, config->rules_places);
    q->templates = template_cache_new(config->template_store);
    q->timing = timing_live_new(config->timing_model);
    gw_code rc = q->templates ? GW_OK : gw_fail(err, GW_ENOMEM, "opening queries");
    if (rc == GW_OK && config->desk.excuses)
        rc = desk_excuses_load(config->desk.excuses, &q->excuses, err);
    if (rc == GW_OK)
        rc = open_willing(q, err);
    if (rc != GW_OK) {
        query_free(q);
        return rc;
    }
    *ret = q;
    return GW_OK;
}

void query_free(query *q)
{
    if (!q)
        return;
    house_live_done(&q->house);
    rules_live_done(&q->rules);
    template_cache_free(q->templates);
    timing_live_free(q->timing);
    desk_bench_free(q->bench);
    desk_excuses_free(q->excuses);
    additive_free(q->willing[0]);
    additive_free(q->willing[1]);
    free(q);
}
