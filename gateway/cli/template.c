#include "gateway/cli/template.h"

#include "gateway/base/file.h"
#include "gateway/cli/template_internal.h"

const char template_cli_usage[] =
    "dunlin template lint DIR... [--strict] [--json]\n"
    "dunlin template render --template FILE --data FILE [--partials DIR] [--strict]\n"
    "                       [--escape html|plain|header] [--json]\n"
    "dunlin template preview --bundle DIR --data FILE [--part PART] [--out DIR] [--json]\n"
    "dunlin template version DIR... [--json]\n"
    "dunlin template publish DIR... --store STORE [--json]\n"
    "dunlin template diff DIR... --store STORE [--json]\n";

enum { EXIT_USAGE = 2 };

typedef enum { NO_DIRS, DIRS } dirs_rule;

static const struct {
    const char *name;
    gw_code (*run)(const template_command *c, gw_err *err);
    dirs_rule dirs;
    const char *options; /* those it knows */
    const char *needed[2];
} commands[] = {
    {"lint", template_cmd_lint, DIRS, "--strict --json", {0}},
    {"render",
     template_cmd_render,
     NO_DIRS,
     "--template --data --partials --strict --escape --json",
     {"--template", "--data"}},
    {"preview",
     template_cmd_preview,
     NO_DIRS,
     "--bundle --data --part --out --json",
     {"--bundle", "--data"}},
    {"version", template_cmd_version, DIRS, "--json", {0}},
    {"publish", template_cmd_publish, DIRS, "--store --json", {"--store"}},
    {"diff", template_cmd_diff, DIRS, "--store --json", {"--store"}},
};

static const struct {
    const char *name;
    size_t offset;
    bool is_flag;
} options[] = {
    {"--template", offsetof(template_command, template_file), false},
    {"--data", offsetof(template_command, data), false},
    {"--partials", offsetof(template_command, partials), false},
    {"--bundle", offsetof(template_command, bundle), false},
    {"--part", offsetof(template_command, part), false},
    {"--out", offsetof(template_command, out_dir), false},
    {"--store", offsetof(template_command, store), false},
    {"--escape", offsetof(template_command, escape), false},
    {"--json", offsetof(template_command, json), true},
    {"--strict", offsetof(template_command, strict), true},
};

static const char **value_of(template_command *c, const char *option)
{
    for (size_t i = 0; i < GW_COUNT(options); i++)
        if (strcmp(options[i].name, option) == 0)
            return (const char **)(void *)((char *)c + options[i].offset);
    gw_bug("a command needs an option that is not in the table");
}

static bool knows_option(const char *list, const char *option)
{
    size_t n = strlen(option);
    for (const char *at = list; (at = strstr(at, option)); at += n)
        if (at[n] == ' ' || at[n] == '\0')
            return true;
    return false;
}

/* One option and its value; returns how many words it took, 0 when it is wrong. */
static int take_option(template_command *c, const char *known, char **argv, int left, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(options); i++) {
        if (strcmp(options[i].name, argv[0]) != 0 || !knows_option(known, argv[0]))
            continue;
        if (options[i].is_flag) {
            *((bool *)((char *)c + options[i].offset)) = true;
            return 1;
        }
        if (left < 2) {
            gw_fail(err, GW_EINVAL, "%s needs a value", argv[0]);
            return 0;
        }
        *value_of(c, options[i].name) = argv[1];
        return 2;
    }
    gw_fail(err, GW_EINVAL, "unknown option %.60s", argv[0]);
    return 0;
}

static gw_code read_words(size_t command, int argc, char **argv, template_command *c, gw_err *err)
{
    for (int i = 2; i < argc;) {
        if (strncmp(argv[i], "--", 2) == 0) {
            int took = take_option(c, commands[command].options, argv + i, argc - i, err);
            if (!took)
                return GW_EINVAL;
            i += took;
            continue;
        }
        if (commands[command].dirs == NO_DIRS)
            return gw_fail(err, GW_EINVAL, "unexpected word %.60s", argv[i]);
        if (c->dir_count == TEMPLATE_CLI_DIRS_MAX)
            return gw_fail(err, GW_EINVAL, "more than %d folders", TEMPLATE_CLI_DIRS_MAX);
        c->dirs[c->dir_count++] = argv[i++];
    }
    if (commands[command].dirs == DIRS && c->dir_count == 0)
        return gw_fail(err, GW_EINVAL, "name a template's folder");
    for (size_t i = 0; i < GW_COUNT(commands[command].needed); i++)
        if (commands[command].needed[i] && !*value_of(c, commands[command].needed[i]))
            return gw_fail(err, GW_EINVAL, "%s is missing", commands[command].needed[i]);
    return GW_OK;
}

gw_code template_read_data(const char *file, gw_buf *text, gw_arena *arena, json_doc *ret_doc,
                           gw_err *err)
{
    bool standard_input = strcmp(file, "-") == 0;
    gw_buf_init(text, MUSTACHE_DATA_MAX);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "reading %s: out of memory", file);
    gw_code rc = gw_file_read(standard_input ? "/dev/stdin" : file, text, err);
    if (rc != GW_OK)
        return rc;
    rc = json_parse(gw_buf_str(text), arena, ret_doc, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", file);
}

gw_code template_print(const template_command *c, const gw_buf *b, gw_err *err)
{
    gw_code rc = gw_buf_code(b, "output", err);
    if (rc != GW_OK)
        return rc;
    if (fwrite(b->data ? b->data : "", 1, b->n, c->out) != b->n)
        return gw_fail(err, GW_EIO, "writing the output failed");
    return GW_OK;
}

static void print_failure(const template_command *c, const char *command, const gw_err *err,
                          FILE *errors)
{
    fprintf(errors, "dunlin template %s: %s\n", command, err->text);
    if (!c->json)
        return;
    GW_AUTO_BUF gw_buf line;
    gw_buf_init(&line, 4096);
    gw_buf_putc(&line, '{');
    json_put_member_str(&line, "code", gw_str_of(gw_code_name(err->code)));
    json_put_member_str(&line, "error", gw_str_of(err->text));
    gw_buf_puts(&line, "}\n");
    fwrite(line.data, 1, line.n, c->out);
}

static int run(size_t command, int argc, char **argv, FILE *out, FILE *errors)
{
    gw_err err = {0};
    template_command c = {.out = out};
    if (read_words(command, argc, argv, &c, &err) != GW_OK) {
        fprintf(errors, "dunlin template %s: %s\n%s", commands[command].name, err.text,
                template_cli_usage);
        return EXIT_USAGE;
    }
    gw_code rc = commands[command].run(&c, &err);
    if (rc == GW_OK && fflush(out) != 0)
        rc = gw_fail(&err, GW_EIO, "writing the output failed");
    if (rc != GW_OK && err.code != GW_OK)
        print_failure(&c, commands[command].name, &err, errors);
    return gw_exit_code(rc);
}

int template_cli_run(int argc, char **argv, FILE *out, FILE *errors)
{
    for (size_t i = 0; argc > 1 && i < GW_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(i, argc, argv, out, errors);
    bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
    fputs(template_cli_usage, help ? out : errors);
    return help ? 0 : EXIT_USAGE;
}

int template_cli(int argc, char **argv)
{
    return template_cli_run(argc, argv, stdout, stderr);
}
