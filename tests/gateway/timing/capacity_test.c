/* A best hour shared by 100,000 debtors: no minute over capacity, nothing outside what policy
 * allows, and those with most to gain keep the hour. */
#include "gateway/base/time.h"
#include "gateway/timing/capacity.h"
#include "gateway/timing/fit.h"
#include "gateway/timing/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEBTORS = 100000, PER_HOUR = 12000, DAY_MINUTES = 1440, BEST = 15 };

static int64_t at(const char *text)
{
    gw_wall t = {0};
    assert_int_equal(gw_time_parse(gw_str_of(text), &t, NULL), GW_OK);
    return t.ms;
}

/* Everybody answers best at 15, the second and third segment hardly anybody else when. */
static timing_model *one_best_hour(void)
{
    enum { PERSONS = 1200, EACH = 24 };
    static fit_contact contacts[PERSONS * EACH];
    static fit_person persons[PERSONS];
    for (unsigned i = 0; i < PERSONS * EACH; i++) {
        unsigned person = i / EACH;
        unsigned hour = 8 + i % 12;
        bool keen = person % 3 == 0;
        unsigned k = i / 12 % 2 + person;
        bool yes = hour == BEST ? k % (keen ? 2 : 5) == 0 : k % 7 == 0;
        contacts[i] = FIT_CONTACT(timing_cell(0, 0, hour), yes ? RESULT_ANSWER : RESULT_NONE, 0);
    }
    for (unsigned i = 0; i < PERSONS; i++)
        persons[i] = (fit_person){contacts + (size_t)i * EACH, EACH, i % 3 == 0 ? 1 : 2};
    fit_log log = {persons, PERSONS};
    fit_options o = {.steps = 1, .threads = 1, .seed = 1, .only = MODEL_A};
    timing_model *m = timing_model_new();
    assert_int_equal(timing_fit(&log, &o, m, NULL), GW_OK);
    return m;
}

static bool empty(void *arg, unsigned channel, int64_t hour_ms, uint32_t ret[CAPACITY_MINUTES])
{
    unsigned *asked = arg;
    (void)channel;
    (void)hour_ms;
    (*asked)++;
    memset(ret, 0, CAPACITY_MINUTES * sizeof *ret);
    return true;
}

typedef struct {
    uint32_t by_minute[DAY_MINUTES];
    uint32_t best_keen, best_other, full;
} outcome;

/* All of them wish for the same day, eight to twenty; every tenth is keen on the hour. */
static void plan_everybody(capacity *c, const timing_model *m, const zone *z, uint64_t debtors,
                           const char *from, const char *to, outcome *ret)
{
    const zone_span day = {at(from), at(to)};
    history h = {0};
    memset(ret, 0, sizeof *ret);
    for (uint64_t i = 0; i < debtors; i++) {
        bool keen = i % 10 == 0;
        timing_moment t;
        timing_wish w = {.allowed = &day,
                         .allowed_n = 1,
                         .zone = z,
                         .segment = keen ? 1 : 2,
                         .seed = timing_mix(i),
                         .room = capacity_room(c, 0)};
        timing_planned got = timing_plan(m, &h, &w, &t);
        ret->full += got == TIMING_FULL;
        if (got != TIMING_PLANNED)
            continue;
        assert_true(t.at.ms >= day.from_ms && t.at.ms < day.to_ms);
        assert_int_equal(zone_local(z, t.at).minute / 60, t.choice.hour);
        assert_int_equal(t.full >> t.choice.hour & 1, 0);
        ret->by_minute[zone_local(z, t.at).minute]++;
        if (t.choice.hour == BEST)
            keen ? ret->best_keen++ : ret->best_other++;
    }
}

static uint32_t most(const outcome *o)
{
    uint32_t m = 0;
    for (unsigned i = 0; i < DAY_MINUTES; i++)
        m = o->by_minute[i] > m ? o->by_minute[i] : m;
    return m;
}

static void a_best_hour_of_a_hundred_thousand_goes_to_those_who_gain_most(void **state)
{
    (void)state;
    const uint32_t per_hour[TIMING_CHANNELS] = {PER_HOUR, 0, 0};
    unsigned asked = 0;
    GW_AUTO(zone_close) zone *z = NULL;
    GW_AUTO(timing_model_free) timing_model *m = one_best_hour();
    GW_AUTO(capacity_free) capacity *c = capacity_new(per_hour, empty, &asked);
    outcome *first = calloc(2, sizeof *first);
    outcome *second = first + 1;
    assert_int_equal(zone_open(GW_STR("Europe/Berlin"), &z, NULL), GW_OK);
    assert_null(capacity_room(c, 1)); /* no limit, nothing to ask */
    plan_everybody(c, m, z, DEBTORS, "2026-03-04T08:00:00+01:00", "2026-03-04T20:00:00+01:00",
                   first);
    plan_everybody(c, m, z, DEBTORS, "2026-03-05T08:00:00+01:00", "2026-03-05T20:00:00+01:00",
                   second);
    print_message("best hour: day 1 %u keen, %u others; day 2 %u keen, %u others\n",
                  first->best_keen, first->best_other, second->best_keen, second->best_other);
    assert_int_equal(most(first), PER_HOUR / 60);
    assert_int_equal(most(second), PER_HOUR / 60);
    assert_int_equal(first->full + second->full, 0);
    /* a tenth of all would be keen by chance; they are the top of the gains: on the first day the
     * hour half fills before anybody knows, from the second on it is known who gains */
    assert_true(first->best_keen > 2 * (first->best_keen + first->best_other) / 10);
    assert_true(second->best_keen * 10 > (second->best_keen + second->best_other) * 5);
    assert_true(second->best_keen > 6000); /* of 10,000 */
    assert_int_equal(asked, 24);           /* each hour once */
    free(first);
}

static void an_hour_few_want_is_open_to_everybody(void **state)
{
    (void)state;
    const uint32_t per_hour[TIMING_CHANNELS] = {DEBTORS / 2, 0, 0};
    unsigned asked = 0;
    GW_AUTO(zone_close) zone *z = NULL;
    GW_AUTO(timing_model_free) timing_model *m = one_best_hour();
    GW_AUTO(capacity_free) capacity *c = capacity_new(per_hour, empty, &asked);
    outcome *o = calloc(1, sizeof *o);
    assert_int_equal(zone_open(GW_STR("Europe/Berlin"), &z, NULL), GW_OK);
    plan_everybody(c, m, z, DEBTORS / 10, "2026-03-04T08:00:00+01:00", "2026-03-04T20:00:00+01:00",
                   o);
    assert_true(o->best_keen + o->best_other > DEBTORS / 1000 * 85);
    free(o);
}

static bool half_full(void *arg, unsigned channel, int64_t hour_ms, uint32_t ret[CAPACITY_MINUTES])
{
    (void)arg;
    (void)channel;
    (void)hour_ms;
    for (unsigned i = 0; i < CAPACITY_MINUTES; i++)
        ret[i] = i < 30 ? 10 : 0;
    return true;
}

static void what_is_planned_already_counts_and_a_day_without_room_says_so(void **state)
{
    (void)state;
    const uint32_t per_hour[TIMING_CHANNELS] = {600, 0, 0};
    GW_AUTO(zone_close) zone *z = NULL;
    GW_AUTO(timing_model_free) timing_model *m = timing_model_new();
    GW_AUTO(capacity_free) capacity *c = capacity_new(per_hour, half_full, NULL);
    zone_span early = {at("2026-03-04T09:00:00+01:00"), at("2026-03-04T09:30:00+01:00")};
    zone_span late = {at("2026-03-04T09:00:00+01:00"), at("2026-03-04T10:00:00+01:00")};
    history h = {0};
    timing_moment t;
    assert_int_equal(zone_open(GW_STR("Europe/Berlin"), &z, NULL), GW_OK);
    timing_wish w = {.allowed = &early, .allowed_n = 1, .zone = z, .room = capacity_room(c, 0)};
    assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_FULL);
    w.allowed = &late;
    for (unsigned i = 0; i < 300; i++) {
        w.seed = i;
        assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
        assert_true(t.at.ms >= early.to_ms);
    }
    assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_FULL);
    capacity_now(c, 32, (gw_mono){1}); /* half the shards, half the room */
    assert_int_equal(timing_plan(m, &h, &w, &t), TIMING_PLANNED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_best_hour_of_a_hundred_thousand_goes_to_those_who_gain_most),
        cmocka_unit_test(an_hour_few_want_is_open_to_everybody),
        cmocka_unit_test(what_is_planned_already_counts_and_a_day_without_room_says_so),
    };
    return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
