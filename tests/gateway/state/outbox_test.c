#include "tests/gateway/state/fixture.h"

#include "gateway/state/record.h"

#include <stdio.h>
#include <string.h>

static const gw_str from_start[STATE_SHARDS];

static size_t read_box(fixture *f, const gw_str last[STATE_SHARDS], size_t limit,
                       state_outbox_entry **ret)
{
    size_t n = 0;
    assert_ok(f, state_outbox_read(f->s, last, limit, 0, f->arena, ret, &n, &f->err));
    return n;
}

static void put_record(fixture *f, uint8_t shard, const state_record *r)
{
    state_txn t = {.shard = shard, .records = r, .record_n = 1};
    assert_int_equal(apply_one(f, t), STATE_OK);
}

static void an_acceptance_is_told_with_its_body(void **cm)
{
    fixture *f = *cm;
    state_job job = job_of(1, 2, "{\"to\":\"x\"}");
    accept_one(f, job, 1234, OUTBOX_MAX);
    state_outbox_entry *e;
    assert_int_equal(read_box(f, from_start, 10, &e), 1);
    char rid[GW_ID_TEXT];
    gw_id_format(&job.rid, rid);
    assert_int_equal(e->shard, state_shard(&job.did));
    assert_string_equal(e->rec.event, "SubmissionAcceptance");
    assert_int_equal(e->rec.t.ms, 1234);
    assert_true(gw_str_is(e->rec.source, "erp"));
    assert_true(gw_str_is(e->rec.debtor, "d-1"));
    assert_true(gw_str_is(e->rec.case_id, "case-1"));
    assert_true(gw_str_is(e->rec.rid, rid));
    assert_true(gw_str_is(e->rec.fact, "{\"channel\":\"email\"}"));
    assert_true(gw_str_is(e->rec.priv, "{\"job\":\"job-1\"}"));
    assert_true(e->rec.with_body);
    assert_true(gw_str_is(e->body, "{\"to\":\"x\"}"));
}

static void a_record_comes_back_as_it_was_put(void **cm)
{
    fixture *f = *cm;
    static const char odd[] = "a,3:b\0c\r\n";
    state_record r = {.event = "x-Dispute",
                      .t = {INT64_C(1357000000000)},
                      .source = GW_STR("erp"),
                      .debtor = {odd, sizeof odd - 1},
                      .case_id = GW_STR(""),
                      .rid = GW_STR(""),
                      .attempt = 3,
                      .why = GW_STR("why, not"),
                      .level = 2,
                      .fact = GW_STR("{\"a\":\"b\"}"),
                      .priv = GW_STR("{}"),
                      .blobs = GW_STR("[]")};
    put_record(f, 5, &r);
    state_outbox_entry *e;
    assert_int_equal(read_box(f, from_start, 10, &e), 1);
    assert_int_equal(e->shard, 5);
    assert_string_equal(e->rec.event, r.event);
    assert_int_equal(e->rec.t.ms, r.t.ms);
    assert_true(gw_str_eq(e->rec.source, r.source));
    assert_true(gw_str_eq(e->rec.debtor, r.debtor));
    assert_int_equal(e->rec.case_id.n, 0);
    assert_int_equal(e->rec.attempt, 3);
    assert_true(gw_str_eq(e->rec.why, r.why));
    assert_int_equal(e->rec.level, 2);
    assert_true(gw_str_eq(e->rec.fact, r.fact));
    assert_true(gw_str_eq(e->rec.priv, r.priv));
    assert_true(gw_str_eq(e->rec.blobs, r.blobs));
    assert_false(e->rec.with_body);
}

static void a_body_asked_for_of_a_vanished_reminder_is_absent(void **cm)
{
    fixture *f = *cm;
    gw_id gone = id_of(77);
    char rid[GW_ID_TEXT];
    gw_id_format(&gone, rid);
    state_record r = {.event = "x-Plan", .rid = gw_str_of(rid), .with_body = true};
    put_record(f, 0, &r);
    state_outbox_entry *e;
    assert_int_equal(read_box(f, from_start, 10, &e), 1);
    assert_null(e->body.p);
}

static void reading_in_steps_sees_every_entry_once_and_in_order(void **cm)
{
    fixture *f = *cm;
    enum { EACH = 7 };
    for (int i = 0; i < EACH; i++)
        for (unsigned k = 0; k < STATE_SHARDS; k++) {
            state_record r = {.event = "x-Plan", .t = {i}};
            put_record(f, (uint8_t)k, &r);
        }
    gw_str last[STATE_SHARDS] = {{0}};
    char ids[STATE_SHARDS][48];
    int64_t next[STATE_SHARDS] = {0};
    size_t total = 0, n;
    state_outbox_entry *e;
    while ((n = read_box(f, last, 20, &e)) > 0) {
        assert_in_range(n, 1, 20);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(e[i].rec.t.ms, next[e[i].shard]++);
            snprintf(ids[e[i].shard], sizeof ids[0], "%s", e[i].stream_id.p);
            last[e[i].shard] = gw_str_of(ids[e[i].shard]);
        }
        total += n;
    }
    assert_int_equal(total, EACH * STATE_SHARDS);
}

static void trimming_forgets_exactly_through_the_given_entry(void **cm)
{
    fixture *f = *cm;
    for (int i = 0; i < 10; i++) {
        state_record r = {.event = "x-Plan", .t = {i}};
        put_record(f, 3, &r);
        put_record(f, 4, &r);
    }
    state_outbox_entry *e;
    assert_int_equal(read_box(f, from_start, 100, &e), 20);
    assert_int_equal(e[3].shard, 3);
    assert_ok(f, state_outbox_trim(f->s, 3, e[3].stream_id, &f->err));
    assert_int_equal(read_box(f, from_start, 100, &e), 16);
    assert_int_equal(e[0].rec.t.ms, 4);
    gw_str through[STATE_SHARDS] = {{0}};
    through[3] = e[5].stream_id;
    through[4] = e[15].stream_id;
    assert_ok(f, state_outbox_trim_all(f->s, through, &f->err));
    assert_int_equal(read_box(f, from_start, 100, &e), 0);
    assert_int_equal(state_outbox_trim(f->s, 3, GW_STR("nonsense"), &f->err), GW_EINVAL);
    assert_int_equal(read_box(f, from_start, 100, &e), 0);
}

static void waiting_for_entries_ends_with_none(void **cm)
{
    fixture *f = *cm;
    state_outbox_entry *e;
    size_t n = 9;
    assert_ok(f, state_outbox_read(f->s, from_start, 10, 20, f->arena, &e, &n, &f->err));
    assert_int_equal(n, 0);
}

static void an_entry_of_an_unknown_format_is_reported_never_skipped(void **cm)
{
    fixture *f = *cm;
    freeReplyObject(redisCommand(f->raw, "XADD dl:{07}:out * 9 x"));
    state_outbox_entry *e;
    size_t n;
    assert_int_equal(state_outbox_read(f->s, from_start, 10, 0, f->arena, &e, &n, &f->err),
                     GW_ECORRUPT);
    assert_non_null(strstr(f->err.text, "shard 7"));
}

static void a_damaged_record_is_corrupt_at_every_cut(void **cm)
{
    fixture *f = *cm;
    gw_buf b;
    gw_buf_init(&b, 4096);
    state_record r = {.event = "x-Plan", .fact = GW_STR("{}"), .why = GW_STR("abc")}, got;
    record_pack(&r, &b);
    assert_int_equal(record_unpack(gw_buf_str(&b), f->arena, &got, &f->err), GW_OK);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(record_unpack((gw_str){b.data, n}, f->arena, &got, &f->err), GW_ECORRUPT);
    gw_buf_putc(&b, 'x');
    assert_int_equal(record_unpack(gw_buf_str(&b), f->arena, &got, &f->err), GW_ECORRUPT);
    gw_buf_done(&b);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
    const struct CMUnitTest tests[] = {
        T(an_acceptance_is_told_with_its_body),
        T(a_record_comes_back_as_it_was_put),
        T(a_body_asked_for_of_a_vanished_reminder_is_absent),
        T(reading_in_steps_sees_every_entry_once_and_in_order),
        T(trimming_forgets_exactly_through_the_given_entry),
        T(waiting_for_entries_ends_with_none),
        T(an_entry_of_an_unknown_format_is_reported_never_skipped),
        T(a_damaged_record_is_corrupt_at_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
