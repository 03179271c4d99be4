/* Consent, suppressions, hours, holds and third parties on the way of a reminder, on a real store.
 */
#include "gateway/intake/windows.h"
#include "tests/gateway/dispatch/rig.h"

#include "gateway/base/time.h"
#include "gateway/dispatch/query.h"
#include "templates/engine/store.h"

#include <stdio.h>
#include <string.h>

#define ERIKA "\"channel\":\"email\",\"address\":\"erika@debtor.example.test\",\"source\":\"reply\""

static rig *of(void **cm)
{
    return *cm;
}

static void consent(rig *r, const char *id, const char *more)
{
    char json[512];
    rig_set(r, gw_clock_now(r->clock).ms + 1); /* of two with the same moment the stricter holds */
    snprintf(json, sizeof json, "{\"id\":\"%s\",\"debtor\":\"d1\"," ERIKA ",%s}", id, more);
    rig_tell(r, VERB_CONSENT, json);
}

static void is_held(rig *r, const char *job, const char *why)
{
    if (rig_state(r, job) != 'H')
        fail_msg("%s is in state %c, not held", job, rig_state(r, job));
    assert_string_equal(rig_field(r, job, "why"), why);
}

static void publish_confirmation(rig *r)
{
    char path[160];
    template_bundle *b;
    snprintf(path, sizeof path, "%s/templates/en/opt-out-confirmation", getenv("DUNLIN_SOURCE"));
    assert_int_equal(template_bundle_load(path, &b, &r->err), GW_OK);
    assert_int_equal(template_store_publish(r->config.template_store, b, &r->err), GW_OK);
    template_bundle_free(b);
}

static void an_opt_out_holds_everything_else_and_is_itself_confirmed_once(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    publish_confirmation(r);
    rig_debtor(r);
    rig_submit(r, "j1", "");
    consent(r, "stop-1", "\"status\":\"withdrawn\",\"confirm\":true");
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    assert_string_equal(t.to, "erika@debtor.example.test");
    assert_int_equal(rig_state(r, "opt-out:stop-1"), 'D');
    is_held(r, "j1", "opted-out");
    consent(r, "stop-2", "\"status\":\"withdrawn\",\"confirm\":true");
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "opt-out:stop-2"), 0);
}

static void a_confirmation_goes_at_night_but_not_after_five_minutes(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    publish_confirmation(r);
    rig_debtor(r);
    rig_set(r, RIG_MONDAY_10H + 13 * RIG_HOUR); /* 23:00 in Berlin */
    consent(r, "stop-1", "\"status\":\"withdrawn\",\"confirm\":true");
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    assert_true(t.deadline_ms <= RIG_MONDAY_10H + 13 * RIG_HOUR + 5 * 60000 + 10);
    consent(r, "again", "\"status\":\"granted\"");
    rig_set(r, RIG_MONDAY_10H + 14 * RIG_HOUR);
    rig_leave(r, 0);
    rig_settle(r);
    consent(r, "stop-3", "\"status\":\"withdrawn\",\"confirm\":true");
    rig_settle(r);
    rig_set(r, RIG_MONDAY_10H + 14 * RIG_HOUR + 6 * 60000);
    rig_join(r, 1, 4);
    assert_false(rig_try_task(r, 1, &t));
    assert_int_equal(rig_state(r, "opt-out:stop-3"), 'X');
}

static void a_withdrawal_about_one_debt_leaves_the_others_alone(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_CONSENT,
             "{\"id\":\"c1\",\"debtor\":\"d1\",\"channel\":\"voice\",\"status\":\"withdrawn\","
             "\"source\":\"call\",\"scope\":\"debt\",\"debt\":\"case-1\"}");
    rig_submit(r, "j1", ",\"case\":\"case-1\"");
    rig_submit(r, "j2", ",\"case\":\"case-2\"");
    rig_settle(r);
    is_held(r, "j1", "opted-out");
    assert_int_equal(rig_state(r, "j2"), 'P');
}

static void suppressed_addresses_hold_and_a_bounce_lets_go_by_itself(void **cm)
{
    rig *r = of(cm);
    r->config.bounce_ms = 3 * RIG_DAY;
    rig_crash(r);
    rig_open(r);
    rig_debtor(r);
    consent(r, "b1", "\"status\":\"suppressed\",\"suppression\":\"bounce\"");
    rig_submit(r, "j1", "");
    rig_settle(r);
    assert_true(rig_due(r, "j1") >= RIG_MONDAY_10H + 3 * RIG_DAY);
    consent(r, "b2", "\"status\":\"suppressed\",\"suppression\":\"legal\"");
    rig_settle(r);
    is_held(r, "j1", "suppressed-legal");
    rig_set(r, RIG_MONDAY_10H + 400 * RIG_DAY);
    rig_submit(r, "j2", "");
    rig_settle(r);
    is_held(r, "j2", "suppressed-legal");
}

static void a_leaked_or_unverified_address_is_not_used(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    consent(r, "u1", "\"status\":\"suppressed\",\"suppression\":\"unverified\"");
    rig_submit(r, "j1", "");
    rig_settle(r);
    is_held(r, "j1", "address-unverified");
    consent(r, "u2", "\"status\":\"lifted\",\"suppression\":\"unverified\"");
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'P');
    consent(r, "l1", "\"status\":\"suppressed\",\"suppression\":\"leaked\"");
    rig_settle(r);
    is_held(r, "j1", "address-leaked");
}

static void hours_the_debtor_stated_are_kept(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_tell(r, VERB_HOURS,
             "{\"id\":\"w1\",\"debtor\":\"d1\",\"hours\":\"mondays\",\"state\":\"set\",\"use\":"
             "\"never\",\"days\":[\"mon\"],\"from\":\"00:00\",\"to\":\"24:00\",\"by\":\"ann\"}");
    rig_tell(r, VERB_HOURS,
             "{\"id\":\"w2\",\"debtor\":\"d1\",\"hours\":\"late\",\"state\":\"set\",\"use\":"
             "\"only\",\"from\":\"15:00\",\"to\":\"19:00\",\"by\":\"ann\"}");
    rig_submit(r, "j1", "");
    rig_settle(r);
    int64_t tuesday_15h = RIG_MONDAY_10H + RIG_DAY + 5 * RIG_HOUR;
    assert_true(rig_due(r, "j1") >= tuesday_15h && rig_due(r, "j1") < tuesday_15h + 4 * RIG_HOUR);
    rig_tell(r, VERB_HOURS,
             "{\"id\":\"w3\",\"debtor\":\"d1\",\"hours\":\"mondays\",\"state\":\"released\","
             "\"by\":\"ann\"}");
    rig_tell(r, VERB_HOURS,
             "{\"id\":\"w4\",\"debtor\":\"d1\",\"hours\":\"late\",\"state\":\"released\","
             "\"by\":\"ann\"}");
    rig_submit(r, "j2", "");
    rig_settle(r);
    assert_int_equal(rig_due(r, "j2"), RIG_MONDAY_10H);
}

static gw_code apply(rig *r, const char *text, bool *ret_changed)
{
    const windows_act act = {GW_STR("ann"), GW_STR("operator"), GW_STR("test"),
                             gw_clock_now(r->clock)};
    return windows_apply(r->store, "test", gw_str_of(text), &act, r->arena, ret_changed, &r->err);
}

static void windows_of_the_house_hold_at_once_and_a_bad_file_changes_nothing(void **cm)
{
    static const char mornings[] =
        "{\"format\":1,\"windows\":[{\"id\":\"a\",\"source\":\"erp\",\"channel\":\"email\","
        "\"days\":[\"wed\"],\"from\":\"09:00\",\"to\":\"11:00\"}]}";
    rig *r = of(cm);
    bool changed = false;
    rig_debtor(r);
    assert_int_equal(apply(r, mornings, &changed), GW_OK);
    assert_true(changed);
    rig_crash(r);
    rig_open(r); /* a gateway that starts now, or looks again after a second */
    rig_submit(r, "j1", "");
    rig_settle(r);
    int64_t wednesday_9h = RIG_MONDAY_10H + 2 * RIG_DAY - RIG_HOUR;
    assert_true(rig_due(r, "j1") >= wednesday_9h && rig_due(r, "j1") < wednesday_9h + 2 * RIG_HOUR);
    assert_int_equal(apply(r, mornings, &changed), GW_OK);
    assert_false(changed);
    assert_int_equal(apply(r, "{\"format\":1,\"windows\":[{\"id\":\"a\"}]}", &changed), GW_EINVAL);
    state_hash control;
    assert_int_equal(state_control_get(r->store, r->arena, &control, &r->err), GW_OK);
    assert_non_null(strstr(windows_in_force(&control).p, "\"by\":\"ann\""));
    assert_non_null(strstr(windows_in_force(&control).p, "09:00"));
}

static void windows_nobody_can_read_open_nothing(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    assert_int_equal(
        state_control_set(r->store, GW_STR(WINDOWS_FIELD), GW_STR("{\"hash\":1}"), &r->err), GW_OK);
    rig_crash(r);
    rig_open(r);
    rig_submit(r, "j1", "");
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'H');
}

static void a_contact_in_the_role_of_a_third_party_is_refused(void **cm)
{
    rig *r = of(cm);
    third_party *list;
    assert_int_equal(third_party_parse("t", GW_STR("{\"format\":1,\"roles\":[\"finance head\"]}"),
                                       &list, &r->err),
                     GW_OK);
    r->config.third_parties = list;
    rig_crash(r);
    rig_open(r);
    rig_debtor(r);
    rig_submit(r, "j1", ",\"to\":\"finance_head\"");
    rig_submit(r, "j2", "");
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'R');
    assert_string_equal(rig_field(r, "j1", "why"), "third-party");
    assert_int_equal(rig_state(r, "j2"), 'P');
    rig_crash(r);
    r->config.third_parties = NULL;
    rig_open(r);
    third_party_free(list);
}

static void holds_are_listed_with_who_and_why_until_they_are_released(void **cm)
{
    rig *r = of(cm);
    query *q = NULL;
    json_doc body;
    rig_debtor(r);
    rig_tell(r, VERB_HOLD,
             "{\"id\":\"h1\",\"debtor\":\"d1\",\"kind\":\"minor\",\"state\":\"set\",\"by\":\"ann\","
             "\"reason\":\"is seventeen\"}");
    rig_tell(
        r, VERB_HOLD,
        "{\"id\":\"h2\",\"debtor\":\"d1\",\"kind\":\"review\",\"state\":\"set\",\"by\":\"ann\"}");
    rig_tell(r, VERB_HOLD,
             "{\"id\":\"h3\",\"debtor\":\"d1\",\"kind\":\"review\",\"state\":\"released\",\"by\":"
             "\"ann\",\"reason\":\"read it\"}");
    assert_int_equal(query_new(&r->config, r->d, &q, &r->err), GW_OK);
    assert_int_equal(json_parse(GW_STR("{\"what\":\"holds\"}"), r->arena, &body, &r->err), GW_OK);
    const intake_ask ask = {.verb = VERB_QUERY,
                            .role = ZAP_OPERATOR,
                            .who = GW_STR("ann"),
                            .body = &body,
                            .now = gw_clock_now(r->clock),
                            .store = r->store,
                            .arena = r->arena};
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, 65536);
    assert_int_equal(query_answer(q, &ask, &out, &r->err), GW_OK);
    assert_non_null(strstr(out.data, "\"kind\":\"minor\""));
    assert_non_null(strstr(out.data, "\"reason\":\"is seventeen\""));
    assert_null(strstr(out.data, "review"));
    query_free(q);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(an_opt_out_holds_everything_else_and_is_itself_confirmed_once),
        RIG_TEST(a_confirmation_goes_at_night_but_not_after_five_minutes),
        RIG_TEST(a_withdrawal_about_one_debt_leaves_the_others_alone),
        RIG_TEST(suppressed_addresses_hold_and_a_bounce_lets_go_by_itself),
        RIG_TEST(a_leaked_or_unverified_address_is_not_used),
        RIG_TEST(hours_the_debtor_stated_are_kept),
        RIG_TEST(windows_of_the_house_hold_at_once_and_a_bad_file_changes_nothing),
        RIG_TEST(windows_nobody_can_read_open_nothing),
        RIG_TEST(a_contact_in_the_role_of_a_third_party_is_refused),
        RIG_TEST(holds_are_listed_with_who_and_why_until_they_are_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
