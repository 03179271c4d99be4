/* Intake through real sockets onto a real redis-server. */
#include "gateway/wire/event.h"
#include "tests/support/intake_server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, GLANCE_MS = 300, VERDICTS_MAX = 64, TEXT = 700 };

static intake_server server;
static void *dealer, *dealer_zmq;

/* ---- talking ---- */

typedef struct {
    char id[64];
    size_t n;
    char text[VERDICTS_MAX][TEXT];
} reply;

static void send_frames(void *socket, const char *const *frames, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            zmq_send(socket, frames[i], strlen(frames[i]), i + 1 < n ? ZMQ_SNDMORE : 0),
            strlen(frames[i]));
}

/* False when nothing came in time. */
static bool receive(void *socket, int patience_ms, reply *ret)
{
    char frame[TEXT];
    int more = 1;
    size_t size = sizeof more;
    *ret = (reply){0};
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    for (int i = 0; more; i++) {
        int n = zmq_recv(socket, frame, sizeof frame - 1, 0);
        if (n < 0)
            return false;
        frame[n < TEXT ? n : TEXT - 1] = '\0';
        if (i == 0)
            assert_string_equal(frame, "DUN1");
        else if (i == 1)
            snprintf(ret->id, sizeof ret->id, "%.60s", frame);
        else
            memcpy(ret->text[ret->n++], frame, sizeof frame);
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

static reply ask(void *socket, const char *name, const char *const *bodies, size_t n)
{
    const char *frames[3 + VERDICTS_MAX] = {"DUN1", name, "q7"};
    reply r;
    for (size_t i = 0; i < n; i++)
        frames[3 + i] = bodies[i];
    send_frames(socket, frames, 3 + n);
    assert_true(receive(socket, PATIENCE_MS, &r));
    assert_string_equal(r.id, "q7");
    return r;
}

static reply ask_one(const char *name, const char *body)
{
    return ask(dealer, name, (const char *[]){body}, 1);
}

static void says(const reply *r, size_t i, const char *part)
{
    if (i >= r->n || !strstr(r->text[i], part))
        print_error("verdict %zu is \"%s\", \"%s\" was expected in it\n", i, r->text[i], part);
    assert_true(i < r->n);
    assert_non_null(strstr(r->text[i], part));
}

static void job(char ret[TEXT], const char *id, const char *more)
{
    snprintf(ret, TEXT,
             "{\"id\":\"%s\",\"debtor\":\"d1\",\"channel\":\"email\",\"template\":\"letter\"%s}",
             id, more);
}

/* The member of a verdict up to its closing quote. */
static void member(const char *verdict, const char *name, char ret[64])
{
    const char *at = strstr(verdict, name);
    assert_non_null(at);
    at += strlen(name) + 3;
    snprintf(ret, 64, "%.*s", (int)strcspn(at, "\""), at);
}

/* ---- the store behind it ---- */

static state *store;

static uint64_t accepted_reminders(void)
{
    uint64_t by_state[128];
    uint64_t outbox;
    gw_err err = {0};
    assert_int_equal(state_counts(store, by_state, &outbox, &err), GW_OK);
    return by_state['A'];
}

/* What dispatch was told since somebody looked. */
static _Atomic uint64_t told_jobs, told_changed;

static void note_wake(void *context, uint64_t jobs, uint64_t changed)
{
    (void)context;
    atomic_fetch_or(&told_jobs, jobs);
    atomic_fetch_or(&told_changed, changed);
}

static int start(void **unused)
{
    (void)unused;
    gw_err err = {0};
    if (!intake_server_start(&server, 0, &(intake_calls){.wake = note_wake}))
        return -1;
    dealer = intake_server_connect(&server, &server.erp, &dealer_zmq);
    return state_open(&server.store, &store, &err) == GW_OK ? 0 : -1;
}

static void hang_up(void *socket, void *zmq)
{
    int none = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_close(socket);
    zmq_ctx_term(zmq);
}

static int stop(void **unused)
{
    (void)unused;
    hang_up(dealer, dealer_zmq);
    state_close(store);
    intake_server_stop(&server);
    return 0;
}

/* ---- submit ---- */

static void a_submitted_job_is_stored_and_gets_a_receipt(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "first", "");
    uint64_t before = accepted_reminders();
    reply r = ask_one("submit", text);
    assert_int_equal(r.n, 1);
    says(&r, 0, "\"verdict\":\"accepted\",\"id\":\"first\",\"receipt\":\"");
    assert_int_equal(accepted_reminders(), before + 1);
    char receipt[64];
    gw_id rid;
    member(r.text[0], "receipt", receipt);
    char want[GW_ID_TEXT];
    intake_reminder_id(server.id_key, GW_STR("erp"), GW_STR("first"), &rid);
    gw_id_format(&rid, want);
    assert_string_equal(receipt, want);
}

static void the_same_job_twice_gets_the_first_receipt(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "twice", ",\"facts\":{\"x\":[1,2.50,null],\"y\":\"\xc3\xa4\"}");
    reply a = ask_one("submit", text);
    uint64_t before = accepted_reminders();
    reply b = ask_one("submit", text);
    says(&b, 0, "\"verdict\":\"duplicate\"");
    assert_string_equal(strstr(a.text[0], "\"receipt\""), strstr(b.text[0], "\"receipt\""));
    reply c = ask_one(
        "submit", "{ \"facts\":{\"y\":\"\\u00e4\",\"x\":[1,2.50,null]}, \"template\":\"letter\","
                  "\"channel\":\"email\",\"source\":\"erp\",\"debtor\":\"d1\",\"id\":\"twice\" }");
    says(&c, 0, "\"verdict\":\"duplicate\"");
    assert_string_equal(strstr(a.text[0], "\"receipt\""), strstr(c.text[0], "\"receipt\""));
    assert_int_equal(accepted_reminders(), before);
}

static void another_content_under_a_known_id_is_a_conflict(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "conflict", "");
    ask_one("submit", text);
    job(text, "conflict", ",\"tone\":2");
    reply r = ask_one("submit", text);
    says(&r, 0, "\"verdict\":\"rejected\",\"code\":\"conflict\"");
}

/* Of debtors in every shard. */
static void another_debtor_under_a_known_id_is_a_conflict(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "one-debtor", "");
    reply first = ask_one("submit", text);
    says(&first, 0, "accepted");
    uint64_t before = accepted_reminders();
    for (int i = 0; i < 100; i++) {
        snprintf(text, TEXT,
                 "{\"id\":\"one-debtor\",\"debtor\":\"other-%d\",\"channel\":\"email\","
                 "\"template\":\"letter\"}",
                 i);
        reply r = ask_one("submit", text);
        says(&r, 0, "\"verdict\":\"rejected\",\"code\":\"conflict\"");
        says(&r, 0, "another debtor");
    }
    assert_int_equal(accepted_reminders(), before);
    job(text, "one-debtor", "");
    reply again = ask_one("submit", text);
    says(&again, 0, "duplicate");
}

static void of_two_debtors_in_one_message_the_first_gets_the_job_id(void **unused)
{
    (void)unused;
    char text[2][TEXT];
    for (int i = 0; i < 2; i++)
        snprintf(text[i], TEXT,
                 "{\"id\":\"pair\",\"debtor\":\"pair-%d\",\"channel\":\"email\",\"template\":"
                 "\"letter\"}",
                 i);
    reply r = ask(dealer, "submit", (const char *[]){text[0], text[1], text[0]}, 3);
    says(&r, 0, "accepted");
    says(&r, 1, "conflict");
    says(&r, 2, "duplicate");
}

static void ids_that_the_gateway_gives_its_own_jobs_are_refused(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "opt-out:1", "");
    reply r = ask_one("submit", text);
    says(&r, 0, "\"code\":\"invalid\"");
    says(&r, 0, "\"pointer\":\"/id\"");
    says(&r, 0, "opt-out:");
}

static void two_sources_may_use_the_same_id(void **unused)
{
    (void)unused;
    char text[TEXT];
    void *zmq;
    job(text, "shared", "");
    ask_one("submit", text);
    job(text, "shared", ",\"tone\":2");
    void *crm = intake_server_connect(&server, &server.crm, &zmq);
    reply r = ask(crm, "submit", (const char *[]){text}, 1);
    says(&r, 0, "accepted");
    hang_up(crm, zmq);
}

static void a_batch_of_good_and_bad_is_answered_in_order(void **unused)
{
    (void)unused;
    char text[6][TEXT];
    job(text[0], "b0", "");
    job(text[1], "b1", ",\"colour\":1");
    job(text[2], "b2", "");
    job(text[3], "b2", "");
    job(text[4], "b4",
        ",\"not_before\":\"2013-02-02T00:00:00Z\",\"not_after\":"
        "\"2013-02-01T00:00:00Z\"");
    snprintf(text[5], TEXT, "{\"id\":");
    reply r = ask(dealer, "submit",
                  (const char *[]){text[0], text[1], text[2], text[3], text[4], text[5]}, 6);
    assert_int_equal(r.n, 6);
    says(&r, 0, "\"verdict\":\"accepted\",\"id\":\"b0\"");
    says(&r, 1, "\"code\":\"invalid\"");
    says(&r, 1, "unknown member \\\"colour\\\"");
    says(&r, 1, "\"pointer\":\"/colour\"");
    says(&r, 2, "\"verdict\":\"accepted\",\"id\":\"b2\"");
    says(&r, 3, "\"verdict\":\"duplicate\",\"id\":\"b2\"");
    says(&r, 4, "\"pointer\":\"/not_after\"");
    says(&r, 5, "\"code\":\"malformed\"");
}

static void a_task_is_what_people_do_and_nothing_is_sent_that_nobody_sends(void **unused)
{
    (void)unused;
    static const struct {
        const char *channel, *kind, *says;
    } rows[] = {
        {"voice", "task", "accepted"},      {"letter", "task", "accepted"},
        {"visit", "task", "accepted"},      {"desk", "task", "accepted"},
        {"voice", "send", "accepted"},      {"email", "send", "accepted"},
        {"email", "task", "\"/channel\""},  {"sms", "task", "\"/channel\""},
        {"letter", "send", "\"/channel\""}, {"desk", NULL, "\"/channel\""},
        {"voice", "handoff", "\"/kind\""},  {"fax", "task", "\"/channel\""},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char text[TEXT];
        snprintf(text, TEXT,
                 "{\"id\":\"kind-%zu\",\"debtor\":\"d1\",\"channel\":\"%s\",\"template\":"
                 "\"letter\"%s%s%s}",
                 i, rows[i].channel, rows[i].kind ? ",\"kind\":\"" : "",
                 rows[i].kind ? rows[i].kind : "", rows[i].kind ? "\"" : "");
        reply r = ask(dealer, "submit", (const char *[]){text}, 1);
        says(&r, 0, rows[i].says);
    }
}

static void many_clients_at_once_get_their_own_answers(void **unused)
{
    (void)unused;
    enum { CLIENTS = 8, ROUNDS = 20 };
    void *sockets[CLIENTS];
    void *contexts[CLIENTS];
    for (int c = 0; c < CLIENTS; c++)
        sockets[c] =
            intake_server_connect(&server, c % 2 ? &server.erp : &server.crm, &contexts[c]);
    for (int i = 0; i < ROUNDS; i++)
        for (int c = 0; c < CLIENTS; c++) {
            char text[TEXT];
            char id[32];
            snprintf(id, sizeof id, "m%d-%d", c, i);
            job(text, id, "");
            send_frames(sockets[c], (const char *[]){"DUN1", "submit", id, text}, 4);
        }
    for (int i = 0; i < ROUNDS; i++)
        for (int c = 0; c < CLIENTS; c++) {
            char want[64];
            reply r;
            assert_true(receive(sockets[c], PATIENCE_MS, &r));
            snprintf(want, sizeof want, "m%d-%d", c, i);
            assert_string_equal(r.id, want);
            says(&r, 0, want);
            says(&r, 0, "accepted");
        }
    for (int c = 0; c < CLIENTS; c++)
        hang_up(sockets[c], contexts[c]);
}

/* ---- envelopes ---- */

static void malformed_envelopes_are_answered_with_a_reason(void **unused)
{
    (void)unused;
    char long_id[INTAKE_REQUEST_ID_MAX + 2];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    const struct {
        const char *frames[4];
        size_t n;
        const char *says;
    } rows[] = {
        {{"DUN0", "submit", "q", "{}"}, 4, "DUN1"},
        {{"DUN1", "shout", "q", "{}"}, 4, "unknown verb"},
        {{"DUN1", "submit", "q"}, 3, "at least one body"},
        {{"DUN1", "submit"}, 2, "at least one body"},
        {{"DUN1"}, 1, "at least one body"},
        {{"x"}, 1, "DUN1"},
        {{"", "", ""}, 3, "DUN1"},
        {{"DUN1", "submit", long_id, "{}"}, 4, "128 bytes"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        reply r;
        send_frames(dealer, rows[i].frames, rows[i].n);
        if (rows[i].frames[0][0] == '\0') { /* the empty frame comes back first */
            char byte;
            assert_int_equal(zmq_recv(dealer, &byte, 1, 0), 0);
        }
        assert_true(receive(dealer, PATIENCE_MS, &r));
        assert_int_equal(r.n, 1);
        says(&r, 0, "\"code\":\"malformed\"");
        says(&r, 0, rows[i].says);
    }
}

static void a_req_socket_works_as_well(void **unused)
{
    (void)unused;
    static const curve_options options = {.message_bytes_max = 1 << 20};
    void *zmq = zmq_ctx_new();
    void *req;
    gw_err err = {0};
    char text[TEXT];
    reply r;
    assert_int_equal(curve_client(zmq, ZMQ_REQ, intake_endpoint(server.intake),
                                  server.server.public_key, &server.erp, &options, &req, &err),
                     GW_OK);
    job(text, "req", "");
    send_frames(req, (const char *[]){"DUN1", "submit", "q", text}, 4);
    assert_true(receive(req, PATIENCE_MS, &r));
    says(&r, 0, "accepted");
    hang_up(req, zmq);
}

static void send_big(void *socket, size_t bytes, bool more)
{
    GW_AUTO_FREE char *big = malloc(bytes);
    assert_non_null(big);
    memset(big, ' ', bytes);
    assert_int_equal(zmq_send(socket, big, bytes, more ? ZMQ_SNDMORE : 0), bytes);
}

static void a_body_of_thirty_megabytes_is_refused_with_a_verdict(void **unused)
{
    (void)unused;
    char text[TEXT];
    reply r;
    job(text, "beside-big", "");
    send_frames(dealer, (const char *[]){"DUN1"}, 0);
    zmq_send(dealer, "DUN1", 4, ZMQ_SNDMORE);
    zmq_send(dealer, "submit", 6, ZMQ_SNDMORE);
    zmq_send(dealer, "big", 3, ZMQ_SNDMORE);
    send_big(dealer, (size_t)30 * 1024 * 1024, true);
    zmq_send(dealer, text, strlen(text), 0);
    assert_true(receive(dealer, PATIENCE_MS, &r));
    assert_int_equal(r.n, 2);
    says(&r, 0, "\"code\":\"too-large\"");
    says(&r, 1, "accepted");
}

static void a_message_past_its_limits_is_refused_as_a_whole(void **unused)
{
    (void)unused;
    reply r;
    zmq_send(dealer, "DUN1", 4, ZMQ_SNDMORE);
    zmq_send(dealer, "submit", 6, ZMQ_SNDMORE);
    zmq_send(dealer, "many", 4, ZMQ_SNDMORE);
    for (int i = 0; i <= INTAKE_BODIES_MAX; i++)
        zmq_send(dealer, "{}", 2, i < INTAKE_BODIES_MAX ? ZMQ_SNDMORE : 0);
    assert_true(receive(dealer, PATIENCE_MS, &r));
    assert_int_equal(r.n, 1);
    says(&r, 0, "4096 bodies");
    zmq_send(dealer, "DUN1", 4, ZMQ_SNDMORE);
    zmq_send(dealer, "submit", 6, ZMQ_SNDMORE);
    zmq_send(dealer, "heavy", 5, ZMQ_SNDMORE);
    send_big(dealer, (size_t)20 * 1024 * 1024, true);
    send_big(dealer, (size_t)20 * 1024 * 1024, false);
    assert_true(receive(dealer, PATIENCE_MS, &r));
    assert_int_equal(r.n, 1);
    says(&r, 0, "32 MiB");
}

static void a_frame_past_the_socket_limit_cuts_only_that_client_off(void **unused)
{
    (void)unused;
    void *zmq;
    reply r;
    char text[TEXT];
    void *rude = intake_server_connect(&server, &server.crm, &zmq);
    zmq_send(rude, "DUN1", 4, ZMQ_SNDMORE);
    zmq_send(rude, "submit", 6, ZMQ_SNDMORE);
    zmq_send(rude, "q", 1, ZMQ_SNDMORE);
    send_big(rude, (size_t)INTAKE_MESSAGE_MAX + 1, false);
    assert_false(receive(rude, GLANCE_MS, &r));
    job(text, "after-rude", "");
    r = ask_one("submit", text);
    says(&r, 0, "accepted");
    hang_up(rude, zmq);
}

/* ---- roles ---- */

static void a_client_acts_for_itself_only(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "role", ",\"source\":\"crm\"");
    reply r = ask_one("submit", text);
    says(&r, 0, "\"code\":\"refused\"");
    says(&r, 0, "\"pointer\":\"/source\"");
    r = ask_one("pause", "{}");
    says(&r, 0, "for operators");
}

static void an_operator_names_the_source(void **unused)
{
    (void)unused;
    void *zmq;
    char text[TEXT];
    char receipt[64];
    char want[GW_ID_TEXT];
    gw_id rid;
    void *ann = intake_server_connect(&server, &server.ann, &zmq);
    job(text, "by-ann", "");
    reply r = ask(ann, "submit", (const char *[]){text}, 1);
    says(&r, 0, "\"pointer\":\"/source\"");
    job(text, "by-ann", ",\"source\":\"erp\"");
    r = ask(ann, "submit", (const char *[]){text}, 1);
    says(&r, 0, "accepted");
    member(r.text[0], "receipt", receipt);
    intake_reminder_id(server.id_key, GW_STR("erp"), GW_STR("by-ann"), &rid);
    gw_id_format(&rid, want);
    assert_string_equal(receipt, want);
    job(text, "by-ann", ""); /* the source itself repeats it without naming itself */
    r = ask_one("submit", text);
    says(&r, 0, "duplicate");
    hang_up(ann, zmq);
}

static void a_revoked_client_is_told_so_on_its_open_connection(void **unused)
{
    (void)unused;
    char path[256];
    char away[300];
    char text[TEXT];
    void *zmq;
    void *crm = intake_server_connect(&server, &server.crm, &zmq);
    job(text, "gone", "");
    ask(crm, "submit", (const char *[]){text}, 1);
    snprintf(path, sizeof path, "%s/clients/crm.pub", server.folder);
    snprintf(away, sizeof away, "%s/crm.away", server.folder);
    assert_int_equal(rename(path, away), 0);
    gw_mono from = gw_mono_now();
    reply r;
    do
        r = ask(crm, "submit", (const char *[]){text}, 1);
    while (!strstr(r.text[0], "revoked") && gw_mono_now().ms - from.ms < PATIENCE_MS);
    says(&r, 0, "\"code\":\"refused\"");
    says(&r, 0, "revoked");
    assert_int_equal(rename(away, path), 0);
    hang_up(crm, zmq);
}

/* ---- events ---- */

static void events_of_one_message_build_on_each_other(void **unused)
{
    (void)unused;
    reply r = ask(dealer, "item",
                  (const char *[]){"{\"id\":\"e1\",\"debtor\":\"de\",\"due\":\"2013-02-01\","
                                   "\"amount_minor\":100,\"currency\":\"EUR\"}",
                                   "{\"id\":\"e2\",\"debtor\":\"de\",\"due\":\"2013-02-01\","
                                   "\"amount_minor\":100,\"currency\":\"EUR\"}"},
                  2);
    says(&r, 0, "accepted");
    says(&r, 1, "accepted");
#define PAY(id, item, amount)                                                                      \
    "{\"id\":\"" id "\",\"debtor\":\"de\",\"item\":\"" item "\",\"amount_minor\":" amount          \
    ",\"currency\":\"EUR\",\"at\":\"2013-02-01T00:00:00Z\"}"
    r = ask(dealer, "payment",
            (const char *[]){PAY("p1", "e1", "60"), PAY("p1", "e1", "60"), PAY("p2", "e1", "41"),
                             PAY("p3", "e1", "40"), PAY("p4", "e2", "1"), PAY("p5", "e9", "1")},
            6);
    says(&r, 0, "accepted");
    says(&r, 1, "duplicate");
    says(&r, 2, "overpaid");
    says(&r, 3, "accepted");
    says(&r, 4, "accepted");
    says(&r, 5, "unknown-item");
    gw_id did;
    state_debtor d;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("de"), &did);
    assert_int_equal(state_load_debtors(store, &did, 1, arena, &d, &err), GW_OK);
    assert_int_equal(d.debtor.version, 5);
    assert_non_null(strstr(state_get(&d.items, "i:e1").p, "\"state\":\"paid\""));
    assert_non_null(strstr(state_get(&d.items, "i:e2").p, "\"paid_minor\":1"));
}

/* ---- what is said at an address (bind.h) ---- */

static void debtor_at(char text[TEXT], const char *id, const char *email)
{
    snprintf(text, TEXT,
             "{\"id\":\"%s\",\"name\":\"N\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
             "\"contacts\":[{\"role\":\"primary\",\"name\":\"P\",\"email\":\"%s\",\"designated\":"
             "true}]}",
             id, email);
}

static void stop_of(char text[TEXT], const char *debtor, const char *email)
{
    snprintf(text, TEXT,
             "{\"id\":\"stop-%s\",\"debtor\":\"%s\",\"channel\":\"email\",\"address\":\"%s\","
             "\"status\":\"withdrawn\",\"source\":\"letter\"}",
             debtor, debtor, email);
}

static bool is_withdrawn(const char *source, const char *debtor, const char *email)
{
    gw_id did;
    gw_err err = {0};
    state_debtor found;
    char field[128];
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    intake_debtor_id(server.id_key, gw_str_of(source), gw_str_of(debtor), &did);
    assert_int_equal(state_load_debtors(store, &did, 1, arena, &found, &err), GW_OK);
    snprintf(field, sizeof field, "o:email:%s", email);
    gw_str value = state_get(&found.debtor, field);
    return value.n && memmem(value.p, value.n, "\"withdrawn\"", 11);
}

static void an_opt_out_answered_for_one_debtor_binds_the_address_of_all(void **unused)
{
    (void)unused;
    static const char at[] = "shared@debtor.example.test";
    char a[TEXT], b[TEXT], c[TEXT], stop_text[TEXT];
    void *zmq;
    void *crm = intake_server_connect(&server, &server.crm, &zmq);
    debtor_at(a, "bind-a", at);
    debtor_at(b, "bind-b", at);
    debtor_at(c, "bind-c", at);
    stop_of(stop_text, "bind-a", at);
    reply r = ask(dealer, "debtor", (const char *[]){a, b}, 2);
    says(&r, 0, "accepted");
    says(&r, 1, "accepted");
    r = ask_one("consent", stop_text);
    says(&r, 0, "accepted");
    assert_true(is_withdrawn("erp", "bind-a", at));
    assert_true(is_withdrawn("erp", "bind-b", at));
    r = ask(crm, "debtor", (const char *[]){c}, 1); /* another billing system, later */
    says(&r, 0, "accepted");
    assert_true(is_withdrawn("crm", "bind-c", at));
    r = ask(crm, "debtor", (const char *[]){c}, 1);
    says(&r, 0, "duplicate");
    hang_up(crm, zmq);
}

static void a_refused_opt_out_binds_nobody(void **unused)
{
    (void)unused;
    static const char at[] = "refused@debtor.example.test";
    char a[TEXT], b[TEXT], stop_text[TEXT];
    debtor_at(a, "ref-a", at);
    debtor_at(b, "ref-b", at);
    reply r = ask_one("debtor", a);
    says(&r, 0, "accepted");
    snprintf(stop_text, TEXT,
             "{\"id\":\"stop-x\",\"debtor\":\"ref-a\",\"channel\":\"email\",\"address\":\"%s\","
             "\"status\":\"withdrawn\",\"source\":\"letter\",\"until\":\"2030-01-01T00:00:00Z\"}",
             at);
    r = ask_one("consent", stop_text);
    says(&r, 0, "invalid");
    r = ask_one("debtor", b);
    says(&r, 0, "accepted");
    assert_false(is_withdrawn("erp", "ref-b", at));
}

static void many_events_of_one_debtor_go_through_in_one_message(void **unused)
{
    (void)unused;
    enum { PAYMENTS = 40 };
    static char text[PAYMENTS][TEXT];
    const char *bodies[PAYMENTS];
    ask_one("item", "{\"id\":\"mi\",\"debtor\":\"md\",\"due\":\"2013-02-01\",\"amount_minor\":40,"
                    "\"currency\":\"EUR\"}");
    for (int i = 0; i < PAYMENTS; i++) {
        snprintf(text[i], TEXT,
                 "{\"id\":\"mp%d\",\"debtor\":\"md\",\"item\":\"mi\",\"amount_minor\":1,"
                 "\"currency\":\"EUR\"}",
                 i);
        bodies[i] = text[i];
    }
    reply r = ask(dealer, "payment", bodies, PAYMENTS);
    for (size_t i = 0; i < PAYMENTS; i++)
        says(&r, i, "accepted");
}

/* The id of a thing is one debtor's; what would have been stored on top of it is looked at again.
 */
static void events_of_another_debtor_under_a_known_id_are_conflicts(void **unused)
{
    (void)unused;
#define ITEM(id, debtor)                                                                           \
    "{\"id\":\"" id "\",\"debtor\":\"" debtor                                                      \
    "\",\"due\":\"2013-02-01\",\"amount_minor\":100,\"currency\":\"EUR\"}"
#define PAID(id, debtor, item)                                                                     \
    "{\"id\":\"" id "\",\"debtor\":\"" debtor "\",\"item\":\"" item                                \
    "\",\"amount_minor\":10,\"currency\":\"EUR\"}"
    reply r = ask(dealer, "item",
                  (const char *[]){ITEM("o1", "own"), ITEM("o1", "foe"), ITEM("f1", "foe"),
                                   ITEM("o1", "own"), ITEM("f2", "foe")},
                  5);
    static const char *const items[] = {"accepted", "conflict", "accepted", "duplicate",
                                        "accepted"};
    for (size_t i = 0; i < GW_COUNT(items); i++)
        says(&r, i, items[i]);
    r = ask(dealer, "payment",
            (const char *[]){PAID("op", "own", "o1"), PAID("op", "foe", "f1"),
                             PAID("fp", "foe", "f1"), PAID("op", "own", "o1")},
            4);
    static const char *const payments[] = {"accepted", "conflict", "accepted", "duplicate"};
    for (size_t i = 0; i < GW_COUNT(payments); i++)
        says(&r, i, payments[i]);
    static const struct {
        const char *verb, *own, *foe;
    } rows[] = {
        {"promise", "{\"id\":\"om\",\"debtor\":\"own\",\"date\":\"2013-02-03\"}",
         "{\"id\":\"om\",\"debtor\":\"foe\",\"date\":\"2013-02-03\"}"},
        {"dispute", "{\"id\":\"ou\",\"debtor\":\"own\",\"state\":\"open\"}",
         "{\"id\":\"ou\",\"debtor\":\"foe\",\"state\":\"open\"}"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        r = ask_one(rows[i].verb, rows[i].own);
        says(&r, 0, "accepted");
        r = ask_one(rows[i].verb, rows[i].foe);
        says(&r, 0, "conflict");
        says(&r, 0, "another debtor");
    }
    r = ask_one("item", ITEM("o1", "foe")); /* changing it is no way around */
    says(&r, 0, "conflict");
    gw_id did;
    state_debtor d;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("foe"), &did);
    assert_int_equal(state_load_debtors(store, &did, 1, arena, &d, &err), GW_OK);
    static const char *const absent[] = {"i:o1", "y:op", "m:om", "u:ou"};
    for (size_t i = 0; i < GW_COUNT(absent); i++)
        assert_null(state_get(&d.items, absent[i]).p);
    assert_non_null(strstr(state_get(&d.items, "i:f1").p, "\"paid_minor\":10"));
    assert_int_equal(d.debtor.version, 3);
}

static void a_refused_event_does_not_keep_its_id(void **unused)
{
    (void)unused;
    reply r = ask_one("item", ITEM("right-item", "right"));
    says(&r, 0, "accepted");
    r = ask_one("payment", PAID("moved", "wrong", "right-item"));
    says(&r, 0, "unknown-item");
    r = ask_one("payment", PAID("moved", "right", "right-item"));
    says(&r, 0, "accepted");
}

/* What protects a debtor is never refused for an id that was used elsewhere. */
static void acts_that_protect_count_whatever_their_id(void **unused)
{
    (void)unused;
    static const char *const debtors[] = {"act-1", "act-2"};
    char text[TEXT];
    uint64_t before = accepted_reminders();
    for (size_t i = 0; i < GW_COUNT(debtors); i++) {
        snprintf(text, TEXT,
                 "{\"id\":\"act\",\"debtor\":\"%s\",\"kind\":\"lawyer\",\"state\":\"set\",\"by\":"
                 "\"legal\"}",
                 debtors[i]);
        reply r = ask_one("hold", text);
        says(&r, 0, "accepted");
        snprintf(
            text, TEXT,
            "{\"id\":\"act\",\"debtor\":\"%s\",\"channel\":\"email\",\"address\":"
            "\"a@%s.example.test\",\"status\":\"withdrawn\",\"source\":\"call\",\"confirm\":true}",
            debtors[i], debtors[i]);
        r = ask_one("consent", text);
        says(&r, 0, "accepted");
        gw_id did;
        state_debtor d;
        gw_err err = {0};
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
        intake_debtor_id(server.id_key, GW_STR("erp"), gw_str_of(debtors[i]), &did);
        assert_int_equal(state_load_debtors(store, &did, 1, arena, &d, &err), GW_OK);
        char field[64];
        snprintf(field, sizeof field, "o:email:a@%s.example.test", debtors[i]);
        assert_non_null(strstr(state_get(&d.debtor, field).p, "withdrawn"));
    }
    /* the job "opt-out:act" is the first debtor's: one confirmation under that id, not two */
    assert_int_equal(accepted_reminders(), before + 1);
}

typedef struct {
    int first;
    int accepted;
} payer;

static void *pay_many(void *arg)
{
    payer *p = arg;
    void *zmq;
    void *socket = intake_server_connect(&server, &server.erp, &zmq);
    for (int i = 0; i < 20; i++) {
        char text[TEXT];
        snprintf(text, sizeof text,
                 "{\"id\":\"r%d\",\"debtor\":\"race\",\"item\":\"x\",\"amount_minor\":1,"
                 "\"currency\":\"EUR\",\"at\":\"2013-02-01T00:00:00Z\"}",
                 p->first + i);
        send_frames(socket, (const char *[]){"DUN1", "payment", "q", text}, 4);
        reply r;
        if (receive(socket, PATIENCE_MS, &r) && strstr(r.text[0], "accepted"))
            p->accepted++;
    }
    hang_up(socket, zmq);
    return NULL;
}

static void racing_payments_are_all_counted_once(void **unused)
{
    (void)unused;
    payer payers[3] = {{0, 0}, {100, 0}, {200, 0}};
    pthread_t threads[3];
    ask_one("item", "{\"id\":\"x\",\"debtor\":\"race\",\"due\":\"2013-02-01\",\"amount_minor\":60,"
                    "\"currency\":\"EUR\"}");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pay_many, &payers[i]), 0);
    int accepted = 0;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        accepted += payers[i].accepted;
    }
    assert_int_equal(accepted, 60);
    reply r = ask_one("payment", "{\"id\":\"last\",\"debtor\":\"race\",\"item\":\"x\","
                                 "\"amount_minor\":1,\"currency\":\"EUR\"}");
    says(&r, 0, "overpaid");
}

static void an_accepted_event_leaves_a_record_and_wakes_the_debtor(void **unused)
{
    (void)unused;
    ask_one("hold", "{\"id\":\"hold-1\",\"debtor\":\"held\",\"kind\":\"lawyer\",\"state\":\"set\","
                    "\"by\":\"legal\"}");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    gw_err err = {0};
    gw_str from[STATE_SHARDS] = {{NULL, 0}};
    state_outbox_entry *entries;
    size_t n;
    gw_id did;
    bool found = false;
    assert_int_equal(state_outbox_read(store, from, 4096, 0, arena, &entries, &n, &err), GW_OK);
    for (size_t i = 0; i < n; i++)
        found |= strcmp(entries[i].rec.event, EVENT_HOLD) == 0 &&
                 gw_str_is(entries[i].rec.debtor, "held") && gw_str_is(entries[i].rec.why, "set");
    assert_true(found);
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("held"), &did);
    state_due_entry *due;
    uint8_t mask[STATE_SHARDS] = {0};
    mask[state_shard(&did)] = 1;
    bool woken = false;
    assert_int_equal(
        state_due(store, mask, 'w', gw_clock_now(server.clock), 65536, arena, &due, &n, &err),
        GW_OK);
    for (size_t i = 0; i < n; i++)
        woken |= due[i].kind == 'd' && memcmp(due[i].id.b, did.b, sizeof did.b) == 0;
    assert_true(woken);
}

static void a_job_wakes_dispatch_in_its_shard_and_an_event_everywhere(void **unused)
{
    (void)unused;
    char text[TEXT];
    gw_id did;
    job(text, "wakes", "");
    intake_debtor_id(server.id_key, GW_STR("erp"), GW_STR("d1"), &did);
    atomic_store(&told_jobs, 0);
    atomic_store(&told_changed, 0);
    ask_one("submit", text);
    assert_int_equal(atomic_load(&told_jobs), UINT64_C(1) << state_shard(&did));
    assert_int_equal(atomic_load(&told_changed), 0);
    atomic_store(&told_jobs, 0);
    ask_one("submit", text); /* a duplicate is no news */
    reply r = ask_one("item", "{\"id\":\"wakes\",\"debtor\":\"d1\",\"due\":\"2013-02-01\","
                              "\"amount_minor\":1,\"currency\":\"EUR\"}");
    says(&r, 0, "accepted");
    assert_int_equal(atomic_load(&told_jobs), 0);
    assert_true(atomic_load(&told_changed) == UINT64_MAX);
}

/* ---- acts and questions ---- */

static void pauses_are_kept_and_lifted(void **unused)
{
    (void)unused;
    void *zmq;
    state_hash pauses;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    void *ann = intake_server_connect(&server, &server.ann, &zmq);
    reply r = ask(ann, "pause", (const char *[]){"{\"channel\":\"email\"}"}, 1);
    says(&r, 0, "\"verdict\":\"accepted\",\"id\":\"channel:email\"");
    assert_int_equal(state_control_get(store, arena, &pauses, &err), GW_OK);
    assert_non_null(strstr(state_get(&pauses, "channel:email").p, "\"by\":\"ann\""));
    r = ask(ann, "resume", (const char *[]){"{\"channel\":\"email\"}"}, 1);
    says(&r, 0, "accepted");
    assert_int_equal(state_control_get(store, arena, &pauses, &err), GW_OK);
    assert_int_equal(state_get(&pauses, "channel:email").n, 0);
    r = ask(ann, "pause", (const char *[]){"{\"channel\":\"email\",\"template\":\"x\"}"}, 1);
    says(&r, 0, "\"code\":\"invalid\"");
    hang_up(ann, zmq);
}

static void what_nobody_answers_is_said_to_be_unavailable(void **unused)
{
    (void)unused;
    reply r = ask_one("query", "{\"what\":\"status\"}");
    says(&r, 0, "\"code\":\"unavailable\"");
    r = ask_one("cancel", "{\"job\":\"first\"}");
    says(&r, 0, "\"code\":\"unavailable\"");
    r = ask_one("cancel", "{\"job\":\"first\",\"item\":\"i\"}");
    says(&r, 0, "\"code\":\"invalid\"");
    r = ask_one("cancel", "{\"item\":\"i\"}");
    says(&r, 0, "\"pointer\":\"/debtor\"");
    r = ask_one("cancel", "{\"item\":\"i\",\"debtor\":\"d1\"}");
    says(&r, 0, "unknown-item");
}

/* ---- faults ---- */

static void accepted_jobs_survive_the_kill_of_the_store(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "before-kill", "");
    reply a = ask_one("submit", text);
    says(&a, 0, "accepted");
    redis_server_kill(server.redis);
    char other[TEXT];
    job(other, "while-down", "");
    reply r = ask_one("submit", other);
    says(&r, 0, "\"verdict\":\"busy\",\"retry_after_ms\":");
    r = ask_one("item", "{\"id\":\"k\",\"debtor\":\"d1\",\"due\":\"2013-02-01\",\"amount_minor\":1,"
                        "\"currency\":\"EUR\"}");
    says(&r, 0, "busy");
    assert_true(redis_server_restart(server.redis));
    gw_mono from = gw_mono_now();
    do
        r = ask_one("submit", other);
    while (strstr(r.text[0], "busy") && gw_mono_now().ms - from.ms < PATIENCE_MS);
    says(&r, 0, "\"id\":\"while-down\"");
    r = ask_one("submit", text);
    says(&r, 0, "duplicate");
    assert_string_equal(strstr(a.text[0], "\"receipt\""), strstr(r.text[0], "\"receipt\""));
}

static void a_silent_store_means_busy_and_nothing_is_lost(void **unused)
{
    (void)unused;
    char text[TEXT];
    job(text, "silent", "");
    redis_server_stop(server.redis);
    reply r = ask_one("submit", text);
    says(&r, 0, "busy");
    redis_server_continue(server.redis);
    gw_mono from = gw_mono_now();
    do
        r = ask_one("submit", text);
    while (strstr(r.text[0], "busy") && gw_mono_now().ms - from.ms < PATIENCE_MS);
    assert_null(strstr(r.text[0], "rejected")); /* accepted, or a duplicate of the one in doubt */
    r = ask_one("submit", text);
    says(&r, 0, "duplicate");
}

static void a_full_outbox_means_busy_until_it_is_emptied(void **unused)
{
    (void)unused;
    server.config.outbox_max = 1;
    hang_up(dealer, dealer_zmq);
    assert_true(intake_server_restart(&server));
    dealer = intake_server_connect(&server, &server.erp, &dealer_zmq);
    char text[TEXT];
    reply r;
    int i = 0;
    do { /* some shard's outbox holds an entry already */
        char id[32];
        snprintf(id, sizeof id, "full-%d", i++);
        job(text, id, "");
        r = ask_one("submit", text);
    } while (!strstr(r.text[0], "busy") && i < 3);
    says(&r, 0, "\"verdict\":\"busy\",\"retry_after_ms\":250");
    intake_counts counts;
    intake_count(server.intake, &counts);
    assert_true(counts.busy >= 1);
    server.config.outbox_max = 0;
    hang_up(dealer, dealer_zmq);
    assert_true(intake_server_restart(&server));
    dealer = intake_server_connect(&server, &server.erp, &dealer_zmq);
    r = ask_one("submit", text);
    says(&r, 0, "accepted");
}

static void intake_refuses_to_start_without_its_schemas(void **unused)
{
    (void)unused;
    intake_config config = server.config;
    intake *in = NULL;
    gw_err err = {0};
    config.schema_folder = server.folder;
    assert_int_equal(intake_start(&config, &in, &err), GW_ENOTFOUND);
    assert_non_null(strstr(err.text, "submit.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submitted_job_is_stored_and_gets_a_receipt),
        cmocka_unit_test(the_same_job_twice_gets_the_first_receipt),
        cmocka_unit_test(another_content_under_a_known_id_is_a_conflict),
        cmocka_unit_test(another_debtor_under_a_known_id_is_a_conflict),
        cmocka_unit_test(of_two_debtors_in_one_message_the_first_gets_the_job_id),
        cmocka_unit_test(ids_that_the_gateway_gives_its_own_jobs_are_refused),
        cmocka_unit_test(two_sources_may_use_the_same_id),
        cmocka_unit_test(a_batch_of_good_and_bad_is_answered_in_order),
        cmocka_unit_test(a_task_is_what_people_do_and_nothing_is_sent_that_nobody_sends),
        cmocka_unit_test(many_clients_at_once_get_their_own_answers),
        cmocka_unit_test(malformed_envelopes_are_answered_with_a_reason),
        cmocka_unit_test(a_req_socket_works_as_well),
        cmocka_unit_test(a_body_of_thirty_megabytes_is_refused_with_a_verdict),
        cmocka_unit_test(a_message_past_its_limits_is_refused_as_a_whole),
        cmocka_unit_test(a_frame_past_the_socket_limit_cuts_only_that_client_off),
        cmocka_unit_test(a_client_acts_for_itself_only),
        cmocka_unit_test(an_operator_names_the_source),
        cmocka_unit_test(a_revoked_client_is_told_so_on_its_open_connection),
        cmocka_unit_test(events_of_one_message_build_on_each_other),
        cmocka_unit_test(many_events_of_one_debtor_go_through_in_one_message),
        cmocka_unit_test(an_opt_out_answered_for_one_debtor_binds_the_address_of_all),
        cmocka_unit_test(a_refused_opt_out_binds_nobody),
        cmocka_unit_test(events_of_another_debtor_under_a_known_id_are_conflicts),
        cmocka_unit_test(a_refused_event_does_not_keep_its_id),
        cmocka_unit_test(acts_that_protect_count_whatever_their_id),
        cmocka_unit_test(racing_payments_are_all_counted_once),
        cmocka_unit_test(an_accepted_event_leaves_a_record_and_wakes_the_debtor),
        cmocka_unit_test(a_job_wakes_dispatch_in_its_shard_and_an_event_everywhere),
        cmocka_unit_test(pauses_are_kept_and_lifted),
        cmocka_unit_test(what_nobody_answers_is_said_to_be_unavailable),
        cmocka_unit_test(accepted_jobs_survive_the_kill_of_the_store),
        cmocka_unit_test(a_silent_store_means_busy_and_nothing_is_lost),
        cmocka_unit_test(a_full_outbox_means_busy_until_it_is_emptied),
        cmocka_unit_test(intake_refuses_to_start_without_its_schemas),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
