#include "workers/providers/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_burst_goes_at_once_and_then_one_each_interval(void **state)
{
    (void)state;
    rate r;
    gw_mono t = {1000};
    rate_init(&r, 10, 3, t);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rate_take(&r, t), 0);
    assert_int_equal(rate_take(&r, t), 100);
    t.ms += 99;
    assert_int_equal(rate_take(&r, t), 1);
    t.ms += 1;
    assert_int_equal(rate_take(&r, t), 0);
    assert_int_equal(rate_take(&r, t), 100);
}

static void a_long_pause_saves_up_no_more_than_the_burst(void **state)
{
    (void)state;
    rate r;
    gw_mono t = {0};
    rate_init(&r, 100000, 2, t);
    t.ms = INT64_C(1) << 50;
    assert_int_equal(rate_take(&r, t), 0);
    assert_int_equal(rate_take(&r, t), 0);
    assert_int_equal(rate_take(&r, t), 1);
}

static void in_an_hour_never_more_than_the_rate_and_the_burst(void **state)
{
    (void)state;
    rate r;
    gw_mono t = {7};
    int taken = 0;
    rate_init(&r, 3, 5, t);
    for (int i = 0; i < 3600 * 100; i++, t.ms += 10)
        taken += rate_take(&r, t) == 0;
    assert_in_range(taken, 3 * 3600 - 3, 3 * 3600 + 5);
}

static void without_a_rate_there_is_no_limit(void **state)
{
    (void)state;
    rate r;
    rate_init(&r, 0, 0, (gw_mono){0});
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rate_take(&r, (gw_mono){0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_goes_at_once_and_then_one_each_interval),
        cmocka_unit_test(a_long_pause_saves_up_no_more_than_the_burst),
        cmocka_unit_test(in_an_hour_never_more_than_the_rate_and_the_burst),
        cmocka_unit_test(without_a_rate_there_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
