#include "gateway/timing/record.h"

#include "gateway/base/id.h"
#include "gateway/base/json.h"
#include "gateway/base/time.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>

static const char *const choosers[] = {"best", "explore", "holdout", "forced"};

/* ---- writing ---- */

static void put_ppm(gw_buf *out, const char *name, float p)
{
    json_put_member_int(out, name, llroundf(p * 1e6F));
}

static void put_hours(gw_buf *out, const char *name, uint32_t hours)
{
    unsigned n = 0;
    json_put_name(out, name);
    gw_buf_putc(out, '[');
    for (unsigned x = 0; x < TIMING_HOURS; x++)
        if (hours >> x & 1)
            gw_buf_printf(out, "%s%u", n++ ? "," : "", x);
    gw_buf_putc(out, ']');
}

static void put_moment(gw_buf *out, const timing_moment *t)
{
    char text[GW_DATE_TEXT];
    gw_date_format(t->day, text);
    json_put_member_str(out, "day", gw_str_of(text));
    json_put_member_int(out, "hour", t->choice.hour);
    json_put_member_int(out, "at_ms", t->at.ms);
    json_put_member_int(out, "channel", t->question.channel);
    json_put_member_str(out, "daytype",
                        t->question.daytype ? GW_STR("weekend") : GW_STR("weekday"));
    json_put_member_int(out, "segment", t->question.segment);
    put_hours(out, "allowed", t->question.allowed);
    put_hours(out, "full", t->full);
    json_put_name(out, "within");
    for (size_t i = 0; i < t->part_n; i++)
        gw_buf_printf(out, "%c%lld,%lld", i ? ',' : '[', (long long)t->parts[i].from_ms,
                      (long long)t->parts[i].to_ms);
    gw_buf_putc(out, ']');
    json_put_member_int(out, "moved_ms", t->moved_ms);
}

static void put_chances(gw_buf *out, const timing_model *m, const timing_moment *t)
{
    const timing_choice *c = &t->choice;
    const timing_estimate *e = &c->estimate;
    unsigned best = TIMING_HOURS;
    float sum = 0;
    for (unsigned x = 0; x < TIMING_HOURS; x++) {
        if (!timing_allows(&t->question, x))
            continue;
        sum += e->mean[x];
        if (best == TIMING_HOURS || e->mean[x] > e->mean[best])
            best = x;
    }
    json_put_name(out, "p_ppm");
    gw_buf_putc(out, '{');
    put_ppm(out, "population", e->population[c->hour]);
    put_ppm(out, "segment", e->segment[c->hour]);
    put_ppm(out, "debtor", e->debtor[c->hour]);
    put_ppm(out, "final", e->mean[c->hour]);
    gw_buf_putc(out, '}');
    json_put_member_int(out, "best_hour", best);
    put_ppm(out, "best_ppm", e->mean[best]);
    put_ppm(out, "mean_ppm", sum / (float)__builtin_popcount(t->question.allowed));
    json_put_member_int(out, "level_pm", llroundf(e->level * 1000));
    json_put_member_int(out, "weight_pm", llroundf(e->weight[c->hour] * 1000));
    if (m->kind == MODEL_B) {
        json_put_member_int(out, "archetype", e->archetype);
        json_put_member_int(out, "archetype_pm", llroundf(e->archetype_weight * 1000));
    }
}

gw_code timing_record_put(const timing_model *m, const history *h, gw_str state, uint64_t seed,
                          const timing_moment *t, gw_buf *out)
{
    char hex[2 * HISTORY_BYTES_MAX + 1] = "";
    char text[20];
    gw_buf_putc(out, '{');
    put_moment(out, t);
    json_put_member_str(out, "chooser", gw_str_of(choosers[t->choice.chooser]));
    put_ppm(out, "propensity_ppm", t->choice.propensity);
    put_ppm(out, "explore_ppm", t->choice.explore);
    json_put_member_str(out, "model", m->kind == MODEL_B ? GW_STR("b") : GW_STR("a"));
    json_put_member_str(out, "version", gw_str_of(m->version));
    json_put_member_int(out, "contacts", (int64_t)m->contacts);
    put_chances(out, m, t);
    json_put_member_int(out, "history", h->n);
    if (h->n && state.n <= HISTORY_BYTES_MAX)
        gw_hex((const uint8_t *)state.p, state.n, hex);
    json_put_member_str(out, "state", gw_str_of(hex));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)seed);
    json_put_member_str(out, "seed", gw_str_of(text));
    return gw_buf_putc(out, '}');
}

/* ---- replaying ---- */

typedef struct {
    json_doc d;
    uint8_t state[HISTORY_BYTES_MAX];
    size_t state_n;
    history h;
    uint64_t seed;
    timing_moment t;
    int chooser;
} past;

static gw_code unreadable(gw_err *err, const char *what)
{
    return gw_fail(err, GW_EINVAL, "this explanation cannot be replayed: %s", what);
}

static bool read_hours(const json_doc *d, const char *name, uint32_t *ret)
{
    uint32_t list = json_member(d, 0, name);
    if (!list || json_kind_of(d, list) != JSON_ARRAY)
        return false;
    for (uint32_t at = json_first(list); at < json_at(d, list)->next; at = json_at(d, at)->next) {
        if (json_kind_of(d, at) != JSON_INT || json_at(d, at)->i < 0 ||
            json_at(d, at)->i >= TIMING_HOURS)
            return false;
        *ret |= UINT32_C(1) << json_at(d, at)->i;
    }
    return true;
}

static bool read_parts(const json_doc *d, timing_moment *t)
{
    uint32_t list = json_member(d, 0, "within");
    int64_t ends[2];
    size_t n = 0;
    if (!list || json_kind_of(d, list) != JSON_ARRAY)
        return false;
    for (uint32_t at = json_first(list); at < json_at(d, list)->next; at = json_at(d, at)->next) {
        if (json_kind_of(d, at) != JSON_INT || t->part_n == TIMING_PARTS_MAX)
            return false;
        ends[n++ % 2] = json_at(d, at)->i;
        if (n % 2)
            continue;
        if (ends[0] >= ends[1])
            return false;
        t->parts[t->part_n++] = (zone_span){ends[0], ends[1]};
    }
    return n > 0 && n % 2 == 0;
}

static bool read_seed(gw_str text, uint64_t *ret)
{
    uint64_t v = 0;
    if (text.n != 16)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char *digits = "0123456789abcdef";
        const char *at = text.p[i] ? strchr(digits, text.p[i]) : NULL;
        if (!at)
            return false;
        v = v << 4 | (uint64_t)(at - digits);
    }
    *ret = v;
    return true;
}

static bool read_question(const json_doc *d, timing_question *q)
{
    int64_t channel = json_get_int(d, 0, "channel", -1);
    int64_t segment = json_get_int(d, 0, "segment", -1);
    if (channel < 0 || channel >= TIMING_CHANNELS || segment < 0 || segment >= TIMING_SEGMENTS)
        return false;
    q->channel = (uint8_t)channel;
    q->segment = (uint8_t)segment;
    q->daytype = gw_str_is(json_get_str(d, 0, "daytype"), "weekend");
    return read_hours(d, "allowed", &q->allowed) && q->allowed;
}

static gw_code read_past(gw_str record, gw_arena *arena, past *p, gw_err *err)
{
    gw_code rc = json_parse(record, arena, &p->d, err);
    if (rc != GW_OK || json_kind_of(&p->d, 0) != JSON_OBJECT)
        return unreadable(err, "it is no JSON object");
    gw_str state = json_get_str(&p->d, 0, "state");
    gw_str chooser = json_get_str(&p->d, 0, "chooser");
    if (!json_member(&p->d, 0, "state"))
        return unreadable(err, "it is older than replays, the history is not in it");
    if (sodium_hex2bin(p->state, sizeof p->state, state.p ? state.p : "", state.n, NULL,
                       &p->state_n, NULL) != 0 ||
        history_read((gw_str){(const char *)p->state, p->state_n}, &p->h, NULL) != GW_OK)
        return unreadable(err, "the history in it is damaged");
    p->chooser = -1;
    for (int i = 0; i <= CHOSE_HOLDOUT; i++)
        if (gw_str_is(chooser, choosers[i]))
            p->chooser = i;
    if (p->chooser < 0 || !read_question(&p->d, &p->t.question) ||
        !read_hours(&p->d, "full", &p->t.full) || !read_parts(&p->d, &p->t) ||
        !read_seed(json_get_str(&p->d, 0, "seed"), &p->seed) ||
        gw_date_parse(json_get_str(&p->d, 0, "day"), &p->t.day, NULL) != GW_OK)
        return unreadable(err, "a member is missing or out of range");
    p->t.moved_ms = json_get_int(&p->d, 0, "moved_ms", 0);
    return GW_OK;
}

gw_code timing_record_replay(gw_str record, const timing_model *m, gw_arena *arena, gw_buf *out,
                             gw_err *err)
{
    past *p = gw_arena_alloc(arena, sizeof *p);
    if (!p)
        return gw_fail(err, GW_ENOMEM, "replaying an explanation");
    *p = (past){.chooser = -1};
    gw_code rc = read_past(record, arena, p, err);
    if (rc == GW_OK && !gw_str_is(json_get_str(&p->d, 0, "version"), m->version))
        rc = gw_fail(err, GW_EINVAL, "this explanation was made by another version of the model");
    if (rc != GW_OK)
        return rc;
    if (!timing_choose(m, &p->h, &p->t.question, p->chooser == CHOSE_HOLDOUT, p->seed,
                       &p->t.choice))
        return unreadable(err, "it allows no hour");
    p->t.at.ms = timing_draw_instant(p->t.parts, p->t.part_n, p->seed) + p->t.moved_ms;
    rc = timing_record_put(m, &p->h, (gw_str){(const char *)p->state, p->state_n}, p->seed, &p->t,
                           out);
    return rc == GW_OK ? GW_OK : gw_fail(err, rc, "replaying an explanation");
}

gw_str timing_record_version(gw_str record, gw_arena *arena)
{
    json_doc d;
    if (json_parse(record, arena, &d, NULL) != GW_OK)
        return (gw_str){NULL, 0};
    return json_get_str(&d, 0, "version");
}

/* ---- for people ---- */

void timing_record_sentence(gw_str record, gw_arena *arena, gw_buf *out)
{
    static const struct {
        const char *chooser, *says;
    } rows[] = {{"best", "it is predicted to be the best allowed one"},
                {"explore", "drawn at random among the allowed ones, to keep learning"},
                {"holdout", "drawn at random: this debtor belongs to the group that shows whether "
                            "prediction helps"}};
    json_doc d;
    if (!record.n || json_parse(record, arena, &d, NULL) != GW_OK)
        return;
    uint32_t p = json_member(&d, 0, "p_ppm");
    gw_buf_printf(out, "The hour %lld:00 on %.*s: ", (long long)json_get_int(&d, 0, "hour", 0),
                  GW_STR_ARG(json_get_str(&d, 0, "day")));
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (gw_str_is(json_get_str(&d, 0, "chooser"), rows[i].chooser))
            gw_buf_puts(out, rows[i].says);
    if (p)
        gw_buf_printf(out,
                      " (chance of an answer %.1f %%; %lld own contacts; model %.*s of %lld "
                      "contacts).",
                      (double)json_get_int(&d, p, "final", 0) / 1e4,
                      (long long)json_get_int(&d, 0, "history", 0),
                      GW_STR_ARG(json_get_str(&d, 0, "model")),
                      (long long)json_get_int(&d, 0, "contacts", 0));
}
