#include "gateway/dispatch/learn.h"

#include "gateway/base/time.h"
#include "gateway/dispatch/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { STEPS = 3 };

typedef struct {
    gw_arena *arena;
    zone *z;
    state_hash hash;
    state_field stored[LEARN_FIELDS];
    view_payment payment;
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
        w->known[i].r = (view_reminder){.state = LIFE_DELIVERED,
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

static size_t close_by(world *w, const char *now, int64_t *ret_next)
{
    state_field sets[LEARN_FIELDS];
    size_t n;
    assert_int_equal(learn_closed(&w->d, w->z, w->known, STEPS, (gw_wall){at(now)}, w->arena, sets,
                                  &n, ret_next),
                     GW_OK);
    if (n) {
        assert_int_equal(n, LEARN_FIELDS);
        memcpy(w->stored, sets, sizeof sets);
        w->hash = (state_hash){.fields = w->stored, .n = LEARN_FIELDS};
    }
    return n;
}

static void nothing_is_learned_before_the_horizon(void **held)
{
    world *w = *held;
    int64_t next;
    assert_int_equal(close_by(w, "2026-03-11T09:29:59+01:00", &next), 0);
    assert_true(next == at("2026-03-11T09:30:00+01:00"));
}

static void a_contact_is_learned_once_with_what_came_of_it(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    assert_true(close_by(w, "2026-03-15T00:00:00Z", &next) > 0);
    assert_true(next == at("2026-03-27T11:00:00+01:00"));
    assert_int_equal(close_by(w, "2026-03-15T00:00:00Z", &next), 0);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.contacts[0].hour, 9);
    assert_int_equal(h.contacts[0].result, RESULT_PAID); /* five days later */
    assert_int_equal(h.contacts[0].chooser, CHOSE_FORCED);
    assert_int_equal(h.contacts[1].hour, 17);
    assert_int_equal(h.contacts[1].daytype, 1); /* a Saturday */
    assert_int_equal(h.contacts[1].result, RESULT_PAID);
    assert_int_equal(h.contacts[1].chooser, CHOSE_BEST);
    assert_true(gw_str_is(state_get(&w->hash, "tg"), "1"));

    assert_true(close_by(w, "2026-04-15T00:00:00Z", &next) > 0);
    learn_history(&w->d, &h);
    assert_int_equal(h.n, 3);
    assert_int_equal(h.contacts[2].result, RESULT_NONE);
    assert_int_equal(h.contacts[2].chooser, CHOSE_FORCED); /* planned for nine, left at eleven */
    assert_true(next == INT64_MAX);
}

static void a_payment_of_another_item_is_no_answer(void **held)
{
    world *w = *held;
    int64_t next;
    history h;
    w->payment.item = GW_STR("I2");
    assert_true(close_by(w, "2026-04-15T00:00:00Z", &next) > 0);
    learn_history(&w->d, &h);
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
        cmocka_unit_test_setup_teardown(a_contact_is_learned_once_with_what_came_of_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_payment_of_another_item_is_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_delivered_teaches_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_history_counts_as_none, setup, teardown),
    };
    return cmocka_run_group_tests_name("learning from closed contacts", tests, NULL, NULL);
}
