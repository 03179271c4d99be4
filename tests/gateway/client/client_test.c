/* libdunlin against a real intake, and against peers that misbehave. */
#include "gateway/client/dunlin.h"
#include "tests/support/intake_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT = 200, MANY = 2500 };

static intake_server server;

static int start(void **unused)
{
    (void)unused;
    return intake_server_start(&server, 0, NULL) ? 0 : -1;
}

static int stop(void **unused)
{
    (void)unused;
    intake_server_stop(&server);
    return 0;
}

static dunlin *open_as(const curve_pair *pair, int timeout_ms, int busy_ms)
{
    dunlin *d = NULL;
    char why[200] = "";
    dunlin_options o = {
        .endpoint = intake_endpoint(server.intake),
        .server_key = server.server.public_key,
        .secret_key = pair->secret_key,
        .timeout_ms = timeout_ms,
        .busy_ms = busy_ms,
    };
    assert_int_equal(dunlin_open(&o, &d, why, sizeof why), DUNLIN_OK);
    return d;
}

static dunlin_body job(char text[TEXT], const char *prefix, int number)
{
    int n = snprintf(text, TEXT,
                     "{\"id\":\"%s-%d\",\"debtor\":\"d%d\",\"channel\":\"sms\",\"template\":\"t\"}",
                     prefix, number, number % 7);
    return (dunlin_body){text, (size_t)n};
}

static dunlin_kind send_one(dunlin *d, const char *name, const char *json)
{
    dunlin_body body = {json, strlen(json)};
    dunlin_verdict v;
    assert_int_equal(dunlin_send(d, name, &body, 1, &v), DUNLIN_OK);
    return v.kind;
}

static void more_bodies_than_one_message_takes_are_all_answered_in_order(void **unused)
{
    (void)unused;
    static char text[MANY][TEXT];
    static dunlin_body bodies[MANY];
    static dunlin_verdict verdicts[MANY];
    dunlin *d = open_as(&server.erp, 0, 0);
    for (int i = 0; i < MANY; i++)
        bodies[i] = job(text[i], "many", i);
    bodies[MANY / 2] = (dunlin_body){"{}", 2};
    assert_int_equal(dunlin_send(d, "submit", bodies, MANY, verdicts), DUNLIN_OK);
    for (int i = 0; i < MANY; i++) {
        char id[32];
        snprintf(id, sizeof id, "\"many-%d\"", i);
        assert_int_equal(verdicts[i].kind, i == MANY / 2 ? DUNLIN_REJECTED : DUNLIN_ACCEPTED);
        if (i != MANY / 2)
            assert_non_null(strstr(verdicts[i].json, id));
    }
    assert_int_equal(dunlin_send(d, "submit", bodies, MANY, verdicts), DUNLIN_OK);
    assert_int_equal(verdicts[0].kind, DUNLIN_DUPLICATE);
    assert_int_equal(verdicts[MANY - 1].kind, DUNLIN_DUPLICATE);
    dunlin_close(d);
}

static void a_verdict_about_the_whole_message_is_given_for_each_body(void **unused)
{
    (void)unused;
    dunlin *d = open_as(&server.erp, 0, 0);
    dunlin_body bodies[3] = {{"{}", 2}, {"{}", 2}, {"{}", 2}};
    dunlin_verdict v[3];
    assert_int_equal(dunlin_send(d, "shout", bodies, 3, v), DUNLIN_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(v[i].kind, DUNLIN_REJECTED);
        assert_non_null(strstr(v[i].json, "unknown verb"));
    }
    dunlin_close(d);
}

static void events_and_conflicts_have_their_kinds(void **unused)
{
    (void)unused;
    dunlin *d = open_as(&server.erp, 0, 0);
    const char *item = "{\"id\":\"i\",\"debtor\":\"d\",\"due\":\"2013-02-01\",\"amount_minor\":5,"
                       "\"currency\":\"EUR\"}";
    assert_int_equal(send_one(d, "item", item), DUNLIN_ACCEPTED);
    assert_int_equal(send_one(d, "item", item), DUNLIN_DUPLICATE);
    assert_int_equal(send_one(d, "payment",
                              "{\"id\":\"p\",\"debtor\":\"d\",\"item\":\"i\","
                              "\"amount_minor\":6,\"currency\":\"EUR\"}"),
                     DUNLIN_REJECTED);
    dunlin_close(d);
}

static void *start_store_again(void *arg)
{
    (void)arg;
    zmq_poll(NULL, 0, 500); /* let the first answers be busy */
    redis_server_continue(server.redis);
    return NULL;
}

static void busy_is_repeated_until_it_is_taken(void **unused)
{
    (void)unused;
    char text[TEXT];
    pthread_t helper;
    dunlin_verdict v;
    dunlin *d = open_as(&server.erp, 20000, 20000);
    dunlin_body body = job(text, "busy", 1);
    redis_server_kill(server.redis);
    dunlin *impatient = open_as(&server.erp, 20000, -1);
    assert_int_equal(dunlin_send(impatient, "submit", &body, 1, &v), DUNLIN_OK);
    assert_int_equal(v.kind, DUNLIN_BUSY);
    dunlin_close(impatient);
    assert_true(redis_server_restart(server.redis));
    redis_server_stop(server.redis);
    assert_int_equal(pthread_create(&helper, NULL, start_store_again, NULL), 0);
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_OK);
    pthread_join(helper, NULL);
    assert_true(v.kind == DUNLIN_ACCEPTED || v.kind == DUNLIN_DUPLICATE);
    dunlin_close(d);
}

static void a_stranger_gets_no_answer_and_is_told_in_time(void **unused)
{
    (void)unused;
    curve_pair pair;
    gw_err err = {0};
    char text[TEXT];
    dunlin_verdict v;
    assert_int_equal(curve_generate(&pair, &err), GW_OK);
    dunlin *d = open_as(&pair, 300, 0);
    dunlin_body body = job(text, "stranger", 1);
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_ETIMEOUT);
    assert_int_equal(v.kind, DUNLIN_UNKNOWN);
    assert_true(strlen(dunlin_error(d)) > 0);
    /* The refusal took the connection with it; there is nothing to write into now. */
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_ETIMEOUT);
    dunlin_close(d);
}

typedef struct {
    int listener;
    _Atomic bool over;
} slammer;

static void *slam_doors(void *arg)
{
    slammer *s = arg;
    while (!s->over) {
        struct pollfd p = {.fd = s->listener, .events = POLLIN};
        if (poll(&p, 1, 50) == 1)
            close(accept(s->listener, NULL, NULL));
    }
    return NULL;
}

static void a_peer_that_hangs_up_all_the_time_is_given_up_in_time(void **unused)
{
    (void)unused;
    slammer s = {.listener = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_n = sizeof at;
    assert_int_equal(bind(s.listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s.listener, 16), 0);
    assert_int_equal(getsockname(s.listener, (struct sockaddr *)&at, &at_n), 0);
    char endpoint[64], why[200], text[TEXT];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, slam_doors, &s), 0);
    dunlin_options o = {.endpoint = endpoint,
                        .server_key = server.server.public_key,
                        .secret_key = server.erp.secret_key,
                        .timeout_ms = 1000}; /* it comes again ten times in that */
    dunlin *d = NULL;
    dunlin_verdict v;
    assert_int_equal(dunlin_open(&o, &d, why, sizeof why), DUNLIN_OK);
    dunlin_body body = job(text, "slam", 1);
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_ETIMEOUT);
    assert_int_equal(v.kind, DUNLIN_UNKNOWN);
    dunlin_close(d);
    s.over = true;
    pthread_join(thread, NULL);
    close(s.listener);
}

static void the_gateway_may_restart_between_calls(void **unused)
{
    (void)unused;
    char endpoint[CURVE_ENDPOINT_TEXT];
    char text[TEXT];
    dunlin_verdict v;
    dunlin *d = open_as(&server.erp, 20000, 0);
    dunlin_body body = job(text, "restart", 1);
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_OK);
    snprintf(endpoint, sizeof endpoint, "%s", intake_endpoint(server.intake));
    server.config.endpoint = endpoint; /* the same port again */
    assert_true(intake_server_restart(&server));
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_OK);
    assert_int_equal(v.kind, DUNLIN_DUPLICATE);
    dunlin_close(d);
    server.config.endpoint = "tcp://127.0.0.1:*";
}

/* ---- a gateway that dies with the request in its hands ---- */

typedef struct {
    void *socket;
    char endpoint[CURVE_ENDPOINT_TEXT];
} mortal;

static bool bind_mortal(mortal *m, const char *endpoint)
{
    static const curve_options options = {.message_bytes_max = 1 << 20};
    gw_err err = {0};
    return curve_server(server.zmq, ZMQ_ROUTER, endpoint, &server.server, ZAP_DOMAIN_INTAKE,
                        &options, &m->socket, m->endpoint, &err) == GW_OK;
}

static void take_request(mortal *m, zmq_msg_t frames[5])
{
    for (int i = 0; i < 5; i++) {
        zmq_msg_init(&frames[i]);
        zmq_msg_recv(&frames[i], m->socket, 0);
    }
}

static void *die_once_then_answer(void *arg)
{
    mortal *m = arg;
    zmq_msg_t frames[5];
    char endpoint[CURVE_ENDPOINT_TEXT];
    take_request(m, frames);
    for (int i = 0; i < 5; i++)
        zmq_msg_close(&frames[i]);
    memcpy(endpoint, m->endpoint, sizeof endpoint);
    zmq_close(m->socket);
    while (!bind_mortal(m, endpoint))
        zmq_poll(NULL, 0, 10);
    take_request(m, frames);
    zmq_msg_send(&frames[0], m->socket, ZMQ_SNDMORE);
    zmq_msg_send(&frames[1], m->socket, ZMQ_SNDMORE);
    zmq_msg_send(&frames[3], m->socket, ZMQ_SNDMORE);
    zmq_send(m->socket, "{\"verdict\":\"accepted\"}", 22, 0);
    zmq_msg_close(&frames[2]);
    zmq_msg_close(&frames[4]);
    return NULL;
}

static void a_request_lost_with_the_connection_is_sent_again(void **unused)
{
    (void)unused;
    mortal m;
    pthread_t thread;
    dunlin *d = NULL;
    dunlin_verdict v;
    char why[200];
    char text[TEXT];
    assert_true(bind_mortal(&m, "tcp://127.0.0.1:*"));
    dunlin_options o = {.endpoint = m.endpoint,
                        .server_key = server.server.public_key,
                        .secret_key = server.erp.secret_key,
                        .timeout_ms = 20000};
    assert_int_equal(dunlin_open(&o, &d, why, sizeof why), DUNLIN_OK);
    assert_int_equal(pthread_create(&thread, NULL, die_once_then_answer, &m), 0);
    dunlin_body body = job(text, "mortal", 1);
    assert_int_equal(dunlin_send(d, "submit", &body, 1, &v), DUNLIN_OK);
    assert_int_equal(v.kind, DUNLIN_ACCEPTED);
    pthread_join(thread, NULL);
    dunlin_close(d);
    zmq_close(m.socket);
}

static void wrong_options_are_refused_with_a_reason(void **unused)
{
    (void)unused;
    dunlin *d = NULL;
    char why[200] = "";
    dunlin_options o = {.endpoint = "tcp://127.0.0.1:1", .server_key = "short", .secret_key = "x"};
    assert_int_equal(dunlin_open(&o, &d, why, sizeof why), DUNLIN_EINVAL);
    assert_non_null(strstr(why, "Z85"));
    o = (dunlin_options){.endpoint = "nonsense",
                         .server_key = server.server.public_key,
                         .secret_key = server.erp.secret_key};
    assert_int_equal(dunlin_open(&o, &d, why, sizeof why), DUNLIN_EINVAL);
    assert_null(d);
    assert_string_equal(dunlin_version(), DUNLIN_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_bodies_than_one_message_takes_are_all_answered_in_order),
        cmocka_unit_test(a_verdict_about_the_whole_message_is_given_for_each_body),
        cmocka_unit_test(events_and_conflicts_have_their_kinds),
        cmocka_unit_test(busy_is_repeated_until_it_is_taken),
        cmocka_unit_test(a_stranger_gets_no_answer_and_is_told_in_time),
        cmocka_unit_test(a_peer_that_hangs_up_all_the_time_is_given_up_in_time),
        cmocka_unit_test(the_gateway_may_restart_between_calls),
        cmocka_unit_test(a_request_lost_with_the_connection_is_sent_again),
        cmocka_unit_test(wrong_options_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
