/* What baresip says on its control connection. */
#include "workers/voice/ctrl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static gw_buf in;

static int set_up(void **state)
{
    (void)state;
    gw_buf_init(&in, 4 * CTRL_FRAME_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gw_buf_done(&in);
    return 0;
}

static void frame(const char *json)
{
    gw_buf_printf(&in, "%zu:%s,", strlen(json), json);
}

static gw_code take(bool *ret_whole, trunk_event *ret)
{
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    *ret = (trunk_event){0};
    return ctrl_take(&in, arena, ret_whole, ret, &err);
}

static trunk_event whole(void)
{
    bool is_whole;
    trunk_event e;
    assert_int_equal(take(&is_whole, &e), GW_OK);
    assert_true(is_whole);
    return e;
}

#define EVENT(type, param)                                                                         \
    "{\"event\":true,\"type\":\"" type "\",\"class\":\"call\",\"direction\":\"outgoing\","         \
    "\"id\":\"22ba71b458c16c53\",\"param\":\"" param "\"}"

static void messages_are_taken_in_order_and_halves_are_waited_for(void **state)
{
    (void)state;
    bool is_whole;
    trunk_event e;
    frame("{\"response\":true,\"ok\":true,\"data\":\"\"}");
    frame(EVENT("CALL_RINGING", ""));
    size_t all = in.n;
    char *copy = malloc(all);
    memcpy(copy, in.data, all);
    gw_buf_clear(&in);
    size_t events = 0;
    for (size_t i = 0; i < all; i++) {
        gw_buf_putc(&in, copy[i]);
        assert_int_equal(take(&is_whole, &e), GW_OK);
        events += is_whole;
        if (is_whole)
            assert_int_equal(e.kind, events == 1 ? TRUNK_RESPONSE : TRUNK_RINGING);
    }
    assert_int_equal(events, 2);
    free(copy);
}

static void a_call_that_ends_says_its_status(void **state)
{
    (void)state;
    frame(EVENT("CALL_CLOSED", "486 Busy Here"));
    frame(EVENT("CALL_CLOSED", "Connection reset by peer"));
    frame(EVENT("CALL_CLOSED", "4862"));
    trunk_event e = whole();
    assert_int_equal(e.kind, TRUNK_CLOSED);
    assert_int_equal(e.sip, 486);
    assert_int_equal(whole().sip, 0);
    assert_int_equal(whole().sip, 0);
}

static void keys_and_loudness_are_read(void **state)
{
    (void)state;
    frame(EVENT("CALL_DTMF_START", "9"));
    frame(EVENT("VU_RX_REPORT", "-21.42"));
    frame(EVENT("VU_RX_REPORT", "loud"));
    frame(EVENT("VU_TX_REPORT", "-3"));
    assert_int_equal(whole().key, '9');
    trunk_event e = whole();
    assert_int_equal(e.kind, TRUNK_LEVEL);
    assert_true(e.level > -21.5 && e.level < -21.4);
    assert_true(whole().level == -127);
    assert_int_equal(whole().kind, TRUNK_OTHER);
}

static void incoming_calls_are_nobodys_business(void **state)
{
    (void)state;
    frame("{\"event\":true,\"type\":\"CALL_CLOSED\",\"direction\":\"incoming\",\"param\":\"\"}");
    assert_int_equal(whole().kind, TRUNK_OTHER);
}

static void what_is_no_netstring_of_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"x:{},", ":{},", "2:{}!", "3:[1],", "2:{]", "99999999:{"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        bool is_whole;
        trunk_event e;
        gw_buf_clear(&in);
        gw_buf_puts(&in, bad[i]);
        gw_code rc = take(&is_whole, &e);
        assert_true(i == 4 ? !is_whole : rc != GW_OK);
    }
}

static void a_command_is_one_netstring(void **state)
{
    (void)state;
    ctrl_put(&in, "dial", GW_STR("sip:+15550100@host;transport=udp"));
    assert_string_equal(
        in.data, "62:{\"command\":\"dial\",\"params\":\"sip:+15550100@host;transport=udp\"},");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_are_taken_in_order_and_halves_are_waited_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_call_that_ends_says_its_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_and_loudness_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(incoming_calls_are_nobodys_business, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_netstring_of_json_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_command_is_one_netstring, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
