#include "gateway/timing/plan.h"

#include "gateway/base/time.h"

#include <string.h>

/* The allowed parts of one local hour; returns how many. */
static size_t parts_of(const timing_wish *w, int32_t day, unsigned hour,
                       zone_span ret[TIMING_PARTS_MAX])
{
    zone_span spans[ZONE_SPANS_MAX];
    size_t n = zone_window(w->zone, day, (int)hour * 60, (int)(hour + 1) * 60, spans);
    size_t out = 0;
    for (size_t i = 0; i < w->allowed_n; i++)
        for (size_t k = 0; k < n && out < TIMING_PARTS_MAX; k++) {
            int64_t from =
                spans[k].from_ms > w->allowed[i].from_ms ? spans[k].from_ms : w->allowed[i].from_ms;
            int64_t to =
                spans[k].to_ms < w->allowed[i].to_ms ? spans[k].to_ms : w->allowed[i].to_ms;
            if (from < to)
                ret[out++] = (zone_span){from, to};
        }
    return out;
}

int64_t timing_draw_instant(const zone_span *parts, size_t n, uint64_t seed)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += (uint64_t)(parts[i].to_ms - parts[i].from_ms);
    uint64_t at = timing_mix(seed ^ UINT64_C(0x5851F42D4C957F2D)) % total;
    for (size_t i = 0;; i++) {
        uint64_t length = (uint64_t)(parts[i].to_ms - parts[i].from_ms);
        if (at < length)
            return parts[i].from_ms + (int64_t)at;
        at -= length;
    }
}

static uint32_t allowed_hours(const timing_wish *w, int32_t day)
{
    zone_span parts[TIMING_PARTS_MAX];
    uint32_t hours = 0;
    for (unsigned hour = 0; hour < TIMING_HOURS; hour++)
        hours |= (uint32_t)(parts_of(w, day, hour, parts) > 0) << hour;
    return hours;
}

static bool admits(const timing_wish *w, int32_t day, unsigned hour, float gain)
{
    zone_span parts[TIMING_PARTS_MAX];
    size_t n = parts_of(w, day, hour, parts);
    return w->room->admits(w->room->arg, w->channel, parts, n, gain);
}

/* The best hour, and by how much it beats the next best. */
static unsigned best_hour(const float *mean, uint32_t hours, float *ret_gain)
{
    unsigned best = TIMING_HOURS;
    float first = 0;
    float second = 0;
    for (unsigned x = 0; x < TIMING_HOURS; x++) {
        if (!(hours >> x & 1))
            continue;
        if (best == TIMING_HOURS || mean[x] > first) {
            second = first;
            first = mean[x];
            best = x;
        } else if (mean[x] > second) {
            second = mean[x];
        }
    }
    *ret_gain = first - second;
    return best;
}

/* Hours capacity does not give to this debtor: full ones, and its best one where others gain more.
 * Its last hour stays: somebody with one hour left cannot go elsewhere. */
static void leave_out_full(const timing_model *m, const history *h, const timing_wish *w,
                           timing_moment *t)
{
    timing_estimate e;
    for (unsigned x = 0; x < TIMING_HOURS; x++)
        if (timing_allows(&t->question, x) && !admits(w, t->day, x, 1))
            t->full |= UINT32_C(1) << x;
    t->question.allowed &= ~t->full;
    if (__builtin_popcount(t->question.allowed) < 2)
        return;
    timing_predict(m, h, &t->question, &e);
    while (__builtin_popcount(t->question.allowed) > 1) {
        float gain;
        unsigned best = best_hour(e.mean, t->question.allowed, &gain);
        if (admits(w, t->day, best, gain))
            return;
        t->full |= UINT32_C(1) << best;
        t->question.allowed &= ~(UINT32_C(1) << best);
    }
}

timing_planned timing_plan(const timing_model *m, const history *h, const timing_wish *w,
                           timing_moment *ret)
{
    timing_moment t = {.full = 0};
    if (w->allowed_n == 0 || !w->zone)
        return TIMING_NOTHING;
    t.day = zone_local(w->zone, (gw_wall){w->allowed[0].from_ms}).day;
    t.question = (timing_question){.channel = w->channel,
                                   .daytype = w->day_off,
                                   .segment = w->segment,
                                   .allowed = allowed_hours(w, t.day)};
    if (!t.question.allowed)
        return TIMING_NOTHING;
    if (w->room)
        leave_out_full(m, h, w, &t);
    if (!timing_choose(m, h, &t.question, w->holdout, w->seed, &t.choice))
        return TIMING_FULL;
    t.part_n = parts_of(w, t.day, t.choice.hour, t.parts);
    int64_t drawn = timing_draw_instant(t.parts, t.part_n, w->seed);
    t.at.ms = drawn;
    if (w->room && !w->room->take(w->room->arg, w->channel, t.parts, t.part_n, drawn, &t.at.ms))
        return TIMING_FULL;
    t.moved_ms = t.at.ms - drawn;
    *ret = t;
    return TIMING_PLANNED;
}

int timing_channel_of(const char *channel)
{
    static const struct {
        const char *name;
        int channel;
    } rows[] = {{"email", 0}, {"sms", 1}, {"voice", 2}, {"desk", 2}};
    for (size_t i = 0; channel && i < GW_COUNT(rows); i++)
        if (strcmp(rows[i].name, channel) == 0)
            return rows[i].channel;
    return -1;
}

uint8_t timing_segment_of(gw_str role)
{
    static const char *const roles[] = {"", "company", "consumer", "guarantor"};
    for (uint8_t i = 1; i < GW_COUNT(roles); i++)
        if (gw_str_is(role, roles[i]))
            return i;
    return 0;
}

bool timing_is_holdout(const uint8_t *debtor_id, size_t n, unsigned percent)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x = timing_mix(x ^ debtor_id[i]);
    return x % 100 < percent;
}
