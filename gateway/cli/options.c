#include "gateway/cli/options.h"

#include "gateway/base/json.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int usage(const char *command, const cli_option *own, size_t own_n, const char *why,
                 const char *what)
{
    fprintf(stderr, "dunlin %s: %s %s\n", command, why, what);
    fprintf(stderr, "options: --data DIR, --config FILE, --json");
    for (size_t i = 0; i < own_n; i++)
        fprintf(stderr, ", %.*s (%s)", (int)strcspn(own[i].name, "!"), own[i].name, own[i].help);
    fprintf(stderr, "\n`dunlin help` lists the commands\n");
    return CLI_USAGE;
}

/* Index behind the option at i, or -1 when its value is missing, or i when it is none of them. */
static int take_option(int argc, char **argv, int i, const cli_option *options, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t len = strcspn(options[k].name, "!");
        bool flag = options[k].name[len] == '!';
        if (strncmp(argv[i], options[k].name, len) != 0)
            continue;
        if (argv[i][len] == '=' && !flag) {
            *options[k].value = argv[i] + len + 1;
            return i + 1;
        }
        if (argv[i][len] != '\0')
            continue;
        if (flag) {
            *options[k].value = "yes";
            return i + 1;
        }
        if (i + 1 >= argc)
            return -1;
        *options[k].value = argv[i + 1];
        return i + 2;
    }
    return i;
}

static gw_code load_config(cli_common *c, gw_err *err)
{
    char found[CONFIG_PATH_BYTES];
    if (!c->config_file) {
        gw_code rc = config_find(found, err);
        if (rc != GW_OK)
            return rc;
    }
    return config_load(c->config_file ? c->config_file : found, c->data, &c->config, err);
}

int cli_parse(int argc, char **argv, const cli_option *own, size_t own_n, size_t words_min,
              cli_common *ret, gw_err *err)
{
    const char *data = getenv("DUNLIN_DATA_DIR");
    const char *config_file = NULL;
    const char *json = NULL;
    if (!data || !*data)
        data = "dunlin-data";
    const cli_option common[] = {
        {"--data", &data, ""}, {"--config", &config_file, ""}, {"--json!", &json, ""}};
    *ret = (cli_common){0};
    for (int i = 1; i < argc;) {
        int next = take_option(argc, argv, i, common, GW_COUNT(common));
        if (next == i)
            next = take_option(argc, argv, i, own, own_n);
        if (next < 0)
            return usage(argv[0], own, own_n, "a value is missing after", argv[i]);
        if (next == i && argv[i][0] == '-' && argv[i][1] != '\0')
            return usage(argv[0], own, own_n, "unknown option", argv[i]);
        if (next == i) {
            if (ret->word_n == CLI_WORDS_MAX)
                return usage(argv[0], own, own_n, "too many arguments at", argv[i]);
            ret->words[ret->word_n++] = argv[i];
            next = i + 1;
        }
        i = next;
    }
    ret->data = data;
    ret->config_file = config_file;
    ret->json = json != NULL;
    if (ret->word_n < words_min)
        return usage(argv[0], own, own_n, "an argument is missing", "");
    gw_code rc = load_config(ret, err);
    return rc == GW_OK ? 0 : cli_fail(ret, rc, err);
}

void cli_done(cli_common *c)
{
    config_free(c->config);
    c->config = NULL;
}

int cli_fail(const cli_common *c, gw_code code, const gw_err *err)
{
    if (c->json) {
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 4096);
        gw_buf_putc(&b, '{');
        json_put_member_str(&b, "error", gw_str_of(gw_code_name(code)));
        json_put_member_str(&b, "text", gw_str_of(err->text));
        gw_buf_putc(&b, '}');
        fprintf(stderr, "%s\n", b.data ? b.data : "{}");
    } else {
        fprintf(stderr, "dunlin: %s\n", err->text);
    }
    return gw_exit_code(code);
}

gw_code cli_program_folder(char ret_path[CONFIG_PATH_BYTES], gw_err *err)
{
    ssize_t n = readlink("/proc/self/exe", ret_path, CONFIG_PATH_BYTES - 1);
    if (n < 0)
        return gw_fail(err, GW_EIO, "the program's own place cannot be read");
    ret_path[n] = '\0';
    *strrchr(ret_path, '/') = '\0';
    return GW_OK;
}

gw_code cli_shipped_file(const char *source, const char *installed,
                         char ret_path[CONFIG_PATH_BYTES], gw_err *err)
{
    char folder[CONFIG_PATH_BYTES];
    gw_code rc = cli_program_folder(folder, err);
    if (rc != GW_OK)
        return rc;
    for (char *slash = folder + strlen(folder); slash; slash = strrchr(folder, '/')) {
        *slash = '\0';
        const struct {
            const char *between, *name;
        } places[] = {{"/share/dunlin/", installed}, {"/", source}};
        for (size_t i = 0; i < GW_COUNT(places); i++) {
            if (snprintf(ret_path, CONFIG_PATH_BYTES, "%s%s%s", folder, places[i].between,
                         places[i].name) < CONFIG_PATH_BYTES &&
                access(ret_path, R_OK) == 0)
                return GW_OK;
        }
    }
    return gw_fail(err, GW_ENOTFOUND, "%s was not found beside the program; is it installed whole?",
                   installed);
}
