/* timing_switch.c - `dunlin timing off|on`: an operator's act that stops predicting and learning
 * for one billing system, or allows it again. In force within a second, on record with who and why.
 */
#include "gateway/cli/ask.h"
#include "gateway/cli/timing.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
    "dunlin timing off|on --source S [--by WHO] [--reason WHY] [--json]\n"
    "\n"
    "off: no best hour is predicted and nothing is learned for the debtors of S (* is every "
    "billing\n"
    "system), no score of willingness is shown; moments are the channel's preferred minute. A "
    "reminder\n"
    "that was planned before follows when its debtor is looked at next, within a day where a "
    "ladder "
    "runs.\n"
    "The setting sources.S.timing does the same for good. A single debtor objects by consent:\n"
    "  dunlin consent id=.. debtor=.. channel=email scope=all purpose=profiling status=withdrawn "
    "source=..\n";

static void put(gw_buf *b, const char *name, const char *value)
{
    if (value)
        json_put_member_str(b, name, gw_str_of(value));
}

int timing_switch(int argc, char **argv)
{
    const char *source = NULL, *by = NULL, *reason = NULL, *wants_help = NULL;
    const cli_option own[] = {{"--source", &source, "billing system, * for all"},
                              {"--by", &by, "who ordered it"},
                              {"--reason", &reason, "why"},
                              {"--help!", &wants_help, "this text"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_buf_putc(&b, '{');
    put(&b, "timing", source);
    put(&b, "by", by);
    put(&b, "reason", reason);
    gw_buf_putc(&b, '}');
    if (wants_help || !source) {
        fputs(about, wants_help ? stdout : stderr);
        code = wants_help ? 0 : CLI_USAGE;
    } else {
        code = ask_and_print(&c, strcmp(argv[0], "off") == 0 ? "pause" : "resume", gw_buf_str(&b));
    }
    cli_done(&c);
    return code;
}
