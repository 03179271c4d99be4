#include "gateway/policy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOTE  "\"source\":\"test\",\"read\":\"2026-01-01\",\"confidence\":\"house\""
#define HEAD  "\"format\":2,\"id\":\"a\",\"version\":\"1\",\"title\":\"t\""
#define REST  "\"caps\":[],\"consent\":[]"
#define EMPTY "{" HEAD ",\"roles\":[\"company\"],\"holidays\":null,\"windows\":[]," REST "}"

static void refused(const char *text, const char *where, const char *what)
{
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    gw_err err = {0};
    if (policy_rules_add_pack(r, "p.jsonc", gw_str_of(text), &err) == GW_OK)
        fail_msg("taken: %s", text);
    if (!strstr(err.text, "p.jsonc") || !strstr(err.text, where) || !strstr(err.text, what))
        fail_msg("%s: %s", text, err.text);
}

static void a_wrong_pack_is_refused_with_place_and_remedy(void **state)
{
    (void)state;
    refused("{", "byte", "expected");
    refused("[]", "/", "object");
    refused("{\"format\":1}", "/", "\"id\" is missing");
    refused("{" HEAD ",\"roles\":[\"company\"],\"holidays\":null,\"windows\":[],\"cap\":1," REST
            "}",
            "/cap", "unknown member");
    refused("{\"format\":1,\"id\":\"a\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"company\"],"
            "\"holidays\":null,\"windows\":[]," REST "}",
            "/format", "whole number");
    refused("{" HEAD ",\"roles\":[],\"holidays\":null,\"windows\":[]," REST "}", "/roles",
            "at least one");
    refused("{" HEAD ",\"roles\":[\"friend\"],\"holidays\":null,\"windows\":[]," REST "}",
            "/roles/0", "consumer");
#define WINDOW(w)                                                                                  \
    "{" HEAD ",\"roles\":[\"company\"],\"holidays\":null,\"windows\":[{" w "}]," REST "}"
    refused(WINDOW("\"channel\":\"email\",\"days\":[\"mon\"],\"from\":\"08:00\",\"to\":\"20:00\""),
            "/windows/0", "source");
    refused(
        WINDOW("\"channel\":\"mail\",\"days\":[\"mon\"],\"from\":\"08:00\",\"to\":\"20:00\"," NOTE),
        "/windows/0/channel", "email, sms");
    refused(WINDOW("\"channel\":\"sms\",\"days\":[\"mon\",\"mon\"],\"from\":\"08:00\",\"to\":"
                   "\"20:00\"," NOTE),
            "/windows/0/days/1", "at most once");
    refused(
        WINDOW("\"channel\":\"sms\",\"days\":[\"mon\"],\"from\":\"8:00\",\"to\":\"20:00\"," NOTE),
        "/windows/0/from", "clock time");
    refused(
        WINDOW("\"channel\":\"sms\",\"days\":[\"mon\"],\"from\":\"08:60\",\"to\":\"20:00\"," NOTE),
        "/windows/0/from", "clock time");
    refused(
        WINDOW("\"channel\":\"sms\",\"days\":[\"mon\"],\"from\":\"08:00\",\"to\":\"24:01\"," NOTE),
        "/windows/0/to", "clock time");
    refused(
        WINDOW("\"channel\":\"sms\",\"days\":[\"mon\"],\"from\":\"20:00\",\"to\":\"08:00\"," NOTE),
        "/windows/0", "midnight");
    refused(WINDOW("\"channel\":\"sms\",\"days\":[\"mon\"],\"from\":\"08:00\",\"to\":\"20:00\","
                   "\"source\":\"x\",\"read\":\"lately\",\"confidence\":\"house\""),
            "/windows/0/read", "date like");
#define CAPS(c)                                                                                    \
    "{" HEAD ",\"roles\":[\"company\"],\"holidays\":null,\"windows\":[],\"consent\":[],"           \
    "\"caps\":[" c "]}"
    refused(CAPS("{\"field\":\"*\",\"per\":\"week\",\"max\":1," NOTE "}"), "/caps/0/per", "day");
    refused(CAPS("{\"field\":\"*\",\"per\":\"day\",\"max\":-1," NOTE "}"), "/caps/0/max", "0 to");
    refused(CAPS("{\"field\":\"*\",\"per\":\"day\",\"max\":1," NOTE "},"
                 "{\"field\":\"*\",\"per\":\"day\",\"max\":2," NOTE "}"),
            "/caps/1", "second cap");
    refused("/* open", "line 1", "*/");
}

static void a_calendar_is_checked_too(void **state)
{
    (void)state;
    static const struct {
        const char *days, *where;
    } rows[] = {
        {"{\"name\":\"x\"}", "/days/0"},
        {"{\"name\":\"x\",\"date\":\"2031-01-01\"}", "/days/0/date"},
        {"{\"name\":\"x\",\"date\":\"2026-01-01\"},{\"name\":\"y\",\"date\":\"2026-01-01\"}",
         "/days"},
        {"{\"name\":\"x\",\"every\":\"01-01\",\"work\":\"mon\"}", "/days/0"},
        {"{\"name\":\"x\",\"date\":\"2026-01-01\",\"work\":\"day\"}", "/days/0/work"},
        {"{\"name\":\"x\",\"date\":\"2026-02-29\"}", "/days/0/date"},
        {"{\"name\":\"x\",\"every\":\"02-30\"}", "/days/0/every"},
        {"{\"name\":\"x\",\"every\":\"1-1\"}", "/days/0/every"},
        {"{\"name\":\"x\",\"every\":\"01-01\",\"date\":\"2026-01-01\"}", "/days/0"},
        {"{\"every\":\"01-01\"}", "/days/0"}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char text[512];
        gw_err err = {0};
        GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
        snprintf(text, sizeof text,
                 "{\"format\":1,\"id\":\"c\",\"title\":\"t\",\"years\":[2026]," NOTE
                 ",\"days\":[%s]}",
                 rows[i].days);
        if (policy_rules_add_calendar(r, "c.jsonc", gw_str_of(text), &err) != GW_EINVAL ||
            !strstr(err.text, rows[i].where))
            fail_msg("%s: %s", text, err.text);
    }
}

static void a_set_without_packs_or_with_a_missing_calendar_is_not_sealed(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    assert_int_equal(policy_rules_seal(r, &err), GW_EINVAL);
    const char *text =
        "{" HEAD ",\"roles\":[\"company\"],\"holidays\":\"moon\",\"windows\":[]," REST "}";
    assert_int_equal(policy_rules_add_pack(r, "p", gw_str_of(text), &err), GW_OK);
    assert_int_equal(policy_rules_add_pack(r, "p", gw_str_of(text), &err), GW_EEXIST);
    assert_int_equal(policy_rules_seal(r, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "moon"));
}

static void hash_of(const char *text, char ret[POLICY_HASH_TEXT])
{
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    if (policy_rules_add_pack(r, "p", gw_str_of(text), &err) != GW_OK ||
        policy_rules_seal(r, &err) != GW_OK)
        fail_msg("%s", err.text);
    strcpy(ret, policy_rules_hash(r));
    assert_int_equal(strlen(ret), 64);
}

static void the_hash_follows_the_numbers_and_not_the_comments(void **state)
{
    (void)state;
    char plain[POLICY_HASH_TEXT];
    char commented[POLICY_HASH_TEXT];
    char other[POLICY_HASH_TEXT];
    hash_of(EMPTY, plain);
    hash_of("// a comment\n{\"title\" : \"t\", \"version\":\"1\",\"id\":\"a\",\"format\":2,"
            "\"roles\":[\"company\"],\"holidays\":null,/* none */\"windows\":[]," REST "}",
            commented);
    hash_of("{" HEAD ",\"roles\":[\"consumer\"],\"holidays\":null,\"windows\":[]," REST "}", other);
    assert_string_equal(plain, commented);
    assert_string_not_equal(plain, other);
}

static void the_packs_that_ship_load(void **state)
{
    (void)state;
    char rules[4096];
    char calendars[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    policy_pack_info info = {0};
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *r = NULL;
    snprintf(rules, sizeof rules, "%s/config/rules", source ? source : ".");
    snprintf(calendars, sizeof calendars, "%s/config/calendars", source ? source : ".");
    if (policy_rules_load(rules, calendars, &r, &err) != GW_OK)
        fail_msg("%s", err.text);
    bool house = false;
    size_t n = 0;
    for (; policy_rules_pack(r, n, &info); n++) {
        assert_int_equal(info.signature, POLICY_UNSIGNED);
        assert_true(info.rows > 0);
        assert_int_equal(info.draft, info.drafts > 0);
        if (strcmp(info.id, "house-b2b") == 0)
            house = !info.draft && strcmp(info.version, "2") == 0;
    }
    assert_true(house);
    assert_false(policy_rules_pack(r, n, &info));
    policy_rules *none = NULL;
    assert_int_equal(policy_rules_load("/nonexistent", calendars, &none, &err), GW_ENOTFOUND);
    assert_int_equal(policy_rules_load(calendars, calendars, &none, &err), GW_EINVAL);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_pack_is_refused_with_place_and_remedy),
        cmocka_unit_test(a_calendar_is_checked_too),
        cmocka_unit_test(a_set_without_packs_or_with_a_missing_calendar_is_not_sealed),
        cmocka_unit_test(the_hash_follows_the_numbers_and_not_the_comments),
        cmocka_unit_test(the_packs_that_ship_load),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
