#include "gateway/base/time.h"
#include "gateway/timing/fit.h"
#include "gateway/timing/model_file.h"
#include "gateway/timing/record.h"

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

/* Everybody answers at 17 and hardly anybody else when. */
static timing_model *evening_model(void)
{
    enum { PERSONS = 200, EACH = 24 };
    static fit_contact contacts[PERSONS * EACH];
    static fit_person persons[PERSONS];
    for (unsigned i = 0; i < PERSONS * EACH; i++) {
        unsigned hour = 8 + i % 12;
        contacts[i] = FIT_CONTACT(timing_cell(i / 12 % 3, i / 36 % 2, hour),
                                  hour == 17 && i / 72 % 2 ? RESULT_ANSWER : RESULT_NONE, 0);
    }
    for (unsigned i = 0; i < PERSONS; i++)
        persons[i] = (fit_person){contacts + i * EACH, EACH, 0};
    fit_log log = {persons, PERSONS};
    fit_options o = {.steps = 3, .threads = 1, .seed = 1, .only = MODEL_B};
    timing_model *m = timing_model_new();
    assert_int_equal(timing_fit(&log, &o, m, NULL), GW_OK);
    return m;
}

static bool inside(const timing_wish *w, int64_t t)
{
    for (size_t i = 0; i < w->allowed_n; i++)
        if (t >= w->allowed[i].from_ms && t < w->allowed[i].to_ms)
            return true;
    return false;
}

static void the_best_hour_is_taken_where_it_is_allowed(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    GW_AUTO(timing_model_free) timing_model *m = evening_model();
    zone_span day = {at("2026-03-04T08:00:00+01:00"), at("2026-03-04T20:00:00+01:00")};
    zone_span morning = {day.from_ms, at("2026-03-04T12:00:00+01:00")};
    history h = {0};
    unsigned evening = 0;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        timing_wish w = {.allowed = &day, .allowed_n = 1, .zone = z, .seed = seed};
        timing_moment t;
        assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
        if (t.choice.hour == 17) {
            evening++;
            least = t.at.ms < least ? t.at.ms : least;
            most = t.at.ms > most ? t.at.ms : most;
        }
        w.allowed = &morning;
        assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
        assert_true(inside(&w, t.at.ms));
    }
    assert_true(evening > 1850); /* 95 % and a twelfth of the rest */
    /* and they are spread over the whole hour */
    assert_true(least < at("2026-03-04T17:01:00+01:00") && most > at("2026-03-04T17:59:00+01:00"));
    assert_true(least >= at("2026-03-04T17:00:00+01:00") && most < at("2026-03-04T18:00:00+01:00"));
}

static void a_holdout_gets_any_allowed_hour(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    GW_AUTO(timing_model_free) timing_model *m = evening_model();
    zone_span day = {at("2026-03-04T08:00:00+01:00"), at("2026-03-04T20:00:00+01:00")};
    history h = {0};
    unsigned seen[TIMING_HOURS] = {0};
    for (uint64_t seed = 0; seed < 6000; seed++) {
        timing_wish w = {.allowed = &day, .allowed_n = 1, .zone = z, .seed = seed, .holdout = true};
        timing_moment t;
        assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
        assert_int_equal(t.choice.chooser, CHOSE_HOLDOUT);
        seen[t.choice.hour]++;
    }
    for (unsigned x = 8; x < 20; x++)
        assert_in_range(seen[x], 400, 600);
}

/* DUNLIN_TIMING_CASES: how many; ten million in the long run of the suite. */
static void no_moment_ever_leaves_the_intervals_of_the_first_day(void **state)
{
    (void)state;
    const char *asked = getenv("DUNLIN_TIMING_CASES");
    long cases = asked ? atol(asked) : 20000;
    GW_AUTO(zone_close) zone *z = berlin();
    GW_AUTO(timing_model_free) timing_model *m = evening_model();
    timing_random r = {17};
    history h = {0};
    for (long i = 0; i < cases; i++) {
        zone_span spans[4];
        int64_t t0 = at("2026-01-01T00:00:00Z") +
                     (int64_t)(timing_random_word(&r) % (uint64_t)(365 * GW_MS_PER_DAY));
        timing_wish w = {.allowed = spans,
                         .allowed_n = 1 + timing_random_below(&r, 4),
                         .zone = z,
                         .channel = (uint8_t)timing_random_below(&r, 3),
                         .segment = (uint8_t)timing_random_below(&r, 4),
                         .holdout = timing_random_below(&r, 20) == 0,
                         .seed = timing_random_word(&r)};
        for (size_t k = 0; k < w.allowed_n; k++) {
            t0 += 1 + (int64_t)(timing_random_word(&r) % (uint64_t)(20 * GW_MS_PER_HOUR));
            spans[k].from_ms = t0;
            t0 += 1 + (int64_t)(timing_random_word(&r) % (uint64_t)(10 * GW_MS_PER_HOUR));
            spans[k].to_ms = t0;
        }
        timing_moment t;
        assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
        assert_true(inside(&w, t.at.ms));
        assert_int_equal(zone_local(z, t.at).day, zone_local(z, (gw_wall){spans[0].from_ms}).day);
        assert_int_equal(zone_local(z, t.at).minute / 60, t.choice.hour);
    }
}

static void in_a_day_of_23_hours_the_skipped_hour_is_no_candidate(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    GW_AUTO(timing_model_free) timing_model *m = evening_model();
    zone_span night = {at("2026-03-29T00:00:00+01:00"), at("2026-03-29T06:00:00+02:00")};
    timing_wish w = {.allowed = &night, .allowed_n = 1, .zone = z, .day_off = true};
    history h = {0};
    timing_moment t;
    assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
    assert_int_equal(t.question.allowed, 0x3B); /* 0 1 3 4 5 */
    assert_int_equal(t.question.daytype, 1);    /* a Sunday */
}

static void the_explanation_replays_to_the_same_byte(void **state)
{
    (void)state;
    GW_AUTO(zone_close) zone *z = berlin();
    GW_AUTO(timing_model_free) timing_model *m = evening_model();
    GW_AUTO(timing_model_free) timing_model *used = NULL;
    GW_AUTO(timing_model_free) timing_model *later = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 22);
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    assert_int_equal(timing_model_write(m, &bytes, NULL), GW_OK);
    assert_int_equal(timing_model_read(gw_buf_str(&bytes), &used, NULL), GW_OK);
    assert_int_equal(timing_model_read(gw_buf_str(&bytes), &later, NULL), GW_OK);
    zone_span day = {at("2026-03-04T08:00:00+01:00"), at("2026-03-04T20:00:00+01:00")};
    uint8_t stored[HISTORY_BYTES_MAX];
    size_t n = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        history h;
        timing_moment t;
        history_contact c = {.hour = (uint8_t)(8 + seed % 12), .result = seed % 3 == 0};
        n = history_add(stored, n, &c, (int32_t)seed);
        gw_str kept = {(const char *)stored, n};
        assert_int_equal(history_read(kept, &h, NULL), GW_OK);
        timing_wish w = {.allowed = &day,
                         .allowed_n = 1,
                         .zone = z,
                         .seed = seed,
                         .segment = 1,
                         .holdout = seed % 20 == 0};
        assert_int_equal(timing_plan(used, &h, &w, &t), TIMING_PLANNED);
        GW_AUTO_BUF gw_buf record;
        GW_AUTO_BUF gw_buf again;
        gw_buf_init(&record, TIMING_RECORD_MAX);
        gw_buf_init(&again, TIMING_RECORD_MAX);
        assert_int_equal(timing_record_put(used, &h, kept, seed, &t, &record), GW_OK);
        assert_int_equal(timing_record_replay(gw_buf_str(&record), later, arena, &again, NULL),
                         GW_OK);
        assert_string_equal(record.data, again.data);
        gw_arena_reset(arena);
        /* and a changed figure does not survive the replay */
        char *p = strstr(record.data, "\"best_ppm\":");
        assert_non_null(p);
        p[11] = p[11] == '9' ? '8' : '9';
        gw_buf_clear(&again);
        assert_int_equal(timing_record_replay(gw_buf_str(&record), later, arena, &again, NULL),
                         GW_OK);
        assert_string_not_equal(record.data, again.data);
        gw_arena_reset(arena);
    }
}

static void a_damaged_model_is_refused(void **state)
{
    (void)state;
    GW_AUTO(timing_model_free) timing_model *m = evening_model();
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    assert_int_equal(timing_model_write(m, &bytes, NULL), GW_OK);
    timing_model *none = NULL;
    for (size_t i = 0; i < bytes.n; i += 97) {
        bytes.data[i] ^= 4;
        assert_int_not_equal(timing_model_read(gw_buf_str(&bytes), &none, NULL), GW_OK);
        bytes.data[i] ^= 4;
    }
    assert_int_not_equal(timing_model_read((gw_str){bytes.data, bytes.n - 1}, &none, NULL), GW_OK);
    assert_int_not_equal(timing_model_read(GW_STR("{}"), &none, NULL), GW_OK);
    assert_null(none);
}

static void without_intervals_or_zone_there_is_no_moment(void **state)
{
    (void)state;
    GW_AUTO(timing_model_free) timing_model *m = timing_model_new();
    zone_span day = {0, GW_MS_PER_DAY};
    history h = {0};
    timing_moment t;
    timing_wish w = {.allowed = &day, .allowed_n = 1};
    assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_NOTHING);
    GW_AUTO(zone_close) zone *z = berlin();
    w = (timing_wish){.zone = z};
    assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_hour_is_taken_where_it_is_allowed),
        cmocka_unit_test(a_holdout_gets_any_allowed_hour),
        cmocka_unit_test(no_moment_ever_leaves_the_intervals_of_the_first_day),
        cmocka_unit_test(in_a_day_of_23_hours_the_skipped_hour_is_no_candidate),
        cmocka_unit_test(the_explanation_replays_to_the_same_byte),
        cmocka_unit_test(a_damaged_model_is_refused),
        cmocka_unit_test(without_intervals_or_zone_there_is_no_moment),
    };
    return cmocka_run_group_tests_name("timing plan", tests, NULL, NULL);
}
