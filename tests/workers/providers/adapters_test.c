/* Every shipped provider file of SMS and calls against a server that misbehaves: the promised
 * outcome, one request at most, signed, and no secret in what is recorded before it. */
#include "gateway/base/file.h"
#include "tests/gateway/wire/provider_vectors.h"
#include "tests/workers/providers/plant.h"

#include <strings.h>

enum { FILE_MAX = 16384 };

typedef struct {
    const char *name;
    const char *status;      /* with which it says that it took the message */
    const char *took, *ref;  /* and the body; the id in it */
    const char *no, *no_why; /* a final no, and why */
    const char *later, *why; /* a no that may change */
    const char *carries;     /* of the request: how it is signed */
} adapter;

static const adapter adapters[] = {
    {"kannel", "202 Accepted", "0: Accepted for delivery", "",
     REPLY("400 Bad", "5: Sender missing and no default set", ""), "refused",
     REPLY("503 Busy", "4: Temporary", ""), "unavailable", "password=very-secret"},
    {"twilio", "201 Created", "{\"sid\":\"SM1\",\"status\":\"queued\"}", "SM1",
     REPLY("400 Bad", "{\"code\":21610}", ""), "opted-out", REPLY("401 Who", "{}", ""),
     "not-authorized", "authorization: Basic "},
    {"vonage", "202 Accepted", "{\"message_uuid\":\"u-1\"}", "u-1",
     REPLY("422 Bad", "{\"type\":\"x\"}", ""), "refused", REPLY("402 Pay", "{}", ""), "no-funds",
     "authorization: Bearer "},
    {"aliyun-sms", "200 OK", "{\"Code\":\"OK\",\"BizId\":\"b-1\"}", "b-1",
     REPLY("200 OK", "{\"Code\":\"isv.MOBILE_NUMBER_ILLEGAL\"}", ""), "number-invalid",
     REPLY("200 OK", "{\"Code\":\"isv.BUSINESS_LIMIT_CONTROL\"}", ""), "throttled",
     "authorization: ACS3-HMAC-SHA256 "},
    {"tencent-sms", "200 OK",
     "{\"Response\":{\"SendStatusSet\":[{\"SerialNo\":\"s-1\",\"Code\":\"Ok\"}]}}", "s-1",
     REPLY("200 OK",
           "{\"Response\":{\"SendStatusSet\":[{\"Code\":\"FailedOperation.PhoneNumberInBlacklist\"}"
           "]}}",
           ""),
     "refused",
     REPLY("200 OK",
           "{\"Response\":{\"SendStatusSet\":[{\"Code\":\"LimitExceeded.AppDailyLimit\"}]}}", ""),
     "throttled", "authorization: TC3-HMAC-SHA256 "},
    {"twilio-voice", "201 Created", "{\"sid\":\"CA1\",\"status\":\"queued\"}", "CA1",
     REPLY("400 Bad", "{\"code\":21211}", ""), "number-invalid", REPLY("401 Who", "{}", ""),
     "not-authorized", "authorization: Basic "},
    {"aliyun-voice", "200 OK", "{\"Code\":\"OK\",\"CallId\":\"c-1\"}", "c-1",
     REPLY("200 OK", "{\"Code\":\"isv.MOBILE_NUMBER_ILLEGAL\"}", ""), "refused",
     REPLY("200 OK", "{\"Code\":\"isv.BUSINESS_LIMIT_CONTROL\"}", ""), "throttled",
     "authorization: ACS3-HMAC-SHA256 "},
    {"generic", "202 Accepted", "{\"id\":\"g-1\"}", "g-1", REPLY("400 Bad", "{}", ""), "refused",
     REPLY("503 Busy", "", ""), "unavailable", "webhook-signature: v1,"},
};

/* ---- the shipped file, for this machine ---- */

/* Replace from the first `from` through the first `until` behind it; nothing when it is not there.
 */
static void swap(char text[FILE_MAX], const char *from, const char *until, const char *to)
{
    static char whole[FILE_MAX];
    char *at = strstr(text, from);
    char *end = at ? strstr(at + strlen(from), until) : NULL;
    if (!end)
        return;
    int n =
        snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text, to, end + strlen(until));
    assert_true(n > 0 && n < FILE_MAX);
    strcpy(text, whole);
}

static void write_adapter(plant *p, const char *name)
{
    char text[FILE_MAX], path[600], to[600];
    GW_AUTO_BUF gw_buf file;
    gw_err err = {0};
    gw_buf_init(&file, FILE_MAX - 1);
    snprintf(path, sizeof path, "%s/config/providers/%s.jsonc", getenv("DUNLIN_SOURCE"), name);
    if (gw_file_read(path, &file, &err) != GW_OK)
        fail_msg("%s", err.text);
    snprintf(text, sizeof text, "%.*s", (int)file.n, file.data);
    swap(text, "\"loopback\": true", ",", "");
    snprintf(to, sizeof to, "\"base_url\": \"http://127.0.0.1:%d\", \"loopback\": true,",
             http_server_port(p->server));
    swap(text, "\"base_url\": \"", "\",", to);
    swap(text, "\"limits\": {", "}",
         "\"limits\": {\"connect_ms\":1000,\"total_ms\":300,\"response_bytes\":2048}");
    swap(text, "\"dunning\": \"", "\"", "\"dunning\": \"allowed\"");
    swap(text, "\"prefixes\": [", "]", "\"prefixes\": [\"+1\"]");
    snprintf(
        to, sizeof to,
        "\"approvals\": [{\"template\":\"note\",\"locale\":\"en\",\"version\":\"%s\","
        "\"template_id\":\"T1\",\"signature\":\"S\",\"params\":{\"name\":\"/creditor/name\"}}]",
        template_bundle_version(p->bundle));
    swap(text, "\"approvals\": [", "]", to);
    snprintf(path, sizeof path, "providers/%s.jsonc", name);
    plant_write(p, path, text, 0644);
}

static plant *adapter_start(const adapter *a)
{
    static const char *const secrets[] = {"kannel.password",          "kannel.callback_key",
                                          "twilio.auth_token",        "vonage.signature_secret",
                                          "aliyun.access_key_secret", "tencent.secret_key"};
    static const bool creditor = true;
    plant *p = plant_new();
    char path[64];
    for (size_t i = 0; i < GW_COUNT(secrets); i++) {
        snprintf(path, sizeof path, "secrets/%s", secrets[i]);
        plant_write(p, path, "very-secret-0123456789abcdef\n", 0600);
    }
    plant_write(p, "secrets/vonage.pem", RFC7515_KEY, 0600);
    plant_write(p, "secrets/generic.key", "whsec_dmVyeS1zZWNyZXQtMDEyMzQ1Njc4OWFiY2RlZg==\n", 0600);
    write_adapter(p, a->name);
    if (strstr(a->name, "-voice"))
        plant_open_voice(p, a->name, &creditor);
    else
        plant_open(p, a->name, &creditor);
    return p;
}

/* ---- the table ---- */

typedef enum { TOOK, NO, LATER, AS_WRITTEN, GARBAGE, HUGE, HALF } answer;

typedef struct {
    http_act act;
    answer answer;
    const char *reply; /* AS_WRITTEN */
    wire_result result;
    const char *why; /* NULL: the adapter's own */
} misbehaviour;

static const misbehaviour ways[] = {
    {HTTP_REPLY_CLOSE, TOOK, NULL, WIRE_DELIVERED, "accepted"},
    {HTTP_REPLY_CLOSE, NO, NULL, WIRE_REFUSED, NULL},
    {HTTP_REPLY_CLOSE, LATER, NULL, WIRE_LATER, NULL},
    {HTTP_REPLY_CLOSE, AS_WRITTEN, REPLY("429 Slow", "", "Retry-After: 7\r\n"), WIRE_LATER,
     "throttled"},
    {HTTP_REPLY_CLOSE, AS_WRITTEN, REPLY("500 Oops", "<html>", ""), WIRE_UNKNOWN, "server-error"},
    {HTTP_REPLY_CLOSE, AS_WRITTEN, REPLY("302 Found", "", "Location: /else\r\n"), WIRE_LATER,
     "redirected"},
    {HTTP_REPLY_CLOSE, GARBAGE, NULL, WIRE_UNKNOWN, "bad-answer"},
    {HTTP_FLOOD, HUGE, NULL, WIRE_UNKNOWN, "bad-answer"},
    {HTTP_HANG, AS_WRITTEN, NULL, WIRE_UNKNOWN, "no-answer"},
    {HTTP_REPLY_HANG, HALF, NULL, WIRE_UNKNOWN, "no-answer"},
    {HTTP_CLOSE, AS_WRITTEN, NULL, WIRE_UNKNOWN, "line-dropped"},
};

static const char *reply_of(const adapter *a, const misbehaviour *w)
{
    static char text[1024];
    switch (w->answer) {
    case TOOK:
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\nConnection: close\r\n\r\n%s", a->status,
                 a->took);
        return text;
    case GARBAGE:
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\nConnection: close\r\n\r\n\x01?garbage",
                 a->status);
        return text;
    case HUGE:
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\n\r\n%.*s", a->status, (int)strlen(a->took) - 1,
                 a->took);
        return text;
    case HALF:
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 999\r\n\r\n%.5s", a->status,
                 a->took);
        return text;
    case NO:
        return a->no;
    case LATER:
        return a->later;
    case AS_WRITTEN:
        break;
    }
    return w->reply;
}

static int posts(http_server *s)
{
    return http_server_count(s, NULL) - http_server_count(s, "/v1/messages?reference=");
}

static void check(const adapter *a, const misbehaviour *w)
{
    plant *p = adapter_start(a);
    const http_rule rules[] = {
        {.last =
             -1, /* the question after an unknown, where there is one: it has no answer either */
         .path = "/v1/messages?reference=",
         .act = HTTP_REPLY_CLOSE,
         .reply = REPLY("500 Oops", "", "")},
        {.last = -1, .act = w->act, .reply = reply_of(a, w)}};
    http_server_rules(p->server, rules, GW_COUNT(rules));
    channel_attempt *t = plant_send(p);
    const channel_outcome *o = &t->outcome;
    const char *why = w->why ? w->why : w->answer == NO ? a->no_why : a->why;
    if (o->result != w->result || strcmp(o->why, why) != 0 || posts(p->server) != 1)
        fail_msg("%s, way %zu: %s %s, %d requests", a->name, (size_t)(w - ways),
                 wire_result_name(o->result), o->why, posts(p->server));
    assert_string_equal(o->provider, a->name);
    assert_string_equal(o->provider_ref, w->answer == TOOK ? a->ref : "");
    if (w->answer == AS_WRITTEN && w->result == WIRE_LATER && strcmp(why, "throttled") == 0)
        assert_int_equal(o->retry_after_ms, 7000);
    char *sent = http_server_request(p->server, 0);
    if (!strcasestr(sent, a->carries))
        fail_msg("%s: the request is not signed", a->name);
    free(sent);
    assert_null(memmem(t->bytes.data, t->bytes.n, "very-secret", 11));
    assert_null(memmem(o->raw.data, o->raw.n, "very-secret", 11));
    plant_stop(p);
}

static void every_adapter_keeps_the_outcome_table_whatever_its_provider_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(adapters); i++)
        for (size_t k = 0; k < GW_COUNT(ways); k++)
            check(&adapters[i], &ways[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_adapter_keeps_the_outcome_table_whatever_its_provider_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
