#include "gateway/timing/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* `n` contacts of a segment at every hour 8..19 of a weekday; `at` is answered twice as often. */
static void add_contacts(timing_counts *c, unsigned segment, unsigned channel, unsigned at, int n)
{
    for (uint8_t h = 8; h < 20; h++)
        for (int i = 0; i < n; i++) {
            history_contact x = {.channel = (uint8_t)channel, .hour = h};
            x.result = i % 10 < (h == at ? 4 : 2) ? RESULT_ANSWER : RESULT_NONE;
            timing_counts_add(c, segment, &x);
        }
}

static void what_a_segment_does_on_one_channel_is_expected_on_the_others(void **state)
{
    (void)state;
    timing_counts c = {0};
    timing_tables t;
    add_contacts(&c, 1, 1, 17, 500);
    add_contacts(&c, 2, 1, 10, 500);
    add_contacts(&c, 1, 0, 0, 20); /* e-mail is young and knows nothing of its own */
    add_contacts(&c, 2, 0, 0, 20);
    timing_tables_make(&c, &t);
    assert_true(t.segment[1][timing_cell(0, 0, 17)] > 1.15F * t.segment[1][timing_cell(0, 0, 13)]);
    assert_true(t.segment[2][timing_cell(0, 0, 17)] < t.segment[1][timing_cell(0, 0, 17)]);
    assert_true(t.segment[2][timing_cell(0, 0, 10)] > t.segment[1][timing_cell(0, 0, 10)]);
}

static void a_segment_nobody_was_seen_of_gets_everybodys_curve(void **state)
{
    (void)state;
    timing_counts c = {0};
    timing_tables t;
    add_contacts(&c, 1, 1, 17, 500);
    timing_tables_make(&c, &t);
    for (unsigned i = 0; i < TIMING_CELLS; i++)
        assert_float_equal(t.segment[5][i], t.population[i], 1e-6);
}

/* Every contact answered, every contact trusted double: still a chance. */
static void tables_hold_chances_whatever_was_counted(void **state)
{
    (void)state;
    timing_counts c = {0};
    timing_tables t;
    for (int i = 0; i < 20000; i++) {
        history_contact x = {.channel = 2, .daytype = 1, .hour = 12, .result = RESULT_PAID};
        timing_counts_add(&c, 3, &x);
        x.result = RESULT_LATE;
        x.hour = 9;
        x.late = 3;
        timing_counts_add(&c, 3, &x);
    }
    timing_tables_make(&c, &t);
    for (unsigned s = 0; s < TIMING_SEGMENTS; s++)
        for (unsigned i = 0; i < TIMING_CELLS; i++) {
            assert_true(t.segment[s][i] > 0 && t.segment[s][i] < 1);
            assert_true(t.population[i] > 0 && t.population[i] < 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_segment_does_on_one_channel_is_expected_on_the_others),
        cmocka_unit_test(a_segment_nobody_was_seen_of_gets_everybodys_curve),
        cmocka_unit_test(tables_hold_chances_whatever_was_counted),
    };
    return cmocka_run_group_tests_name("timing tables", tests, NULL, NULL);
}
