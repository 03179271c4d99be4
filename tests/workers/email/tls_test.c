/* TLS and login towards the relay. */
#include "tests/workers/email/bench_mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char dir[64], ca[256];
} folder;

static folder place;

static smtp_server *tls_server(cert_kind kind, bool tls13, const char *user)
{
    static char cert[256], key[256];
    tls_cert_make(place.dir, kind, cert, key);
    smtp_options o = {.cert_file = cert,
                      .key_file = key,
                      .tls13 = tls13,
                      .auth_user = user,
                      .auth_password = user ? "secret word" : NULL};
    return smtp_server_start(&o);
}

static smtp_config tls_config(const smtp_server *s)
{
    smtp_config c = mail_config(s);
    c.tls = SMTP_TLS_REQUIRED;
    c.ca_file = place.ca;
    c.greeting_ms = c.envelope_ms = c.data_ms = c.transfer_ms = c.final_ms = 3000;
    return c;
}

#define CHECK_OUTCOME(a, r, w)                                                                     \
    do {                                                                                           \
        channel_attempt *a_ = (a);                                                                 \
        assert_string_equal(a_->outcome.why, (w));                                                 \
        assert_int_equal(a_->outcome.result, (r));                                                 \
    } while (0)

static void messages_go_over_tls_and_the_outcome_says_so(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < 2; i++) {
        smtp_server *s = tls_server(CERT_GOOD, false, NULL);
        smtp_config c = tls_config(s);
        c.host = hosts[i];
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(1, NULL));
        channel_attempt *a = mail_rig_outcome(r, 0);
        CHECK_OUTCOME(a, WIRE_DELIVERED, "accepted");
        assert_non_null(strstr(a->outcome.remote_tls, "TLSv1.2 "));
        assert_string_equal(a->outcome.remote_host, hosts[i]);
        assert_true(smtp_server_record(s, 0)->tls);
        mail_rig_stop(r);
        smtp_server_stop(s);
    }
}

static void a_bad_certificate_is_later_and_nothing_is_said_in_plain_text(void **state)
{
    (void)state;
    static const cert_kind kinds[] = {CERT_EXPIRED, CERT_WRONG_NAME, CERT_SELF_SIGNED};
    static const smtp_tls wishes[] = {SMTP_TLS_REQUIRED, SMTP_TLS_STARTTLS};
    for (size_t i = 0; i < 6; i++) {
        smtp_server *s = tls_server(kinds[i % 3], false, NULL);
        smtp_config c = tls_config(s);
        c.tls = wishes[i / 3];
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(1, NULL));
        CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_LATER, "tls");
        char *commands = smtp_server_commands(s);
        assert_null(strstr(commands, "MAIL"));
        free(commands);
        assert_int_equal(smtp_server_count(s), 0);
        mail_rig_stop(r);
        smtp_server_stop(s);
    }
}

static void a_relay_without_starttls_gets_nothing_when_tls_is_required(void **state)
{
    (void)state;
    smtp_server *plain = smtp_server_start(NULL);
    smtp_config c = tls_config(plain);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_LATER, "tls");
    assert_int_equal(smtp_server_count(plain), 0);
    mail_rig_stop(r);
    c.tls = SMTP_TLS_STARTTLS; /* if offered: it is not, plain text will do */
    r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_DELIVERED, "accepted");
    mail_rig_stop(r);
    smtp_server_stop(plain);
}

static void a_refused_or_broken_starttls_is_later(void **state)
{
    (void)state;
    static const smtp_rule rules[] = {
        {AT_STARTTLS, -1, -1, NULL, DO_REPLY, "454 4.7.0 Not now\r\n", 0},
        {AT_STARTTLS, -1, -1, NULL, DO_REPLY, "501 5.5.4 No\r\n", 0},
        {AT_STARTTLS, -1, -1, NULL, DO_REPLY_CLOSE, "220 2.0.0 Go\r\n", 0},
        {AT_STARTTLS, -1, -1, NULL, DO_REPLY, "220 2.0.0 Go\r\nnot TLS at all\r\n", 0},
        {AT_STARTTLS, -1, -1, NULL, DO_CLOSE, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        smtp_server *s = tls_server(CERT_GOOD, false, NULL);
        smtp_server_rule(s, rules[i]);
        smtp_config c = tls_config(s);
        c.greeting_ms = c.envelope_ms = 400;
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(1, NULL));
        CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_LATER, "tls");
        assert_int_equal(smtp_server_count(s), 0);
        mail_rig_stop(r);
        smtp_server_stop(s);
    }
}

/* A server that answers STARTTLS with more than one reply in plain text would have the second one
 * believed as if it had come over TLS. */
static void plain_text_behind_starttls_ends_the_session(void **state)
{
    (void)state;
    smtp_server *s = tls_server(CERT_GOOD, false, NULL);
    smtp_server_rule(s, (smtp_rule){AT_STARTTLS, -1, -1, NULL, DO_TLS_AFTER,
                                    "220 2.0.0 Go\r\n250-evil\r\n250 AUTH PLAIN\r\n", 0});
    smtp_config c = tls_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    channel_attempt *a = mail_rig_outcome(r, 0);
    CHECK_OUTCOME(a, WIRE_LATER, "tls");
    assert_int_equal(smtp_server_count(s), 0);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

/* libESMTP alone crashes on a process's second TLS session, and stalls on the session tickets of
 * TLS 1.3 in about every third. */
static void two_hundred_tls_sessions_neither_crash_nor_stall(void **state)
{
    (void)state;
    enum { SESSIONS = 200, STALL_MS = 1000 };
    smtp_server *s = tls_server(CERT_GOOD, true, NULL);
    smtp_config c = tls_config(s);
    c.session_messages = 1;
    mail_rig *r = mail_rig_start(&c, 4);
    gw_mono last = gw_mono_now();
    int64_t longest = 0;
    for (int i = 0; i < SESSIONS; i++)
        mail_rig_put(r, mail_attempt(i, NULL));
    for (size_t i = 0; i < SESSIONS; i++) {
        CHECK_OUTCOME(mail_rig_outcome(r, i), WIRE_DELIVERED, "accepted");
        gw_mono now = gw_mono_now();
        longest = now.ms - last.ms > longest ? now.ms - last.ms : longest;
        last = now;
    }
    assert_true(longest < STALL_MS);
    assert_int_equal(smtp_server_handshakes(s), SESSIONS);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void write_password(const char *path, const char *text, unsigned mode)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    chmod(path, mode);
}

static void the_login_comes_from_a_private_file(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/password", place.dir);
    write_password(path, "secret word\n", 0600);
    smtp_server *s = tls_server(CERT_GOOD, false, "clerk");
    smtp_config c = tls_config(s);
    c.user = "clerk";
    c.password_file = path;
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    channel_attempt *a = mail_rig_outcome(r, 0);
    CHECK_OUTCOME(a, WIRE_DELIVERED, "accepted");
    assert_null(strstr(a->outcome.raw.data, "secret"));
    mail_rig_stop(r);

    write_password(path, "wrong word\n", 0600);
    r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(2, NULL));
    a = mail_rig_outcome(r, 0);
    CHECK_OUTCOME(a, WIRE_LATER, "auth");
    assert_int_equal(smtp_server_count(s), 1);
    mail_rig_stop(r);
    smtp_server_stop(s);

    gw_err err = {0};
    smtp_relay *relay = NULL;
    chmod(path, 0640);
    assert_int_equal(smtp_relay_new(&c, &relay, &err), GW_EREFUSED);
    chmod(path, 0600);
    c.host = "relay.example.test";
    c.tls = SMTP_TLS_NONE;
    assert_int_equal(smtp_relay_new(&c, &relay, &err), GW_EREFUSED);
    c.ca_file = "/dev/null";
    c.tls = SMTP_TLS_REQUIRED;
    assert_int_equal(smtp_relay_new(&c, &relay, &err), GW_EINVAL);
}

static int set_up(void **state)
{
    gw_err err = {0};
    char home[256];
    (void)state;
    strcpy(place.dir, "/tmp/dunlin-tls-test-XXXXXX");
    if (!mkdtemp(place.dir))
        return -1;
    tls_cert_ca(place.dir, place.ca);
    snprintf(home, sizeof home, "%s/home", place.dir);
    return smtp_process_setup(home, &err) == GW_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"ca.pem",      "good.pem",  "good.key",  "expired.pem",
                                        "expired.key", "wrong.pem", "wrong.key", "self.pem",
                                        "self.key",    "password",  "home",      ""};
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", place.dir, names[i]);
        rc = remove(path);
    }
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_over_tls_and_the_outcome_says_so),
        cmocka_unit_test(a_bad_certificate_is_later_and_nothing_is_said_in_plain_text),
        cmocka_unit_test(a_relay_without_starttls_gets_nothing_when_tls_is_required),
        cmocka_unit_test(a_refused_or_broken_starttls_is_later),
        cmocka_unit_test(plain_text_behind_starttls_ends_the_session),
        cmocka_unit_test(two_hundred_tls_sessions_neither_crash_nor_stall),
        cmocka_unit_test(the_login_comes_from_a_private_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
