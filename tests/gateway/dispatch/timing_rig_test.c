/* The timing model inside a real dispatch: moments, explanations, what is learned, what is switched
 * off, and a gateway that dies between an outcome and learning from it. */
#include "tests/gateway/dispatch/rig.h"

#include "gateway/dispatch/model_keep.h"
#include "gateway/timing/fit.h"
#include "gateway/timing/record.h"

#include <stdio.h>
#include <string.h>

enum { PERSONS = 400, EACH = 24 };

static rig *of(void **cm)
{
    return *cm;
}

/* Due 2013-03-11 (a Monday): steps 03-08 e-mail, 03-12 call, 03-18 e-mail. */
static const char item[] =
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-11\",\"amount_minor\":10000,"
    "\"currency\":\"EUR\",\"reference\":\"INV-1\"}";
#define BEFORE "i1#default#before"
#define LETTER "i1#default#letter"

/* Everybody answers at 15 and hardly anybody else when. */
static void keep_model(rig *r, char path[200])
{
    static fit_contact contacts[PERSONS * EACH];
    static fit_person persons[PERSONS];
    for (unsigned i = 0; i < PERSONS * EACH; i++) {
        unsigned hour = 8 + i % 12;
        contacts[i] = FIT_CONTACT(timing_cell(i / 12 % 3, i / 36 % 2, hour),
                                  hour == 15 && i / 72 % 2 ? RESULT_ANSWER : RESULT_NONE, 0);
    }
    for (unsigned i = 0; i < PERSONS; i++)
        persons[i] = (fit_person){contacts + (size_t)i * EACH, EACH, 0};
    fit_log log = {persons, PERSONS};
    fit_options o = {.steps = 3, .threads = 1, .seed = 1, .only = MODEL_B};
    GW_AUTO(timing_model_free) timing_model *m = timing_model_new();
    assert_int_equal(timing_fit(&log, &o, m, NULL), GW_OK);
    snprintf(path, 200, "%s/timing.model", r->dir);
    assert_int_equal(model_keep_store(path, m, &r->err), GW_OK);
}

static char model_path[200];

static int start(void **cm)
{
    if (rig_start(cm) != 0)
        return -1;
    rig *r = of(cm);
    keep_model(r, model_path);
    rig_crash(r);
    r->config.timing_model = model_path;
    rig_open(r);
    rig_debtor(r);
    return 0;
}

/* Local hour in Berlin in winter. */
static int hour_of(int64_t ms)
{
    return (int)((ms + RIG_HOUR) / RIG_HOUR % 24);
}

static gw_str record_of(rig *r, const char *job, json_doc *doc)
{
    const char *plan = rig_field(r, job, "plan");
    char *copy = gw_arena_copy(r->arena, gw_str_of(plan));
    assert_int_equal(json_parse(gw_str_of(copy), r->arena, doc, NULL), GW_OK);
    uint32_t at = json_member(doc, 0, "timing");
    return at ? json_raw(doc, at) : (gw_str){NULL, 0};
}

static void a_step_gets_the_predicted_hour_and_its_explanation_replays(void **cm)
{
    rig *r = of(cm);
    json_doc doc;
    GW_AUTO(timing_model_free) timing_model *m = NULL;
    GW_AUTO_BUF gw_buf again;
    gw_buf_init(&again, TIMING_RECORD_MAX);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    int64_t due = rig_due(r, LETTER);
    gw_str record = record_of(r, LETTER, &doc); /* lives until the rig is asked again */
    assert_true(record.n > 0);
    assert_int_equal(hour_of(due), json_get_int(&doc, json_member(&doc, 0, "timing"), "hour", -1));
    gw_str version = timing_record_version(record, r->arena);
    assert_int_equal(model_keep_version(model_path, version, &m, &r->err), GW_OK);
    assert_int_equal(timing_record_replay(record, m, r->arena, &again, &r->err), GW_OK);
    assert_true(gw_str_eq(record, gw_buf_str(&again)));
    assert_non_null(strstr(rig_fact(r, LETTER, "x-Plan"), "\"propensity_ppm\""));
    assert_null(strstr(rig_fact(r, LETTER, "x-Plan"), "\"state\":\"0")); /* no history in public */
}

static void a_model_replaced_since_does_not_change_what_an_old_explanation_says(void **cm)
{
    rig *r = of(cm);
    json_doc doc;
    GW_AUTO(timing_model_free) timing_model *newer = timing_model_new();
    GW_AUTO(timing_model_free) timing_model *m = NULL;
    GW_AUTO_BUF gw_buf again;
    gw_buf_init(&again, TIMING_RECORD_MAX);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    gw_str record = record_of(r, LETTER, &doc);
    assert_int_equal(model_keep_store(model_path, newer, &r->err), GW_OK);
    assert_int_equal(timing_record_replay(record, newer, r->arena, &again, &r->err), GW_EINVAL);
    assert_int_equal(
        model_keep_version(model_path, timing_record_version(record, r->arena), &m, &r->err),
        GW_OK);
    gw_buf_clear(&again);
    assert_int_equal(timing_record_replay(record, m, r->arena, &again, &r->err), GW_OK);
    assert_true(gw_str_eq(record, gw_buf_str(&again)));
}

static void a_source_that_is_switched_off_gets_the_channels_minute_and_teaches_nothing(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    json_doc doc;
    char text[64];
    rig_pause(r, "timing:erp", true);
    rig_crash(r);
    rig_open(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    assert_int_equal(record_of(r, BEFORE, &doc).n, 0);
    int64_t due = rig_due(r, BEFORE);
    assert_in_range((due + RIG_HOUR) % RIG_DAY, 9 * RIG_HOUR, 10 * RIG_HOUR); /* half past nine */
    rig_set(r, due);
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    rig_set(r, due + 8 * RIG_DAY);
    rig_settle(r);
    rig_debtor_field(r, "th", text, sizeof text);
    assert_string_equal(text, "");
    assert_null(strstr(rig_records(r, BEFORE), "x-Closed"));
}

static void a_debtor_who_objects_is_planned_anew_and_forgotten(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    json_doc doc;
    char text[512];
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_set(r, rig_due(r, BEFORE));
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    rig_tell(r, VERB_PROMISE,
             "{\"id\":\"m1\",\"debtor\":\"d1\",\"item\":\"i1\",\"date\":\"2013-03-09\"}");
    rig_settle(r);
    rig_debtor_field(r, "tg", text, sizeof text);
    assert_string_not_equal(text, "");
    assert_true(record_of(r, LETTER, &doc).n > 0);
    rig_tell(r, VERB_CONSENT,
             "{\"id\":\"o1\",\"debtor\":\"d1\",\"channel\":\"email\",\"status\":\"withdrawn\","
             "\"scope\":\"all\",\"purpose\":\"profiling\",\"source\":\"letter\"}");
    rig_settle(r);
    rig_debtor_field(r, "tg", text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(record_of(r, LETTER, &doc).n, 0);
    assert_int_equal(rig_state(r, LETTER), 'P'); /* objecting stops no reminder */
}

static void what_came_of_a_message_is_learned_once_though_the_gateway_dies_before(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    char text[512];
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_set(r, rig_due(r, BEFORE));
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    rig_crash(r); /* after the outcome, before anything is learned */
    rig_open(r);
    rig_settle(r);
    assert_null(strstr(rig_records(r, BEFORE), "x-Closed"));
    rig_tell(r, VERB_PROMISE,
             "{\"id\":\"m1\",\"debtor\":\"d1\",\"item\":\"i1\",\"date\":\"2013-03-30\"}");
    rig_settle(r);
    rig_crash(r);
    rig_open(r);
    rig_settle(r);
    const char *records = rig_records(r, BEFORE);
    const char *first = strstr(records, "x-Closed");
    assert_non_null(first);
    assert_null(strstr(first + 1, "x-Closed"));
    assert_non_null(strstr(rig_fact(r, BEFORE, "x-Closed"), "\"result\":\"paid\""));
    rig_debtor_field(r, "td", text, sizeof text);
    assert_int_equal(strlen(text), 16);
}

static void a_submitted_job_is_learned_from_when_its_time_is_over(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_submit(r, "j1", "");
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    rig_settle(r);
    assert_null(strstr(rig_records(r, "j1"), "x-Closed"));
    rig_set(r, RIG_MONDAY_10H + 7 * RIG_DAY + RIG_HOUR);
    rig_settle(r);
    assert_non_null(strstr(rig_records(r, "j1"), "x-Closed"));
    assert_non_null(
        strstr(rig_fact(r, "j1", "x-Closed"), "\"result\":\"none\",\"hour_by\":\"forced\""));
}

static void submit_many(rig *r, int from, int to)
{
    char id[16];
    for (int i = from; i < to; i++) {
        snprintf(id, sizeof id, "n%d", i);
        rig_submit(r, id, "");
    }
    rig_settle(r);
}

static void no_minute_gets_more_than_its_share_also_after_another_start(void **cm)
{
    enum { JOBS = 48 };
    rig *r = of(cm);
    int64_t due[JOBS];
    char id[16];
    rig_crash(r);
    r->config.timing_capacity[0] = 60; /* one a minute */
    rig_open(r);
    rig_set(r, RIG_MONDAY_10H + 12 * RIG_HOUR); /* late at night: all wait for the next day */
    submit_many(r, 0, JOBS / 2);
    rig_crash(r);
    rig_open(r);
    submit_many(r, JOBS / 2, JOBS);
    for (int i = 0; i < JOBS; i++) {
        snprintf(id, sizeof id, "n%d", i);
        assert_int_equal(rig_state(r, id), 'P');
        due[i] = rig_due(r, id) / 60000;
        for (int k = 0; k < i; k++)
            assert_true(due[k] != due[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_step_gets_the_predicted_hour_and_its_explanation_replays,
                                        start, rig_stop),
        cmocka_unit_test_setup_teardown(
            a_model_replaced_since_does_not_change_what_an_old_explanation_says, start, rig_stop),
        cmocka_unit_test_setup_teardown(
            a_source_that_is_switched_off_gets_the_channels_minute_and_teaches_nothing, start,
            rig_stop),
        cmocka_unit_test_setup_teardown(a_debtor_who_objects_is_planned_anew_and_forgotten, start,
                                        rig_stop),
        cmocka_unit_test_setup_teardown(
            what_came_of_a_message_is_learned_once_though_the_gateway_dies_before, start, rig_stop),
        cmocka_unit_test_setup_teardown(no_minute_gets_more_than_its_share_also_after_another_start,
                                        start, rig_stop),
        cmocka_unit_test_setup_teardown(a_submitted_job_is_learned_from_when_its_time_is_over,
                                        start, rig_stop),
    };
    return cmocka_run_group_tests_name("timing in dispatch", tests, NULL, NULL);
}
