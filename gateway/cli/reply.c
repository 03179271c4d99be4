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
    bool read = strcmp(c.words[0], "read") == 0 && c.word_n == 2 && debtor;
    if (read) {
        put(&b, "reply", c.words[1]);
        put(&b, "debtor", debtor);
        put(&b, "source", source ? source : "local");
        put(&b, "by", by);
        put(&b, "reason", reason);
    } else {
        put(&b, "what", "replies");
        put(&b, "source", source);
    }
    gw_buf_putc(&b, '}');
    if (read || strcmp(c.words[0], "list") == 0) {
        code = ask_and_print(&c, read ? "reply" : "query", gw_buf_str(&b));
    } else {
        fprintf(stderr, "dunlin reply list | read ID --debtor D [--source S] [--by WHO]\n");
        code = CLI_USAGE;
    }
    cli_done(&c);
    return code;
}
