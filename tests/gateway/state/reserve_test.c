/* An id is one debtor's, whichever shard the debtor lives in. */
#include "tests/gateway/state/fixture.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static state_use use(uint64_t id, uint64_t did)
{
    return (state_use){id_of(id), id_of(did)};
}

static state_reserved reserve_one(fixture *f, state_use u)
{
    state_reserved got;
    assert_ok(f, state_reserve(f->s, &u, 1, &got, &f->err));
    return got;
}

static void an_id_stays_with_the_first_debtor_that_used_it(void **cm)
{
    fixture *f = *cm;
    assert_int_equal(reserve_one(f, use(1, 100)), STATE_RESERVED);
    size_t n;
    char *before = snapshot(f, &n);
    assert_int_equal(reserve_one(f, use(1, 100)), STATE_ITS_OWN);
    assert_int_equal(reserve_one(f, use(1, 101)), STATE_TAKEN);
    assert_unchanged(f, before, n);
    assert_int_equal(reserve_one(f, use(2, 101)), STATE_RESERVED);
}

static void of_two_debtors_in_one_batch_the_first_gets_the_id(void **cm)
{
    fixture *f = *cm;
    const state_use uses[] = {use(1, 100), use(1, 101), use(1, 100), use(2, 101)};
    static const state_reserved want[] = {STATE_RESERVED, STATE_TAKEN, STATE_ITS_OWN,
                                          STATE_RESERVED};
    state_reserved got[4];
    assert_ok(f, state_reserve(f->s, uses, 4, got, &f->err));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(got[i], want[i]);
    assert_int_equal(reserve_one(f, use(1, 101)), STATE_TAKEN);
}

static void a_register_of_many_ids_answers_in_order_and_survives_a_crash(void **cm)
{
    fixture *f = *cm;
    enum { IDS = 9000 };
    static state_use uses[IDS];
    static state_reserved got[IDS];
    for (uint64_t i = 0; i < IDS; i++)
        uses[i] = use(i, 20000 + i % 7);
    assert_ok(f, state_reserve(f->s, uses, IDS, got, &f->err));
    for (size_t i = 0; i < IDS; i++)
        assert_int_equal(got[i], STATE_RESERVED);
    redis_server_kill(f->redis);
    assert_true(redis_server_restart(f->redis));
    for (uint64_t i = 0; i < IDS; i += 2)
        uses[i].did = id_of(30000);
    assert_ok(f, state_reserve(f->s, uses, IDS, got, &f->err));
    for (size_t i = 0; i < IDS; i++)
        assert_int_equal(got[i], i % 2 ? STATE_ITS_OWN : STATE_TAKEN);
}

/* ---- and jobs ---- */

static uint64_t stored_jobs(fixture *f)
{
    uint64_t by_state[128], outbox;
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    assert_int_equal(by_state['A'], outbox);
    return outbox;
}

static void a_job_of_another_debtor_under_a_known_id_is_not_stored(void **cm)
{
    fixture *f = *cm;
    state_job first = job_of(1, 0, "x"), other = first, neighbour = first;
    first.did = id_in(3, 1);
    other.did = id_in(4, 1);
    neighbour.did = id_in(3, 2);
    assert_int_equal(accept_one(f, first, 1, OUTBOX_MAX).code, STATE_ACCEPTED);
    size_t n;
    char *before = snapshot(f, &n);
    assert_int_equal(accept_one(f, other, 2, OUTBOX_MAX).code, STATE_ELSEWHERE);
    assert_int_equal(accept_one(f, neighbour, 2, OUTBOX_MAX).code, STATE_ELSEWHERE);
    assert_unchanged(f, before, n);
    assert_int_equal(accept_one(f, first, 2, OUTBOX_MAX).code, STATE_DUPLICATE);
}

static void a_batch_that_uses_an_id_twice_stores_it_once_and_the_rest_all_the_same(void **cm)
{
    fixture *f = *cm;
    state_job jobs[] = {job_of(1, 100, "x"), job_of(1, 101, "x"), job_of(2, 101, "x"),
                        job_of(1, 100, "x")};
    static const state_accept_code want[] = {STATE_ACCEPTED, STATE_ELSEWHERE, STATE_ACCEPTED,
                                             STATE_DUPLICATE};
    state_accepted got[4];
    assert_ok(f, state_accept(f->s, jobs, 4, (gw_wall){1}, OUTBOX_MAX, f->arena, got, &f->err));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(got[i].code, want[i]);
    assert_int_equal(stored_jobs(f), 2);
}

static void a_job_refused_for_want_of_room_leaves_its_id_free(void **cm)
{
    fixture *f = *cm;
    state_job first = job_of(1, 0, "x"), second = job_of(2, 0, "x");
    first.did = second.did = id_in(3, 1);
    assert_int_equal(accept_one(f, first, 1, 1).code, STATE_ACCEPTED);
    assert_int_equal(accept_one(f, second, 1, 1).code, STATE_BUSY);
    second.did = id_in(4, 1);
    assert_int_equal(accept_one(f, second, 1, 1).code, STATE_ACCEPTED);
}

/* A gateway dies when the id is reserved and the job not stored. */
static void a_death_before_the_job_is_stored_leaves_its_id_to_its_debtor(void **cm)
{
#ifndef DUNLIN_CRASH_POINTS
    (void)cm;
    skip();
#else
    fixture *f = *cm;
    state_job job = job_of(1, 100, "x"), other = job_of(1, 101, "x");
    state_config config = {.unix_socket = redis_server_socket(f->redis)};
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        state *s;
        state_accepted got;
        setenv("DUNLIN_CRASH_AT", "accept-after-reserve", 1);
        if (state_open(&config, &s, NULL) == GW_OK &&
            state_accept(s, &job, 1, (gw_wall){1}, OUTBOX_MAX, f->arena, &got, NULL) == GW_OK)
            _exit(0);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(stored_jobs(f), 0);
    assert_int_equal(accept_one(f, other, 2, OUTBOX_MAX).code, STATE_ELSEWHERE);
    assert_int_equal(stored_jobs(f), 0);
    assert_int_equal(accept_one(f, job, 2, OUTBOX_MAX).code, STATE_ACCEPTED);
    assert_int_equal(accept_one(f, job, 3, OUTBOX_MAX).code, STATE_DUPLICATE);
    assert_int_equal(stored_jobs(f), 1);
#endif
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        T(an_id_stays_with_the_first_debtor_that_used_it),
        T(of_two_debtors_in_one_batch_the_first_gets_the_id),
        T(a_register_of_many_ids_answers_in_order_and_survives_a_crash),
        T(a_job_of_another_debtor_under_a_known_id_is_not_stored),
        T(a_batch_that_uses_an_id_twice_stores_it_once_and_the_rest_all_the_same),
        T(a_job_refused_for_want_of_room_leaves_its_id_free),
        T(a_death_before_the_job_is_stored_leaves_its_id_to_its_debtor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
