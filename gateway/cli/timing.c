#include "gateway/cli/timing.h"

#include "gateway/cli/options.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"replay", timing_replay, "every policy over a real trace of responses: --trace FILE.csv"},
    {"simulate", timing_simulate, "every policy where the truth is known; checks the estimators"},
    {"fit", timing_fit_cli, "the model of the best hour from all histories: every night"},
    {"off", timing_switch, "stop predicting and learning for a billing system: --source S"},
    {"on", timing_switch, "allow it again: --source S"},
    {"explain", timing_explain_cli, "why that hour, computed again and compared: JOB"},
    {"score", timing_score, "train and score the willingness to pay on a table: --csv FILE"},
};

static int help(FILE *out)
{
    fprintf(out, "usage: dunlin timing COMMAND [OPTIONS]; each has --help\n");
    for (size_t i = 0; i < GW_COUNT(commands); i++)
        fprintf(out, "  dunlin timing %-9s %s\n", commands[i].name, commands[i].help);
    return out == stdout ? 0 : CLI_USAGE;
}

int timing_cli(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(stdout);
    for (size_t i = 0; i < GW_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "dunlin timing: no command \"%s\"\n", argv[1]);
    return help(stderr);
}
