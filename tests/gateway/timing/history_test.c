#include "gateway/timing/history.h"
#include "gateway/timing/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static gw_str text_of(const uint8_t *v, size_t n)
{
    return (gw_str){(const char *)v, n};
}

static history_contact contact_at(unsigned i)
{
    history_contact c = {.channel = i % 3, .daytype = i % 7 > 4, .hour = 8 + i % 11};
    c.result = i % RESULT_COUNT;
    c.late = c.result == RESULT_LATE ? 1 + i % 4 : 0;
    c.chooser = i % 4;
    return c;
}

static void what_was_added_is_read_back(void **state)
{
    (void)state;
    uint8_t v[HISTORY_BYTES_MAX];
    size_t n = 0;
    for (unsigned i = 0; i < 40; i++) {
        history_contact c = contact_at(i);
        n = history_add(v, n, &c, (int32_t)(20000 + 3 * i));
    }
    history h;
    assert_int_equal(history_read(text_of(v, n), &h, NULL), GW_OK);
    assert_int_equal(h.n, 40);
    assert_int_equal(h.ever, 40);
    assert_int_equal(h.day, 20000 + 3 * 39);
    for (unsigned i = 0; i < 40; i++) {
        history_contact c = contact_at(i);
        c.gap = i ? 3 : 0;
        assert_memory_equal(&h.contacts[i], &c, sizeof c);
    }
}

static void the_value_never_grows_past_its_limit_and_the_oldest_falls_out(void **state)
{
    (void)state;
    uint8_t v[HISTORY_BYTES_MAX];
    size_t n = 0;
    history pushed = {0};
    for (unsigned i = 0; i < 500; i++) {
        history_contact c = contact_at(i);
        n = history_add(v, n, &c, (int32_t)i);
        history_push(&pushed, &c, (int32_t)i);
        assert_true(n <= HISTORY_BYTES_MAX);
    }
    history h;
    assert_int_equal(history_read(text_of(v, n), &h, NULL), GW_OK);
    assert_int_equal(h.n, HISTORY_MAX);
    assert_int_equal(h.ever, 500);
    history_contact newest = contact_at(499);
    newest.gap = 1;
    assert_memory_equal(&h.contacts[h.n - 1], &newest, sizeof newest);
    assert_memory_equal(h.contacts, pushed.contacts, sizeof h.contacts);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t v[HISTORY_BYTES_MAX];
    size_t n = 0;
    for (unsigned i = 0; i < 20; i++) {
        history_contact c = contact_at(i);
        n = history_add(v, n, &c, (int32_t)i);
    }
    for (size_t bit = 0; bit < n * 8; bit++) {
        history h;
        gw_err err = {0};
        v[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(history_read(text_of(v, n), &h, &err), GW_OK);
        assert_int_equal(h.n, 0);
        v[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 1; cut < n; cut++) {
        history h;
        assert_int_not_equal(history_read(text_of(v, cut), &h, NULL), GW_OK);
    }
}

static void a_damaged_value_is_begun_anew_by_the_next_contact(void **state)
{
    (void)state;
    uint8_t v[HISTORY_BYTES_MAX] = {1, 7, 3};
    history_contact c = contact_at(1);
    size_t n = history_add(v, 20, &c, 5);
    history h;
    assert_int_equal(history_read(text_of(v, n), &h, NULL), GW_OK);
    assert_int_equal(h.n, 1);
}

static void a_debtor_without_history_has_none(void **state)
{
    (void)state;
    history h;
    assert_int_equal(history_read(GW_STR(""), &h, NULL), GW_OK);
    assert_int_equal(h.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_read_back),
        cmocka_unit_test(the_value_never_grows_past_its_limit_and_the_oldest_falls_out),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(a_damaged_value_is_begun_anew_by_the_next_contact),
        cmocka_unit_test(a_debtor_without_history_has_none),
    };
    return cmocka_run_group_tests_name("timing history", tests, NULL, NULL);
}
