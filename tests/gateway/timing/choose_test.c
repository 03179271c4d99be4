#include "gateway/timing/choose.h"
#include "gateway/timing/fit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static history_contact random_contact(timing_random *r)
{
    history_contact c = {
        .channel = (uint8_t)timing_random_below(r, TIMING_CHANNELS),
        .daytype = (uint8_t)timing_random_below(r, 2),
        .hour = (uint8_t)timing_random_below(r, TIMING_HOURS),
        .result = (uint8_t)timing_random_below(r, RESULT_COUNT),
    };
    if (c.result == RESULT_LATE && c.hour == TIMING_HOURS - 1)
        c.result = RESULT_NONE;
    if (c.result == RESULT_LATE) {
        unsigned most = TIMING_HOURS - 1U - c.hour;
        most = most > HISTORY_LATE_MAX ? HISTORY_LATE_MAX : most;
        c.late = (uint8_t)(1 + timing_random_below(r, most));
    }
    return c;
}

/* A model of 300 random persons, of either kind. */
static timing_model *model_of(model_kind kind)
{
    enum { PERSONS = 300, EACH = 20 };
    static fit_contact contacts[PERSONS * EACH];
    static fit_person persons[PERSONS];
    timing_random r = {5};
    for (unsigned i = 0; i < PERSONS; i++) {
        persons[i] = (fit_person){contacts + i * EACH, EACH, (uint8_t)(i % TIMING_SEGMENTS)};
        for (unsigned k = 0; k < EACH; k++) {
            history_contact c = random_contact(&r);
            contacts[i * EACH + k] =
                FIT_CONTACT(timing_cell(c.channel, c.daytype, c.hour), c.result, c.late);
        }
    }
    fit_log log = {persons, PERSONS};
    fit_options o = {.steps = 4, .threads = 2, .seed = 1, .only = kind};
    timing_model *m = timing_model_new();
    assert_non_null(m);
    assert_int_equal(timing_fit(&log, &o, m, NULL), GW_OK);
    assert_int_equal(m->kind, kind);
    return m;
}

static void check_choice(const timing_model *m, const history *h, const timing_question *q,
                         bool holdout, uint64_t seed)
{
    timing_choice c;
    timing_choice again;
    bool any = timing_choose(m, h, q, holdout, seed, &c);
    assert_int_equal(any, (q->allowed & 0xFFFFFF) != 0);
    if (!any)
        return;
    assert_true(c.hour < TIMING_HOURS && timing_allows(q, c.hour));
    assert_true(c.propensity > 0.002F && c.propensity <= 1.0001F);
    assert_true(isfinite(c.estimate.mean[c.hour]) && c.estimate.mean[c.hour] > 0 &&
                c.estimate.mean[c.hour] < 1);
    assert_true(timing_choose(m, h, q, holdout, seed, &again));
    assert_int_equal(again.hour, c.hour);
    assert_true(again.propensity == c.propensity);
}

/* DUNLIN_TIMING_CASES: how many; ten million in the long run of the suite. */
static void no_choice_ever_lies_outside_what_policy_allows(void **state)
{
    (void)state;
    const char *asked = getenv("DUNLIN_TIMING_CASES");
    long cases = asked ? atol(asked) : 60000;
    timing_random r = {99};
    model_kind kinds[] = {MODEL_A, MODEL_B};
    for (size_t k = 0; k < 2; k++) {
        GW_AUTO(timing_model_free) timing_model *m = model_of(kinds[k]);
        history h = {0};
        for (long i = 0; i < cases / 2; i++) {
            if (timing_random_below(&r, 200) == 0)
                h = (history){0};
            history_contact c = random_contact(&r);
            history_push(&h, &c, (int32_t)i);
            timing_question q = {.channel = c.channel,
                                 .daytype = c.daytype,
                                 .segment = (uint8_t)timing_random_below(&r, TIMING_SEGMENTS),
                                 .allowed =
                                     (uint32_t)(timing_random_word(&r) & timing_random_word(&r))};
            check_choice(m, &h, &q, timing_random_below(&r, 20) == 0, timing_random_word(&r));
        }
    }
}

static void propensities_are_what_the_log_says(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    GW_AUTO(timing_model_free) timing_model *m = model_of(MODEL_B);
    history h = {0};
    timing_question q = {1, 0, 2, UINT32_C(0xFFF) << 8};
    unsigned seen[TIMING_HOURS] = {0};
    float said[TIMING_HOURS] = {0};
    for (unsigned i = 0; i < DRAWS; i++) {
        timing_choice c;
        assert_true(timing_choose(m, &h, &q, false, i, &c));
        seen[c.hour]++;
        said[c.hour] = c.propensity;
    }
    double sum = 0;
    for (unsigned x = 8; x < 20; x++) {
        double p = (double)said[x];
        assert_true(p >= .004);
        assert_true(fabs(seen[x] / (double)DRAWS - p) < 5 * sqrt(p * (1 - p) / DRAWS));
        sum += p;
    }
    assert_true(fabs(sum - 1) < 1e-5);
}

static void a_young_system_explores_and_an_old_one_hardly_does(void **state)
{
    (void)state;
    GW_AUTO(timing_model_free) timing_model *young = timing_model_new();
    GW_AUTO(timing_model_free) timing_model *old = model_of(MODEL_A);
    timing_question q = {0, 0, 0, UINT32_C(0xFFF) << 8};
    assert_true(timing_explore_share(young, &q) == 1);
    assert_true(timing_explore_share(old, &q) < .06F);
}

static void the_hours_a_debtor_answers_at_win(void **state)
{
    (void)state;
    model_kind kinds[] = {MODEL_A, MODEL_B};
    for (size_t k = 0; k < 2; k++) {
        GW_AUTO(timing_model_free) timing_model *m = model_of(kinds[k]);
        history h = {0};
        for (int i = 0; i < 60; i++) {
            history_contact c = {.hour = (uint8_t)(9 + i % 10)};
            c.result = c.hour == 17 ? RESULT_ANSWER : RESULT_NONE;
            history_push(&h, &c, i);
        }
        timing_question q = {0, 0, 0, UINT32_C(0xFFF) << 8};
        timing_estimate e;
        timing_predict(m, &h, &q, &e);
        for (unsigned x = 8; x < 20; x++)
            assert_true(x == 17 || e.mean[x] < e.mean[17]);
    }
}

/* Trying an hour often and getting the usual share of answers there is no merit of the hour. */
static void hours_tried_often_gain_nothing_by_it(void **state)
{
    (void)state;
    GW_AUTO(timing_model_free) timing_model *m = timing_model_new();
    history h = {0};
    for (int i = 0; i < 80; i++) { /* one answer in eight, as the new model expects */
        history_contact c = {.hour = 10, .result = i % 8 == 0 ? RESULT_ANSWER : RESULT_NONE};
        history_push(&h, &c, i);
    }
    timing_question q = {0, 0, 0, UINT32_C(0xFFF) << 8};
    timing_estimate e;
    timing_predict(m, &h, &q, &e);
    assert_true(fabsf(e.mean[10] / e.mean[18] - 1) < .1F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_choice_ever_lies_outside_what_policy_allows),
        cmocka_unit_test(propensities_are_what_the_log_says),
        cmocka_unit_test(a_young_system_explores_and_an_old_one_hardly_does),
        cmocka_unit_test(the_hours_a_debtor_answers_at_win),
        cmocka_unit_test(hours_tried_often_gain_nothing_by_it),
    };
    return cmocka_run_group_tests_name("timing choice", tests, NULL, NULL);
}
