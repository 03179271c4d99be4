#include "gateway/ladder/ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD "\"format\":1,\"id\":\"x\",\"version\":\"1\",\"title\":\"t\",\"gap_days\":3"
#define STEP(id, day, tone)                                                                        \
    "{\"id\":\"" id "\",\"day\":" day ",\"kind\":\"send\",\"channel\":\"email\",\"template\":"     \
    "\"t\",\"tone\":" tone ",\"to\":\"primary\",\"fallback\":[],\"cc\":[],\"valid_days\":3,"       \
    "\"statement\":\"none\"}"
#define LADDER(steps) "{" HEAD ",\"steps\":[" steps "]}"

static void refused(const char *text, const char *where, const char *what)
{
    ladder *l = NULL;
    gw_err err = {0};
    if (ladder_parse("l.jsonc", gw_str_of(text), &l, &err) == GW_OK)
        fail_msg("taken: %s", text);
    assert_null(l);
    if (!strstr(err.text, "l.jsonc") || !strstr(err.text, where) || !strstr(err.text, what))
        fail_msg("%s: %s", text, err.text);
}

static void a_wrong_ladder_is_refused_with_place_and_remedy(void **state)
{
    (void)state;
    refused("{", "byte", "");
    refused("{" HEAD "}", "/", "\"steps\" is missing");
    refused("{" HEAD ",\"steps\":[]}", "/steps", "at least one");
    refused("{" HEAD ",\"step\":1,\"steps\":[]}", "/step", "unknown member");
    refused(LADDER(STEP("a", "1", "1") "," STEP("a", "2", "1")), "/steps/1/id", "earlier step");
    refused(LADDER(STEP("a", "1", "1") "," STEP("b", "0", "1")), "/steps/1/day", "order of day");
    refused(LADDER(STEP("a", "1", "3")), "/steps/0/tone", "at most 2");
    refused(LADDER(STEP("a", "1", "1") "," STEP("b", "2", "3")), "/steps/1/tone", "at most 2");
    refused(LADDER(STEP("a", "1", "6")), "/steps/0/tone", "from 1 to 5");
    refused(LADDER(STEP("a", "99999", "1")), "/steps/0/day", "3650");
    refused(LADDER(STEP("a b", "1", "1")), "/steps/0/id", "letters");
    refused(LADDER(STEP("../a", "1", "1")), "/steps/0/id", "letters");
    refused(LADDER(STEP("a", "1.5", "1")), "/", "");
    refused(LADDER("{\"id\":\"a\"}"), "/steps/0", "missing");
    refused(LADDER("7"), "/steps/0", "object");
    refused("{" HEAD ",\"steps\":[{\"id\":\"h\",\"day\":1,\"kind\":\"handoff\",\"channel\":"
            "\"email\",\"template\":\"t\",\"tone\":1,\"to\":\"primary\",\"fallback\":[],\"cc\":[],"
            "\"valid_days\":1,\"statement\":\"none\"}]}",
            "/steps/0", "desk");
    refused("{" HEAD ",\"steps\":[{\"id\":\"h\",\"day\":1,\"kind\":\"send\",\"channel\":"
            "\"email\",\"template\":\"t\",\"tone\":1,\"to\":\"a\",\"fallback\":[\"b\",\"a\"],"
            "\"cc\":[],\"valid_days\":1,\"statement\":\"none\"}]}",
            "/steps/0/fallback/1", "already");
}

static void tone_may_fall_freely_and_return_to_where_it_was(void **state)
{
    (void)state;
    GW_AUTO(ladder_free) ladder *l = NULL;
    gw_err err = {0};
    const char *text = LADDER(STEP("a", "1", "2") "," STEP("b", "2", "3") "," STEP(
        "c", "3", "1") "," STEP("d", "4", "4"));
    if (ladder_parse("l", gw_str_of(text), &l, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_non_null(ladder_find(l, GW_STR("d")));
    assert_null(ladder_find(l, GW_STR("e")));
    assert_int_equal(strlen(ladder_hash(l)), 64);
}

static void the_ladder_that_ships_follows_the_practice(void **state)
{
    (void)state;
    static const struct {
        int day;
        const char *id, *channel;
        ladder_kind kind;
        ladder_statement statement;
    } rows[] = {
        {-10, "statement-notice", "email", LADDER_SEND, LADDER_STATEMENT_SUMMARY},
        {-3, "call-before-due", "voice", LADDER_TASK, LADDER_STATEMENT_NONE},
        {1, "reminder-letter", "email", LADDER_SEND, LADDER_STATEMENT_SUMMARY},
        {7, "call-overdue", "voice", LADDER_TASK, LADDER_STATEMENT_NONE},
        {15, "formal-notice", "email", LADDER_SEND, LADDER_STATEMENT_DETAILED},
        {90, "hand-off", "desk", LADDER_HANDOFF, LADDER_STATEMENT_DETAILED},
    };
    char path[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    GW_AUTO(ladder_free) ladder *l = NULL;
    gw_err err = {0};
    size_t n = 0;
    snprintf(path, sizeof path, "%s/config/ladders/default.jsonc", source ? source : ".");
    if (ladder_load(path, &l, &err) != GW_OK)
        fail_msg("%s", err.text);
    const ladder_step *steps = ladder_steps(l, &n);
    assert_int_equal(n, GW_COUNT(rows));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(steps[i].id, rows[i].id);
        assert_string_equal(steps[i].template_name, rows[i].id);
        assert_string_equal(steps[i].channel, rows[i].channel);
        assert_int_equal(steps[i].day, rows[i].day);
        assert_int_equal(steps[i].kind, rows[i].kind);
        assert_int_equal(steps[i].statement, rows[i].statement);
        assert_string_equal(steps[i].to[0], "primary");
    }
    assert_int_equal(steps[0].cc_n, 2);
    assert_string_equal(steps[0].cc[0], "finance_head");
    assert_string_equal(steps[0].cc[1], "owner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_ladder_is_refused_with_place_and_remedy),
        cmocka_unit_test(tone_may_fall_freely_and_return_to_where_it_was),
        cmocka_unit_test(the_ladder_that_ships_follows_the_practice),
    };
    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
