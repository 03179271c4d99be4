#include "gateway/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static gw_code parse(const char *text, json_doc *ret, gw_arena *arena, gw_err *err)
{
    return json_parse(gw_str_of(text), arena, ret, err);
}

static void refused(const char *text, const char *why)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    json_doc d;
    gw_err err = {0};
    assert_int_not_equal(parse(text, &d, arena, &err), GW_OK);
    assert_non_null(strstr(err.text, why));
}

static void an_object_is_read_into_nodes_in_document_order(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    json_doc d;
    gw_err err = {0};
    assert_int_equal(
        parse(" {\"a\": [1, -2, \"x\"], \"b\": {\"c\": true}, \"d\": 1.5} ", &d, arena, &err),
        GW_OK);
    uint32_t a = json_member(&d, 0, "a");
    assert_int_equal(json_kind_of(&d, a), JSON_ARRAY);
    assert_int_equal(json_at(&d, a)->count, 3);
    assert_int_equal(json_at(&d, a + 2)->i, -2);
    assert_true(json_get_bool(&d, json_member(&d, 0, "b"), "c", false));
    assert_int_equal(json_kind_of(&d, json_member(&d, 0, "d")), JSON_NUMBER);
    assert_int_equal(json_member(&d, 0, "e"), 0);
}

static void a_pointer_names_a_node_and_finds_it_again(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    json_doc d;
    gw_err err = {0};
    assert_int_equal(parse("{\"a/b\":[0,{\"m~n\":7}]}", &d, arena, &err), GW_OK);
    uint32_t at = json_resolve(&d, GW_STR("/a~1b/1/m~0n"));
    assert_int_not_equal(at, UINT32_MAX);
    assert_int_equal(json_at(&d, at)->i, 7);
    char text[JSON_POINTER_TEXT];
    json_pointer(&d, at, text);
    assert_string_equal(text, "/a~1b/1/m~0n");
    assert_int_equal(json_resolve(&d, GW_STR("/a~1b/2")), UINT32_MAX);
}

static void escapes_become_utf8(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    json_doc d;
    gw_err err = {0};
    assert_int_equal(parse("\"\\u4e2d\\n\\ud83d\\ude00\"", &d, arena, &err), GW_OK);
    assert_true(gw_str_is(json_str(&d, 0), "\xe4\xb8\xad\n\xf0\x9f\x98\x80"));
}

static void what_json_c_lets_through_is_refused(void **state)
{
    (void)state;
    refused("{\"a\":1,\"a\":2}", "twice");
    refused("{\"a\":1,\"\\u0061\":2}", "twice");
    refused(
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"\\u0069\":1}",
        "twice");
    refused("{'a':1}", "double quotes");
    refused("NaN", "value is expected");
    refused("\"a\tb\"", "control byte");
    refused("\"\\u0000\"", "u0000");
    refused("\"\\ud800\"", "surrogate");
    refused("\"\xff\"", "UTF-8");
    refused("01", "not a number");
    refused("1 2", "behind");
    refused("", "text ends");
    refused("[1,]", "value is expected");
}

static void nesting_is_limited(void **state)
{
    (void)state;
    char deep[2 * JSON_DEPTH_MAX + 3];
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    deep[2 * JSON_DEPTH_MAX + 2] = '\0';
    refused(deep, "deeper");
}

static void integers_keep_all_their_digits_or_stay_text(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    json_doc d;
    gw_err err = {0};
    assert_int_equal(
        parse("[9223372036854775807,-9223372036854775808,9223372036854775808]", &d, arena, &err),
        GW_OK);
    assert_true(json_at(&d, 1)->i == INT64_MAX);
    assert_true(json_at(&d, 2)->i == INT64_MIN);
    assert_int_equal(json_kind_of(&d, 3), JSON_NUMBER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_read_into_nodes_in_document_order),
        cmocka_unit_test(a_pointer_names_a_node_and_finds_it_again),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(what_json_c_lets_through_is_refused),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(integers_keep_all_their_digits_or_stay_text),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
