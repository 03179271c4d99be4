/* Against Postfix's own smtp-sink, a server nobody here wrote. Skipped where postfix is not
 * installed. */
#include "tests/support/smtp_sink.h"
#include "tests/workers/email/bench_mail.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static smtp_config sink_config(int port)
{
    return (smtp_config){.host = "127.0.0.1",
                         .port = port,
                         .tls = SMTP_TLS_NONE,
                         .hostname = "worker.example.test",
                         .session_messages = 50,
                         .idle_ms = 200};
}

static void need_sink(void)
{
    if (!smtp_sink_is_here())
        skip();
}

static size_t take_dumps(const char *dir, const char *needle, size_t *ret_with)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;
    *ret_with = 0;
    while ((e = readdir(d))) {
        char path[400];
        char text[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        FILE *f = fopen(path, "r");
        size_t got = fread(text, 1, sizeof text - 1, f);
        text[got] = '\0';
        fclose(f);
        unlink(path);
        *ret_with += strstr(text, needle) != NULL;
        n++;
    }
    closedir(d);
    rmdir(dir);
    return n;
}

static void every_message_reaches_postfix_once(void **state)
{
    (void)state;
    enum { MESSAGES = 400 };
    need_sink();
    char dir[] = "/tmp/dunlin-sink-XXXXXX", files[64];
    assert_non_null(mkdtemp(dir));
    snprintf(files, sizeof files, "%s/m.", dir);
    chmod(dir, 0777); /* the sink may be another user */
    smtp_sink sink = smtp_sink_start("-d", files);
    smtp_config c = sink_config(sink.port);
    mail_rig *r = mail_rig_start(&c, 4);
    for (int i = 0; i < MESSAGES; i++)
        mail_rig_put(r, mail_attempt(i, NULL));
    for (size_t i = 0; i < MESSAGES; i++)
        assert_string_equal(mail_rig_outcome(r, i)->outcome.why, "accepted");
    mail_rig_stop(r);
    smtp_sink_stop(&sink);
    size_t with;
    assert_int_equal(take_dumps(dir, "\nSubject: Invoice ", &with), MESSAGES);
    assert_int_equal(with, MESSAGES);
}

static void postfix_being_rude_has_the_outcomes_of_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *value, *why;
        wire_result result;
    } rows[] = {
        {"-r", "connect", "greeting", WIRE_LATER},
        {"-f", "connect", "greeting", WIRE_LATER},
        {"-r", "mail", "mail-later", WIRE_LATER},
        {"-f", "mail", "mail-refused", WIRE_REFUSED},
        {"-r", "rcpt", "rcpt-later", WIRE_LATER},
        {"-f", "rcpt", "rcpt-refused", WIRE_REFUSED},
        {"-r", "data", "message-later", WIRE_LATER},
        {"-f", "data", "message-refused", WIRE_REFUSED},
        {"-r", ".", "message-later", WIRE_LATER},
        {"-f", ".", "message-refused", WIRE_REFUSED},
        {"-q", "mail", "line-dropped", WIRE_LATER},
        {"-q", "rcpt", "line-dropped", WIRE_LATER},
        {"-q", "data", "line-dropped", WIRE_LATER},
        {"-q", ".", "no-final-reply", WIRE_UNKNOWN},
    };
    need_sink();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        smtp_sink sink = smtp_sink_start(rows[i].flag, rows[i].value);
        smtp_config c = sink_config(sink.port);
        mail_rig *r = mail_rig_start(&c, 1);
        mail_rig_put(r, mail_attempt(1, NULL));
        channel_attempt *a = mail_rig_outcome(r, 0);
        if (strcmp(a->outcome.why, rows[i].why) != 0 || a->outcome.result != rows[i].result)
            fail_msg("%s %s: %s %s", rows[i].flag, rows[i].value,
                     wire_result_name(a->outcome.result), a->outcome.why);
        mail_rig_stop(r);
        smtp_sink_stop(&sink);
    }
}

static int set_up(void **state)
{
    static char home[] = "/tmp/dunlin-postfix-test-XXXXXX";
    gw_err err = {0};
    *state = home;
    return mkdtemp(home) && smtp_process_setup(home, &err) == GW_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    return rmdir(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_reaches_postfix_once),
        cmocka_unit_test(postfix_being_rude_has_the_outcomes_of_the_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
