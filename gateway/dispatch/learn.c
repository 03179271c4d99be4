#include "gateway/dispatch/learn.h"

#include "gateway/dispatch/life.h"
#include "gateway/timing/plan.h"

#include <stdio.h>

enum { CLOSED_MAX = HISTORY_MAX };

typedef struct {
    const view_reminder *list[CLOSED_MAX]; /* by the moment they left */
    size_t n;
} closing;

void learn_history(const view_debtor *d, history *ret)
{
    if (history_read(state_get(d->hash, "th"), ret, NULL) != GW_OK)
        ret->n = 0; /* damaged: as if there were none */
}

static bool is_contact(const view_reminder *r)
{
    char channel[16];
    snprintf(channel, sizeof channel, "%.*s", GW_STR_ARG(r->channel));
    return r->state == LIFE_DELIVERED && r->kind == 'l' && r->ended_ms != VIEW_NO_TIME &&
           timing_channel_of(channel) >= 0;
}

static void insert(closing *c, const view_reminder *r)
{
    size_t at = c->n;
    if (c->n == CLOSED_MAX)
        return; /* the rest follows at the next wake: tw only moves past what was taken */
    while (at > 0 && c->list[at - 1]->ended_ms > r->ended_ms)
        at--;
    memmove(c->list + at + 1, c->list + at, (c->n - at) * sizeof *c->list);
    c->list[at] = r;
    c->n++;
}

/* Paid for within the horizon, where the payment says so. */
static history_result result_of(const view_debtor *d, const view_reminder *r)
{
    for (size_t i = 0; i < d->payment_n; i++) {
        const view_payment *p = &d->payments[i];
        bool same = p->item.n == 0 || r->item.n == 0 || gw_str_eq(p->item, r->item);
        if (same && p->at_ms > r->ended_ms && p->at_ms <= r->ended_ms + LEARN_HORIZON_MS)
            return RESULT_PAID;
    }
    return RESULT_NONE;
}

/* Who chose the hour, as the plan kept with the reminder says; a message that left in another hour
 * was moved by a rule. */
static history_chooser chooser_of(const view_reminder *r, unsigned hour, gw_arena *arena)
{
    static const char *const names[] = {"best", "explore", "holdout"};
    json_doc doc;
    uint32_t t = 0;
    if (r->plan.n == 0 || json_parse(r->plan, arena, &doc, NULL) != GW_OK)
        return CHOSE_FORCED;
    t = json_member(&doc, 0, "timing");
    if (!t || json_get_int(&doc, t, "hour", -1) != (int64_t)hour)
        return CHOSE_FORCED;
    for (unsigned i = 0; i < GW_COUNT(names); i++)
        if (gw_str_is(json_get_str(&doc, t, "chooser"), names[i]))
            return (history_chooser)i;
    return CHOSE_FORCED;
}

static size_t add_contact(const view_debtor *d, const zone *z, const view_reminder *r,
                          gw_arena *arena, uint8_t *value, size_t n)
{
    char channel[16];
    snprintf(channel, sizeof channel, "%.*s", GW_STR_ARG(r->channel));
    zone_time t = zone_local(z, (gw_wall){r->ended_ms});
    unsigned hour = (unsigned)t.minute / 60;
    history_contact c = {
        .channel = (uint8_t)timing_channel_of(channel),
        .daytype = gw_day_weekday(t.day) >= 6,
        .hour = (uint8_t)hour,
        .result = (uint8_t)result_of(d, r),
        .chooser = (uint8_t)chooser_of(r, hour, arena),
    };
    return history_add(value, n, &c, t.day);
}

static gw_code put_fields(const view_debtor *d, uint8_t *value, size_t n, int64_t last_ms,
                          gw_arena *arena, state_field *ret_sets)
{
    char *moment = gw_arena_alloc(arena, 24);
    char *segment = gw_arena_alloc(arena, 4);
    if (!moment || !segment)
        return GW_ENOMEM;
    int digits = snprintf(moment, 24, "%lld", (long long)last_ms);
    segment[0] = (char)('0' + timing_segment_of(d->role));
    ret_sets[0] = (state_field){GW_STR("th"), {(const char *)value, n}};
    ret_sets[1] = (state_field){GW_STR("tw"), {moment, (size_t)digits}};
    ret_sets[2] = (state_field){GW_STR("tg"), {segment, 1}};
    return GW_OK;
}

gw_code learn_closed(const view_debtor *d, const zone *z, const loaded *known, size_t known_n,
                     gw_wall now, gw_arena *arena, state_field *ret_sets, size_t *ret_n,
                     int64_t *ret_next)
{
    closing c = {.n = 0};
    int64_t learned = view_int(state_get(d->hash, "tw"), 0);
    gw_str old = state_get(d->hash, "th");
    *ret_n = 0;
    *ret_next = INT64_MAX;
    for (size_t i = 0; i < known_n && z; i++) {
        const view_reminder *r = &known[i].r;
        if (known[i].code != GW_OK || !is_contact(r) || r->ended_ms <= learned)
            continue;
        if (r->ended_ms + LEARN_HORIZON_MS <= now.ms)
            insert(&c, r);
        else if (r->ended_ms + LEARN_HORIZON_MS < *ret_next)
            *ret_next = r->ended_ms + LEARN_HORIZON_MS;
    }
    if (c.n == 0)
        return GW_OK;
    uint8_t *value = gw_arena_alloc(arena, HISTORY_BYTES_MAX);
    if (!value)
        return GW_ENOMEM;
    size_t n = old.n <= HISTORY_BYTES_MAX ? old.n : 0;
    if (n)
        memcpy(value, old.p, n);
    for (size_t i = 0; i < c.n; i++)
        n = add_contact(d, z, c.list[i], arena, value, n);
    gw_code rc = put_fields(d, value, n, c.list[c.n - 1]->ended_ms, arena, ret_sets);
    *ret_n = rc == GW_OK ? LEARN_FIELDS : 0;
    return rc;
}
