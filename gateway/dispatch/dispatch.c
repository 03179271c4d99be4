#include "gateway/dispatch/core.h"

#include "gateway/base/log.h"
#include "gateway/dispatch/questions.h"
#include "gateway/intake/windows.h"
#include "gateway/state/planned.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- what every step asks ---- */

bool core_store(dispatch *d, gw_code rc, const gw_err *err, const char *doing)
{
    if (rc == GW_OK) {
        if (!d->store_ok)
            gw_log(GW_LOG_INFO, "state store answers again", NULL);
        d->store_ok = true;
        return true;
    }
    if (d->store_ok)
        gw_log(GW_LOG_WARN, "state store failed", "doing=%s code=%s text=\"%s\"", doing,
               gw_code_name(rc), err->text);
    d->store_ok = false;
    d->store_next.ms = gw_mono_now().ms + CORE_STORE_RETRY_MS;
    /* What was in flight to the store may or may not have happened: look through our shards. */
    memset(d->recover, 1, sizeof d->recover);
    return false;
}

static bool store_resting(const dispatch *d)
{
    return !d->store_ok && gw_mono_now().ms < d->store_next.ms;
}

bool core_may_send(const dispatch *d)
{
    return d->store_ok && gw_mono_now().ms < d->lease_until.ms &&
           (!d->cfg.recorder || recorder_ok(d->cfg.recorder));
}

/* What is planned already, in our shards. */
static bool fill_capacity(void *arg, unsigned channel, int64_t hour_ms,
                          uint32_t ret[CAPACITY_MINUTES])
{
    dispatch *d = arg;
    gw_err err = {0};
    return state_planned(d->store, d->mask, core_lanes[channel], (gw_wall){hour_ms}, ret, &err) ==
           GW_OK;
}

static unsigned owned(const dispatch *d)
{
    unsigned n = 0;
    for (int i = 0; i < STATE_SHARDS; i++)
        n += d->mask[i] != 0;
    return n;
}

decide_context core_decide_context(dispatch *d)
{
    capacity_now(d->capacity, owned(d), gw_mono_now());
    return (decide_context){
        .facts = {.zones = d->cfg.zones,
                  .promise_grace_days = d->cfg.promise_grace_days,
                  .channels_ready = d->cfg.channels,
                  .clock_ok = true,
                  .sources = d->cfg.sources,
                  .source_n = d->cfg.source_n,
                  .control = &d->control,
                  .bounce_ms = d->cfg.bounce_ms,
                  .third_parties = d->cfg.third_parties,
                  .house = d->house.windows,
                  .house_unreadable = d->house.unreadable,
                  .rules_unreadable = d->rules.unreadable,
                  .providers = d->cfg.providers,
                  .provider_n = d->cfg.provider_n},
        .rules = d->rules.rules,
        .template_pick = template_cache_pick,
        .template_ctx = d->templates,
        .timing = timing_live_model(d->timing),
        .holdout_percent = d->cfg.timing_holdout,
        .capacity = d->capacity,
    };
}

const dispatch_source *core_source(const dispatch *d, gw_str name)
{
    static const dispatch_source none = {.name = NULL, .creditor = {"{}", 2}};
    const dispatch_source *other = &none;
    for (size_t i = 0; i < d->cfg.source_n; i++) {
        const dispatch_source *s = &d->cfg.sources[i];
        if (!s->name || strcmp(s->name, "*") == 0)
            other = s;
        else if (gw_str_is(name, s->name))
            return s;
    }
    return other;
}

void core_drop(dispatch *d, flight *f)
{
    port_release(f);
    flight_remove(&d->flights, f);
}

/* ---- lease ---- */

static void leave_shard(void *arg, flight *f)
{
    dispatch *d = arg;
    if (d->fence[f->shard])
        return;
    port_abort(d, f, "lease-lost");
    core_drop(d, f);
}

static void leave_shards(dispatch *d)
{
    flight_each(&d->flights, leave_shard, d);
}

void lease_run(dispatch *d)
{
    gw_mono now = gw_mono_now();
    if (now.ms < d->lease_next.ms)
        return;
    uint64_t fence[STATE_SHARDS];
    gw_err err = {0};
    int ttl = d->cfg.lease_ms;
    if (!core_store(d, state_lease(d->store, &d->owner, ttl, fence, &err), &err, "lease"))
        return;
    d->lease_next.ms = now.ms + ttl / 3;
    d->lease_until.ms = now.ms + ttl;
    bool lost = false;
    d->status.shards = 0;
    for (int i = 0; i < STATE_SHARDS; i++) {
        if (fence[i] && fence[i] != d->fence[i])
            d->recover[i] = 1; /* taken over, or ours again after somebody else's */
        lost = lost || (d->fence[i] && fence[i] != d->fence[i]);
        d->fence[i] = fence[i];
        d->mask[i] = fence[i] != 0;
        d->status.shards += fence[i] != 0;
    }
    pthread_mutex_lock(&d->shared.lock);
    memcpy(d->shared.mask, d->mask, sizeof d->mask);
    pthread_mutex_unlock(&d->shared.lock);
    if (lost) {
        gw_log(GW_LOG_WARN, "shards went to another gateway", "owned=%d", d->status.shards);
        leave_shards(d);
    }
}

/* ---- pauses ---- */

static uint64_t mark_of(const state_hash *control)
{
    uint64_t mark = 0; /* the order of fields does not count */
    for (size_t i = 0; i < control->n; i++) {
        uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
        for (size_t k = 0; k < control->fields[i].name.n; k++)
            h = (h ^ (unsigned char)control->fields[i].name.p[k]) * UINT64_C(0x100000001b3);
        /* A pause is on or off; windows and rules change within. */
        bool whole = gw_str_is(control->fields[i].name, WINDOWS_FIELD) ||
                     gw_str_is(control->fields[i].name, RULES_FIELD);
        for (size_t k = 0; whole && k < control->fields[i].value.n; k++)
            h = (h ^ (unsigned char)control->fields[i].value.p[k]) * UINT64_C(0x100000001b3);
        mark += h;
    }
    return mark;
}

/* Held reminders are looked at again, and records say which rules were in force. */
static void update_rules(dispatch *d)
{
    bool changed;
    bool unreadable = d->rules.unreadable;
    rules_live_update(&d->rules, d->store, &d->control, &changed);
    if (changed)
        evidence_set_rules(d->cfg.evidence, policy_rules_hash(d->rules.rules));
    if (changed || unreadable != d->rules.unreadable) {
        d->relook = true;
        d->relook_at[0] = '\0';
    }
}

static void control_run(dispatch *d)
{
    gw_mono now = gw_mono_now();
    if (now.ms < d->control_next.ms)
        return;
    gw_err err = {0};
    state_hash fresh = {0};
    gw_arena_reset(d->control_arena);
    d->control = (state_hash){0};
    if (!core_store(d, state_control_get(d->store, d->control_arena, &fresh, &err), &err, "pauses"))
        return;
    d->control = fresh;
    house_live_update(&d->house, &fresh);
    update_rules(d);
    if (mark_of(&fresh) != d->control_mark) {
        d->control_mark = mark_of(&fresh);
        d->relook = true;
        d->relook_at[0] = '\0';
    }
    d->control_next.ms = now.ms + CORE_CONTROL_MS;
    timing_live_look(d->timing, now);
}

/* ---- the turn ---- */

static void publish(dispatch *d)
{
    dispatch_status *s = &d->status;
    s->worker_n = 0;
    for (size_t i = 0; i < d->worker_n; i++) {
        const worker *w = d->workers[i];
        if (!w->ready)
            continue;
        dispatch_worker *to = &s->workers[s->worker_n++];
        memcpy(to->name, w->name, sizeof to->name);
        memcpy(to->channel, w->channel, sizeof to->channel);
        to->credit = w->credit;
        to->outstanding = w->outstanding;
        to->draining = w->draining;
    }
    s->claimed = d->flights.claimed;
    s->sending = d->flights.sending;
    s->waiting_outcomes = d->outcome_n;
    s->store_ok = d->store_ok;
    s->recorder_ok = !d->cfg.recorder || recorder_ok(d->cfg.recorder);
    s->lease_ok = gw_mono_now().ms < d->lease_until.ms;
    s->draining = atomic_load(&d->shared.draining);
    s->turns++;
    pthread_mutex_lock(&d->shared.lock);
    d->shared.status = *s;
    pthread_mutex_unlock(&d->shared.lock);
}

/* A step is skipped as soon as the store has failed: each would wait for its own time-out. */
static void work(dispatch *d)
{
    static void (*const steps[])(dispatch *) = {lease_run,   control_run, recovery_run, intent_run,
                                                outcome_run, loss_run,    relook_run,   claim_run,
                                                planner_run, desk_run,    walk_run};
    for (size_t i = 0; i < GW_COUNT(steps) && !store_resting(d); i++)
        steps[i](d);
}

gw_code dispatch_step(dispatch *d, int wait_ms, bool *ret_busy, gw_err *err)
{
    gw_arena_reset(d->arena);
    d->busy = false;
    port_receive(d, wait_ms);
    core_news(d);
    work(d);
    intent_done(d);
    port_heartbeats(d);
    questions_run(d);
    publish(d);
    *ret_busy = d->busy;
    if (!d->store_ok)
        return gw_fail(err, GW_EBUSY, "the state store is not reachable");
    return GW_OK;
}

void dispatch_run(dispatch *d)
{
    enum { IDLE_MS = 20 };
    bool busy = false;
    gw_mono until = {INT64_MAX};
    pthread_setname_np(pthread_self(), "dispatch");
    while (!atomic_load(&d->shared.stop)) {
        gw_err err = {0};
        (void)dispatch_step(d, busy ? 0 : IDLE_MS, &busy, &err); /* core_store logged why */
        if (!atomic_load(&d->shared.draining))
            continue;
        if (until.ms == INT64_MAX)
            until.ms = gw_mono_now().ms + atomic_load(&d->shared.drain_ms);
        if ((d->flights.n == 0 && d->outcome_n == 0) || gw_mono_now().ms >= until.ms)
            return;
    }
}

/* ---- life of the object ---- */

static gw_code check_config(const dispatch_config *c, gw_err *err)
{
    if (!c->zmq || !c->zap || !c->worker_endpoint || !c->pair || !c->evidence || !c->clock ||
        !c->template_store || !c->id_key || !c->rules || !c->zones)
        return gw_fail(err, GW_EINVAL, "dispatch: the configuration is not complete");
    if (c->source_n > DISPATCH_SOURCES_MAX || c->ladder_n > DISPATCH_LADDERS_MAX)
        return gw_fail(err, GW_ELIMIT, "dispatch: more than %d sources or %d ladders",
                       DISPATCH_SOURCES_MAX, DISPATCH_LADDERS_MAX);
    return GW_OK;
}

static gw_code open_parts(dispatch *d, gw_err *err)
{
    d->arena = gw_arena_new(CORE_ARENA);
    d->control_arena = gw_arena_new(1 << 20);
    d->templates = template_cache_new(d->cfg.template_store);
    d->timing = timing_live_new(d->cfg.timing_model);
    for (size_t i = 0; i < GW_COUNT(d->cfg.timing_capacity) && !d->capacity; i++)
        if (d->cfg.timing_capacity[i])
            d->capacity = capacity_new(d->cfg.timing_capacity, fill_capacity, d);
    d->timing_learns = d->cfg.timing_model && *d->cfg.timing_model;
    d->intents = calloc(DISPATCH_MESSAGES, sizeof *d->intents);
    d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    gw_buf_init(&d->scratch, WIRE_HEADER_MAX);
    house_live_init(&d->house);
    rules_live_init(&d->rules, d->cfg.rules, d->cfg.rules_places);
    if (!d->arena || !d->control_arena || !d->templates || !d->intents)
        return gw_fail(err, GW_ENOMEM, "opening dispatch");
    if (d->wake_fd < 0)
        return gw_fail_errno(err, errno, "opening dispatch's wake event");
    gw_code rc = state_open(&d->cfg.state, &d->store, err);
    return rc == GW_OK ? port_open(d, err) : rc;
}

gw_code dispatch_open(const dispatch_config *config, dispatch **ret, gw_err *err)
{
    gw_code rc = check_config(config, err);
    if (rc != GW_OK)
        return rc;
    dispatch *d = calloc(1, sizeof *d);
    if (!d)
        return gw_fail(err, GW_ENOMEM, "opening dispatch");
    d->cfg = *config;
    d->clock = config->clock;
    d->store_ok = true;
    d->relook = true; /* configuration or templates may have changed since the last run */
    d->wake_fd = -1;
    d->outcomes_end = &d->outcomes;
    static const struct {
        size_t at;
        int otherwise;
    } defaults[] = {
        {offsetof(dispatch_config, lease_ms), DISPATCH_LEASE_MS},
        {offsetof(dispatch_config, silence_ms), DISPATCH_WORKER_SILENCE_MS},
        {offsetof(dispatch_config, grace_ms), DISPATCH_GRACE_MS},
        {offsetof(dispatch_config, heartbeat_ms), DISPATCH_HEARTBEAT_MS},
    };
    for (size_t i = 0; i < GW_COUNT(defaults); i++) {
        int *value = (int *)(void *)((char *)&d->cfg + defaults[i].at);
        *value = *value ? *value : defaults[i].otherwise;
    }
    if (!d->cfg.hold_recheck_ms)
        d->cfg.hold_recheck_ms = CORE_HOLD_RECHECK_MS;
    gw_id_random(&d->owner);
    pthread_mutex_init(&d->shared.lock, NULL);
    rc = open_parts(d, err);
    if (rc != GW_OK) {
        dispatch_close(d);
        return rc;
    }
    *ret = d;
    return GW_OK;
}

void dispatch_close(dispatch *d)
{
    if (!d)
        return;
    if (d->store && d->status.shards) {
        gw_err err = {0};
        if (state_release(d->store, &d->owner, &err) != GW_OK)
            gw_log(GW_LOG_WARN, "lease not given back; it runs out by itself", "code=%s",
                   gw_code_name(err.code));
    }
    flight_clear(&d->flights);
    questions_clear(d);
    port_close(d);
    state_close(d->store);
    while (d->outcomes) {
        outcome_msg *o = d->outcomes;
        d->outcomes = o->next;
        free(o);
    }
    if (d->wake_fd >= 0)
        close(d->wake_fd);
    template_cache_free(d->templates);
    timing_live_free(d->timing);
    capacity_free(d->capacity);
    gw_arena_free(d->arena);
    gw_arena_free(d->control_arena);
    gw_buf_done(&d->scratch);
    house_live_done(&d->house);
    rules_live_done(&d->rules);
    free(d->intents);
    pthread_mutex_destroy(&d->shared.lock);
    free(d);
}

const char *dispatch_endpoint(const dispatch *d)
{
    return d->endpoint;
}

static void wake_up(dispatch *d)
{
    uint64_t one = 1;
    ssize_t ignored = write(d->wake_fd, &one, sizeof one); /* full means it is awake anyway */
    (void)ignored;
}

void dispatch_wake(dispatch *d, uint64_t shards)
{
    atomic_fetch_or(&d->shared.news, shards);
    wake_up(d);
}

void dispatch_wake_jobs(dispatch *d, uint64_t shards)
{
    atomic_fetch_or(&d->shared.jobs, shards);
    wake_up(d);
}

void dispatch_drain(dispatch *d, int wait_ms)
{
    atomic_store(&d->shared.drain_ms, wait_ms);
    atomic_store(&d->shared.draining, true);
    dispatch_wake(d, UINT64_MAX);
}

void dispatch_get_status(dispatch *d, dispatch_status *ret)
{
    pthread_mutex_lock(&d->shared.lock);
    *ret = d->shared.status;
    pthread_mutex_unlock(&d->shared.lock);
}

void dispatch_shards(dispatch *d, uint8_t ret_mask[STATE_SHARDS])
{
    pthread_mutex_lock(&d->shared.lock);
    memcpy(ret_mask, d->shared.mask, sizeof d->shared.mask);
    pthread_mutex_unlock(&d->shared.lock);
}
