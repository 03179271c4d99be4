#include "gateway/base/time.h"
#include "gateway/timing/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t at(const char *text)
{
    gw_wall t = {0};
    assert_int_equal(gw_time_parse(gw_str_of(text), &t, NULL), GW_OK);
    return t.ms;
}

static zone *berlin(void)
{
    zone *z = NULL;
    assert_int_equal(zone_open(GW_STR("Europe/Berlin"), &z, NULL), GW_OK);
    return z;
}

static void expect(const zone *z, const zone_span *allowed, size_t n, timing_preference p,
                   const char *from, const char *to)
{
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        gw_wall t = {0};
        gw_wall again = {0};
        assert_true(timing_pick(allowed, n, p, z, seed, &t));
        assert_true(timing_pick(allowed, n, p, z, seed, &again));
        assert_true(t.ms == again.ms);
        least = t.ms < least ? t.ms : least;
        most = t.ms > most ? t.ms : most;
    }
    assert_true(least >= at(from) && most <= at(to));
    if (p.spread_minutes) /* and it uses the width, not one minute of it */
        assert_true(most - least > (at(to) - at(from)) * 9 / 10);
}

static void the_moment_lies_around_the_preferred_minute(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    zone_span day = {at("2026-03-04T08:00:00+01:00"), at("2026-03-04T20:00:00+01:00")};
    expect(z, &day, 1, (timing_preference){570, 60}, "2026-03-04T09:00:00+01:00",
           "2026-03-04T10:00:00+01:00");
    expect(z, &day, 1, (timing_preference){570, 0}, "2026-03-04T09:30:00+01:00",
           "2026-03-04T09:30:00+01:00");
}

static void at_an_edge_the_spread_keeps_its_width_inside(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    zone_span afternoon = {at("2026-03-04T14:00:00+01:00"), at("2026-03-04T20:00:00+01:00")};
    expect(z, &afternoon, 1, (timing_preference){570, 60}, "2026-03-04T14:00:00+01:00",
           "2026-03-04T15:00:00+01:00");
    zone_span early = {at("2026-03-04T05:00:00+01:00"), at("2026-03-04T08:00:00+01:00")};
    expect(z, &early, 1, (timing_preference){570, 60}, "2026-03-04T07:00:00+01:00",
           "2026-03-04T07:59:59.999+01:00");
    zone_span minute = {at("2026-03-04T19:59:00+01:00"), at("2026-03-04T20:00:00+01:00")};
    expect(z, &minute, 1, (timing_preference){570, 60}, "2026-03-04T19:59:00+01:00",
           "2026-03-04T19:59:59.999+01:00");
}

static void the_nearest_interval_of_the_first_day_is_taken(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    zone_span spans[] = {
        {at("2026-03-04T08:00:00+01:00"), at("2026-03-04T09:00:00+01:00")},
        {at("2026-03-04T13:00:00+01:00"), at("2026-03-04T18:00:00+01:00")},
        {at("2026-03-05T08:00:00+01:00"), at("2026-03-05T18:00:00+01:00")},
    };
    expect(z, spans, 3, (timing_preference){750, 20}, "2026-03-04T13:00:00+01:00",
           "2026-03-04T13:20:00+01:00");
    expect(z, spans, 3, (timing_preference){600, 20}, "2026-03-04T08:40:00+01:00",
           "2026-03-04T08:59:59.999+01:00");
}

static void an_interval_over_midnight_stays_on_its_first_day(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    zone_span night = {at("2026-03-04T22:00:00+01:00"), at("2026-03-05T12:00:00+01:00")};
    expect(z, &night, 1, (timing_preference){570, 60}, "2026-03-04T22:00:00+01:00",
           "2026-03-04T23:00:00+01:00");
}

static void random_intervals_are_never_left(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    uint64_t r = 1;
    for (int n = 0; n < 200000; n++) {
        zone_span spans[4];
        int64_t t = at("2026-01-01T00:00:00Z");
        size_t count = 1 + r % 4;
        for (size_t i = 0; i < count; i++) {
            r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            t += 1 + (int64_t)((r >> 33) % (40 * GW_MS_PER_HOUR));
            spans[i].from_ms = t;
            t += 1 + (int64_t)((r >> 40) % (10 * GW_MS_PER_HOUR));
            spans[i].to_ms = t;
        }
        timing_preference p = {(int)(r >> 17) % 2000, (int)(r >> 23) % 1000 - 100};
        gw_wall got = {0};
        assert_true(timing_pick(spans, count, p, z, r, &got));
        bool inside = false;
        for (size_t i = 0; i < count; i++)
            inside = inside || (got.ms >= spans[i].from_ms && got.ms < spans[i].to_ms);
        assert_true(inside);
        assert_int_equal(zone_local(z, got).day, zone_local(z, (gw_wall){spans[0].from_ms}).day);
    }
}

static void without_intervals_there_is_no_moment(void **state)
{
    (void)state;
    gw_wall t = {7};
    assert_false(timing_pick(NULL, 0, timing_default("email"), NULL, 1, &t));
    assert_int_equal(t.ms, 7);
    zone_span span = {100, 200};
    assert_true(timing_pick(&span, 1, timing_default(NULL), NULL, 1, &t));
    assert_int_equal(t.ms, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_moment_lies_around_the_preferred_minute),
        cmocka_unit_test(at_an_edge_the_spread_keeps_its_width_inside),
        cmocka_unit_test(the_nearest_interval_of_the_first_day_is_taken),
        cmocka_unit_test(an_interval_over_midnight_stays_on_its_first_day),
        cmocka_unit_test(random_intervals_are_never_left),
        cmocka_unit_test(without_intervals_there_is_no_moment),
    };
    return cmocka_run_group_tests_name("timing", tests, NULL, NULL);
}
