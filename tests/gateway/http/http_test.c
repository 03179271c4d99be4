/* The HTTP door over loopback: real store, real sockets; only the provider's scheme is the test's.
 */
#include "gateway/http/http.h"

#include "gateway/base/tally.h"
#include "gateway/http/bearer.h"
#include "gateway/state/inbox.h"
#include "gateway/state/mark.h"
#include "gateway/wire/hook_entry.h"
#include "gateway/wire/unsubscribe.h"
#include "tests/support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER = 1 << 20 };

typedef struct {
    char dir[64], tokens[80], schemas[512];
    redis_server *redis;
    state *store;
    gw_clock *clock;
    uint8_t id_key[GW_ID_KEY_BYTES];
    http_config config;
    http *h;
    gw_arena *arena;
    gw_err err;
    char client[BEARER_TEXT], operator_[BEARER_TEXT], reader[BEARER_TEXT];
    char answer[ANSWER], *body;
} world;

/* ---- a client that says exactly what the test wants ---- */

static int open_connection(const world *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(w->h))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail_msg("connect");
    return fd;
}

static void say(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* it has heard enough */
        bytes += sent;
        n -= (size_t)sent;
    }
}

/* Read until the server closes; the status. */
static int hear(world *w, int fd)
{
    size_t n = 0;
    ssize_t got;
    while (n + 1 < ANSWER && (got = recv(fd, w->answer + n, ANSWER - 1 - n, 0)) > 0)
        n += (size_t)got;
    close(fd);
    w->answer[n] = '\0';
    w->body = strstr(w->answer, "\r\n\r\n");
    w->body = w->body ? w->body + 4 : w->answer + n;
    int status = 0;
    sscanf(w->answer, "HTTP/1.1 %d", &status);
    return status;
}

static int ask(world *w, const char *method, const char *path, const char *headers,
               const char *body)
{
    char head[4096];
    int fd = open_connection(w);
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n%sContent-Length: "
                     "%zu\r\n\r\n",
                     method, path, headers, strlen(body));
    say(fd, head, (size_t)n);
    say(fd, body, strlen(body));
    return hear(w, fd);
}

static int call(world *w, const char *token_text, const char *verb_name, const char *type,
                const char *body)
{
    char path[64], headers[256];
    snprintf(path, sizeof path, "/v1/%s", verb_name);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\nContent-Type: %s\r\n",
             token_text, type);
    return ask(w, "POST", path, headers, body);
}

static bool answered(const world *w, const char *part)
{
    return strstr(w->body, part) != NULL;
}

static uint64_t inbox_size(world *w)
{
    uint64_t n = 0;
    assert_int_equal(state_inbox_size(w->store, &n, &w->err), GW_OK);
    return n;
}

/* ---- a provider of the test's own ---- */

static gw_code read_call(void *context, gw_str provider, const hook_request *call_, gw_wall now,
                         gw_arena *arena, hook_reading *ret, gw_err *err)
{
    (void)context, (void)now, (void)arena;
    gw_str signature = hook_header_of(call_, "x-signature");
    if (!gw_str_is(provider, "testsms"))
        return gw_fail(err, GW_ENOTFOUND, "no such provider");
    if (!gw_str_is(signature, "good"))
        return gw_fail(err, GW_EREFUSED, "forged");
    if (!gw_str_is(call_->url, "https://public.example.test/hooks/testsms?ref=abc"))
        return gw_fail(err, GW_EINVAL, "another address");
    *ret = (hook_reading){.auth = WIRE_AUTH_SIGNED, .event_n = 1};
    ret->events[0] =
        (hook_event){.kind = HOOK_RECEIPT, .ref = GW_STR("SM1"), .state = WIRE_RECEIPT_DELIVERED};
    return GW_OK;
}

/* ---- set-up ---- */

static void must(world *w, gw_code rc)
{
    if (rc != GW_OK)
        fail_msg("%s", w->err.text);
}

static int start(void **cm)
{
    world *w = calloc(1, sizeof *w);
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(w->dir, sizeof w->dir, "/tmp/dunlin-http-XXXXXX");
    if (sodium_init() < 0 || !mkdtemp(w->dir) || !(w->redis = redis_server_start(NULL)))
        return -1;
    snprintf(w->tokens, sizeof w->tokens, "%s/tokens", w->dir);
    snprintf(w->schemas, sizeof w->schemas, "%s/config/schema", source ? source : ".");
    w->clock = gw_clock_new();
    w->arena = gw_arena_new(1 << 24);
    memset(w->id_key, 7, sizeof w->id_key);
    state_config sc = {.unix_socket = redis_server_socket(w->redis), .timeout_ms = 3000};
    must(w, state_open(&sc, &w->store, &w->err));
    must(w, state_setup(w->store, &w->err));
    gw_wall now = gw_clock_now(w->clock);
    must(w, bearer_make(w->tokens, "erp", ZAP_CLIENT, "all", now, w->client, &w->err));
    must(w, bearer_make(w->tokens, "ann", ZAP_OPERATOR, "all", now, w->operator_, &w->err));
    must(w, bearer_make(w->tokens, "crm", ZAP_CLIENT, "query", now, w->reader, &w->err));
    w->config = (http_config){.endpoint = "127.0.0.1:0",
                              .public_url = "https://public.example.test",
                              .token_folder = w->tokens,
                              .connections = 64,
                              .connections_per_ip = 64,
                              .idle_s = 10,
                              .body_max = 1 << 20,
                              .hook_body_max = 4096,
                              .inbox_max = 3,
                              .intake = {.schema_folder = w->schemas,
                                         .state = sc,
                                         .id_key = w->id_key,
                                         .clock = w->clock},
                              .hooks = {NULL, read_call}};
    must(w, http_start(&w->config, &w->h, &w->err));
    *cm = w;
    return 0;
}

static int stop(void **cm)
{
    world *w = *cm;
    char command[96];
    http_stop(w->h);
    state_close(w->store);
    redis_server_free(w->redis);
    gw_clock_free(w->clock);
    gw_arena_free(w->arena);
    snprintf(command, sizeof command, "rm -rf %s", w->dir);
    int ignored = system(command);
    (void)ignored;
    free(w);
    return 0;
}

/* ---- the API ---- */

static const char json[] = "application/json";
static const char job[] =
    "{\"id\":\"j1\",\"debtor\":\"d1\",\"channel\":\"email\",\"template\":\"t\"}";

static void a_job_is_accepted_once_and_recognised_after_that(void **cm)
{
    world *w = *cm;
    assert_int_equal(call(w, w->client, "submit", json, job), 200);
    assert_true(answered(w, "\"verdict\":\"accepted\""));
    char receipt[64];
    snprintf(receipt, sizeof receipt, "%.40s", strstr(w->body, "\"receipt\""));
    assert_int_equal(call(w, w->client, "submit", json, job), 200);
    assert_true(answered(w, "\"verdict\":\"duplicate\""));
    assert_true(answered(w, receipt));
    assert_int_equal(call(w, w->client, "submit", json,
                          "{\"id\":\"j1\",\"debtor\":\"d1\",\"channel\":\"email\",\"template\":"
                          "\"other\"}"),
                     409);
    assert_true(answered(w, "\"code\":\"conflict\""));
    assert_int_equal(call(w, w->client, "submit", json,
                          "{\"id\":\"j1\",\"debtor\":\"d2\",\"channel\":\"email\",\"template\":"
                          "\"t\"}"),
                     409);
    assert_true(answered(w, "\"code\":\"conflict\""));
    assert_true(answered(w, "another debtor"));
}

static void every_body_of_a_batch_has_its_own_verdict(void **cm)
{
    world *w = *cm;
    char body[1024];
    snprintf(body, sizeof body, "[%s, {\"id\":\"j2\"}, %s]", job, job);
    assert_int_equal(call(w, w->client, "submit", json, body), 200);
    assert_int_equal(strncmp(w->body, "[{\"verdict\":\"accepted\"", 22), 0);
    assert_true(answered(w, "\"verdict\":\"rejected\",\"code\":\"invalid\""));
    assert_true(answered(w, "\"verdict\":\"duplicate\""));
    snprintf(body, sizeof body, "%s\r\n\nnot json\n", job);
    assert_int_equal(call(w, w->client, "submit", "application/x-ndjson", body), 200);
    assert_int_equal(strncmp(w->body, "{\"verdict\":\"duplicate\"", 22), 0);
    assert_true(answered(w, "}\n{\"verdict\":\"rejected\",\"code\":\"malformed\""));
    assert_int_equal(call(w, w->client, "submit", json, "[1]"), 400);
    assert_int_equal(call(w, w->client, "submit", json, "[]"), 400);
    assert_int_equal(call(w, w->client, "submit", json, "[{}"), 400);
}

static void nobody_acts_without_a_token_or_beyond_its_scopes(void **cm)
{
    world *w = *cm;
    char wrong[BEARER_TEXT];
    assert_int_equal(ask(w, "POST", "/v1/submit", "", job), 401);
    assert_non_null(strstr(w->answer, "WWW-Authenticate: Bearer"));
    snprintf(wrong, sizeof wrong, "%s", w->client);
    wrong[BEARER_TEXT - 2] = wrong[BEARER_TEXT - 2] == '0' ? '1' : '0';
    assert_int_equal(call(w, wrong, "submit", json, job), 401);
    assert_int_equal(call(w, w->reader, "submit", json, job), 403);
    assert_int_equal(call(w, w->client, "pause", json, "{}"), 403); /* operators only */
    assert_int_equal(call(w, w->client, "submit", json,
                          "{\"id\":\"j1\",\"source\":\"crm\",\"debtor\":\"d1\",\"channel\":"
                          "\"email\",\"template\":\"t\"}"),
                     403); /* for another billing system */
    assert_int_equal(call(w, w->operator_, "submit", json, job), 422); /* names none */
    assert_int_equal(call(w, w->client, "nonsense", json, job), 404);
    assert_int_equal(ask(w, "GET", "/v1/submit", "", ""), 405);
    assert_int_equal(ask(w, "GET", "/elsewhere", "", ""), 404);
}

static void a_revoked_token_is_dead_within_a_second(void **cm)
{
    world *w = *cm;
    bearer *list;
    size_t n, bad;
    assert_int_equal(call(w, w->client, "submit", json, job), 200);
    must(w, bearer_list(w->tokens, &list, &n, &bad, &w->err));
    assert_int_equal(n, 3);
    assert_int_equal(bad, 0);
    free(list);
    must(w, bearer_revoke(w->tokens, "erp", &w->err));
    bearers *t = bearers_new(w->tokens);
    char header[128];
    snprintf(header, sizeof header, "Bearer %s", w->client);
    assert_null(bearers_find(t, gw_str_of(header), (gw_mono){1}));
    snprintf(header, sizeof header, "bearer %s", w->reader);
    const bearer *found = bearers_find(t, gw_str_of(header), (gw_mono){2});
    assert_non_null(found);
    assert_string_equal(found->name, "crm");
    must(w, bearer_revoke(w->tokens, "crm", &w->err));
    assert_non_null(bearers_find(t, gw_str_of(header), (gw_mono){3}));
    assert_null(bearers_find(t, gw_str_of(header), (gw_mono){3 + BEARER_RECHECK_MS}));
    bearers_free(t);
    assert_int_equal(bearer_revoke(w->tokens, "../erp", &w->err), GW_EINVAL);
}

static void what_is_too_large_is_refused_by_name_and_the_rest_lives_on(void **cm)
{
    world *w = *cm;
    size_t n = (1 << 20) + 10;
    char *body = malloc(n + 1);
    memset(body, ' ', n);
    body[n] = '\0';
    assert_int_equal(call(w, w->client, "submit", json, body), 413);
    body[70000] = '\0';
    body[0] = '{';
    assert_int_equal(call(w, w->client, "submit", json, body), 413); /* intake's own limit */
    free(body);
    n = (1 << 20) + HTTP_OVERRUN_MAX + (1 << 20); /* who does not stop is not listened to */
    body = calloc(1, n + 1);
    memset(body, ' ', n);
    assert_int_equal(call(w, w->client, "submit", json, body), 0);
    free(body);
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    int fd = open_connection(w);
    say(fd, "GET ", 4);
    say(fd, path, sizeof path - 1);
    say(fd, " HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n", 42);
    assert_int_equal(hear(w, fd), 414);
    fd = open_connection(w);
    say(fd, "nonsense\r\n\r\n", 12);
    hear(w, fd);
    assert_int_equal(call(w, w->client, "submit", json, job), 200);
}

static void a_store_that_is_away_makes_it_busy_and_nothing_is_claimed(void **cm)
{
    world *w = *cm;
    assert_int_equal(ask(w, "GET", "/healthz", "", ""), 200);
    redis_server_kill(w->redis);
    assert_int_equal(call(w, w->client, "submit", json, job), 503);
    assert_non_null(strstr(w->answer, "Retry-After: "));
    assert_int_equal(ask(w, "POST", "/hooks/testsms?ref=abc", "X-Signature: good\r\n", "x"), 503);
    assert_int_equal(ask(w, "GET", "/healthz", "", ""), 503);
    assert_true(answered(w, "\"store\":false"));
}

/* ---- callbacks ---- */

static void a_callback_is_kept_before_it_is_acknowledged(void **cm)
{
    world *w = *cm;
    assert_int_equal(ask(w, "POST", "/hooks/testsms?ref=abc", "X-Signature: good\r\n", "Status=ok"),
                     200);
    assert_int_equal(inbox_size(w), 1);
    uint8_t mask[STATE_SHARDS];
    static const gw_str from_start[STATE_SHARDS];
    state_inbox_entry *e;
    hook_entry got;
    size_t n;
    memset(mask, 1, sizeof mask);
    must(w, state_inbox_read(w->store, mask, from_start, 10, w->arena, &e, &n, &w->err));
    must(w, hook_entry_get(e[0].bytes, w->arena, &got, &w->err));
    assert_true(gw_str_is(got.provider, "testsms"));
    assert_true(gw_str_is(got.raw, "Status=ok"));
    assert_true(gw_str_is(got.ref, "SM1"));
    assert_int_equal(got.auth, WIRE_AUTH_SIGNED);
    assert_int_equal(got.sha256.n, 64);
}

static void a_forged_or_unknown_callback_is_counted_and_recorded_and_never_kept(void **cm)
{
    world *w = *cm;
    tally_reset();
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(w, "POST", "/hooks/testsms?ref=abc", "X-Signature: bad\r\n", "x"),
                         403);
    assert_int_equal(ask(w, "GET", "/hooks/nobody", "", ""), 404);
    assert_int_equal(ask(w, "POST", "/hooks/testsms?ref=other", "X-Signature: good\r\n", "x"), 400);
    assert_int_equal(ask(w, "POST", "/hooks/a/b", "", ""), 404);
    assert_int_equal(inbox_size(w), 0);
    assert_int_equal(tally_get("dunlin_hooks_total{provider=\"testsms\",result=\"forged\"}"), 3);
    static const gw_str from_start[STATE_SHARDS];
    state_outbox_entry *e;
    size_t n;
    must(w, state_outbox_read(w->store, from_start, 10, 0, w->arena, &e, &n, &w->err));
    assert_int_equal(n, 1); /* of six: at most one a minute */
    assert_string_equal(e[0].rec.event, "x-HookRefused");
}

static void callbacks_wait_outside_when_nobody_books_them(void **cm)
{
    world *w = *cm;
    int kept = 0, sent_away = 0;
    state_inbox_item items[3] = {{1, GW_STR("a")}, {2, GW_STR("b")}, {3, GW_STR("c")}};
    must(w, state_inbox_add(w->store, items, 3, &w->err));
    http_stop(w->h); /* the size is asked once a second: a new start asks at once */
    must(w, http_start(&w->config, &w->h, &w->err));
    int status = ask(w, "POST", "/hooks/testsms?ref=abc", "X-Signature: good\r\n", "x");
    kept += status == 200;
    sent_away += status == 503;
    assert_int_equal(kept, 0);
    assert_int_equal(sent_away, 1);
}

/* ---- unsubscribe ---- */

static void a_link_withdraws_by_post_only_and_names_nobody(void **cm)
{
    world *w = *cm;
    char path[160];
    gw_id did, hash;
    assert_int_equal(call(w, w->client, "debtor", json,
                          "{\"id\":\"d1\",\"name\":\"D\",\"role\":\"company\",\"contacts\":[{"
                          "\"role\":\"primary\",\"name\":\"E\",\"email\":\"e@debtor.example.test\","
                          "\"phone\":\"+15550100001\",\"designated\":true}]}"),
                     200);
    intake_debtor_id(w->id_key, GW_STR("erp"), GW_STR("d1"), &did);
    state_mark_address(w->id_key, GW_STR("e@debtor.example.test"), &hash);
    memcpy(path, "/u/", 3);
    unsubscribe_format(w->id_key, &did, &hash, path + 3);
    state_debtor d;
    assert_int_equal(ask(w, "GET", path, "", ""), 200);
    assert_true(answered(w, "<form method=\"post\">"));
    must(w, state_load_debtors(w->store, &did, 1, w->arena, &d, &w->err));
    assert_null(state_get(&d.debtor, "o:email:e@debtor.example.test").p);
    assert_int_equal(ask(w, "POST", path, "", "List-Unsubscribe=One-Click"), 200);
    assert_int_equal(ask(w, "POST", path, "", "List-Unsubscribe=One-Click"), 200);
    must(w, state_load_debtors(w->store, &did, 1, w->arena, &d, &w->err));
    gw_str entry = state_get(&d.debtor, "o:email:e@debtor.example.test");
    assert_non_null(memmem(entry.p, entry.n, "withdrawn", 9));
    path[40] = path[40] == '0' ? '1' : '0';
    assert_int_equal(ask(w, "POST", path, "", ""), 404);

    /* The marks of this debtor were written on the way: a reply would find it. */
    state_mark *found;
    size_t n;
    state_mark_address(w->id_key, GW_STR("+15550100001"), &hash);
    must(w, state_mark_find(w->store, 'a', &hash, w->arena, &found, &n, &w->err));
    assert_int_equal(n, 1);
}

/* ---- metrics ---- */

static void metrics_count_and_hold_no_personal_data(void **cm)
{
    world *w = *cm;
    tally_reset();
    call(w, w->client, "debtor", json,
         "{\"id\":\"secret-debtor\",\"name\":\"D\",\"role\":\"company\",\"contacts\":[{\"role\":"
         "\"primary\",\"name\":\"E\",\"email\":\"canary@debtor.example.test\"}]}");
    call(w, w->client, "submit", json, job);
    assert_int_equal(ask(w, "GET", "/metrics", "", ""), 200);
    assert_non_null(strstr(w->answer, "text/plain; version=0.0.4"));
    assert_true(answered(w, "dunlin_reminders{state=\"accepted\"} 1\n"));
    assert_true(answered(w, "dunlin_store_up 1\n"));
    assert_true(answered(w, "dunlin_outbox_entries 2\n"));
    assert_true(answered(w, "dunlin_http_verdicts_total{verdict=\"accepted\"} 2\n"));
    assert_true(answered(w, "dunlin_http_requests_total{route=\"v1\",status=\"200\"} 2\n"));
    assert_false(answered(w, "canary"));
    assert_false(answered(w, "secret-debtor"));
}

static void a_unix_socket_is_private_to_its_owner(void **cm)
{
    world *w = *cm;
    char path[128], command[256];
    snprintf(path, sizeof path, "%s/http.socket", w->dir);
    http_stop(w->h);
    w->config.endpoint = path;
    must(w, http_start(&w->config, &w->h, &w->err));
    assert_int_equal(http_port(w->h), 0);
    snprintf(command, sizeof command, "test \"$(stat -c %%a %s)\" = 700", path);
    assert_int_equal(system(command), 0);
    w->config.endpoint = "localhost:80";
    http *second = NULL;
    assert_int_equal(http_start(&w->config, &second, &w->err), GW_EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_accepted_once_and_recognised_after_that),
        TEST(every_body_of_a_batch_has_its_own_verdict),
        TEST(nobody_acts_without_a_token_or_beyond_its_scopes),
        TEST(a_revoked_token_is_dead_within_a_second),
        TEST(what_is_too_large_is_refused_by_name_and_the_rest_lives_on),
        TEST(a_store_that_is_away_makes_it_busy_and_nothing_is_claimed),
        TEST(a_callback_is_kept_before_it_is_acknowledged),
        TEST(a_forged_or_unknown_callback_is_counted_and_recorded_and_never_kept),
        TEST(callbacks_wait_outside_when_nobody_books_them),
        TEST(a_link_withdraws_by_post_only_and_names_nobody),
        TEST(metrics_count_and_hold_no_personal_data),
        TEST(a_unix_socket_is_private_to_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
