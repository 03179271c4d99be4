#include "gateway/wire/curve.h"
#include "gateway/wire/zap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/base/clock.h"
#include "gateway/base/file.h"

enum { PATIENCE_MS = 5000, GLANCE_MS = 300 };

typedef struct {
    char folder[64];
    void *zmq;
    zap *zap;
    void *server;
    char endpoint[CURVE_ENDPOINT_TEXT];
    curve_pair server_pair;
} bench;

static void path_of(const bench *b, const char *list, const char *name, char ret[256])
{
    snprintf(ret, 256, "%s/%s/%s.pub", b->folder, list, name);
}

static void admit(const bench *b, const char *list, const char *name, const curve_pair *pair)
{
    char path[256];
    gw_err err = {0};
    path_of(b, list, name, path);
    assert_int_equal(curve_save(pair, NULL, path, &err), GW_OK);
}

static void setup(bench *b)
{
    static const char *const lists[] = {"clients", "operators", "workers"};
    static const curve_options options = {.message_bytes_max = 1 << 20};
    gw_err err = {0};
    snprintf(b->folder, sizeof b->folder, "/tmp/dunlin-zap-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    for (size_t i = 0; i < GW_COUNT(lists); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", b->folder, lists[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    b->zmq = zmq_ctx_new();
    assert_int_equal(zap_start_keys(b->zmq, b->folder, &b->zap, &err), GW_OK);
    assert_int_equal(curve_generate(&b->server_pair, &err), GW_OK);
    assert_int_equal(curve_server(b->zmq, ZMQ_ROUTER, "tcp://127.0.0.1:*", &b->server_pair,
                                  ZAP_DOMAIN_INTAKE, &options, &b->server, b->endpoint, &err),
                     GW_OK);
    assert_int_equal(zap_watch(b->zap, b->server, &err), GW_OK);
}

static void teardown(bench *b)
{
    char command[128];
    zmq_close(b->server);
    zap_stop(b->zap);
    zmq_ctx_term(b->zmq);
    snprintf(command, sizeof command, "rm -rf '%s'", b->folder);
    assert_int_equal(system(command), 0);
}

/* A client with that pair says hello; true when it arrived, the message in ret (init'ed). */
static bool hello_arrives(bench *b, const curve_pair *pair, int patience_ms, zmq_msg_t *ret)
{
    static const curve_options options = {.message_bytes_max = 1 << 20};
    gw_err err = {0};
    void *client;
    void *zmq = zmq_ctx_new(); /* its own context: a client process */
    assert_int_equal(curve_client(zmq, ZMQ_DEALER, b->endpoint, b->server_pair.public_key, pair,
                                  &options, &client, &err),
                     GW_OK);
    int none = 0;
    zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_send(client, "hello", 5, 0), 5);
    zmq_setsockopt(b->server, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    bool came = zmq_msg_recv(ret, b->server, 0) >= 0; /* routing id */
    if (came)
        assert_int_equal(zmq_msg_recv(ret, b->server, 0), 5);
    zmq_close(client);
    zmq_ctx_term(zmq);
    return came;
}

static void a_listed_key_gets_in_under_its_name(void **state)
{
    (void)state;
    bench b;
    curve_pair pair;
    gw_err err = {0};
    setup(&b);
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    admit(&b, "clients", "erp-1", &pair);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_true(hello_arrives(&b, &pair, PATIENCE_MS, &msg));
    zap_role role;
    gw_str name;
    assert_true(zap_user(&msg, &role, &name));
    assert_int_equal(role, ZAP_CLIENT);
    assert_true(gw_str_is(name, "erp-1"));
    assert_true(zap_allows(b.zap, &msg));
    zmq_msg_close(&msg);
    zap_counts counts;
    zap_count(b.zap, &counts);
    assert_int_equal(counts.admitted, 1);
    assert_int_equal(counts.keys, 1);
    teardown(&b);
}

static void wait_for(bench *b, uint64_t refused, uint64_t failures)
{
    zap_counts counts;
    gw_mono start = gw_mono_now();
    do {
        zap_count(b->zap, &counts);
        zmq_poll(NULL, 0, 5);
    } while ((counts.refused_key < refused || counts.handshake_failures < failures) &&
             gw_mono_now().ms - start.ms < PATIENCE_MS);
    assert_true(counts.refused_key >= refused);
    assert_true(counts.handshake_failures >= failures);
}

static void a_random_key_is_refused_and_counted(void **state)
{
    (void)state;
    bench b;
    curve_pair pair;
    gw_err err = {0};
    setup(&b);
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_false(hello_arrives(&b, &pair, GLANCE_MS, &msg));
    zmq_msg_close(&msg);
    wait_for(&b, 1, 1);
    teardown(&b);
}

static void a_workers_key_is_no_key_for_intake(void **state)
{
    (void)state;
    bench b;
    curve_pair pair;
    gw_err err = {0};
    setup(&b);
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    admit(&b, "workers", "email-1", &pair);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_false(hello_arrives(&b, &pair, GLANCE_MS, &msg));
    zmq_msg_close(&msg);
    wait_for(&b, 1, 0);
    teardown(&b);
}

static void a_client_without_curve_is_refused_and_seen(void **state)
{
    (void)state;
    bench b;
    setup(&b);
    void *zmq = zmq_ctx_new();
    void *client = zmq_socket(zmq, ZMQ_DEALER);
    int none = 0;
    int glance = GLANCE_MS;
    zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(client, b.endpoint), 0);
    assert_int_equal(zmq_send(client, "hello", 5, 0), 5);
    zmq_setsockopt(b.server, ZMQ_RCVTIMEO, &glance, sizeof glance);
    char byte;
    assert_int_equal(zmq_recv(b.server, &byte, 1, 0), -1);
    wait_for(&b, 0, 1);
    zmq_close(client);
    zmq_ctx_term(zmq);
    teardown(&b);
}

static void a_removed_key_is_refused_and_its_old_connections_are_known(void **state)
{
    (void)state;
    bench b;
    curve_pair pair;
    gw_err err = {0};
    char path[256];
    setup(&b);
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    admit(&b, "operators", "ann", &pair);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_true(hello_arrives(&b, &pair, PATIENCE_MS, &msg));
    path_of(&b, "operators", "ann", path);
    assert_int_equal(unlink(path), 0);
    gw_mono start = gw_mono_now();
    while (zap_allows(b.zap, &msg)) { /* within ZAP_RECHECK_MS */
        assert_true(gw_mono_now().ms - start.ms < PATIENCE_MS);
        zmq_poll(NULL, 0, 5);
    }
    assert_false(hello_arrives(&b, &pair, GLANCE_MS, &msg));
    zmq_msg_close(&msg);
    teardown(&b);
}

static void a_bad_file_in_the_folder_harms_nobody_else(void **state)
{
    (void)state;
    bench b;
    curve_pair pair;
    gw_err err = {0};
    char path[256];
    setup(&b);
    path_of(&b, "clients", "broken", path);
    assert_int_equal(gw_file_replace(path, GW_STR("not a key\n"), 0644, &err), GW_OK);
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    admit(&b, "clients", "erp", &pair);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_true(hello_arrives(&b, &pair, PATIENCE_MS, &msg));
    zmq_msg_close(&msg);
    teardown(&b);
}

static void a_secret_key_file_is_private_and_survives_the_round_trip(void **state)
{
    (void)state;
    char folder[] = "/tmp/dunlin-curve-XXXXXX";
    char secret[64];
    char public[64];
    curve_pair pair;
    curve_pair back;
    gw_err err = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(secret, sizeof secret, "%s/a.key", folder);
    snprintf(public, sizeof public, "%s/a.pub", folder);
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    assert_int_equal(curve_save(&pair, secret, public, &err), GW_OK);
    assert_int_equal(curve_save(&pair, secret, public, &err), GW_EEXIST);
    assert_int_equal(curve_load(secret, &back, &err), GW_OK);
    assert_string_equal(back.public_key, pair.public_key);
    assert_string_equal(back.secret_key, pair.secret_key);
    assert_int_equal(curve_load_public(public, back.public_key, &err), GW_OK);
    assert_string_equal(back.public_key, pair.public_key);
    assert_int_equal(chmod(secret, 0644), 0);
    assert_int_equal(curve_load(secret, &back, &err), GW_EREFUSED);
    unlink(secret);
    unlink(public);
    rmdir(folder);
}

static void a_server_is_not_opened_where_nobody_checks_keys(void **state)
{
    (void)state;
    static const curve_options options = {.message_bytes_max = 1 << 20};
    void *zmq = zmq_ctx_new();
    void *server = NULL;
    curve_pair pair;
    gw_err err = {0};
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    assert_int_equal(curve_server(zmq, ZMQ_ROUTER, "tcp://127.0.0.1:*", &pair, ZAP_DOMAIN_INTAKE,
                                  &options, &server, NULL, &err),
                     GW_EREFUSED);
    assert_null(server);
    zmq_ctx_term(zmq);
}

static void text_that_is_no_key_is_refused(void **state)
{
    (void)state;
    assert_false(curve_is_key(GW_STR("")));
    assert_false(curve_is_key(GW_STR("short")));
    assert_false(curve_is_key(GW_STR("~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~")));
    assert_true(curve_is_key(GW_STR("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"))); /* RFC 32 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listed_key_gets_in_under_its_name),
        cmocka_unit_test(a_random_key_is_refused_and_counted),
        cmocka_unit_test(a_workers_key_is_no_key_for_intake),
        cmocka_unit_test(a_client_without_curve_is_refused_and_seen),
        cmocka_unit_test(a_removed_key_is_refused_and_its_old_connections_are_known),
        cmocka_unit_test(a_bad_file_in_the_folder_harms_nobody_else),
        cmocka_unit_test(a_secret_key_file_is_private_and_survives_the_round_trip),
        cmocka_unit_test(a_server_is_not_opened_where_nobody_checks_keys),
        cmocka_unit_test(text_that_is_no_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
