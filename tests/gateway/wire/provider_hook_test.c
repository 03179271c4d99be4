#include "provider_rig.h"

static const gw_wall now = {1700000000000};

static gw_code read_call(const provider *p, const provider_secrets *s, const char *query,
                         const char *body, gw_arena *arena, hook_reading *ret, gw_err *err)
{
    static char url[1024];
    snprintf(url, sizeof url, "https://us.example.test/hooks/x?%s", query);
    hook_request r = {.method = GW_STR("POST"),
                      .url = gw_str_of(url),
                      .query = gw_str_of(query),
                      .body = gw_str_of(body)};
    return provider_read_hook(p, s, &r, now, arena, ret, err);
}

typedef struct {
    provider *p;
    gw_arena *arena;
    hook_reading got;
    gw_err err;
} rig;

static gw_code reading(rig *r, const char *name, const char *query, const char *body)
{
    provider_secrets none = {0};
    r->p = provider_rig_shipped(name);
    r->p->verify = PROVIDER_VERIFY_NONE; /* signatures have their own tests */
    r->arena = gw_arena_new(8 << 20);
    return read_call(r->p, &none, query, body, r->arena, &r->got, &r->err);
}

static void done(rig *r)
{
    provider_free(r->p);
    gw_arena_free(r->arena);
}

static void aliyuns_list_gives_one_receipt_each(void **state)
{
    (void)state;
    rig r = {0};
    assert_int_equal(
        reading(&r, "aliyun-sms", "",
                "[{\"phone_number\":\"10000000000\",\"send_time\":\"2023-11-15 "
                "06:13:10\",\"report_time\":"
                "\"2023-11-15 "
                "06:13:20\",\"success\":true,\"err_code\":\"DELIVERED\",\"sms_size\":\"1\","
                "\"biz_id\":\"932702304080415357^0\",\"out_id\":\"07abc-1\"},"
                "{\"phone_number\":\"10000000001\",\"report_time\":\"x\",\"success\":false,"
                "\"err_code\":\"MK:0001\",\"biz_id\":\"b2\",\"out_id\":\"07abd-1\"}]"),
        GW_OK);
    assert_int_equal(r.got.auth, WIRE_AUTH_UNSIGNED);
    assert_int_equal(r.got.event_n, 2);
    hook_event *e = r.got.events;
    assert_int_equal(e[0].state, WIRE_RECEIPT_DELIVERED);
    assert_true(gw_str_is(e[0].own, "07abc-1"));
    assert_true(gw_str_is(e[0].ref, "932702304080415357^0"));
    assert_int_equal(e[0].at_ms, 1700000000000); /* 06:13:20 at +08:00 */
    assert_int_equal(e[1].state, WIRE_RECEIPT_FAILED);
    assert_true(gw_str_is(e[1].code, "MK:0001"));
    assert_int_equal(e[1].at_ms, 0);
    done(&r);
}

static void each_providers_words_become_ours(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *query, *body;
        wire_receipt_state state;
        const char *own, *ref, *code;
    } rows[] = {
        {"kannel", "ref=07abc-1&mac=x&type=8&code=ACK%2F", "", WIRE_RECEIPT_SENT, "07abc-1", "",
         "ACK/"},
        {"kannel", "ref=07abc-1&type=1&code=", "", WIRE_RECEIPT_DELIVERED, "07abc-1", "", "1"},
        {"kannel", "ref=07abc-1&type=16", "", WIRE_RECEIPT_REJECTED, "07abc-1", "", "16"},
        {"twilio", "ref=07abc-1", "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003",
         WIRE_RECEIPT_FAILED, "07abc-1", "SM1", "30003"},
        {"twilio", "", "MessageStatus=sent&MessageSid=SM1", WIRE_RECEIPT_SENT, "", "SM1", "sent"},
        {"twilio", "", "MessageStatus=new-word&MessageSid=SM1", WIRE_RECEIPT_NONE, "", "SM1",
         "new-word"},
        {"vonage", "",
         "{\"message_uuid\":\"u1\",\"client_ref\":\"07abc-1\",\"status\":\"rejected\","
         "\"timestamp\":"
         "\"2023-11-14T22:13:20Z\",\"error\":{\"title\":\"1340\"}}",
         WIRE_RECEIPT_REJECTED, "07abc-1", "u1", "1340"},
        {"tencent-sms", "",
         "[{\"user_receive_time\":\"2023-11-15 06:13:20\",\"nationcode\":\"86\",\"mobile\":\"1\","
         "\"report_status\":\"SUCCESS\",\"errmsg\":\"DELIVRD\",\"sid\":\"s1\"}]",
         WIRE_RECEIPT_DELIVERED, "", "s1", "DELIVRD"},
        {"aliyun-voice", "",
         "[{\"call_id\":\"c1\",\"status_code\":\"200005\",\"out_id\":\"07abc-1\",\"end_time\":\"\"}"
         "]",
         WIRE_RECEIPT_FAILED, "07abc-1", "c1", "200005"},
        {"generic", "", "{\"id\":\"m\",\"state\":\"expired\",\"reference\":\"07abc-1\"}",
         WIRE_RECEIPT_EXPIRED, "07abc-1", "m", "expired"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        rig r = {0};
        if (reading(&r, rows[i].provider, rows[i].query, rows[i].body) != GW_OK)
            fail_msg("row %zu: %s", i, r.err.text);
        hook_event *e = r.got.events;
        if (r.got.event_n != 1 || e->kind != HOOK_RECEIPT || e->state != rows[i].state ||
            !gw_str_is(e->own, rows[i].own) || !gw_str_is(e->ref, rows[i].ref) ||
            !gw_str_is(e->code, rows[i].code))
            fail_msg("row %zu: %zu events, state %d, own %.*s, ref %.*s, code %.*s", i,
                     r.got.event_n, e->state, GW_STR_ARG(e->own), GW_STR_ARG(e->ref),
                     GW_STR_ARG(e->code));
        done(&r);
    }
}

static void a_reply_is_told_from_a_receipt(void **state)
{
    (void)state;
    rig r = {0};
    assert_int_equal(reading(&r, "twilio", "",
                             "MessageSid=SM9&From=%2B15550100123&To=%2B15550100000"
                             "&Body=STOP+please%21+%E9%80%80%E8%AE%A2"),
                     GW_OK);
    assert_int_equal(r.got.events[0].kind, HOOK_INBOUND);
    assert_true(gw_str_is(r.got.events[0].from, "+15550100123"));
    assert_true(gw_str_is(r.got.events[0].text, "STOP please! \xE9\x80\x80\xE8\xAE\xA2"));
    done(&r);
}

static void what_is_not_as_the_file_says_counts_for_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *query, *body, *says;
    } rows[] = {
        {"vonage", "", "{\"status\":", "the call's body"},
        {"vonage", "", "{\"status\":\"delivered\"}", "neither our reference nor an id"},
        {"vonage", "", "{}", "no state"},
        {"aliyun-sms", "", "{}", "no list"},
        {"aliyun-sms", "", "[{\"success\":true,\"out_id\":\"a b\"}]", "neither"},
        {"aliyun-sms", "", "[{\"success\":true,\"out_id\":\"a\"},{}]", "no state"},
        {"twilio", "", "", "no state"},
        {"twilio", "", "Body=%FF", "not UTF-8"},
        {"asterisk-ari", "", "{}", "no callbacks"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        rig r = {0};
        assert_int_equal(reading(&r, rows[i].provider, rows[i].query, rows[i].body), GW_EINVAL);
        assert_int_equal(r.got.event_n, 0);
        if (!strstr(r.err.text, rows[i].says))
            fail_msg("row %zu: %s", i, r.err.text);
        done(&r);
    }
}

static void a_forged_call_is_refused_before_it_is_read(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = provider_rig_shipped("kannel");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(8 << 20);
    provider_secrets s = provider_rig_secret("callback_key", "0123456789abcdef");
    hook_reading got = {0};
    gw_err err = {0};
    char query[200], mac[PROVIDER_MAC_TEXT];
    assert_int_equal(read_call(p, &s, "ref=07abc-1&mac=00&type=1", "", arena, &got, &err),
                     GW_EREFUSED);
    assert_int_equal(provider_callback_mac(&s, GW_STR("07abc-1"), mac, &err), GW_OK);
    snprintf(query, sizeof query, "ref=07abc-1&mac=%s&type=1", mac);
    assert_int_equal(read_call(p, &s, query, "", arena, &got, &err), GW_OK);
    assert_int_equal(got.auth, WIRE_AUTH_SIGNED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliyuns_list_gives_one_receipt_each),
        cmocka_unit_test(each_providers_words_become_ours),
        cmocka_unit_test(a_reply_is_told_from_a_receipt),
        cmocka_unit_test(what_is_not_as_the_file_says_counts_for_nothing),
        cmocka_unit_test(a_forged_call_is_refused_before_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
