#include "tests/gateway/state/fixture.h"

#include <stdio.h>
#include <string.h>

static void an_accepted_job_is_stored_listed_due_counted_and_told(void **cm)
{
    fixture *f = *cm;
    state_job job = job_of(1, 2, "{\"id\":\"job-1\"}");
    state_accepted got = accept_one(f, job, 1000, OUTBOX_MAX);
    assert_int_equal(got.code, STATE_ACCEPTED);
    assert_int_equal(got.accepted_ms, 1000);

    uint8_t shard = state_shard(&job.did);
    state_hash h = load_reminder(f, shard, &job.rid);
    assert_int_equal(h.version, 1);
    static const struct {
        const char *name, *value;
    } fields[] = {{"s", "A"},      {"k", "j"},        {"src", "erp"},
                  {"deb", "d-1"},  {"cas", "case-1"}, {"job", "job-1"},
                  {"ch", "email"}, {"at", "1000"},    {"b", "{\"id\":\"job-1\"}"}};
    for (size_t i = 0; i < GW_COUNT(fields); i++)
        assert_true(gw_str_is(state_get(&h, fields[i].name), fields[i].value));
    gw_id did;
    assert_ok(f, gw_id_parse(state_get(&h, "did"), &did, &f->err));
    assert_memory_equal(&did, &job.did, sizeof did);

    state_ref *refs;
    size_t n;
    char cursor[STATE_CURSOR_TEXT];
    assert_ok(f, state_list(f->s, &(state_list_query){.did = &job.did}, "", 5, f->arena, &refs, &n,
                            cursor, &f->err));
    assert_int_equal(n, 1);
    assert_memory_equal(&refs[0].rid, &job.rid, sizeof job.rid);

    uint8_t mask[STATE_SHARDS];
    memset(mask, 1, sizeof mask);
    state_due_entry *due;
    assert_ok(f, state_due(f->s, mask, 'a', (gw_wall){1000}, 10, f->arena, &due, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(due[0].shard, shard);
    assert_int_equal(due[0].kind, 'r');
    assert_int_equal(due[0].score, 0);
    assert_memory_equal(&due[0].id, &job.rid, sizeof job.rid);

    uint64_t by_state[128], outbox;
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    assert_int_equal(by_state['A'], 1);
    assert_int_equal(outbox, 1);
}

static void an_accepted_job_survives_a_crash_of_the_store(void **cm)
{
    fixture *f = *cm;
    enum { JOBS = 500 };
    state_job jobs[JOBS];
    state_accepted got[JOBS];
    for (size_t i = 0; i < JOBS; i++)
        jobs[i] = job_of(i, 1000 + i, "{\"n\":1}");
    assert_ok(f, state_accept(f->s, jobs, JOBS, (gw_wall){5}, OUTBOX_MAX, f->arena, got, &f->err));
    redis_server_kill(f->redis);
    assert_true(redis_server_restart(f->redis));
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(got[i].code, STATE_ACCEPTED);
        assert_int_equal(load_reminder(f, state_shard(&jobs[i].did), &jobs[i].rid).version, 1);
    }
    uint64_t by_state[128], outbox;
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    assert_int_equal(by_state['A'], JOBS);
    assert_int_equal(outbox, JOBS);
}

static void the_same_job_again_gets_the_first_receipt_time(void **cm)
{
    fixture *f = *cm;
    state_job job = job_of(1, 2, "{\"a\":1}");
    accept_one(f, job, 1000, OUTBOX_MAX);
    size_t n;
    char *before = snapshot(f, &n);
    state_accepted got = accept_one(f, job, 9999, OUTBOX_MAX);
    assert_int_equal(got.code, STATE_DUPLICATE);
    assert_int_equal(got.accepted_ms, 1000);
    assert_unchanged(f, before, n);
}

static void another_body_under_the_same_id_is_shown_the_stored_one(void **cm)
{
    fixture *f = *cm;
    accept_one(f, job_of(1, 2, "{\"a\":1}"), 1000, OUTBOX_MAX);
    size_t n;
    char *before = snapshot(f, &n);
    state_accepted got = accept_one(f, job_of(1, 2, "{\"a\":2}"), 9999, OUTBOX_MAX);
    assert_int_equal(got.code, STATE_DIFFERENT);
    assert_int_equal(got.accepted_ms, 1000);
    assert_true(gw_str_is(got.stored_body, "{\"a\":1}"));
    assert_unchanged(f, before, n);
}

static void repeats_inside_one_batch_are_seen(void **cm)
{
    fixture *f = *cm;
    state_job jobs[] = {job_of(1, 2, "x"), job_of(1, 2, "x"), job_of(1, 2, "y"), job_of(3, 2, "z")};
    state_accepted got[4];
    assert_ok(f, state_accept(f->s, jobs, 4, (gw_wall){7}, OUTBOX_MAX, f->arena, got, &f->err));
    assert_int_equal(got[0].code, STATE_ACCEPTED);
    assert_int_equal(got[1].code, STATE_DUPLICATE);
    assert_int_equal(got[2].code, STATE_DIFFERENT);
    assert_true(gw_str_is(got[2].stored_body, "x"));
    assert_int_equal(got[3].code, STATE_ACCEPTED);
    uint64_t by_state[128], outbox;
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    assert_int_equal(by_state['A'], 2);
    assert_int_equal(outbox, 2);
}

static void a_full_outbox_answers_busy_and_changes_nothing(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_in(9, 1);
    for (uint64_t i = 0; i < 3; i++) {
        state_job job = job_of(i, 0, "x");
        job.did = did;
        assert_int_equal(accept_one(f, job, 1, 3).code, STATE_ACCEPTED);
    }
    size_t n;
    char *before = snapshot(f, &n);
    state_job fourth = job_of(4, 0, "x"), first = job_of(0, 0, "x");
    fourth.did = first.did = did;
    assert_int_equal(accept_one(f, fourth, 2, 3).code, STATE_BUSY);
    assert_unchanged(f, before, n);
    /* what is there already can still be asked for */
    assert_int_equal(accept_one(f, first, 2, 3).code, STATE_DUPLICATE);
    /* other shards are not held up */
    state_job elsewhere = job_of(5, 0, "x");
    elsewhere.did = id_in(10, 1);
    assert_int_equal(accept_one(f, elsewhere, 2, 3).code, STATE_ACCEPTED);
}

static void a_batch_larger_than_the_room_is_accepted_up_to_the_bound(void **cm)
{
    fixture *f = *cm;
    state_job jobs[5];
    state_accepted got[5];
    for (uint64_t i = 0; i < 5; i++) {
        jobs[i] = job_of(i, 0, "x");
        jobs[i].did = id_in(3, 1);
    }
    assert_ok(f, state_accept(f->s, jobs, 5, (gw_wall){1}, 3, f->arena, got, &f->err));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(got[i].code, i < 3 ? STATE_ACCEPTED : STATE_BUSY);
}

static void answers_come_in_the_order_of_the_jobs_whatever_their_shards(void **cm)
{
    fixture *f = *cm;
    enum { JOBS = 3000 };
    static state_job jobs[JOBS];
    static state_accepted got[JOBS];
    static char body[JOBS][32];
    for (size_t i = 0; i < JOBS; i++) {
        snprintf(body[i], sizeof body[i], "body %zu", i);
        jobs[i] = job_of(i, 10000 + i, body[i]);
    }
    for (size_t i = 0; i < JOBS; i += 3) /* every third is known already, with another body */
        accept_one(f, job_of(i, 10000 + i, "other"), (int64_t)i, OUTBOX_MAX);
    assert_ok(f, state_accept(f->s, jobs, JOBS, (gw_wall){5}, OUTBOX_MAX, f->arena, got, &f->err));
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(got[i].code, i % 3 ? STATE_ACCEPTED : STATE_DIFFERENT);
        assert_int_equal(got[i].accepted_ms, i % 3 ? 5 : (int64_t)i);
        gw_str b = reminder_field(f, state_shard(&jobs[i].did), &jobs[i].rid, "b");
        assert_true(gw_str_is(b, i % 3 ? body[i] : "other"));
        gw_arena_reset(f->arena);
    }
}

static void a_body_over_its_limit_is_refused_before_anything_is_sent(void **cm)
{
    fixture *f = *cm;
    char *big = calloc(1, STATE_BODY_MAX + 1);
    assert_non_null(big);
    state_job job = job_of(1, 2, "");
    job.body = (gw_str){big, STATE_BODY_MAX + 1};
    state_accepted got;
    size_t n;
    char *before = snapshot(f, &n);
    assert_int_equal(state_accept(f->s, &job, 1, (gw_wall){1}, OUTBOX_MAX, f->arena, &got, &f->err),
                     GW_ELIMIT);
    assert_non_null(strstr(f->err.text, "body"));
    assert_unchanged(f, before, n);
    job.body.n = STATE_BODY_MAX;
    assert_int_equal(accept_one(f, job, 1, OUTBOX_MAX).code, STATE_ACCEPTED);
    free(big);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        T(an_accepted_job_is_stored_listed_due_counted_and_told),
        T(an_accepted_job_survives_a_crash_of_the_store),
        T(the_same_job_again_gets_the_first_receipt_time),
        T(another_body_under_the_same_id_is_shown_the_stored_one),
        T(repeats_inside_one_batch_are_seen),
        T(a_full_outbox_answers_busy_and_changes_nothing),
        T(a_batch_larger_than_the_room_is_accepted_up_to_the_bound),
        T(answers_come_in_the_order_of_the_jobs_whatever_their_shards),
        T(a_body_over_its_limit_is_refused_before_anything_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
