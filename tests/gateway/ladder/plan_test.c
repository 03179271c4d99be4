#include "gateway/base/time.h"
#include "gateway/ladder/ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct {
    ladder *l;
    gw_arena *arena;
} fixture;

static int setup(void **state)
{
    static fixture f;
    char path[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/config/ladders/default.jsonc", source ? source : ".");
    f.arena = gw_arena_new(1 << 16);
    *state = &f;
    return ladder_load(path, &f.l, &err) == GW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ladder_free(f->l);
    gw_arena_free(f->arena);
    return 0;
}

static int32_t day_of(const char *date)
{
    int32_t day = 0;
    assert_int_equal(gw_date_parse(gw_str_of(date), &day, NULL), GW_OK);
    return day;
}

static ladder_item open_item(const char *due)
{
    return (ladder_item){.due_day = day_of(due),
                         .issued_day = LADDER_NO_DAY,
                         .open_minor = 100,
                         .last_sent_day = LADDER_NO_DAY};
}

static ladder_entry *plan(fixture *f, const ladder_item *item, int32_t today)
{
    ladder_plan_result r = {0};
    gw_arena_reset(f->arena);
    assert_int_equal(ladder_plan(f->l, item, today, f->arena, &r, NULL), GW_OK);
    assert_int_equal(r.n, 6);
    return r.entries;
}

/* One letter a step: P planned, C catch-up, s stale, p paid, c closed, b before issue, g gap,
 * t tone. */
static void expect(fixture *f, const ladder_item *item, const char *today, const char *fates)
{
    ladder_entry *e = plan(f, item, day_of(today));
    char got[7] = "";
    for (size_t i = 0; i < 6; i++) {
        got[i] = e[i].fate == LADDER_SKIPPED ? e[i].why[0] : e[i].catch_up ? 'C' : 'P';
        assert_true((e[i].fate == LADDER_PLANNED) == (e[i].why[0] == '\0'));
        if (e[i].fate == LADDER_PLANNED)
            assert_true(e[i].not_before_day <= e[i].not_after_day &&
                        e[i].not_after_day >= day_of(today));
    }
    assert_string_equal(got, fates);
}

static void a_new_item_gets_every_step_on_its_day(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10"); /* ten days before lies behind a leap day */
    static const char *const days[] = {"2024-02-29", "2024-03-07", "2024-03-11",
                                       "2024-03-17", "2024-03-25", "2024-06-08"};
    expect(f, &item, "2024-02-01", "PPPPPP");
    ladder_entry *e = plan(f, &item, day_of("2024-02-01"));
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(e[i].nominal_day, day_of(days[i]));
        assert_int_equal(e[i].not_before_day, e[i].nominal_day);
        assert_int_equal(e[i].not_after_day, e[i].nominal_day + e[i].step->valid_days);
    }
}

static void month_and_year_ends_are_counted_by_the_calendar(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *due, *first, *third;
    } rows[] = {
        {"2023-03-10", "2023-02-28", "2023-03-11"}, {"2024-02-28", "2024-02-18", "2024-02-29"},
        {"2023-02-28", "2023-02-18", "2023-03-01"}, {"2023-12-31", "2023-12-21", "2024-01-01"},
        {"2024-01-05", "2023-12-26", "2024-01-06"}, {"2100-03-01", "2100-02-19", "2100-03-02"}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        ladder_item item = open_item(rows[i].due);
        ladder_entry *e = plan(f, &item, day_of("2020-01-01"));
        assert_int_equal(e[0].nominal_day, day_of(rows[i].first));
        assert_int_equal(e[2].nominal_day, day_of(rows[i].third));
    }
}

static void a_step_whose_days_have_passed_is_reported_stale(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10");
    expect(f, &item, "2024-03-06", "PPPPPP"); /* the last sensible day of the notice */
    expect(f, &item, "2024-03-07", "sPPPPP");
    expect(f, &item, "2024-03-12", "ssPPPP"); /* a missed step is still planned, for now */
    expect(f, &item, "2024-03-30", "ssssPP");
    expect(f, &item, "2026-03-30", "ssssss");
}

static void paid_and_closed_items_get_nothing_and_say_why(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10");
    item.closed = true;
    expect(f, &item, "2024-02-01", "cccccc");
    item.open_minor = 0;
    expect(f, &item, "2024-02-01", "pppppp");
    item.open_minor = -5;
    expect(f, &item, "2024-02-01", "pppppp");
}

static void nothing_goes_out_before_the_invoice_exists(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10");
    item.issued_day = day_of("2024-03-03");
    ladder_entry *e = plan(f, &item, day_of("2024-02-01"));
    assert_int_equal(e[0].not_before_day, day_of("2024-03-03"));
    item.issued_day = day_of("2024-03-10"); /* payable at once */
    expect(f, &item, "2024-02-01", "bbPPPP");
}

static void contacts_about_one_item_keep_their_distance(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10");
    item.last_sent_day = day_of("2024-03-10");
    ladder_entry *e = plan(f, &item, day_of("2024-03-11"));
    assert_int_equal(e[2].not_before_day, day_of("2024-03-13"));
    assert_int_equal(e[3].not_before_day, day_of("2024-03-17"));
    item.last_sent_day = day_of("2024-03-16");
    expect(f, &item, "2024-03-16", "ssgPPP");
    item.last_sent_day = day_of("2024-06-08");
    e = plan(f, &item, day_of("2024-06-08"));
    assert_int_equal(e[5].not_before_day, day_of("2024-06-08")); /* the hand-off contacts nobody */
}

static void a_late_import_begins_mildly(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10");
    expect(f, &item, "2024-04-01", "ssssPP"); /* tone not told: the file's rule only */
    item.tone_reached = LADDER_TONE_NOTHING;
    expect(f, &item, "2024-04-01", "ssCstP");
    ladder_entry *e = plan(f, &item, day_of("2024-04-01"));
    assert_int_equal(e[2].not_before_day, day_of("2024-04-01"));
    assert_int_equal(e[2].not_after_day, day_of("2024-04-06"));
    item.tone_reached = 2; /* the letter went out; the notice follows after the gap */
    item.last_sent_day = day_of("2024-04-01");
    expect(f, &item, "2024-04-01", "ssssPP");
    e = plan(f, &item, day_of("2024-04-01"));
    assert_int_equal(e[4].not_before_day, day_of("2024-04-04"));
}

static void a_milder_step_that_is_still_to_come_opens_the_way(void **state)
{
    fixture *f = *state;
    ladder_item item = open_item("2024-03-10");
    item.tone_reached = LADDER_TONE_NOTHING;
    expect(f, &item, "2024-02-01", "PPPPPP");
    expect(f, &item, "2024-03-15", "ssPPPP");
}

/* The call of tone 3 was missed: the last letter waits, and the letter before is not said twice. */
static void what_was_said_is_not_said_again_in_place_of_a_harsher_step(void **state)
{
    fixture *f = *state;
#define STEP(id, kind, channel, day, tone)                                                         \
    "{\"id\":\"" id "\",\"day\":" day ",\"kind\":\"" kind "\",\"channel\":\"" channel              \
    "\",\"template\":\"t\",\"tone\":" tone                                                         \
    ",\"to\":\"primary\",\"fallback\":[],\"cc\":[],\"valid_days\":3,\"statement\":\"none\"}"
    static const char text[] =
        "{\"format\":1,\"id\":\"x\",\"version\":\"1\",\"title\":\"t\",\"gap_days\":0,\"steps\":"
        "[" STEP("a", "send", "email", "1", "1") "," STEP("b", "send", "email", "5", "2") "," STEP(
            "c", "task", "voice", "10", "3") "," STEP("d", "send", "email", "15", "4") "]}";
    GW_AUTO(ladder_free) ladder *l = NULL;
    gw_err err = {0};
    ladder_plan_result r = {0};
    if (ladder_parse("l", gw_str_of(text), &l, &err) != GW_OK)
        fail_msg("%s", err.text);
    ladder_item item = open_item("2024-03-10");
    item.tone_reached = 2;
    gw_arena_reset(f->arena);
    assert_int_equal(ladder_plan(l, &item, day_of("2024-03-26"), f->arena, &r, NULL), GW_OK);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(r.entries[i].why, "stale");
    assert_string_equal(r.entries[3].why, "tone");
    item.tone_reached = 3;
    assert_int_equal(ladder_plan(l, &item, day_of("2024-03-26"), f->arena, &r, NULL), GW_OK);
    assert_int_equal(r.entries[3].fate, LADDER_PLANNED);
}

static void absurd_days_get_an_answer(void **state)
{
    fixture *f = *state;
    int32_t odd[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX};
    for (size_t a = 0; a < GW_COUNT(odd); a++)
        for (size_t b = 0; b < GW_COUNT(odd); b++)
            for (size_t c = 0; c < GW_COUNT(odd); c++) {
                ladder_item item = {.due_day = odd[a],
                                    .issued_day = odd[b],
                                    .open_minor = 1,
                                    .tone_reached = LADDER_TONE_NOTHING,
                                    .last_sent_day = odd[c]};
                for (size_t d = 0; d < GW_COUNT(odd); d++)
                    (void)plan(f, &item, odd[d]);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_item_gets_every_step_on_its_day),
        cmocka_unit_test(month_and_year_ends_are_counted_by_the_calendar),
        cmocka_unit_test(a_step_whose_days_have_passed_is_reported_stale),
        cmocka_unit_test(paid_and_closed_items_get_nothing_and_say_why),
        cmocka_unit_test(nothing_goes_out_before_the_invoice_exists),
        cmocka_unit_test(contacts_about_one_item_keep_their_distance),
        cmocka_unit_test(a_late_import_begins_mildly),
        cmocka_unit_test(a_milder_step_that_is_still_to_come_opens_the_way),
        cmocka_unit_test(what_was_said_is_not_said_again_in_place_of_a_harsher_step),
        cmocka_unit_test(absurd_days_get_an_answer),
    };
    return cmocka_run_group_tests_name("plan", tests, setup, teardown);
}
