#include "gateway/dispatch/decide.h"

#include "gateway/dispatch/learn.h"
#include "gateway/dispatch/unlearned.h"
#include "gateway/timing/record.h"
#include "gateway/timing/timing.h"

#include <sodium.h>
#include <stdio.h>

void decision_inputs_hash(const decision *d, char ret_hex[33])
{
    const policy_decision *p = &d->policy;
    crypto_generichash_state st;
    unsigned char digest[16];
    crypto_generichash_init(&st, NULL, 0, sizeof digest);
    for (size_t c = 0; c < p->check_n; c++) {
        const policy_check *check = &p->checks[c];
        crypto_generichash_update(&st, (const unsigned char *)check->rule, strlen(check->rule) + 1);
        for (size_t i = 0; i < check->input_n; i++) {
            const policy_input *in = &check->inputs[i];
            crypto_generichash_update(&st, (const unsigned char *)&in->i, sizeof in->i);
            if (in->text)
                crypto_generichash_update(&st, (const unsigned char *)in->text,
                                          strlen(in->text) + 1);
        }
    }
    crypto_generichash_final(&st, digest, sizeof digest);
    gw_hex(digest, sizeof digest, ret_hex);
}

static const policy_interval *interval_at(const policy_decision *p, int64_t t)
{
    for (size_t i = 0; i < p->allowed_n; i++)
        if (t >= p->allowed[i].from_ms && t < p->allowed[i].to_ms)
            return &p->allowed[i];
    return NULL;
}

static uint64_t seed_of(const gw_id *rid)
{
    uint64_t seed;
    memcpy(&seed, rid->b, sizeof seed);
    return seed;
}

/* A moment that stays keeps the explanation it was planned with. */
static void keep_explanation(const view_reminder *r, gw_arena *arena, decision *d)
{
    json_doc doc;
    if (r->state != LIFE_PLANNED || r->plan.n == 0 ||
        json_parse(r->plan, arena, &doc, NULL) != GW_OK)
        return;
    uint32_t timing = json_member(&doc, 0, "timing");
    if (timing)
        d->timing = json_raw(&doc, timing);
}

/* Room is asked for by what is being planned only: what is on its way has its moment. */
static const timing_room *room_of(const decide_context *ctx, const view_reminder *r,
                                  const decision *d)
{
    int channel = timing_channel_of(d->facts.policy.channel);
    bool planning = r->state == LIFE_ACCEPTED || r->state == LIFE_PLANNED || r->state == LIFE_HELD;
    return planning && channel >= 0 && !view_is_task(r)
               ? capacity_room(ctx->capacity, (unsigned)channel)
               : NULL;
}

/* The default rule's moment, moved to the nearest minute with room on the same local day. */
static void move_to_room(const decide_context *ctx, const view_reminder *r, const decision *d,
                         gw_wall *t)
{
    const timing_room *room = room_of(ctx, r, d);
    const zone *z = d->facts.policy.zone;
    zone_span parts[TIMING_PARTS_MAX];
    size_t n = 0;
    if (!room || !z)
        return;
    int32_t day = zone_local(z, *t).day;
    int64_t from = zone_instant(z, day, 0).ms;
    int64_t to = zone_instant(z, day + 1, 0).ms;
    for (size_t i = 0; i < d->policy.allowed_n && n < TIMING_PARTS_MAX; i++) {
        zone_span s = d->policy.allowed[i];
        s.from_ms = s.from_ms > from ? s.from_ms : from;
        s.to_ms = s.to_ms < to ? s.to_ms : to;
        if (s.from_ms < s.to_ms)
            parts[n++] = s;
    }
    if (n)
        (void)room->take(room->arg, (unsigned)timing_channel_of(d->facts.policy.channel), parts, n,
                         t->ms, &t->ms);
}

/* The allowed instants from the next local day on. */
static void next_day(timing_wish *w)
{
    int32_t day = zone_local(w->zone, (gw_wall){w->allowed[0].from_ms}).day;
    while (w->allowed_n && zone_local(w->zone, (gw_wall){w->allowed[0].from_ms}).day <= day) {
        w->allowed++;
        w->allowed_n--;
    }
}

/* A day without room gives way to the next; when none has any, the first day is taken as if there
 * were: a deadline is not missed for the sake of an even flow. */
static timing_planned plan_days(const decide_context *ctx, const view_debtor *v,
                                const view_reminder *r, const history *h, timing_wish w,
                                gw_arena *arena, timing_moment *ret)
{
    const timing_wish first = w;
    timing_planned got = TIMING_FULL;
    while (got == TIMING_FULL && w.allowed_n) {
        int32_t day = zone_local(w.zone, (gw_wall){w.allowed[0].from_ms}).day;
        w.day_off = learn_is_day_off(ctx, v, r, day, arena);
        got = timing_plan(ctx->timing, h, &w, ret);
        if (got == TIMING_FULL)
            next_day(&w);
    }
    if (got != TIMING_FULL)
        return got;
    w = first;
    w.room = NULL;
    w.day_off =
        learn_is_day_off(ctx, v, r, zone_local(w.zone, (gw_wall){w.allowed[0].from_ms}).day, arena);
    return timing_plan(ctx->timing, h, &w, ret);
}

/* The learned hour, where there is a model; false: the channel's preferred minute decides. */
static bool pick_learned(const decide_context *ctx, const view_debtor *v, const view_reminder *r,
                         gw_arena *arena, decision *d, gw_wall *ret_t)
{
    static const char *const choosers[] = {"best", "explore", "holdout", "forced"};
    int channel = timing_channel_of(d->facts.policy.channel);
    history *h = gw_arena_alloc(arena, sizeof *h);
    timing_moment *m = gw_arena_alloc(arena, sizeof *m);
    if (!ctx->timing || channel < 0 || d->unlearned || !d->facts.policy.zone || !h || !m)
        return false;
    learn_history(v, h);
    const timing_wish w = {.allowed = d->policy.allowed,
                           .allowed_n = d->policy.allowed_n,
                           .zone = d->facts.policy.zone,
                           .channel = (uint8_t)channel,
                           .segment = timing_segment_of(v->role),
                           .holdout =
                               timing_is_holdout(v->did.b, sizeof v->did.b, ctx->holdout_percent),
                           .seed = seed_of(&r->rid),
                           .room = room_of(ctx, r, d)};
    if (plan_days(ctx, v, r, h, w, arena, m) != TIMING_PLANNED)
        return false;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, TIMING_RECORD_MAX);
    if (timing_record_put(ctx->timing, h, state_get(v->hash, "th"), w.seed, m, &text) != GW_OK)
        return false;
    char *copy = gw_arena_copy(arena, gw_buf_str(&text));
    if (!copy)
        return false;
    d->timing = (gw_str){copy, text.n};
    d->chooser = choosers[m->choice.chooser];
    d->propensity_ppm = (int64_t)((double)m->choice.propensity * 1e6 + .5);
    *ret_t = m->at;
    return true;
}

static void pick_default(const decide_context *ctx, const view_reminder *r, const decision *d,
                         gw_wall *ret_t)
{
    if (timing_pick(d->policy.allowed, d->policy.allowed_n, timing_default(d->facts.policy.channel),
                    d->facts.policy.zone, seed_of(&r->rid), ret_t))
        move_to_room(ctx, r, d, ret_t);
}

/* A submitted job asks for now; only when policy moves it does timing choose inside what is left.
 * Ladder steps have a day, not a moment: timing chooses theirs. */
static void pick_moment(const decide_context *ctx, const view_debtor *v, const view_reminder *r,
                        gw_wall now, gw_arena *arena, decision *d)
{
    const policy_decision *p = &d->policy;
    gw_wall t = {p->next_ms};
    keep_explanation(r, arena, d);
    bool by_model = d->timing.n > 0;
    if (by_model && d->unlearned)
        d->timing.n = 0; /* switched off since: what is still to come follows the default rule */
    if (r->state == LIFE_PLANNED && r->due_ms > now.ms && interval_at(p, r->due_ms) &&
        !(by_model && d->unlearned)) {
        t.ms = r->due_ms;
    } else if (r->state == LIFE_PLANNED && r->due_ms != VIEW_NO_TIME && r->due_ms <= now.ms &&
               p->verdict == POLICY_ALLOW) {
        t = now;
    } else if (r->kind == 'l' || p->verdict == POLICY_LATER) {
        d->timing.n = 0;
        if (!pick_learned(ctx, v, r, arena, d, &t))
            pick_default(ctx, r, d, &t);
    }
    d->due_ms = t.ms;
}

/* When the hold ends without anybody's act: the last of the dated holds. */
static int64_t hold_ends(const policy_facts *f)
{
    int64_t end = 0;
    for (size_t i = 0; i < f->hold_n; i++) {
        if (f->holds[i].until_ms == 0)
            return 0;
        if (f->holds[i].until_ms > end)
            end = f->holds[i].until_ms;
    }
    return end;
}

gw_code decide(const decide_context *ctx, const view_debtor *d, const view_reminder *r, gw_wall now,
               gw_arena *arena, decision *ret, gw_err *err)
{
    static const life_event event_of[] = {
        [POLICY_ALLOW] = ON_PLAN,        [POLICY_LATER] = ON_PLAN,    [POLICY_HOLD] = ON_HOLD,
        [POLICY_WITHDRAW] = ON_WITHDRAW, [POLICY_REFUSE] = ON_FORBID,
    };
    decision out = {0};
    /* A pinned version stays, whatever was published since. */
    bool known = r->template_version.n > 0;
    if (known) {
        snprintf(out.template.version, sizeof out.template.version, "%.*s",
                 GW_STR_ARG(r->template_version));
        snprintf(out.template.locale, sizeof out.template.locale, "%.*s",
                 GW_STR_ARG(r->template_locale));
    } else {
        known = ctx->template_pick(ctx->template_ctx, r->template,
                                   r->locale.n ? r->locale : d->locale, &out.template) == GW_OK;
    }
    gw_code rc = facts_of_reminder(&ctx->facts, d, r, known, arena, &out.facts, err);
    if (rc == GW_OK)
        rc = policy_decide(&out.facts.policy, ctx->rules, now, arena, &out.policy, err);
    if (rc != GW_OK)
        return rc;

    out.on = event_of[out.policy.verdict];
    out.rule = out.policy.rule;
    out.why = out.policy.why;
    out.unlearned = unlearned_why(&ctx->facts, d);
    if (out.on == ON_PLAN) {
        out.next_ms = out.policy.next_ms;
        pick_moment(ctx, d, r, now, arena, &out);
        const policy_interval *in = interval_at(&out.policy, now.ms);
        out.now = out.policy.verdict == POLICY_ALLOW && in;
        out.deadline_ms = in ? in->to_ms : 0;
        if (r->not_after_ms && out.deadline_ms > r->not_after_ms)
            out.deadline_ms = r->not_after_ms;
    } else if (out.on == ON_HOLD) {
        out.next_ms = hold_ends(&out.facts.policy);
    }
    *ret = out;
    return GW_OK;
}

gw_code decision_summary(const decision *d, gw_buf *out)
{
    char inputs[33];
    decision_inputs_hash(d, inputs);
    gw_buf_putc(out, '{');
    json_put_member_str(out, "verdict", gw_str_of(policy_verdict_name(d->policy.verdict)));
    json_put_member_str(out, "rule", gw_str_of(d->rule));
    json_put_member_str(out, "why", gw_str_of(d->why));
    if (d->on == ON_PLAN)
        json_put_member_int(out, "due_ms", d->due_ms);
    if (d->next_ms)
        json_put_member_int(out, "next_ms", d->next_ms);
    if (d->timing.n)
        json_put_member_raw(out, "timing", d->timing);
    json_put_member_str(out, "packs", gw_str_of(d->policy.pack_hash));
    json_put_member_str(out, "inputs", gw_str_of(inputs));
    return gw_buf_putc(out, '}');
}
