#include "gateway/cli/report.h"

#include "gateway/cli/options.h"

#include <stdio.h>
#include <string.h>

int report_cli(int argc, char **argv)
{
    bool help = argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0);
    if (argc > 1 && strcmp(argv[1], "timing") == 0)
        return report_timing(argc - 1, argv + 1);
    fprintf(
        help ? stdout : stderr,
        "usage: dunlin report REPORT [OPTIONS]; each has --help\n"
        "  dunlin report timing   what predicting the best hour was worth: calibration, uplift, "
        "estimates, curves\n");
    return help ? 0 : CLI_USAGE;
}
