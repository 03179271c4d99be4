/* The way of a reminder through a real store, real sockets and a real evidence folder. */
#include "tests/gateway/dispatch/rig.h"

#include <string.h>

static rig *of(void **cm)
{
    return *cm;
}

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

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(a_job_is_planned_claimed_made_durable_sent_and_booked_in_that_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
