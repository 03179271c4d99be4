#include "gateway/dispatch/learn.h"

#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/learn_signal.h"
#include "gateway/dispatch/life.h"
#include "gateway/dispatch/unlearned.h"
#include "gateway/policy/day_kind.h"
#include "gateway/timing/plan.h"
#include "gateway/wire/event.h"
#include "gateway/wire/worker.h"

#include <stdio.h>

enum { CALL_PREFIX = 3, RID = GW_ID_TEXT - 1, KEY = 16, SETS_MAX = 4 + LEARN_AT_ONCE, FACT = 1024 };

typedef struct {
    const learn_ask *ask;
    gw_arena *arena;
    contact *list; /* by the moment they left */
    size_t n;
    gw_str keys; /* td */
    int64_t floor_ms;
    uint8_t *value; /* th */
    size_t value_n;
    learned *out;
    const contact *closed[LEARN_AT_ONCE];
    size_t closed_n;
} learning;

void learn_history(const view_debtor *d, history *ret)
{
    if (history_read(state_get(d->hash, "th"), ret, NULL) != GW_OK)
        ret->n = 0; /* damaged: as if there were none */
}

gw_code learn_call(const gw_id *rid, int attempt, gw_wall at, char heard, gw_arena *arena,
                   state_field *ret)
{
    char id[GW_ID_TEXT], name[64], value[32];
    gw_id_format(rid, id);
    int n = snprintf(name, sizeof name, "tc:%s:%d", id, attempt);
    int m = snprintf(value, sizeof value, "%lld %c", (long long)at.ms, heard);
    const char *kept = gw_arena_copy(arena, (gw_str){name, (size_t)n});
    const char *said = gw_arena_copy(arena, (gw_str){value, (size_t)m});
    if (!kept || !said)
        return GW_ENOMEM;
    *ret = (state_field){{kept, (size_t)n}, {said, (size_t)m}};
    return GW_OK;
}

bool learn_is_day_off(const decide_context *ctx, const view_debtor *d, const view_reminder *r,
                      int32_t day, gw_arena *arena)
{
    reminder_facts *facts = ctx && r ? gw_arena_alloc(arena, sizeof *facts) : NULL;
    if (!facts || facts_of_reminder(&ctx->facts, d, r, true, arena, facts, NULL) != GW_OK)
        return gw_day_weekday(day) >= 6;
    return policy_day_is_off(policy_day_kind(&facts->policy, ctx->rules, day));
}

/* ---- the contacts there were ---- */

static void insert(learning *l, contact c)
{
    size_t at = l->n++;
    for (; at > 0 && l->list[at - 1].left_ms > c.left_ms; at--)
        l->list[at] = l->list[at - 1];
    l->list[at] = c;
}

static bool has_failed(const view_reminder *r, gw_arena *arena)
{
    delivery d;
    return r->delivery.n && delivery_read(r->delivery, arena, &d, NULL) == GW_OK &&
           d.state > WIRE_RECEIPT_DELIVERED;
}

static int channel_of(gw_str channel)
{
    char name[16];
    snprintf(name, sizeof name, "%.*s", GW_STR_ARG(channel));
    return timing_channel_of(name);
}

static bool is_learned(const learning *l, const gw_id *rid)
{
    char key[KEY + 1];
    gw_hex(rid->b, KEY / 2, key);
    for (size_t at = 0; at + KEY <= l->keys.n; at += KEY)
        if (memcmp(l->keys.p + at, key, KEY) == 0)
            return true;
    return false;
}

/* Calls have fields of their own: a try nobody answered says as much as one somebody did. */
static void add_message(learning *l, const loaded *known)
{
    const view_reminder *r = &known->r;
    int channel = known->code == GW_OK ? channel_of(r->channel) : -1;
    if (channel < 0 || channel == CONTACT_VOICE || r->state != LIFE_DELIVERED ||
        r->ended_ms == VIEW_NO_TIME || r->ended_ms <= l->floor_ms ||
        gw_str_is(r->why, WIRE_WHY_OUTBOX) || has_failed(r, l->arena))
        return;
    insert(l, (contact){.r = r,
                        .left_ms = r->ended_ms,
                        .channel = (uint8_t)channel,
                        .attempt = r->attempts,
                        .done = is_learned(l, &r->rid)});
}

static const view_reminder *reminder_of(const learning *l, gw_str rid)
{
    gw_id id;
    if (gw_id_parse(rid, &id, NULL) != GW_OK)
        return NULL;
    for (size_t i = 0; i < l->ask->known_n; i++)
        if (l->ask->known[i].code == GW_OK &&
            memcmp(l->ask->known[i].r.rid.b, id.b, sizeof id.b) == 0)
            return &l->ask->known[i].r;
    return NULL;
}

static bool is_call(gw_str name)
{
    return name.n > CALL_PREFIX + RID + 1 && memcmp(name.p, "tc:", CALL_PREFIX) == 0;
}

static void add_call(learning *l, const state_field *f)
{
    const char *end = f->name.p + f->name.n;
    gw_str attempt = {f->name.p + CALL_PREFIX + RID + 1, 0};
    attempt.n = (size_t)(end - attempt.p);
    gw_str ms = {f->value.p, f->value.n > 2 ? f->value.n - 2 : 0};
    insert(l, (contact){.r = reminder_of(l, (gw_str){f->name.p + CALL_PREFIX, RID}),
                        .left_ms = view_int(ms, 0),
                        .channel = CONTACT_VOICE,
                        .attempt = (int)view_int(attempt, 0),
                        .heard = f->value.n ? f->value.p[f->value.n - 1] : 'n',
                        .field = f->name});
}

static gw_code gather(learning *l)
{
    const state_hash *hash = l->ask->d->hash;
    int64_t oldest = l->ask->now.ms - LEARN_MEMORY_MS;
    l->floor_ms = view_int(state_get(hash, "tw"), 0);
    l->floor_ms = l->floor_ms > oldest ? l->floor_ms : oldest;
    l->keys = state_get(hash, "td");
    l->list = gw_arena_alloc(l->arena, (l->ask->known_n + hash->n + 1) * sizeof *l->list);
    if (!l->list)
        return GW_ENOMEM;
    for (size_t i = 0; i < l->ask->known_n; i++)
        add_message(l, &l->ask->known[i]);
    for (size_t i = 0; i < hash->n; i++)
        if (is_call(hash->fields[i].name))
            add_call(l, &hash->fields[i]);
    return GW_OK;
}

/* ---- one contact closes ---- */

/* Who chose the hour, as the plan kept with the reminder says. A later try, and a message that left
 * in another hour, were moved by a rule; a task is done when a person does it. */
static void read_plan(learning *l, const contact *c, unsigned hour, learned_plan *ret)
{
    static const char *const names[] = {"best", "explore", "holdout"};
    json_doc *doc = &ret->doc;
    *ret = (learned_plan){.chooser = CHOSE_FORCED};
    if (!c->r || !c->r->plan.n || c->attempt > 1 || view_is_task(c->r) ||
        json_parse(c->r->plan, l->arena, doc, NULL) != GW_OK)
        return;
    ret->timing = json_member(doc, 0, "timing");
    if (!ret->timing || json_get_int(doc, ret->timing, "hour", -1) != (int64_t)hour)
        return;
    for (unsigned i = 0; i < GW_COUNT(names); i++)
        if (gw_str_is(json_get_str(doc, ret->timing, "chooser"), names[i]))
            ret->chooser = (history_chooser)i;
}

/* ,"name":N of the plan's explanation; what an older explanation lacks is left out. */
static void copy_int(gw_buf *b, const learned_plan *p, uint32_t object, const char *from,
                     const char *to)
{
    int64_t v = object ? json_get_int(&p->doc, object, from, -1) : -1;
    if (v >= 0)
        json_put_member_int(b, to, v);
}

static void put_plan(gw_buf *b, const learned_plan *p)
{
    static const char *const same[] = {"propensity_ppm", "explore_ppm", "best_hour", "best_ppm",
                                       "mean_ppm"};
    uint32_t t = p->timing;
    int64_t hours = 0;
    if (p->chooser == CHOSE_FORCED)
        return;
    for (size_t i = 0; i < GW_COUNT(same); i++)
        copy_int(b, p, t, same[i], same[i]);
    copy_int(b, p, json_member(&p->doc, t, "p_ppm"), "final", "p_ppm");
    uint32_t allowed = json_member(&p->doc, t, "allowed");
    for (uint32_t at = allowed ? json_first(allowed) : 0;
         at && at < json_at(&p->doc, allowed)->next; at = json_at(&p->doc, at)->next)
        hours++;
    json_put_member_int(b, "hours", hours);
    gw_str version = json_get_str(&p->doc, t, "version");
    if (version.n)
        json_put_member_str(b, "model", version);
}

static gw_code put_fact(learning *l, const contact *c, const history_contact *h,
                        const learned_plan *p, gw_str *ret)
{
    static const char *const channels[] = {"email", "sms", "voice"};
    static const char *const results[] = {"none", "click", "answer", "paid", "late"};
    static const char *const choosers[] = {"best", "explore", "holdout", "forced"};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, FACT);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "channel", gw_str_of(channels[h->channel]));
    json_put_member_str(&b, "daytype", h->daytype ? GW_STR("weekend") : GW_STR("weekday"));
    json_put_member_int(&b, "hour", h->hour);
    json_put_member_str(&b, "result", gw_str_of(results[h->result]));
    if (h->late)
        json_put_member_int(&b, "late", h->late);
    json_put_member_str(&b, "hour_by", gw_str_of(choosers[h->chooser]));
    put_plan(&b, p);
    json_put_member_int(&b, "segment", timing_segment_of(l->ask->d->role));
    if (c->r && c->r->ladder.n) {
        json_put_member_str(&b, "ladder", c->r->ladder);
        json_put_member_str(&b, "step", c->r->step);
    }
    gw_buf_putc(&b, '}');
    char *text = b.code == GW_OK ? gw_arena_copy(l->arena, gw_buf_str(&b)) : NULL;
    *ret = (gw_str){text, text ? b.n : 0};
    return text ? GW_OK : GW_ENOMEM;
}

static gw_code put_record(learning *l, const contact *c, const history_contact *h,
                          const learned_plan *p)
{
    const view_debtor *d = l->ask->d;
    state_record *rec = &l->out->records[l->out->record_n];
    *rec = (state_record){.event = EVENT_CLOSED,
                          .t = l->ask->now,
                          .source = d->source,
                          .debtor = d->id,
                          .attempt = c->attempt};
    if (c->r) {
        char rid[GW_ID_TEXT];
        gw_id_format(&c->r->rid, rid);
        char *text = gw_arena_copy(l->arena, gw_str_of(rid));
        if (!text)
            return GW_ENOMEM;
        rec->rid = (gw_str){text, RID};
        rec->case_id = c->r->case_id.n ? c->r->case_id : c->r->job;
    }
    l->out->record_n++;
    return put_fact(l, c, h, p, &rec->fact);
}

static gw_code close_one(learning *l, const contact *c, const signal_seen *seen)
{
    zone_time t = zone_local(l->ask->zone, (gw_wall){c->left_ms});
    learned_plan *plan = gw_arena_alloc(l->arena, sizeof *plan);
    if (!plan)
        return GW_ENOMEM;
    unsigned hour = (unsigned)t.minute / 60;
    read_plan(l, c, hour, plan);
    history_contact h = {
        .channel = c->channel,
        .daytype = learn_is_day_off(l->ask->ctx, l->ask->d, c->r, t.day, l->arena),
        .hour = (uint8_t)hour,
        .result = (uint8_t)seen->result,
        .late = seen->late,
        .chooser = (uint8_t)plan->chooser,
    };
    l->value_n = history_add(l->value, l->value_n, &h, t.day);
    l->closed[l->closed_n++] = c;
    return put_record(l, c, &h, plan);
}

/* ---- what is stored ---- */

static gw_code set_text(learning *l, const char *name, const char *text, size_t n)
{
    char *copy = gw_arena_copy(l->arena, (gw_str){text, n});
    if (!copy)
        return GW_ENOMEM;
    l->out->sets[l->out->set_n++] = (state_field){gw_str_of(name), {copy, n}};
    return GW_OK;
}

/* The messages learned so far, the newest last; what does not fit moves tw. */
static gw_code put_keys(learning *l)
{
    char *keys = gw_arena_alloc(l->arena, (l->n + 1) * KEY + 1);
    char moment[24];
    int64_t last = l->floor_ms;
    size_t n = 0;
    if (!keys)
        return GW_ENOMEM;
    for (size_t i = l->n; i-- > 0;) {
        const contact *c = &l->list[i];
        bool now = false;
        for (size_t k = 0; k < l->closed_n; k++)
            now = now || l->closed[k] == c;
        if (c->field.n || !(c->done || now))
            continue;
        if (n == LEARN_KEYS_MAX) {
            last = c->left_ms;
            break;
        }
        gw_hex(c->r->rid.b, KEY / 2, keys + n++ * KEY);
    }
    gw_code rc = set_text(l, "td", keys, n * KEY);
    if (rc != GW_OK)
        return rc;
    int digits = snprintf(moment, sizeof moment, "%lld", (long long)(last > 0 ? last : 0));
    return set_text(l, "tw", moment, (size_t)digits);
}

static gw_code put_sets(learning *l)
{
    char segment = (char)('0' + timing_segment_of(l->ask->d->role));
    l->out->sets[l->out->set_n++] =
        (state_field){GW_STR("th"), {(const char *)l->value, l->value_n}};
    for (size_t k = 0; k < l->closed_n; k++)
        if (l->closed[k]->field.n)
            l->out->sets[l->out->set_n++] = (state_field){l->closed[k]->field, {NULL, 0}};
    gw_code rc = set_text(l, "tg", &segment, 1);
    return rc == GW_OK ? put_keys(l) : rc;
}

static gw_code begin(learning *l)
{
    gw_str old = state_get(l->ask->d->hash, "th");
    l->value = gw_arena_alloc(l->arena, HISTORY_BYTES_MAX);
    l->out->sets = gw_arena_alloc(l->arena, SETS_MAX * sizeof *l->out->sets);
    l->out->records = gw_arena_alloc(l->arena, LEARN_AT_ONCE * sizeof *l->out->records);
    if (!l->value || !l->out->sets || !l->out->records)
        return GW_ENOMEM;
    l->value_n = old.n <= HISTORY_BYTES_MAX ? old.n : 0;
    if (l->value_n)
        memcpy(l->value, old.p, l->value_n);
    return GW_OK;
}

/* Nothing is learned: calls are let go, and all of it where the debtor objected. */
static gw_code forget(learning *l, bool all)
{
    static const char *const fields[] = {"th", "td", "tw", "tg"};
    const state_hash *hash = l->ask->d->hash;
    learned *out = l->out;
    out->sets = gw_arena_alloc(l->arena, (hash->n + GW_COUNT(fields)) * sizeof *out->sets);
    if (!out->sets)
        return GW_ENOMEM;
    for (size_t i = 0; i < GW_COUNT(fields) && all; i++)
        if (state_get(hash, fields[i]).p)
            out->sets[out->set_n++] = (state_field){gw_str_of(fields[i]), {NULL, 0}};
    for (size_t i = 0; i < hash->n; i++)
        if (is_call(hash->fields[i].name))
            out->sets[out->set_n++] = (state_field){hash->fields[i].name, {NULL, 0}};
    return GW_OK;
}

gw_code learn_closed(const learn_ask *ask, gw_arena *arena, learned *ret)
{
    *ret = (learned){.next_ms = INT64_MAX};
    learning l = {.ask = ask, .arena = arena, .out = ret};
    const char *off = ask->ctx ? unlearned_why(&ask->ctx->facts, ask->d) : NULL;
    if (!ask->zone || !ask->d->hash)
        return GW_OK;
    if (off)
        return forget(&l, strcmp(off, "objection") == 0);
    gw_code rc = gather(&l);
    if (rc == GW_OK && l.n)
        rc = begin(&l);
    signal_case all = {ask->d, ask->zone, l.list, l.n, ask->now, arena};
    for (size_t i = 0; i < l.n && rc == GW_OK && l.closed_n < LEARN_AT_ONCE; i++) {
        signal_seen seen;
        if (l.list[i].done)
            continue;
        int64_t at = signal_closes(&all, i, &seen);
        if (at > ask->now.ms)
            ret->next_ms = at < ret->next_ms ? at : ret->next_ms;
        else
            rc = close_one(&l, &l.list[i], &seen);
    }
    return rc == GW_OK && l.closed_n ? put_sets(&l) : rc;
}
