/* The way of a reminder through a real store, real sockets and a real evidence folder. */
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <string.h>

static rig *of(void **cm)
{
    return *cm;
}

/* A debtor, one job, and a worker that has its task. */
static void claimed(rig *r, const char *more, rig_task *t)
{
    rig_debtor(r);
    rig_submit(r, "j1", more);
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, t);
}

static const char item[] =
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":10000,"
    "\"currency\":\"EUR\",\"reference\":\"INV-1\",\"ladder\":\"none\"}";
static const char payment[] =
    "{\"id\":\"p1\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":10000,\"currency\":"
    "\"EUR\",\"at\":\"2013-03-04T09:00:00Z\"}";

/* ---- the straight way ---- */

static void a_job_is_planned_claimed_made_durable_sent_and_booked_in_that_order(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", "");
    assert_int_equal(rig_state(r, "j1"), 'A');
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'P');
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, &t);
    assert_int_equal(rig_state(r, "j1"), 'C');
    assert_string_equal(t.to, "erika@debtor.example.test");
    assert_int_equal(t.now_ms, RIG_MONDAY_10H);
    assert_int_equal(t.deadline_ms, RIG_MONDAY_10H + 10 * RIG_HOUR);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    assert_int_equal(rig_state(r, "j1"), 'S');
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-AttemptIntent RelayToNonERDS");
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void the_intent_record_names_the_bytes_and_the_outcome_record_the_reply(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_job_and_worker(r);
    rig_deliver(r, 0, &t);
    const char *intent = rig_fact(r, "j1", "x-AttemptIntent");
    assert_non_null(strstr(intent, "\"sha256\":\""));
    assert_non_null(strstr(intent, "\"message_id\":\""));
    assert_null(strstr(intent, "erika@"));
    const char *outcome = rig_fact(r, "j1", "RelayToNonERDS");
    assert_non_null(strstr(outcome, "\"code\":250"));
    assert_non_null(strstr(outcome, "\"remote_host\":\"mx.example.test\""));
    assert_null(strstr(outcome, "queued as"));
}

static void a_worker_gets_the_template_version_the_reminder_was_planned_with(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_settle(r);
    char planned[80];
    snprintf(planned, sizeof planned, "%s", rig_field(r, "j1", "tv"));
    assert_int_equal(strlen(planned), 64);
    rig_publish(r, "Another text.");
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, &t);
    assert_string_equal(t.template, planned);
    assert_true(rig_want(r, 0, planned) > 50);
}

static void the_facts_of_a_task_hold_the_open_items_and_billings_own_facts(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_submit(r, "j1", ",\"case\":\"i1\",\"facts\":{\"pay_link\":\"https://pay.example.test/1\"}");
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, &t);
    assert_non_null(strstr(t.facts, "\"items\":[{\"id\":\"i1\""));
    assert_non_null(strstr(t.facts, "\"open_minor\":10000"));
    assert_non_null(strstr(t.facts, "\"days_overdue\":3"));
    assert_non_null(strstr(t.facts, "\"date\":\"2013-03-04\""));
    assert_non_null(strstr(t.facts, "\"reference\":\"INV-1\""));
    assert_non_null(strstr(t.facts, "\"pay_link\":\"https://pay.example.test/1\""));
    assert_non_null(strstr(t.facts, "\"creditor\":{\"name\":\"Creditor AG\""));
}

/* ---- when ---- */

static void nothing_is_sent_before_its_moment(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", ",\"not_before\":\"2013-03-05T12:00:00Z\"");
    rig_join(r, 0, 4);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'P');
    int64_t due = rig_due(r, "j1");
    assert_true(due >= RIG_MONDAY_10H + 27 * RIG_HOUR);
    rig_set(r, due - 1);
    assert_false(rig_try_task(r, 0, &t));
    rig_set(r, due);
    rig_expect_task(r, 0, &t);
}

static void quiet_hours_move_it_to_the_next_window(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_set(r, RIG_MONDAY_10H + 11 * RIG_HOUR); /* 21:00 */
    rig_submit(r, "j1", "");
    rig_join(r, 0, 4);
    assert_false(rig_try_task(r, 0, &t));
    int64_t due = rig_due(r, "j1");
    assert_true(due >= RIG_MONDAY_10H + 22 * RIG_HOUR && due < RIG_MONDAY_10H + 34 * RIG_HOUR);
    assert_string_equal(rig_records(r, "j1"), "SubmissionAcceptance x-Plan");
    rig_set(r, due);
    rig_deliver(r, 0, &t);
}

static void what_was_due_in_time_but_found_no_worker_waits_for_the_next_window(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_settle(r);
    rig_set(r, RIG_MONDAY_10H + 11 * RIG_HOUR); /* due since 10:00, now it is 21:00 */
    rig_join(r, 0, 4);
    assert_false(rig_try_task(r, 0, &t));
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan SubmissionRejection x-Plan");
    const char *fact = rig_fact(r, "j1", "SubmissionRejection");
    assert_non_null(strstr(fact, "\"rule\":\"quiet-hours\""));
    assert_non_null(strstr(fact, "\"next_ms\":"));
    assert_non_null(strstr(fact, "\"inputs\":\""));
    rig_set(r, rig_due(r, "j1"));
    rig_expect_task(r, 0, &t);
}

static void what_expires_unsent_is_withdrawn_and_says_so(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"not_after\":\"2013-03-04T12:00:00Z\"");
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'P');
    rig_join(r, 0, 4);
    rig_pause(r, "all", true);
    rig_set(r, RIG_MONDAY_10H + RIG_DAY);
    rig_pause(r, "all", false);
    rig_task t;
    for (int i = 0; i < 400 && rig_state(r, "j1") == 'P'; i++)
        rig_turn(r);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'X');
    assert_string_equal(rig_records(r, "j1"), "SubmissionAcceptance x-Plan x-Withdrawn");
}

/* ---- who ---- */

static void a_third_party_is_never_a_recipient(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", ",\"to\":\"partner\"");
    rig_join(r, 0, 4);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'R');
    assert_non_null(strstr(rig_fact(r, "j1", "SubmissionRejection"), "recipient-guard"));
}

static void a_contact_that_does_not_exist_holds_until_it_does(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", ",\"to\":\"owner\"");
    rig_join(r, 0, 4);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'H');
    rig_tell(r, VERB_DEBTOR,
             "{\"id\":\"d1\",\"name\":\"Debtor GmbH\",\"role\":\"company\",\"zone\":"
             "\"Europe/Berlin\",\"contacts\":[{\"role\":\"owner\",\"name\":\"Eva\",\"email\":"
             "\"eva@debtor.example.test\",\"designated\":true}]}");
    rig_expect_task(r, 0, &t);
    assert_string_equal(t.to, "eva@debtor.example.test");
}

static void copies_go_to_designated_contacts(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, ",\"cc\":[\"finance_head\"]", &t);
    assert_int_equal(t.to_n, 2);
}

static void an_unknown_debtor_is_held_not_guessed(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_submit(r, "j1", "");
    rig_join(r, 0, 4);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'H');
    rig_debtor(r);
    rig_expect_task(r, 0, &t);
    assert_string_equal(rig_records(r, "j1"), "SubmissionAcceptance SubmissionRejection x-Plan");
}

static void a_hold_looked_at_again_for_the_same_reason_leaves_one_record(void **cm)
{
    rig *r = of(cm);
    rig_submit(r, "j1", "");
    rig_settle(r);
    for (int day = 1; day <= 5; day++) {
        rig_set(r, RIG_MONDAY_10H + day * RIG_DAY);
        rig_settle(r);
    }
    assert_int_equal(rig_state(r, "j1"), 'H');
    assert_true(rig_due(r, "j1") > RIG_MONDAY_10H + 5 * RIG_DAY);
    assert_string_equal(rig_records(r, "j1"), "SubmissionAcceptance SubmissionRejection");
}

/* ---- between claim and GO ---- */

static void a_payment_between_claim_and_go_stops_it_and_gives_the_cap_back(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_submit(r, "j1", ",\"case\":\"i1\"");
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, &t);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
    rig_tell(r, VERB_PAYMENT, payment);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j1"), 'X');
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
    assert_string_equal(rig_records(r, "j1"), "SubmissionAcceptance x-Plan x-Withdrawn");
}

static void an_opt_out_between_claim_and_go_stops_it(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_tell(r, VERB_CONSENT,
             "{\"id\":\"c1\",\"debtor\":\"d1\",\"channel\":\"email\",\"address\":"
             "\"erika@debtor.example.test\",\"status\":\"withdrawn\",\"source\":\"reply\"}");
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j1"), 'H');
    assert_non_null(strstr(rig_fact(r, "j1", "SubmissionRejection"), "\"rule\":\"consent\""));
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
}

static void a_change_that_does_not_matter_lets_it_go_on(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_tell(r, VERB_ITEM, item);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
}

static void the_end_of_the_window_between_claim_and_go_stops_it(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_set(r, t.deadline_ms);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j1"), 'P');
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan SubmissionRejection x-Plan");
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
}

static void a_pause_between_claim_and_go_stops_it_and_resuming_sends_it(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_pause(r, "channel:email", true);
    for (int i = 0; i < 260; i++) /* pauses are looked at five times a second */
        rig_turn(r);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j1"), 'H');
    rig_pause(r, "channel:email", false);
    rig_expect_task(r, 0, &t);
}

/* ---- caps ---- */

static void a_cap_holds_the_third_one_to_the_next_day(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_submit(r, "j2", "");
    rig_submit(r, "j3", "");
    rig_join(r, 0, 1);
    rig_deliver(r, 0, &t);
    rig_deliver(r, 0, &t);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 2);
    assert_int_equal(rig_count(r, 'D'), 2);
    assert_int_equal(rig_count(r, 'P'), 1);
    rig_set(r, RIG_MONDAY_10H + 34 * RIG_HOUR - 1); /* the end of Tuesday's window */
    rig_deliver(r, 0, &t);
    assert_int_equal(rig_cap(r, "c:email:2013-03-05"), 1);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 2);
}

/* ---- outcomes ---- */

static void try_later_waits_longer_each_time_and_gives_up_in_the_end(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    int64_t now = RIG_MONDAY_10H;
    rig_job_and_worker(r);
    for (int i = 0; i < 7; i++) {
        rig_expect_task(r, 0, &t);
        assert_int_equal(t.attempt, i + 1);
        rig_send_intent(r, 0, &t);
        assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
        rig_send_outcome(r, 0, &t, WIRE_LATER, -1);
        assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
        assert_int_equal(rig_state(r, "j1"), 'P');
        assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
        assert_int_equal(rig_due(r, "j1") - now, 30000 << i);
        now = rig_due(r, "j1");
        rig_set(r, now);
    }
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_LATER, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'Q');
}

static void a_longer_wait_the_carrier_asks_for_is_kept(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_LATER, 600000);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_due(r, "j1"), RIG_MONDAY_10H + 600000);
}

static void a_refusal_is_final(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_REFUSED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'R');
    rig_set(r, RIG_MONDAY_10H + 7 * RIG_DAY);
    assert_false(rig_try_task(r, 0, &t));
}

static void an_unknown_outcome_is_never_sent_again(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_UNKNOWN, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'U');
    rig_set(r, RIG_MONDAY_10H + 7 * RIG_DAY);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void an_outcome_said_three_times_has_one_effect(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_job_and_worker(r);
    rig_deliver(r, 0, &t);
    for (int i = 0; i < 2; i++) {
        rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
        assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    }
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-AttemptIntent RelayToNonERDS");
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void an_outcome_without_go_is_unknown(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'U');
}

static void a_message_that_cannot_be_rendered_is_parked_and_frees_its_cap(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, "", &t);
    rig_send_outcome(r, 0, &t, WIRE_REFUSED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'Q');
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
}

/* ---- credit ---- */

static void no_worker_gets_more_than_its_credit(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_submit(r, "j2", "");
    rig_join(r, 0, 1);
    rig_expect_task(r, 0, &t);
    rig_task other;
    assert_false(rig_try_task(r, 0, &other));
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    rig_deliver(r, 0, &other);
}

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(a_job_is_planned_claimed_made_durable_sent_and_booked_in_that_order),
        promise(the_intent_record_names_the_bytes_and_the_outcome_record_the_reply),
        promise(a_worker_gets_the_template_version_the_reminder_was_planned_with),
        promise(the_facts_of_a_task_hold_the_open_items_and_billings_own_facts),
        promise(nothing_is_sent_before_its_moment),
        promise(quiet_hours_move_it_to_the_next_window),
        promise(what_was_due_in_time_but_found_no_worker_waits_for_the_next_window),
        promise(what_expires_unsent_is_withdrawn_and_says_so),
        promise(a_third_party_is_never_a_recipient),
        promise(a_contact_that_does_not_exist_holds_until_it_does),
        promise(copies_go_to_designated_contacts),
        promise(an_unknown_debtor_is_held_not_guessed),
        promise(a_hold_looked_at_again_for_the_same_reason_leaves_one_record),
        promise(a_payment_between_claim_and_go_stops_it_and_gives_the_cap_back),
        promise(an_opt_out_between_claim_and_go_stops_it),
        promise(a_change_that_does_not_matter_lets_it_go_on),
        promise(the_end_of_the_window_between_claim_and_go_stops_it),
        promise(a_pause_between_claim_and_go_stops_it_and_resuming_sends_it),
        promise(a_cap_holds_the_third_one_to_the_next_day),
        promise(try_later_waits_longer_each_time_and_gives_up_in_the_end),
        promise(a_longer_wait_the_carrier_asks_for_is_kept),
        promise(a_refusal_is_final),
        promise(an_unknown_outcome_is_never_sent_again),
        promise(an_outcome_said_three_times_has_one_effect),
        promise(an_outcome_without_go_is_unknown),
        promise(a_message_that_cannot_be_rendered_is_parked_and_frees_its_cap),
        promise(no_worker_gets_more_than_its_credit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
