#include "tests/gateway/state/fixture.h"

#include <stdio.h>
#include <string.h>

static uint8_t all_shards[STATE_SHARDS];

static state_txn planned(const gw_id *did, const gw_id *rid, const state_field *sets, size_t n,
                         char lane, int64_t due_ms)
{
    state_txn t = txn_on(did, rid, 0, sets, n);
    t.lane = lane;
    t.due_ms = due_ms;
    return t;
}

static void due_entries_come_soonest_first_from_all_asked_shards(void **cm)
{
    fixture *f = *cm;
    state_field sets[] = {FIELD("s", "P")};
    for (uint64_t i = 0; i < 100; i++) {
        gw_id did = id_in((uint8_t)(i % STATE_SHARDS), i), rid = id_of(1000 + i);
        assert_int_equal(apply_one(f, planned(&did, &rid, sets, 1, 'e', (int64_t)(i * 37 % 101))),
                         STATE_OK);
    }
    state_due_entry *due;
    size_t n;
    assert_ok(f,
              state_due(f->s, all_shards, 'e', (gw_wall){50}, 1000, f->arena, &due, &n, &f->err));
    size_t expected = 0;
    for (uint64_t i = 0; i < 100; i++)
        expected += i * 37 % 101 <= 50;
    assert_int_equal(n, expected);
    for (size_t i = 1; i < n; i++)
        assert_true(due[i - 1].score <= due[i].score);
    uint8_t one[STATE_SHARDS] = {0};
    one[5] = 1;
    assert_ok(f, state_due(f->s, one, 'e', (gw_wall){1000}, 1000, f->arena, &due, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(due[0].shard, 5);
    assert_ok(f,
              state_due(f->s, all_shards, 's', (gw_wall){1000}, 10, f->arena, &due, &n, &f->err));
    assert_int_equal(n, 0);
}

static void a_backlog_in_all_shards_is_shared_out_fairly(void **cm)
{
    fixture *f = *cm;
    state_field sets[] = {FIELD("s", "P")};
    for (uint64_t i = 0; i < 640; i++) {
        gw_id did = id_in((uint8_t)(i % STATE_SHARDS), i), rid = id_of(1000 + i);
        assert_int_equal(apply_one(f, planned(&did, &rid, sets, 1, 'e', 1)), STATE_OK);
    }
    state_due_entry *due;
    size_t n;
    size_t seen[STATE_SHARDS] = {0};
    for (int round = 0; round < 2; round++) /* the first learns how many shards are busy */
        assert_ok(f,
                  state_due(f->s, all_shards, 'e', (gw_wall){1}, 128, f->arena, &due, &n, &f->err));
    assert_int_equal(n, 128);
    for (size_t i = 0; i < n; i++)
        seen[due[i].shard]++;
    for (size_t k = 0; k < STATE_SHARDS; k++)
        assert_int_equal(seen[k], 2);
}

static void the_next_due_moment_is_the_earliest_of_the_asked_lanes(void **cm)
{
    fixture *f = *cm;
    int64_t next = 0;
    assert_ok(f, state_next_due(f->s, "wesv", &next, &f->err));
    assert_true(next == INT64_MAX);
    state_field sets[] = {FIELD("s", "P")};
    gw_id did = id_of(1), a = id_of(2), b = id_of(3);
    apply_one(f, planned(&did, &a, sets, 1, 'e', INT64_C(1357000000123)));
    apply_one(f, planned(&did, &b, sets, 1, 'v', INT64_C(1357000000122)));
    assert_ok(f, state_next_due(f->s, "we", &next, &f->err));
    assert_true(next == INT64_C(1357000000123));
    assert_ok(f, state_next_due(f->s, "wesv", &next, &f->err));
    assert_true(next == INT64_C(1357000000122));
}

static void a_lease_taken_over_fences_its_former_owner(void **cm)
{
    fixture *f = *cm;
    gw_id one = id_of(1), two = id_of(2);
    uint64_t first[STATE_SHARDS], again[STATE_SHARDS], other[STATE_SHARDS];
    assert_ok(f, state_lease(f->s, &one, 60000, first, &f->err));
    assert_ok(f, state_lease(f->s, &one, 60000, again, &f->err));
    assert_memory_equal(first, again, sizeof first);
    assert_ok(f, state_lease(f->s, &two, 60000, other, &f->err));
    for (size_t k = 0; k < STATE_SHARDS; k++) {
        assert_int_equal(first[k], 1);
        assert_int_equal(other[k], 0);
    }
    state_job job = job_of(7, 8, "x");
    accept_one(f, job, 1, OUTBOX_MAX);
    uint8_t shard = state_shard(&job.did);
    state_field sets[] = {FIELD("s", "P")};
    state_txn t = txn_on(&job.did, &job.rid, 1, sets, 1);
    t.fence = first[shard];
    assert_int_equal(apply_one(f, t), STATE_OK);

    assert_ok(f, state_release(f->s, &two, &f->err)); /* not his: nothing happens */
    assert_ok(f, state_lease(f->s, &two, 60000, other, &f->err));
    assert_int_equal(other[shard], 0);
    assert_ok(f, state_release(f->s, &one, &f->err));
    assert_ok(f, state_lease(f->s, &two, 60000, other, &f->err));
    assert_int_equal(other[shard], 2);
    t.version = 2;
    assert_int_equal(apply_one(f, t), STATE_FENCED);
    t.fence = other[shard];
    assert_int_equal(apply_one(f, t), STATE_OK);
}

static void an_expired_lease_is_free_and_its_number_grows(void **cm)
{
    fixture *f = *cm;
    gw_id one = id_of(1), two = id_of(2);
    uint64_t got[STATE_SHARDS];
    assert_ok(f, state_lease(f->s, &one, 1, got, &f->err));
    bool taken = false;
    for (int i = 0; i < 1000 && !taken; i++) { /* one millisecond of Redis's clock */
        assert_ok(f, state_lease(f->s, &two, 60000, got, &f->err));
        taken = got[0] && got[STATE_SHARDS - 1];
    }
    assert_int_equal(got[0], 2);
    assert_int_equal(got[63], 2);
}

static void parked_reminders_are_listed_page_by_page(void **cm)
{
    fixture *f = *cm;
    state_field parked[] = {FIELD("s", "Q")}, planned_field[] = {FIELD("s", "P")};
    for (uint64_t i = 0; i < 150; i++) {
        gw_id did = id_of(i), rid = id_of(1000 + i);
        assert_int_equal(apply_one(f, planned(&did, &rid, i % 3 ? parked : planned_field, 1, 0, 0)),
                         STATE_OK);
    }
    char cursor[STATE_CURSOR_TEXT] = "";
    size_t total = 0, pages = 0;
    static bool seen[150];
    do {
        state_ref *refs;
        size_t n;
        state_list_query q = {.by_state = 'Q'};
        assert_ok(f, state_list(f->s, &q, cursor, 7, f->arena, &refs, &n, cursor, &f->err));
        for (size_t i = 0; i < n; i++) {
            gw_str s = reminder_field(f, refs[i].shard, &refs[i].rid, "s");
            assert_true(gw_str_is(s, "Q"));
            for (uint64_t k = 0; k < 150; k++) {
                gw_id rid = id_of(1000 + k);
                if (memcmp(&rid, &refs[i].rid, sizeof rid) == 0) {
                    assert_false(seen[k]);
                    seen[k] = true;
                }
            }
        }
        total += n;
        pages++;
    } while (*cursor);
    assert_int_equal(total, 100);
    assert_in_range(pages, 15, 16);

    state_ref *refs;
    size_t n;
    state_list_query wrong = {.by_state = 'P'}, right = {.by_state = 'Q'};
    assert_int_equal(state_list(f->s, &wrong, "", 7, f->arena, &refs, &n, cursor, &f->err),
                     GW_EINVAL);
    assert_int_equal(state_list(f->s, &right, "zz", 7, f->arena, &refs, &n, cursor, &f->err),
                     GW_EINVAL);
}

static void open_tasks_are_listed_by_rank_over_all_shards_while_they_are_open(void **cm)
{
    fixture *f = *cm;
    state_field open[] = {FIELD("s", "O")};
    state_field leased[] = {FIELD("s", "L")};
    state_ref *refs;
    size_t n;
    for (uint64_t i = 0; i < 100; i++) {
        gw_id did = id_in((uint8_t)(i % STATE_SHARDS), i), rid = id_of(1000 + i);
        state_txn t = planned(&did, &rid, open, 1, 'k', 5000);
        t.ranked = true;
        t.rank = (int64_t)(i * 37 % 101) * 1000000000 - 50;
        assert_int_equal(apply_one(f, t), STATE_OK);
    }
    assert_ok(f, state_tasks(f->s, 'O', 10, f->arena, &refs, &n, &f->err));
    assert_int_equal(n, 10);
    for (uint64_t rank = 0; rank < 10; rank++)
        for (uint64_t i = 0; i < 100; i++) {
            gw_id rid = id_of(1000 + i);
            if (i * 37 % 101 == 100 - rank)
                assert_memory_equal(refs[rank].rid.b, rid.b, sizeof rid.b);
        }
    /* Ranked anew while open, then taken: out of the one list and into the other. */
    gw_id did = id_in(0, 0), rid = id_of(1000); /* of rank -50, the last */
    state_txn again = txn_on(&did, &rid, -1, open, 1);
    again.lane = 'k';
    again.ranked = true;
    again.rank = INT64_C(1) << 50;
    assert_int_equal(apply_one(f, again), STATE_OK);
    assert_ok(f, state_tasks(f->s, 'O', 1, f->arena, &refs, &n, &f->err));
    assert_memory_equal(refs[0].rid.b, rid.b, sizeof rid.b);
    state_txn taken = txn_on(&did, &rid, -1, leased, 1);
    taken.lane = 'k';
    taken.due_ms = 7000;
    assert_int_equal(apply_one(f, taken), STATE_OK);
    assert_ok(f, state_tasks(f->s, 'O', STATE_LIST_MAX, f->arena, &refs, &n, &f->err));
    assert_int_equal(n, 99);
    assert_ok(f, state_tasks(f->s, 'L', 5, f->arena, &refs, &n, &f->err));
    assert_int_equal(n, 1);
    assert_memory_equal(refs[0].rid.b, rid.b, sizeof rid.b);
    assert_int_equal(state_tasks(f->s, 'H', 5, f->arena, &refs, &n, &f->err), GW_EINVAL);
}

static void a_debtors_reminders_are_listed_unfinished_first(void **cm)
{
    fixture *f = *cm;
    gw_id did = id_of(1);
    state_field open[] = {FIELD("s", "P")}, final[] = {FIELD("s", "D")};
    for (uint64_t i = 0; i < 10; i++) {
        gw_id rid = id_of(100 + i);
        assert_int_equal(apply_one(f, planned(&did, &rid, i < 4 ? final : open, 1, 0, 0)),
                         STATE_OK);
    }
    for (uint64_t i = 0; i < 8; i++) { /* accepted and no more, among those of somebody else */
        state_job job = job_of(200 + i, 1, "x");
        if (i % 2)
            job.did.b[5] ^= 1;
        assert_int_equal(accept_one(f, job, 1, OUTBOX_MAX).code, STATE_ACCEPTED);
    }
    state_list_query q = {.did = &did};
    char cursor[STATE_CURSOR_TEXT] = "", order[16] = "";
    size_t total = 0;
    do {
        state_ref *refs;
        size_t n;
        assert_ok(f, state_list(f->s, &q, cursor, 3, f->arena, &refs, &n, cursor, &f->err));
        for (size_t i = 0; i < n; i++)
            order[total++] = reminder_field(f, refs[i].shard, &refs[i].rid, "s").p[0];
    } while (*cursor);
    assert_string_equal(order, "AAAAPPPPPPDDDD");
}

static void the_clock_and_the_pauses_are_kept_for_everybody(void **cm)
{
    fixture *f = *cm;
    bool manual = true;
    gw_wall t = {5};
    assert_ok(f, state_clock_get(f->s, &manual, &t, &f->err));
    assert_false(manual);
    assert_int_equal(t.ms, 5);
    assert_ok(f, state_clock_set(f->s, &(gw_wall){INT64_C(1357000000000)}, &f->err));
    assert_ok(f, state_clock_get(f->s, &manual, &t, &f->err));
    assert_true(manual);
    assert_true(t.ms == INT64_C(1357000000000));
    assert_ok(f, state_clock_set(f->s, NULL, &f->err));
    assert_ok(f, state_clock_get(f->s, &manual, &t, &f->err));
    assert_false(manual);

    state_hash pauses;
    assert_ok(f, state_control_set(f->s, GW_STR("channel:email"), GW_STR("{}"), &f->err));
    assert_ok(f, state_control_set(f->s, GW_STR("all"), GW_STR("{\"by\":\"x\"}"), &f->err));
    assert_ok(f, state_control_get(f->s, f->arena, &pauses, &f->err));
    assert_int_equal(pauses.n, 2);
    assert_true(gw_str_is(state_get(&pauses, "all"), "{\"by\":\"x\"}"));
    assert_ok(f, state_control_set(f->s, GW_STR("all"), (gw_str){NULL, 0}, &f->err));
    assert_ok(f, state_control_get(f->s, f->arena, &pauses, &f->err));
    assert_int_equal(pauses.n, 1);
}

int main(void)
{
    memset(all_shards, 1, sizeof all_shards);
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        T(due_entries_come_soonest_first_from_all_asked_shards),
        T(a_backlog_in_all_shards_is_shared_out_fairly),
        T(the_next_due_moment_is_the_earliest_of_the_asked_lanes),
        T(a_lease_taken_over_fences_its_former_owner),
        T(an_expired_lease_is_free_and_its_number_grows),
        T(open_tasks_are_listed_by_rank_over_all_shards_while_they_are_open),
        T(parked_reminders_are_listed_page_by_page),
        T(a_debtors_reminders_are_listed_unfinished_first),
        T(the_clock_and_the_pauses_are_kept_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
