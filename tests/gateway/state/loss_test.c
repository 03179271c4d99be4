/* What callers see when Redis dies, hangs or refuses. */
#include "tests/gateway/state/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

enum { AGAIN_MS = 5000, SHORT_TIMEOUT_MS = 150 };

static gw_code accept_code(fixture *f, state_job job, state_accepted *ret)
{
    return state_accept(f->s, &job, 1, (gw_wall){1}, OUTBOX_MAX, f->arena, ret, &f->err);
}

/* Until the back-off allows a new connection. */
static void accept_until_it_works(fixture *f, state_job job, state_accepted *ret)
{
    int64_t until = gw_mono_now().ms + AGAIN_MS;
    gw_code rc;
    while ((rc = accept_code(f, job, ret)) == GW_EBUSY && gw_mono_now().ms < until)
        poll(NULL, 0, 2);
    assert_ok(f, rc);
}

static void a_lost_store_is_busy_and_serves_again_without_reopening(void **cm)
{
    fixture *f = *cm;
    state_accepted got;
    accept_one(f, job_of(1, 2, "x"), 1, OUTBOX_MAX);
    redis_server_kill(f->redis);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(accept_code(f, job_of(3, 2, "x"), &got), GW_EBUSY);
        assert_int_equal(got.code, STATE_UNSURE);
        assert_non_null(strstr(f->err.text, "not reachable"));
        uint64_t by_state[128], outbox;
        assert_int_equal(state_counts(f->s, by_state, &outbox, &f->err), GW_EBUSY);
    }
    assert_true(redis_server_restart(f->redis));
    accept_until_it_works(f, job_of(3, 2, "x"), &got);
    assert_int_equal(got.code, STATE_ACCEPTED);
    assert_int_equal(accept_one(f, job_of(1, 2, "x"), 9, OUTBOX_MAX).code, STATE_DUPLICATE);
}

static void a_restart_between_two_calls_is_not_noticed(void **cm)
{
    fixture *f = *cm;
    accept_one(f, job_of(1, 2, "x"), 1, OUTBOX_MAX);
    assert_true(redis_server_restart(f->redis));
    assert_int_equal(accept_one(f, job_of(1, 2, "x"), 2, OUTBOX_MAX).code, STATE_DUPLICATE);
}

static void a_silent_store_leaves_a_write_unknown_and_a_read_busy(void **cm)
{
    fixture *f = *cm;
    state_config config = {.unix_socket = redis_server_socket(f->redis),
                           .timeout_ms = SHORT_TIMEOUT_MS};
    GW_AUTO(state_close) state *hasty = NULL;
    assert_ok(f, state_open(&config, &hasty, &f->err));
    state_use use = {id_of(1), id_of(2)};
    state_reserved got;
    state_hash pauses;
    assert_ok(f, state_control_get(hasty, f->arena, &pauses, &f->err)); /* is connected */

    redis_server_stop(f->redis);
    assert_int_equal(state_reserve(hasty, &use, 1, &got, &f->err), GW_ETIMEOUT);
    assert_non_null(strstr(f->err.text, "unknown"));
    assert_int_equal(got, STATE_UNANSWERED);
    assert_int_equal(state_control_get(hasty, f->arena, &pauses, &f->err), GW_EBUSY);
    redis_server_continue(f->redis);

    /* the write had arrived; repeating it finds that out */
    assert_ok(f, state_reserve(f->s, &use, 1, &got, &f->err));
    assert_int_equal(got, STATE_ITS_OWN);
}

static void a_store_that_refuses_to_write_is_busy_and_nothing_changes(void **cm)
{
    fixture *f = *cm;
    static const struct {
        const char *set, *unset, *says;
    } rows[] = {
        {"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "memory limit"},
        {"CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "replicas"},
        {"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "replica"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        size_t n;
        char *before = snapshot(f, &n);
        freeReplyObject(redisCommand(f->raw, rows[i].set));
        state_accepted got;
        assert_int_equal(accept_code(f, job_of(i, 50, "x"), &got), GW_EBUSY);
        if (!strstr(f->err.text, rows[i].says))
            fail_msg("'%s' lacks '%s'", f->err.text, rows[i].says);
        freeReplyObject(redisCommand(f->raw, rows[i].unset));
        assert_unchanged(f, before, n);
        assert_int_equal(accept_one(f, job_of(i, 50, "x"), 1, OUTBOX_MAX).code, STATE_ACCEPTED);
    }
}

/* ---- kill -9 in the middle of a large batch ---- */

enum { JOBS = 6000, ROUNDS = 4 };

typedef struct {
    redis_server *redis;
    const char *socket;
    long long threshold;
} killer;

/* Kill the server as soon as it has run that many functions. */
static void *kill_when_busy(void *arg)
{
    killer *k = arg;
    redisContext *c = redisConnectUnix(k->socket);
    for (long long seen = 0; c && !c->err && seen < k->threshold;) {
        redisReply *r = redisCommand(c, "INFO commandstats");
        const char *at = r ? strstr(r->str, "cmdstat_fcall:calls=") : NULL;
        seen = at ? strtoll(at + strlen("cmdstat_fcall:calls="), NULL, 10) : 0;
        if (r)
            freeReplyObject(r);
    }
    if (c)
        redisFree(c);
    redis_server_kill(k->redis);
    return NULL;
}

static void everything_answered_before_a_crash_is_there_after_it(void **cm)
{
    fixture *f = *cm;
    static state_job jobs[JOBS];
    static state_accepted got[JOBS];
    static state_txn txns[JOBS];
    static state_verdict verdicts[JOBS];
    static char body[1024];
    memset(body, 'b', sizeof body);
    state_field sets[] = {FIELD("s", "P")};
    size_t answered = 0, unanswered = 0;
    for (int round = 0; round < ROUNDS; round++) {
        bool applying = round % 2;
        for (size_t i = 0; i < JOBS; i++) {
            jobs[i] = job_of((uint64_t)(round * 2 * JOBS) + i, 1000000 + i, "");
            jobs[i].body = (gw_str){body, sizeof body};
            txns[i] = txn_on(&jobs[i].did, &jobs[i].rid, 1, sets, 1);
        }
        if (applying)
            assert_ok(f, state_accept(f->s, jobs, JOBS, (gw_wall){1}, OUTBOX_MAX, f->arena, got,
                                      &f->err));
        freeReplyObject(redisCommand(f->raw, "CONFIG RESETSTAT"));
        killer k = {.redis = f->redis,
                    .socket = redis_server_socket(f->redis),
                    .threshold = 3 + 4 * (round / 2)};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, kill_when_busy, &k), 0);
        gw_code rc = applying ? state_apply(f->s, txns, JOBS, verdicts, &f->err)
                              : state_accept(f->s, jobs, JOBS, (gw_wall){1}, OUTBOX_MAX, f->arena,
                                             got, &f->err);
        pthread_join(thread, NULL);
        assert_true(rc == GW_OK || rc == GW_ETIMEOUT);
        assert_true(redis_server_restart(f->redis));
        fixture_raw(f);
        for (size_t i = 0; i < JOBS; i++) {
            bool done = applying ? verdicts[i] == STATE_OK : got[i].code == STATE_ACCEPTED;
            state_hash h = load_reminder(f, state_shard(&jobs[i].did), &jobs[i].rid);
            if (done)
                assert_int_equal(h.version, applying ? 2 : 1);
            *(done ? &answered : &unanswered) += 1;
            gw_arena_reset(f->arena);
        }
    }
    print_message("answered %zu, unknown %zu\n", answered, unanswered);
    assert_true(answered > 0);
    assert_true(unanswered > 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        T(a_lost_store_is_busy_and_serves_again_without_reopening),
        T(a_restart_between_two_calls_is_not_noticed),
        T(a_silent_store_leaves_a_write_unknown_and_a_read_busy),
        T(a_store_that_refuses_to_write_is_busy_and_nothing_changes),
        T(everything_answered_before_a_crash_is_there_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
