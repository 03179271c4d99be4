#include "gateway/base/money.h"
#include "gateway/base/time.h"
#include "templates/format/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define NBSP "\xC2\xA0"

static formatter *opened(const char *locale)
{
    formatter *f = NULL;
    gw_err err = {0};
    if (formatter_new(gw_str_of(locale), &f, &err) != GW_OK)
        fail_msg("%s", err.text);
    return f;
}

static void says(const char *got, gw_code rc, const gw_err *err, const char *want)
{
    if (rc != GW_OK)
        fail_msg("%s", err->text);
    assert_string_equal(got, want);
}

static void money_is(const char *locale, int64_t minor, const char *currency, const char *want)
{
    GW_AUTO(formatter_free) formatter *f = opened(locale);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256);
    gw_err err = {0};
    gw_code rc = format_money(f, minor, gw_str_of(currency), &b, &err);
    says(b.data, rc, &err, want);
}

static void amount_is(const char *locale, int64_t minor, const char *currency, const char *want)
{
    GW_AUTO(formatter_free) formatter *f = opened(locale);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256);
    gw_err err = {0};
    gw_code rc = format_amount(f, minor, gw_str_of(currency), &b, &err);
    says(b.data, rc, &err, want);
}

static void an_amount_carries_the_iso_code_in_the_manner_of_the_locale(void **state)
{
    (void)state;
    money_is("en", 123450, "USD", "USD" NBSP "1,234.50");
    money_is("zh-CN", 123450, "USD", "USD" NBSP "1,234.50");
    money_is("zh-CN", 123450, "CNY", "CNY" NBSP "1,234.50");
    money_is("de", 123450, "EUR", "1.234,50" NBSP "EUR");
    money_is("en", -5, "USD", "-USD" NBSP "0.05");
    money_is("en-AU", 100, "AUD", "AUD" NBSP "1.00");
    amount_is("en", 123450, "USD", "1,234.50");
    amount_is("zh-CN", -123450, "CNY", "-1,234.50");
    amount_is("de", 123450000, "KWD", "123.450,000");
}

/* CLDR shows IQD, RSD and IRR without minor units; ISO 4217 gives them three and two. */
static void digits_behind_the_point_follow_iso_4217(void **state)
{
    (void)state;
    money_is("en", 1234, "JPY", "JPY" NBSP "1,234");
    money_is("en", 1234567, "IQD", "IQD" NBSP "1,234.567");
    money_is("en", 1234567, "RSD", "RSD" NBSP "12,345.67");
    money_is("en", 1234567, "CLF", "CLF" NBSP "123.4567");
    money_is("en", 1234567, "XCG", "XCG" NBSP "12,345.67");
}

static void amounts_beyond_a_doubles_53_bits_keep_every_digit(void **state)
{
    (void)state;
    money_is("en", INT64_MAX, "USD", "USD" NBSP "92,233,720,368,547,758.07");
    money_is("en", INT64_MIN, "JPY", "-JPY" NBSP "9,223,372,036,854,775,808");
    money_is("en", INT64_C(9007199254740993), "JPY", "JPY" NBSP "9,007,199,254,740,993");
}

static void every_currency_of_the_table_can_be_written_and_read_back(void **state)
{
    (void)state;
    GW_AUTO(formatter_free) formatter *f = opened("en");
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256);
    int exponent;
    for (size_t i = 0; money_currency_at(i, &exponent); i++) {
        gw_str code = gw_str_of(money_currency_at(i, NULL));
        gw_buf_clear(&b);
        assert_int_equal(format_amount(f, 987654321, code, &b, NULL), GW_OK);
        int64_t back = 0;
        assert_int_equal(money_parse(gw_buf_str(&b), code, &back, NULL), GW_OK);
        assert_int_equal(back, 987654321);
    }
}

static void an_unknown_currency_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    GW_AUTO(formatter_free) formatter *f = opened("en");
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256);
    gw_err err = {0};
    assert_int_equal(format_money(f, 1, GW_STR("XXX"), &b, &err), GW_EINVAL);
    assert_int_equal(format_amount(f, 1, GW_STR("usd"), &b, &err), GW_EINVAL);
    assert_int_equal(b.n, 0);
}

static void date_is(const char *locale, const char *iso, const char *want)
{
    GW_AUTO(formatter_free) formatter *f = opened(locale);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256);
    gw_err err = {0};
    int32_t day = 0;
    assert_int_equal(gw_date_parse(gw_str_of(iso), &day, &err), GW_OK);
    gw_code rc = format_date(f, day, &b, &err);
    says(b.data, rc, &err, want);
}

static void a_date_is_the_same_calendar_day_everywhere(void **state)
{
    (void)state;
    date_is("en", "2013-01-22", "January 22, 2013");
    date_is("en-GB", "2013-01-22", "22 January 2013");
    date_is("zh-CN", "2013-01-22", "2013年1月22日");
    date_is("de", "2024-02-29", "29. Februar 2024");
    /* The locale's own calendar would say 2556 here. */
    date_is("th", "2013-01-22", "22 มกราคม ค.ศ. 2013");
    /* A Julian date with ICU's default cut-over. */
    date_is("en", "1500-03-01", "March 1, 1500");
    date_is("en", "9999-12-31", "December 31, 9999");
}

static void a_date_outside_the_known_years_is_refused(void **state)
{
    (void)state;
    GW_AUTO(formatter_free) formatter *f = opened("en");
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 256);
    gw_date after = {10000, 1, 1};
    assert_int_equal(format_date(f, gw_date_to_day(after), &b, NULL), GW_EINVAL);
}

static void numbers_are_grouped_as_the_locale_does(void **state)
{
    (void)state;
    static const struct {
        const char *locale;
        int64_t value;
        const char *want;
    } rows[] = {{"en", 12345, "12,345"}, {"zh-CN", -12345, "-12,345"},
                {"de", 12345, "12.345"}, {"en-IN", 1234567, "12,34,567"},
                {"en", 0, "0"},          {"en", INT64_MIN, "-9,223,372,036,854,775,808"}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(formatter_free) formatter *f = opened(rows[i].locale);
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 256);
        gw_err err = {0};
        gw_code rc = format_number(f, rows[i].value, &b, &err);
        says(b.data, rc, &err, rows[i].want);
    }
}

static void plurals_follow_the_language(void **state)
{
    (void)state;
    static const struct {
        const char *locale;
        int64_t value;
        format_plural want;
    } rows[] = {{"en", 1, FORMAT_ONE},   {"en", 0, FORMAT_OTHER},
                {"en", 2, FORMAT_OTHER}, {"zh-CN", 1, FORMAT_OTHER},
                {"ru", 21, FORMAT_ONE},  {"ru", 3, FORMAT_FEW},
                {"ru", 5, FORMAT_MANY},  {"ar", 0, FORMAT_ZERO},
                {"ar", 2, FORMAT_TWO},   {"en", INT64_C(9007199254740993), FORMAT_OTHER}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(formatter_free) formatter *f = opened(rows[i].locale);
        format_plural got = FORMAT_ZERO;
        assert_int_equal(format_plural_of(f, rows[i].value, &got, NULL), GW_OK);
        assert_string_equal(format_plural_name(got), format_plural_name(rows[i].want));
    }
}

static void an_unknown_locale_is_an_error_and_never_another_language(void **state)
{
    (void)state;
    static const struct {
        const char *locale;
        gw_code code;
    } rows[] = {{"xx", GW_ENOTFOUND},        {"tlh", GW_ENOTFOUND},    {"en-XQ", GW_ENOTFOUND},
                {"en-Hans", GW_ENOTFOUND},   {"", GW_EINVAL},          {"english!", GW_EINVAL},
                {"en-u-nu-arab", GW_EINVAL}, {"en_US@x=y", GW_EINVAL}, {"und", GW_EINVAL},
                {"de-1996", GW_EINVAL},      {"x-private", GW_EINVAL}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        formatter *f = NULL;
        gw_err err = {0};
        gw_code rc = formatter_new(gw_str_of(rows[i].locale), &f, &err);
        if (rc != rows[i].code)
            fail_msg("locale \"%s\": %s", rows[i].locale, err.text);
        assert_null(f);
    }
    static const char *const known[] = {"en",         "en-US",   "zh",         "zh-CN", "zh-TW",
                                        "zh-Hans-CN", "zh-Hant", "sr-Latn-RS", "es-419"};
    for (size_t i = 0; i < GW_COUNT(known); i++)
        formatter_free(opened(known[i]));
}

static void more_currencies_than_are_kept_still_come_out_right(void **state)
{
    (void)state;
    GW_AUTO(formatter_free) formatter *f = opened("en");
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 4096);
    static const char *const codes[] = {"USD", "EUR", "CNY", "JPY", "GBP", "CHF",
                                        "HKD", "SGD", "AUD", "CAD", "USD"};
    for (size_t i = 0; i < GW_COUNT(codes); i++) {
        gw_buf_clear(&b);
        assert_int_equal(format_money(f, 100, gw_str_of(codes[i]), &b, NULL), GW_OK);
        assert_memory_equal(b.data, codes[i], 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_carries_the_iso_code_in_the_manner_of_the_locale),
        cmocka_unit_test(digits_behind_the_point_follow_iso_4217),
        cmocka_unit_test(amounts_beyond_a_doubles_53_bits_keep_every_digit),
        cmocka_unit_test(every_currency_of_the_table_can_be_written_and_read_back),
        cmocka_unit_test(an_unknown_currency_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_date_is_the_same_calendar_day_everywhere),
        cmocka_unit_test(a_date_outside_the_known_years_is_refused),
        cmocka_unit_test(numbers_are_grouped_as_the_locale_does),
        cmocka_unit_test(plurals_follow_the_language),
        cmocka_unit_test(an_unknown_locale_is_an_error_and_never_another_language),
        cmocka_unit_test(more_currencies_than_are_kept_still_come_out_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
