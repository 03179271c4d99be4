/* options.h - what every subcommand of `dunlin` shares: options, places, how failures are told.
 *
 * Common options: --data DIR (default $DUNLIN_DATA_DIR, else ./dunlin-data), --config FILE (default
 * as config_find), --json (stable machine output). Exit codes: 0 done, 1 refused or failed, 2
 * usage, 75 try again later. Thread: the main thread. */
#ifndef DUNLIN_CLI_OPTIONS_H
#define DUNLIN_CLI_OPTIONS_H

#include "config/loader/config.h"

enum { CLI_USAGE = 2, CLI_WORDS_MAX = 64 };

/* One own option of a subcommand. value points to a const char * that holds the default; for a flag
 * (takes no value) it points to a const char * that becomes "yes". */
typedef struct {
    const char *name; /* "--with"; a flag ends in '!': "--settings!" */
    const char **value;
    const char *help;
} cli_option;

typedef struct {
    config *config;
    const char *data, *config_file;
    bool json;
    const char *words[CLI_WORDS_MAX]; /* arguments that are no options, in order */
    size_t word_n;
} cli_common;

/* Parse argv behind the subcommand's name (argv[0]) and load the configuration. words_min is the
 * least number of plain words. Returns 0, or the exit code after having told why. */
int cli_parse(int argc, char **argv, const cli_option *own, size_t own_n, size_t words_min,
              cli_common *ret, gw_err *err);
void cli_done(cli_common *c);
/* Tell the failure on stderr (JSON with --json) and give the exit code. */
int cli_fail(const cli_common *c, gw_code code, const gw_err *err);

/* Folder of the running program. */
gw_code cli_program_folder(char ret_path[CONFIG_PATH_BYTES], gw_err *err) GW_NODISCARD;
/* A file we ship: `installed` below share/dunlin of the program's prefix, or `source` in the tree
 * that the program was built in. */
gw_code cli_shipped_file(const char *source, const char *installed,
                         char ret_path[CONFIG_PATH_BYTES], gw_err *err) GW_NODISCARD;

#endif
