/* An attempt through the SMS driver and two scripted providers: the outcome table of
 * workers/README.md, and that what was prepared is what arrives. */
#include "tests/workers/providers/plant.h"

#define TAKEN REPLY("200 OK", "{\"id\":\"m-1\",\"code\":\"OK\"}", "")

/* A provider file: base URL, path prefix, more members. */
static const char provider_file[] =
    "{\"channel\":\"sms\",\"base_url\":\"http://"
    "127.0.0.1:%d\",\"loopback\":true,\"sign\":\"bearer\","
    "\"verify\":\"none\",\"secrets\":{\"token\":\"token\"},"
    "\"eligibility\":{\"dunning\":\"%s\",\"source\":\"test\"},\"limits\":{\"connect_ms\":1000,"
    "\"total_ms\":300,\"response_bytes\":2048%s},"
    "\"request\":{\"method\":\"POST\",\"path\":\"/%s/send\",\"json\":{\"to\":\"{to}\",\"text\":"
    "\"{text}\",\"ref\":\"{ref}\",\"ttl\":\"{valid.seconds:number}\",\"hook\":\"{callback}\"}},"
    "\"answer\":{\"format\":\"json\",\"id\":\"/id\",\"code\":\"/code\",\"rules\":["
    "{\"http\":[\"200\",\"201\"],\"codes\":[\"OK\"],\"then\":\"accepted\"},"
    "{\"http\":[\"200\"],\"codes\":[\"BAD\"],\"then\":\"refused\",\"why\":\"number-invalid\"}]}%s}";
static const char query_part[] =
    ",\"query\":{\"request\":{\"method\":\"GET\",\"path\":\"/a/"
    "state\",\"query\":{\"ref\":\"{ref}\"}},"
    "\"answer\":{\"format\":\"json\",\"id\":\"/id\",\"state\":\"/state\",\"absent\":[\"404\"],"
    "\"states\":{\"DELIVRD\":\"delivered\",\"UNDELIV\":\"failed\"}}}";

typedef struct {
    const char *a_dunning, *a_limits, *a_more, *b_dunning;
    int a_port; /* 0: the server's */
    bool creditor;
} choice;

static void write_providers(const plant *p, const choice *c)
{
    char text[4096];
    int port = http_server_port(p->server);
    snprintf(text, sizeof text, provider_file, c->a_port ? c->a_port : port,
             c->a_dunning ? c->a_dunning : "allowed", c->a_limits ? c->a_limits : "", "a",
             c->a_more ? c->a_more : "");
    plant_write(p, "providers/a.jsonc", text, 0644);
    snprintf(text, sizeof text, provider_file, port, c->b_dunning ? c->b_dunning : "allowed", "",
             "b", "");
    plant_write(p, "providers/b.jsonc", text, 0644);
}

static plant *plant_start(const choice *c)
{
    plant *p = plant_new();
    write_providers(p, c);
    plant_write(p, "token", "very-secret-token\n", 0600);
    plant_open(p, "a,b", &c->creditor);
    return p;
}

/* ---- the table ---- */

static void the_outcome_is_that_of_the_table_and_one_contact_at_most(void **state)
{
    (void)state;
    static const struct {
        http_act act;
        const char *reply; /* of a */
        wire_result result;
        const char *why;
        int code, at_a, at_b; /* requests */
    } rows[] = {
        {HTTP_REPLY_CLOSE, TAKEN, WIRE_DELIVERED, "accepted", 200, 1, 0},
        {HTTP_REPLY_CLOSE, REPLY("200 OK", "{\"code\":\"BAD\"}", ""), WIRE_REFUSED,
         "number-invalid", 200, 1, 0},
        {HTTP_REPLY_CLOSE, REPLY("400 Bad", "{}", ""), WIRE_REFUSED, "refused", 400, 1, 0},
        {HTTP_REPLY_CLOSE, REPLY("429 Slow", "", "Retry-After: 7\r\n"), WIRE_DELIVERED, "accepted",
         200, 1, 1},
        {HTTP_REPLY_CLOSE, REPLY("503 Busy", "", ""), WIRE_DELIVERED, "accepted", 200, 1, 1},
        {HTTP_REPLY_CLOSE, REPLY("401 Who", "", ""), WIRE_DELIVERED, "accepted", 200, 1, 1},
        {HTTP_REPLY_CLOSE, REPLY("302 Found", "", "Location: /b/send\r\n"), WIRE_DELIVERED,
         "accepted", 200, 1, 1},
        {HTTP_REPLY_CLOSE, REPLY("500 Oops", "{}", ""), WIRE_UNKNOWN, "server-error", 500, 1, 0},
        {HTTP_REPLY_CLOSE, REPLY("502 Oops", "<html>", ""), WIRE_UNKNOWN, "server-error", 502, 1,
         0},
        {HTTP_REPLY_CLOSE, REPLY("200 OK", "{\"code\":\"WHAT\"}", ""), WIRE_UNKNOWN, "bad-answer",
         200, 1, 0},
        {HTTP_REPLY_CLOSE, REPLY("200 OK", "\x01\x02garbage", ""), WIRE_UNKNOWN, "bad-answer", 200,
         1, 0},
        {HTTP_REPLY_CLOSE, REPLY("200 OK", "", ""), WIRE_UNKNOWN, "bad-answer", 200, 1, 0},
        {HTTP_REPLY_CLOSE, "what is this\r\n\r\n", WIRE_UNKNOWN, "line-dropped", 0, 1, 0},
        {HTTP_CLOSE, NULL, WIRE_UNKNOWN, "line-dropped", 0, 1, 0},
        {HTTP_HANG, NULL, WIRE_UNKNOWN, "no-answer", 0, 1, 0},
        {HTTP_REPLY_HANG, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\"", WIRE_UNKNOWN,
         "no-answer", 200, 1, 0},
        {HTTP_FLOOD, "HTTP/1.1 200 OK\r\n\r\n{", WIRE_UNKNOWN, "bad-answer", 200, 1, 0},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        const choice c = {0};
        plant *p = plant_start(&c);
        const http_rule rules[] = {
            {.last = -1, .path = "/a/", .act = rows[i].act, .reply = rows[i].reply},
            {.last = -1, .path = "/b/", .act = HTTP_REPLY_CLOSE, .reply = TAKEN}};
        http_server_rules(p->server, rules, GW_COUNT(rules));
        const channel_outcome *o = &plant_send(p)->outcome;
        int at_a = http_server_count(p->server, "/a/");
        int at_b = http_server_count(p->server, "/b/");
        if (o->result != rows[i].result || strcmp(o->why, rows[i].why) != 0 ||
            o->code != rows[i].code || at_a != rows[i].at_a || at_b != rows[i].at_b)
            fail_msg("row %zu: %s %s %d, %d at a, %d at b", i, wire_result_name(o->result), o->why,
                     o->code, at_a, at_b);
        assert_string_equal(o->provider, at_b ? "b" : "a");
        if (o->result == WIRE_DELIVERED)
            assert_string_equal(o->provider_ref, "m-1");
        assert_null(memmem(o->raw.data, o->raw.n, "very-secret", 11));
        plant_stop(p);
    }
}

static void when_every_provider_says_later_the_reminder_waits_as_long_as_asked(void **state)
{
    (void)state;
    const choice c = {0};
    plant *p = plant_start(&c);
    static const http_rule rules[] = {
        {.last = -1, .path = "/a/", .act = HTTP_REPLY_CLOSE, .reply = REPLY("503 Busy", "", "")},
        {.last = -1,
         .path = "/b/",
         .act = HTTP_REPLY_CLOSE,
         .reply = REPLY("429 Slow", "", "Retry-After: 7\r\n")}};
    http_server_rules(p->server, rules, GW_COUNT(rules));
    const channel_outcome *o = &plant_send(p)->outcome;
    assert_int_equal(o->result, WIRE_LATER);
    assert_string_equal(o->why, "throttled");
    assert_int_equal(o->retry_after_ms, 7000);
    /* and b is left alone until then */
    o = &plant_send(p)->outcome;
    assert_int_equal(o->result, WIRE_LATER);
    assert_in_range(o->retry_after_ms, 1, 7000);
    assert_int_equal(http_server_count(p->server, "/a/"), 2);
    assert_int_equal(http_server_count(p->server, "/b/"), 1);
    plant_stop(p);
}

static void a_provider_that_cannot_be_reached_is_passed_over(void **state)
{
    (void)state;
    http_server *gone = http_server_start(NULL);
    const choice c = {.a_port = http_server_port(gone)};
    http_server_stop(gone);
    plant *p = plant_start(&c);
    static const http_rule rule = {.last = -1, .act = HTTP_REPLY_CLOSE, .reply = TAKEN};
    http_server_rules(p->server, &rule, 1);
    const channel_outcome *o = &plant_send(p)->outcome;
    assert_int_equal(o->result, WIRE_DELIVERED);
    assert_string_equal(o->provider, "b");
    assert_non_null(strstr(o->raw.data, "a: HTTP 0 connect-failed"));
    plant_stop(p);
}

static void what_is_unknown_is_asked_after(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        wire_result result;
        const char *why;
        int questions;
    } rows[] = {
        {REPLY("200 OK", "{\"id\":\"m-2\",\"state\":\"DELIVRD\"}", ""), WIRE_DELIVERED,
         "found-by-query", 1},
        {REPLY("200 OK", "{\"id\":\"m-2\",\"state\":\"UNDELIV\"}", ""), WIRE_REFUSED,
         "failed-by-query", 1},
        {REPLY("404 None", "{}", ""), WIRE_UNKNOWN, "no-answer", ROUTE_QUERIES},
        {REPLY("500 Oops", "", ""), WIRE_UNKNOWN, "no-answer", ROUTE_QUERIES},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        const choice c = {.a_more = query_part};
        plant *p = plant_start(&c);
        const http_rule rules[] = {
            {.last = -1, .path = "/a/send", .act = HTTP_HANG},
            {.last = -1, .path = "/a/state", .act = HTTP_REPLY_CLOSE, .reply = rows[i].reply}};
        http_server_rules(p->server, rules, GW_COUNT(rules));
        const channel_outcome *o = &plant_send(p)->outcome;
        int asked = http_server_count(p->server, "/a/state?ref=070123456789abcdefghjkmnpqrs-1 ");
        if (o->result != rows[i].result || strcmp(o->why, rows[i].why) != 0 ||
            asked != rows[i].questions)
            fail_msg("row %zu: %s %s, %d questions", i, wire_result_name(o->result), o->why, asked);
        assert_int_equal(http_server_count(p->server, "/a/send"), 1);
        assert_int_equal(http_server_count(p->server, "/b/"), 0);
        plant_stop(p);
    }
}

/* ---- what was prepared ---- */

static void the_intent_holds_the_exact_requests_and_no_secret(void **state)
{
    (void)state;
    const choice c = {0};
    plant *p = plant_start(&c);
    static const http_rule rule = {.last = -1, .act = HTTP_REPLY_CLOSE, .reply = TAKEN};
    http_server_rules(p->server, &rule, 1);
    channel_attempt *a = plant_send(p);
    assert_null(memmem(a->bytes.data, a->bytes.n, "very-secret", 11));
    json_doc d;
    gw_err err = {0};
    assert_int_equal(json_parse(gw_buf_str(&a->bytes), a->arena, &d, &err), GW_OK);
    assert_true(gw_str_is(json_get_str(&d, 0, "text"), plant_text));
    assert_true(gw_str_is(json_get_str(&d, 0, "alphabet"), "gsm7"));
    uint32_t requests = json_member(&d, 0, "requests");
    assert_int_equal(json_at(&d, requests)->count, 2);
    gw_str body = json_get_str(&d, json_first(requests), "body");
    char *got = http_server_request(p->server, 0);
    char *got_body = strstr(got, "\r\n\r\n") + 4;
    assert_true(gw_str_is(body, got_body));
    assert_non_null(strstr(got, "\r\nauthorization: Bearer very-secret-token\r\n"));
    assert_non_null(strstr(got_body, "\"ref\":\"070123456789abcdefghjkmnpqrs-1\""));
    assert_non_null(strstr(got_body, "\"ttl\":3540"));
    free(got);
    /* the same task gives the same bytes */
    channel_attempt *b = plant_attempt(p, 3600);
    wire_task *t = gw_arena_alloc(b->arena, sizeof *t);
    *t = *a->task;
    b->task = t;
    plant_prepare(p, b);
    assert_true(gw_str_eq(gw_buf_str(&a->bytes), gw_buf_str(&b->bytes)));
    plant_stop(p);
}

static void providers_that_forbid_it_are_left_out_and_none_left_is_a_refusal(void **state)
{
    (void)state;
    choice c = {.a_dunning = "forbidden", .b_dunning = "creditor-only", .creditor = true};
    plant *p = plant_start(&c);
    static const http_rule rule = {.last = -1, .act = HTTP_REPLY_CLOSE, .reply = TAKEN};
    http_server_rules(p->server, &rule, 1);
    assert_string_equal(plant_send(p)->outcome.provider, "b");
    assert_int_equal(http_server_count(p->server, "/a/"), 0);
    c.creditor = false;
    gw_err err = {0};
    channel_attempt *a = plant_attempt(p, 3600);
    assert_int_equal(p->driver.prepare(p->driver.self, p->bench, a, p->bundle, &err), GW_EREFUSED);
    assert_non_null(strstr(err.text, "a: dunning-forbidden, b: creditor-only"));
    plant_stop(p);
}

static void nothing_can_arrive_after_the_window(void **state)
{
    (void)state;
    const choice c = {0};
    plant *p = plant_start(&c);
    gw_err err = {0};
    channel_attempt *a = plant_attempt(p, 119); /* a minute of slack, a minute of validity */
    assert_int_equal(p->driver.prepare(p->driver.self, p->bench, a, p->bundle, &err), GW_EBUSY);
    a = plant_attempt(p, 100000);
    plant_prepare(p, a); /* capped by validity_max_ms, 3600 s */
    assert_non_null(memmem(a->bytes.data, a->bytes.n, "\\\"ttl\\\":3600", 12));
    /* GO comes more than the slack later: the validity told would outlast the window */
    a = plant_attempt(p, 3600);
    plant_prepare(p, a);
    a->go_wall_ms += ROUTE_SLACK_MS + 1;
    assert_true(channel_source_put(p->source, a));
    plant_wait(p, 1);
    assert_int_equal(a->outcome.result, WIRE_LATER);
    assert_string_equal(a->outcome.why, "validity-passed");
    assert_int_equal(http_server_connections(p->server), 0);
    plant_stop(p);
}

static void a_wrong_recipient_is_never_prepared(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "",     "15550100123",       "+05550100123",  "+1555010012x",
        "+123", "+1234567890123456", "+1 555 0100123"};
    const choice c = {0};
    plant *p = plant_start(&c);
    gw_err err = {0};
    for (size_t i = 0; i < GW_COUNT(numbers) + 1; i++) {
        channel_attempt *a = plant_attempt(p, 3600);
        wire_task t = *a->task;
        if (i < GW_COUNT(numbers))
            t.to[0].address = gw_str_of(numbers[i]);
        else
            t.to[t.to_n++] = t.to[0];
        a->task = &t;
        assert_int_not_equal(p->driver.prepare(p->driver.self, p->bench, a, p->bundle, &err),
                             GW_OK);
        assert_null(strstr(err.text, "555"));
    }
    plant_stop(p);
}

/* ---- many, rates, draining, questions ---- */

static void a_rate_spreads_attempts_and_loses_none(void **state)
{
    (void)state;
    const choice c = {.a_limits = ",\"per_second\":100,\"burst\":2,\"concurrency\":2"};
    plant *p = plant_start(&c);
    static const http_rule rule = {.last = -1, .act = HTTP_REPLY_CLOSE, .reply = TAKEN};
    http_server_rules(p->server, &rule, 1);
    enum { MANY = 12 };
    gw_mono from = gw_mono_now();
    for (int i = 0; i < MANY; i++)
        plant_prepare(p, plant_attempt(p, 3600));
    for (int i = 0; i < MANY; i++)
        assert_true(channel_source_put(p->source, p->attempts[i]));
    plant_wait(p, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(p->reported[i]->outcome.result, WIRE_DELIVERED);
        assert_string_equal(p->reported[i]->outcome.provider, "a");
    }
    assert_int_equal(http_server_count(p->server, "/a/"), MANY);
    assert_true(gw_mono_now().ms - from.ms >= (MANY - 2) * 10 - 1);
    plant_stop(p);
}

static void a_drain_finishes_what_is_under_way(void **state)
{
    (void)state;
    const choice c = {0};
    plant *p = plant_start(&c);
    static const http_rule rule = {
        .last = -1, .act = HTTP_REPLY_CLOSE, .reply = TAKEN, .delay_ms = 150};
    http_server_rules(p->server, &rule, 1);
    for (int i = 0; i < 3; i++) {
        plant_prepare(p, plant_attempt(p, 3600));
        assert_true(channel_source_put(p->source, p->attempts[i]));
    }
    channel_source_close(p->source);
    plant_wait(p, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(p->reported[i]->outcome.result, WIRE_DELIVERED);
    plant_stop(p);
}

static void a_question_of_the_gateway_is_answered(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *reply;
        wire_pulled_verdict verdict;
        wire_receipt_state receipt;
    } rows[] = {
        {"a", REPLY("200 OK", "{\"id\":\"m-2\",\"state\":\"DELIVRD\"}", ""), WIRE_PULLED_KNOWN,
         WIRE_RECEIPT_DELIVERED},
        {"a", REPLY("404 None", "{}", ""), WIRE_PULLED_ABSENT, WIRE_RECEIPT_NONE},
        {"a", REPLY("200 OK", "huh", ""), WIRE_PULLED_NOT_NOW, WIRE_RECEIPT_NONE},
        {"b", TAKEN, WIRE_PULLED_CANNOT, WIRE_RECEIPT_NONE},
        {"c", TAKEN, WIRE_PULLED_CANNOT, WIRE_RECEIPT_NONE},
    };
    const choice c = {.a_more = query_part};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        plant *p = plant_start(&c);
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
        GW_AUTO_BUF gw_buf raw;
        const http_rule rule = {.last = -1, .act = HTTP_REPLY_CLOSE, .reply = rows[i].reply};
        http_server_rules(p->server, &rule, 1);
        gw_buf_init(&raw, 65536);
        const wire_pull q = {.id = GW_STR("q1"),
                             .own = GW_STR("070123456789abcdefghjkmnpqrs-1"),
                             .provider = gw_str_of(rows[i].provider),
                             .address = GW_STR("+15550100123"),
                             .sent_ms = PLANT_NOW * INT64_C(1000)};
        wire_pulled pulled;
        p->driver.ask(p->driver.self, &q, arena, &pulled, &raw);
        assert_true(gw_str_is(pulled.id, "q1"));
        if (pulled.verdict != rows[i].verdict || pulled.state != rows[i].receipt)
            fail_msg("row %zu: verdict %d, state %d", i, pulled.verdict, pulled.state);
        plant_stop(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_outcome_is_that_of_the_table_and_one_contact_at_most),
        cmocka_unit_test(when_every_provider_says_later_the_reminder_waits_as_long_as_asked),
        cmocka_unit_test(a_provider_that_cannot_be_reached_is_passed_over),
        cmocka_unit_test(what_is_unknown_is_asked_after),
        cmocka_unit_test(the_intent_holds_the_exact_requests_and_no_secret),
        cmocka_unit_test(providers_that_forbid_it_are_left_out_and_none_left_is_a_refusal),
        cmocka_unit_test(nothing_can_arrive_after_the_window),
        cmocka_unit_test(a_wrong_recipient_is_never_prepared),
        cmocka_unit_test(a_rate_spreads_attempts_and_loses_none),
        cmocka_unit_test(a_drain_finishes_what_is_under_way),
        cmocka_unit_test(a_question_of_the_gateway_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
