#include "tests/support/http_server.h"
#include "tests/support/smtp_server.h" /* certificates */
#include "workers/providers/http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static http_rules here = {
    .loopback = true, .connect_ms = 1000, .total_ms = 400, .response_max = 4096};

typedef struct {
    bool done;
    http_result r;
    char body[4100];
} answer;

static void on_done(void *arg, const http_result *r)
{
    answer *a = arg;
    a->done = true;
    a->r = *r;
    snprintf(a->body, sizeof a->body, "%.*s", GW_STR_ARG(r->body));
}

static answer fetch(http_engine *e, const char *url, const http_rules *rules)
{
    answer a = {0};
    gw_err err = {0};
    const http_request r = {.method = GW_STR("POST"),
                            .url = gw_str_of(url),
                            .headers = GW_STR("content-type: text/plain\nx-test: 1\n"),
                            .body = GW_STR("hello"),
                            .rules = rules};
    if (http_start(e, &r, on_done, &a, &err) != GW_OK)
        fail_msg("%s", err.text);
    while (!a.done)
        http_step(e, 1000);
    assert_int_equal(http_running(e), 0);
    return a;
}

static http_engine *engine(void)
{
    http_engine *e = NULL;
    gw_err err = {0};
    assert_int_equal(http_engine_new(8, &e, &err), GW_OK);
    return e;
}

static const char *url_of(const http_server *s, const char *scheme)
{
    static char url[100];
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/x?a=1", scheme, http_server_port(s));
    return url;
}

static void each_way_to_misbehave_is_one_of_not_sent_sent_answered(void **state)
{
    (void)state;
    static const struct {
        http_act act;
        const char *reply;
        http_stage stage;
        const char *why;
        int status;
        const char *body;
    } rows[] = {
        {HTTP_REPLY, OK_REPLY, HTTP_ANSWERED, NULL, 200, "{}"},
        {HTTP_REPLY_CLOSE, "HTTP/1.0 201 Created\r\n\r\nuntil the end", HTTP_ANSWERED, NULL, 201,
         "until the end"},
        {HTTP_REPLY, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
         HTTP_ANSWERED, NULL, 302, ""},
        {HTTP_CLOSE, NULL, HTTP_SENT, "line-dropped", 0, ""},
        {HTTP_HANG, NULL, HTTP_SENT, "no-answer", 0, ""},
        {HTTP_REPLY_HANG, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\"", HTTP_SENT,
         "no-answer", 200, ""},
        {HTTP_REPLY_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\"", HTTP_SENT,
         "line-dropped", 200, ""},
        {HTTP_REPLY_HANG, "HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n{\"a\"", HTTP_ANSWERED,
         NULL, 400, ""},
        {HTTP_REPLY_CLOSE, "no HTTP at all\r\n\r\n", HTTP_SENT, "line-dropped", 0, ""},
        {HTTP_FLOOD, "HTTP/1.1 200 OK\r\n\r\n", HTTP_ANSWERED, NULL, 200, ""},
        {HTTP_FLOOD, "HTTP/1.1 200 OK\r\nX: ", HTTP_SENT, "line-dropped", 0, ""},
        {HTTP_REPLY, "HTTP/1.1 100 Continue\r\n\r\n" OK_REPLY, HTTP_ANSWERED, NULL, 200, "{}"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        http_server *s = http_server_start(NULL);
        GW_AUTO(http_engine_free) http_engine *e = engine();
        const http_rule rule = {.last = -1, .act = rows[i].act, .reply = rows[i].reply};
        http_server_rules(s, &rule, 1);
        answer a = fetch(e, url_of(s, "http"), &here);
        if (a.r.stage != rows[i].stage || strcmp(a.body, rows[i].body) != 0 ||
            (rows[i].status && a.r.status != rows[i].status) ||
            (rows[i].why && strcmp(a.r.why, rows[i].why) != 0))
            fail_msg("row %zu: stage %d, %s, %d, \"%s\"", i, a.r.stage, a.r.why ? a.r.why : "",
                     a.r.status, a.body);
        assert_int_equal(http_server_count(s, NULL), 1); /* no redirect, no second try */
        http_server_stop(s);
    }
}

static void what_is_sent_is_what_was_given(void **state)
{
    (void)state;
    http_server *s = http_server_start(NULL);
    GW_AUTO(http_engine_free) http_engine *e = engine();
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    answer a = fetch(e, url_of(s, "http"), &here);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(a.r.stage, HTTP_ANSWERED);
    char *got = http_server_request(s, 0);
    assert_ptr_equal(strstr(got, "POST /x?a=1 HTTP/1.1\r\n"), got);
    assert_non_null(strstr(got, "\r\nx-test: 1\r\n"));
    assert_non_null(strstr(got, "\r\n\r\nhello"));
    assert_null(strcasestr(got, "expect:"));
    assert_null(strcasestr(got, "accept-encoding"));
    free(got);
    http_server_stop(s);
}

/* libcurl sends again by itself when a kept connection gives no answer at all. */
static void a_request_on_a_kept_connection_that_dies_is_not_sent_again(void **state)
{
    (void)state;
    static const http_rule rules[] = {{.first = 1, .last = 1, .act = HTTP_CLOSE}};
    http_server *s = http_server_start(NULL);
    GW_AUTO(http_engine_free) http_engine *e = engine();
    http_server_rules(s, rules, 1);
    assert_int_equal(fetch(e, url_of(s, "http"), &here).r.stage, HTTP_ANSWERED);
    answer a = fetch(e, url_of(s, "http"), &here);
    assert_int_equal(a.r.stage, HTTP_SENT);
    assert_int_equal(http_server_count(s, NULL), 2);
    http_server_stop(s);

    http_rules again = here;
    again.idempotent = true; /* now it may */
    s = http_server_start(NULL);
    GW_AUTO(http_engine_free) http_engine *e2 = engine();
    http_server_rules(s, rules, 1);
    assert_int_equal(fetch(e2, url_of(s, "http"), &again).r.stage, HTTP_ANSWERED);
    assert_int_equal(fetch(e2, url_of(s, "http"), &again).r.stage, HTTP_ANSWERED);
    assert_int_equal(http_server_count(s, NULL), 3);
    http_server_stop(s);
}

static void retry_after_is_read_as_seconds_and_as_a_date(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t from, to;
    } rows[] = {{"7", 7000, 7000},
                {"999999999", 86400000, 86400000},
                {"Wed, 21 Oct 2015 07:28:00 GMT", 0, 0},
                {"Fri, 31 Dec 2100 23:59:59 GMT", 86400000, 86400000},
                {"soon", -1, -1}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char reply[200];
        snprintf(reply, sizeof reply,
                 "HTTP/1.1 429 Slow\r\nRETRY-AFTER:  %s\r\nContent-Length: 0\r\n\r\n",
                 rows[i].value);
        http_server *s = http_server_start(NULL);
        GW_AUTO(http_engine_free) http_engine *e = engine();
        const http_rule rule = {.last = -1, .act = HTTP_REPLY, .reply = reply};
        http_server_rules(s, &rule, 1);
        answer a = fetch(e, url_of(s, "http"), &here);
        if (a.r.retry_after_ms < rows[i].from || a.r.retry_after_ms > rows[i].to)
            fail_msg("%s: %lld", rows[i].value, (long long)a.r.retry_after_ms);
        http_server_stop(s);
    }
}

static void nothing_listens_means_not_sent(void **state)
{
    (void)state;
    http_server *s = http_server_start(NULL);
    char url[100];
    snprintf(url, sizeof url, "%s", url_of(s, "http"));
    http_server_stop(s);
    GW_AUTO(http_engine_free) http_engine *e = engine();
    answer a = fetch(e, url, &here);
    assert_int_equal(a.r.stage, HTTP_NOT_SENT);
    assert_string_equal(a.r.why, "connect-failed");
    a = fetch(e, "http://no-such-host.invalid/", &here);
    assert_int_equal(a.r.stage, HTTP_NOT_SENT);
}

static void a_certificate_that_does_not_hold_stops_everything_before_the_request(void **state)
{
    (void)state;
    static const struct {
        cert_kind kind;
        http_stage stage;
    } rows[] = {{CERT_GOOD, HTTP_ANSWERED},
                {CERT_EXPIRED, HTTP_NOT_SENT},
                {CERT_WRONG_NAME, HTTP_NOT_SENT},
                {CERT_SELF_SIGNED, HTTP_NOT_SENT}};
    char dir[] = "/tmp/dunlin-http-XXXXXX", ca[256], cert[256], key[256];
    assert_non_null(mkdtemp(dir));
    tls_cert_ca(dir, ca);
    http_rules rules = here;
    rules.ca_file = ca;
    rules.total_ms = 5000;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        tls_cert_make(dir, rows[i].kind, cert, key);
        const http_server_options o = {cert, key};
        http_server *s = http_server_start(&o);
        GW_AUTO(http_engine_free) http_engine *e = engine();
        char url[100];
        snprintf(url, sizeof url, "https://localhost:%d/", http_server_port(s));
        answer a = fetch(e, url, &rules);
        if (a.r.stage != rows[i].stage)
            fail_msg("row %zu: stage %d, %s", i, a.r.stage, a.r.why ? a.r.why : "");
        if (a.r.stage == HTTP_NOT_SENT)
            assert_string_equal(a.r.why, "tls");
        else
            assert_string_equal(a.r.tls, "TLS");
        assert_int_equal(http_server_count(s, NULL), rows[i].stage == HTTP_ANSWERED);
        http_server_stop(s);
        unlink(cert);
        unlink(key);
    }
    unlink(ca);
    rmdir(dir);
}

static void only_public_https_is_reached_unless_loopback_is_named(void **state)
{
    (void)state;
    http_rules out = here;
    out.loopback = false;
    http_server *s = http_server_start(NULL);
    GW_AUTO(http_engine_free) http_engine *e = engine();
    answer a = fetch(e, url_of(s, "https"), &out);
    assert_int_equal(a.r.stage, HTTP_NOT_SENT);
    assert_string_equal(a.r.why, "address-forbidden");
    a = fetch(e, "https://169.254.169.254/latest/meta-data", &out);
    assert_string_equal(a.r.why, "address-forbidden");
    a = fetch(e, "https://[::ffff:10.0.0.1]/", &out);
    assert_string_equal(a.r.why, "address-forbidden");
    a = fetch(e, "http://192.0.2.1/", &here); /* loopback means nowhere else */
    assert_string_equal(a.r.why, "address-forbidden");
    const http_request plain = {
        .method = GW_STR("GET"), .url = GW_STR("http://sms.example.test/"), .rules = &out};
    gw_err err = {0};
    assert_int_equal(http_start(e, &plain, on_done, &a, &err), GW_EINVAL);
    assert_int_equal(http_server_connections(s), 0);
    http_server_stop(s);
}

static void addresses_are_judged_by_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool outside, loopback;
    } rows[] = {
        {"8.8.8.8", true, false},
        {"1.1.1.1", true, false},
        {"127.0.0.1", false, true},
        {"127.8.9.1", false, true},
        {"10.1.2.3", false, false},
        {"172.16.0.1", false, false},
        {"172.32.0.1", true, false},
        {"192.168.1.1", false, false},
        {"169.254.169.254", false, false},
        {"100.64.0.1", false, false},
        {"0.0.0.0", false, false},
        {"224.0.0.1", false, false},
        {"255.255.255.255", false, false},
        {"198.19.255.255", false, false},
        {"2606:4700::1111", true, false},
        {"::1", false, true},
        {"::", false, false},
        {"fe80::1", false, false},
        {"fd00:ec2::254", false, false},
        {"::ffff:127.0.0.1", false, true},
        {"::ffff:10.0.0.1", false, false},
        {"::ffff:8.8.8.8", true, false},
        {"64:ff9b::7f00:1", false, true},
        {"64:ff9b::a00:1", false, false},
        {"2001:db8::1", false, false},
        {"ff02::1", false, false},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is4 = inet_pton(AF_INET, rows[i].address, &v4.sin_addr) == 1;
        if (!is4)
            assert_int_equal(inet_pton(AF_INET6, rows[i].address, &v6.sin6_addr), 1);
        const struct sockaddr *a = is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
        if (http_address_allowed(a, false) != rows[i].outside ||
            http_address_allowed(a, true) != rows[i].loopback)
            fail_msg("%s", rows[i].address);
    }
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(http_address_allowed(&other, true));
}

static void many_slow_requests_are_under_way_at_once(void **state)
{
    (void)state;
    enum { MANY = 100 };
    static answer answers[MANY];
    static const http_rule slow = {
        .last = -1, .act = HTTP_REPLY, .reply = OK_REPLY, .delay_ms = 300};
    http_rules rules = here;
    rules.total_ms = 20000;
    http_server *s = http_server_start(NULL);
    GW_AUTO(http_engine_free) http_engine *e = engine();
    http_server_rules(s, &slow, 1);
    gw_mono from = gw_mono_now();
    gw_err err = {0};
    for (int i = 0; i < MANY; i++) {
        const http_request r = {
            .method = GW_STR("GET"), .url = gw_str_of(url_of(s, "http")), .rules = &rules};
        assert_int_equal(http_start(e, &r, on_done, &answers[i], &err), GW_OK);
    }
    while (http_running(e))
        http_step(e, 1000);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(answers[i].r.stage, HTTP_ANSWERED);
    assert_true(gw_mono_now().ms - from.ms < MANY * 300 / 2); /* one after the other takes twice */
    http_server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_to_misbehave_is_one_of_not_sent_sent_answered),
        cmocka_unit_test(what_is_sent_is_what_was_given),
        cmocka_unit_test(a_request_on_a_kept_connection_that_dies_is_not_sent_again),
        cmocka_unit_test(retry_after_is_read_as_seconds_and_as_a_date),
        cmocka_unit_test(nothing_listens_means_not_sent),
        cmocka_unit_test(a_certificate_that_does_not_hold_stops_everything_before_the_request),
        cmocka_unit_test(only_public_https_is_reached_unless_loopback_is_named),
        cmocka_unit_test(addresses_are_judged_by_what_they_are),
        cmocka_unit_test(many_slow_requests_are_under_way_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
