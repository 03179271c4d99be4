#include "gateway/cli/window.h"

#include "gateway/base/file.h"
#include "gateway/cli/ask.h"
#include "gateway/policy/house.h"

#include <stdio.h>

enum { DIFF_MAX = 256 * 1024 };

typedef struct {
    const cli_common *c;
    const char *by, *reason;
    char path[CONFIG_PATH_BYTES];
    gw_buf text;
    house_windows *windows;
} window_command;

static gw_code read_file(window_command *w, gw_err *err)
{
    if (w->c->word_n > 1)
        snprintf(w->path, sizeof w->path, "%s", w->c->words[1]);
    else
        config_dir_path(w->c->config, "windows.jsonc", w->path);
    gw_code rc = gw_file_read(w->path, &w->text, err);
    return rc == GW_OK ? house_windows_parse(w->path, gw_buf_str(&w->text), &w->windows, err) : rc;
}

static gw_code lint(window_command *w, gw_err *err)
{
    gw_code rc = read_file(w, err);
    if (rc == GW_OK)
        printf("%s: %zu windows, sha-256 %s\n", w->path, house_windows_count(w->windows),
               house_windows_hash(w->windows));
    return rc;
}

/* The windows in force; *ret NULL when there are none. */
static gw_code ask_in_force(const window_command *w, house_windows **ret, gw_err *err)
{
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_code rc =
        ask_operator(w->c, "query", GW_STR("{\"what\":\"windows\"}"), 0, arena, &answer, err);
    uint32_t at = rc == GW_OK ? json_member(&answer, 0, "windows") : 0;
    if (rc != GW_OK || !at || json_kind_of(&answer, at) != JSON_OBJECT)
        return rc;
    return house_windows_parse("windows in force", json_raw(&answer, at), ret, err);
}

static gw_code diff(window_command *w, gw_err *err)
{
    GW_AUTO(house_windows_free) house_windows *now = NULL;
    GW_AUTO_BUF gw_buf lines;
    gw_buf_init(&lines, DIFF_MAX);
    gw_code rc = read_file(w, err);
    if (rc == GW_OK)
        rc = ask_in_force(w, &now, err);
    if (rc == GW_OK)
        (void)house_windows_diff(now, w->windows, &lines);
    if (rc == GW_OK && w->c->json) {
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 2 * DIFF_MAX);
        gw_buf_putc(&b, '{');
        json_put_member_bool(&b, "changed", lines.n > 0);
        json_put_member_str(&b, "diff", gw_buf_str(&lines));
        gw_buf_putc(&b, '}');
        printf("%s\n", b.data);
    } else if (rc == GW_OK) {
        fputs(lines.n ? lines.data : "nothing would change\n", stdout);
    }
    return rc;
}

static gw_code apply(window_command *w, gw_err *err)
{
    GW_AUTO_BUF gw_buf b;
    json_doc answer;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ASK_ARENA_BYTES);
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_code rc = read_file(w, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "text", gw_buf_str(&w->text));
    if (w->by)
        json_put_member_str(&b, "by", gw_str_of(w->by));
    if (w->reason)
        json_put_member_str(&b, "reason", gw_str_of(w->reason));
    gw_buf_putc(&b, '}');
    rc = gw_buf_code(&b, "the file", err);
    if (rc == GW_OK)
        rc = ask_operator(w->c, "windows", gw_buf_str(&b), 0, arena, &answer, err);
    if (rc == GW_OK && w->c->json)
        printf("%.*s\n", GW_STR_ARG(json_raw(&answer, 0)));
    else if (rc == GW_OK)
        printf("%s\n", gw_str_is(json_get_str(&answer, 0, "verdict"), "duplicate")
                           ? "in force already, nothing changed"
                           : "in force");
    return rc;
}

int window_cli(int argc, char **argv)
{
    static const struct {
        const char *name;
        gw_code (*run)(window_command *, gw_err *);
    } acts[] = {{"lint", lint}, {"diff", diff}, {"apply", apply}};
    window_command w = {.by = NULL};
    const cli_option own[] = {{"--by", &w.by, "who ordered it"}, {"--reason", &w.reason, "why"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    w.c = &c;
    gw_buf_init(&w.text, HOUSE_FILE_BYTES_MAX);
    code = CLI_USAGE;
    if (strcmp(c.words[0], "show") == 0)
        code = ask_and_print(&c, "query", GW_STR("{\"what\":\"windows\"}"));
    for (size_t i = 0; i < GW_COUNT(acts); i++) {
        if (strcmp(c.words[0], acts[i].name) != 0)
            continue;
        gw_code rc = acts[i].run(&w, &err);
        code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    }
    if (code == CLI_USAGE)
        fprintf(stderr, "dunlin window lint|diff|apply [FILE] [--by NAME] [--reason WHY] | show\n");
    gw_buf_done(&w.text);
    house_windows_free(w.windows);
    cli_done(&c);
    return code;
}
