/* What an SMTP relay may do to us, and what we say happened. */
#include "tests/workers/email/bench_mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define CHECK_OUTCOME(a, r, w)                                                                     \
    do {                                                                                           \
        assert_string_equal((a)->outcome.why, (w));                                                \
        assert_string_equal(wire_result_name((a)->outcome.result), wire_result_name(r));           \
    } while (0)

/* ---- one row per fault ---- */

typedef struct {
    const char *name;
    smtp_rule rule;
    wire_result result;
    const char *why;
    int code;
    size_t recorded; /* messages whose whole content reached the server */
} fault;

static const fault faults[] = {
    {"nothing goes wrong",
     {AT_QUIT, -1, -1, NULL, DO_REPLY, "221 Bye\r\n", 0},
     WIRE_DELIVERED,
     "accepted",
     250,
     1},
    {"greeting 4xx",
     {AT_GREETING, -1, -1, NULL, DO_REPLY_CLOSE, "421 4.3.2 Later\r\n", 0},
     WIRE_LATER,
     "greeting",
     421,
     0},
    {"greeting 5xx",
     {AT_GREETING, -1, -1, NULL, DO_REPLY_CLOSE, "554 No service\r\n", 0},
     WIRE_LATER,
     "greeting",
     554,
     0},
    {"greeting is not SMTP",
     {AT_GREETING, -1, -1, NULL, DO_REPLY_CLOSE, "SSH-2.0-x\r\n", 0},
     WIRE_LATER,
     "greeting",
     0,
     0},
    {"dropped before the greeting",
     {AT_GREETING, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_LATER,
     "greeting",
     0,
     0},
    {"no greeting", {AT_GREETING, -1, -1, NULL, DO_HANG, NULL, 0}, WIRE_LATER, "greeting", 0, 0},
    {"EHLO 421",
     {AT_EHLO, -1, -1, NULL, DO_REPLY_CLOSE, "421 4.3.2 Later\r\n", 0},
     WIRE_LATER,
     "greeting",
     421,
     0},
    {"dropped after EHLO",
     {AT_EHLO, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_LATER,
     "greeting",
     0,
     0},
    {"MAIL 4xx",
     {AT_MAIL, -1, -1, NULL, DO_REPLY, "451 4.3.0 Later\r\n", 0},
     WIRE_LATER,
     "mail-later",
     451,
     0},
    {"MAIL 5xx",
     {AT_MAIL, -1, -1, NULL, DO_REPLY, "550 5.7.1 No\r\n", 0},
     WIRE_REFUSED,
     "mail-refused",
     550,
     0},
    {"MAIL wants a login",
     {AT_MAIL, -1, -1, NULL, DO_REPLY, "530 5.7.0 Login\r\n", 0},
     WIRE_LATER,
     "auth",
     530,
     0},
    {"MAIL garbled",
     {AT_MAIL, -1, -1, NULL, DO_REPLY, "550nonsense\r\n", 0},
     WIRE_LATER,
     "line-dropped",
     0,
     0},
    {"dropped after MAIL",
     {AT_MAIL, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_LATER,
     "line-dropped",
     0,
     0},
    {"RCPT 4xx",
     {AT_RCPT, -1, -1, NULL, DO_REPLY, "450 4.2.0 Greylisted\r\n", 0},
     WIRE_LATER,
     "rcpt-later",
     450,
     0},
    {"RCPT 5xx",
     {AT_RCPT, -1, -1, NULL, DO_REPLY, "550 5.1.1 Unknown\r\n", 0},
     WIRE_REFUSED,
     "rcpt-refused",
     550,
     0},
    {"RCPT 421 and closed",
     {AT_RCPT, -1, -1, NULL, DO_REPLY_CLOSE, "421 4.3.2 Later\r\n", 0},
     WIRE_LATER,
     "rcpt-later",
     421,
     0},
    {"RCPT garbled",
     {AT_RCPT, -1, -1, NULL, DO_REPLY, "\001\002\r\n", 0},
     WIRE_LATER,
     "line-dropped",
     0,
     0},
    {"dropped after RCPT",
     {AT_RCPT, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_LATER,
     "line-dropped",
     0,
     0},
    {"DATA 4xx",
     {AT_DATA, -1, -1, NULL, DO_REPLY, "451 4.3.0 Later\r\n", 0},
     WIRE_LATER,
     "message-later",
     451,
     0},
    {"DATA 5xx",
     {AT_DATA, -1, -1, NULL, DO_REPLY, "554 5.7.0 No\r\n", 0},
     WIRE_REFUSED,
     "message-refused",
     554,
     0},
    {"DATA 250 is no delivery",
     {AT_DATA, -1, -1, NULL, DO_REPLY, "250 2.0.0 Ok\r\n", 0},
     WIRE_LATER,
     "bad-reply",
     0,
     0},
    {"dropped after DATA",
     {AT_DATA, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_LATER,
     "line-dropped",
     0,
     0},
    {"no answer to DATA",
     {AT_DATA, -1, -1, NULL, DO_HANG, NULL, 0},
     WIRE_LATER,
     "line-dropped",
     0,
     0},
    {"dropped within the content",
     {AT_BODY, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_UNKNOWN,
     "no-final-reply",
     0,
     0},
    {"dropped after the final dot",
     {AT_DOT, -1, -1, NULL, DO_CLOSE, NULL, 0},
     WIRE_UNKNOWN,
     "no-final-reply",
     0,
     1},
    {"no answer to the final dot",
     {AT_DOT, -1, -1, NULL, DO_HANG, NULL, 0},
     WIRE_UNKNOWN,
     "no-final-reply",
     354,
     1},
    {"final reply garbled",
     {AT_DOT, -1, -1, NULL, DO_REPLY, "250yes\r\n", 0},
     WIRE_UNKNOWN,
     "no-final-reply",
     250,
     1},
    {"final reply of two minds",
     {AT_DOT, -1, -1, NULL, DO_REPLY, "250-2.0.0 Ok\r\n550 5.0.0 No\r\n", 0},
     WIRE_UNKNOWN,
     "no-final-reply",
     250,
     1},
    {"final reply 354 again",
     {AT_DOT, -1, -1, NULL, DO_REPLY, "354 More\r\n", 0},
     WIRE_UNKNOWN,
     "no-final-reply",
     354,
     1},
    {"final reply 4xx",
     {AT_DOT, -1, -1, NULL, DO_REPLY, "452 4.3.1 Full\r\n", 0},
     WIRE_LATER,
     "message-later",
     452,
     1},
    {"final reply 421 and closed",
     {AT_DOT, -1, -1, NULL, DO_REPLY_CLOSE, "421 4.3.2 Bye\r\n", 0},
     WIRE_LATER,
     "message-later",
     421,
     1},
    {"final reply 5xx",
     {AT_DOT, -1, -1, NULL, DO_REPLY, "554 5.7.1 Spam\r\n", 0},
     WIRE_REFUSED,
     "message-refused",
     554,
     1},
    {"final reply slow but there",
     {AT_DOT, -1, -1, NULL, DO_REPLY, "250 2.0.0 Ok\r\n", 200},
     WIRE_DELIVERED,
     "accepted",
     250,
     1},
};

static void every_fault_has_the_outcome_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const fault *f = &faults[i];
        smtp_server *s = smtp_server_start(NULL);
        smtp_server_rule(s, f->rule);
        smtp_config c = mail_config(s);
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(1, NULL));
        channel_attempt *a = mail_rig_outcome(r, 0);
        if (strcmp(a->outcome.why, f->why) != 0 || a->outcome.result != f->result ||
            a->outcome.code != f->code || smtp_server_count(s) != f->recorded)
            fail_msg("%s: %s %s %d recorded %zu; wanted %s %s %d recorded %zu", f->name,
                     wire_result_name(a->outcome.result), a->outcome.why, a->outcome.code,
                     smtp_server_count(s), wire_result_name(f->result), f->why, f->code,
                     f->recorded);
        mail_rig_stop(r);
        smtp_server_stop(s);
    }
}

static void a_refused_connection_is_later(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_config c = mail_config(s);
    smtp_server_stop(s);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_LATER, "connect-failed");
    mail_rig_stop(r);
}

static void a_host_without_an_address_is_later(void **state)
{
    (void)state;
    smtp_config c = {.host = "nowhere.invalid", .port = 25, .tls = SMTP_TLS_NONE};
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_LATER, "resolve-failed");
    mail_rig_stop(r);
}

/* ---- recipients ---- */

static void a_refused_copy_does_not_keep_the_message_from_the_debtor(void **state)
{
    (void)state;
    static const rcpt rcpts[] = {{"debtor@example.test", NULL},
                                 {"gone@example.test", "cc"},
                                 {"grey@example.test", "cc"},
                                 {"boss@example.test", "cc"},
                                 {NULL, NULL}};
    smtp_server *s = smtp_server_start(NULL);
    smtp_server_rule(s, (smtp_rule){AT_RCPT, -1, -1, "gone@", DO_REPLY, "550 5.1.1 Who\r\n", 0});
    smtp_server_rule(s, (smtp_rule){AT_RCPT, -1, -1, "grey@", DO_REPLY, "451 4.7.1 Wait\r\n", 0});
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, rcpts));
    channel_attempt *a = mail_rig_outcome(r, 0);
    CHECK_OUTCOME(a, WIRE_DELIVERED, "accepted");
    assert_int_equal(a->outcome.recipient_n, 4);
    assert_int_equal(a->outcome.recipients[0].code, 250);
    assert_int_equal(a->outcome.recipients[1].code, 550);
    assert_string_equal(a->outcome.recipients[1].enhanced, "5.1.1");
    assert_int_equal(a->outcome.recipients[2].code, 451);
    assert_int_equal(a->outcome.recipients[3].code, 250);
    assert_int_equal(smtp_server_count(s), 1);
    const smtp_record *got = smtp_server_record(s, 0);
    assert_non_null(strstr(got->rcpts, "debtor@"));
    assert_non_null(strstr(got->rcpts, "boss@"));
    assert_null(strstr(got->rcpts, "gone@"));
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void a_message_whose_debtor_is_refused_goes_to_no_copy(void **state)
{
    (void)state;
    static const rcpt rcpts[] = {
        {"debtor@example.test", NULL}, {"boss@example.test", "cc"}, {NULL, NULL}};
    smtp_server *s = smtp_server_start(NULL);
    smtp_server_rule(s, (smtp_rule){AT_RCPT, -1, 0, "debtor@", DO_REPLY, "550 5.1.1 Who\r\n", 0});
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, rcpts));
    mail_rig_put(r, mail_attempt(2, (rcpt[]){{"other@example.test", NULL}, {NULL, NULL}}));
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_REFUSED, "rcpt-refused");
    /* the session goes on with the next message */
    CHECK_OUTCOME(mail_rig_outcome(r, 1), WIRE_DELIVERED, "accepted");
    assert_int_equal(smtp_server_count(s), 1);
    assert_non_null(strstr(smtp_server_record(s, 0)->data, "Invoice 2"));
    assert_int_equal(smtp_server_connections(s), 1);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void a_server_that_takes_data_without_recipients_delivers_nothing(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_server_rule(s, (smtp_rule){AT_RCPT, -1, -1, NULL, DO_REPLY, "550 5.1.1 Who\r\n", 0});
    smtp_server_rule(s, (smtp_rule){AT_DATA, -1, -1, NULL, DO_REPLY, "354 Go\r\n", 0});
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_REFUSED, "rcpt-refused");
    for (size_t i = 0; i < smtp_server_count(s); i++)
        assert_int_equal(smtp_server_record(s, i)->data_n, 0);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

/* ---- bytes ---- */

static void the_bytes_on_the_wire_are_the_bytes_of_the_intent(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    mail_rig_put(r, mail_attempt(1, NULL));
    channel_attempt *big = mail_attempt(2, NULL);
    for (int i = 0; i < 8000; i++)
        gw_buf_printf(&big->bytes, ".%d the same words over and over again\r\n", i);
    mail_rig_put(r, big);
    for (size_t i = 0; i < 2; i++) {
        channel_attempt *a = mail_rig_outcome(r, i);
        CHECK_OUTCOME(a, WIRE_DELIVERED, "accepted");
        const smtp_record *got = smtp_server_record(s, i);
        assert_int_equal(got->data_n, a->bytes.n);
        assert_memory_equal(got->data, a->bytes.data, a->bytes.n);
    }
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void receipts_are_asked_for_where_the_server_gives_them(void **state)
{
    (void)state;
    for (int offered = 0; offered < 2; offered++) {
        smtp_options o = {.no_dsn = !offered};
        smtp_server *s = smtp_server_start(&o);
        smtp_config c = mail_config(s);
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(7, NULL));
        CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_DELIVERED, "accepted");
        const smtp_record *got = smtp_server_record(s, 0);
        assert_true(!strstr(got->mail, "RET=HDRS ENVID=r7") == !offered);
        assert_true(!strstr(got->rcpts, "NOTIFY=SUCCESS,FAILURE,DELAY") == !offered);
        char *commands = smtp_server_commands(s);
        assert_non_null(strstr(commands, "EHLO worker.example.test"));
        free(commands);
        mail_rig_stop(r);
        smtp_server_stop(s);
    }
}

static void an_address_with_a_line_break_never_reaches_the_library(void **state)
{
    (void)state;
    static const char *const bad[] = {"a@example.test>\r\nRCPT TO:<b@example.test",
                                      "a\r@example.test",
                                      "a\n@example.test",
                                      "a b@example.test",
                                      "<a@example.test>",
                                      "a@example.test ",
                                      "a@[127.0.0.1]",
                                      "\"a\"@example.test",
                                      "a@example..test",
                                      "a@-example.test",
                                      "@example.test",
                                      "a@",
                                      "a",
                                      "",
                                      "\xc3\xa4@example.test",
                                      "a@ex\xc3\xa4mple.test"};
    smtp_server *s = smtp_server_start(NULL);
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    size_t n = 0;
    for (; n < sizeof bad / sizeof bad[0]; n++) {
        rcpt rcpts[] = {{bad[n], NULL}, {NULL, NULL}};
        mail_rig_put(r, mail_attempt((int)n, rcpts));
        CHECK_OUTCOME(mail_rig_outcome(r, n), WIRE_REFUSED, "unclean");
    }
    static const char *const bodies[] = {"Subject: x\r\n\r\nbare\nlf\r\n",
                                         "Subject: x\r\n\r\nbare\rcr\r\n",
                                         "Subject: x\r\n\r\nno end"};
    for (size_t i = 0; i < 3; i++, n++) {
        channel_attempt *a = mail_attempt((int)n, NULL);
        mail_attempt_bytes(a, bodies[i]);
        mail_rig_put(r, a);
        CHECK_OUTCOME(mail_rig_outcome(r, n), WIRE_REFUSED, "unclean");
    }
    assert_int_equal(smtp_server_connections(s), 0);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

/* ---- sessions ---- */

static void one_session_carries_many_messages_up_to_its_limit(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_config c = mail_config(s);
    c.session_messages = 50;
    mail_rig *r = mail_rig_start(&c, 1);
    for (int i = 0; i < 120; i++)
        mail_rig_put(r, mail_attempt(i, NULL));
    for (size_t i = 0; i < 120; i++)
        CHECK_OUTCOME(mail_rig_outcome(r, i), WIRE_DELIVERED, "accepted");
    assert_int_equal(smtp_server_count(s), 120);
    assert_int_equal(smtp_server_connections(s), 3);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void a_message_that_meets_a_closed_session_goes_over_a_new_one(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_server_rule(s, (smtp_rule){AT_NEXT, 0, 0, NULL, DO_CLOSE, NULL, 0});
    smtp_server_rule(s,
                     (smtp_rule){AT_MAIL, 1, 1, NULL, DO_REPLY_CLOSE, "421 4.7.0 Enough\r\n", 0});
    smtp_server_rule(s, (smtp_rule){AT_MAIL, 2, 1, NULL, DO_CLOSE, NULL, 0});
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    for (int i = 0; i < 5; i++)
        mail_rig_put(r, mail_attempt(i, NULL));
    for (size_t i = 0; i < 5; i++)
        CHECK_OUTCOME(mail_rig_outcome(r, i), WIRE_DELIVERED, "accepted");
    assert_int_equal(smtp_server_count(s), 5);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void a_peer_that_sends_a_byte_at_a_time_is_cut_off(void **state)
{
    (void)state;
    static const struct {
        smtp_at at;
        wire_result result;
        const char *why;
    } rows[] = {{AT_GREETING, WIRE_LATER, "watchdog"},
                {AT_EHLO, WIRE_LATER, "watchdog"},
                {AT_RCPT, WIRE_LATER, "watchdog"},
                {AT_DOT, WIRE_UNKNOWN, "watchdog"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        smtp_server *s = smtp_server_start(NULL);
        smtp_server_rule(s, (smtp_rule){rows[i].at, 0, -1, NULL, DO_DRIP, NULL, 50});
        smtp_config c = mail_config(s);
        c.message_ms = 500;
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(1, NULL));
        CHECK_OUTCOME(mail_rig_outcome(r, 0), rows[i].result, rows[i].why);
        mail_rig_stop(r);
        smtp_server_stop(s);
    }
}

static void a_message_past_its_deadline_is_not_sent(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_config c = mail_config(s);
    mail_rig *r = mail_rig_start(&c, 1);
    channel_attempt *a = mail_attempt(1, NULL);
    ((wire_task *)(uintptr_t)a->task)->deadline_ms = 1000;
    a->go_wall_ms = 1001;
    mail_rig_put(r, a);
    CHECK_OUTCOME(mail_rig_outcome(r, 0), WIRE_LATER, "deadline-passed");
    assert_int_equal(smtp_server_connections(s), 0);
    mail_rig_stop(r);
    smtp_server_stop(s);
}

static void closing_finishes_what_is_queued(void **state)
{
    (void)state;
    smtp_server *s = smtp_server_start(NULL);
    smtp_config c = mail_config(s);
    c.idle_ms = 30000;
    mail_rig *r = mail_rig_start(&c, 2);
    for (int i = 0; i < 40; i++)
        mail_rig_put(r, mail_attempt(i, NULL));
    mail_rig_stop(r);
    assert_int_equal(smtp_server_count(s), 40);
    char *commands = smtp_server_commands(s);
    assert_non_null(strstr(commands, "QUIT"));
    free(commands);
    smtp_server_stop(s);
}

static int set_up(void **state)
{
    static char home[] = "/tmp/dunlin-smtp-test-XXXXXX";
    gw_err err = {0};
    if (!mkdtemp(home) || smtp_process_setup(home, &err) != GW_OK)
        return -1;
    *state = home;
    return 0;
}

static int tear_down(void **state)
{
    return rmdir(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_the_outcome_the_table_says),
        cmocka_unit_test(a_refused_connection_is_later),
        cmocka_unit_test(a_host_without_an_address_is_later),
        cmocka_unit_test(a_refused_copy_does_not_keep_the_message_from_the_debtor),
        cmocka_unit_test(a_message_whose_debtor_is_refused_goes_to_no_copy),
        cmocka_unit_test(a_server_that_takes_data_without_recipients_delivers_nothing),
        cmocka_unit_test(the_bytes_on_the_wire_are_the_bytes_of_the_intent),
        cmocka_unit_test(receipts_are_asked_for_where_the_server_gives_them),
        cmocka_unit_test(an_address_with_a_line_break_never_reaches_the_library),
        cmocka_unit_test(one_session_carries_many_messages_up_to_its_limit),
        cmocka_unit_test(a_message_that_meets_a_closed_session_goes_over_a_new_one),
        cmocka_unit_test(a_peer_that_sends_a_byte_at_a_time_is_cut_off),
        cmocka_unit_test(a_message_past_its_deadline_is_not_sent),
        cmocka_unit_test(closing_finishes_what_is_queued),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
