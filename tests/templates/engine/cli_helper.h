/* cli_helper.h - runs `dunlin template ...` inside the test and keeps what it prints. */
#ifndef TESTS_TEMPLATES_ENGINE_CLI_HELPER_H
#define TESTS_TEMPLATES_ENGINE_CLI_HELPER_H

#include "render_helper.h"

#include "gateway/cli/template.h"

enum { CLI_WORDS_MAX = 16 };

typedef struct {
    int exit_code;
    char *out, *errors; /* NUL-terminated */
    size_t out_n, errors_n;
} cli_result;

static inline void cli_done(cli_result *r)
{
    free(r->out);
    free(r->errors);
}
#define AUTO_CLI __attribute__((cleanup(cli_done)))

/* words ends with NULL and starts behind "template". */
static inline cli_result run_cli(const char *const *words)
{
    cli_result r = {0};
    char *argv[CLI_WORDS_MAX + 2] = {strdup("template")};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = strdup(words[argc - 1]);
    FILE *out = open_memstream(&r.out, &r.out_n);
    FILE *errors = open_memstream(&r.errors, &r.errors_n);
    r.exit_code = template_cli_run(argc, argv, out, errors);
    fclose(out);
    fclose(errors);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return r;
}
#define CLI(...) run_cli((const char *const[]){__VA_ARGS__, NULL})

/* A folder of the test's own. */
static inline void make_temp_dir(char ret_dir[32])
{
    memcpy(ret_dir, "/tmp/dunlin-tpl-XXXXXX", 23);
    assert_non_null(mkdtemp(ret_dir));
}

static inline void remove_dir(const char *dir)
{
    char command[512];
    snprintf(command, sizeof command, "chmod -R u+w '%s' && rm -r '%s'", dir, dir);
    assert_int_equal(system(command), 0);
}

/* Write text to dir/name, making the folders between. */
static inline void put_file(const char *dir, const char *name, gw_str bytes)
{
    char path[700];
    char command[800];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    *strrchr(path, '/') = '\0';
    snprintf(command, sizeof command, "mkdir -p '%s'", path);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_non_null(f = fopen(path, "w"));
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    fclose(f);
}

#endif
