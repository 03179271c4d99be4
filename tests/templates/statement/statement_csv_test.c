#include "gateway/base/csv.h"
#include "tests/templates/statement/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char json[] =
    "{\"creditor\":{\"name\":\"A\"},\"debtor\":{\"name\":\"B, Inc.\",\"id\":\"C-1\"},"
    "\"date\":\"2013-03-20\",\"locale\":\"%s\",\"items\":[{\"id\":\"INV-1\","
    "\"description\":\"=HYPERLINK(1)\",\"issued\":\"2013-01-02\",\"due\":\"2013-02-01\","
    "\"amount_minor\":559400,\"paid_minor\":100,\"currency\":\"USD\",\"terms\":\"30 days\","
    "\"contract_minor\":1000000,\"disputed\":true}],"
    "\"credits\":[{\"label\":\"Credit note\",\"amount_minor\":1250,\"currency\":\"USD\"}]}";

static void write_csv(const char *locale, gw_buf *ret)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1 << 20);
    const char *mark = strstr(json, "%s");
    gw_buf_put(&text, json, (size_t)(mark - json));
    gw_buf_puts(&text, locale);
    gw_buf_puts(&text, mark + 2);
    document d;
    document_open(&d, gw_buf_str(&text));
    assert_int_equal(statement_write_csv(d.s, ret, &d.err), GW_OK);
    document_close(&d);
}

static void the_whole_file_is_as_promised(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    write_csv("en", &b);
    assert_string_equal(
        b.data,
        "\xEF\xBB\xBFKind,ID,Reference,Description,Issued,Due,Days overdue,Age,Currency,"
        "Contract amount,Amount,Paid,Open,Terms,Disputed\r\n"
        "Account statement,C-1,,\"B, Inc.\",2013-03-20,,,,,,,,,,\r\n"
        "Item,INV-1,,'=HYPERLINK(1),2013-01-02,2013-02-01,47,31–60 days,USD,10000.00,5594.00,"
        "1.00,5593.00,30 days,yes\r\n"
        "Credit,,,Credit note,,,,,USD,,-12.50,,-12.50,,\r\n"
        "Ageing,,,,,,,Not due,USD,,,,0.00,,\r\n"
        "Ageing,,,,,,,1–30 days,USD,,,,0.00,,\r\n"
        "Ageing,,,,,,,31–60 days,USD,,,,5593.00,,\r\n"
        "Ageing,,,,,,,61–90 days,USD,,,,0.00,,\r\n"
        "Ageing,,,,,,,Over 90 days,USD,,,,0.00,,\r\n"
        "Total,,,Open items,,,,,USD,,,,5593.00,,\r\n"
        "Total,,,Of which overdue,,,,,USD,,,,5593.00,,\r\n"
        "Total,,,Of which disputed,,,,,USD,,,,5593.00,,\r\n"
        "Total,,,Late charges,,,,,USD,,,,0.00,,\r\n"
        "Total,,,Credits,,,,,USD,,,,-12.50,,\r\n"
        "Total,,,Balance,,,,,USD,,,,5580.50,,\r\n");
}

static gw_code same_columns(void *arg, const csv_row *row, gw_err *err)
{
    (void)err;
    (*(size_t *)arg)++;
    assert_int_equal(row->n, 15);
    return GW_OK;
}

static void every_row_has_the_columns_of_the_heading_also_in_chinese(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    write_csv("zh-CN", &b);
    assert_non_null(strstr(b.data, "\xEF\xBB\xBF类别,编号,单据号,摘要,"));
    assert_non_null(strstr(b.data, "合计,,,应付余额,,,,,USD,,,,5580.50,,\r\n"));
    size_t rows = 0;
    assert_int_equal(csv_parse(gw_buf_str(&b), NULL, same_columns, &rows, NULL), GW_OK);
    assert_int_equal(rows, 15);
}

static void a_buffer_too_small_is_an_error(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf text, b;
    gw_buf_init(&text, 1 << 20);
    gw_buf_init(&b, 64);
    document_head(&text, "en");
    gw_buf_puts(&text, "]}");
    document d;
    document_open(&d, gw_buf_str(&text));
    assert_int_equal(statement_write_csv(d.s, &b, &d.err), GW_ELIMIT);
    document_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_file_is_as_promised),
        cmocka_unit_test(every_row_has_the_columns_of_the_heading_also_in_chinese),
        cmocka_unit_test(a_buffer_too_small_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
