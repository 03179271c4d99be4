#include "gateway/base/file.h"
#include "gateway/base/time.h"
#include "gateway/policy/calendar.h"
#include "gateway/policy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static calendar *shipped(const char *name)
{
    char path[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    GW_AUTO_BUF gw_buf text;
    gw_err err = {0};
    calendar *c = NULL;
    snprintf(path, sizeof path, "%s/config/calendars/%s.jsonc", source ? source : ".", name);
    gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
    if (gw_file_read(path, &text, &err) != GW_OK ||
        calendar_parse(name, gw_buf_str(&text), &c, &err) != GW_OK)
        fail_msg("%s", err.text);
    return c;
}

static int32_t day(const char *date)
{
    int32_t d = 0;
    assert_int_equal(gw_date_parse(gw_str_of(date), &d, NULL), GW_OK);
    return d;
}

static void expect_after(const calendar *c, const char *from, int n, const char *want)
{
    int32_t got;
    char text[GW_DATE_TEXT];
    if (!calendar_add_workdays(c, day(from), n, &got))
        fail_msg("%s and %d: unknown", from, n);
    gw_date_format(got, text);
    assert_string_equal(text, want);
}

static void chinas_shifted_days_are_worked(void **state)
{
    (void)state;
    GW_AUTO(calendar_free) calendar *c = shipped("cn");
    int weekday;
    assert_int_equal(calendar_look(c, day("2026-02-14"), &weekday), CALENDAR_SHIFTED);
    assert_int_equal(weekday, 5); /* a Saturday, worked as a Friday */
    assert_true(calendar_is_workday(c, day("2026-02-14")));
    assert_int_equal(calendar_look(c, day("2026-02-16"), NULL), CALENDAR_HOLIDAY);
    assert_false(calendar_is_workday(c, day("2026-02-22"))); /* Sunday inside the holidays */
    assert_false(calendar_is_workday(c, day("2026-03-01"))); /* a plain Sunday */
    expect_after(c, "2026-02-13", 1, "2026-02-14");
    expect_after(c, "2026-02-13", 2, "2026-02-24");
    expect_after(c, "2026-09-30", 1, "2026-10-08");
    expect_after(c, "2026-10-08", 2, "2026-10-10"); /* Friday, then the shifted Saturday */
    assert_false(calendar_is_draft(c));
}

static void a_year_nobody_entered_is_unknown(void **state)
{
    (void)state;
    GW_AUTO(calendar_free) calendar *c = shipped("cn");
    int32_t got = -7;
    int n = -7;
    assert_int_equal(calendar_look(c, day("2027-01-04"), NULL), CALENDAR_UNKNOWN);
    assert_false(calendar_is_workday(c, day("2027-01-04")));
    assert_true(calendar_add_workdays(c, day("2026-12-30"), 1, &got)); /* still this year */
    assert_false(calendar_add_workdays(c, day("2026-12-31"), 1, &got));
    assert_false(calendar_count_workdays(c, day("2026-12-28"), day("2027-01-04"), &n));
    assert_int_equal(n, -7);
}

static void business_days_skip_weekends_and_federal_holidays(void **state)
{
    (void)state;
    GW_AUTO(calendar_free) calendar *c = shipped("us-federal");
    int n = 0;
    expect_after(c, "2026-11-25", 1, "2026-11-27");  /* Thanksgiving */
    expect_after(c, "2026-07-02", 1, "2026-07-06");  /* 4 July on a Saturday, observed on Friday */
    expect_after(c, "2027-12-23", 1, "2027-12-27");  /* Christmas on a Saturday, observed */
    expect_after(c, "2026-03-02", 10, "2026-03-16"); /* ten plain ones */
    expect_after(c, "2026-03-07", 0, "2026-03-09");  /* the first on or after a Saturday */
    expect_after(c, "2028-02-28", 1, "2028-02-29");  /* a leap day */
    assert_true(calendar_count_workdays(c, day("2026-11-20"), day("2026-11-30"), &n));
    assert_int_equal(n, 5);
    assert_false(calendar_count_workdays(c, day("2026-11-30"), day("2026-11-20"), &n));
}

/* Counting and adding agree, whatever the day, and each step lands on a working day. */
static void adding_and_counting_business_days_agree(void **state)
{
    (void)state;
    GW_AUTO(calendar_free) calendar *c = shipped("uk");
    for (int32_t from = day("2026-01-01"); from < day("2026-12-01"); from++)
        for (int n = 1; n <= 12; n++) {
            int32_t to;
            int counted;
            assert_true(calendar_add_workdays(c, from, n, &to));
            assert_true(calendar_is_workday(c, to));
            assert_true(calendar_count_workdays(c, from, to, &counted));
            assert_int_equal(counted, n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinas_shifted_days_are_worked),
        cmocka_unit_test(a_year_nobody_entered_is_unknown),
        cmocka_unit_test(business_days_skip_weekends_and_federal_holidays),
        cmocka_unit_test(adding_and_counting_business_days_agree),
    };
    return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
