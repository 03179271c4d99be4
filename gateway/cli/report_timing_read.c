#include "gateway/base/json.h"
#include "gateway/cli/report_timing.h"
#include "gateway/evidence/reader.h"
#include "gateway/evidence/record.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { ARENA = 4 << 20, SOURCES_ROOM = 256, EVERY = 1 << 30, STEP_MAX = 160 };

/* Billing systems by their pseudonym, asked of the vault once each. */
typedef struct {
    char pseudonym[READER_ID_TEXT], name[128];
} known_source;

typedef struct {
    reader *r;
    insight *x;
    gw_arena *arena;
    gw_buf leaf;
    known_source sources[SOURCES_ROOM];
    size_t source_n;
    uint64_t skipped;
    char step[STEP_MAX];
    gw_code code;
    gw_err *err;
} reading;

static int word_of(const json_doc *d, uint32_t facts, const char *name, const char *const *words,
                   size_t n)
{
    gw_str s = json_get_str(d, facts, name);
    for (size_t i = 0; i < n; i++)
        if (gw_str_is(s, words[i]))
            return (int)i;
    return -1;
}

static double share(const json_doc *d, uint32_t facts, const char *name)
{
    return (double)json_get_int(d, facts, name, -1) / 1e6;
}

static bool contact_of(const json_doc *d, uint32_t f, insight_contact *ret)
{
    static const char *const channels[] = {"email", "sms", "voice"};
    static const char *const days[] = {"weekday", "weekend"};
    static const char *const results[] = {"none", "click", "answer", "paid", "late"};
    static const char *const choosers[] = {"best", "explore", "holdout", "forced"};
    int channel = word_of(d, f, "channel", channels, GW_COUNT(channels));
    int day = word_of(d, f, "daytype", days, GW_COUNT(days));
    int result = word_of(d, f, "result", results, GW_COUNT(results));
    int chooser = word_of(d, f, "hour_by", choosers, GW_COUNT(choosers));
    int64_t hour = json_get_int(d, f, "hour", -1);
    if (channel < 0 || day < 0 || result < 0 || chooser < 0 || hour < 0 || hour >= TIMING_HOURS)
        return false;
    ret->contact = (history_contact){.channel = (uint8_t)channel,
                                     .daytype = (uint8_t)day,
                                     .hour = (uint8_t)hour,
                                     .result = (uint8_t)result,
                                     .chooser = (uint8_t)chooser};
    int64_t hours = json_get_int(d, f, "hours", 0);
    int64_t best = json_get_int(d, f, "best_hour", -1);
    ret->propensity = share(d, f, "propensity_ppm");
    ret->explore = share(d, f, "explore_ppm");
    ret->p = share(d, f, "p_ppm");
    ret->best_p = share(d, f, "best_ppm");
    ret->mean_p = share(d, f, "mean_ppm");
    ret->has_propensity = chooser != CHOSE_FORCED && hours > 0 && hours <= TIMING_HOURS &&
                          best >= 0 && best < TIMING_HOURS && ret->propensity > 0 &&
                          ret->propensity <= 1 && ret->explore > 0 && ret->explore <= 1 &&
                          ret->p >= 0 && ret->p <= 1 && ret->best_p >= 0 && ret->best_p <= 1 &&
                          ret->mean_p >= 0 && ret->mean_p <= 1;
    ret->hours = ret->has_propensity ? (unsigned)hours : 0;
    ret->best_hour = ret->has_propensity ? (unsigned)best : 0;
    return true;
}

bool report_timing_contact(gw_str facts_json, insight_contact *ret)
{
    json_doc d;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA);
    *ret = (insight_contact){.has_propensity = false};
    return arena && json_parse(facts_json, arena, &d, NULL) == GW_OK &&
           json_kind_of(&d, 0) == JSON_OBJECT && contact_of(&d, 0, ret);
}

static gw_str source_of(reading *g, const record_view *v)
{
    gw_str source;
    gw_str debtor;
    gw_str kase;
    for (size_t i = 0; i < g->source_n; i++)
        if (gw_str_is(v->snd, g->sources[i].pseudonym))
            return gw_str_of(g->sources[i].name);
    /* Of an erased debtor nobody knows the billing system any more; another one of it will. */
    if (g->source_n == SOURCES_ROOM || v->snd.n >= READER_ID_TEXT ||
        reader_who(g->r, v->kase, g->arena, &source, &debtor, &kase, NULL) != GW_OK)
        return (gw_str){NULL, 0};
    known_source *k = &g->sources[g->source_n++];
    snprintf(k->pseudonym, sizeof k->pseudonym, "%.*s", GW_STR_ARG(v->snd));
    snprintf(k->name, sizeof k->name, "%.*s", GW_STR_ARG(source));
    return gw_str_of(k->name);
}

static uint64_t person_of(gw_str pseudonym)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < pseudonym.n; i++)
        h = (h ^ (unsigned char)pseudonym.p[i]) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

static bool take(void *arg, const reader_entry *e)
{
    reading *g = arg;
    record_view v;
    insight_contact c = {.has_propensity = false};
    gw_buf_clear(&g->leaf);
    gw_arena_reset(g->arena);
    g->code = reader_leaf(g->r, e, &g->leaf, g->err);
    if (g->code == GW_OK)
        g->code = record_parse(gw_buf_str(&g->leaf), g->arena, &v, g->err);
    if (g->code != GW_OK)
        return false;
    if (!v.fact || !contact_of(&v.doc, v.fact, &c)) {
        g->skipped++;
        return true;
    }
    gw_str ladder = json_get_str(&v.doc, v.fact, "ladder");
    gw_str step = json_get_str(&v.doc, v.fact, "step");
    if (ladder.n) {
        int n =
            snprintf(g->step, sizeof g->step, "%.*s/%.*s", GW_STR_ARG(ladder), GW_STR_ARG(step));
        c.step = (gw_str){g->step, n < STEP_MAX ? (size_t)n : STEP_MAX - 1};
    }
    c.source = source_of(g, &v);
    c.person = person_of(v.rcp);
    if (!insight_add(g->x, &c))
        g->code = gw_fail(g->err, GW_ENOMEM, "adding up contacts");
    return g->code == GW_OK;
}

gw_code report_timing_read(const char *evidence_dir, const char *source, int64_t from, int64_t to,
                           insight *x, uint64_t *ret_skipped, gw_err *err)
{
    const reader_config cfg = {evidence_dir, NULL};
    GW_AUTO(reader_close) reader *r = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA);
    GW_AUTO_FREE reading *g = calloc(1, sizeof *g);
    if (!arena || !g)
        return gw_fail(err, GW_ENOMEM, "reading the evidence");
    gw_code rc = reader_open(&cfg, &r, err);
    if (rc != GW_OK)
        return rc;
    g->r = r;
    g->x = x;
    g->arena = arena;
    g->err = err;
    gw_buf_init(&g->leaf, 1 << 17);
    const reader_query q = {.source = gw_str_of(source ? source : ""),
                            .event = GW_STR(EVENT_CLOSED),
                            .from = {from},
                            .to = {to},
                            .limit = EVERY};
    rc = reader_search(r, &q, take, g, err);
    gw_buf_done(&g->leaf);
    *ret_skipped = g->skipped;
    return rc == GW_OK ? g->code : rc;
}
