/* Caps over a real store: sliding windows, debts, hours, and one person over several debtors. */
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/person.h"
#include "gateway/dispatch/rebuild.h"
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>

#define NOTE "\"source\":\"test\",\"read\":\"2013-01-01\",\"confidence\":\"house\""

static const char rules_text[] =
    "{\"format\":2,\"id\":\"caps\",\"version\":\"1\",\"title\":\"tests\",\"roles\":[\"company\"],"
    "\"holidays\":null,\"windows\":[{\"channel\":\"email\",\"days\":[\"mon\",\"tue\",\"wed\","
    "\"thu\","
    "\"fri\",\"sat\",\"sun\"],\"from\":\"00:00\",\"to\":\"24:00\"," NOTE "}],"
    "\"caps\":[{\"field\":\"email\",\"max\":2,\"days\":3,\"scope\":\"person\"," NOTE "},"
    "{\"field\":\"email\",\"max\":1,\"hours\":2," NOTE "},"
    "{\"field\":\"email\",\"max\":1,\"days\":7,\"scope\":\"debt\"," NOTE "}],"
    "\"consent\":[{\"channel\":\"email\",\"mode\":\"opt-out\"," NOTE "}]}";

static policy_rules *rules;

static rig *of(void **cm)
{
    rig *r = *cm;
    gw_err err = {0};
    policy_rules_free(rules);
    rules = policy_rules_new();
    if (policy_rules_add_pack(rules, "caps", gw_str_of(rules_text), &err) != GW_OK ||
        policy_rules_seal(rules, &err) != GW_OK)
        fail_msg("%s", err.text);
    rig_crash(r);
    r->config.rules = rules;
    rig_open(r);
    return r;
}

static void tell_debtor(rig *r, const char *debtor, const char *person)
{
    char json[512];
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"name\":\"Debtor GmbH\",\"role\":\"company\",\"zone\":"
             "\"Europe/Berlin\"%s%s%s,\"contacts\":[{\"role\":\"primary\",\"name\":\"Erika\","
             "\"email\":\"erika@debtor.example.test\",\"designated\":true}]}",
             debtor, person ? ",\"person\":\"" : "", person ? person : "", person ? "\"" : "");
    rig_tell_of(r, debtor, VERB_DEBTOR, json);
}

static void submit(rig *r, const char *debtor, const char *id, const char *case_id)
{
    char body[512];
    gw_id rid, did;
    state_accepted verdict;
    gw_arena_reset(r->arena);
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"debtor\":\"%s\",\"channel\":\"email\",\"template\":\"letter\","
             "\"case\":\"%s\"}",
             id, debtor, case_id);
    load_reminder_id(r->id_key, GW_STR("erp"), gw_str_of(id), &rid);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(debtor), &did);
    state_job job = {rid,
                     did,
                     GW_STR("erp"),
                     gw_str_of(debtor),
                     gw_str_of(case_id),
                     gw_str_of(id),
                     GW_STR("email"),
                     gw_str_of(body)};
    assert_int_equal(state_accept(r->store, &job, 1, gw_clock_now(r->clock), 100000, r->arena,
                                  &verdict, &r->err),
                     GW_OK);
    assert_int_equal(verdict.code, STATE_ACCEPTED);
}

static int counted_for(rig *r, const char *person, const char *field)
{
    gw_id id;
    state_debtor found;
    gw_arena_reset(r->arena);
    person_id(r->id_key, gw_str_of(person), &id);
    assert_int_equal(state_load_debtors(r->store, &id, 1, r->arena, &found, &r->err), GW_OK);
    return (int)view_int(state_get(&found.debtor, field), 0);
}

static void advance(rig *r, int64_t hours)
{
    rig_set(r, gw_clock_now(r->clock).ms + hours * RIG_HOUR);
}

/* Six hours at a time until the next one is sent; when that was. */
static int64_t deliver_next(rig *r, int hours)
{
    rig_task t;
    uint64_t before = rig_count(r, 'D');
    for (int i = 0; i < hours; i += 6) {
        advance(r, 6);
        if (!rig_try_task(r, 0, &t))
            continue;
        rig_send_intent(r, 0, &t);
        assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
        rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
        assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
        assert_int_equal(rig_count(r, 'D'), before + 1);
        return gw_clock_now(r->clock).ms;
    }
    fail_msg("nothing was sent in %d hours", hours);
    return 0;
}

static void a_cap_per_hours_and_one_per_debt_slide(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    tell_debtor(r, "d1", NULL);
    submit(r, "d1", "j1", "inv-1");
    submit(r, "d1", "j2", "inv-1");
    submit(r, "d1", "j3", "inv-2");
    rig_join(r, 0, 1);
    rig_deliver(r, 0, &t);
    int64_t first = gw_clock_now(r->clock).ms;
    assert_false(rig_try_task(r, 0, &t));
    int64_t second = deliver_next(r, 48);        /* the other debt, when the hours have passed */
    assert_true(second >= first + 3 * RIG_HOUR); /* whole hours: one more than said */
    assert_int_equal(rig_state(r, "j3"), 'D');
    assert_true((rig_state(r, "j1") == 'P') !=
                (rig_state(r, "j2") == 'P')); /* whichever was first */
    assert_int_equal(rig_cap(r, "c:email:2013-03-04T09"), 1);
    int64_t third = deliver_next(r, 10 * 24); /* a week, counted in local days, after the first */
    assert_true(third >= first + 7 * RIG_DAY - 10 * RIG_HOUR);
    assert_int_equal(rig_count(r, 'D'), 3);
}

static void debtors_that_are_one_person_share_its_cap(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    tell_debtor(r, "d1", "p-1");
    tell_debtor(r, "d2", "p-1");
    tell_debtor(r, "d3", "p-2");
    submit(r, "d1", "j1", "a");
    submit(r, "d2", "j2", "b");
    rig_join(r, 0, 1);
    rig_deliver(r, 0, &t);
    rig_deliver(r, 0, &t);
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 2);
    advance(r, 4);
    submit(r, "d1", "j3", "c");
    submit(r, "d2", "j4", "d");
    submit(r, "d3", "j5", "e");
    rig_deliver(r, 0, &t); /* somebody else */
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 2);
    assert_int_equal(counted_for(r, "p-2", "c:email:2013-03-04"), 1);
    advance(r, 3 * 24);
    rig_deliver(r, 0, &t);
    assert_int_equal(rig_count(r, 'D'), 4);
}

static void what_was_not_sent_gives_the_persons_counter_back(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    tell_debtor(r, "d1", "p-1");
    submit(r, "d1", "j1", "a");
    rig_join(r, 0, 1);
    rig_expect_task(r, 0, &t);
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 1);
    rig_send_outcome(r, 0, &t, WIRE_LATER, 1000);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    rig_settle(r);
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 0);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
}

static void
an_attempt_that_left_after_all_is_counted_again_with_the_person_and_after_a_loss(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    tell_debtor(r, "d1", "p-1");
    submit(r, "d1", "j1", "a");
    rig_join(r, 0, 1);
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_LATER, RIG_HOUR);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 0);
    for (int i = 0; i < 2; i++) { /* said twice, counted once */
        rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
        assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
        assert_int_equal(rig_state(r, "j1"), 'D');
        assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 1);
        assert_int_equal(rig_cap(r, "c:email:2013-03-04T09"), 1);
    }
    rig_log(r);
    rig_lose_store(r);
    rig_leave(r, 0);
    const rebuild_order o = {.evidence_dir = r->paths[0],
                             .tenant_key = r->paths[2],
                             .id_key = r->id_key,
                             .state = r->config.state,
                             .now = gw_clock_now(r->clock)};
    if (rebuild_run(&o, r->ev, &result, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 1);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04T09"), 1);
}

static void of_two_at_once_one_person_gets_no_more_than_its_cap(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    for (int i = 0; i < 6; i++) {
        char debtor[8], job[8], case_id[8];
        snprintf(debtor, sizeof debtor, "d%d", i + 1);
        snprintf(job, sizeof job, "j%d", i + 1);
        snprintf(case_id, sizeof case_id, "c%d", i + 1);
        tell_debtor(r, debtor, "p-1");
        submit(r, debtor, job, case_id);
    }
    rig_join(r, 0, 6); /* credit for all of them in one turn */
    int got = 0;
    while (rig_try_task(r, 0, &t))
        got++;
    assert_int_equal(got, 2);
    assert_int_equal(counted_for(r, "p-1", "c:email:2013-03-04"), 2);
}

static void all_counters_are_made_again_from_the_log_after_a_loss(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    tell_debtor(r, "d1", "p1");
    submit(r, "d1", "j1", "i1");
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &t);
    submit(r, "d1", "j2", "i2");
    rig_settle(r);
    assert_int_equal(counted_for(r, "p1", "c:email:2013-03-04"), 1);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04T09"), 1);
    int64_t due = rig_due(r, "j2");
    rig_log(r);
    rig_lose_store(r);
    rig_leave(r, 0);
    const rebuild_order o = {.evidence_dir = r->paths[0],
                             .tenant_key = r->paths[2],
                             .id_key = r->id_key,
                             .state = r->config.state,
                             .now = gw_clock_now(r->clock)};
    if (rebuild_run(&o, r->ev, &result, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    assert_int_equal(counted_for(r, "p1", "c:email:2013-03-04"), 1);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04T09"), 1);
    rig_open(r);
    rig_settle(r);
    assert_int_equal(rig_due(r, "j2"), due);
}

int main(void)
{
#define promise(test) cmocka_unit_test_setup_teardown(test, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(a_cap_per_hours_and_one_per_debt_slide),
        promise(debtors_that_are_one_person_share_its_cap),
        promise(what_was_not_sent_gives_the_persons_counter_back),
        promise(an_attempt_that_left_after_all_is_counted_again_with_the_person_and_after_a_loss),
        promise(of_two_at_once_one_person_gets_no_more_than_its_cap),
        promise(all_counters_are_made_again_from_the_log_after_a_loss),
    };
    int failed = cmocka_run_group_tests_name("caps", tests, NULL, NULL);
    policy_rules_free(rules);
    return failed;
}
