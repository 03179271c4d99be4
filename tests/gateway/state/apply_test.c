#include "tests/gateway/state/fixture.h"

#include <stdio.h>
#include <string.h>

static const state_record note = {.event = "x-Plan",
                                  .t = {1234},
                                  .source = {"erp", 3},
                                  .debtor = {"d-1", 3},
                                  .fact = {"{\"n\":1}", 7}};

static state_job accepted(fixture *f)
{
    state_job job = job_of(1, 2, "body");
    accept_one(f, job, 1000, OUTBOX_MAX);
    return job;
}

static size_t outbox_size(fixture *f)
{
    uint64_t by_state[128], outbox;
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    return outbox;
}

static uint64_t count_of(fixture *f, char st)
{
    uint64_t by_state[128], outbox;
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    return by_state[(unsigned char)st];
}

/* Score of the member in that lane, -1 if it is not in it. */
static int64_t in_lane(fixture *f, char lane, char kind, const gw_id *id)
{
    uint8_t mask[STATE_SHARDS];
    memset(mask, 1, sizeof mask);
    state_due_entry *due;
    size_t n;
    assert_ok(f, state_due(f->s, mask, lane, (gw_wall){INT64_C(1) << 50}, 1000, f->arena, &due, &n,
                           &f->err));
    for (size_t i = 0; i < n; i++)
        if (due[i].kind == kind && memcmp(&due[i].id, id, sizeof *id) == 0)
            return due[i].score;
    return -1;
}

static void a_transition_changes_reminder_lane_counter_and_outbox_together(void **cm)
{
    fixture *f = *cm;
    state_job job = accepted(f);
    state_field first[] = {FIELD("plan", "{}")};
    assert_int_equal(apply_one(f, txn_on(&job.did, &job.rid, 1, first, 1)), STATE_OK);
    state_field sets[] = {FIELD("s", "P"), FIELD("why", "window"), DROP("plan")};
    state_txn t = txn_on(&job.did, &job.rid, 2, sets, 3);
    t.lane = 'e';
    t.due_ms = 5000;
    t.records = &note;
    t.record_n = 1;
    assert_int_equal(apply_one(f, t), STATE_OK);

    state_hash h = load_reminder(f, t.shard, &job.rid);
    assert_int_equal(h.version, 3);
    assert_true(gw_str_is(state_get(&h, "src"), "erp"));
    assert_true(gw_str_is(state_get(&h, "s"), "P"));
    assert_true(gw_str_is(state_get(&h, "why"), "window"));
    assert_true(gw_str_is(state_get(&h, "due"), "5000"));
    assert_null(state_get(&h, "plan").p);
    assert_int_equal(in_lane(f, 'w', 'r', &job.rid), -1);
    assert_int_equal(in_lane(f, 'e', 'r', &job.rid), 5000);
    assert_int_equal(count_of(f, 'A'), 0);
    assert_int_equal(count_of(f, 'P'), 1);
    assert_int_equal(outbox_size(f), 2);
}

static void every_refusal_leaves_every_key_as_it_was(void **cm)
{
    fixture *f = *cm;
    state_job job = accepted(f);
    gw_id nobody = id_in(state_shard(&job.did), 99);
    state_field debtor[] = {FIELD("b", "{}")}, sets[] = {FIELD("s", "P")};
    state_txn base = txn_on(&job.did, &job.rid, 1, sets, 1);
    base.debtor_sets = debtor;
    base.debtor_n = 1;
    base.item_sets = debtor;
    base.item_n = 1;
    base.lane = 'e';
    base.due_ms = 1;
    base.wake_debtor = true;
    base.records = &note;
    base.record_n = 1;
    state_txn full = {.shard = base.shard, .did = &job.did, .debtor_version = -1};
    state_cap one = {.field = "c:*:2013-01-02", .max = 1};
    full.takes = &one;
    full.take_n = 1;
    assert_int_equal(apply_one(f, full), STATE_OK);

    static const char *const yesterday[] = {"c:*:2013-01-02"};
    state_cap week = {"c:*:2013-01-03", 1, yesterday, 1};
    state_txn wrong[8];
    state_verdict expected[8] = {STATE_STALE,  STATE_STALE,  STATE_STALE,        STATE_STALE,
                                 STATE_FENCED, STATE_CAPPED, STATE_DEBTOR_MOVED, STATE_CAPPED};
    for (size_t i = 0; i < 8; i++)
        wrong[i] = base;
    wrong[0].version = 2;
    wrong[1].version = 0; /* exists already */
    wrong[2].rid = &nobody;
    wrong[3].rid = &nobody;
    wrong[3].version = -1;
    wrong[4].fence = 7;
    wrong[5].takes = &one;
    wrong[5].take_n = 1;
    wrong[6].debtor_version = 1;
    wrong[7].takes = &week; /* yesterday's counter is full */
    wrong[7].take_n = 1;
    size_t n;
    char *before = snapshot(f, &n);
    state_verdict got[8];
    assert_ok(f, state_apply(f->s, wrong, 8, got, &f->err));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(got[i], expected[i]);
    assert_unchanged(f, before, n);
    assert_int_equal(apply_one(f, base), STATE_OK); /* and without the fault it goes through */
}

static void a_reminder_can_be_created_by_a_transition_once(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5), rid = id_of(6);
    state_field sets[] = {FIELD("s", "P"), FIELD("k", "l"), FIELD("b", "{}")};
    state_txn t = txn_on(&did, &rid, 0, sets, 3);
    t.lane = 'w';
    t.due_ms = 77;
    assert_int_equal(apply_one(f, t), STATE_OK);
    assert_int_equal(apply_one(f, t), STATE_STALE);
    state_hash h = load_reminder(f, t.shard, &rid);
    assert_int_equal(h.version, 1);
    assert_true(gw_str_is(state_get(&h, "k"), "l"));
    assert_int_equal(count_of(f, 'P'), 1);
    gw_id *rids;
    size_t n;
    assert_ok(f, state_debtor_reminders(f->s, &did, false, f->arena, &rids, &n, &f->err));
    assert_int_equal(n, 1);
}

static void a_debtor_version_moves_with_its_facts_but_not_with_its_caps(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5);
    state_field facts[] = {FIELD("src", "erp"), FIELD("h:legal", "{}")};
    state_field items[] = {FIELD("i:inv-1", "{}"), FIELD("i:inv-2", "{}")};
    state_txn t = {.shard = state_shard(&did),
                   .did = &did,
                   .debtor_version = 0,
                   .debtor_sets = facts,
                   .debtor_n = 2};
    assert_int_equal(apply_one(f, t), STATE_OK);
    assert_int_equal(apply_one(f, t), STATE_DEBTOR_MOVED);
    state_txn i = {
        .shard = t.shard, .did = &did, .debtor_version = 1, .item_sets = items, .item_n = 2};
    assert_int_equal(apply_one(f, i), STATE_OK);
    state_cap cap = {.field = "c:email:2013-01-02", .max = 5};
    state_txn c = {.shard = t.shard, .did = &did, .debtor_version = 2, .takes = &cap, .take_n = 1};
    assert_int_equal(apply_one(f, c), STATE_OK);
    assert_int_equal(apply_one(f, c), STATE_OK);
    state_debtor d = load_debtor(f, &did);
    assert_int_equal(d.debtor.version, 2);
    assert_int_equal(d.items.version, 2);
    assert_true(gw_str_is(state_get(&d.debtor, "c:email:2013-01-02"), "2"));
    assert_true(gw_str_is(state_get(&d.items, "i:inv-2"), "{}"));

    state_field gone[] = {DROP("i:inv-2")};
    state_txn g = {
        .shard = t.shard, .did = &did, .debtor_version = 2, .item_sets = gone, .item_n = 1};
    assert_int_equal(apply_one(f, g), STATE_OK);
    d = load_debtor(f, &did);
    assert_int_equal(d.debtor.version, 3);
    assert_null(state_get(&d.items, "i:inv-2").p);
}

static void a_cap_is_taken_up_to_its_maximum_and_given_back_exactly(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5);
    static const char *const gives[] = {"c:email:2013-01-02"};
    state_cap cap = {.field = gives[0], .max = 3};
    state_txn take = {
        .shard = state_shard(&did), .did = &did, .debtor_version = -1, .takes = &cap, .take_n = 1};
    state_txn give = {
        .shard = take.shard, .did = &did, .debtor_version = -1, .gives = gives, .give_n = 1};
    state_txn batch[] = {take, take, take, take, give, take, take};
    state_verdict got[7];
    assert_ok(f, state_apply(f->s, batch, 7, got, &f->err));
    static const state_verdict expected[] = {STATE_OK, STATE_OK, STATE_OK,    STATE_CAPPED,
                                             STATE_OK, STATE_OK, STATE_CAPPED};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(got[i], expected[i]);
    for (int i = 0; i < 5; i++) /* more than was taken: never below zero */
        assert_int_equal(apply_one(f, give), STATE_OK);
    assert_null(debtor_field(f, &did, gives[0]).p);
    assert_int_equal(apply_one(f, take), STATE_OK);
    assert_true(gw_str_is(debtor_field(f, &did, gives[0]), "1"));
}

static void one_transition_may_take_a_counter_and_give_it_back_twice(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5);
    static const char *const gives[] = {"c:email:2013-01-02", "c:email:2013-01-02"};
    state_cap cap = {.field = gives[0], .max = 3};
    state_txn t = {
        .shard = state_shard(&did), .did = &did, .debtor_version = -1, .takes = &cap, .take_n = 1};
    assert_int_equal(apply_one(f, t), STATE_OK);
    t.gives = gives;
    t.give_n = 1;
    assert_int_equal(apply_one(f, t), STATE_OK);
    assert_true(gw_str_is(debtor_field(f, &did, gives[0]), "1"));
    t.give_n = 2;
    assert_int_equal(apply_one(f, t), STATE_OK);
    assert_null(debtor_field(f, &did, gives[0]).p);
    t.take_n = 0;
    assert_int_equal(apply_one(f, t), STATE_OK);
    assert_null(debtor_field(f, &did, gives[0]).p);
}

static void several_caps_are_taken_all_or_none(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5);
    state_cap caps[] = {{.field = "c:*:2013-01-02", .max = 10},
                        {.field = "c:voice:2013-01-02", .max = 1}};
    state_txn t = {
        .shard = state_shard(&did), .did = &did, .debtor_version = -1, .takes = caps, .take_n = 2};
    assert_int_equal(apply_one(f, t), STATE_OK);
    assert_int_equal(apply_one(f, t), STATE_CAPPED);
    state_debtor d = load_debtor(f, &did);
    assert_true(gw_str_is(state_get(&d.debtor, "c:*:2013-01-02"), "1"));
    assert_true(gw_str_is(state_get(&d.debtor, "c:voice:2013-01-02"), "1"));
}

static void a_batch_sees_what_its_earlier_transitions_left(void **cm)
{
    fixture *f = *cm;
    state_job job = accepted(f);
    state_field plan[] = {FIELD("s", "P")}, claim[] = {FIELD("s", "C")}, back[] = {FIELD("s", "P")};
    state_txn batch[] = {
        txn_on(&job.did, &job.rid, 1, plan, 1), txn_on(&job.did, &job.rid, 2, claim, 1),
        txn_on(&job.did, &job.rid, 2, claim, 1), txn_on(&job.did, &job.rid, 3, back, 1)};
    batch[0].lane = 'e';
    batch[0].due_ms = 10;
    batch[1].lane = '-';
    batch[3].lane = 's';
    batch[3].due_ms = 30;
    state_verdict got[4];
    assert_ok(f, state_apply(f->s, batch, 4, got, &f->err));
    assert_int_equal(got[0], STATE_OK);
    assert_int_equal(got[1], STATE_OK);
    assert_int_equal(got[2], STATE_STALE);
    assert_int_equal(got[3], STATE_OK);
    assert_int_equal(in_lane(f, 'w', 'r', &job.rid), -1);
    assert_int_equal(in_lane(f, 'e', 'r', &job.rid), -1);
    assert_int_equal(in_lane(f, 's', 'r', &job.rid), 30);
}

static void a_final_state_moves_a_reminder_to_the_final_list_and_back(void **cm)
{
    fixture *f = *cm;
    state_job job = accepted(f);
    state_field unknown[] = {FIELD("s", "U")}, retry[] = {FIELD("s", "P")};
    state_txn t = txn_on(&job.did, &job.rid, 1, unknown, 1);
    t.lane = '-';
    assert_int_equal(apply_one(f, t), STATE_OK);
    gw_id *rids;
    size_t n;
    assert_ok(f, state_debtor_reminders(f->s, &job.did, false, f->arena, &rids, &n, &f->err));
    assert_int_equal(n, 0);
    assert_ok(f, state_debtor_reminders(f->s, &job.did, true, f->arena, &rids, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(apply_one(f, txn_on(&job.did, &job.rid, 2, retry, 1)), STATE_OK);
    assert_ok(f, state_debtor_reminders(f->s, &job.did, false, f->arena, &rids, &n, &f->err));
    assert_int_equal(n, 1);
}

static void a_debtor_is_woken_at_the_earliest_moment_asked_for(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5);
    state_txn wake = {.shard = state_shard(&did),
                      .did = &did,
                      .debtor_version = -1,
                      .wake_debtor = true,
                      .wake_at = {500}};
    assert_int_equal(apply_one(f, wake), STATE_OK);
    wake.wake_at.ms = 900;
    assert_int_equal(apply_one(f, wake), STATE_OK);
    assert_int_equal(in_lane(f, 'w', 'd', &did), 500);
    wake.wake_at.ms = 200;
    assert_int_equal(apply_one(f, wake), STATE_OK);
    assert_int_equal(in_lane(f, 'w', 'd', &did), 200);
    wake.unwake_debtor = true; /* done, and again later */
    wake.wake_at.ms = 900;
    assert_int_equal(apply_one(f, wake), STATE_OK);
    assert_int_equal(in_lane(f, 'w', 'd', &did), 900);
    wake.wake_debtor = false;
    assert_int_equal(apply_one(f, wake), STATE_OK);
    assert_int_equal(in_lane(f, 'w', 'd', &did), -1);
}

static void rules_of_a_transition_are_refused_by_name_before_anything_is_sent(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(5), rid = id_of(6);
    state_field version[] = {FIELD("v", "9")}, lane[] = {FIELD("due", "1")},
                word[] = {FIELD("s", "PP")};
    state_record bad = {.event = "x-Plan", .fact = GW_STR("[1]")};
    state_txn base = {.shard = state_shard(&did), .did = &did, .debtor_version = -1};
    struct {
        state_txn t;
        const char *why;
    } rows[12];
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        rows[i].t = base;
    rows[0].t.shard = (uint8_t)(base.shard ^ 1), rows[0].why = "shard";
    rows[1].t.debtor_sets = version, rows[1].t.debtor_n = 1, rows[1].why = "debtor field v";
    rows[2].t = txn_on(&did, &rid, 1, lane, 1), rows[2].why = "reminder field due";
    rows[3].t = txn_on(&did, &rid, 1, word, 1), rows[3].why = "one letter";
    rows[4].t = txn_on(&did, &rid, 0, NULL, 0), rows[4].why = "creating";
    rows[5].t = txn_on(&did, &rid, 1, NULL, 0), rows[5].t.lane = 'z', rows[5].why = "lane";
    rows[6].t.records = &bad, rows[6].t.record_n = 1, rows[6].why = "fact";
    rows[7].t.did = NULL, rows[7].t.wake_debtor = true, rows[7].why = "without did";
    rows[8].t.lane = 'w', rows[8].why = "without rid";
    state_field counter[] = {FIELD("c:email:2013-01-02", "7")}, no_source[] = {DROP("src")};
    state_cap cap = {.field = "b", .max = 1};
    rows[9].t.debtor_sets = counter, rows[9].t.debtor_n = 1, rows[9].why = "counters";
    rows[10].t = txn_on(&did, &rid, 1, no_source, 1), rows[10].why = "src";
    rows[11].t.takes = &cap, rows[11].t.take_n = 1, rows[11].why = "cap field";
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        state_verdict v;
        assert_int_equal(state_apply(f->s, &rows[i].t, 1, &v, &f->err), GW_EINVAL);
        if (!strstr(f->err.text, rows[i].why))
            fail_msg("row %zu: '%s' lacks '%s'", i, f->err.text, rows[i].why);
        assert_int_equal(v, STATE_UNKNOWN);
    }
}

static void large_transitions_and_batches_go_through_in_pieces(void **cm)
{
    fixture *f = *cm;
    enum { TXNS = 2000, FIELDS = STATE_FIELDS_MAX };
    static state_field fields[FIELDS];
    static char names[FIELDS][16];
    static char value[2000];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < FIELDS; i++) {
        snprintf(names[i], sizeof names[i], "i:%zu", i);
        fields[i] = (state_field){gw_str_of(names[i]), {value, 100}};
    }
    gw_id did = id_of(5);
    state_txn big = {.shard = state_shard(&did),
                     .did = &did,
                     .debtor_version = 0,
                     .item_sets = fields,
                     .item_n = FIELDS};
    assert_int_equal(apply_one(f, big), STATE_OK);
    assert_int_equal(load_debtor(f, &did).items.n, FIELDS);

    static gw_id dids[TXNS], rids[TXNS];
    static state_txn txns[TXNS];
    static state_verdict got[TXNS];
    state_field sets[] = {FIELD("s", "A"), {GW_STR("b"), {value, sizeof value}}};
    for (size_t i = 0; i < TXNS; i++) {
        dids[i] = id_of(i);
        rids[i] = id_of(50000 + i);
        txns[i] = txn_on(&dids[i], &rids[i], i % 2 ? 0 : 1, sets, 2);
    }
    assert_ok(f, state_apply(f->s, txns, TXNS, got, &f->err));
    for (size_t i = 0; i < TXNS; i++)
        assert_int_equal(got[i], i % 2 ? STATE_OK : STATE_STALE);
    assert_int_equal(count_of(f, 'A'), TXNS / 2);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        T(a_transition_changes_reminder_lane_counter_and_outbox_together),
        T(every_refusal_leaves_every_key_as_it_was),
        T(a_reminder_can_be_created_by_a_transition_once),
        T(a_debtor_version_moves_with_its_facts_but_not_with_its_caps),
        T(a_cap_is_taken_up_to_its_maximum_and_given_back_exactly),
        T(one_transition_may_take_a_counter_and_give_it_back_twice),
        T(several_caps_are_taken_all_or_none),
        T(a_batch_sees_what_its_earlier_transitions_left),
        T(a_final_state_moves_a_reminder_to_the_final_list_and_back),
        T(a_debtor_is_woken_at_the_earliest_moment_asked_for),
        T(rules_of_a_transition_are_refused_by_name_before_anything_is_sent),
        T(large_transitions_and_batches_go_through_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
