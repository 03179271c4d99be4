/* Intake through real sockets onto a real redis-server: jobs, envelopes, roles, acts, faults. */
#include "tests/gateway/intake/talk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

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
        cmocka_unit_test(pauses_are_kept_and_lifted),
        cmocka_unit_test(what_nobody_answers_is_said_to_be_unavailable),
        cmocka_unit_test(accepted_jobs_survive_the_kill_of_the_store),
        cmocka_unit_test(a_silent_store_means_busy_and_nothing_is_lost),
        cmocka_unit_test(a_full_outbox_means_busy_until_it_is_emptied),
        cmocka_unit_test(intake_refuses_to_start_without_its_schemas),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
