/* `dunlin report timing` from a real evidence log: records in, figures, JSON, page and pictures
 * out. */
#include "gateway/cli/report_timing.h"

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/evidence/evidence.h"
#include "gateway/timing/random.h"
#include "gateway/wire/event.h"

#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEBTORS = 300, EACH = 4, DRAFTS = DEBTORS * EACH };

typedef struct {
    char dir[64], evidence[96], out[96];
} place;

static void write_key(const place *p, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", p->dir, name);
    assert_int_equal(
        gw_file_replace(path,
                        GW_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
                        0600, NULL),
        GW_OK);
}

/* Answered at 15 more often than elsewhere; the model knows. Every second source is another one. */
static void put_fact(gw_buf *b, unsigned i, timing_random *r)
{
    static const char *const choosers[] = {"best", "explore", "holdout"};
    unsigned debtor = i / EACH;
    bool out = debtor % 4 == 0;
    bool explores = out || timing_random_unit(r) < .3;
    unsigned hour = explores ? 9 + timing_random_below(r, 10) : 15;
    double p = hour == 15 ? .4 : .1;
    bool yes = timing_random_unit(r) < p;
    int64_t propensity = out ? 100000 : hour == 15 ? 730000 : 30000;
    gw_buf_printf(b,
                  "{\"channel\":\"%s\",\"daytype\":\"weekday\",\"hour\":%u,\"result\":\"%s\","
                  "\"hour_by\":\"%s\",\"propensity_ppm\":%lld,\"explore_ppm\":%d,\"hours\":10,"
                  "\"p_ppm\":%d,\"best_hour\":15,\"best_ppm\":400000,\"mean_ppm\":130000,"
                  "\"segment\":1,\"ladder\":\"default\",\"step\":\"letter\"}",
                  i % 2 ? "sms" : "email", hour, yes ? "answer" : "none",
                  choosers[out        ? 2
                           : explores ? 1
                                      : 0],
                  (long long)propensity, out ? 1000000 : 300000, (int)(p * 1e6));
}

static void fill(const place *p)
{
    char log_key[128], tenant_key[128];
    write_key(p, "log.key", log_key);
    write_key(p, "tenant.key", tenant_key);
    const evidence_config cfg = {.dir = p->evidence,
                                 .origin_base = "example.test/report",
                                 .log_key = log_key,
                                 .tenant_key = tenant_key};
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    GW_AUTO(evidence_close) evidence *ev = NULL;
    gw_err err = {0};
    assert_int_equal(evidence_open(&cfg, clock, &ev, &err), GW_OK);
    evidence_draft *list = calloc(DRAFTS, sizeof *list);
    gw_buf facts[DRAFTS];
    char(*names)[16] = calloc(DRAFTS, sizeof *names);
    timing_random r = {3};
    for (unsigned i = 0; i < DRAFTS; i++) {
        gw_buf_init(&facts[i], 2048);
        put_fact(&facts[i], i, &r);
        snprintf(names[i], sizeof names[i], "d%u", i / EACH);
        list[i] = (evidence_draft){.event = EVENT_CLOSED,
                                   .t = {1000000},
                                   .source = i / EACH % 2 ? GW_STR("erp") : GW_STR("billing"),
                                   .debtor = gw_str_of(names[i]),
                                   .case_id = GW_STR("i1"),
                                   .fact = gw_buf_str(&facts[i])};
    }
    assert_int_equal(evidence_append(ev, list, DRAFTS, &err), GW_OK);
    for (unsigned i = 0; i < DRAFTS; i++)
        gw_buf_done(&facts[i]);
    free(names);
    free(list);
}

static int start(void **state)
{
    place *p = calloc(1, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/dunlin-report-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->evidence, sizeof p->evidence, "%s/evidence", p->dir);
    snprintf(p->out, sizeof p->out, "%s/page", p->dir);
    fill(p);
    *state = p;
    return 0;
}

static int stop(void **state)
{
    place *p = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    assert_int_equal(system(command), 0);
    free(p);
    cairo_debug_reset_static_data(); /* fonts that are kept would look like a leak */
    FcFini();
    return 0;
}

static insight *read_all(const place *p, const char *source)
{
    insight *x = insight_new();
    uint64_t skipped = 1;
    gw_err err = {0};
    assert_int_equal(report_timing_read(p->evidence, source, 0, 0, x, &skipped, &err), GW_OK);
    assert_int_equal(skipped, 0);
    return x;
}

static bool has_group(const insight *x, const char *kind, const char *name, insight_group *g)
{
    for (size_t i = 0; i < insight_groups(x); i++) {
        insight_read(x, i, g);
        if (strcmp(g->kind, kind) == 0 && strcmp(g->name, name) == 0)
            return true;
    }
    return false;
}

static void the_evidence_tells_what_prediction_was_worth(void **state)
{
    GW_AUTO(insight_free) insight *x = read_all(*state, NULL);
    insight_group *g = calloc(1, sizeof *g);
    insight_read(x, 0, g);
    assert_int_equal(g->contacts, DRAFTS);
    assert_int_equal(g->verdict, INSIGHT_MATTERS);
    /* the truth: .4 at the best hour, .13 at a random one */
    assert_true(g->best.dr.low < .4 && g->best.dr.high > .4);
    assert_true(g->any.dr.low < .13 && g->any.dr.high > .13);
    assert_true(g->effect.low > .15);
    assert_true(has_group(x, "source", "erp", g));
    assert_true(has_group(x, "source", "billing", g));
    assert_true(has_group(x, "channel", "sms", g));
    assert_true(has_group(x, "step", "default/letter", g));
    free(g);
}

static void one_billing_system_is_told_alone(void **state)
{
    GW_AUTO(insight_free) insight *x = read_all(*state, "erp");
    insight_group *g = calloc(1, sizeof *g);
    insight_read(x, 0, g);
    assert_int_equal(g->contacts, DRAFTS / 2);
    assert_false(has_group(x, "source", "billing", g));
    free(g);
}

static void the_page_has_its_pictures_and_the_json_is_json(void **state)
{
    const place *p = *state;
    static const char *const files[] = {"index.html",      "curve-email.svg", "curve-email.png",
                                        "curve-voice.svg", "calibration.svg", "calibration.png"};
    GW_AUTO(insight_free) insight *x = read_all(p, NULL);
    GW_AUTO_BUF gw_buf b;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(8 << 20);
    gw_err err = {0};
    gw_buf_init(&b, 8 << 20);
    assert_int_equal(report_timing_page(x, 0, p->out, &err), GW_OK);
    for (size_t i = 0; i < GW_COUNT(files); i++) {
        char path[160];
        gw_buf_clear(&b);
        snprintf(path, sizeof path, "%s/%s", p->out, files[i]);
        assert_int_equal(gw_file_read(path, &b, &err), GW_OK);
        assert_true(b.n > 1000);
    }
    gw_buf_clear(&b);
    report_timing_json(x, 0, &b);
    assert_int_equal(b.code, GW_OK);
    assert_non_null(strstr(b.data, "\"verdict\":\"matters\""));
    assert_non_null(strstr(b.data, "\"effective_sample_size\""));
}

static void facts_that_are_no_contact_are_not_counted_as_one(void **state)
{
    (void)state;
    insight_contact c;
    assert_false(report_timing_contact(GW_STR("{\"channel\":\"email\"}"), &c));
    assert_false(report_timing_contact(
        GW_STR("{\"channel\":\"email\",\"daytype\":\"weekday\",\"hour\":24,\"result\":\"none\","
               "\"hour_by\":\"best\"}"),
        &c));
    assert_false(report_timing_contact(GW_STR("[]"), &c));
    /* a propensity of nothing cannot be weighed by */
    assert_true(report_timing_contact(
        GW_STR("{\"channel\":\"email\",\"daytype\":\"weekday\",\"hour\":9,\"result\":\"none\","
               "\"hour_by\":\"best\",\"propensity_ppm\":0,\"hours\":3,\"best_hour\":9}"),
        &c));
    assert_false(c.has_propensity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_evidence_tells_what_prediction_was_worth),
        cmocka_unit_test(one_billing_system_is_told_alone),
        cmocka_unit_test(the_page_has_its_pictures_and_the_json_is_json),
        cmocka_unit_test(facts_that_are_no_contact_are_not_counted_as_one),
    };
    return cmocka_run_group_tests_name("report timing", tests, start, stop);
}
