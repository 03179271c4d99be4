/* intake_serve - an intake on a private Redis for clients written in other languages. Prints one
 * JSON line {endpoint, server_key, erp_public, erp_secret, ann_public, ann_secret} and serves until
 * standard input ends. Exit 77 (skip) when it cannot start. */
#include "tests/support/intake_server.h"

#include <stdio.h>

static gw_code answer_status(void *context, const intake_ask *ask, gw_buf *ret_json, gw_err *err)
{
    (void)context;
    (void)err;
    gw_buf_putc(ret_json, '{');
    json_put_member_str(ret_json, "what", json_get_str(ask->body, 0, "what"));
    json_put_member_str(ret_json, "source", ask->source);
    gw_buf_putc(ret_json, '}');
    return GW_OK;
}

int main(void)
{
    static intake_server server;
    const intake_calls calls = {.query = answer_status};
    if (!intake_server_start(&server, 0, &calls))
        return 77;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 4096);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "endpoint", gw_str_of(intake_endpoint(server.intake)));
    json_put_member_str(&b, "server_key", gw_str_of(server.server.public_key));
    json_put_member_str(&b, "erp_public", gw_str_of(server.erp.public_key));
    json_put_member_str(&b, "erp_secret", gw_str_of(server.erp.secret_key));
    json_put_member_str(&b, "ann_public", gw_str_of(server.ann.public_key));
    json_put_member_str(&b, "ann_secret", gw_str_of(server.ann.secret_key));
    gw_buf_puts(&b, "}\n");
    fputs(b.data, stdout);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    intake_server_stop(&server);
    return 0;
}
