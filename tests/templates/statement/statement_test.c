#include "tests/templates/statement/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PARTIES "\"creditor\":{\"name\":\"A\"},\"debtor\":{\"name\":\"B\"},\"date\":\"2013-03-20\","
#define ITEM    "{\"id\":\"1\",\"due\":\"2013-02-01\",\"amount_minor\":5594,\"currency\":\"USD\"}"

static void refused(const char *json, gw_code code, const char *why)
{
    document d;
    assert_int_equal(document_read(&d, gw_str_of(json)), code);
    if (!strstr(d.err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", d.err.text, why);
    assert_null(d.s);
    document_close(&d);
}

static void a_day_belongs_to_the_bucket_its_days_after_due_say(void **state)
{
    (void)state;
    static const struct {
        int days;
        statement_age age;
    } rows[] = {{-400, AGE_NOT_DUE}, {-1, AGE_NOT_DUE}, {0, AGE_NOT_DUE},   {1, AGE_1_30},
                {30, AGE_1_30},      {31, AGE_31_60},   {60, AGE_31_60},    {61, AGE_61_90},
                {90, AGE_61_90},     {91, AGE_OVER_90}, {4000, AGE_OVER_90}};
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        assert_int_equal(statement_age_of(rows[i].days), rows[i].age);
}

/* Instalments are items of their own: the same invoice may stand in several buckets. */
static void every_line_is_aged_by_its_own_due_day(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    document_head(&b, "en");
    document_item(&b, 1, "first instalment", "2012-12-01", 1000, 0, "USD");
    document_item(&b, 2, "second instalment", "2013-01-10", 2000, 500, "USD");
    document_item(&b, 3, "third instalment", "2013-02-10", 3000, 0, "USD");
    document_item(&b, 4, "fourth instalment", "2013-03-10", 4000, 0, "USD");
    document_item(&b, 5, "fifth instalment", "2013-03-20", 5000, 0, "USD");
    gw_buf_puts(&b, "]}");
    document d;
    document_open(&d, gw_buf_str(&b));
    const statement_total *t = &d.s->totals[0];
    static const int64_t aged[AGE_BUCKETS] = {5000, 4000, 3000, 1500, 1000};
    for (size_t i = 0; i < AGE_BUCKETS; i++)
        assert_int_equal(t->aged[i], aged[i]);
    assert_int_equal(t->items, 14500);
    assert_int_equal(t->overdue, 9500);
    assert_int_equal(d.s->items[0].days_overdue, 109);
    assert_int_equal(d.s->items[4].days_overdue, 0);
    document_close(&d);
}

static void each_currency_has_totals_of_its_own(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    document_head(&b, "en");
    document_item(&b, 1, "a", "2013-02-01", 5594, 0, "USD");
    document_item(&b, 2, "b", "2013-02-01", 7000, 0, "JPY");
    document_item(&b, 3, "c", "2013-04-01", 6, 0, "USD");
    gw_buf_puts(&b, "]}");
    document d;
    document_open(&d, gw_buf_str(&b));
    assert_int_equal(d.s->total_n, 2);
    assert_string_equal(d.s->totals[0].currency, "USD");
    assert_int_equal(d.s->totals[0].balance, 5600);
    assert_string_equal(d.s->totals[1].currency, "JPY");
    assert_int_equal(d.s->totals[1].exponent, 0);
    assert_int_equal(d.s->totals[1].balance, 7000);
    document_close(&d);
}

static void credits_and_overpayments_lower_the_balance_and_age_nowhere(void **state)
{
    (void)state;
    document d;
    document_open(
        &d,
        GW_STR(
            "{" PARTIES "\"items\":[" ITEM
            ",{\"id\":\"2\",\"due\":\"2013-01-01\",\"amount_minor\":100,"
            "\"paid_minor\":130,\"currency\":\"USD\",\"disputed\":true},"
            "{\"id\":\"3\",\"due\":\"2013-01-01\",\"amount_minor\":9,\"currency\":\"USD\","
            "\"disputed\":true}],"
            "\"charges\":[{\"label\":\"Interest\",\"amount_minor\":50,\"currency\":\"USD\","
            "\"basis\":\"clause 8\"}],"
            "\"credits\":[{\"label\":\"Credit note\",\"amount_minor\":1000,\"currency\":\"USD\"}],"
            "\"payments\":[{\"date\":\"2013-02-02\",\"amount_minor\":130,\"currency\":\"USD\"}]}"));
    const statement_total *t = &d.s->totals[0];
    assert_int_equal(d.s->items[1].open, -30);
    assert_int_equal(d.s->items[1].days_overdue, 0);
    assert_int_equal(t->items, 5594 + 9);
    assert_int_equal(t->disputed, 9);
    assert_int_equal(t->credits, 1030);
    assert_int_equal(t->charges, 50);
    assert_int_equal(t->balance, 5594 + 9 + 50 - 1030);
    document_close(&d);
}

static void a_fault_is_named_with_its_json_pointer(void **state)
{
    (void)state;
    refused("[]", GW_EINVAL, "must be an object");
    refused("{}", GW_EINVAL, "/creditor: missing");
    refused("{\"creditor\":{},\"debtor\":{}}", GW_EINVAL, "/creditor/name: missing");
    refused("{\"creditor\":{\"name\":\" \"}}", GW_EINVAL, "/creditor/name: must not be empty");
    refused("{" PARTIES "\"items\":7}", GW_EINVAL, "/items: must be a list");
    refused("{" PARTIES "\"items\":[" ITEM ",{\"id\":\"2\"}]}", GW_EINVAL, "/items/1/due: missing");
    refused("{" PARTIES "\"items\":[{\"id\":\"1\",\"due\":\"2013-02-30\"}]}", GW_EINVAL,
            "/items/0/due: must be a calendar date");
    refused("{" PARTIES "\"items\":[{\"id\":\"1\",\"due\":\"2013-02-01\",\"amount_minor\":55.94,"
            "\"currency\":\"USD\"}]}",
            GW_EINVAL, "/items/0/amount_minor: must be an integer of minor units");
    refused("{" PARTIES "\"items\":[{\"id\":\"1\",\"due\":\"2013-02-01\",\"amount_minor\":-5,"
            "\"currency\":\"USD\"}]}",
            GW_EINVAL, "/items/0/amount_minor: must be between 1");
    refused("{" PARTIES "\"items\":[{\"id\":\"1\",\"due\":\"2013-02-01\",\"amount_minor\":5,"
            "\"currency\":\"DEM\"}]}",
            GW_EINVAL, "/items/0/currency: must be an ISO 4217 code");
    refused("{" PARTIES "\"items\":[{\"id\":\"1\",\"due\":\"2013-02-01\",\"amount_minor\":5,"
            "\"currency\":\"USD\",\"disputed\":\"no\"}]}",
            GW_EINVAL, "/items/0/disputed: must be true or false");
}

static void a_late_charge_without_its_clause_is_refused(void **state)
{
    (void)state;
    refused("{" PARTIES "\"items\":[" ITEM "],\"charges\":[{\"label\":\"Interest\","
            "\"amount_minor\":5,\"currency\":\"USD\"}]}",
            GW_EINVAL, "/charges/0/basis: missing");
    refused("{" PARTIES "\"items\":[" ITEM "],\"charges\":[{\"label\":\"Interest\","
            "\"amount_minor\":5,\"currency\":\"USD\",\"basis\":\"  \"}]}",
            GW_EINVAL, "/charges/0/basis: must not be empty");
}

static void characters_that_change_how_amounts_read_are_refused(void **state)
{
    (void)state;
    refused("{\"creditor\":{\"name\":\"A\\u202E\"},\"debtor\":{\"name\":\"B\"}}", GW_EINVAL,
            "writing direction");
    refused("{\"creditor\":{\"name\":\"A\\u0007\"},\"debtor\":{\"name\":\"B\"}}", GW_EINVAL,
            "control character");
    refused("{\"creditor\":{\"name\":\"A\\nB\"},\"debtor\":{\"name\":\"B\"}}", GW_EINVAL,
            "must be one line");
}

static void every_limit_is_enforced(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 16 << 20);
    document_head(&b, "en");
    for (int i = 0; i <= STATEMENT_ITEMS_MAX; i++)
        document_item(&b, i, "x", "2013-02-01", 100, 0, "USD");
    gw_buf_puts(&b, "]}");
    refused(b.data, GW_ELIMIT, "/items: more than 10000 elements");

    gw_buf_clear(&b);
    document_head(&b, "en");
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1024);
    for (int i = 0; i <= STATEMENT_TEXT_BYTES; i++)
        gw_buf_putc(&text, 'x');
    document_item(&b, 1, text.data, "2013-02-01", 100, 0, "USD");
    gw_buf_puts(&b, "]}");
    refused(b.data, GW_ELIMIT, "/items/0/description: longer than 500 bytes");
    refused("{\"creditor\":{\"name\":\"A\",\"address\":\"1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\"}}",
            GW_ELIMIT, "/creditor/address: more than 8 lines");
    refused("{" PARTIES "\"items\":[{\"id\":\"1\",\"due\":\"2013-02-01\","
            "\"amount_minor\":1000000000000001,\"currency\":\"USD\"}]}",
            GW_EINVAL, "/items/0/amount_minor: must be between");
}

static void too_many_currencies_are_refused(void **state)
{
    (void)state;
    static const char *const codes[] = {"USD", "EUR", "CNY", "JPY", "GBP", "CHF",
                                        "HKD", "SGD", "AUD", "CAD", "NZD", "SEK",
                                        "NOK", "DKK", "PLN", "CZK", "HUF"};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    document_head(&b, "en");
    for (size_t i = 0; i < GW_COUNT(codes); i++)
        document_item(&b, (int)i, "x", "2013-02-01", 100, 0, codes[i]);
    gw_buf_puts(&b, "]}");
    refused(b.data, GW_ELIMIT, "/items/16/currency: more than 16 currencies");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_belongs_to_the_bucket_its_days_after_due_say),
        cmocka_unit_test(every_line_is_aged_by_its_own_due_day),
        cmocka_unit_test(each_currency_has_totals_of_its_own),
        cmocka_unit_test(credits_and_overpayments_lower_the_balance_and_age_nowhere),
        cmocka_unit_test(a_fault_is_named_with_its_json_pointer),
        cmocka_unit_test(a_late_charge_without_its_clause_is_refused),
        cmocka_unit_test(characters_that_change_how_amounts_read_are_refused),
        cmocka_unit_test(every_limit_is_enforced),
        cmocka_unit_test(too_many_currencies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
