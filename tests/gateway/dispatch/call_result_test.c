/* Automated calls: what their outcome counts, records and triggers, through a real store. */
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rig *of(void **cm)
{
    return *cm;
}

static const char item[] =
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":10000,"
    "\"currency\":\"EUR\",\"reference\":\"INV-1\",\"ladder\":\"none\"}";

static const wire_call confirmed = {.amd = {"human", 5},
                                    .right_party = {"yes", 3},
                                    .ended_by = {"us", 2},
                                    .dialled_ms = RIG_MONDAY_10H,
                                    .ring_ms = RIG_MONDAY_10H + 900,
                                    .answer_ms = RIG_MONDAY_10H + 4000,
                                    .end_ms = RIG_MONDAY_10H + 60000};

/* A call about i1 that has GO. */
static void dialled(rig *r, rig_task *t)
{
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_submit_on(r, "voice", "j1", ",\"case\":\"i1\"");
    rig_join_on(r, "voice", 0, 4);
    rig_expect_task(r, 0, t);
    assert_string_equal(t->to, "+4930123456");
    rig_send_intent(r, 0, t);
    assert_int_equal(rig_expect(r, 0, t), WIRE_GO);
}

static void over(rig *r, const rig_task *t, wire_result result, const char *why,
                 const wire_call *call)
{
    rig_send_call(r, 0, t, result, why, call);
    assert_int_equal(rig_expect(r, 0, t), WIRE_SEEN);
}

static void assert_debtor_field(rig *r, const char *field, const char *part)
{
    char text[4096];
    rig_debtor_field(r, field, text, sizeof text);
    if (!strstr(text, part))
        fail_msg("%s is %s", field, text);
}

static void a_confirmed_call_is_recorded_with_its_times_and_counted(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    dialled(r, &t);
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 1);
    over(r, &t, WIRE_DELIVERED, "right-party", &confirmed);
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 1);
    const char *fact = rig_fact(r, "j1", "RelayToNonERDS");
    static const char *const parts[] = {"\"amd\":\"human\"",         "\"right_party\":\"yes\"",
                                        "\"ended_by\":\"us\"",       "\"dialled_ms\":1362387600000",
                                        "\"ring_ms\":1362387600900", "\"answer_ms\":1362387604000",
                                        "\"end_ms\":1362387660000",  "\"recording\":\"none\""};
    for (size_t i = 0; i < GW_COUNT(parts); i++)
        if (!strstr(fact, parts[i]))
            fail_msg("%s is not in %s", parts[i], fact);
    assert_debtor_field(r, "t:*", "1362387600000");
}

static void a_promise_by_key_pauses_the_item_until_its_day(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    char text[1024];
    wire_call call = confirmed;
    call.pressed = GW_STR("promise");
    call.promise_date = GW_STR("2013-03-11");
    dialled(r, &t);
    over(r, &t, WIRE_DELIVERED, "right-party", &call);
    snprintf(text, sizeof text, "m:call:%s:1", t.rid);
    char promise[1024];
    rig_item_field(r, text, promise, sizeof promise);
    assert_non_null(strstr(promise, "\"date\":\"2013-03-11\""));
    assert_non_null(strstr(promise, "\"item\":\"i1\""));
    assert_non_null(strstr(rig_records(r, "j1"), "RelayToNonERDS"));
    /* said once more: one promise, nothing new */
    over(r, &t, WIRE_DELIVERED, "right-party", &call);
    rig_submit_on(r, "voice", "j2", ",\"case\":\"i1\"");
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j2"), 'P');
    assert_true(rig_due(r, "j2") > RIG_MONDAY_10H + 7 * RIG_DAY);
}

static void a_dispute_by_key_holds_what_is_about_the_item(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    wire_call call = confirmed;
    call.pressed = GW_STR("dispute");
    dialled(r, &t);
    over(r, &t, WIRE_DELIVERED, "right-party", &call);
    rig_submit(r, "j2", ",\"case\":\"i1\"");
    rig_join(r, 1, 4);
    assert_false(rig_try_task(r, 1, &t));
    assert_true(rig_state(r, "j2") == 'H' || rig_state(r, "j2") == 'X');
}

static void the_key_for_no_more_calls_withdraws_consent_whoever_pressed_it(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    wire_call call = confirmed;
    call.right_party = GW_STR("unknown");
    call.pressed = GW_STR("stop");
    dialled(r, &t);
    over(r, &t, WIRE_REFUSED, "stop-pressed", &call);
    assert_int_equal(rig_state(r, "j1"), 'R');
    assert_debtor_field(r, "o:voice:*", "withdrawn");
    rig_submit_on(r, "voice", "j2", "");
    assert_false(rig_try_task(r, 0, &t));
    assert_true(rig_state(r, "j2") != 'C' && rig_state(r, "j2") != 'S');
}

static void promise_and_dispute_need_the_right_party(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    char text[1024], promise[1024];
    wire_call call = confirmed;
    call.right_party = GW_STR("unknown");
    call.pressed = GW_STR("promise");
    call.promise_date = GW_STR("2013-03-11");
    dialled(r, &t);
    over(r, &t, WIRE_DELIVERED, "not-confirmed", &call);
    snprintf(text, sizeof text, "m:call:%s:1", t.rid);
    rig_item_field(r, text, promise, sizeof promise);
    assert_string_equal(promise, "");
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 0);
}

static void a_wrong_party_suppresses_the_number_for_calls_and_sms(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    wire_call call = confirmed;
    call.right_party = GW_STR("no");
    dialled(r, &t);
    over(r, &t, WIRE_REFUSED, "wrong-party", &call);
    assert_debtor_field(r, "x:unverified:voice:+4930123456", "suppressed");
    assert_debtor_field(r, "x:unverified:sms:+4930123456", "suppressed");
}

static void a_busy_call_stays_counted_as_placed_and_is_tried_again(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    static const wire_call call = {.amd = {"none", 4},
                                   .right_party = {"unasked", 7},
                                   .ended_by = {"them", 4},
                                   .dialled_ms = RIG_MONDAY_10H,
                                   .ring_ms = -1,
                                   .answer_ms = -1,
                                   .end_ms = RIG_MONDAY_10H + 100,
                                   .cause = 17};
    dialled(r, &t);
    over(r, &t, WIRE_LATER, "busy", &call);
    assert_int_equal(rig_state(r, "j1"), 'P');
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 0);
    assert_non_null(strstr(rig_fact(r, "j1", "RelayToNonERDSFailure"), "\"q850\":17"));
}

static void a_call_that_was_not_placed_is_not_counted(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    static const wire_call none;
    dialled(r, &t);
    over(r, &t, WIRE_LATER, "not-placed", &none);
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 0);
}

static void a_worker_that_dies_in_a_call_leaves_it_unknown_and_it_is_not_dialled_again(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    dialled(r, &t);
    rig_send_call(r, 0, &t, WIRE_UNKNOWN, "line-lost", &confirmed);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'U');
    rig_set(r, RIG_MONDAY_10H + 2 * RIG_DAY);
    assert_false(rig_try_task(r, 0, &t));
}

/* A call in which "later" is pressed; 24 hours is what rig_send_call passes on as the wish. */
static void asks_for_later(rig *r, rig_task *t, const char *right_party)
{
    wire_call call = confirmed;
    call.right_party = gw_str_of(right_party);
    call.pressed = GW_STR("later");
    over(r, t, WIRE_LATER, "call-later", &call);
}

static void again(rig *r, rig_task *t)
{
    rig_set(r, rig_due(r, "j1"));
    rig_expect_task(r, 0, t);
    rig_send_intent(r, 0, t);
    assert_int_equal(rig_expect(r, 0, t), WIRE_GO);
}

static void a_wish_to_be_called_later_is_planned_past_the_ceiling_of_retries(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    dialled(r, &t);
    asks_for_later(r, &t, "unknown");
    assert_int_equal(rig_state(r, "j1"), 'P');
    int64_t due = rig_due(r, "j1");
    assert_in_range(due, RIG_MONDAY_10H + RIG_DAY, RIG_MONDAY_10H + 3 * RIG_DAY);
    assert_int_equal(atoll(rig_field(r, "j1", "nb")), RIG_MONDAY_10H + RIG_DAY);
    assert_non_null(strstr(rig_fact(r, "j1", "RelayToNonERDSFailure"), "\"pressed\":\"later\""));
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1); /* it stays counted */
    rig_set(r, due - 60000);
    rig_task early;
    assert_false(rig_try_task(r, 0, &early));
    again(r, &t);
    assert_int_equal(t.attempt, 2);
    over(r, &t, WIRE_DELIVERED, "right-party", &confirmed);
    assert_int_equal(rig_state(r, "j1"), 'D');
}

static void
a_wish_after_the_details_is_followed_too_and_does_not_move_when_the_debtor_changes(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    dialled(r, &t);
    asks_for_later(r, &t, "yes");
    assert_int_equal(rig_state(r, "j1"), 'P');
    rig_submit_on(r, "voice", "j2", "");
    rig_set(r, RIG_MONDAY_10H + 3 * 3600000);
    rig_task early;
    while (rig_try_task(r, 0, &early))
        assert_string_not_equal(early.rid, t.rid);
    assert_true(rig_due(r, "j1") >= RIG_MONDAY_10H + RIG_DAY);
    assert_debtor_field(r, "t:*", "1362387600000"); /* a conversation: cool-downs count from it */
}

static void a_wish_for_later_is_never_planned_within_the_hour(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    wire_call call = confirmed;
    call.right_party = GW_STR("unknown");
    call.pressed = GW_STR("later");
    dialled(r, &t);
    over(r, &t, WIRE_LATER, "asked-without-a-wait", &call); /* a worker without an opinion */
    assert_int_equal(atoll(rig_field(r, "j1", "nb")), RIG_MONDAY_10H + 3600000);
    assert_true(rig_due(r, "j1") >= RIG_MONDAY_10H + 3600000);
}

static void after_three_calls_the_wish_for_later_is_not_followed_any_more(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    dialled(r, &t);
    asks_for_later(r, &t, "unknown");
    again(r, &t);
    asks_for_later(r, &t, "unknown");
    again(r, &t);
    asks_for_later(r, &t, "yes");
    assert_int_equal(rig_state(r, "j1"), 'D'); /* its details were told */
}

static void three_wishes_of_somebody_who_did_not_confirm_leave_it_to_a_person(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    dialled(r, &t);
    for (int i = 0; i < 2; i++) {
        asks_for_later(r, &t, "unknown");
        again(r, &t);
    }
    asks_for_later(r, &t, "unknown");
    assert_int_equal(rig_state(r, "j1"), 'Q');
}

static int start_with_voice(void **cm)
{
    int rc = rig_start(cm);
    if (rc != 0)
        return rc;
    rig *r = of(cm);
    r->config.channels |= 1U << POLICY_VOICE;
    rig_crash(r);
    rig_open(r);
    return 0;
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, start_with_voice, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_confirmed_call_is_recorded_with_its_times_and_counted),
        RIG_TEST(a_promise_by_key_pauses_the_item_until_its_day),
        RIG_TEST(a_dispute_by_key_holds_what_is_about_the_item),
        RIG_TEST(the_key_for_no_more_calls_withdraws_consent_whoever_pressed_it),
        RIG_TEST(promise_and_dispute_need_the_right_party),
        RIG_TEST(a_wrong_party_suppresses_the_number_for_calls_and_sms),
        RIG_TEST(a_busy_call_stays_counted_as_placed_and_is_tried_again),
        RIG_TEST(a_call_that_was_not_placed_is_not_counted),
        RIG_TEST(a_wish_to_be_called_later_is_planned_past_the_ceiling_of_retries),
        RIG_TEST(
            a_wish_after_the_details_is_followed_too_and_does_not_move_when_the_debtor_changes),
        RIG_TEST(a_wish_for_later_is_never_planned_within_the_hour),
        RIG_TEST(after_three_calls_the_wish_for_later_is_not_followed_any_more),
        RIG_TEST(three_wishes_of_somebody_who_did_not_confirm_leave_it_to_a_person),
        RIG_TEST(a_worker_that_dies_in_a_call_leaves_it_unknown_and_it_is_not_dialled_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
