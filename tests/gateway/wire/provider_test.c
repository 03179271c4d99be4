#include "provider_rig.h"

static const char sample[] =
    "{\"channel\":\"sms\",\"base_url\":\"https://sms.example.test\",\"sign\":\"none\","
    "\"verify\":\"none\",\"settings\":{\"sender\":\"Dunlin & Co\"},"
    "\"eligibility\":{\"dunning\":\"allowed\",\"source\":\"test\"},"
    "\"request\":{\"method\":\"POST\",\"path\":\"/x\"},"
    "\"answer\":{\"format\":\"json\",\"id\":\"/id\",\"code\":\"/code\",\"rules\":["
    "{\"http\":[\"2xx\"],\"codes\":[\"OK\"],\"then\":\"accepted\"},"
    "{\"http\":[\"200\"],\"codes\":[\"BUSY\"],\"then\":\"later\",\"why\":\"throttled\"},"
    "{\"http\":[\"500\"],\"codes\":[\"DOWN\"],\"then\":\"later\"}]}}";

/* sample with one piece replaced by another. */
static char *changed(const char *from, const char *to)
{
    static char text[8192];
    const char *at = strstr(sample, from);
    if (!at)
        fail_msg("the sample has no %s", from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sample), sample, to, at + strlen(from));
    return text;
}

static void every_shipped_provider_loads(void **state)
{
    (void)state;
    static const char *const names[] = {"kannel",       "twilio",      "vonage",
                                        "aliyun-sms",   "tencent-sms", "aliyun-voice",
                                        "asterisk-ari", "baidu-sms",   "generic"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        GW_AUTO(provider_free) provider *p = provider_rig_shipped(names[i]);
        assert_string_equal(p->name, names[i]);
    }
}

static void what_the_schema_or_the_reader_does_not_know_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"\"path\":\"/x\"", "\"path\":\"/x\",\"colour\":1", "/request/colour"},
        {"\"sign\":\"none\"", "\"sign\":\"magic\"", "/sign"},
        {"https://sms", "http://sms", "https is needed"},
        {"https://sms.example.test", "https://user@sms.example.test", "scheme://host"},
        {"https://sms.example.test", "https://sms.example.test/api", "without a path"},
        {"\"path\":\"/x\"", "\"path\":\"x\"", "begins with /"},
        {"\"path\":\"/x\"", "\"path\":\"/{number}\"", "unknown placeholder {number}"},
        {"\"path\":\"/x\"", "\"path\":\"/{settings.colour}\"", "unknown placeholder"},
        {"\"path\":\"/x\"", "\"path\":\"/x\",\"form\":{\"a\":1}", "/request/form/a"},
        {"\"path\":\"/x\"", "\"path\":\"/x\",\"headers\":{\"a:b\":\"1\"}", "HTTP header"},
        {"\"path\":\"/x\"", "\"path\":\"/x\",\"form\":{},\"json\":{}", "not both"},
        {"\"2xx\"", "\"9xx\"", "HTTP code"},
        {"Dunlin & Co", "Dunlin \\u0026 Co", "without backslashes"},
        {"\"answer\":{",
         "\"callback\":{\"format\":\"form\",\"state\":\"s\",\"states\":{\"a\":\"b\"}},"
         "\"answer\":{",
         "not a state"},
    };
    GW_AUTO(schema_free) schema *shape = provider_rig_shape();
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        gw_err err = {0};
        provider *p = NULL;
        char *text = changed(rows[i].from, rows[i].to);
        assert_int_equal(provider_parse("test", gw_str_of(text), shape, &p, &err), GW_EINVAL);
        if (!strstr(err.text, rows[i].says))
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, err.text, rows[i].says);
    }
}

static const provider_values values = {.to = {"+15550100123", 12},
                                       .text = {"a & b=c\n\"\xE2\x82\xAC\"", 13},
                                       .ref = {"07abc-2", 7},
                                       .idempotency = {"k-1", 3},
                                       .valid_ms = 3725000};

static void expect(const char *request, const provider_values *v, const char *url, const char *body)
{
    GW_AUTO(provider_free) provider *p = provider_rig_parse(changed("\"path\":\"/x\"", request));
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    gw_err err = {0};
    provider_request r;
    if (provider_build(p, p->request, v, arena, &r, &err) != GW_OK)
        fail_msg("%s", err.text);
    if (!gw_str_is(r.url, url) || !gw_str_is(r.body, body))
        fail_msg("%.*s\n%.*s", GW_STR_ARG(r.url), GW_STR_ARG(r.body));
}

static void values_are_escaped_for_where_they_stand(void **state)
{
    (void)state;
    expect("\"path\":\"/m/{ref}/"
           "{settings.sender}\",\"query\":{\"t\":\"{text}\",\"m\":\"{valid.minutes}\"}",
           &values,
           "https://sms.example.test/m/07abc-2/"
           "Dunlin%20%26%20Co?t=a%20%26%20b%3Dc%0A%22%E2%82%AC%22&m=62",
           "");
    expect("\"path\":\"/x\",\"form\":{\"a b\":\"{to}\",\"s\":\"{valid.seconds}x\"}", &values,
           "https://sms.example.test/x", "a%20b=%2B15550100123&s=3725x");
    expect("\"path\":\"/x\",\"json\":{\"n\":\"{valid.seconds:number}\",\"t\":[\"{text}\"],"
           "\"u\":\"{unicode:number}\",\"d\":\"{to.digits}\",\"k\":7}",
           &values, "https://sms.example.test/x",
           "{\"n\":3725,\"t\":[\"a & "
           "b=c\\n\\\"\xE2\x82\xAC\\\"\"],\"u\":false,\"d\":\"15550100123\",\"k\":7}");
}

static void a_member_whose_callback_is_not_configured_is_left_out(void **state)
{
    (void)state;
    expect(
        "\"path\":\"/x\",\"json\":{\"a\":\"{callback}&x=%d\",\"b\":\"{ref}\",\"c\":\"{callback}\"}",
        &values, "https://sms.example.test/x", "{\"b\":\"07abc-2\"}");
    expect("\"path\":\"/x\",\"form\":{\"a\":\"{callback}\",\"b\":\"{ref}\"}", &values,
           "https://sms.example.test/x", "b=07abc-2");
    provider_values v = values;
    v.callback = GW_STR("https://us.example.test/hooks/test?ref=1");
    expect("\"path\":\"/x\",\"form\":{\"a\":\"{callback}&t=%d\"}", &v, "https://sms.example.test/x",
           "a=https%3A%2F%2Fus.example.test%2Fhooks%2Ftest%3Fref%3D1%26t%3D%25d");
}

static void a_value_that_is_missing_refuses_the_request(void **state)
{
    (void)state;
    GW_AUTO(provider_free)
    provider *p = provider_rig_parse(changed("\"path\":\"/x\"", "\"path\":\"/x/{id}\""));
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    gw_err err = {0};
    provider_request r;
    assert_int_equal(provider_build(p, p->request, &values, arena, &r, &err), GW_EINVAL);
    assert_non_null(strstr(err.text, "{id}"));
}

static void approvals_give_ids_and_variables_of_the_exact_version(void **state)
{
    (void)state;
    char text[4096], version[65];
    memset(version, 'a', 64);
    version[64] = '\0';
    snprintf(
        text, sizeof text,
        "\"path\":\"/x\",\"json\":{\"id\":\"{approval.template}\",\"s\":\"{approval.signature}\","
        "\"p\":\"{approval.params}\",\"l\":\"{approval.values:list}\"}},"
        "\"approvals\":[{\"template\":\"t\",\"locale\":\"zh-CN\",\"version\":\"%s\","
        "\"template_id\":\"SMS_1\",\"params\":{\"amount\":\"/total_open\",\"n\":"
        "\"/items/0/count\"}}",
        version);
    char *whole = changed("\"path\":\"/x\"}", text);
    char *closed = strstr(whole, "/count\"}}");
    assert_non_null(closed);
    memmove(closed + 10, closed + 9, strlen(closed + 9) + 1);
    closed[9] = ']';
    GW_AUTO(provider_free) provider *p = provider_rig_parse(whole);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    gw_err err = {0};
    json_doc data;
    assert_int_equal(json_parse(GW_STR("{\"total_open\":\"CNY \\\"12\",\"items\":[{\"count\":3}]}"),
                                arena, &data, &err),
                     GW_OK);
    provider_subject s = {.to = GW_STR("+8610000000000"),
                          .name = GW_STR("t"),
                          .locale = GW_STR("zh-CN"),
                          .version = gw_str_of(version)};
    provider_values v = values;
    p->approval_required = true;
    assert_null(provider_unfit(p, &s, &v.approval));
    v.data = &data;
    provider_request r;
    if (provider_build(p, p->request, &v, arena, &r, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(
        r.body.p, "{\"id\":\"SMS_1\",\"p\":\"{\\\"amount\\\":\\\"CNY \\\\\\\"12\\\",\\\"n\\\":"
                  "\\\"3\\\"}\",\"l\":[\"CNY \\\"12\",\"3\"]}");
    s.version = GW_STR("another");
    assert_string_equal(provider_unfit(p, &s, &v.approval), "not-approved");
    assert_int_equal(provider_build(p, p->request, &v, arena, &r, &err), GW_EINVAL);
}

static void eligibility_is_decided_before_anything_is_built(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *twilio = provider_rig_shipped("twilio");
    GW_AUTO(provider_free) provider *aliyun = provider_rig_shipped("aliyun-sms");
    const provider_approval *a;
    provider_subject s = {.to = GW_STR("+15550100123")};
    assert_string_equal(provider_unfit(twilio, &s, &a), "creditor-only");
    s.creditor = true;
    assert_null(provider_unfit(twilio, &s, &a));
    assert_string_equal(provider_unfit(aliyun, &s, &a), "dunning-forbidden");
    aliyun->dunning = PROVIDER_DUNNING_ALLOWED;
    assert_string_equal(provider_unfit(aliyun, &s, &a), "number-not-served");
    s.to = GW_STR("+8610000000000");
    assert_string_equal(provider_unfit(aliyun, &s, &a), "not-approved");
    assert_null(provider_forbids(aliyun, &s));
    aliyun->dunning = PROVIDER_DUNNING_FORBIDDEN;
    assert_string_equal(provider_forbids(aliyun, &s), "dunning-forbidden");
    s.no_demand = true; /* a confirmation asks for no payment */
    assert_null(provider_forbids(aliyun, &s));
}

static void answers_mean_what_the_rows_say_and_garbage_is_unclear(void **state)
{
    (void)state;
    static const struct {
        int http;
        const char *body;
        provider_verdict verdict;
        const char *why;
    } rows[] = {
        {200, "{\"id\":\"a\",\"code\":\"OK\"}", PROVIDER_TOOK, "accepted"},
        {201, "{\"code\":\"OK\"}", PROVIDER_TOOK, "accepted"},
        {200, "{\"code\":\"BUSY\"}", PROVIDER_LATER, "throttled"},
        {200, "{\"code\":\"WHAT\"}", PROVIDER_UNCLEAR, "bad-answer"},
        {200, "{}", PROVIDER_UNCLEAR, "bad-answer"},
        {200, "<html>", PROVIDER_UNCLEAR, "bad-answer"},
        {200, "", PROVIDER_UNCLEAR, "bad-answer"},
        {500, "{\"code\":\"DOWN\"}", PROVIDER_LATER, "later"},
        {500, "", PROVIDER_UNCLEAR, "server-error"},
        {502, "x", PROVIDER_UNCLEAR, "server-error"},
        {503, "", PROVIDER_LATER, "unavailable"},
        {429, "", PROVIDER_LATER, "throttled"},
        {401, "{}", PROVIDER_LATER, "not-authorized"},
        {302, "", PROVIDER_LATER, "redirected"},
        {422, "{}", PROVIDER_REFUSED, "refused"},
        {100, "", PROVIDER_UNCLEAR, "bad-answer"},
    };
    GW_AUTO(provider_free) provider *p = provider_rig_parse(sample);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        provider_answer a;
        provider_read_answer(p, rows[i].http, gw_str_of(rows[i].body), arena, &a);
        if (a.verdict != rows[i].verdict || strcmp(a.why, rows[i].why) != 0)
            fail_msg("row %zu: verdict %d, %s", i, a.verdict, a.why);
    }
    provider_answer a;
    provider_read_answer(p, 200, gw_str_of(rows[0].body), arena, &a);
    assert_true(gw_str_is(a.id, "a"));
    assert_true(gw_str_is(a.code, "OK"));
}

static void kannels_answers_are_read_by_number(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = provider_rig_shipped("kannel");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    provider_answer a;
    provider_read_answer(p, 202, GW_STR("0: Accepted for delivery"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_TOOK);
    provider_read_answer(p, 202, GW_STR("3: Queued for later delivery"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_TOOK);
    provider_read_answer(p, 503, GW_STR("4: Temporal failure, try again later."), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_LATER);
    provider_read_answer(p, 403, GW_STR("Authorization failed for sendsms"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_LATER);
    provider_read_answer(p, 202, GW_STR("what"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_UNCLEAR);
}

static void a_query_tells_known_absent_and_no_answer_apart(void **state)
{
    (void)state;
    GW_AUTO(provider_free) provider *p = provider_rig_shipped("generic");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    provider_answer a;
    provider_read_query(p, 200, GW_STR("{\"id\":\"m1\",\"state\":\"delivered\"}"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_TOOK);
    assert_true(a.found);
    assert_int_equal(a.state, WIRE_RECEIPT_DELIVERED);
    provider_read_query(p, 404, GW_STR("{}"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_TOOK);
    assert_false(a.found);
    provider_read_query(p, 200, GW_STR("{\"state\":\"odd\"}"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_UNCLEAR);
    provider_read_query(p, 500, GW_STR("{\"state\":\"delivered\"}"), arena, &a);
    assert_int_equal(a.verdict, PROVIDER_UNCLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_provider_loads),
        cmocka_unit_test(what_the_schema_or_the_reader_does_not_know_is_refused_with_its_place),
        cmocka_unit_test(values_are_escaped_for_where_they_stand),
        cmocka_unit_test(a_member_whose_callback_is_not_configured_is_left_out),
        cmocka_unit_test(a_value_that_is_missing_refuses_the_request),
        cmocka_unit_test(approvals_give_ids_and_variables_of_the_exact_version),
        cmocka_unit_test(eligibility_is_decided_before_anything_is_built),
        cmocka_unit_test(answers_mean_what_the_rows_say_and_garbage_is_unclear),
        cmocka_unit_test(kannels_answers_are_read_by_number),
        cmocka_unit_test(a_query_tells_known_absent_and_no_answer_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
