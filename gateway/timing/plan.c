#include "gateway/timing/plan.h"

#include "gateway/base/json.h"
#include "gateway/base/time.h"

#include <math.h>
#include <stdio.h>

enum { PARTS_MAX = 64 }; /* allowed parts of one local hour */

/* The allowed parts of one local hour; returns how many. */
static size_t parts_of(const timing_wish *w, int32_t day, unsigned hour, zone_span ret[PARTS_MAX])
{
    zone_span spans[ZONE_SPANS_MAX];
    size_t n = zone_window(w->zone, day, (int)hour * 60, (int)(hour + 1) * 60, spans);
    size_t out = 0;
    for (size_t i = 0; i < w->allowed_n; i++)
        for (size_t k = 0; k < n && out < PARTS_MAX; k++) {
            int64_t from =
                spans[k].from_ms > w->allowed[i].from_ms ? spans[k].from_ms : w->allowed[i].from_ms;
            int64_t to =
                spans[k].to_ms < w->allowed[i].to_ms ? spans[k].to_ms : w->allowed[i].to_ms;
            if (from < to)
                ret[out++] = (zone_span){from, to};
        }
    return out;
}

static int64_t draw_instant(const zone_span *parts, size_t n, uint64_t seed)
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

bool timing_plan(const timing_model *m, const history *h, const timing_wish *w, timing_moment *ret)
{
    zone_span parts[PARTS_MAX];
    timing_moment t = {0};
    if (w->allowed_n == 0 || !w->zone)
        return false;
    t.day = zone_local(w->zone, (gw_wall){w->allowed[0].from_ms}).day;
    t.question = (timing_question){.channel = w->channel,
                                   .daytype = w->holiday || gw_day_weekday(t.day) >= 6,
                                   .segment = w->segment};
    for (unsigned hour = 0; hour < TIMING_HOURS; hour++)
        t.question.allowed |= (uint32_t)(parts_of(w, t.day, hour, parts) > 0) << hour;
    if (!timing_choose(m, h, &t.question, w->holdout, w->seed, &t.choice))
        return false;
    size_t n = parts_of(w, t.day, t.choice.hour, parts);
    t.at.ms = draw_instant(parts, n, w->seed);
    *ret = t;
    return true;
}

static void put_ppm(gw_buf *out, const char *name, float p)
{
    json_put_member_int(out, name, llroundf(p * 1e6F));
}

gw_code timing_explain(const timing_model *m, const history *h, const timing_wish *w,
                       const timing_moment *t, gw_buf *out)
{
    static const char *const choosers[] = {"best", "explore", "holdout", "forced"};
    const timing_choice *c = &t->choice;
    char text[GW_DATE_TEXT];
    gw_date_format(t->day, text);
    gw_buf_putc(out, '{');
    json_put_member_str(out, "day", gw_str_of(text));
    json_put_member_int(out, "hour", c->hour);
    json_put_member_int(out, "channel", t->question.channel);
    json_put_member_str(out, "daytype",
                        t->question.daytype ? GW_STR("weekend") : GW_STR("weekday"));
    json_put_member_int(out, "segment", t->question.segment);
    json_put_name(out, "allowed");
    for (unsigned x = 0, n = 0; x < TIMING_HOURS; x++)
        if (timing_allows(&t->question, x))
            gw_buf_printf(out, "%c%u", n++ ? ',' : '[', x);
    gw_buf_putc(out, ']');
    json_put_member_str(out, "chooser", gw_str_of(choosers[c->chooser]));
    put_ppm(out, "propensity_ppm", c->propensity);
    put_ppm(out, "explore_ppm", c->explore);
    json_put_member_str(out, "model", m->kind == MODEL_B ? GW_STR("b") : GW_STR("a"));
    json_put_member_int(out, "contacts", (int64_t)m->contacts);
    json_put_name(out, "p_ppm");
    gw_buf_putc(out, '{');
    put_ppm(out, "population", c->estimate.population[c->hour]);
    put_ppm(out, "segment", c->estimate.segment[c->hour]);
    put_ppm(out, "debtor", c->estimate.debtor[c->hour]);
    put_ppm(out, "final", c->estimate.mean[c->hour]);
    gw_buf_putc(out, '}');
    json_put_member_int(out, "level_pm", llroundf(c->estimate.level * 1000));
    json_put_member_int(out, "weight_pm", llroundf(c->estimate.weight[c->hour] * 1000));
    if (m->kind == MODEL_B) {
        json_put_member_int(out, "archetype", c->estimate.archetype);
        json_put_member_int(out, "archetype_pm", llroundf(c->estimate.archetype_weight * 1000));
    }
    json_put_member_int(out, "history", h->n);
    char seed[20];
    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)w->seed);
    json_put_member_str(out, "seed", gw_str_of(seed));
    return gw_buf_putc(out, '}');
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
