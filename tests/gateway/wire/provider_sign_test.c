/* Vectors: published by the vendors where they publish any, each recomputed with Python's hmac and
 * hashlib before it was put here; where a vendor publishes none, RFC 7515's or Python's. */
#include "provider_rig.h"
#include "provider_vectors.h"

#include "gateway/base/time.h"
#include "gateway/wire/provider_crypto.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

static const char frame[] =
    "{\"channel\":\"sms\",\"base_url\":\"https://%s\",\"sign\":\"%s\",\"verify\":\"%s\","
    "\"settings\":{%s},\"eligibility\":{\"dunning\":\"allowed\",\"source\":\"test\"},"
    "\"request\":{\"method\":\"POST\",\"path\":\"/\"},"
    "\"answer\":{\"format\":\"json\",\"rules\":[{\"http\":[\"200\"],\"then\":\"accepted\"}]}}";

static provider *with(const char *host, const char *sign, const char *verify, const char *settings)
{
    char text[2048];
    snprintf(text, sizeof text, frame, host, sign, verify, settings);
    return provider_rig_parse(text);
}

static gw_wall at(const char *when)
{
    gw_wall t = {0};
    assert_int_equal(gw_time_parse(gw_str_of(when), &t, NULL), GW_OK);
    return t;
}

static void has_line(const provider_signature *s, const char *line)
{
    if (!strstr(s->headers.data, line))
        fail_msg("%s is not in\n%s", line, s->headers.data);
}

/* help.aliyun.com / alibabacloud.com "Request syntax and signature method V3", fixed parameters. */
static void aliyuns_published_request_gets_the_published_signature(void **state)
{
    (void)state;
    GW_AUTO(provider_free)
    provider *p = with("ecs.cn-shanghai.aliyuncs.com", "aliyun", "none",
                       "\"access_key_id\":\"YourAccessKeyId\"");
    provider_secrets s = provider_rig_secret("access_key_secret", "YourAccessKeySecret");
    provider_request r = {
        .method = GW_STR("POST"),
        .url = GW_STR("https://ecs.cn-shanghai.aliyuncs.com/?RegionId=cn-shanghai&ImageId="
                      "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
        .body = GW_STR(""),
        .headers = {{GW_STR("x-acs-version"), GW_STR("2014-05-26")},
                    {GW_STR("x-acs-action"), GW_STR("RunInstances")}},
        .header_n = 2};
    provider_signature sig;
    gw_err err = {0};
    provider_signature_init(&sig);
    assert_int_equal(provider_sign(p, &r, &s, at("2023-10-26T10:22:32Z"),
                                   GW_STR("3156853299f313e23d1673dc12e1703d"), &sig, &err),
                     GW_OK);
    has_line(&sig,
             "authorization: ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;"
             "x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
             "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0\n");
    has_line(&sig, "x-acs-date: 2023-10-26T10:22:32Z\n");
    provider_signature_done(&sig);
}

/* cloud.tencent.com "Signature v3", the example of DescribeInstances. */
static void tencents_published_request_gets_the_published_signature(void **state)
{
    (void)state;
    GW_AUTO(provider_free)
    provider *p =
        with("cvm.tencentcloudapi.com", "tencent", "none",
             "\"secret_id\":\"AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE\",\"service\":\"cvm\"");
    provider_secrets s = provider_rig_secret("secret_key", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
    provider_request r = {
        .method = GW_STR("POST"),
        .url = GW_STR("https://cvm.tencentcloudapi.com/"),
        .body = GW_STR("{\"Limit\": 1, \"Filters\": [{\"Values\": [\"\\u672a\\u547d\\u540d\"], "
                       "\"Name\": \"instance-name\"}]}"),
        .headers = {{GW_STR("content-type"), GW_STR("application/json; charset=utf-8")}},
        .header_n = 1};
    provider_signature sig;
    gw_err err = {0};
    provider_signature_init(&sig);
    assert_int_equal(provider_sign(p, &r, &s, (gw_wall){1551113065000}, GW_STR("n"), &sig, &err),
                     GW_OK);
    has_line(&sig, "authorization: TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/"
                   "2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, Signature="
                   "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168\n");
    has_line(&sig, "x-tc-timestamp: 1551113065\n");
    provider_signature_done(&sig);
}

static hook_request call(const char *url, const char *body)
{
    const char *question = strchr(url, '?');
    return (hook_request){.method = GW_STR("POST"),
                          .url = gw_str_of(url),
                          .query = gw_str_of(question ? question + 1 : ""),
                          .body = gw_str_of(body)};
}

static void header(hook_request *r, const char *name, const char *value)
{
    r->headers[r->header_n++] = (hook_header){gw_str_of(name), gw_str_of(value)};
}

static provider_authenticity verify(const provider *p, const hook_request *r,
                                    const provider_secrets *s, gw_wall now)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(8 << 20);
    int64_t signed_at;
    return provider_verify(p, r, s, now, arena, &signed_at);
}

/* twilio.com/docs/usage/security and the tests of Twilio's own libraries. */
static void twilios_published_callbacks_are_signed_and_changed_ones_forged(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = with("x", "none", "twilio", "");
    provider_secrets s = provider_rig_secret("password", "12345");
    gw_wall now = {0};
    static const char url[] = "https://mycompany.com/myapp.php?foo=1&bar=2";
    static const char form[] =
        "To=%2B18005551212&Digits=1234&From=%2B14158675309&Caller=%2B14158675309"
        "&CallSid=CA1234567890ABCDE";
    hook_request r = call(url, form);
    assert_int_equal(verify(p, &r, &s, now), PROVIDER_FORGED); /* no signature at all */
    header(&r, "x-TWILIO-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    assert_int_equal(verify(p, &r, &s, now), PROVIDER_SIGNED);
    hook_request other = call("https://mycompany.com/myapp.php?foo=1&bar=3", form);
    header(&other, "X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    assert_int_equal(verify(p, &other, &s, now), PROVIDER_FORGED);
    other = call(url, "To=%2B18005551212");
    header(&other, "X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    assert_int_equal(verify(p, &other, &s, now), PROVIDER_FORGED);
    provider_secrets wrong = provider_rig_secret("password", "12346");
    assert_int_equal(verify(p, &r, &wrong, now), PROVIDER_FORGED);

    static const char json_url[] =
        "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256="
        "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    hook_request json = call(json_url, "{\"property\": \"value\", \"boolean\": true}");
    header(&json, "X-Twilio-Signature", "a9nBmqA0ju/hNViExpshrM61xv4=");
    assert_int_equal(verify(p, &json, &s, now), PROVIDER_SIGNED);
    json.body = GW_STR("{\"property\": \"value\", \"boolean\": false}");
    assert_int_equal(verify(p, &json, &s, now), PROVIDER_FORGED);
}

/* The vector of the specification's reference libraries. */
static void standard_webhooks_verify_within_five_minutes_and_through_a_rotation(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = with("x", "standard-webhooks", "standard-webhooks", "");
    provider_secrets s = provider_rig_secret("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    gw_wall then = {1614265330000};
    hook_request r = call("https://us.example.test/hooks/x", "{\"test\": 2432232314}");
    header(&r, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
    header(&r, "webhook-timestamp", "1614265330");
    header(&r, "webhook-signature",
           "v1,AAAAM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
           "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_SIGNED);
    assert_int_equal(verify(p, &r, &s, (gw_wall){then.ms + PROVIDER_REPLAY_MS}), PROVIDER_SIGNED);
    assert_int_equal(verify(p, &r, &s, (gw_wall){then.ms + PROVIDER_REPLAY_MS + 1}),
                     PROVIDER_STALE);
    assert_int_equal(verify(p, &r, &s, (gw_wall){then.ms - PROVIDER_REPLAY_MS - 1}),
                     PROVIDER_STALE);
    r.body = GW_STR("{\"test\": 2432232315}");
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_FORGED);
    r.body = GW_STR("{\"test\": 2432232314}");
    r.headers[1].value = GW_STR("1614265331");
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_FORGED);

    provider_request request = {.method = GW_STR("POST"),
                                .url = GW_STR("https://x/"),
                                .body = GW_STR("{\"test\": 2432232314}")};
    provider_signature sig;
    gw_err err = {0};
    provider_signature_init(&sig);
    assert_int_equal(
        provider_sign(p, &request, &s, then, GW_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), &sig, &err),
        GW_OK);
    has_line(&sig, "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n");
    provider_signature_done(&sig);
}

/* Vonage publishes no vector: tokens of its documented form, made with Python's hmac. */
static void vonages_callbacks_verify_by_token_and_hash_of_the_body(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = with("x", "none", "vonage", "");
    provider_secrets s =
        provider_rig_secret("signature_secret", "vonage-signature-secret-0123456789");
    gw_wall then = {1587494962000};
    static const char good[] = VONAGE_GOOD;
    hook_request r = call("https://us.example.test/hooks/vonage", "{\"status\":\"delivered\"}");
    header(&r, "Authorization", good);
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_SIGNED);
    assert_int_equal(verify(p, &r, &s, (gw_wall){then.ms + 600000}), PROVIDER_STALE);
    r.body = GW_STR("{\"status\":\"rejected\"}");
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_FORGED);
    r.body = GW_STR("{\"status\":\"delivered\"}");
    r.headers[0].value = GW_STR(VONAGE_NONE); /* "alg":"none", though the MAC is right */
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_FORGED);
    r.headers[0].value = (gw_str){good, sizeof good - 4};
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_FORGED);
    provider_secrets none = {0};
    r.headers[0].value = gw_str_of(good);
    assert_int_equal(verify(p, &r, &none, then), PROVIDER_FORGED);
}

/* RFC 7515 appendix A.2: the signature of RS256 is deterministic. */
static void rs256_is_that_of_rfc_7515(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    gw_buf_init(&out, 1024);
    assert_int_equal(
        crypto_put_rs256(&out, GW_STR(RFC7515_KEY),
                         GW_STR("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzOD"
                                "AsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"),
                         &err),
        GW_OK);
    assert_string_equal(out.data, RFC7515_SIGNATURE);
    assert_int_equal(crypto_put_rs256(&out, GW_STR("no key"), GW_STR("x"), &err), GW_EINVAL);
}

static void vonages_requests_carry_a_token_for_five_minutes(void **state)
{
    (void)state;
    GW_AUTO(provider_free)
    provider *p = with("x", "vonage", "none", "\"application_id\":\"aaaaaaaa-bbbb\"");
    provider_secrets s = provider_rig_secret("private_key", RFC7515_KEY);
    provider_request r = {.method = GW_STR("POST"), .url = GW_STR("https://x/")};
    provider_signature sig;
    gw_err err = {0};
    provider_signature_init(&sig);
    assert_int_equal(provider_sign(p, &r, &s, (gw_wall){1587494962000}, GW_STR("n-1"), &sig, &err),
                     GW_OK);
    /* {"alg":"RS256","typ":"JWT"} . {"application_id":"aaaaaaaa-bbbb","exp":1587495262,
     * "iat":1587494962,"jti":"n-1"}, by Python's base64 */
    has_line(&sig, "authorization: Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." VONAGE_CLAIMS ".");
    provider_signature_done(&sig);
}

static void our_mac_in_the_url_covers_the_reference(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = with("x", "none", "url-mac", "");
    provider_secrets s = provider_rig_secret("callback_key", "0123456789abcdef");
    char mac[PROVIDER_MAC_TEXT], url[300];
    gw_err err = {0};
    assert_int_equal(provider_callback_mac(&s, GW_STR("07abc-2"), mac, &err), GW_OK);
    assert_string_equal(mac, URL_MAC);
    snprintf(url, sizeof url, "https://us.example.test/hooks/x?ref=07abc-2&mac=%s&type=1", mac);
    hook_request r = call(url, "");
    assert_int_equal(verify(p, &r, &s, (gw_wall){0}), PROVIDER_SIGNED);
    snprintf(url, sizeof url, "https://us.example.test/hooks/x?ref=07abc-3&mac=%s&type=1", mac);
    r = call(url, "");
    assert_int_equal(verify(p, &r, &s, (gw_wall){0}), PROVIDER_FORGED);
    r = call("https://us.example.test/hooks/x?ref=07abc-2", "");
    assert_int_equal(verify(p, &r, &s, (gw_wall){0}), PROVIDER_FORGED);
}

/* Python: hashlib.md5(b'token' + b'1614265330' + b'{"a":1}').hexdigest() */
static void baidus_md5_is_over_token_time_and_body(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = with("x", "none", "baidu", "");
    provider_secrets s = provider_rig_secret("token", "token");
    gw_wall then = {1614265330000};
    hook_request r = call("https://us.example.test/hooks/x", "{\"a\":1}");
    header(&r, "timestamp", "1614265330");
    header(&r, "signature", "641e6bda74fe4e4348e28285acc59543");
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_SIGNED);
    assert_int_equal(verify(p, &r, &s, (gw_wall){then.ms + 400000}), PROVIDER_STALE);
    r.body = GW_STR("{\"a\":2}");
    assert_int_equal(verify(p, &r, &s, then), PROVIDER_FORGED);
}

/* RFC 7617 §2: "Aladdin", "open sesame". */
static void basic_and_kannel_add_the_login_and_the_request_stays_free_of_it(void **state)
{
    (void)state;
    provider_secrets s = provider_rig_secret("password", "open sesame");
    provider_request r = {.method = GW_STR("GET"), .url = GW_STR("https://x/?a=1")};
    provider_signature sig;
    gw_err err = {0};
    GW_AUTO(provider_free) provider *basic = with("x", "basic", "none", "\"user\":\"Aladdin\"");
    provider_signature_init(&sig);
    assert_int_equal(provider_sign(basic, &r, &s, (gw_wall){0}, GW_STR("n"), &sig, &err), GW_OK);
    has_line(&sig, "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n");
    provider_signature_done(&sig);
    GW_AUTO(provider_free) provider *kannel = with("x", "kannel", "none", "\"user\":\"Aladdin\"");
    provider_signature_init(&sig);
    assert_int_equal(provider_sign(kannel, &r, &s, (gw_wall){0}, GW_STR("n"), &sig, &err), GW_OK);
    assert_string_equal(sig.query.data, "username=Aladdin&password=open%20sesame");
    provider_signature_done(&sig);
    provider_secrets none = {0};
    provider_signature_init(&sig);
    assert_int_equal(provider_sign(kannel, &r, &none, (gw_wall){0}, GW_STR("n"), &sig, &err),
                     GW_EINVAL);
    provider_signature_done(&sig);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/dunlin-secret-XXXXXX", path[64];
    gw_err err = {0};
    provider_secrets s;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/t", dir);
    FILE *f = fopen(path, "w");
    fputs("hush\n", f);
    fclose(f);
    provider p = {.name = "x", .secrets = {{GW_STR("token"), GW_STR("t")}}, .secret_n = 1};
    chmod(path, 0640);
    assert_int_equal(provider_secrets_load(&p, dir, &s, &err), GW_EREFUSED);
    assert_non_null(strstr(err.text, "chmod 600"));
    chmod(path, 0600);
    assert_int_equal(provider_secrets_load(&p, dir, &s, &err), GW_OK);
    assert_true(gw_str_is(provider_secret(&s, "token"), "hush"));
    provider_secrets_done(&s);
    unlink(path);
    assert_int_equal(provider_secrets_load(&p, dir, &s, &err), GW_ENOTFOUND);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliyuns_published_request_gets_the_published_signature),
        cmocka_unit_test(tencents_published_request_gets_the_published_signature),
        cmocka_unit_test(twilios_published_callbacks_are_signed_and_changed_ones_forged),
        cmocka_unit_test(standard_webhooks_verify_within_five_minutes_and_through_a_rotation),
        cmocka_unit_test(vonages_callbacks_verify_by_token_and_hash_of_the_body),
        cmocka_unit_test(rs256_is_that_of_rfc_7515),
        cmocka_unit_test(vonages_requests_carry_a_token_for_five_minutes),
        cmocka_unit_test(our_mac_in_the_url_covers_the_reference),
        cmocka_unit_test(baidus_md5_is_over_token_time_and_body),
        cmocka_unit_test(basic_and_kannel_add_the_login_and_the_request_stays_free_of_it),
        cmocka_unit_test(a_secret_that_others_may_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
