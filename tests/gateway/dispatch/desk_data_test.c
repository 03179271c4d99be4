/* The desk's data and arithmetic: outcomes, ranks, excuses. Pure. */
#include "gateway/dispatch/desk_excuse.h"
#include "gateway/dispatch/desk_outcome.h"
#include "gateway/dispatch/desk_rank.h"

#include "gateway/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- outcomes ---- */

static void every_outcome_leads_somewhere_and_is_found_by_its_name(void **cm)
{
    (void)cm;
    const desk_outcome *o;
    size_t n = 0;
    for (; (o = desk_outcome_at(n)); n++) {
        life_move m;
        assert_ptr_equal(desk_outcome_named(gw_str_of(o->name)), o);
        assert_true(life_step(LIFE_TALKING, o->on, &m));
        assert_true(life_step(LIFE_UNKNOWN, o->on, &m));
        assert_true(life_step(LIFE_LEASED, o->on, &m));
        assert_false(o->effective && !o->answered);
        /* What only the debtor can say needs the right party; what protects people does not. */
        if (o->trigger == DESK_PROMISE || o->trigger == DESK_DISPUTE)
            assert_true(o->right_party);
        if (o->trigger == DESK_STOP || o->trigger == DESK_WRONG)
            assert_false(o->right_party);
    }
    assert_int_equal(n, 16);
    assert_null(desk_outcome_named(GW_STR("insulted")));
    assert_false(desk_outcome_fits(desk_outcome_named(GW_STR("done")), GW_STR("voice")));
    assert_true(desk_outcome_fits(desk_outcome_named(GW_STR("done")), GW_STR("desk")));
    assert_false(desk_outcome_fits(desk_outcome_named(GW_STR("voicemail")), GW_STR("desk")));
    assert_false(desk_outcome_fits(desk_outcome_named(GW_STR("posted")), GW_STR("visit")));
    assert_true(desk_outcome_fits(desk_outcome_named(GW_STR("posted")), GW_STR("letter")));
    assert_true(desk_outcome_fits(desk_outcome_named(GW_STR("signed")), GW_STR("visit")));
    assert_false(desk_outcome_fits(desk_outcome_named(GW_STR("promise")), GW_STR("letter")));
}

/* ---- ranks ---- */

static view_item owed(int64_t minor, const char *currency, int32_t due)
{
    return (view_item){.id = GW_STR("i"),
                       .amount = minor,
                       .currency = gw_str_of(currency),
                       .due = due,
                       .issued = VIEW_NO_DAY};
}

static int64_t rank(int64_t minor, int32_t days_late, int tries)
{
    view_item i = owed(minor, "EUR", 1000);
    view_debtor d = {0};
    return desk_rank(&d, &i, 1000 + days_late, tries);
}

static void larger_younger_and_easier_comes_first(void **cm)
{
    (void)cm;
    assert_true(rank(200000, 5, 0) > rank(100000, 5, 0));
    assert_true(rank(100000, 5, 0) > rank(100000, 40, 0));
    assert_true(rank(100000, 5, 0) > rank(100000, 5, 1));
    assert_int_equal(rank(100000, -20, 0), rank(100000, 0, 0)); /* not due yet is as young as due */
    assert_true(rank(INT64_MAX, INT32_MAX - 1000, 0) > 0);      /* nothing overflows */

    view_item yen = owed(100000, "JPY", 1000), euro = owed(10000000, "EUR", 1000);
    view_debtor d = {0};
    assert_int_equal(desk_rank(&d, &yen, 1000, 0), desk_rank(&d, &euro, 1000, 0));

    view_promise broken[5] = {
        {.broken = true}, {.broken = true}, {.broken = true}, {.broken = true}, {.broken = true}};
    view_debtor liar = {.promises = broken, .promise_n = 5};
    view_debtor once = {.promises = broken, .promise_n = 1};
    view_debtor payer = {.payment_n = 1};
    assert_true(desk_rank(&payer, &euro, 1000, 0) > desk_rank(&d, &euro, 1000, 0));
    assert_true(desk_rank(&d, &euro, 1000, 0) > desk_rank(&once, &euro, 1000, 0));
    assert_true(desk_rank(&once, &euro, 1000, 0) > desk_rank(&liar, &euro, 1000, 0));
}

/* ---- excuses ---- */

static void the_shipped_excuses_are_the_same_in_every_language(void **cm)
{
    (void)cm;
    gw_err err = {0};
    char dir[1024];
    const char *source = getenv("DUNLIN_SOURCE");
    GW_AUTO(desk_excuses_free) desk_excuses *e = NULL;
    snprintf(dir, sizeof dir, "%s/config/desk", source ? source : ".");
    if (desk_excuses_load(dir, &e, &err) != GW_OK)
        fail_msg("%s", err.text);
    size_t en, zh, other;
    const desk_excuse *a = desk_excuses_of(e, GW_STR("en-GB"), &en);
    const desk_excuse *b = desk_excuses_of(e, GW_STR("zh-CN"), &zh);
    assert_true(en >= 8);
    assert_int_equal(en, zh);
    for (size_t i = 0; i < en; i++) {
        assert_string_equal(a[i].code, b[i].code);
        assert_int_equal(a[i].days, b[i].days);
        assert_string_equal(a[i].outcome, b[i].outcome);
        assert_true(desk_excuse_known(e, gw_str_of(a[i].code)));
    }
    assert_ptr_equal(desk_excuses_of(e, GW_STR("fr"), &other), a);
    assert_true(desk_excuse_known(e, GW_STR("boss-away")));
    assert_true(desk_excuse_known(e, GW_STR("quality-dispute")));
    assert_false(desk_excuse_known(e, GW_STR("dog-ate-it")));
}

#define ROW(code, answer, days, outcome)                                                           \
    "{\"code\":\"" code "\",\"says\":\"s\",\"answer\":\"" answer "\",\"days\":" days               \
    ",\"outcome\":\"" outcome "\"}"
#define FILE_OF(locale, rows) "{\"format\":1,\"locale\":\"" locale "\",\"excuses\":[" rows "]}"

static void a_file_of_excuses_is_refused_with_the_place_of_its_mistake(void **cm)
{
    (void)cm;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {FILE_OF("de", ROW("a", "x", "0", "")), NULL},
        {FILE_OF("de", ROW("b", "x", "0", "")), "the code a"},
        {FILE_OF("de", ROW("a", "x", "0", "") "," ROW("b", "x", "0", "")), "does not have"},
        {FILE_OF("de", ROW("a", "x", "0", "") "," ROW("a", "x", "0", "")), "/excuses/1/code"},
        {FILE_OF("de", ROW("A b", "x", "0", "")), "/excuses/0/code"},
        {FILE_OF("de", ROW("a", "by {{date}}", "0", "")), "/excuses/0/days"},
        {FILE_OF("de", ROW("a", "soon", "3", "")), "/excuses/0/days"},
        {FILE_OF("de", ROW("a", "x", "0", "insult")), "/excuses/0/outcome"},
        {"{\"format\":2,\"locale\":\"de\",\"excuses\":[]}", "/format"},
        {"{\"format\":1,\"locale\":\"de\",\"excuses\":[],\"more\":1}", "more"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        gw_err err = {0};
        GW_AUTO(desk_excuses_free) desk_excuses *e = desk_excuses_new();
        assert_int_equal(
            desk_excuses_add(e, "en", gw_str_of(FILE_OF("en", ROW("a", "x", "0", ""))), &err),
            GW_OK);
        gw_code rc = desk_excuses_add(e, "de.jsonc", gw_str_of(rows[i].text), &err);
        assert_int_equal(rc == GW_OK, rows[i].says == NULL);
        if (rows[i].says && !strstr(err.text, rows[i].says))
            fail_msg("row %zu: %s", i, err.text);
    }
}

static void working_days_step_over_the_weekend(void **cm)
{
    (void)cm;
    static const struct {
        const char *from;
        int n;
        const char *to;
    } rows[] = {
        {"2026-11-24", 0, "2026-11-24"}, {"2026-11-24", 3, "2026-11-27"},
        {"2026-11-27", 1, "2026-11-30"}, {"2026-11-28", 1, "2026-11-30"},
        {"2026-11-27", 5, "2026-12-04"}, {"1969-12-31", 2, "1970-01-02"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        int32_t from = 0, to = 0;
        assert_int_equal(gw_date_parse(gw_str_of(rows[i].from), &from, NULL), GW_OK);
        assert_int_equal(gw_date_parse(gw_str_of(rows[i].to), &to, NULL), GW_OK);
        assert_int_equal(desk_working_day(from, rows[i].n), to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_leads_somewhere_and_is_found_by_its_name),
        cmocka_unit_test(larger_younger_and_easier_comes_first),
        cmocka_unit_test(the_shipped_excuses_are_the_same_in_every_language),
        cmocka_unit_test(a_file_of_excuses_is_refused_with_the_place_of_its_mistake),
        cmocka_unit_test(working_days_step_over_the_weekend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
