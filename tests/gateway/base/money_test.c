#include "gateway/base/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t parsed(const char *text, const char *currency)
{
    int64_t v = -777;
    gw_err err = {0};
    gw_code rc = money_parse(gw_str_of(text), gw_str_of(currency), &v, &err);
    if (rc != GW_OK)
        fail_msg("%s %s: %s", text, currency, err.text);
    return v;
}

static void refused(const char *text, const char *currency, gw_code code, const char *why)
{
    int64_t v = -777;
    gw_err err = {0};
    assert_int_equal(money_parse(gw_str_of(text), gw_str_of(currency), &v, &err), code);
    if (!strstr(err.text, why))
        fail_msg("%s %s: \"%s\" does not say \"%s\"", text, currency, err.text, why);
    assert_int_equal(v, -777);
}

static void a_currency_has_the_digits_iso_4217_gives_it(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int exponent;
    } rows[] = {{"USD", 2}, {"CNY", 2}, {"EUR", 2}, {"JPY", 0}, {"KRW", 0}, {"UGX", 0},
                {"KWD", 3}, {"IQD", 3}, {"TND", 3}, {"CLF", 4}, {"UYW", 4}, {"RSD", 2},
                {"AED", 2}, {"ZWG", 2}, {"XCG", 2}, {"MRU", 2}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        int exponent = -1;
        assert_int_equal(money_currency(gw_str_of(rows[i].code), &exponent), GW_OK);
        assert_int_equal(exponent, rows[i].exponent);
    }
}

static void withdrawn_unpayable_and_unknown_codes_are_not_currencies(void **state)
{
    (void)state;
    static const char *const codes[] = {"DEM", "HRK", "ZWL", "ANG", "BGN",  "XAU", "XTS",
                                        "XXX", "usd", "US",  "",    "USDX", "$",   "ZZZ"};
    for (size_t i = 0; i < GW_COUNT(codes); i++)
        assert_int_equal(money_currency(gw_str_of(codes[i]), NULL), GW_ENOTFOUND);
}

static void every_row_of_the_table_is_found_and_in_order(void **state)
{
    (void)state;
    const char *before = "";
    size_t n = 0;
    int listed, found;
    for (const char *code; (code = money_currency_at(n, &listed)); n++, before = code) {
        assert_true(strcmp(before, code) < 0);
        assert_int_equal(money_currency(gw_str_of(code), &found), GW_OK);
        assert_int_equal(found, listed);
        assert_in_range(listed, 0, MONEY_EXPONENT_MAX);
    }
    assert_true(n > 150);
}

static void decimal_text_becomes_exact_minor_units(void **state)
{
    (void)state;
    assert_int_equal(parsed("1234.50", "USD"), 123450);
    assert_int_equal(parsed("55.94", "USD"), 5594);
    assert_int_equal(parsed("1.5", "USD"), 150);
    assert_int_equal(parsed("-3", "USD"), -300);
    assert_int_equal(parsed("-0.05", "USD"), -5);
    assert_int_equal(parsed("-0", "USD"), 0);
    assert_int_equal(parsed("7", "JPY"), 7);
    assert_int_equal(parsed("0.001", "KWD"), 1);
    assert_int_equal(parsed("0.0001", "CLF"), 1);
    /* 0.29 is 0.28999... as a binary float; times 100 and cut it would be 28. */
    assert_int_equal(parsed("0.29", "USD"), 29);
    assert_int_equal(parsed("90071992547409.93", "USD"), INT64_C(9007199254740993));
}

static void commas_group_only_where_they_cannot_be_a_decimal_comma(void **state)
{
    (void)state;
    assert_int_equal(parsed("1,234.50", "USD"), 123450);
    assert_int_equal(parsed("1,234", "USD"), 123400);
    assert_int_equal(parsed("-12,345,678.9", "USD"), -1234567890);
    assert_int_equal(parsed("1,234,567", "KWD"), 1234567000);
    assert_int_equal(parsed("1,234.5", "KWD"), 1234500);
    refused("1,234", "KWD", GW_EINVAL, "decimal comma");
    refused("0,123", "USD", GW_EINVAL, "decimal comma");
    refused("12,34", "USD", GW_EINVAL, "groups of three");
    refused("1234,567", "USD", GW_EINVAL, "groups of three");
    refused("1,23,456.00", "USD", GW_EINVAL, "groups of three");
    refused(",123", "USD", GW_EINVAL, "groups of three");
    refused("1.234,50", "USD", GW_EINVAL, "not part of a decimal number");
}

static void more_digits_than_the_currency_has_are_refused_not_rounded(void **state)
{
    (void)state;
    refused("1.234", "USD", GW_EINVAL, "3 digits behind the point, but USD has 2");
    refused("1.500", "USD", GW_EINVAL, "nothing is rounded");
    refused("1.0", "JPY", GW_EINVAL, "JPY has 0");
}

static void what_is_not_a_plain_decimal_is_refused_with_its_place(void **state)
{
    (void)state;
    refused("", "USD", GW_EINVAL, "digits are missing");
    refused("-", "USD", GW_EINVAL, "digits are missing");
    refused(".5", "USD", GW_EINVAL, "both sides");
    refused("5.", "USD", GW_EINVAL, "both sides");
    refused("$5", "USD", GW_EINVAL, "byte 1");
    refused("5 ", "USD", GW_EINVAL, "byte 2");
    refused("+5", "USD", GW_EINVAL, "byte 1");
    refused("1e3", "USD", GW_EINVAL, "byte 2");
    refused("--5", "USD", GW_EINVAL, "byte 2");
    refused("1.2.3", "USD", GW_EINVAL, "byte 4");
    refused("5", "XXX", GW_EINVAL, "ISO 4217");
}

static void the_ends_of_int64_are_reached_and_not_passed(void **state)
{
    (void)state;
    assert_int_equal(parsed("92233720368547758.07", "USD"), INT64_MAX);
    assert_int_equal(parsed("-92233720368547758.08", "USD"), INT64_MIN);
    assert_int_equal(parsed("9223372036854775807", "JPY"), INT64_MAX);
    refused("92233720368547758.08", "USD", GW_ELIMIT, "too large");
    refused("-92233720368547758.09", "USD", GW_ELIMIT, "too large");
    refused("922337203685477581", "USD", GW_ELIMIT, "too large");
    refused("00000000000000000000000000000000000000000000000000000000000000001", "USD", GW_ELIMIT,
            "longer than 64 bytes");
}

static void sums_that_do_not_fit_are_errors_and_change_nothing(void **state)
{
    (void)state;
    int64_t v = 7;
    gw_err err = {0};
    assert_int_equal(money_add(INT64_MAX, 1, &v, &err), GW_ELIMIT);
    assert_int_equal(money_sub(INT64_MIN, 1, &v, &err), GW_ELIMIT);
    assert_int_equal(v, 7);
    assert_int_equal(money_add(v, 5, &v, NULL), GW_OK);
    assert_int_equal(money_sub(v, 20, &v, NULL), GW_OK);
    assert_int_equal(v, -8);
}

static void the_plain_form_is_read_back_to_the_same_amount(void **state)
{
    (void)state;
    static const int64_t amounts[] = {0,  1,   -1,      5594,          -1250,     99,
                                      10, 100, 1000000, INT64_MAX - 1, INT64_MAX, INT64_MIN};
    static const char *const currencies[] = {"JPY", "USD", "KWD", "CLF"};
    for (size_t c = 0; c < GW_COUNT(currencies); c++)
        for (size_t i = 0; i < GW_COUNT(amounts); i++) {
            int exponent = -1;
            char text[MONEY_TEXT];
            assert_int_equal(money_currency(gw_str_of(currencies[c]), &exponent), GW_OK);
            money_format(amounts[i], exponent, text);
            assert_int_equal(parsed(text, currencies[c]), amounts[i]);
        }
    char text[MONEY_TEXT];
    money_format(123450, 2, text);
    assert_string_equal(text, "1234.50");
    money_format(-5, 2, text);
    assert_string_equal(text, "-0.05");
    money_format(-1250, 0, text);
    assert_string_equal(text, "-1250");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_currency_has_the_digits_iso_4217_gives_it),
        cmocka_unit_test(withdrawn_unpayable_and_unknown_codes_are_not_currencies),
        cmocka_unit_test(every_row_of_the_table_is_found_and_in_order),
        cmocka_unit_test(decimal_text_becomes_exact_minor_units),
        cmocka_unit_test(commas_group_only_where_they_cannot_be_a_decimal_comma),
        cmocka_unit_test(more_digits_than_the_currency_has_are_refused_not_rounded),
        cmocka_unit_test(what_is_not_a_plain_decimal_is_refused_with_its_place),
        cmocka_unit_test(the_ends_of_int64_are_reached_and_not_passed),
        cmocka_unit_test(sums_that_do_not_fit_are_errors_and_change_nothing),
        cmocka_unit_test(the_plain_form_is_read_back_to_the_same_amount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
