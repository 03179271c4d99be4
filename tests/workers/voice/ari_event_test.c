/* What Asterisk's events say: one row of the table in ari_event.h a case. */
#include "workers/voice/ari_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OURS "\"channel\":{\"id\":\"c-1\",\"state\":\"Up\"}"

static gw_arena *arena;

static ari_event read_text(const char *json)
{
    ari_event e;
    gw_err err = {0};
    assert_int_equal(ari_event_read(gw_str_of(json), GW_STR("c-1"), arena, &e, &err), GW_OK);
    return e;
}

static void the_call_is_answered_when_its_channel_is_ours_to_control(void **state)
{
    (void)state;
    ari_event up = read_text("{\"type\":\"ChannelStateChange\"," OURS "}");
    assert_int_equal(up.event.kind, TRUNK_OTHER);
    ari_event start = read_text("{\"type\":\"StasisStart\",\"args\":[]," OURS "}");
    assert_true(start.ours);
    assert_int_equal(start.event.kind, TRUNK_ESTABLISHED);
}

static void ringing_is_said_by_the_channel_or_by_the_dial(void **state)
{
    (void)state;
    static const char *const said[] = {
        "{\"type\":\"ChannelStateChange\",\"channel\":{\"id\":\"c-1\",\"state\":\"Ringing\"}}",
        "{\"type\":\"ChannelStateChange\",\"channel\":{\"id\":\"c-1\",\"state\":\"Ring\"}}",
        "{\"type\":\"Dial\",\"dialstatus\":\"RINGING\",\"peer\":{\"id\":\"c-1\"}}",
        "{\"type\":\"Dial\",\"dialstatus\":\"PROGRESS\",\"peer\":{\"id\":\"c-1\"}}",
    };
    for (size_t i = 0; i < GW_COUNT(said); i++)
        assert_int_equal(read_text(said[i]).event.kind, TRUNK_RINGING);
    ari_event answer =
        read_text("{\"type\":\"Dial\",\"dialstatus\":\"ANSWER\",\"peer\":{\"id\":\"c-1\"}}");
    assert_int_equal(answer.event.kind, TRUNK_OTHER);
}

static void the_end_carries_its_cause_and_nonsense_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        int cause;
    } cases[] = {{"17", 17}, {"0", 0}, {"-3", 0}, {"128", 0}, {"99999999999", 0}, {"\"17\"", 0}};
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char json[160];
        snprintf(json, sizeof json, "{\"type\":\"ChannelDestroyed\",\"cause\":%s," OURS "}",
                 cases[i].said);
        ari_event e = read_text(json);
        assert_int_equal(e.event.kind, TRUNK_CLOSED);
        assert_int_equal(e.event.cause, cases[i].cause);
    }
}

static void a_request_to_hang_up_is_not_yet_the_end(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("{\"type\":\"ChannelHangupRequest\",\"cause\":16," OURS "}").event.kind,
        TRUNK_OTHER);
    assert_int_equal(read_text("{\"type\":\"StasisEnd\"," OURS "}").event.kind, TRUNK_OTHER);
}

static void keys_are_single_characters(void **state)
{
    (void)state;
    ari_event nine = read_text("{\"type\":\"ChannelDtmfReceived\",\"digit\":\"9\"," OURS "}");
    assert_int_equal(nine.event.kind, TRUNK_KEY);
    assert_int_equal(nine.event.key, '9');
    ari_event two = read_text("{\"type\":\"ChannelDtmfReceived\",\"digit\":\"19\"," OURS "}");
    assert_int_equal(two.event.key, '\0');
}

static void talking_begins_and_ends(void **state)
{
    (void)state;
    ari_event on = read_text("{\"type\":\"ChannelTalkingStarted\"," OURS "}");
    ari_event off = read_text("{\"type\":\"ChannelTalkingFinished\",\"duration\":400," OURS "}");
    assert_true(on.kind == ARI_TALK && on.on);
    assert_true(off.kind == ARI_TALK && !off.on);
}

static void a_part_that_failed_is_told_apart_from_one_that_was_played(void **state)
{
    (void)state;
    ari_event done = read_text("{\"type\":\"PlaybackFinished\",\"playback\":{\"id\":\"p\","
                               "\"target_uri\":\"channel:c-1\",\"state\":\"done\"}}");
    ari_event failed = read_text("{\"type\":\"PlaybackFinished\",\"playback\":{\"id\":\"p\","
                                 "\"target_uri\":\"channel:c-1\",\"state\":\"failed\"}}");
    assert_int_equal(done.kind, ARI_PLAYED);
    assert_int_equal(failed.kind, ARI_NOT_PLAYED);
    assert_true(gw_str_is(failed.playback, "p"));
}

static void events_of_other_channels_change_nothing(void **state)
{
    (void)state;
    static const char *const said[] = {
        "{\"type\":\"StasisStart\",\"channel\":{\"id\":\"c-2\"}}",
        "{\"type\":\"StasisStart\",\"channel\":{\"id\":\"c-11\"}}",
        "{\"type\":\"StasisStart\"}",
        "{\"type\":\"ChannelDestroyed\",\"cause\":17,\"channel\":{\"id\":\"\"}}",
        "{\"type\":\"Unheard\",\"channel\":{\"id\":\"c-1\"}}",
        "{}",
    };
    for (size_t i = 0; i < GW_COUNT(said); i++) {
        ari_event e = read_text(said[i]);
        assert_false(e.ours);
        assert_int_equal(e.event.kind, TRUNK_OTHER);
    }
    ari_event e;
    gw_err err = {0};
    assert_int_equal(
        ari_event_read(GW_STR("{\"type\":\"ChannelDestroyed\",\"channel\":{\"id\":\"\"}}"),
                       GW_STR(""), arena, &e, &err),
        GW_OK);
    assert_false(e.ours);
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    ari_event e;
    trunk_kind kind;
    gw_err err = {0};
    static const char *const said[] = {"", "[]", "7", "{\"type\":", "\xFF{}"};
    for (size_t i = 0; i < GW_COUNT(said); i++) {
        assert_int_equal(ari_event_read(gw_str_of(said[i]), GW_STR("c-1"), arena, &e, &err),
                         GW_EINVAL);
        assert_int_equal(ari_channel_read(gw_str_of(said[i]), arena, &kind, &err), GW_EINVAL);
    }
    assert_int_equal(ari_event_read(GW_STR("{\"type\":\"ApplicationReplaced\"}"), GW_STR("c-1"),
                                    arena, &e, &err),
                     GW_OK);
    assert_int_equal(e.kind, ARI_REPLACED);
}

static void a_channel_tells_how_far_its_call_is(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        trunk_kind kind;
    } cases[] = {{"{\"state\":\"Up\"}", TRUNK_ESTABLISHED},
                 {"{\"state\":\"Ringing\"}", TRUNK_RINGING},
                 {"{\"state\":\"Down\"}", TRUNK_OTHER}};
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        trunk_kind kind;
        gw_err err = {0};
        assert_int_equal(ari_channel_read(gw_str_of(cases[i].json), arena, &kind, &err), GW_OK);
        assert_int_equal(kind, cases[i].kind);
    }
}

static int set_up(void **state)
{
    (void)state;
    arena = gw_arena_new(1 << 20);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gw_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_call_is_answered_when_its_channel_is_ours_to_control),
        cmocka_unit_test(ringing_is_said_by_the_channel_or_by_the_dial),
        cmocka_unit_test(the_end_carries_its_cause_and_nonsense_is_none),
        cmocka_unit_test(a_request_to_hang_up_is_not_yet_the_end),
        cmocka_unit_test(keys_are_single_characters),
        cmocka_unit_test(talking_begins_and_ends),
        cmocka_unit_test(a_part_that_failed_is_told_apart_from_one_that_was_played),
        cmocka_unit_test(events_of_other_channels_change_nothing),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_channel_tells_how_far_its_call_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
