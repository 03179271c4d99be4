#include "gateway/dispatch/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static retry_rules plain(void)
{
    retry_rules r = retry_defaults();
    r.jitter_percent = 0;
    return r;
}

static void each_wait_is_twice_the_one_before_up_to_four_hours(void **state)
{
    (void)state;
    retry_rules r = plain();
    static const int64_t seconds[] = {30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 14400, 14400};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        assert_int_equal(retry_wait_ms(&r, (int)i + 1, 0, 7), seconds[i] * 1000);
    assert_int_equal(retry_wait_ms(&r, 1000000, 0, 7), 14400 * 1000);
}

static void a_longer_wait_asked_for_is_honoured_but_never_past_the_ceiling(void **state)
{
    (void)state;
    retry_rules r = plain();
    assert_int_equal(retry_wait_ms(&r, 1, 90000, 7), 90000);
    assert_int_equal(retry_wait_ms(&r, 4, 90000, 7), 240000);
    assert_int_equal(retry_wait_ms(&r, 1, INT64_MAX, 7), r.ceiling_ms);
    assert_int_equal(retry_wait_ms(&r, 1, -1, 7), 30000);
}

static void jitter_only_lengthens_and_differs_between_seeds(void **state)
{
    (void)state;
    retry_rules r = retry_defaults();
    int different = 0;
    int64_t first = retry_wait_ms(&r, 1, 0, 0);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        int64_t wait = retry_wait_ms(&r, 1, 0, seed);
        assert_in_range(wait, 30000, 36000);
        assert_int_equal(wait, retry_wait_ms(&r, 1, 0, seed));
        different += wait != first;
    }
    assert_true(different > 900);
}

static void the_eighth_attempt_is_the_last(void **state)
{
    (void)state;
    retry_rules r = retry_defaults();
    assert_false(retry_is_spent(&r, 7));
    assert_true(retry_is_spent(&r, 8));
}

static void every_default_is_within_its_bounds(void **state)
{
    (void)state;
    for (int i = 0; i < retry_setting_count; i++) {
        assert_true(retry_settings[i].least <= retry_settings[i].otherwise);
        assert_true(retry_settings[i].otherwise <= retry_settings[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wait_is_twice_the_one_before_up_to_four_hours),
        cmocka_unit_test(a_longer_wait_asked_for_is_honoured_but_never_past_the_ceiling),
        cmocka_unit_test(jitter_only_lengthens_and_differs_between_seeds),
        cmocka_unit_test(the_eighth_attempt_is_the_last),
        cmocka_unit_test(every_default_is_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
