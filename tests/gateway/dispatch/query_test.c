/* What intake asks of dispatch, on a real store. */
#include "gateway/dispatch/query.h"
#include "tests/gateway/dispatch/rig.h"

#include "gateway/base/time.h"

#include <stdio.h>
#include <string.h>

static rig *of(void **cm)
{
    return *cm;
}

typedef struct {
    gw_code code;
    char text[64 * 1024];
} answer;

/* One question or act of a client ("erp") or operator ("ann" for source "erp"). */
static const char *ask_as(rig *r, zap_role role, verb v, const char *json)
{
    static answer a;
    query *q = NULL;
    json_doc body;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, sizeof a.text - 1);
    assert_int_equal(query_new(&r->config, r->d, &q, &err), GW_OK);
    assert_int_equal(json_parse(gw_str_of(json), arena, &body, &err), GW_OK);
    intake_ask ask = {.verb = v,
                      .role = role,
                      .who = GW_STR("ann"),
                      .source = GW_STR("erp"),
                      .body = &body,
                      .now = gw_clock_now(r->clock),
                      .store = r->store,
                      .arena = arena};
    a.code = v == VERB_QUERY ? query_answer(q, &ask, &out, &err) : query_act(q, &ask, &out, &err);
    query_free(q);
    if (a.code == GW_OK) {
        json_doc check;
        snprintf(a.text, sizeof a.text, "%.*s", GW_STR_ARG(gw_buf_str(&out)));
        if (json_parse(gw_str_of(a.text), arena, &check, &err) != GW_OK)
            fail_msg("not JSON: %s: %s", err.text, a.text);
    } else {
        snprintf(a.text, sizeof a.text, "%s: %s", gw_code_name(a.code), err.text);
    }
    return a.text;
}

static const char *ask(rig *r, const char *json)
{
    return ask_as(r, ZAP_OPERATOR, VERB_QUERY, json);
}

static const char *act(rig *r, verb v, const char *json)
{
    return ask_as(r, ZAP_OPERATOR, v, json);
}

static void says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" was expected in: %s", part, text);
}

static void a_job_tells_its_state_its_moment_and_why(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"not_before\":\"2013-03-06T12:00:00Z\"");
    rig_settle(r);
    const char *a = ask(r, "{\"what\":\"job\",\"job\":\"j1\"}");
    says(a, "\"state\":\"planned\"");
    says(a, "\"due\":\"2013-03-06T");
    says(a, "\"rule\":\"not-before\"");
    says(a, "\"last_decision\":{");
    says(a, "\"explain\":{");
    says(ask(r, "{\"what\":\"job\",\"job\":\"j2\"}"), "no such job");
}

static void an_explanation_lists_every_rule_for_a_job_and_for_a_contact_nobody_asked_for(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"to\":\"partner\"");
    const char *a = ask(r, "{\"what\":\"explain\",\"job\":\"j1\"}");
    says(a, "\"verdict\":\"refuse\"");
    says(a, "\"rule\":\"recipient-guard\"");
    a = ask(r, "{\"what\":\"explain\",\"debtor\":\"d1\",\"channel\":\"email\",\"at\":"
               "\"2013-03-09T10:00:00Z\"}");
    says(a, "\"verdict\":\"later\"");
    says(a, "\"next\":\"2013-03-11T07:00:00.000Z\"");
    says(a, "\"rule\":\"quiet-hours\"");
    says(a, "\"rule\":\"caps\"");
    says(a, "\"text\":\"");
    says(ask(r, "{\"what\":\"explain\",\"debtor\":\"d1\"}"), "a channel");
    says(ask(r, "{\"what\":\"explain\",\"debtor\":\"d9\",\"channel\":\"email\"}"),
         "no such debtor");
}

static void lists_find_reminders_by_state_and_by_debtor(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_submit(r, "j2", ",\"to\":\"owner\"");
    rig_submit(r, "j3", ",\"to\":\"partner\"");
    rig_settle(r);
    const char *a = ask(r, "{\"what\":\"jobs\",\"state\":\"planned\"}");
    says(a, "\"job\":\"j1\"");
    assert_null(strstr(a, "\"job\":\"j2\""));
    says(ask(r, "{\"what\":\"jobs\",\"state\":\"held\"}"), "\"job\":\"j2\"");
    a = ask(r, "{\"what\":\"jobs\",\"debtor\":\"d1\"}");
    says(a, "\"job\":\"j1\"");
    says(a, "\"job\":\"j2\"");
    says(a, "\"job\":\"j3\"");
    says(ask(r, "{\"what\":\"jobs\",\"debtor\":\"d1\",\"state\":\"refused\"}"), "\"job\":\"j3\"");
    says(ask(r, "{\"what\":\"jobs\",\"state\":\"refused\"}"), "by debtor only");
    says(ask(r, "{\"what\":\"jobs\",\"state\":\"nonsense\"}"), "state must be");
    says(ask(r, "{\"what\":\"jobs\"}"), "\"job\":\"j1\"");
}

static void debtors_and_items_are_shown_with_what_is_open(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\",\"paid_minor\":4000,\"ladder\":\"none\"}");
    const char *a = ask(r, "{\"what\":\"items\",\"debtor\":\"d1\"}");
    says(a, "\"open_minor\":6000");
    says(a, "\"days_overdue\":3");
    a = ask(r, "{\"what\":\"debtor\",\"debtor\":\"d1\"}");
    says(a, "\"local_day\":\"2013-03-04\"");
    says(a, "\"facts\":{\"id\":\"d1\"");
}

/* A bill paid late, a promise broken, a dispute: told as a score with reasons, and overridden. */
static void a_debtor_is_shown_with_its_willingness_and_what_overrides_it(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    for (int i = 1; i <= 3; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"id\":\"i%d\",\"debtor\":\"d1\",\"due\":\"2013-0%d-01\",\"amount_minor\":10000,"
                 "\"currency\":\"EUR\",\"ladder\":\"none\"}",
                 i, i);
        rig_tell(r, VERB_ITEM, text);
    }
    rig_tell(r, VERB_PAYMENT,
             "{\"id\":\"p1\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\",\"at\":\"2013-02-25T10:00:00Z\"}");
    const char *a = ask(r, "{\"what\":\"debtor\",\"debtor\":\"d1\"}");
    says(a, "\"within_7_days\":{\"percent\":");
    says(a, "\"factor\":\"share of bills paid late\",\"direction\":\"against\"");
    assert_null(strstr(a, "\"override\""));
    rig_tell(r, VERB_DISPUTE,
             "{\"id\":\"u1\",\"debtor\":\"d1\",\"item\":\"i2\",\"state\":\"open\"}");
    a = ask(r, "{\"what\":\"debtor\",\"debtor\":\"d1\"}");
    says(a, "\"segment\":\"held\",\"override\":\"dispute\"");
}

static void the_status_counts_states_workers_and_credit(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"to\":\"owner\"");
    rig_join(r, 0, 17);
    rig_settle(r);
    for (int i = 0; i < 50; i++)
        rig_turn(r);
    const char *a = ask(r, "{\"what\":\"status\"}");
    says(a, "\"held\":1");
    says(a, "\"credit\":17");
    says(a, "\"shards\":64");
    says(a, "\"store_ok\":true");
    says(ask_as(r, ZAP_CLIENT, VERB_QUERY, "{\"what\":\"status\"}"), "only operators");
}

static void a_cancelled_job_is_withdrawn_by_name(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"not_before\":\"2013-03-06T12:00:00Z\"");
    rig_settle(r);
    says(act(r, VERB_CANCEL, "{\"job\":\"j1\",\"reason\":\"typo\"}"), "\"verdict\":\"accepted\"");
    assert_int_equal(rig_state(r, "j1"), 'X');
    says(rig_fact(r, "j1", "x-Withdrawn"), "cancelled");
    says(act(r, VERB_CANCEL, "{\"job\":\"j1\"}"), "conflict: the reminder is withdrawn");
    says(act(r, VERB_CANCEL, "{\"job\":\"j9\"}"), "not-found");
}

static void a_job_cancelled_between_claim_and_go_is_not_sent(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_job_and_worker(r);
    rig_expect_task(r, 0, &t);
    says(act(r, VERB_CANCEL, "{\"job\":\"j1\"}"), "\"verdict\":\"accepted\"");
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j1"), 'X');
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
}

static void a_job_that_is_being_sent_cannot_be_cancelled_and_the_try_is_recorded(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_job_and_worker(r);
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    says(act(r, VERB_CANCEL, "{\"job\":\"j1\"}"), "cannot be called back");
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-AttemptIntent x-Withdrawn RelayToNonERDS");
}

static void an_unknown_one_is_tried_again_only_when_an_operator_says_so(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_job_and_worker(r);
    rig_expect_task(r, 0, &t);
    says(act(r, VERB_RETRY, "{\"job\":\"j1\"}"), "only unknown and parked");
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_UNKNOWN, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    says(act(r, VERB_RETRY, "{\"job\":\"j1\",\"by\":\"Ann\"}"), "\"verdict\":\"accepted\"");
    rig_task again;
    rig_deliver(r, 0, &again);
    assert_int_equal(rig_state(r, "j1"), 'D');
    says(rig_fact(r, "j1", "x-Operator"), "retry");
}

static void a_late_delivery_of_a_retried_one_ends_it(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_job_and_worker(r);
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_UNKNOWN, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    says(act(r, VERB_RETRY, "{\"job\":\"j1\"}"), "accepted");
    rig_task again;
    rig_expect_task(r, 0, &again);
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1); /* the first attempt had arrived after all */
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'D');
    rig_send_intent(r, 0, &again);
    assert_int_equal(rig_expect(r, 0, &again), WIRE_ABORT);
}

static void the_clock_is_moved_and_released_by_operators(void **cm)
{
    rig *r = of(cm);
    says(act(r, VERB_CLOCK, "{\"set\":\"2013-03-05T00:00:00Z\"}"), "accepted");
    rig_record(r);
    for (int i = 0; i < 200; i++)
        rig_turn(r);
    says(ask(r, "{\"what\":\"clock\"}"), "\"now\":\"2013-03-05T00:00:00.000Z\"");
    says(ask(r, "{\"what\":\"clock\"}"), "\"idle\":true");
    says(act(r, VERB_CLOCK, "{\"set\":\"2013-03-01T00:00:00Z\"}"), "never runs backwards");
    says(act(r, VERB_CLOCK, "{\"release\":true}"), "accepted");
    says(ask(r, "{\"what\":\"clock\"}"), "\"manual\":false");
    r->config.walk = NULL;
    says(act(r, VERB_CLOCK, "{\"release\":true}"), "clock.movable");
    r->config.walk = r->walk;
}

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(a_job_tells_its_state_its_moment_and_why),
        promise(an_explanation_lists_every_rule_for_a_job_and_for_a_contact_nobody_asked_for),
        promise(lists_find_reminders_by_state_and_by_debtor),
        promise(debtors_and_items_are_shown_with_what_is_open),
        promise(a_debtor_is_shown_with_its_willingness_and_what_overrides_it),
        promise(the_status_counts_states_workers_and_credit),
        promise(a_cancelled_job_is_withdrawn_by_name),
        promise(a_job_cancelled_between_claim_and_go_is_not_sent),
        promise(a_job_that_is_being_sent_cannot_be_cancelled_and_the_try_is_recorded),
        promise(an_unknown_one_is_tried_again_only_when_an_operator_says_so),
        promise(a_late_delivery_of_a_retried_one_ends_it),
        promise(the_clock_is_moved_and_released_by_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
