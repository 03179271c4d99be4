#include "gateway/base/time.h"
#include "gateway/policy/count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void every_counter_is_read_back_from_its_name(void **state)
{
    (void)state;
    static const char *const fields[] = {"*", "email", "sms", "voice"};
    char debt[COUNT_DEBT_TEXT];
    count_debt_key(GW_STR("INV-2026/17"), debt);
    assert_int_equal(strlen(debt), 16);
    int names = 0;
    for (size_t f = 0; f < GW_COUNT(fields); f++)
        for (int what = 0; what < POLICY_COUNTING_COUNT; what++)
            for (int scope = 0; scope <= POLICY_OF_DEBT; scope++)
                for (int hourly = 0; hourly < 2; hourly++) {
                    policy_cap cap = {.field = fields[f],
                                      .day = hourly ? 20516 * 24 + 13 : 20516,
                                      .counting = (policy_counting)what,
                                      .scope = (policy_scope)scope,
                                      .hourly = hourly,
                                      .debt = gw_str_of(debt)};
                    char name[COUNT_NAME_TEXT];
                    policy_count c;
                    count_name(&cap, 14, name);
                    assert_true(
                        count_read(gw_str_of(name), 3, gw_str_of(debt), POLICY_OF_SENDER, &c));
                    assert_true(gw_str_is(c.field, fields[f]));
                    assert_int_equal(c.day, cap.day - 14);
                    assert_int_equal(c.counting, what);
                    assert_int_equal(c.scope, scope);
                    assert_int_equal(c.hourly, hourly);
                    assert_int_equal(c.used, 3);
                    names++;
                }
    assert_int_equal(names, 48);
}

static void names_are_the_ones_that_are_stored(void **state)
{
    (void)state;
    char name[COUNT_NAME_TEXT];
    policy_cap cap = {.field = "voice", .day = 20516};
    count_name(&cap, 0, name);
    assert_string_equal(name, "c:voice:2026-03-04");
    cap.counting = POLICY_ANSWERED;
    cap.scope = POLICY_OF_DEBT;
    cap.debt = GW_STR("00112233445566ff");
    count_name(&cap, 4, name);
    assert_string_equal(name, "c:voice.a#00112233445566ff:2026-02-28");
    cap = (policy_cap){.field = "*", .day = 20516 * 24, .hourly = true};
    count_name(&cap, 1, name);
    assert_string_equal(name, "c:*:2026-03-03T23");
    cap.day = -1;
    count_name(&cap, 0, name);
    assert_string_equal(name, "c:*:1969-12-31T23");
    char talk[2][COUNT_NAME_TEXT];
    count_talk_names(GW_STR(""), talk);
    assert_string_equal(talk[0], "t:*");
    assert_string_equal(talk[1], "t:#");
    count_talk_names(GW_STR("00112233445566ff"), talk);
    assert_string_equal(talk[1], "t:#00112233445566ff");
}

static void a_contact_about_no_single_debt_counts_for_every_debt(void **state)
{
    (void)state;
    policy_count c;
    assert_true(count_read(GW_STR("c:voice#:2026-03-04"), 2, GW_STR("00112233445566ff"),
                           POLICY_OF_SENDER, &c));
    assert_int_equal(c.scope, POLICY_OF_DEBT);
    assert_true(count_read(GW_STR("c:voice#:2026-03-04"), 2, GW_STR(""), POLICY_OF_SENDER, &c));
}

static void counters_of_another_debt_and_other_fields_are_left_alone(void **state)
{
    (void)state;
    static const char *const others[] = {"c:voice#00000000000000aa:2026-03-04",
                                         "t:*",
                                         "c:",
                                         "c:voice",
                                         "c:voice:2026-02-30",
                                         "c:voice:2026-03-04T3",
                                         "b",
                                         "",
                                         "c:voice:2026-03-04X13",
                                         "c:voice:2026-03-04T24"};
    policy_count c = {.used = -7};
    for (size_t i = 0; i < GW_COUNT(others); i++)
        assert_false(
            count_read(gw_str_of(others[i]), 1, GW_STR("00112233445566ff"), POLICY_OF_SENDER, &c));
    assert_int_equal(c.used, -7);
}

static void an_unanswered_call_gives_back_what_did_not_happen(void **state)
{
    (void)state;
    assert_true(count_stays(GW_STR("c:voice:2026-03-04"), false, false));
    assert_false(count_stays(GW_STR("c:voice.a:2026-03-04"), false, false));
    assert_false(count_stays(GW_STR("c:voice.e#00aa:2026-03-04"), true, false));
    assert_true(count_stays(GW_STR("c:voice.a#00aa:2026-03-04T10"), true, false));
    assert_true(count_stays(GW_STR("c:*.e:2026-03-04"), true, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_read_back_from_its_name),
        cmocka_unit_test(names_are_the_ones_that_are_stored),
        cmocka_unit_test(a_contact_about_no_single_debt_counts_for_every_debt),
        cmocka_unit_test(counters_of_another_debt_and_other_fields_are_left_alone),
        cmocka_unit_test(an_unanswered_call_gives_back_what_did_not_happen),
    };
    return cmocka_run_group_tests_name("count", tests, NULL, NULL);
}
