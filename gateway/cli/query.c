#include "gateway/cli/query.h"

#include "gateway/base/clock.h"
#include "gateway/base/time.h"
#include "gateway/cli/ask.h"
#include "gateway/cli/print.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, SETTLE_SECONDS = 600 };

/* A body is put together from pairs; a NULL value leaves the member out. */
typedef struct {
    const char *name, *value;
} member;

static void put_body(gw_buf *b, const member *members, size_t n)
{
    gw_buf_putc(b, '{');
    for (size_t i = 0; i < n; i++)
        if (members[i].value)
            json_put_member_str(b, members[i].name, gw_str_of(members[i].value));
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

static int number_option(const char *text, int otherwise)
{
    char *end = NULL;
    long v = text ? strtol(text, &end, 10) : 0;
    return text && end != text && *end == '\0' && v > 0 && v < 1000000 ? (int)v : otherwise;
}

/* ---- status ---- */

/* Ask until the gateway answers: it may still be starting. */
static int wait_for_gateway(const cli_common *c, int seconds)
{
    gw_mono from = gw_mono_now();
    for (;;) {
        gw_err err = {0};
        json_doc answer;
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
        gw_code rc =
            ask_operator(c, "query", GW_STR("{\"what\":\"status\"}"), 1000, arena, &answer, &err);
        if (rc == GW_OK)
            return 0;
        if (gw_mono_now().ms - from.ms > seconds * INT64_C(1000))
            return cli_fail(c, rc, &err);
        nap();
    }
}

int status_cli(int argc, char **argv)
{
    const char *wait = NULL;
    const cli_option own[] = {{"--wait", &wait, "seconds to wait for the gateway"}};
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (rc != 0)
        return rc;
    rc = wait ? wait_for_gateway(&c, number_option(wait, 30)) : 0;
    if (rc == 0)
        rc = ask_and_print(&c, "query", GW_STR("{\"what\":\"status\"}"));
    cli_done(&c);
    return rc;
}

/* ---- job ---- */

typedef struct {
    const char *source, *state, *debtor, *limit, *reason;
} job_options;

/* The columns a person looks for; --json has them all. */
static int print_jobs(const cli_common *c, gw_str body)
{
    static const char *const columns[] = {"job",     "state",    "why", "debtor",
                                          "channel", "attempts", "due"};
    gw_err err = {0};
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = ask_operator(c, "query", body, 0, arena, &answer, &err);
    if (rc != GW_OK)
        return cli_fail(c, rc, &err);
    uint32_t jobs = json_member(&answer, 0, "jobs");
    if (jobs && json_at(&answer, jobs)->count)
        print_columns(stdout, &answer, jobs, columns, GW_COUNT(columns));
    else
        puts("none");
    if (json_get_str(&answer, 0, "cursor").n)
        puts("... more: --limit N");
    return 0;
}

static int job_list(const cli_common *c, const job_options *o)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    const member members[] = {
        {"what", "jobs"}, {"source", o->source}, {"state", o->state}, {"debtor", o->debtor}};
    put_body(&b, members, GW_COUNT(members));
    json_put_member_int(&b, "limit", number_option(o->limit, 50));
    gw_buf_putc(&b, '}');
    return c->json ? ask_and_print(c, "query", gw_buf_str(&b)) : print_jobs(c, gw_buf_str(&b));
}

static int job_verb(const cli_common *c, const job_options *o, const char *verb, const char *what)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    const member members[] = {
        {"what", what}, {"source", o->source}, {"job", c->words[1]}, {"reason", o->reason}};
    put_body(&b, members, GW_COUNT(members));
    gw_buf_putc(&b, '}');
    return ask_and_print(c, verb, gw_buf_str(&b));
}

int job_cli(int argc, char **argv)
{
    job_options o = {.source = "local"};
    const cli_option own[] = {{"--source", &o.source, "billing system"},
                              {"--state", &o.state, "list: planned, held, delivered, ..."},
                              {"--debtor", &o.debtor, "list: of one debtor"},
                              {"--limit", &o.limit, "list: at most this many"},
                              {"--reason", &o.reason, "cancel: why"}};
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (rc != 0)
        return rc;
    const char *act = c.words[0];
    bool named = c.word_n > 1;
    if (strcmp(act, "list") == 0)
        rc = job_list(&c, &o);
    else if (strcmp(act, "show") == 0 && named)
        rc = job_verb(&c, &o, "query", "job");
    else if (strcmp(act, "cancel") == 0 && named)
        rc = job_verb(&c, &o, "cancel", NULL);
    else if (strcmp(act, "retry") == 0 && named)
        rc = job_verb(&c, &o, "retry", NULL);
    else {
        fprintf(stderr, "dunlin job show|cancel|retry JOB, dunlin job list\n");
        rc = CLI_USAGE;
    }
    cli_done(&c);
    return rc;
}

/* ---- explain ---- */

static int explain(const cli_common *c, gw_str body)
{
    gw_err err = {0};
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = ask_operator(c, "query", body, 0, arena, &answer, &err);
    if (rc != GW_OK)
        return cli_fail(c, rc, &err);
    gw_str text = json_get_str(&answer, 0, "text");
    if (!c->json && text.n)
        printf("%.*s\n", GW_STR_ARG(text));
    else
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    return 0;
}

int explain_cli(int argc, char **argv)
{
    const char *source = "local";
    const char *debtor = NULL;
    const char *channel = NULL;
    const char *at = NULL;
    const char *template_name = NULL;
    const cli_option own[] = {{"--source", &source, "billing system"},
                              {"--debtor", &debtor, "hypothetical contact: whom"},
                              {"--channel", &channel, "hypothetical contact: email, sms, voice"},
                              {"--template", &template_name, "hypothetical contact: which text"},
                              {"--at", &at, "moment, e.g. 2013-02-01T09:00:00+08:00"}};
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (rc != 0)
        return rc;
    if (c.word_n == 0 && !(debtor && channel)) {
        fprintf(stderr, "dunlin explain JOB, or --debtor D --channel C [--at TIME]\n");
        cli_done(&c);
        return CLI_USAGE;
    }
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    const member members[] = {
        {"what", "explain"}, {"source", source},   {"job", c.word_n ? c.words[0] : NULL},
        {"debtor", debtor},  {"channel", channel}, {"template", template_name},
        {"at", at}};
    put_body(&b, members, GW_COUNT(members));
    gw_buf_putc(&b, '}');
    rc = explain(&c, gw_buf_str(&b));
    cli_done(&c);
    return rc;
}

int show_cli(int argc, char **argv)
{
    const char *source = "local";
    const cli_option own[] = {{"--source", &source, "billing system"}};
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 2, &c, &err);
    if (rc != 0)
        return rc;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    const member members[] = {{"what", c.words[0]}, {"source", source}, {"debtor", c.words[1]}};
    put_body(&b, members, GW_COUNT(members));
    gw_buf_putc(&b, '}');
    rc = ask_and_print(&c, "query", gw_buf_str(&b));
    cli_done(&c);
    return rc;
}

/* ---- clock ---- */

/* Has the clock arrived where it was sent and is nothing left to do there? Asks again until it is,
 * shows the way on a terminal. */
static int settle(const cli_common *c, dunlin *d)
{
    gw_err err = {0};
    gw_mono from = gw_mono_now();
    char shown[GW_TIME_TEXT] = "";
    for (;;) {
        json_doc answer;
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
        gw_code rc =
            arena ? ask_once(d, "query", GW_STR("{\"what\":\"clock\"}"), arena, &answer, &err)
                  : gw_fail(&err, GW_ENOMEM, "out of memory");
        if (rc != GW_OK)
            return cli_fail(c, rc, &err);
        gw_str now = json_get_str(&answer, 0, "now");
        bool there = json_get_bool(&answer, 0, "idle", false) &&
                     gw_str_eq(now, json_get_str(&answer, 0, "target"));
        if (isatty(STDERR_FILENO) && now.n < sizeof shown && !gw_str_is(now, shown)) {
            snprintf(shown, sizeof shown, "%.*s", GW_STR_ARG(now));
            fprintf(stderr, "\r%s%s", shown, there ? "\n" : "");
        }
        if (there) {
            if (c->json)
                printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
            else
                printf("clock stands at %.*s, nothing left to do\n", GW_STR_ARG(now));
            return 0;
        }
        if (gw_mono_now().ms - from.ms > SETTLE_SECONDS * INT64_C(1000)) {
            gw_str waits = json_get_str(&answer, 0, "waiting_for");
            gw_fail(&err, GW_ETIMEOUT, "still waiting for %.*s", GW_STR_ARG(waits));
            return cli_fail(c, GW_ETIMEOUT, &err);
        }
        nap();
    }
}

static int clock_act(const cli_common *c, const char *act)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_buf_putc(&b, '{');
    if (strcmp(act, "set") == 0)
        json_put_member_str(&b, "set", gw_str_of(c->words[1]));
    else
        json_put_member_bool(&b, "release", true);
    gw_buf_putc(&b, '}');
    gw_err err = {0};
    dunlin *d = NULL;
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc = arena ? ask_connect(c, CLI_OPERATOR, 0, &d, &err)
                       : gw_fail(&err, GW_ENOMEM, "out of memory");
    if (rc == GW_OK && strcmp(act, "settle") != 0)
        rc = ask_once(d, "clock", gw_buf_str(&b), arena, &answer, &err);
    int code = rc == GW_OK ? 0 : cli_fail(c, rc, &err);
    if (code == 0 && strcmp(act, "release") != 0)
        code = settle(c, d);
    dunlin_close(d);
    return code;
}

int clock_cli(int argc, char **argv)
{
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, NULL, 0, 1, &c, &err);
    if (rc != 0)
        return rc;
    const char *act = c.words[0];
    if (strcmp(act, "show") == 0)
        rc = ask_and_print(&c, "query", GW_STR("{\"what\":\"clock\"}"));
    else if ((strcmp(act, "set") == 0 && c.word_n == 2) || strcmp(act, "release") == 0 ||
             strcmp(act, "settle") == 0)
        rc = clock_act(&c, act);
    else {
        fprintf(stderr, "dunlin clock show | set TIME | settle | release\n");
        rc = CLI_USAGE;
    }
    cli_done(&c);
    return rc;
}

/* ---- pause, resume ---- */

int pause_cli(int argc, char **argv)
{
    const char *channel = NULL;
    const char *template_name = NULL;
    const char *by = NULL;
    const char *reason = NULL;
    const cli_option own[] = {{"--channel", &channel, "only this channel"},
                              {"--template", &template_name, "only this template"},
                              {"--by", &by, "who ordered it"},
                              {"--reason", &reason, "why"}};
    cli_common c;
    gw_err err = {0};
    int rc = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (rc != 0)
        return rc;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    const member members[] = {
        {"channel", channel}, {"template", template_name}, {"by", by}, {"reason", reason}};
    put_body(&b, members, GW_COUNT(members));
    gw_buf_putc(&b, '}');
    rc = ask_and_print(&c, argv[0], gw_buf_str(&b));
    cli_done(&c);
    return rc;
}
