#include "gateway/base/json.h"
#include "gateway/base/jsonc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void stripped(const char *from, const char *want)
{
    GW_AUTO_BUF gw_buf b;
    gw_err err = {0};
    gw_buf_init(&b, 4096);
    gw_buf_puts(&b, from);
    assert_int_equal(json_strip_comments(&b, &err), GW_OK);
    assert_string_equal(b.data, want);
}

static void comments_become_spaces_and_nothing_moves(void **state)
{
    (void)state;
    stripped("{ // a\n\"a\": 1 /* b\n */ }", "{     \n\"a\": 1     \n    }");
    stripped("{}// end", "{}      ");
    stripped("{}/**/", "{}    ");
    stripped("// a\r\n{}", "    \r\n{}");
}

static void marks_inside_strings_are_text(void **state)
{
    (void)state;
    stripped("{\"a\":\"http://x /* no */\"}", "{\"a\":\"http://x /* no */\"}");
    stripped("\"\\\"//\" //", "\"\\\"//\"   ");
    stripped("\"\\\\\" //", "\"\\\\\"   ");
    stripped("1 / 2", "1 / 2");
}

static void an_open_comment_is_refused_with_its_line(void **state)
{
    (void)state;
    const char *broken[] = {"{}\n\n/* ", "{}\n\n/*/", "{}\n\n/*"};
    for (size_t i = 0; i < GW_COUNT(broken); i++) {
        GW_AUTO_BUF gw_buf b;
        gw_err err = {0};
        gw_buf_init(&b, 4096);
        gw_buf_puts(&b, broken[i]);
        assert_int_equal(json_strip_comments(&b, &err), GW_EINVAL);
        assert_non_null(strstr(err.text, "line 3"));
    }
}

static void an_empty_text_stays_empty(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 16);
    assert_int_equal(json_strip_comments(&b, NULL), GW_OK);
    assert_int_equal(b.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_become_spaces_and_nothing_moves),
        cmocka_unit_test(marks_inside_strings_are_text),
        cmocka_unit_test(an_open_comment_is_refused_with_its_line),
        cmocka_unit_test(an_empty_text_stays_empty),
    };
    return cmocka_run_group_tests_name("jsonc", tests, NULL, NULL);
}
