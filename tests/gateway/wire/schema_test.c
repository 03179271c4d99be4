#include "gateway/base/file.h"
#include "gateway/wire/format.h"
#include "gateway/wire/schema.h"
#include "gateway/wire/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROOM = 8 * 1024 * 1024 };

/* What the schema says about the document: NULL when it is good, else "pointer: what". */
static const char *verdict(const char *schema_text, const char *json)
{
    static char said[512];
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    GW_AUTO(schema_free) schema *s = NULL;
    json_doc doc;
    schema_fault fault;
    gw_err err = {0};
    assert_int_equal(schema_compile("test", gw_str_of(schema_text), &s, &err), GW_OK);
    assert_int_equal(json_parse(gw_str_of(json), arena, &doc, &err), GW_OK);
    if (schema_check(s, &doc, 0, &fault))
        return NULL;
    snprintf(said, sizeof said, "%s: %s", fault.pointer, fault.what);
    return said;
}

static void each_keyword_accepts_and_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *good, *bad, *said;
    } rows[] = {
        {"{\"type\":\"string\"}", "\"a\"", "1", ": must be a string"},
        {"{\"type\":[\"string\",\"null\"]}", "null", "1", ": must be null or a string"},
        {"{\"type\":\"integer\"}", "-3", "1.0", ": must be a whole number within 64 bits"},
        {"{\"type\":\"integer\"}", "0", "9223372036854775808",
         ": must be a whole number within 64 bits"},
        {"{\"type\":\"number\"}", "1.5", "\"1.5\"", ": must be a number"},
        {"{\"type\":\"number\"}", "1", "true", ": must be a number"},
        {"{\"type\":\"boolean\"}", "false", "0", ": must be true or false"},
        {"{\"type\":\"array\"}", "[]", "{}", ": must be a list"},
        {"{\"type\":\"object\"}", "{}", "[]", ": must be an object"},
        {"{\"minLength\":2}", "\"ab\"", "\"\xe4\xb8\xad\"", ": must have at least 2 characters"},
        {"{\"maxLength\":2}", "\"\xe4\xb8\xad\xe6\x96\x87\"", "\"abc\"",
         ": must have at most 2 characters"},
        {"{\"maxLength\":1}", "\"\\u4e2d\"", "\"\\u4e2d\\n\"", ": must have at most 1 characters"},
        {"{\"minimum\":1}", "1", "0", ": must be at least 1"},
        {"{\"maximum\":9}", "9", "10", ": must be at most 9"},
        {"{\"maximum\":9}", "9", "1e1", ": must be a whole number within 64 bits"},
        {"{\"enum\":[\"a\",\"b\",\"c\"]}", "\"b\"", "\"d\"", ": must be a, b or c"},
        {"{\"enum\":[1,\"1\"]}", "1", "2", ": must be 1 or 1"},
        {"{\"const\":true}", "true", "\"true\"", ": must be true"},
        {"{\"items\":{\"type\":\"integer\"}}", "[1,2]", "[1,\"2\"]",
         "/1: must be a whole number within 64 bits"},
        {"{\"minItems\":1}", "[1]", "[]", ": must have at least 1 elements"},
        {"{\"maxItems\":1}", "[1]", "[1,2]", ": must have at most 1 elements"},
        {"{\"maxProperties\":1}", "{\"a\":1}", "{\"a\":1,\"b\":2}",
         ": must have at most 1 members"},
        {"{\"properties\":{\"a\":{}},\"required\":[\"a\"]}", "{\"a\":1}", "{\"b\":1}",
         ": member \"a\" is missing; add it"},
        {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{}", "{\"b\":1}",
         "/b: unknown member \"b\"; remove it or check its spelling"},
        {"{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}",
         "{\"a\":{\"b\":null}}", "{\"a\":{\"b\":1}}", "/a/b: must be null"},
        {"{\"properties\":{\"x\":{},\"a\":{\"type\":\"null\"}}}", "{\"\\u0061\":null}",
         "{\"\\u0061\":1}", "/\\u0061: must be null"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        assert_null(verdict(rows[i].schema, rows[i].good));
        const char *said = verdict(rows[i].schema, rows[i].bad);
        assert_non_null(said);
        assert_string_equal(said, rows[i].said);
    }
}

static void a_schema_that_says_something_we_do_not_check_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"pattern\":\"a\"}",
        "{\"type\":\"text\"}",
        "{\"type\":7}",
        "{\"format\":\"uri\"}",
        "{\"oneOf\":[]}",
        "{\"minLength\":-1}",
        "{\"minimum\":1.5}",
        "{\"required\":[\"a\"]}",
        "{\"additionalProperties\":{}}",
        "{\"properties\":{\"a\":7}}",
        "{\"enum\":[]}",
        "{\"enum\":[{}]}",
        "[]",
        "{",
    };
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        schema *s = NULL;
        gw_err err = {0};
        assert_int_not_equal(schema_compile("test", gw_str_of(texts[i]), &s, &err), GW_OK);
        assert_non_null(strstr(err.text, "test"));
    }
}

static void each_format_accepts_and_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *good[6];
        const char *bad[16];
    } rows[] = {
        {"email",
         {"a@example.test", "first.last+tag@sub.example.test", "x!#$%&'*/=?^_`{|}~-@a-b.test"},
         {"", "a", "@example.test", "a@", "a@b", "a b@example.test", "a@exa\nmple.test",
          "a@example.test\r\nRCPT TO:<x@example.test>", "<a@example.test>", "\"a\"@example.test",
          "a@[127.0.0.1]", ".a@example.test", "a..b@example.test", "a@-x.test", "a@x-.test",
          "a@b@c.test"}},
        {"e164",
         {"+4915112345678", "+8613800138000", "+1234567"},
         {"4915112345678", "+0491511", "+49 151 1", "+123456", "+1234567890123456",
          "+49a51123456"}},
        {"iso4217", {"EUR", "CNY", "JPY"}, {"eur", "EURO", "XXX", "", "ZZZ"}},
        {"iana-zone",
         {"Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"},
         {"", "/etc/passwd", "../x", "Europe/", "Europe//Berlin", "Europe/.hidden", "Eu rope"}},
        {"id", {"a", "INV-2013/001.b:c_d"}, {"", "a b", "a\n", "\xc3\xa4", "a#b"}},
        {"line",
         {"", "any text \xe4\xb8\xad", "caf\xc3\xa9"},
         {"a\nb", "a\rb", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\t"}},
        {"region", {"DE", "US-MA", "US-NY-NYC"}, {"", "D", "de", "DEU", "US-", "US--NYC", "US-ma"}},
        {"locale",
         {"en", "zh-CN", "zh-Hans-CN", "deu"},
         {"", "e", "en-", "-en", "en_US", "english"}},
        {"date",
         {"2013-02-28", "2012-02-29"},
         {"2013-02-29", "2013-2-1", "20130201", "", "2013-13-01"}},
        {"date-time",
         {"2013-02-01T10:00:00Z", "2013-02-01T10:00:00.123+08:00"},
         {"2013-02-01", "2013-02-01T10:00:00", "2013-02-01T25:00:00Z", "2013-02-01T10:00:60Z"}},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        format_check check = format_find(gw_str_of(rows[i].format));
        assert_non_null(check);
        for (size_t k = 0; k < GW_COUNT(rows[i].good) && rows[i].good[k]; k++)
            assert_null(check(gw_str_of(rows[i].good[k])));
        for (size_t k = 0; k < GW_COUNT(rows[i].bad) && rows[i].bad[k]; k++)
            assert_non_null(check(gw_str_of(rows[i].bad[k])));
    }
}

static void addresses_have_their_rfc_lengths(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text + 64, "@example.test", 13);
    assert_null(format_email((gw_str){text, 77}));
    memset(text, 'a', sizeof text);
    memcpy(text + 65, "@example.test", 13);
    assert_non_null(format_email((gw_str){text, 78}));
    memset(text, 'a', sizeof text); /* 254 bytes in all are the most: labels of 63 */
    text[1] = '@';
    for (size_t dot = 65; dot < 250; dot += 64)
        text[dot] = '.';
    assert_null(format_email((gw_str){text, 254}));
    assert_non_null(format_email((gw_str){text, 255}));
    text[65] = 'a'; /* a label of more than 63 */
    assert_non_null(format_email((gw_str){text, 200}));
}

/* ---- the schemas we ship ---- */

static schema *shipped(const char *name)
{
    char path[512];
    const char *source = getenv("DUNLIN_SOURCE");
    schema *s = NULL;
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/config/schema/%s.json", source ? source : ".", name);
    if (schema_load(path, &s, &err) != GW_OK)
        print_error("%s\n", err.text);
    assert_non_null(s);
    return s;
}

static void every_verb_has_a_schema_that_compiles(void **state)
{
    (void)state;
    for (int v = 0; v < VERB_COUNT; v++)
        schema_free(shipped(verb_of((verb)v)->name));
    assert_int_equal(verb_find(GW_STR("shout")), VERB_COUNT);
}

static void hostile_bodies_are_refused_at_the_member_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *json, *pointer;
    } rows[] = {
        {"submit", "{\"id\":\"1\",\"debtor\":\"d\",\"channel\":\"fax\",\"template\":\"t\"}",
         "/channel"},
        {"submit", "{\"id\":1,\"debtor\":\"d\",\"channel\":\"sms\",\"template\":\"t\"}", "/id"},
        {"submit", "{\"id\":\"1\",\"debtor\":\"d\",\"channel\":\"sms\",\"template\":\"t\\nX: y\"}",
         "/template"},
        {"submit",
         "{\"id\":\"1\",\"debtor\":\"d\",\"channel\":\"sms\",\"template\":\"t\",\"facts\":[]}",
         "/facts"},
        {"submit",
         "{\"id\":\"1\",\"debtor\":\"d\",\"channel\":\"sms\",\"template\":\"t\",\"tone\":6}",
         "/tone"},
        {"submit",
         "{\"id\":\"1\",\"debtor\":\"d\",\"channel\":\"email\",\"template\":\"t\",\"statement\":"
         "\"long\"}",
         "/statement"},
        {"submit", "{\"id\":\"1\",\"debtor\":\"d\",\"channel\":\"sms\"}", ""},
        {"item",
         "{\"id\":\"1\",\"debtor\":\"d\",\"due\":\"2013-02-30\",\"amount_minor\":1,\"currency\":"
         "\"EUR\"}",
         "/due"},
        {"item",
         "{\"id\":\"1\",\"debtor\":\"d\",\"due\":\"2013-02-01\",\"amount_minor\":0,\"currency\":"
         "\"EUR\"}",
         "/amount_minor"},
        {"item",
         "{\"id\":\"1\",\"debtor\":\"d\",\"due\":\"2013-02-01\",\"amount_minor\":"
         "1000000000000001,\"currency\":\"EUR\"}",
         "/amount_minor"},
        {"item",
         "{\"id\":\"1\",\"debtor\":\"d\",\"due\":\"2013-02-01\",\"amount_minor\":12.5,\"currency\":"
         "\"EUR\"}",
         "/amount_minor"},
        {"item",
         "{\"id\":\"1\",\"debtor\":\"d\",\"due\":\"2013-02-01\",\"amount_minor\":1,\"currency\":"
         "\"XXX\"}",
         "/currency"},
        {"debtor",
         "{\"id\":\"d\",\"name\":\"n\",\"role\":\"company\",\"contacts\":[{\"role\":\"primary\","
         "\"name\":\"n\",\"email\":\"a@example.test\\r\\nBcc: b@example.test\"}]}",
         "/contacts/0/email"},
        {"debtor", "{\"id\":\"d\",\"name\":\"n\\r\\nX: y\",\"role\":\"company\",\"contacts\":[]}",
         "/name"},
        {"debtor",
         "{\"id\":\"d\",\"name\":\"n\",\"role\":\"company\",\"contacts\":[],\"colour\":1}",
         "/colour"},
        {"hold",
         "{\"id\":\"h\",\"debtor\":\"d\",\"kind\":\"legal\",\"state\":\"maybe\",\"by\":\"x\"}",
         "/state"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
        GW_AUTO(schema_free) schema *s = shipped(rows[i].verb);
        json_doc doc;
        schema_fault fault = {{0}, {0}};
        gw_err err = {0};
        assert_int_equal(json_parse(gw_str_of(rows[i].json), arena, &doc, &err), GW_OK);
        assert_false(schema_check(s, &doc, 0, &fault));
        assert_string_equal(fault.pointer, rows[i].pointer);
        assert_true(strlen(fault.what) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_keyword_accepts_and_refuses),
        cmocka_unit_test(a_schema_that_says_something_we_do_not_check_is_refused),
        cmocka_unit_test(each_format_accepts_and_refuses),
        cmocka_unit_test(addresses_have_their_rfc_lengths),
        cmocka_unit_test(every_verb_has_a_schema_that_compiles),
        cmocka_unit_test(hostile_bodies_are_refused_at_the_member_that_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
