/* The HTTP client over HTTP/2 and TLS, against Node's server with our own authority: many requests
 * on one connection, and each way to misbehave. */
#include "gateway/base/json.h"
#include "tests/support/smtp_server.h" /* certificates */
#include "workers/providers/http.h"

#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], cert[256], key[256], ca[256];
static pid_t child;
static int port, stdin_of_child = -1;

static http_rules here = {
    .loopback = true, .ca_file = ca, .connect_ms = 5000, .total_ms = 5000, .response_max = 4096};

static void run_node(int in, int out)
{
    char script[600];
    snprintf(script, sizeof script, "%s/tests/workers/providers/http2.js", getenv("DUNLIN_SOURCE"));
    dup2(in, 0);
    dup2(out, 1);
    execlp("node", "node", script, cert, key, (char *)NULL);
    _exit(127);
}

static int start(void **state)
{
    int in[2], out[2];
    char text[32] = "";
    size_t n = 0;
    (void)state;
    strcpy(dir, "/tmp/dunlin-http2-XXXXXX");
    assert_non_null(mkdtemp(dir));
    tls_cert_ca(dir, ca);
    tls_cert_make(dir, CERT_GOOD, cert, key);
    assert_int_equal(pipe(in) | pipe(out), 0);
    child = fork();
    if (child == 0) {
        close(in[1]);
        close(out[0]);
        run_node(in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    stdin_of_child = in[1];
    for (ssize_t got; n < sizeof text - 1 && (got = read(out[0], text + n, 1)) > 0; n++)
        if (text[n] == '\n')
            break;
    close(out[0]);
    port = atoi(text); /* 0: there is no node */
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int stop(void **state)
{
    (void)state;
    close(stdin_of_child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

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

static void ask(http_engine *e, const char *path, const http_rules *rules, answer *ret)
{
    char url[100];
    gw_err err = {0};
    *ret = (answer){0};
    snprintf(url, sizeof url, "https://127.0.0.1:%d%s", port, path);
    const http_request r = {.method = GW_STR("POST"),
                            .url = gw_str_of(url),
                            .headers = GW_STR("content-type: text/plain\n"),
                            .body = GW_STR("hello"),
                            .rules = rules};
    if (http_start(e, &r, on_done, ret, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static void finish(http_engine *e)
{
    while (http_running(e))
        http_step(e, 1000);
}

static http_engine *engine(void)
{
    http_engine *e = NULL;
    gw_err err = {0};
    if (!port)
        skip();
    assert_int_equal(http_engine_new(8, &e, &err), GW_OK);
    return e;
}

/* How often a path was asked for, and over how many connections all of it came. */
static int seen(const char *path, int *ret_sessions)
{
    GW_AUTO(http_engine_free) http_engine *e = engine();
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    answer a;
    json_doc d;
    gw_err err = {0};
    ask(e, "/seen", &here, &a);
    finish(e);
    assert_int_equal(json_parse(gw_str_of(a.body), arena, &d, &err), GW_OK);
    *ret_sessions = (int)json_get_int(&d, 0, "sessions", -1);
    return (int)json_get_int(&d, json_member(&d, 0, "asked"), path, 0);
}

static void many_requests_share_one_connection(void **state)
{
    enum { MANY = 80 };
    static answer answers[MANY];
    (void)state;
    int before, after;
    GW_AUTO(http_engine_free) http_engine *e = engine();
    seen("/slow", &before);
    for (int i = 0; i < MANY; i++)
        ask(e, "/slow", &here, &answers[i]);
    finish(e);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(answers[i].r.stage, HTTP_ANSWERED);
        assert_int_equal(answers[i].r.status, 200);
        assert_string_equal(answers[i].r.tls, "TLS h2");
    }
    assert_int_equal(seen("/slow", &after), MANY);
    assert_int_equal(after - before, 2); /* ours, and that of the question itself */
}

static void each_way_to_misbehave_is_one_of_sent_and_answered_and_asked_once(void **state)
{
    static const struct {
        const char *path;
        http_stage stage;
        const char *why;
        int status;
    } rows[] = {
        {"/later", HTTP_ANSWERED, NULL, 429},
        {"/refuse", HTTP_SENT, "line-dropped",
         0}, /* not taken, RFC 9113 §8.7; we do not rely on it */
        {"/reset", HTTP_SENT, "line-dropped", 0},
        {"/half", HTTP_SENT, "line-dropped", 200},
        {"/goaway", HTTP_SENT, "line-dropped", 0},
        {"/hang", HTTP_SENT, "no-answer", 0},
        {"/flood", HTTP_ANSWERED, NULL, 200},
    };
    (void)state;
    http_rules rules = here;
    rules.total_ms = 2000;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(http_engine_free) http_engine *e = engine();
        answer a, first;
        int sessions;
        ask(e, "/ok", &here, &first); /* the connection is there when the other comes */
        finish(e);
        assert_int_equal(first.r.status, 200);
        if (strcmp(rows[i].path, "/hang") == 0)
            rules.total_ms = 300;
        ask(e, rows[i].path, &rules, &a);
        finish(e);
        rules.total_ms = 2000;
        if (a.r.stage != rows[i].stage || (rows[i].status && a.r.status != rows[i].status) ||
            (rows[i].why && strcmp(a.r.why ? a.r.why : "", rows[i].why) != 0))
            fail_msg("%s: stage %d, %s, %d", rows[i].path, a.r.stage, a.r.why ? a.r.why : "",
                     a.r.status);
        assert_string_equal(a.body, "");
        if (rows[i].status == 429)
            assert_int_equal(a.r.retry_after_ms, 7000);
        assert_int_equal(seen(rows[i].path, &sessions), 1);
    }
}

static void a_reset_stream_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    GW_AUTO(http_engine_free) http_engine *e = engine();
    answer slow, reset;
    ask(e, "/slow", &here, &slow);
    ask(e, "/half", &here, &reset);
    finish(e);
    assert_int_equal(slow.r.stage, HTTP_ANSWERED);
    assert_string_equal(slow.body, "{}");
    assert_int_equal(reset.r.stage, HTTP_SENT);
}

static void another_authority_is_not_trusted_and_nothing_is_sent(void **state)
{
    (void)state;
    GW_AUTO(http_engine_free) http_engine *e = engine();
    http_rules strangers = here;
    strangers.ca_file = NULL;
    answer a;
    int sessions;
    int before = seen("/ok", &sessions);
    ask(e, "/ok", &strangers, &a);
    finish(e);
    assert_int_equal(a.r.stage, HTTP_NOT_SENT);
    assert_string_equal(a.r.why, "tls");
    assert_int_equal(seen("/ok", &sessions), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_requests_share_one_connection),
        cmocka_unit_test(each_way_to_misbehave_is_one_of_sent_and_answered_and_asked_once),
        cmocka_unit_test(a_reset_stream_leaves_its_neighbours_alone),
        cmocka_unit_test(another_authority_is_not_trusted_and_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
