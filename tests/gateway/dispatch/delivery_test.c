#include "gateway/dispatch/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static hook_entry says(wire_receipt_state s, wire_auth auth, const char *code)
{
    return (hook_entry){.kind = ENTRY_RECEIPT,
                        .provider = GW_STR("twilio"),
                        .auth = auth,
                        .rx_ms = 7,
                        .own = GW_STR("own-1"),
                        .state = s,
                        .code = gw_str_of(code)};
}

static void fold(delivery *d, wire_receipt_state s, const char *code, delivery_effect expected)
{
    hook_entry e = says(s, WIRE_AUTH_SIGNED, code);
    assert_int_equal(delivery_fold(d, &e, 1), expected);
}

static void a_final_state_never_regresses(void **state)
{
    (void)state;
    delivery d = {0};
    fold(&d, WIRE_RECEIPT_ACCEPTED, "a", DELIVERY_MOVE);
    fold(&d, WIRE_RECEIPT_DELIVERED, "b", DELIVERY_MOVE);
    fold(&d, WIRE_RECEIPT_SENT, "c", DELIVERY_LATE);
    fold(&d, WIRE_RECEIPT_ACCEPTED, "a", DELIVERY_REPEAT);
    fold(&d, WIRE_RECEIPT_DELIVERED, "b", DELIVERY_REPEAT);
    fold(&d, WIRE_RECEIPT_DELIVERED, "again, with another code", DELIVERY_SAME);
    assert_int_equal(d.state, WIRE_RECEIPT_DELIVERED);
    assert_false(d.contradicted);
    assert_int_equal(d.n, 4);
}

static void a_contradiction_is_noted_and_changes_no_state(void **state)
{
    (void)state;
    delivery d = {0};
    fold(&d, WIRE_RECEIPT_EXPIRED, "", DELIVERY_MOVE);
    fold(&d, WIRE_RECEIPT_FAILED, "", DELIVERY_SAME); /* both say: it did not arrive */
    assert_false(d.contradicted);
    fold(&d, WIRE_RECEIPT_DELIVERED, "", DELIVERY_CLASH);
    assert_int_equal(d.state, WIRE_RECEIPT_EXPIRED);
    assert_true(d.contradicted);
}

static void an_unsigned_receipt_is_only_a_claim(void **state)
{
    (void)state;
    delivery d = {0};
    bool wait;
    hook_entry e = says(WIRE_RECEIPT_DELIVERED, WIRE_AUTH_UNSIGNED, "");
    assert_int_equal(delivery_fold(&d, &e, 1), DELIVERY_CLAIM);
    assert_int_equal(d.state, WIRE_RECEIPT_NONE);
    assert_int_equal(d.claimed, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(delivery_life_event(&d, LIFE_UNKNOWN, 1, &wait), LIFE_EVENT_COUNT);
    e.auth = WIRE_AUTH_PULLED;
    assert_int_equal(delivery_fold(&d, &e, 1), DELIVERY_MOVE);
    assert_int_equal(d.state, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(d.auth, WIRE_AUTH_PULLED);
    assert_int_equal(d.claimed, WIRE_RECEIPT_NONE);
    e = says(WIRE_RECEIPT_FAILED, WIRE_AUTH_UNSIGNED, "forged");
    assert_int_equal(delivery_fold(&d, &e, 1), DELIVERY_CLAIM);
    assert_false(d.contradicted);
    assert_int_equal(d.state, WIRE_RECEIPT_DELIVERED);
}

static void the_newest_attempt_counts_but_a_delivery_always_does(void **state)
{
    (void)state;
    delivery d = {0};
    hook_entry failed = says(WIRE_RECEIPT_FAILED, WIRE_AUTH_SIGNED, "1");
    hook_entry sent = says(WIRE_RECEIPT_SENT, WIRE_AUTH_SIGNED, "2");
    hook_entry delivered = says(WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED, "3");
    assert_int_equal(delivery_fold(&d, &failed, 1), DELIVERY_MOVE);
    assert_int_equal(delivery_fold(&d, &sent, 2), DELIVERY_MOVE);
    assert_int_equal(d.attempt, 2);
    failed.code = GW_STR("late");
    assert_int_equal(delivery_fold(&d, &failed, 1), DELIVERY_LATE);
    assert_int_equal(delivery_fold(&d, &delivered, 1), DELIVERY_MOVE);
    sent.code = GW_STR("later");
    assert_int_equal(delivery_fold(&d, &sent, 3), DELIVERY_LATE);
    assert_int_equal(d.state, WIRE_RECEIPT_DELIVERED);
}

static void it_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    gw_err err;
    delivery d = {0}, back;
    for (int i = 0; i < DELIVERY_SEEN_MAX + 5; i++) {
        char code[16];
        snprintf(code, sizeof code, "c%d", i);
        fold(&d, WIRE_RECEIPT_SENT, code, i ? DELIVERY_SAME : DELIVERY_MOVE);
    }
    d.ref = GW_STR("SM\"1\"");
    d.code = GW_STR("sent");
    GW_AUTO_BUF gw_buf one;
    GW_AUTO_BUF gw_buf two;
    gw_buf_init(&one, DELIVERY_TEXT_MAX);
    gw_buf_init(&two, DELIVERY_TEXT_MAX);
    assert_int_equal(delivery_write(&d, &one, &err), GW_OK);
    assert_int_equal(delivery_read(gw_buf_str(&one), arena, &back, &err), GW_OK);
    assert_int_equal(delivery_write(&back, &two, &err), GW_OK);
    assert_string_equal(one.data, two.data);
    assert_int_equal(back.n, DELIVERY_SEEN_MAX + 5);
    assert_int_equal(delivery_read(GW_STR("{\"v\":2}"), arena, &back, &err), GW_ECORRUPT);
    assert_int_equal(delivery_read(GW_STR(""), arena, &back, &err), GW_OK);
    assert_int_equal(back.state, WIRE_RECEIPT_NONE);
}

static void
a_receipt_resolves_unknown_and_stops_a_retry_but_never_an_attempt_in_flight(void **state)
{
    (void)state;
    static const struct {
        wire_receipt_state known;
        int attempt;
        life_state in;
        int attempts;
        life_event on;
        bool wait;
    } rows[] = {
        {WIRE_RECEIPT_ACCEPTED, 1, LIFE_UNKNOWN, 1, ON_RECEIPT_TOOK, false},
        {WIRE_RECEIPT_DELIVERED, 1, LIFE_UNKNOWN, 1, ON_RECEIPT_TOOK, false},
        {WIRE_RECEIPT_FAILED, 1, LIFE_UNKNOWN, 1, ON_RECEIPT_REFUSED, false},
        {WIRE_RECEIPT_FAILED, 1, LIFE_UNKNOWN, 2, LIFE_EVENT_COUNT, false},
        {WIRE_RECEIPT_SENT, 1, LIFE_PLANNED, 1, ON_RECEIPT_TOOK, false},
        {WIRE_RECEIPT_DELIVERED, 2, LIFE_SENDING, 2, LIFE_EVENT_COUNT, true},
        {WIRE_RECEIPT_DELIVERED, 1, LIFE_CLAIMED, 2, ON_RECEIPT_TOOK, false},
        {WIRE_RECEIPT_NONE, 0, LIFE_SENDING, 1, LIFE_EVENT_COUNT, false},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        delivery d = {.state = rows[i].known, .attempt = rows[i].attempt};
        bool wait;
        assert_int_equal(delivery_life_event(&d, rows[i].in, rows[i].attempts, &wait), rows[i].on);
        assert_int_equal(wait, rows[i].wait);
    }
}

/* ---- any order ---- */

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

enum { RECEIPTS = 8, ORDERS = 2000, SETS = 40 };

/* A set of receipts of one attempt, played in many orders with repetitions between. */
static void play(uint64_t *seed, const hook_entry *set, bool contradictory)
{
    wire_receipt_state first = WIRE_RECEIPT_STATE_COUNT;
    for (int o = 0; o < ORDERS / SETS; o++) {
        delivery d = {0};
        size_t order[RECEIPTS], moves_to_final = 0, recorded = 0;
        for (size_t i = 0; i < RECEIPTS; i++) {
            size_t at = next_random(seed) % (i + 1);
            order[i] = order[at];
            order[at] = i;
        }
        for (size_t i = 0; i < 3 * RECEIPTS; i++) { /* the whole order, then replays */
            const hook_entry *e = &set[i < RECEIPTS ? order[i] : next_random(seed) % RECEIPTS];
            wire_receipt_state before = d.state;
            delivery_effect effect = delivery_fold(&d, e, 1);
            recorded += effect != DELIVERY_REPEAT;
            moves_to_final += effect == DELIVERY_MOVE && wire_receipt_is_final(d.state);
            if (wire_receipt_is_final(before))
                assert_int_equal(d.state, before);
            assert_true(d.state >= before);
            if (i >= RECEIPTS)
                assert_int_equal(effect, DELIVERY_REPEAT);
        }
        assert_true(moves_to_final <= 1);
        assert_int_equal(recorded, RECEIPTS);
        assert_int_equal(d.contradicted, contradictory);
        bool arrived = d.state == WIRE_RECEIPT_DELIVERED;
        if (first == WIRE_RECEIPT_STATE_COUNT)
            first = d.state;
        else if (!contradictory)
            assert_int_equal(arrived, first == WIRE_RECEIPT_DELIVERED);
        if (!contradictory)
            assert_int_equal(wire_receipt_is_final(d.state), wire_receipt_is_final(first));
    }
}

static void receipts_in_any_order_with_any_repetition_have_one_effect(void **state)
{
    (void)state;
    uint64_t seed = 20130304;
    for (int s = 0; s < SETS; s++) {
        hook_entry set[RECEIPTS];
        char codes[RECEIPTS][8];
        bool yes = false, no = false;
        for (size_t i = 0; i < RECEIPTS; i++) {
            wire_receipt_state says_now =
                (wire_receipt_state)(WIRE_RECEIPT_ACCEPTED +
                                     next_random(&seed) %
                                         (s % 4 ? 3 : WIRE_RECEIPT_STATE_COUNT - 1));
            snprintf(codes[i], sizeof codes[i], "%zu", i);
            set[i] = says(says_now, WIRE_AUTH_SIGNED, codes[i]);
            yes = yes || says_now == WIRE_RECEIPT_DELIVERED;
            no = no || says_now > WIRE_RECEIPT_DELIVERED;
        }
        play(&seed, set, yes && no);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_final_state_never_regresses),
        cmocka_unit_test(a_contradiction_is_noted_and_changes_no_state),
        cmocka_unit_test(an_unsigned_receipt_is_only_a_claim),
        cmocka_unit_test(the_newest_attempt_counts_but_a_delivery_always_does),
        cmocka_unit_test(it_is_read_back_as_it_was_written),
        cmocka_unit_test(
            a_receipt_resolves_unknown_and_stops_a_retry_but_never_an_attempt_in_flight),
        cmocka_unit_test(receipts_in_any_order_with_any_repetition_have_one_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
