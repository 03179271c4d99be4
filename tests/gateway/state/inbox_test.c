#include "gateway/state/inbox.h"

#include "gateway/state/mark.h"
#include "gateway/state/receipt.h"
#include "tests/gateway/state/fixture.h"

#include <stdio.h>

static const gw_str from_start[STATE_SHARDS];

static size_t read_inbox(fixture *f, const uint8_t mask[STATE_SHARDS],
                         const gw_str last[STATE_SHARDS], state_inbox_entry **ret)
{
    size_t n = 0;
    assert_ok(f, state_inbox_read(f->s, mask, last, 10, f->arena, ret, &n, &f->err));
    return n;
}

static void what_came_in_stays_until_it_is_removed(void **cm)
{
    fixture *f = *cm;
    uint8_t mask[STATE_SHARDS] = {[3] = 1, [9] = 1};
    state_inbox_item items[] = {{3, GW_STR("first\0\xff")},
                                {3, GW_STR("second")},
                                {9, GW_STR("x")},
                                {10, GW_STR("another's")}};
    state_inbox_entry *e;
    uint64_t size = 0;
    assert_ok(f, state_inbox_add(f->s, items, GW_COUNT(items), &f->err));
    assert_int_equal(read_inbox(f, mask, from_start, &e), 3);
    assert_true(gw_str_eq(e[0].bytes, items[0].bytes));
    assert_int_equal(e[2].shard, 9);

    gw_str last[STATE_SHARDS] = {[3] = e[0].stream_id};
    state_inbox_entry *behind;
    assert_int_equal(read_inbox(f, mask, last, &behind), 2);
    assert_true(gw_str_is(behind[0].bytes, "second"));

    assert_ok(f, state_inbox_remove(f->s, e, 1, &f->err));
    assert_ok(f, state_inbox_remove(f->s, e, 1, &f->err)); /* twice is no harm */
    assert_int_equal(read_inbox(f, mask, from_start, &e), 2);
    assert_ok(f, state_inbox_size(f->s, &size, &f->err));
    assert_int_equal(size, 3);
}

static void an_empty_or_huge_entry_is_refused(void **cm)
{
    fixture *f = *cm;
    state_inbox_item empty = {0, GW_STR("")};
    assert_int_equal(state_inbox_add(f->s, &empty, 1, &f->err), GW_EINVAL);
    state_inbox_item huge = {0, {"x", STATE_INBOX_ENTRY_MAX + 1}};
    assert_int_equal(state_inbox_add(f->s, &huge, 1, &f->err), GW_EINVAL);
}

static void a_mark_is_found_from_every_shard(void **cm)
{
    fixture *f = *cm;
    state_mark *found;
    size_t n;
    const gw_id h = {{1}}, other = {{2}};
    state_mark marks[] = {{5, 'q', h, GW_STR("reply-one")},
                          {63, 'q', h, GW_STR("reply-two")},
                          {5, 'q', h, GW_STR("reply-one")},
                          {5, 'q', other, GW_STR("somebody")},
                          {5, 't', h, GW_STR("another kind")}};
    assert_ok(f, state_mark_add(f->s, marks, GW_COUNT(marks), &f->err));
    assert_ok(f, state_mark_find(f->s, 'q', &h, f->arena, &found, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(found[0].shard, 5);
    assert_true(gw_str_is(found[0].value, "reply-one"));
    assert_int_equal(found[1].shard, 63);
    assert_true(gw_str_is(found[1].value, "reply-two"));
}

static void all_debtors_of_an_address_are_found_and_the_address_is_not_kept(void **cm)
{
    enum { MANY = 2500 }; /* more than two pages */
    fixture *f = *cm;
    static const uint8_t key[GW_ID_KEY_BYTES] = {1};
    static state_mark marks[MANY + 1];
    static char values[MANY][16];
    gw_id h, other;
    gw_str *found;
    size_t n;
    state_mark_address(key, GW_STR("Person@Example.test"), &h);
    state_mark_address(key, GW_STR("person@example.test"), &other);
    assert_memory_equal(&h, &other, sizeof h);
    state_mark_address(key, GW_STR("person@example.tes"), &other);
    assert_memory_not_equal(&h, &other, sizeof h);
    for (int i = 0; i < MANY; i++) {
        int len = snprintf(values[i], sizeof values[i], "debtor-%05d", i);
        marks[i] = (state_mark){state_shard(&h), 'a', h, {values[i], (size_t)len}};
    }
    marks[MANY] = (state_mark){state_shard(&other), 'a', other, GW_STR("somebody")};
    assert_ok(f, state_mark_add(f->s, marks, MANY + 1, &f->err));
    assert_ok(f, state_mark_debtors(f->s, &h, f->arena, &found, &n, &f->err));
    assert_int_equal(n, MANY);
    for (size_t i = 0; i < n; i++)
        assert_true(gw_str_is(found[i], values[i]));
    state_mark astray = {(uint8_t)((state_shard(&h) + 1) % STATE_SHARDS), 'a', h, GW_STR("x")};
    assert_int_equal(state_mark_add(f->s, &astray, 1, &f->err), GW_EINVAL);
    size_t bytes;
    char *all = snapshot(f, &bytes);
    assert_null(memmem(all, bytes, "example", 7));
    free(all);
}

static void a_providers_id_is_found_with_one_question_in_its_own_shard(void **cm)
{
    enum { MANY = 600 }; /* more than one pipeline holds */
    fixture *f = *cm;
    static const uint8_t key[GW_ID_KEY_BYTES] = {1};
    static state_mark marks[MANY];
    static gw_id keys[MANY];
    static gw_str found[MANY];
    static char values[MANY][16];
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(values[i], sizeof values[i], "m-%d", i);
        const gw_str ref = {values[i], (size_t)n};
        state_mark_provider(key, GW_STR("carrier"), ref, &keys[i]);
        marks[i] = (state_mark){state_shard(&keys[i]), 'p', keys[i], ref};
    }
    /* Every second one is known; one in another shard would never be found, so it is refused. */
    for (int i = 0; i < MANY; i += 2)
        assert_ok(f, state_mark_add(f->s, &marks[i], 1, &f->err));
    state_mark elsewhere = marks[1];
    elsewhere.shard = (uint8_t)((elsewhere.shard + 1) % STATE_SHARDS);
    assert_int_equal(state_mark_add(f->s, &elsewhere, 1, &f->err), GW_EINVAL);
    assert_ok(f, state_mark_lookup(f->s, keys, MANY, f->arena, found, &f->err));
    for (int i = 0; i < MANY; i++)
        assert_true(i % 2 ? found[i].p == NULL : gw_str_is(found[i], values[i]));
    state_mark_provider(key, GW_STR("other"), GW_STR("m-0"), &keys[0]);
    assert_ok(f, state_mark_lookup(f->s, keys, 1, f->arena, found, &f->err));
    assert_null(found[0].p);
}

static void a_receipt_is_booked_only_on_what_it_was_computed_from(void **cm)
{
    fixture *f = *cm;
    state_job job = job_of(1, 2, "{}");
    accept_one(f, job, 1234, OUTBOX_MAX);
    uint8_t shard = state_shard(&job.did);
    uint64_t version = load_reminder(f, shard, &job.rid).version;
    state_record rec = {.event = "ReceivedFromNonERDS", .t = {5}, .fact = GW_STR("{}")};
    state_booking list[] = {
        {shard, job.rid, GW_STR(""), GW_STR("{\"a\":1}"), &rec},
        {shard, job.rid, GW_STR(""), GW_STR("{\"a\":2}"), &rec}, /* read before the first */
        {shard, job.rid, GW_STR("{\"a\":1}"), GW_STR("{\"a\":3}"), NULL},
        {shard, id_of(77), GW_STR(""), GW_STR("{}"), &rec}, /* no such reminder */
    };
    state_verdict v[4];
    assert_ok(f, state_book_receipts(f->s, list, 4, v, &f->err));
    assert_int_equal(v[0], STATE_OK);
    assert_int_equal(v[1], STATE_STALE);
    assert_int_equal(v[2], STATE_OK);
    assert_int_equal(v[3], STATE_STALE);
    state_hash now = load_reminder(f, shard, &job.rid);
    assert_true(gw_str_is(state_get(&now, "y"), "{\"a\":3}"));
    assert_int_equal(now.version, version);
    state_outbox_entry *e;
    size_t n;
    assert_ok(f, state_outbox_read(f->s, from_start, 10, 0, f->arena, &e, &n, &f->err));
    assert_int_equal(n, 2); /* the acceptance and one receipt */
    assert_string_equal(e[1].rec.event, "ReceivedFromNonERDS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_in_stays_until_it_is_removed, fixture_start,
                                        fixture_stop),
        cmocka_unit_test_setup_teardown(an_empty_or_huge_entry_is_refused, fixture_start,
                                        fixture_stop),
        cmocka_unit_test_setup_teardown(a_mark_is_found_from_every_shard, fixture_start,
                                        fixture_stop),
        cmocka_unit_test_setup_teardown(
            all_debtors_of_an_address_are_found_and_the_address_is_not_kept, fixture_start,
            fixture_stop),
        cmocka_unit_test_setup_teardown(a_providers_id_is_found_with_one_question_in_its_own_shard,
                                        fixture_start, fixture_stop),
        cmocka_unit_test_setup_teardown(a_receipt_is_booked_only_on_what_it_was_computed_from,
                                        fixture_start, fixture_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
