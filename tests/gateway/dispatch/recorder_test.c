/* Outbox to evidence log: nothing twice, nothing lost, and no sending without it. */
#include "gateway/dispatch/load.h"
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static rig *of(void **cm)
{
    return *cm;
}

static uint64_t outbox(rig *r)
{
    uint64_t by_state[128], n;
    assert_int_equal(state_counts(r->store, by_state, &n, &r->err), GW_OK);
    return n;
}

static void until_empty(rig *r)
{
    gw_mono from = gw_mono_now();
    while (outbox(r)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        if (gw_mono_now().ms - from.ms > 20000)
            fail_msg("the outbox is not emptied");
    }
}

static uint64_t logged(rig *r)
{
    char origin[256];
    uint64_t size;
    evidence_size(r->ev, origin, &size);
    return size;
}

static void every_record_of_the_outbox_is_logged_once_and_then_trimmed(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_record(r);
    uint64_t before = logged(r);
    rig_job_and_worker(r);
    rig_deliver(r, 0, &t);
    until_empty(r);
    assert_int_equal(logged(r) - before, 5); /* contact, acceptance, plan, intent, relay */
    assert_int_equal(recorder_moved(r->recorder), 5);
}

static void a_recorder_that_starts_again_logs_nothing_twice(void **cm)
{
    rig *r = of(cm);
    rig_record(r);
    rig_debtor(r);
    until_empty(r);
    uint64_t before = logged(r);
    recorder_stop(r->recorder);
    r->recorder = NULL;
    r->config.recorder = NULL;
    rig_submit(r, "j1", "");
    assert_int_equal(recorder_start(&r->config.state, r->ev, NULL, NULL, &r->recorder, &r->err),
                     GW_OK);
    until_empty(r);
    assert_int_equal(logged(r) - before, 1);
}

/* A recorder that died between append and trim left both: the log has the record, so has the
 * outbox.
 */
static void what_was_logged_but_not_trimmed_is_trimmed_and_not_logged_again(void **cm)
{
    rig *r = of(cm);
    gw_str none[STATE_SHARDS] = {{NULL, 0}};
    state_outbox_entry *e;
    size_t n;
    char pos[64];
    rig_debtor(r);
    assert_int_equal(state_outbox_read(r->store, none, 10, 0, r->arena, &e, &n, &r->err), GW_OK);
    assert_int_equal(n, 1);
    int len = snprintf(pos, sizeof pos, "%02d-%.*s", e[0].shard, GW_STR_ARG(e[0].stream_id));
    evidence_draft draft = {.outbox_pos = {pos, (size_t)len},
                            .event = e[0].rec.event,
                            .t = e[0].rec.t,
                            .source = e[0].rec.source,
                            .debtor = e[0].rec.debtor,
                            .fact = e[0].rec.fact,
                            .priv = e[0].rec.priv};
    assert_int_equal(evidence_append(r->ev, &draft, 1, &r->err), GW_OK);
    uint64_t before = logged(r);
    rig_record(r);
    until_empty(r);
    assert_int_equal(logged(r), before);
}

/* Log what the outbox holds, and die before it is trimmed. */
static void log_without_trimming(rig *r)
{
    gw_str last[STATE_SHARDS] = {{NULL, 0}};
    state_outbox_entry *e;
    size_t n;
    assert_int_equal(state_outbox_read(r->store, last, 100, 0, r->arena, &e, &n, &r->err), GW_OK);
    for (size_t i = 0; i < n; i++) {
        char pos[64];
        int len = snprintf(pos, sizeof pos, "%02d-%.*s", e[i].shard, GW_STR_ARG(e[i].stream_id));
        const evidence_draft draft = {.outbox_pos = {pos, (size_t)len},
                                      .event = e[i].rec.event,
                                      .t = e[i].rec.t,
                                      .source = e[i].rec.source,
                                      .debtor = e[i].rec.debtor};
        assert_int_equal(evidence_append(r->ev, &draft, 1, &r->err), GW_OK);
    }
}

static void what_a_predecessor_logged_is_trimmed_though_there_is_news_elsewhere(void **cm)
{
    rig *r = of(cm);
    gw_id one, two;
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("d1"), &one);
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("d2"), &two);
    assert_int_not_equal(state_shard(&one), state_shard(&two));
    rig_debtor(r);
    log_without_trimming(r);
    uint64_t before = logged(r);
    rig_tell_of(r, "d2", VERB_DEBTOR,
                "{\"id\":\"d2\",\"name\":\"Two\",\"role\":\"company\",\"contacts\":[]}");
    rig_record(r);
    until_empty(r);
    assert_int_equal(logged(r) - before, 1);
}

static void the_recorder_waits_for_a_store_that_is_away(void **cm)
{
    rig *r = of(cm);
    rig_record(r);
    rig_debtor(r);
    until_empty(r);
    uint64_t before = logged(r);
    redis_server_kill(r->redis);
    assert_true(redis_server_restart(r->redis));
    assert_true(recorder_ok(r->recorder));
    gw_mono from = gw_mono_now();
    uint64_t by_state[128], n;
    while (state_counts(r->store, by_state, &n, &r->err) != GW_OK &&
           gw_mono_now().ms - from.ms < 10000)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    rig_submit(r, "j1", "");
    until_empty(r);
    assert_true(logged(r) > before);
}

int main(void)
{
#define promise(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)
    const struct CMUnitTest tests[] = {
        promise(every_record_of_the_outbox_is_logged_once_and_then_trimmed),
        promise(a_recorder_that_starts_again_logs_nothing_twice),
        promise(what_was_logged_but_not_trimmed_is_trimmed_and_not_logged_again),
        promise(what_a_predecessor_logged_is_trimmed_though_there_is_news_elsewhere),
        promise(the_recorder_waits_for_a_store_that_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
