#include "gateway/dispatch/learn.h"

#include "gateway/base/time.h"
#include "gateway/dispatch/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { STEPS = 3 };

typedef struct {
    gw_arena *arena;
    zone *z;
    state_hash hash;
    state_field stored[32];
    view_payment payment;
    view_promise promise;
    learned out;
    view_debtor d;
    loaded known[STEPS];
} world;

static int64_t at(const char *text)
{
    gw_wall t = {0};
    assert_int_equal(gw_time_parse(gw_str_of(text), &t, NULL), GW_OK);
    return t.ms;
}

/* Three mails of a ladder; the second is followed by a payment. */
static int setup(void **held)
{
    static const char *const left[STEPS] = {
        "2026-03-04T09:30:00+01:00", "2026-03-07T17:10:00+01:00", "2026-03-20T11:00:00+01:00"};
    world *w = calloc(1, sizeof *w);
    w->arena = gw_arena_new(1 << 20);
    assert_int_equal(zone_open(GW_STR("Europe/Berlin"), &w->z, NULL), GW_OK);
    w->payment = (view_payment){.item = GW_STR("I1"), .at_ms = at("2026-03-09T08:00:00Z")};
    w->d = (view_debtor){
        .role = GW_STR("company"), .hash = &w->hash, .payments = &w->payment, .payment_n = 1};
    for (int i = 0; i < STEPS; i++) {
        w->known[i].code = GW_OK;
        w->known[i].r = (view_reminder){.rid = {{(uint8_t)(i + 1)}},
                                        .state = LIFE_DELIVERED,
                                        .kind = 'l',
                                        .channel = GW_STR("email"),
                                        .item = GW_STR("I1"),
                                        .ended_ms = at(left[i])};
    }
    w->known[1].r.plan = GW_STR("{\"timing\":{\"hour\":17,\"chooser\":\"best\"}}");
    w->known[2].r.plan = GW_STR("{\"timing\":{\"hour\":9,\"chooser\":\"best\"}}");
    *held = w;
    return 0;
}

static int teardown(void **held)
{
    world *w = *held;
    zone_close(w->z);
    gw_arena_free(w->arena);
    free(w);
    return 0;
}

static void put(world *w, state_field f)
{
    size_t n = w->hash.n;
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(w->stored[i].name, f.name)) {
            w->stored[i] = w->stored[--n];
            break;
        }
    if (f.value.p)
        w->stored[n++] = f;
    w->hash = (state_hash){.fields = w->stored, .n = n};
}

/* As the store does with the transition. */
static size_t close_by(world *w, const char *now, int64_t *ret_next)
{
    const learn_ask ask = {
        .d = &w->d, .zone = w->z, .known = w->known, .known_n = STEPS, .now = {at(now)}};
    assert_int_equal(learn_closed(&ask, w->arena, &w->out), GW_OK);
    for (size_t i = 0; i < w->out.set_n; i++)
        put(w, w->out.sets[i]);
    *ret_next = w->out.next_ms;
    return w->out.record_n;
}

static const char *fact(const world *w, size_t i)
{
    return w->out.records[i].fact.p;
}

static void nothing_is_learned_before_the_horizon(void **held)
{
    world *w = *held;
    int64_t next;
    /* the second mail ends the first one's wait for money, once its three days for replies are over
     */
    assert_int_equal(close_by(w, "2026-03-07T17:09:59+01:00", &next), 0);
    assert_true(next == at("2026-03-11T09:30:00+01:00"));
    w->known[1].r.state = w->known[2].r.state = LIFE_PLANNED;
    w->payment.item = GW_STR("I9");
    assert_int_equal(close_by(w, "2026-03-11T09:29:59+01:00", &next), 0);
    assert_true(next == at("2026-03-11T09:30:00+01:00"));
    assert_int_equal(close_by(w, "2026-03-11T09:30:00+01:00", &next), 1);
}

static void a_contact_is_learned_once_and_money_belongs_to_the_last_one_before_it(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    assert_int_equal(close_by(w, "2026-03-15T00:00:00Z", &next), 2);
    assert_true(next == INT64_MAX || next == at("2026-03-27T11:00:00+01:00"));
    assert_int_equal(close_by(w, "2026-03-15T00:00:00Z", &next), 0);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.contacts[0].hour, 9);
    assert_int_equal(h.contacts[0].result, RESULT_NONE);
    assert_int_equal(h.contacts[0].chooser, CHOSE_FORCED);
    assert_int_equal(h.contacts[1].hour, 17);
    assert_int_equal(h.contacts[1].daytype, 1); /* a Saturday */
    assert_int_equal(h.contacts[1].result, RESULT_PAID);
    assert_int_equal(h.contacts[1].chooser, CHOSE_BEST);
    assert_true(gw_str_is(state_get(&w->hash, "tg"), "1"));

    assert_int_equal(close_by(w, "2026-04-15T00:00:00Z", &next), 1);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 3);
    assert_int_equal(h.contacts[2].result, RESULT_NONE);
    assert_int_equal(h.contacts[2].chooser, CHOSE_FORCED); /* planned for nine, left at eleven */
    assert_true(next == INT64_MAX);
}

static void every_contact_has_a_record_of_what_came_of_it(void **held)
{
    world *w = *held;
    int64_t next;
    w->known[1].r.plan = GW_STR(
        "{\"timing\":{\"hour\":17,\"chooser\":\"explore\",\"propensity_ppm\":4200,\"allowed\":"
        "[9,10,17],\"p_ppm\":{\"final\":130000},\"best_hour\":9,\"best_ppm\":200000}}");
    assert_int_equal(close_by(w, "2026-03-15T00:00:00Z", &next), 2);
    assert_string_equal(fact(w, 0), "{\"channel\":\"email\",\"daytype\":\"weekday\",\"hour\":9,"
                                    "\"result\":\"none\",\"hour_by\":\"forced\",\"segment\":1}");
    assert_string_equal(
        fact(w, 1),
        "{\"channel\":\"email\",\"daytype\":\"weekend\",\"hour\":17,\"result\":\"paid\",\"hour_"
        "by\":"
        "\"explore\",\"propensity_ppm\":4200,\"best_hour\":9,\"best_ppm\":200000,\"p_ppm\":130000,"
        "\"hours\":3,\"segment\":1}");
}

static void a_contact_that_closes_late_is_not_skipped(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    w->known[0].r.item = GW_STR("I2"); /* nothing to do with the payment */
    assert_int_equal(close_by(w, "2026-03-10T00:00:00Z", &next), 1); /* the second one: paid */
    assert_true(next == at("2026-03-11T09:30:00+01:00"));
    assert_int_equal(close_by(w, "2026-03-11T10:00:00Z", &next), 1);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.contacts[0].hour, 17);
    assert_int_equal(h.contacts[1].hour, 9);
}

static void a_payment_closes_its_contact_at_once(void **held)
{
    world *w = *held;
    int64_t next;
    w->known[0].r.item = GW_STR("I2");
    w->known[2].r.state = LIFE_PLANNED;
    assert_int_equal(close_by(w, "2026-03-09T08:00:01Z", &next), 1);
}

static void reply(world *w, const char *at_text, const char *more)
{
    static char bodies[4][256], names[4][32];
    static int used;
    int i = used++ % 4;
    snprintf(names[i], sizeof names[i], "z:0000000000000000000000000%d", i);
    snprintf(bodies[i], sizeof bodies[i], "{\"at\":%lld,\"channel\":\"email\"%s}",
             (long long)at(at_text), more);
    put(w, (state_field){gw_str_of(names[i]), gw_str_of(bodies[i])});
}

static void a_reply_is_an_answer_and_one_later_that_day_teaches_its_own_hour(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    w->payment.item = GW_STR("I9");
    reply(w, "2026-03-04T09:50:00+01:00", ",\"class\":\"other\"");
    reply(w, "2026-03-07T20:30:00+01:00", ",\"class\":\"promise\"");
    assert_int_equal(close_by(w, "2026-03-07T09:29:59+01:00", &next), 0); /* money may follow */
    assert_int_equal(close_by(w, "2026-03-12T00:00:00Z", &next), 2);
    learn_history(&w->d, &h);
    assert_int_equal(h.contacts[0].result, RESULT_ANSWER);
    assert_int_equal(h.contacts[1].result, RESULT_LATE);
    assert_int_equal(h.contacts[1].late, 3);
}

static void an_opt_out_and_a_reply_nobody_vouches_for_are_no_answers(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    w->payment.item = GW_STR("I9");
    reply(w, "2026-03-04T09:50:00+01:00", ",\"class\":\"stop\"");
    reply(w, "2026-03-07T17:30:00+01:00", ",\"class\":\"other\",\"authenticity\":\"unsigned\"");
    assert_int_equal(close_by(w, "2026-03-15T00:00:00Z", &next), 2);
    learn_history(&w->d, &h);
    assert_int_equal(h.contacts[0].result, RESULT_NONE);
    assert_int_equal(h.contacts[1].result, RESULT_NONE);
}

static void a_promise_counts_as_paid(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    char body[64];
    w->payment.item = GW_STR("I9");
    snprintf(body, sizeof body, "{\"rx\":%lld}", (long long)at("2026-03-05T08:00:00Z"));
    w->promise = (view_promise){.item = GW_STR("I1"), .body = gw_str_of(body)};
    w->d.promises = &w->promise;
    w->d.promise_n = 1;
    assert_int_equal(close_by(w, "2026-03-05T08:00:01Z", &next), 1);
    learn_history(&w->d, &h);
    assert_int_equal(h.contacts[0].result, RESULT_PAID);
}

static void a_call_is_learned_at_once_whether_it_was_answered_or_not(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    state_field first, second;
    gw_id rid = {{7}};
    for (int i = 0; i < STEPS; i++)
        w->known[i].r.state = LIFE_PLANNED;
    assert_int_equal(
        learn_call(&rid, 1, (gw_wall){at("2026-03-04T10:00:00+01:00")}, 'n', w->arena, &first),
        GW_OK);
    assert_int_equal(
        learn_call(&rid, 2, (gw_wall){at("2026-03-04T18:00:00+01:00")}, 'a', w->arena, &second),
        GW_OK);
    put(w, first);
    put(w, second);
    assert_int_equal(close_by(w, "2026-03-04T18:00:00+01:00", &next), 2);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.contacts[0].channel, 2);
    assert_int_equal(h.contacts[0].hour, 10);
    assert_int_equal(h.contacts[0].result, RESULT_NONE);
    assert_int_equal(h.contacts[1].hour, 18);
    assert_int_equal(h.contacts[1].result, RESULT_ANSWER);
    assert_null(state_get(&w->hash, "tc:00E0000000000000000000000:1").p);
    assert_int_equal(close_by(w, "2026-03-04T18:00:00+01:00", &next), 0);
}

static void a_message_in_the_outbox_folder_or_failed_by_receipt_is_no_contact(void **held)
{
    world *w = *held;
    int64_t next;
    w->known[0].r.why = GW_STR("outbox");
    w->known[1].r.delivery =
        GW_STR("{\"v\":1,\"state\":\"failed\",\"auth\":\"signed\",\"attempt\":1,\"rx\":1,"
               "\"n\":1,\"seen\":[]}");
    w->known[2].r.state = LIFE_PLANNED;
    assert_int_equal(close_by(w, "2026-04-15T00:00:00Z", &next), 0);
}

static void a_payment_of_another_item_is_no_answer(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    w->payment.item = GW_STR("I2");
    assert_true(close_by(w, "2026-04-15T00:00:00Z", &next) > 0);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(h.contacts[i].result, RESULT_NONE);
}

static void what_was_not_delivered_teaches_nothing(void **held)
{
    world *w = *held;
    int64_t next;
    for (int i = 0; i < STEPS; i++)
        w->known[i].r.state = LIFE_UNKNOWN;
    assert_int_equal(close_by(w, "2026-04-15T00:00:00Z", &next), 0);
    assert_true(next == INT64_MAX);
}

static void a_damaged_history_counts_as_none(void **held)
{
    world *w = *held;
    history h;
    w->stored[0] = (state_field){GW_STR("th"), GW_STR("\x01garbage, not a history")};
    w->hash = (state_hash){.fields = w->stored, .n = 1};
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_learned_before_the_horizon, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_contact_is_learned_once_and_money_belongs_to_the_last_one_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(every_contact_has_a_record_of_what_came_of_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_contact_that_closes_late_is_not_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_payment_closes_its_contact_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_reply_is_an_answer_and_one_later_that_day_teaches_its_own_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(an_opt_out_and_a_reply_nobody_vouches_for_are_no_answers,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_promise_counts_as_paid, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_is_learned_at_once_whether_it_was_answered_or_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_message_in_the_outbox_folder_or_failed_by_receipt_is_no_contact, setup, teardown),
        cmocka_unit_test_setup_teardown(a_payment_of_another_item_is_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_delivered_teaches_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_history_counts_as_none, setup, teardown),
    };
    return cmocka_run_group_tests_name("learning from closed contacts", tests, NULL, NULL);
}
