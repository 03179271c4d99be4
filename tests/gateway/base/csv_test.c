#include "gateway/base/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void writes(const char *text, const char *cell)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 4096);
    csv_writer w = {.out = &b};
    csv_put_text(&w, gw_str_of(text));
    assert_int_equal(gw_buf_code(&b, "cell", NULL), GW_OK);
    assert_string_equal(b.data ? b.data : "", cell);
}

static void a_text_that_begins_like_a_formula_gets_an_apostrophe(void **state)
{
    (void)state;
    writes("=1+1", "'=1+1");
    writes("+49", "'+49");
    writes("-5", "'-5");
    writes("@SUM(A1)", "'@SUM(A1)");
    writes("\tx", "\"'\tx\"");
    writes("\rx", "\"'\rx\"");
    writes("  =1", "\"'  =1\"");
    writes("\n=1", "\"'\n=1\"");
    writes("hello\n=1", "\"'hello\n=1\"");
    writes("hello\r\n  @x", "\"'hello\r\n  @x\"");
    writes("\xC2\xA0=1", "'\xC2\xA0=1");
    writes("\xEF\xBC\x9D"
           "1",
           "'\xEF\xBC\x9D"
           "1");
    writes("\xE3\x80\x80-1", "'\xE3\x80\x80-1");
    writes("=HYPERLINK(\"http://a.example.test\",\"x\")",
           "\"'=HYPERLINK(\"\"http://a.example.test\"\",\"\"x\"\")\"");
}

static void harmless_text_stays_as_it_is(void **state)
{
    (void)state;
    writes("", "");
    writes("a-b=c+d@e", "a-b=c+d@e");
    writes("上海进出口公司", "上海进出口公司");
    writes("it's", "it's");
}

static void commas_quotes_and_breaks_are_quoted(void **state)
{
    (void)state;
    writes("a,b", "\"a,b\"");
    writes("say \"hi\"", "\"say \"\"hi\"\"\"");
    writes("two\nlines", "\"two\nlines\"");
    writes("a;=1", "\"a;=1\"");
    writes(" padded ", "\" padded \"");
}

static void numbers_of_ours_stay_numbers_and_rows_end_with_crlf(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 4096);
    csv_writer w;
    csv_start(&w, &b);
    csv_put_text(&w, GW_STR(""));
    csv_put_number(&w, GW_STR("-12.50"));
    csv_put_number(&w, GW_STR(""));
    csv_put_int(&w, INT64_MIN);
    csv_end_row(&w);
    csv_put_text(&w, GW_STR("x"));
    csv_end_row(&w);
    assert_string_equal(b.data, "\xEF\xBB\xBF,-12.50,,-9223372036854775808\r\nx\r\n");
}

/* Rows as "line:cell|cell|..." so that a whole file is compared in one glance. */
static gw_code collect(void *arg, const csv_row *row, gw_err *err)
{
    (void)err;
    gw_buf *b = arg;
    gw_buf_printf(b, "%zu:", row->line);
    for (size_t i = 0; i < row->n; i++)
        gw_buf_printf(b, "%s%.*s", i ? "|" : "", GW_STR_ARG(row->cells[i]));
    return gw_buf_puts(b, "\n");
}

static void reads(gw_str text, const char *rows)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    gw_err err = {0};
    if (csv_parse(text, NULL, collect, &b, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(b.data ? b.data : "", rows);
}

static void refused(gw_str text, const csv_limits *limits, gw_code code, const char *why)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    gw_err err = {0};
    assert_int_equal(csv_parse(text, limits, collect, &b, &err), code);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void rows_are_read_with_or_without_mark_and_with_either_line_end(void **state)
{
    (void)state;
    reads(GW_STR("a,b\r\nc,d\r\n"), "1:a|b\n2:c|d\n");
    reads(GW_STR("\xEF\xBB\xBF"
                 "a,b\nc,d"),
          "1:a|b\n2:c|d\n");
    reads(GW_STR("a,,\n,b,"), "1:a||\n2:|b|\n");
    reads(GW_STR(""), "");
    reads(GW_STR("\xEF\xBB\xBF"), "");
    reads(GW_STR("a\n\n\r\nb\n"), "1:a\n4:b\n");
}

static void quoted_cells_may_hold_commas_quotes_and_breaks(void **state)
{
    (void)state;
    reads(GW_STR("\"a,b\",\"say \"\"hi\"\"\",\"\"\r\n"), "1:a,b|say \"hi\"|\n");
    reads(GW_STR("\"two\r\nlines\",x\nnext,y\n"), "1:two\r\nlines|x\n3:next|y\n");
    reads(GW_STR("\"a\""), "1:a\n");
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain", "a,b",  "\"",     "\"\"", "line\r\nbreak",
                                        " lead", "上海", "semi;x", "",     "tail\t"};
    GW_AUTO_BUF gw_buf b, want;
    gw_buf_init(&b, 4096);
    gw_buf_init(&want, 4096);
    csv_writer w;
    csv_start(&w, &b);
    gw_buf_puts(&want, "1:");
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        csv_put_text(&w, gw_str_of(texts[i]));
        gw_buf_printf(&want, "%s%s", i ? "|" : "", texts[i]);
    }
    csv_end_row(&w);
    gw_buf_puts(&want, "\n");
    reads(gw_buf_str(&b), want.data);
}

static void a_fault_is_named_with_its_line(void **state)
{
    (void)state;
    refused(GW_STR("a\nb\"c\n"), NULL, GW_EINVAL, "line 2: a quote inside a cell");
    refused(GW_STR("a\n\"b\"c\n"), NULL, GW_EINVAL, "line 2: text behind the closing quote");
    refused(GW_STR("a\n\"b\nc\n"), NULL, GW_EINVAL, "line 2: a quoted cell begins here");
    refused(GW_STR("a\rb\n"), NULL, GW_EINVAL, "line 1: a carriage return");
    refused(GW_STR("a\n\"x\"\ry"), NULL, GW_EINVAL, "line 2: text behind the closing quote");
    refused(GW_STR("a\nb\0c"), NULL, GW_EINVAL, "line 2: holds a NUL byte");
    /* GBK, as a Chinese Excel saves plain CSV */
    refused(GW_STR("a\n\xD6\xD0\xCE\xC4\n"), NULL, GW_EINVAL, "line 2: not UTF-8");
}

static void each_limit_is_enforced_and_named(void **state)
{
    (void)state;
    csv_limits file = {.file_bytes = 8}, row = {.row_bytes = 4}, columns = {.columns = 2};
    refused(GW_STR("123456789"), &file, GW_ELIMIT, "larger than 8 bytes");
    refused(GW_STR("1234\n12345"), &row, GW_ELIMIT, "line 2: the row is longer than 4 bytes");
    refused(GW_STR("1,2\n1,2,3"), &columns, GW_ELIMIT, "line 2: more than 2 columns");
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    for (int i = 0; i < CSV_COLUMNS_MAX; i++)
        gw_buf_puts(&b, "x,");
    refused(gw_buf_str(&b), NULL, GW_ELIMIT, "more than 256 columns");
}

static gw_code stop_at_second(void *arg, const csv_row *row, gw_err *err)
{
    (void)arg;
    return row->line == 2 ? gw_fail(err, GW_EREFUSED, "enough") : GW_OK;
}

static void the_callback_can_end_the_parse_with_its_own_error(void **state)
{
    (void)state;
    gw_err err = {0};
    assert_int_equal(csv_parse(GW_STR("a\nb\n\"broken"), NULL, stop_at_second, NULL, &err),
                     GW_EREFUSED);
    assert_string_equal(err.text, "enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_begins_like_a_formula_gets_an_apostrophe),
        cmocka_unit_test(harmless_text_stays_as_it_is),
        cmocka_unit_test(commas_quotes_and_breaks_are_quoted),
        cmocka_unit_test(numbers_of_ours_stay_numbers_and_rows_end_with_crlf),
        cmocka_unit_test(rows_are_read_with_or_without_mark_and_with_either_line_end),
        cmocka_unit_test(quoted_cells_may_hold_commas_quotes_and_breaks),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_fault_is_named_with_its_line),
        cmocka_unit_test(each_limit_is_enforced_and_named),
        cmocka_unit_test(the_callback_can_end_the_parse_with_its_own_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
