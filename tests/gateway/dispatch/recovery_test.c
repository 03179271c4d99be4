/* What survives: workers, gateways and the store die at every step, and nobody is contacted twice.
 */
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

static rig *of(void **cm)
{
    return *cm;
}

static void claimed(rig *r, rig_task *t)
{
    rig_job_and_worker(r);
    rig_expect_task(r, 0, t);
}

static void sending(rig *r, rig_task *t)
{
    claimed(r, t);
    rig_send_intent(r, 0, t);
    assert_int_equal(rig_expect(r, 0, t), WIRE_GO);
}

/* Start again with other times; what was open is closed politely. */
static void again_with(rig *r, int silence_ms, int grace_ms)
{
    dispatch_close(r->d);
    r->d = NULL;
    r->config.silence_ms = silence_ms;
    r->config.grace_ms = grace_ms;
    rig_open(r);
}

/* Turns, with time passing between them. */
static void until(rig *r, const char *job, char letter)
{
    enum { STEP_MS = 10, TURNS = 2000 };
    for (int i = 0; rig_state(r, job) != letter; i++) {
        rig_turn(r);
        gw_mono_skip(STEP_MS);
        if (i == TURNS)
            fail_msg("%s is %c, not %c", job, rig_state(r, job), letter);
    }
}

/* ---- workers ---- */

/* A provider's rate is kept by the process that sends; two of them would send twice as fast. */
static void one_worker_that_keeps_a_rate_works_and_the_next_takes_over_when_it_is_gone(void **cm)
{
    rig *r = of(cm);
    rig_task t, none;
    rig_debtor(r);
    rig_join_alone(r, "email", 0, 1);
    rig_settle(r);
    rig_join_alone(r, "email", 1, 4);
    rig_settle(r);
    rig_submit(r, "j1", "");
    rig_submit(r, "j2", "");
    rig_expect_task(r, 0, &t);
    assert_false(rig_try_task(r, 1, &none)); /* though it has credit and the first has none left */
    rig_join_alone(r, "email", 1, 4);        /* saying it again does not change whose turn it is */
    assert_false(rig_try_task(r, 1, &none));
    rig_leave(r, 0);
    bool taken = false;
    for (int i = 0; i < 4000 && !taken; i++) {
        gw_mono_skip(100);
        taken = rig_poll_task(r, 1, &t);
    }
    assert_true(taken);
}

static void a_worker_lost_before_the_intent_leaves_the_task_to_another(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    again_with(r, 150, 100);
    claimed(r, &t);
    rig_leave(r, 0);
    until(r, "j1", 'P');
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
    rig_join(r, 1, 4);
    rig_deliver(r, 1, &other);
    assert_int_equal(other.attempt, 2);
    assert_string_not_equal(other.tok, t.tok);
    assert_string_equal(other.message_id, t.message_id);
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-Plan x-AttemptIntent RelayToNonERDS");
}

static void a_worker_lost_after_go_leaves_it_unknown_and_it_is_never_sent_again(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    again_with(r, 150, 100);
    sending(r, &t);
    rig_leave(r, 0);
    until(r, "j1", 'U');
    rig_join(r, 1, 4);
    rig_set(r, RIG_MONDAY_10H + RIG_DAY);
    assert_false(rig_try_task(r, 1, &t));
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-AttemptIntent x-AttemptUnknown");
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void a_zombies_late_outcome_turns_unknown_into_delivered(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    again_with(r, 150, 100);
    sending(r, &t);
    r->workers[0].beating = false; /* alive, but silent */
    until(r, "j1", 'U');
    r->workers[0].beating = true;
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'D');
}

static void a_zombies_late_intent_gets_no_go(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    again_with(r, 150, 100);
    claimed(r, &t);
    r->workers[0].beating = false;
    until(r, "j1", 'P');
    rig_join(r, 1, 4);
    rig_expect_task(r, 1, &other);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    rig_send_intent(r, 1, &other);
    assert_int_equal(rig_expect(r, 1, &other), WIRE_GO);
}

static void until_workers(rig *r, size_t n)
{
    dispatch_status s;
    do {
        rig_turn(r);
        dispatch_get_status(r->d, &s);
    } while (s.worker_n != n);
}

/* The boots of the heartbeats that lie in a worker's socket, joined by blanks. */
static void boots_heard(rig *r, int which, char *ret, size_t cap)
{
    char frames[3][512];
    ret[0] = '\0';
    for (;;) {
        int n = 0;
        int more = 1;
        for (int i = 0; more; i++) {
            size_t size = sizeof more;
            n = zmq_recv(r->workers[which].socket, frames[i % 3], sizeof frames[0] - 1,
                         ZMQ_DONTWAIT);
            if (n < 0)
                return;
            frames[i % 3][n] = '\0';
            zmq_getsockopt(r->workers[which].socket, ZMQ_RCVMORE, &more, &size);
        }
        wire_header h;
        if (strcmp(frames[1], "HEARTBEAT") == 0 &&
            wire_decode(GW_STR("HEARTBEAT"), gw_str_of(frames[2]), r->arena, &h, &r->err) == GW_OK)
            snprintf(ret + strlen(ret), cap - strlen(ret), "%.*s ", GW_STR_ARG(h.heartbeat.boot));
    }
}

static void a_worker_that_was_silent_is_asked_to_say_ready_again(void **cm)
{
    rig *r = of(cm);
    char boots[512];
    again_with(r, 150, 100);
    rig_join(r, 0, 4);
    until_workers(r, 1);
    r->workers[0].beating = false;
    until_workers(r, 0);
    boots_heard(r, 0, boots, sizeof boots);
    assert_null(strstr(boots, "nobody"));
    r->workers[0].beating = true;
    do {
        rig_turn(r);
        boots_heard(r, 0, boots, sizeof boots);
    } while (!strstr(boots, "nobody"));
    assert_true(strlen(strstr(boots, "nobody")) > strlen("nobody ")); /* then the real one */
}

static void a_worker_that_hung_up_is_not_tried_again_and_again(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_join(r, 0, 4); /* the rig's patience with silent workers is a minute */
    until_workers(r, 1);
    rig_leave(r, 0);
    rig_submit(r, "j1", "");
    until_workers(r, 0);
    rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'P');
    int attempts = atoi(rig_field(r, "j1", "n"));
    assert_in_range(attempts, 1, 2);
}

static void a_job_that_kills_its_workers_is_parked(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    again_with(r, 150, 100);
    rig_debtor(r);
    rig_submit(r, "j1", "");
    for (int i = 0; i < 3; i++) {
        rig_join(r, i, 4);
        rig_expect_task(r, i, &t);
        rig_leave(r, i);
        until(r, "j1", 'P');
        rig_set(r, rig_due(r, "j1"));
    }
    rig_join(r, 3, 4);
    assert_false(rig_try_task(r, 3, &t));
    assert_int_equal(rig_state(r, "j1"), 'Q');
    rig_submit(r, "j2", "");
    rig_deliver(r, 3, &t); /* the others are not affected */
}

/* ---- gateways ---- */

static void a_gateway_killed_after_go_learns_the_outcome_from_the_living_worker(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    sending(r, &t);
    rig_crash(r);
    rig_open(r);
    rig_join(r, 0, 4);
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-AttemptIntent RelayToNonERDS");
}

static void a_gateway_killed_after_go_whose_worker_died_too_leaves_it_unknown(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    sending(r, &t);
    rig_leave(r, 0);
    rig_crash(r);
    r->config.grace_ms = 100;
    rig_open(r);
    until(r, "j1", 'U');
}

static void an_intent_whose_go_never_came_is_planned_again_at_once_and_spends_no_try(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    sending(r, &t); /* as far as the gateway knows */
    rig_crash(r);
    rig_open(r);
    rig_join(r, 0, 4);
    rig_say_no_go(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_string_equal(rig_field(r, "j1", "ft"), "");
    rig_deliver(r, 0, &other);
    assert_int_equal(other.attempt, 2);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
    assert_string_equal(rig_records(r, "j1"), "SubmissionAcceptance x-Plan x-AttemptIntent "
                                              "RelayToNonERDSFailure x-AttemptIntent "
                                              "RelayToNonERDS");
}

static void what_is_said_of_an_earlier_attempt_is_on_record_as_that_one(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    claimed(r, &t);
    rig_crash(r);
    rig_open(r);
    until(r, "j1", 'P');
    rig_join(r, 0, 4);
    rig_expect_task(r, 0, &other);
    rig_say_no_go(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_string_equal(rig_attempts(r, "j1", "RelayToNonERDSFailure"), "1");
    rig_send_intent(r, 0, &other);
    assert_int_equal(rig_expect(r, 0, &other), WIRE_GO);
    assert_string_equal(rig_attempts(r, "j1", "x-AttemptIntent"), "2");
}

static void a_gateway_killed_before_the_intent_plans_the_task_again(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    claimed(r, &t);
    rig_crash(r);
    rig_open(r);
    until(r, "j1", 'P');
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 0);
    rig_send_intent(r, 0, &t); /* the worker did not notice */
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    rig_join(r, 0, 4);
    rig_deliver(r, 0, &other);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void the_movable_clock_waits_for_what_a_dead_gateway_had_in_hand(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    walk_state w;
    rig_record(r);
    claimed(r, &t);
    rig_crash(r);
    rig_lease_to(r, "dead", INT64_C(4102444800000)); /* its shards are nobody else's yet */
    rig_open(r);
    assert_int_equal(clock_walk_to(r->walk, (gw_wall){RIG_MONDAY_10H + RIG_DAY}, &r->err), GW_OK);
    do {
        rig_turn(r);
        clock_walk_get(r->walk, &w);
    } while (w.waiting_for == WALK_STORE || w.waiting_for == WALK_OUTBOX);
    assert_string_equal(walk_waiting_name(w.waiting_for), "in-flight");
    assert_int_equal(w.now.ms, RIG_MONDAY_10H);
    rig_lease_to(r, "dead", 0);
    until(r, "j1", 'P');
}

/* Two gateways; the second takes the shards while the first still believes it has them. */
static void a_gateway_that_lost_its_shards_can_change_nothing(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    gw_id thief;
    uint64_t fence[STATE_SHARDS];
    r->config.lease_ms = 3000;
    dispatch_close(r->d);
    rig_open(r);
    claimed(r, &t);
    gw_id_random(&thief);
    rig_lease_to(r, "nobody", 0);
    assert_int_equal(state_lease(r->store, &thief, 60000, fence, &r->err), GW_OK);
    assert_true(fence[0] > 0);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j1"), 'C'); /* the new owner's to recover */
    assert_int_equal(state_release(r->store, &thief, &r->err), GW_OK);
    gw_mono_skip(r->config.lease_ms / 2); /* it asks for them again */
    rig_deliver(r, 0, &t);
    assert_int_equal(t.attempt, 2);
}

/* ---- the store ---- */

static void a_lost_store_stops_sending_and_its_return_resumes(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    claimed(r, &t);
    redis_server_kill(r->redis);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_true(redis_server_restart(r->redis));
    rig_deliver(r, 0, &t);
    assert_int_equal(t.attempt, 2);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void an_outcome_that_met_a_dead_store_is_booked_when_it_is_back(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    sending(r, &t);
    redis_server_kill(r->redis);
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    for (int i = 0; i < 50; i++)
        rig_turn(r);
    assert_true(redis_server_restart(r->redis));
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_string_equal(rig_records(r, "j1"),
                        "SubmissionAcceptance x-Plan x-AttemptIntent RelayToNonERDS");
}

/* The answer is lost, not the write: the store is stopped while the call is under way. */
static void an_intent_whose_answer_was_lost_is_not_sent_and_not_lost(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    dispatch_close(r->d);
    r->config.state.timeout_ms = 300;
    rig_open(r);
    claimed(r, &t);
    rig_send_intent(r, 0, &t);
    redis_server_stop(r->redis);
    for (int i = 0; i < 5; i++)
        rig_turn(r);
    redis_server_continue(r->redis);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    rig_deliver(r, 0, &other);
    assert_int_equal(other.attempt, 2);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void an_intent_that_comes_while_the_store_rests_is_answered_at_once(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_task other;
    dispatch_close(r->d);
    r->config.state.timeout_ms = 300;
    rig_open(r);
    claimed(r, &t);
    redis_server_stop(r->redis);
    rig_turn(r); /* another question to the store times out before the intent is here */
    rig_send_intent(r, 0, &t);
    rig_turn(r);
    redis_server_continue(r->redis);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    rig_deliver(r, 0, &other);
    assert_int_equal(other.attempt, 2);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(a_worker_lost_before_the_intent_leaves_the_task_to_another),
        promise(a_worker_lost_after_go_leaves_it_unknown_and_it_is_never_sent_again),
        promise(a_zombies_late_outcome_turns_unknown_into_delivered),
        promise(a_zombies_late_intent_gets_no_go),
        promise(a_worker_that_was_silent_is_asked_to_say_ready_again),
        promise(a_worker_that_hung_up_is_not_tried_again_and_again),
        promise(a_job_that_kills_its_workers_is_parked),
        promise(a_gateway_killed_after_go_learns_the_outcome_from_the_living_worker),
        promise(a_gateway_killed_after_go_whose_worker_died_too_leaves_it_unknown),
        promise(an_intent_whose_go_never_came_is_planned_again_at_once_and_spends_no_try),
        promise(what_is_said_of_an_earlier_attempt_is_on_record_as_that_one),
        promise(one_worker_that_keeps_a_rate_works_and_the_next_takes_over_when_it_is_gone),
        promise(a_gateway_killed_before_the_intent_plans_the_task_again),
        promise(the_movable_clock_waits_for_what_a_dead_gateway_had_in_hand),
        promise(a_gateway_that_lost_its_shards_can_change_nothing),
        promise(a_lost_store_stops_sending_and_its_return_resumes),
        promise(an_outcome_that_met_a_dead_store_is_booked_when_it_is_back),
        promise(an_intent_whose_answer_was_lost_is_not_sent_and_not_lost),
        promise(an_intent_that_comes_while_the_store_rests_is_answered_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
