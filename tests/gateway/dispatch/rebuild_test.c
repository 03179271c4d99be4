/* Redis is lost with all it held; the evidence log makes the state again, and nothing goes twice.
 */
#include "gateway/dispatch/rebuild.h"
#include "gateway/intake/intake.h"
#include "gateway/intake/windows.h"
#include "tests/gateway/dispatch/rig.h"

#include "gateway/dispatch/load.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 256 };

static rig *of(void **cm)
{
    return *cm;
}

static gw_code rebuild(rig *r, rebuild_result *ret)
{
    const rebuild_order o = {.evidence_dir = r->paths[0],
                             .tenant_key = r->paths[2],
                             .id_key = r->id_key,
                             .state = r->config.state,
                             .now = gw_clock_now(r->clock)};
    return rebuild_run(&o, r->ev, ret, &r->err);
}

static void must_rebuild(rig *r, rebuild_result *ret)
{
    if (rebuild(r, ret) != GW_OK)
        fail_msg("%s", r->err.text);
}

/* What the store holds about a debtor, one "name=value" a line, sorted. Its version counts changes
 * and is not compared. */
typedef struct {
    char *lines[LINES_MAX];
    size_t n;
} snapshot;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void take_hash(snapshot *s, const char *what, const state_hash *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const state_field *f = &h->fields[i];
        if (gw_str_is(f->name, "v"))
            continue;
        assert_true(s->n < LINES_MAX);
        assert_true(asprintf(&s->lines[s->n++], "%s %.*s=%.*s", what, GW_STR_ARG(f->name),
                             GW_STR_ARG(f->value)) > 0);
    }
}

static snapshot take(rig *r)
{
    snapshot s = {.n = 0};
    state_debtor found;
    gw_id did;
    gw_arena_reset(r->arena);
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("d1"), &did);
    assert_int_equal(state_load_debtors(r->store, &did, 1, r->arena, &found, &r->err), GW_OK);
    take_hash(&s, "debtor", &found.debtor);
    take_hash(&s, "items", &found.items);
    qsort(s.lines, s.n, sizeof s.lines[0], by_text);
    return s;
}

static void is_same(snapshot *a, snapshot *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++)
        assert_string_equal(a->lines[i], b->lines[i]);
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        free(a->lines[i]);
    for (size_t i = 0; i < b->n; i++)
        free(b->lines[i]);
}

static void tell_much(rig *r)
{
    bool changed;
    const windows_act act = {GW_STR("ann"), GW_STR("operator"), GW_STR("test"),
                             gw_clock_now(r->clock)};
    rig_debtor(r);
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-02-25\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\"}");
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i2\",\"debtor\":\"d1\",\"due\":\"2013-06-25\",\"amount_minor\":500,"
             "\"currency\":\"EUR\",\"ladder\":\"none\"}");
    rig_tell(r, VERB_PAYMENT,
             "{\"id\":\"p1\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":4000,\"currency\":"
             "\"EUR\",\"at\":\"2013-03-01T00:00:00Z\"}");
    rig_tell(r, VERB_PROMISE,
             "{\"id\":\"m1\",\"debtor\":\"d1\",\"item\":\"i2\",\"date\":\"2013-07-01\"}");
    rig_tell(r, VERB_DISPUTE,
             "{\"id\":\"u1\",\"debtor\":\"d1\",\"item\":\"i2\",\"state\":\"open\",\"reason\":"
             "\"broken\"}");
    rig_tell(r, VERB_CONSENT,
             "{\"id\":\"c1\",\"debtor\":\"d1\",\"channel\":\"sms\",\"address\":\"+4930123456\","
             "\"status\":\"withdrawn\",\"source\":\"reply\",\"proof\":{\"media\":\"text/plain\","
             "\"base64\":\"U1RPUA==\"}}");
    rig_tell(
        r, VERB_HOLD,
        "{\"id\":\"h1\",\"debtor\":\"d1\",\"kind\":\"legal\",\"state\":\"set\",\"by\":\"ann\"}");
    rig_tell(r, VERB_HOLD,
             "{\"id\":\"h2\",\"debtor\":\"d1\",\"kind\":\"legal\",\"state\":\"released\",\"by\":"
             "\"ann\",\"reason\":\"over\"}");
    rig_tell(r, VERB_HOURS,
             "{\"id\":\"w1\",\"debtor\":\"d1\",\"hours\":\"nights\",\"state\":\"set\",\"use\":"
             "\"never\",\"from\":\"19:00\",\"to\":\"24:00\",\"by\":\"ann\"}");
    assert_int_equal(windows_apply(r->store, "test",
                                   GW_STR("{\"format\":1,\"windows\":[{\"id\":\"a\",\"from\":"
                                          "\"08:00\",\"to\":\"18:00\"}]}"),
                                   &act, r->arena, &changed, &r->err),
                     GW_OK);
}

static void the_same_debtors_caps_and_reminders_come_out_of_the_log(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    tell_much(r);
    rig_join(r, 0, 4);
    rig_submit(r, "j1", ",\"case\":\"i1\"");
    rig_deliver(r, 0, &t); /* the ladder's letter or the job, whichever is first */
    rig_submit(r, "j2", ",\"case\":\"i1\",\"to\":\"partner\"");
    rig_submit(r, "j3", ",\"case\":\"i1\",\"not_before\":\"2013-04-01T00:00:00Z\"");
    rig_settle(r);
    rig_leave(r, 0);
    rig_settle(r);
    uint64_t delivered = rig_count(r, 'D');
    assert_int_equal(delivered, 1);
    assert_int_equal(rig_state(r, "j2"), 'R');
    assert_int_equal(rig_state(r, "j3"), 'P');
    int64_t due = rig_due(r, "j3");
    char j1 = rig_state(r, "j1");
    snapshot before = take(r);
    rig_log(r);
    rig_lose_store(r);
    must_rebuild(r, &result);
    snapshot after = take(r);
    is_same(&before, &after);
    assert_int_equal(result.in_flight, 0);
    assert_int_equal(result.unsure, 0);
    assert_int_equal(rig_count(r, 'D'), delivered);
    state_hash control;
    assert_int_equal(state_control_get(r->store, r->arena, &control, &r->err), GW_OK);
    assert_non_null(strstr(windows_in_force(&control).p, "18:00"));
    rig_open(r);
    rig_settle(r);
    assert_int_equal(rig_state(r, "j3"), 'P');
    assert_int_equal(rig_due(r, "j3"), due);
    assert_int_equal(rig_state(r, "j2"), 'R');
    assert_int_equal(rig_state(r, "j1"), j1);
}

static void what_went_out_is_not_sent_again_and_caps_still_hold(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    rig_debtor(r);
    rig_join(r, 0, 4);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    rig_submit(r, "j2", "");
    rig_deliver(r, 0, &t);
    rig_submit(r, "j3", ""); /* the cap is two a day */
    rig_settle(r);
    rig_log(r);
    rig_lose_store(r);
    must_rebuild(r, &result);
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 2);
    rig_open(r);
    rig_leave(r, 0);
    rig_join(r, 1, 4);
    assert_false(rig_try_task(r, 1, &t));
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_int_equal(rig_state(r, "j2"), 'D');
    assert_int_equal(rig_state(r, "j3"), 'P');
    rig_set(r, RIG_MONDAY_10H + RIG_DAY);
    rig_deliver(r, 1, &t);
    assert_int_equal(rig_state(r, "j3"), 'D');
}

static void what_was_in_flight_becomes_unknown(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    rig_debtor(r);
    r->config.grace_ms = 1;
    rig_join(r, 0, 4);
    rig_submit(r, "j1", "");
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_log(r);
    rig_lose_store(r);
    rig_leave(r, 0);
    must_rebuild(r, &result);
    assert_int_equal(result.in_flight, 1);
    assert_int_equal(rig_state(r, "j1"), 'S');
    rig_open(r);
    rig_join(r, 1, 4);
    assert_false(rig_try_task(r, 1, &t));
    for (int i = 0; i < 100 && rig_state(r, "j1") == 'S'; i++)
        rig_settle(r);
    assert_int_equal(rig_state(r, "j1"), 'U');
    assert_int_equal(rig_cap(r, "c:email:2013-03-04"), 1);
}

static void what_was_sent_but_not_logged_becomes_unknown_and_others_go_on(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_submit(r, "j2", "");
    rig_settle(r);
    rig_log(r);
    rig_join(r, 0, 1);
    rig_deliver(r, 0, &t); /* one of them, and the log knows nothing of it */
    rig_leave(r, 0);
    const char *sent = rig_state(r, "j1") == 'D' ? "j1" : "j2";
    const char *other = rig_state(r, "j1") == 'D' ? "j2" : "j1";
    assert_int_equal(rig_state(r, sent), 'D');
    rig_lose_store(r);
    must_rebuild(r, &result);
    assert_int_equal(result.unsure, 1);
    assert_int_equal(rig_state(r, sent), 'U');
    assert_string_equal(rig_field(r, sent, "why"), "rebuild-gap");
    rig_open(r);
    rig_join(r, 1, 4);
    rig_deliver(r, 1, &t);
    assert_int_equal(rig_state(r, other), 'D');
    assert_int_equal(rig_state(r, sent), 'U');
}

static void a_ladder_goes_on_where_it_stood(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rebuild_result result;
    rig_debtor(r);
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-07\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\"}");
    rig_join(r, 0, 4);
    rig_settle(r);
    rig_set(r, rig_due(r, "i1#default#before"));
    rig_deliver(r, 0, &t);
    assert_int_equal(rig_state(r, "i1#default#before"), 'D');
    rig_settle(r);
    rig_log(r);
    rig_lose_store(r);
    rig_leave(r, 0);
    must_rebuild(r, &result);
    assert_int_equal(rig_state(r, "i1#default#before"), 'D');
    rig_open(r);
    rig_join(r, 1, 4);
    assert_false(rig_try_task(r, 1, &t));
    rig_set(r, rig_due(r, "i1#default#letter"));
    rig_deliver(r, 1, &t);
    assert_int_equal(rig_state(r, "i1#default#letter"), 'D');
    assert_int_equal(rig_count(r, 'D'), 2);
}

static state_reserved wanted_by_another(rig *r, const gw_id *id)
{
    state_use use = {.id = *id};
    state_reserved got;
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("another"), &use.did);
    assert_int_equal(state_reserve(r->store, &use, 1, &got, &r->err), GW_OK);
    return got;
}

static void ids_stay_with_their_debtors(void **cm)
{
    rig *r = of(cm);
    rebuild_result result;
    static const struct {
        verb verb;
        const char *id;
    } events[] = {
        {VERB_ITEM, "i1"}, {VERB_PAYMENT, "p1"}, {VERB_PROMISE, "m1"}, {VERB_DISPUTE, "u1"}};
    gw_id id;
    tell_much(r);
    rig_submit(r, "j1", "");
    rig_settle(r);
    rig_log(r);
    rig_lose_store(r);
    must_rebuild(r, &result);
    load_reminder_id(r->id_key, GW_STR("erp"), GW_STR("j1"), &id);
    assert_int_equal(wanted_by_another(r, &id), STATE_TAKEN);
    for (size_t i = 0; i < GW_COUNT(events); i++) {
        intake_event_id(r->id_key, GW_STR("erp"), events[i].verb, gw_str_of(events[i].id), &id);
        assert_int_equal(wanted_by_another(r, &id), STATE_TAKEN);
    }
    intake_event_id(r->id_key, GW_STR("erp"), VERB_HOLD, GW_STR("h1"), &id);
    assert_int_equal(wanted_by_another(r, &id), STATE_RESERVED); /* an act: never kept */
    rig_open(r);
}

static void nothing_is_written_beside_what_is_there_or_from_a_log_that_fails(void **cm)
{
    rig *r = of(cm);
    rebuild_result result;
    char command[256];
    rig_debtor(r);
    rig_log(r);
    assert_int_equal(rebuild(r, &result), GW_EREFUSED);
    assert_non_null(strstr(r->err.text, "not empty"));
    rig_lose_store(r);
    snprintf(command, sizeof command,
             "f=$(ls %s/log/example.test/dunlin/*/wal/*.seg | head -1); printf X | dd of=$f bs=1 "
             "seek=200 conv=notrunc 2>/dev/null",
             r->paths[0]);
    assert_int_equal(system(command), 0);
    assert_int_equal(rebuild(r, &result), GW_ECORRUPT);
    bool empty;
    assert_int_equal(state_is_empty(r->store, &empty, &r->err), GW_OK);
    assert_true(empty);
    rig_open(r);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_same_debtors_caps_and_reminders_come_out_of_the_log),
        RIG_TEST(what_went_out_is_not_sent_again_and_caps_still_hold),
        RIG_TEST(what_was_in_flight_becomes_unknown),
        RIG_TEST(what_was_sent_but_not_logged_becomes_unknown_and_others_go_on),
        RIG_TEST(a_ladder_goes_on_where_it_stood),
        RIG_TEST(ids_stay_with_their_debtors),
        RIG_TEST(nothing_is_written_beside_what_is_there_or_from_a_log_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
