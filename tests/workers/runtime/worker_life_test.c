/* A worker between a gateway and a mail server, both played by the test over real sockets. */
#include "gateway/base/id.h"
#include "tests/support/smtp_server.h"
#include "tests/workers/runtime/fake_gateway.h"
#include "workers/email/compose.h"
#include "workers/email/email.h"
#include "workers/runtime/worker.h"

#include <dirent.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOON_MS = 10000, NEVER_MS = 300 };

static const char facts[] =
    "{\"creditor\":{\"name\":\"Creditor Ltd\",\"email\":\"help@creditor.example.test\"},"
    "\"debtor\":{\"id\":\"D1\",\"name\":\"Debtor GmbH\"},\"contact\":{\"name\":\"Ann Debtor\"},"
    "\"reference\":\"INV-1\",\"date\":\"2013-01-22\",\"statement\":\"detailed\",\"locale\":\"en\","
    "\"items\":[{\"id\":\"INV-1\",\"due\":\"2013-01-12\",\"amount_minor\":123450,"
    "\"currency\":\"USD\"}]}";

typedef struct {
    char dir[64];
    fake_gateway *gateway;
    smtp_server *server;
    channel driver;
    worker *worker;
    pthread_t thread;
    gw_code ended;
    char version[65]; /* of the template that tasks name */
} plant;

static void *run_worker(void *arg)
{
    plant *p = arg;
    gw_err err = {0};
    p->ended = worker_run(p->worker, &err);
    return NULL;
}

/* READY comes; the template it will ask for. */
static void greet(plant *p)
{
    fake_message m;
    assert_true(fake_gateway_wait(p->gateway, WIRE_READY, SOON_MS, &m));
    assert_true(gw_str_is(m.header.ready.channel, "email"));
    assert_int_equal(m.header.ready.credit, 32);
    fake_template(p->version);
}

static plant *plant_start(bool smtp, int patience_ms)
{
    plant *p = calloc(1, sizeof *p);
    gw_err err = {0};
    char outbox[100], home[100];
    strcpy(p->dir, "/tmp/dunlin-worker-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(home, sizeof home, "%s/home", p->dir);
    assert_int_equal(smtp_process_setup(home, &err), GW_OK);
    snprintf(outbox, sizeof outbox, "%s/outbox", p->dir);
    p->gateway = fake_gateway_start(p->dir);
    p->server = smtp_server_start(NULL);
    email_config c = {.transport = smtp ? EMAIL_SMTP : EMAIL_OUTBOX,
                      .unsubscribe_mailto = "stop@creditor.example.test",
                      .outbox = {.folder = outbox, .sync = true},
                      .smtp = {.host = "127.0.0.1",
                               .port = smtp_server_port(p->server),
                               .tls = SMTP_TLS_NONE,
                               .idle_ms = 100}};
    assert_int_equal(email_channel(&c, &p->driver, &err), GW_OK);
    worker_config w = {.name = "email-test",
                       .endpoint = fake_gateway_endpoint(p->gateway),
                       .server_public = fake_gateway_public(p->gateway),
                       .pair = fake_gateway_worker_pair(p->gateway),
                       .credit = 32,
                       .prepare_threads = 2,
                       .send_threads = 2,
                       .message_bytes_max = COMPOSE_BYTES_MAX,
                       .patience_ms = patience_ms};
    assert_int_equal(worker_new(&w, &p->driver, &p->worker, &err), GW_OK);
    pthread_create(&p->thread, NULL, run_worker, p);
    greet(p);
    return p;
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char child[600];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        if (e->d_type == DT_DIR)
            remove_tree(child);
        else
            unlink(child);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

/* Expects the worker to have nothing in hand. */
static void plant_stop(plant *p)
{
    worker_stop(p->worker);
    pthread_join(p->thread, NULL);
    assert_int_equal(p->ended, GW_OK);
    worker_free(p->worker);
    p->driver.close(p->driver.self);
    smtp_server_stop(p->server);
    fake_gateway_stop(p->gateway);
    remove_tree(p->dir);
    free(p);
}

static void give_template(plant *p, const char *version)
{
    fake_message m;
    char own[65];
    gw_str json = fake_template(own);
    assert_true(fake_gateway_wait(p->gateway, WIRE_WANT, SOON_MS, &m));
    assert_true(gw_str_is(m.header.template.template, version));
    wire_header h = {.type = WIRE_TEMPLATE, .template = {gw_str_of(version)}};
    fake_gateway_say(p->gateway, &h, json);
}

/* TASK n up to its INTENT. */
static void bring_to_intent(plant *p, int n, bool first, fake_message *ret)
{
    fake_gateway_task(p->gateway, n, gw_str_of(p->version), facts);
    if (first)
        give_template(p, p->version);
    assert_true(fake_gateway_wait(p->gateway, WIRE_INTENT, SOON_MS, ret));
}

static void no_byte_reaches_the_server_before_go(void **state)
{
    (void)state;
    plant *p = plant_start(true, 0);
    fake_message m;
    bring_to_intent(p, 1, true, &m);
    GW_AUTO_BUF gw_buf intent;
    gw_buf_init(&intent, 1 << 20);
    gw_buf_put_str(&intent, m.payload);
    unsigned char hash[32];
    char hex[65];
    SHA256((const unsigned char *)intent.data, intent.n, hash);
    gw_hex(hash, sizeof hash, hex);
    assert_true(gw_str_is(m.header.intent.sha256, hex));
    assert_int_equal(m.header.intent.bytes, intent.n);

    assert_false(fake_gateway_wait(p->gateway, WIRE_OUTCOME, NEVER_MS, &m));
    assert_int_equal(smtp_server_connections(p->server), 0);

    fake_gateway_go(p->gateway, fake_ref(1));
    assert_true(fake_gateway_wait(p->gateway, WIRE_OUTCOME, SOON_MS, &m));
    assert_int_equal(m.header.outcome.outcome, WIRE_DELIVERED);
    assert_true(gw_str_is(m.header.outcome.ref.tok, "t1"));
    assert_int_equal(smtp_server_count(p->server), 1);
    const smtp_record *got = smtp_server_record(p->server, 0);
    assert_int_equal(got->data_n, intent.n);
    assert_memory_equal(got->data, intent.data, intent.n);
    fake_gateway_seen(p->gateway, fake_ref(1));
    plant_stop(p);
}

static void an_aborted_task_is_never_sent(void **state)
{
    (void)state;
    plant *p = plant_start(true, 0);
    fake_message m;
    bring_to_intent(p, 1, true, &m);
    wire_header h = {.type = WIRE_ABORT, .abort = {fake_ref(1), GW_STR("paid")}};
    fake_gateway_say(p->gateway, &h, (gw_str){NULL, 0});
    fake_gateway_go(p->gateway, fake_ref(1)); /* too late: it is gone */
    bring_to_intent(p, 2, false, &m);
    wire_ref stale = fake_ref(2);
    stale.tok = GW_STR("old");
    fake_gateway_go(p->gateway, stale); /* a GO with another token is not for this attempt */
    assert_false(fake_gateway_wait(p->gateway, WIRE_OUTCOME, NEVER_MS, &m));
    assert_int_equal(smtp_server_connections(p->server), 0);
    h.abort.ref = fake_ref(2);
    fake_gateway_say(p->gateway, &h, (gw_str){NULL, 0});
    plant_stop(p);
}

static void an_outcome_is_repeated_to_a_new_gateway_until_it_is_seen(void **state)
{
    (void)state;
    plant *p = plant_start(true, 0);
    fake_message m;
    /* a first heartbeat tells the worker which boot it talks to */
    assert_true(fake_gateway_wait(p->gateway, WIRE_HEARTBEAT, SOON_MS, &m));
    bring_to_intent(p, 1, true, &m);
    bring_to_intent(p, 2, false, &m);
    fake_gateway_go(p->gateway, fake_ref(1));
    assert_true(fake_gateway_wait(p->gateway, WIRE_OUTCOME, SOON_MS, &m));

    fake_gateway_restart(p->gateway);
    assert_true(fake_gateway_wait(p->gateway, WIRE_READY, SOON_MS, &m));
    /* the other had no GO: the new gateway is told so, and a GO for it means nothing now */
    bool sent = false, waiting = false;
    while (!sent || !waiting) {
        assert_true(fake_gateway_wait(p->gateway, WIRE_OUTCOME, SOON_MS, &m));
        if (gw_str_is(m.header.outcome.ref.rid, "r1")) {
            assert_int_equal(m.header.outcome.outcome, WIRE_DELIVERED);
            sent = true;
        } else {
            assert_true(gw_str_is(m.header.outcome.ref.rid, "r2"));
            assert_int_equal(m.header.outcome.outcome, WIRE_LATER);
            assert_true(gw_str_is(m.header.outcome.why, WIRE_WHY_NO_GO));
            waiting = true;
        }
    }
    fake_gateway_seen(p->gateway, fake_ref(1));
    fake_gateway_go(p->gateway, fake_ref(2));
    fake_gateway_seen(p->gateway, fake_ref(2));
    assert_false(fake_gateway_wait(p->gateway, WIRE_OUTCOME, NEVER_MS, &m));
    assert_int_equal(smtp_server_count(p->server), 1);

    fake_gateway_restart(p->gateway);
    assert_true(fake_gateway_wait(p->gateway, WIRE_READY, SOON_MS, &m));
    assert_false(fake_gateway_wait(p->gateway, WIRE_OUTCOME, NEVER_MS, &m));
    plant_stop(p);
}

static void a_task_without_go_is_dropped_when_patience_ends(void **state)
{
    (void)state;
    plant *p = plant_start(true, 400);
    fake_message m;
    bring_to_intent(p, 1, true, &m);
    assert_false(fake_gateway_wait(p->gateway, WIRE_OUTCOME, 2500, &m));
    fake_gateway_go(p->gateway, fake_ref(1));
    assert_false(fake_gateway_wait(p->gateway, WIRE_OUTCOME, NEVER_MS, &m));
    assert_int_equal(smtp_server_connections(p->server), 0);
    plant_stop(p);
}

static void stopping_finishes_the_work_in_hand(void **state)
{
    (void)state;
    plant *p = plant_start(true, 0);
    fake_message m;
    for (int i = 0; i < 8; i++)
        bring_to_intent(p, i, i == 0, &m);
    worker_stop(p->worker);
    assert_true(fake_gateway_wait(p->gateway, WIRE_DRAIN, SOON_MS, &m));
    fake_gateway_task(p->gateway, 99, gw_str_of(p->version), facts); /* not taken any more */
    for (int i = 0; i < 8; i++)
        fake_gateway_go(p->gateway, fake_ref(i));
    for (int i = 0; i < 8; i++) {
        assert_true(fake_gateway_wait(p->gateway, WIRE_OUTCOME, SOON_MS, &m));
        assert_int_equal(m.header.outcome.outcome, WIRE_DELIVERED);
        wire_ref ref = {m.header.outcome.ref.rid, 1, m.header.outcome.ref.tok};
        fake_gateway_seen(p->gateway, ref);
    }
    plant_stop(p);
}

static void a_template_with_other_content_than_its_version_is_not_used(void **state)
{
    (void)state;
    plant *p = plant_start(true, 0);
    char wrong[65];
    fake_message m;
    memset(wrong, 'a', 64);
    wrong[64] = '\0';
    fake_gateway_task(p->gateway, 1, gw_str_of(wrong), facts);
    give_template(p, wrong);
    /* it is asked for again, and no message is made from what came */
    assert_true(fake_gateway_wait(p->gateway, WIRE_WANT, SOON_MS, &m));
    assert_true(gw_str_is(m.header.template.template, wrong));
    wire_header h = {.type = WIRE_ABORT, .abort = {fake_ref(1), GW_STR("stale")}};
    fake_gateway_say(p->gateway, &h, (gw_str){NULL, 0});
    plant_stop(p);
}

static void facts_that_a_template_misses_refuse_the_reminder(void **state)
{
    (void)state;
    plant *p = plant_start(true, 0);
    fake_message m;
    fake_gateway_task(p->gateway, 1, gw_str_of(p->version), "{\"reference\":\"INV-1\"}");
    give_template(p, p->version);
    assert_true(fake_gateway_wait(p->gateway, WIRE_OUTCOME, SOON_MS, &m));
    assert_int_equal(m.header.outcome.outcome, WIRE_REFUSED);
    assert_true(gw_str_is(m.header.outcome.why, "prepare-refused"));
    assert_int_equal(smtp_server_connections(p->server), 0);
    fake_gateway_seen(p->gateway, fake_ref(1));
    plant_stop(p);
}

static void the_outbox_keeps_the_exact_bytes_and_contacts_nobody(void **state)
{
    (void)state;
    plant *p = plant_start(false, 0);
    char path[200];
    fake_message m;
    for (int again = 0; again < 2; again++) {
        bring_to_intent(p, 1, !again, &m);
        GW_AUTO_BUF gw_buf intent;
        gw_buf_init(&intent, 1 << 20);
        gw_buf_put_str(&intent, m.payload);
        fake_gateway_go(p->gateway, fake_ref(1));
        assert_true(fake_gateway_wait(p->gateway, WIRE_OUTCOME, SOON_MS, &m));
        assert_int_equal(m.header.outcome.outcome, WIRE_DELIVERED);
        assert_true(gw_str_is(m.header.outcome.why, "outbox"));
        fake_gateway_seen(p->gateway, fake_ref(1));
        snprintf(path, sizeof path, "%s/outbox/2013-01-22/r1.eml", p->dir);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        char *got = malloc(intent.n + 1);
        assert_int_equal(fread(got, 1, intent.n + 1, f), intent.n);
        assert_memory_equal(got, intent.data, intent.n);
        free(got);
        fclose(f);
    }
    assert_int_equal(smtp_server_connections(p->server), 0);
    plant_stop(p);
}

static void a_question_this_channel_cannot_ask_is_answered_so(void **state)
{
    (void)state;
    plant *p = plant_start(false, 0);
    fake_message m;
    const wire_header h = {.type = WIRE_PULL,
                           .pull = {.id = GW_STR("q-1"),
                                    .own = GW_STR("own"),
                                    .provider = GW_STR("kannel"),
                                    .address = GW_STR("+15550100123")}};
    fake_gateway_say(p->gateway, &h, (gw_str){NULL, 0});
    assert_true(fake_gateway_wait(p->gateway, WIRE_PULLED, SOON_MS, &m));
    assert_true(gw_str_is(m.header.pulled.id, "q-1"));
    assert_int_equal(m.header.pulled.verdict, WIRE_PULLED_CANNOT);
    plant_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_this_channel_cannot_ask_is_answered_so),
        cmocka_unit_test(no_byte_reaches_the_server_before_go),
        cmocka_unit_test(an_aborted_task_is_never_sent),
        cmocka_unit_test(an_outcome_is_repeated_to_a_new_gateway_until_it_is_seen),
        cmocka_unit_test(a_task_without_go_is_dropped_when_patience_ends),
        cmocka_unit_test(stopping_finishes_the_work_in_hand),
        cmocka_unit_test(a_template_with_other_content_than_its_version_is_not_used),
        cmocka_unit_test(facts_that_a_template_misses_refuse_the_reminder),
        cmocka_unit_test(the_outbox_keeps_the_exact_bytes_and_contacts_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
