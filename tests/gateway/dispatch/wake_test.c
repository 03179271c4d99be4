/* A debtor changes: its reminders are decided again, its ladder steps appear, its promises break;
 * and the movable clock walks a month. */
#include "tests/gateway/dispatch/rig.h"

#include "gateway/base/time.h"

#include <stdio.h>
#include <string.h>

static rig *of(void **cm)
{
    return *cm;
}

/* Due 2013-03-11 (a Monday): steps 03-08 e-mail, 03-12 call, 03-18 e-mail. */
static const char item[] =
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-11\",\"amount_minor\":10000,"
    "\"currency\":\"EUR\",\"reference\":\"INV-1\"}";
#define BEFORE "i1#default#before"
#define CALL   "i1#default#call"
#define LETTER "i1#default#letter"

static const char payment[] =
    "{\"id\":\"p1\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":10000,\"currency\":"
    "\"EUR\",\"at\":\"2013-03-04T09:00:00Z\"}";

static int32_t day_of(int64_t ms)
{
    return (int32_t)((ms + RIG_HOUR) / RIG_DAY); /* Berlin in winter */
}

static int32_t day(const char *text)
{
    int32_t d = 0;
    assert_int_equal(gw_date_parse(gw_str_of(text), &d, NULL), GW_OK);
    return d;
}

/* Walk the clock to a moment the way an operator does; the worker delivers what comes. */
static int walk_to(rig *r, int64_t target)
{
    walk_state w;
    int delivered = 0;
    rig_task t;
    gw_mono from = gw_mono_now();
    assert_int_equal(clock_walk_to(r->walk, (gw_wall){target}, &r->err), GW_OK);
    for (;;) {
        clock_walk_get(r->walk, &w);
        if (w.idle && w.now.ms == target)
            return delivered;
        if (gw_mono_now().ms - from.ms > 60000)
            fail_msg("the walk stands still: %s", walk_waiting_name(w.waiting_for));
        if (!r->workers[0].socket) {
            rig_turn(r);
        } else if (rig_poll_task(r, 0, &t)) {
            rig_send_intent(r, 0, &t);
            assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
            rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
            assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
            delivered++;
        }
    }
}

/* ---- ladder ---- */

static void an_items_ladder_is_planned_step_by_step_once(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    assert_int_equal(rig_state(r, BEFORE), 'P');
    assert_int_equal(rig_state(r, LETTER), 'P');
    assert_int_equal(day_of(rig_due(r, BEFORE)), day("2013-03-08"));
    assert_int_equal(day_of(rig_due(r, LETTER)), day("2013-03-18"));
    assert_string_equal(rig_records(r, BEFORE), "x-Plan");
    rig_tell(r, VERB_HOLD,
             "{\"id\":\"h1\",\"debtor\":\"d1\",\"kind\":\"other\",\"state\":\"released\",\"by\":"
             "\"ann\",\"reason\":\"settled\"}");
    rig_settle(r);
    assert_string_equal(rig_records(r, BEFORE), "x-Plan");
    assert_int_equal(rig_count(r, 'P') + rig_count(r, 'H'), 3);
}

static void a_call_that_nobody_makes_is_open_in_its_hours_and_expires_on_record(void **cm)
{
    rig *r = of(cm);
    rig_record(r);
    rig_join(r, 0, 4);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'P');
    int64_t due = rig_due(r, CALL);
    assert_int_equal(day_of(due), day("2013-03-12"));
    walk_to(r, due);
    assert_int_equal(rig_state(r, CALL), 'O');
    int64_t closes = rig_due(r, CALL);
    assert_int_equal(closes, INT64_C(1363107600000)); /* 2013-03-12T18:00 in Berlin */
    walk_to(r, closes);
    assert_int_equal(rig_state(r, CALL), 'P'); /* tomorrow again */
    assert_int_equal(day_of(rig_due(r, CALL)), day("2013-03-13"));
    walk_to(r, rig_due(r, CALL) + 4 * RIG_DAY);
    assert_int_equal(rig_state(r, CALL), 'X');
    assert_string_equal(rig_field(r, CALL, "why"), "expired");
}

static void steps_whose_days_have_passed_are_shown_as_withdrawn(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-02\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\"}");
    rig_settle(r);
    assert_int_equal(rig_state(r, BEFORE), 'X');
    assert_non_null(strstr(rig_fact(r, BEFORE, "x-Withdrawn"), "stale"));
    assert_int_equal(rig_state(r, LETTER), 'P');
}

static void a_step_carries_its_copies_its_tone_and_its_statement(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_set(r, rig_due(r, LETTER));
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, &t);
    assert_int_equal(t.to_n, 2);
    assert_non_null(strstr(t.facts, "\"statement\":\"detailed\""));
    assert_non_null(strstr(t.facts, "\"tone\":2"));
    assert_non_null(strstr(t.facts, "\"item\":{\"id\":\"i1\""));
}

/* ---- payments, disputes, holds, promises ---- */

static void a_payment_withdraws_every_step_of_the_item(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_tell(r, VERB_PAYMENT, payment);
    rig_settle(r);
    assert_int_equal(rig_state(r, BEFORE), 'X');
    assert_int_equal(rig_state(r, CALL), 'X');
    assert_int_equal(rig_state(r, LETTER), 'X');
    assert_non_null(strstr(rig_fact(r, LETTER, "x-Withdrawn"), "item-paid"));
}

static void a_dispute_holds_and_its_end_resumes(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_tell(r, VERB_DISPUTE,
             "{\"id\":\"u1\",\"debtor\":\"d1\",\"item\":\"i1\",\"state\":\"open\"}");
    rig_settle(r);
    assert_int_equal(rig_state(r, BEFORE), 'H');
    rig_tell(r, VERB_DISPUTE,
             "{\"id\":\"u1\",\"debtor\":\"d1\",\"item\":\"i1\",\"state\":\"resolved\"}");
    rig_settle(r);
    assert_int_equal(rig_state(r, BEFORE), 'P');
    assert_string_equal(rig_records(r, BEFORE), "x-Plan SubmissionRejection x-Plan");
}

static void a_promise_pauses_and_a_broken_one_resumes_by_itself(void **cm)
{
    rig *r = of(cm);
    rig_record(r);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_tell(r, VERB_PROMISE,
             "{\"id\":\"m1\",\"debtor\":\"d1\",\"item\":\"i1\",\"date\":\"2013-03-18\"}");
    rig_settle(r);
    /* 18th and two days of grace: the letter may go on the 21st */
    assert_int_equal(rig_state(r, LETTER), 'P');
    assert_int_equal(day_of(rig_due(r, LETTER)), day("2013-03-21"));
    rig_join(r, 0, 4);
    assert_int_equal(walk_to(r, RIG_MONDAY_10H + 18 * RIG_DAY), 1);
    assert_int_equal(rig_state(r, LETTER), 'D');
    rig_task t;
    assert_false(rig_try_task(r, 0, &t));
    char promise[1024];
    rig_item_field(r, "m:m1", promise, sizeof promise);
    assert_non_null(strstr(promise, "\"state\":\"broken\""));
}

/* ---- the clock ---- */

static void thirty_days_pass_in_seconds_and_each_step_goes_out_on_its_day(void **cm)
{
    rig *r = of(cm);
    rig_record(r);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_join(r, 0, 4);
    gw_mono from = gw_mono_now();
    assert_int_equal(walk_to(r, RIG_MONDAY_10H + 30 * RIG_DAY), 2);
    assert_true(gw_mono_now().ms - from.ms < 20000);
    assert_int_equal(rig_state(r, BEFORE), 'D');
    assert_int_equal(rig_state(r, CALL), 'X'); /* nobody served it in its days */
    assert_int_equal(rig_state(r, LETTER), 'D');
    assert_int_equal(day_of(rig_due(r, BEFORE)), day("2013-03-08"));
    assert_int_equal(day_of(rig_due(r, LETTER)), day("2013-03-18"));
    assert_true(recorder_moved(r->recorder) >= 9);
}

static void a_restarted_gateway_stands_where_the_clock_stood(void **cm)
{
    rig *r = of(cm);
    bool manual;
    gw_wall t;
    rig_record(r);
    assert_int_equal(walk_to(r, RIG_MONDAY_10H + 3 * RIG_DAY), 0);
    assert_int_equal(state_clock_get(r->store, &manual, &t, &r->err), GW_OK);
    assert_true(manual);
    assert_int_equal(t.ms, RIG_MONDAY_10H + 3 * RIG_DAY);
    assert_int_equal(clock_walk_to(r->walk, (gw_wall){RIG_MONDAY_10H}, &r->err), GW_EINVAL);
}

static void a_cap_is_kept_over_a_whole_month_of_steps_and_jobs(void **cm)
{
    rig *r = of(cm);
    char id[16], field[32], text[GW_DATE_TEXT];
    rig_record(r);
    rig_debtor(r);
    for (int i = 0; i < 9; i++) {
        snprintf(id, sizeof id, "j%d", i);
        rig_submit(r, id, "");
    }
    rig_join(r, 0, 1);
    assert_int_equal(walk_to(r, RIG_MONDAY_10H + 8 * RIG_DAY), 9);
    for (int i = 0; i < 8; i++) {
        gw_date_format(day("2013-03-04") + i, text);
        snprintf(field, sizeof field, "c:email:%s", text);
        assert_true(rig_cap(r, field) <= 2);
    }
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 2);
}

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(an_items_ladder_is_planned_step_by_step_once),
        promise(a_call_that_nobody_makes_is_open_in_its_hours_and_expires_on_record),
        promise(steps_whose_days_have_passed_are_shown_as_withdrawn),
        promise(a_step_carries_its_copies_its_tone_and_its_statement),
        promise(a_payment_withdraws_every_step_of_the_item),
        promise(a_dispute_holds_and_its_end_resumes),
        promise(a_promise_pauses_and_a_broken_one_resumes_by_itself),
        promise(thirty_days_pass_in_seconds_and_each_step_goes_out_on_its_day),
        promise(a_restarted_gateway_stands_where_the_clock_stood),
        promise(a_cap_is_kept_over_a_whole_month_of_steps_and_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
