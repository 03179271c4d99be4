#include "gateway/cli/local.h"

#include "gateway/base/time.h"
#include "gateway/cli/options.h"
#include "gateway/cli/rules.h"
#include "gateway/cli/setup.h"
#include "gateway/ladder/ladder.h"
#include "gateway/state/state.h"

#include <stdio.h>

enum { LADDER_ARENA = 1 << 20 };

/* ---- doctor ---- */

static int tell_findings(const cli_common *c, gw_err *err)
{
    static const char *const names[] = {"note", "warning", "FATAL"};
    const config *f = c->config;
    const state_config sc = {
        .unix_socket = *f->redis_socket ? f->redis_socket : NULL,
        .host = f->redis_host,
        .port = (int)f->redis_port,
        .password_file = *f->redis_password_file ? f->redis_password_file : NULL,
        .timeout_ms = (int)f->redis_timeout_ms,
    };
    GW_AUTO(state_close) state *s = NULL;
    state_finding findings[STATE_FINDINGS_MAX];
    size_t n = 0;
    gw_code rc = state_open(&sc, &s, err);
    if (rc == GW_OK)
        rc = state_doctor(s, findings, GW_COUNT(findings), &n, err);
    if (rc != GW_OK)
        return cli_fail(c, rc, err);
    int worst = 0;
    for (size_t i = 0; i < n; i++) {
        printf("%-8s %s: %s\n         %s\n", names[findings[i].severity], findings[i].name,
               findings[i].what, findings[i].remedy);
        worst = findings[i].severity == STATE_FATAL ? 1 : worst;
    }
    if (n == 0)
        printf("Redis: nothing endangers the promises\n");
    return worst;
}

int doctor_cli(int argc, char **argv)
{
    const char *settings = NULL;
    const cli_option own[] = {{"--settings!", &settings, "list every setting"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    if (settings) {
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 64 * 1024);
        config_describe(&b);
        fputs(b.data ? b.data : "", stdout);
    } else {
        printf("configuration %s is good\n", c.config->file);
        if (strcmp(c.config->email_transport, "outbox") == 0)
            printf("e-mail goes to the outbox folder: nobody is contacted\n");
        if (c.config->clock_movable)
            printf("warning  clock.movable is true: fit for replays and tests only\n");
        int rules = rules_doctor(&c);
        code = tell_findings(&c, &err);
        code = code ? code : rules;
    }
    cli_done(&c);
    return code;
}

/* ---- key ---- */

int key_cli(int argc, char **argv)
{
    const char *operator_key = NULL;
    const char *worker_key = NULL;
    const char *agent_key = NULL;
    const cli_option own[] = {{"--operator!", &operator_key, "for an operator"},
                              {"--agent!", &agent_key, "for an agent of the call desk"},
                              {"--worker!", &worker_key, "for a worker"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    const char *name = c.words[0];
    const char *list = operator_key ? "operators"
                       : agent_key  ? "agents"
                       : worker_key ? "workers"
                                    : "clients";
    gw_code rc = GW_OK;
    if (name[0] == '.' || strlen(name) > 64 ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
        rc = gw_fail(&err, GW_EINVAL, "a key's name has 1 to 64 of A-Z a-z 0-9 . _ -");
    if (rc == GW_OK)
        rc = setup_data_folder(c.config, &err);
    if (rc == GW_OK)
        rc = setup_key(c.config, list, name, &err);
    if (rc == GW_OK)
        printf("secret key: %s/keys/secret/%s.key (give it to %s, then remove it here)\n"
               "allowed by: %s/keys/%s/%s.pub (remove it to revoke)\n"
               "gateway:    %s/keys/gateway.pub\n",
               c.config->data, name, name, c.config->data, list, name, c.config->data);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}

/* ---- ladder ---- */

static void show_ladder(const ladder *l)
{
    size_t n;
    const ladder_step *steps = ladder_steps(l, &n);
    printf("ladder %s version %s\n", ladder_id(l), ladder_version(l));
    printf("%-20s %5s %-8s %-8s %-20s %4s %6s %s\n", "step", "day", "kind", "channel", "template",
           "tone", "valid", "statement");
    for (size_t i = 0; i < n; i++)
        printf("%-20s %+5d %-8s %-8s %-20s %4d %6d %s\n", steps[i].id, steps[i].day,
               ladder_kind_name(steps[i].kind), steps[i].channel, steps[i].template_name,
               steps[i].tone, steps[i].valid_days, ladder_statement_name(steps[i].statement));
}

static gw_code simulate_ladder(const ladder *l, const char *due, const char *today, gw_err *err)
{
    ladder_item item = {.issued_day = LADDER_NO_DAY, .open_minor = 1};
    int32_t day = 0;
    gw_code rc = gw_date_parse(gw_str_of(due), &item.due_day, err);
    if (rc == GW_OK && today)
        rc = gw_date_parse(gw_str_of(today), &day, err);
    if (rc != GW_OK)
        return rc;
    if (!today)
        day = item.due_day - 30;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(LADDER_ARENA);
    ladder_plan_result plan;
    rc = arena ? ladder_plan(l, &item, day, arena, &plan, err)
               : gw_fail(err, GW_ENOMEM, "out of memory");
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < plan.n; i++) {
        const ladder_entry *e = &plan.entries[i];
        char from[GW_DATE_TEXT];
        char to[GW_DATE_TEXT];
        gw_date_format(e->not_before_day, from);
        gw_date_format(e->not_after_day, to);
        printf("%-20s %-8s %s to %s  %s%s\n", e->step->id, e->step->channel, from, to,
               e->fate == LADDER_PLANNED ? "planned" : "skipped: ", e->why);
    }
    return GW_OK;
}

int ladder_cli(int argc, char **argv)
{
    const char *name = "default";
    const char *due = NULL;
    const char *today = NULL;
    const cli_option own[] = {{"--ladder", &name, "file in ladders/"},
                              {"--due", &due, "simulate: due date, e.g. 2013-02-01"},
                              {"--today", &today, "simulate: as of this date"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    bool simulate = strcmp(c.words[0], "simulate") == 0;
    if ((!simulate && strcmp(c.words[0], "show") != 0) || (simulate && !due)) {
        fprintf(stderr, "dunlin ladder show [--ladder L] | simulate --due DATE [--today DATE]\n");
        cli_done(&c);
        return CLI_USAGE;
    }
    char relative[128];
    char path[CONFIG_PATH_BYTES];
    snprintf(relative, sizeof relative, "ladders/%s.jsonc", name);
    config_dir_path(c.config, relative, path);
    GW_AUTO(ladder_free) ladder *l = NULL;
    gw_code rc = ladder_load(path, &l, &err);
    if (rc == GW_OK && simulate)
        rc = simulate_ladder(l, due, today, &err);
    else if (rc == GW_OK)
        show_ladder(l);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
