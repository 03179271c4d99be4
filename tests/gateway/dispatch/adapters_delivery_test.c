/* The callbacks of every shipped provider file of SMS and calls, as they come in life: twice, in
 * any order, after the last word, forged. Read by the file, folded into the delivery state. */
#include "gateway/dispatch/delivery.h"
#include "tests/gateway/wire/provider_rig.h"

#include <string.h>

enum { WORDS = 3 };
#define OWN "070123456789abcdefghjkmnpqrs-1"

typedef struct {
    const char *name;
    const char *query, *body; /* with the word in it; one of the two */
    const char *words[WORDS]; /* of a message on its way; the last one is "delivered" */
    const char *failed;       /* a final word that says otherwise */
} adapter;

static const adapter adapters[] = {
    {"kannel", "ref=" OWN "&type=@", "", {"4", "8", "1"}, "2"},
    {"twilio",
     "ref=" OWN,
     "MessageStatus=@&MessageSid=SM1",
     {"queued", "sent", "delivered"},
     "undelivered"},
    {"vonage",
     "",
     "{\"message_uuid\":\"u1\",\"client_ref\":\"" OWN "\",\"status\":\"@\"}",
     {"submitted", "submitted", "delivered"},
     "undeliverable"},
    {"aliyun-sms",
     "",
     "[{\"success\":@,\"out_id\":\"" OWN "\",\"biz_id\":\"b1\"}]",
     {"true", "true", "true"},
     "false"},
    {"tencent-sms",
     "",
     "[{\"report_status\":\"@\",\"sid\":\"s1\",\"errmsg\":\"x\"}]",
     {"SUCCESS", "SUCCESS", "SUCCESS"},
     "FAIL"},
    {"baidu-sms",
     "",
     "[{\"messageId\":\"m1\",\"status\":\"@\"}]",
     {"DELIVERED", "DELIVRD", "DELIVERED"},
     "UNDELIVERED"},
    {"twilio-voice",
     "ref=" OWN,
     "CallStatus=@&CallSid=CA1",
     {"queued", "ringing", "completed"},
     "busy"},
    {"aliyun-voice",
     "",
     "[{\"status_code\":\"@\",\"out_id\":\"" OWN "\",\"call_id\":\"c1\"}]",
     {"200000", "200000", "200000"},
     "200010"},
    {"generic",
     "",
     "{\"id\":\"g1\",\"reference\":\"" OWN "\",\"state\":\"@\"}",
     {"accepted", "sent", "delivered"},
     "failed"},
};

/* The pattern with the word where it has an @. */
static void put_word(const char *pattern, const char *word, char ret[300])
{
    const char *at = strchr(pattern, '@');
    if (at)
        snprintf(ret, 300, "%.*s%s%s", (int)(at - pattern), pattern, word, at + 1);
    else
        snprintf(ret, 300, "%s", pattern);
}

/* One call of this adapter with a word; texts live in the arena. */
static hook_entry call(const provider *p, const adapter *a, const char *word, gw_arena *arena)
{
    char query[300], body[300];
    gw_err err = {0};
    hook_reading got = {0};
    const provider_secrets none = {0};
    provider unverified = *p; /* signatures have their own test below */
    unverified.verify = PROVIDER_VERIFY_NONE;
    put_word(a->query, word, query);
    put_word(a->body, word, body);
    hook_request r = {.method = GW_STR("POST"),
                      .url = GW_STR("https://us.example.test/hooks/x"),
                      .query = gw_str_of(gw_arena_copy(arena, gw_str_of(query))),
                      .body = gw_str_of(gw_arena_copy(arena, gw_str_of(body)))};
    if (provider_read_hook(&unverified, &none, &r, (gw_wall){1700000000000}, arena, &got, &err) !=
        GW_OK)
        fail_msg("%s: %s", a->name, err.text);
    assert_int_equal(got.event_n, 1);
    const hook_event *e = &got.events[0];
    return (hook_entry){.kind = ENTRY_RECEIPT,
                        .provider = gw_str_of(a->name),
                        .auth = p->verify == PROVIDER_VERIFY_NONE ? WIRE_AUTH_UNSIGNED
                                                                  : WIRE_AUTH_SIGNED,
                        .rx_ms = 7,
                        .own = e->own,
                        .ref = e->ref,
                        .state = e->state,
                        .code = e->code,
                        .at_ms = e->at_ms};
}

/* All words in one order, each of them twice, and after each the failure never undoes delivery. */
static void play(const provider *p, const adapter *a, const int order[WORDS], gw_arena *arena)
{
    bool is_signed = p->verify != PROVIDER_VERIFY_NONE;
    delivery d = {0};
    bool delivered = false;
    for (int i = 0; i < 2 * WORDS; i++) {
        hook_entry e = call(p, a, a->words[order[i % WORDS]], arena);
        delivery_fold(&d, &e, 1);
        delivered = delivered || (is_signed && d.state == WIRE_RECEIPT_DELIVERED);
        if (delivered && d.state != WIRE_RECEIPT_DELIVERED)
            fail_msg("%s: went back from delivered", a->name);
    }
    hook_entry last = call(p, a, a->failed, arena);
    if (is_signed) {
        assert_int_equal(d.state, WIRE_RECEIPT_DELIVERED);
        assert_false(d.contradicted);
        assert_int_equal(delivery_fold(&d, &last, 1), DELIVERY_CLASH);
        assert_int_equal(d.state, WIRE_RECEIPT_DELIVERED);
        assert_true(d.contradicted);
        return;
    }
    /* Nobody vouches for it: a claim, until the provider itself was asked. */
    assert_int_equal(d.state, WIRE_RECEIPT_NONE);
    assert_int_equal(d.claimed, WIRE_RECEIPT_DELIVERED);
    hook_entry pulled = last;
    pulled.auth = WIRE_AUTH_PULLED;
    assert_int_equal(delivery_fold(&d, &pulled, 1), DELIVERY_MOVE);
    assert_int_equal(d.state, WIRE_RECEIPT_FAILED); /* what it says then counts */
    assert_int_equal(d.claimed, WIRE_RECEIPT_NONE);
}

static void callbacks_in_any_order_and_twice_end_in_one_state_for_every_adapter(void **state)
{
    (void)state;
    static const int orders[][WORDS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < GW_COUNT(adapters); i++) {
        GW_AUTO(provider_free) provider *p = provider_rig_shipped(adapters[i].name);
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(16 << 20);
        for (size_t k = 0; k < GW_COUNT(orders); k++)
            play(p, &adapters[i], orders[k], arena);
    }
}

static void a_call_without_its_signature_is_refused_by_every_adapter_that_has_one(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t i = 0; i < GW_COUNT(adapters); i++) {
        const adapter *a = &adapters[i];
        GW_AUTO(provider_free) provider *p = provider_rig_shipped(a->name);
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(16 << 20);
        provider_secrets s = {0};
        char query[300], body[300];
        gw_err err = {0};
        hook_reading got = {0};
        for (size_t k = 0; k < p->secret_n; k++)
            s.list[s.n++] = (provider_pair){
                p->secrets[k].name, GW_STR("whsec_dmVyeS1zZWNyZXQtMDEyMzQ1Njc4OWFiY2RlZg==")};
        put_word(a->query, a->words[WORDS - 1], query);
        put_word(a->body, a->words[WORDS - 1], body);
        static const char *const names[] = {"x-twilio-signature", "authorization", "signature",
                                            "webhook-signature"};
        for (int forged = 0; forged < 2; forged++) {
            hook_request r = {.method = GW_STR("POST"),
                              .url = GW_STR("https://us.example.test/hooks/x"),
                              .query = gw_str_of(query),
                              .body = gw_str_of(body)};
            for (size_t k = 0; k < GW_COUNT(names) && forged; k++)
                r.headers[r.header_n++] =
                    (hook_header){gw_str_of(names[k]), GW_STR("v1,AAAAAAAAAAAAAAAAAAAAAAAAAAA=")};
            gw_code rc = provider_read_hook(p, &s, &r, (gw_wall){1700000000000}, arena, &got, &err);
            if (p->verify == PROVIDER_VERIFY_NONE) {
                assert_int_equal(rc, GW_OK);
                assert_int_equal(got.auth, WIRE_AUTH_UNSIGNED);
                continue;
            }
            if (rc != GW_EREFUSED)
                fail_msg("%s: %s %s", a->name, gw_code_name(rc), err.text);
            checked++;
        }
    }
    assert_int_equal(checked, 2 * 6); /* all but Aliyun and Tencent */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_in_any_order_and_twice_end_in_one_state_for_every_adapter),
        cmocka_unit_test(a_call_without_its_signature_is_refused_by_every_adapter_that_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
