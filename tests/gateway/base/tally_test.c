#include "gateway/base/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const gw_str none = {NULL, 0};

static void counters_add_up_by_name_and_labels(void **state)
{
    (void)state;
    tally_reset();
    tally_one("dunlin_x_total", "kind", "a");
    tally_one("dunlin_x_total", "kind", "a");
    tally_add("dunlin_x_total", "kind", GW_STR("b"), "more", GW_STR("c"), 5);
    tally_add("dunlin_y_total", NULL, none, NULL, none, 1);
    assert_int_equal(tally_get("dunlin_x_total{kind=\"a\"}"), 2);
    assert_int_equal(tally_get("dunlin_x_total{kind=\"b\",more=\"c\"}"), 5);
    assert_int_equal(tally_get("dunlin_z_total"), 0);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 4096);
    assert_int_equal(tally_write(&text), GW_OK);
    assert_string_equal(text.data, "# TYPE dunlin_x_total counter\n"
                                   "dunlin_x_total{kind=\"a\"} 2\n"
                                   "dunlin_x_total{kind=\"b\",more=\"c\"} 5\n"
                                   "# TYPE dunlin_y_total counter\n"
                                   "dunlin_y_total 1\n"
                                   "# TYPE dunlin_series_dropped_total counter\n"
                                   "dunlin_series_dropped_total 0\n");
}

static void a_label_cannot_break_out_of_its_quotes_or_grow(void **state)
{
    (void)state;
    char long_value[300];
    tally_reset();
    memset(long_value, 'v', sizeof long_value);
    tally_add("x", "k", GW_STR("a\"} 1\n\\b\0c"), NULL, none, 1);
    assert_int_equal(tally_get("x{k=\"a___1__b_c\"}"), 1);
    tally_add("x", "k", (gw_str){long_value, sizeof long_value}, NULL, none, 1);
    assert_int_equal(tally_get("x{k=\"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\"}"), 1);
}

static void past_its_limit_a_series_is_dropped_and_that_is_counted(void **state)
{
    (void)state;
    tally_reset();
    for (int i = 0; i < TALLY_SERIES_MAX + 7; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        tally_one("many", "n", value);
    }
    tally_one("many", "n", "0"); /* known ones go on */
    assert_int_equal(tally_get("many{n=\"0\"}"), 2);
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1 << 20);
    assert_int_equal(tally_write(&text), GW_OK);
    assert_non_null(strstr(text.data, "dunlin_series_dropped_total 7\n"));
    tally_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_up_by_name_and_labels),
        cmocka_unit_test(a_label_cannot_break_out_of_its_quotes_or_grow),
        cmocka_unit_test(past_its_limit_a_series_is_dropped_and_that_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
