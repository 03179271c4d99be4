#include "gateway/cli/ask.h"
#include "gateway/cli/token.h"

#include <stdio.h>

static void put(gw_buf *b, const char *name, const char *value)
{
    if (value)
        json_put_member_str(b, name, gw_str_of(value));
}

int reply_cli(int argc, char **argv)
{
    const char *source = NULL, *debtor = NULL, *by = NULL, *reason = NULL;
    const cli_option own[] = {{"--source", &source, "billing system"},
                              {"--debtor", &debtor, "whose reply it is"},
                              {"--by", &by, "who has read it"},
                              {"--reason", &reason, "what was done about it"}};
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 1, &c, &err);
    if (code != 0)
        return code;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ASK_BODY_BYTES);
    gw_buf_putc(&b, '{');
    static const char *const acts[] = {"read", "take", "release"};
    bool act = false;
    for (size_t i = 0; i < GW_COUNT(acts) && c.word_n == 2; i++)
        act = act || strcmp(c.words[0], acts[i]) == 0;
    if (act) {
        put(&b, "do", c.words[0]);
        put(&b, "reply", c.words[1]);
        put(&b, "debtor", debtor);
        put(&b, "source", source ? source : debtor ? "local" : NULL);
        put(&b, "by", by);
        put(&b, "reason", reason);
    } else {
        put(&b, "what", "replies");
        put(&b, "source", source);
    }
    gw_buf_putc(&b, '}');
    if (act || strcmp(c.words[0], "list") == 0) {
        code = ask_and_print(&c, act ? "reply" : "query", gw_buf_str(&b));
    } else {
        fprintf(stderr,
                "dunlin reply list | take ID | release ID | read ID [--debtor D [--source S]] "
                "[--by WHO] [--reason R]\n");
        code = CLI_USAGE;
    }
    cli_done(&c);
    return code;
}
