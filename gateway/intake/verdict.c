#include "gateway/intake/verdict.h"

#include "gateway/base/json.h"
#include "gateway/base/time.h"

static void put_taken(gw_buf *b, const char *verdict, gw_str id, gw_str receipt, gw_wall at)
{
    char text[GW_TIME_TEXT];
    gw_time_format(at, text);
    gw_buf_puts(b, "{\"verdict\":\"");
    gw_buf_puts(b, verdict);
    gw_buf_putc(b, '"');
    json_put_member_str(b, "id", id);
    if (receipt.n)
        json_put_member_str(b, "receipt", receipt);
    json_put_member_str(b, "at", gw_str_of(text));
    gw_buf_putc(b, '}');
}

void verdict_accepted(gw_buf *b, gw_str id, gw_str receipt, gw_wall at)
{
    put_taken(b, "accepted", id, receipt, at);
}

void verdict_duplicate(gw_buf *b, gw_str id, gw_str receipt, gw_wall at)
{
    put_taken(b, "duplicate", id, receipt, at);
}

void verdict_rejected(gw_buf *b, const char *code, const char *reason, const char *pointer)
{
    gw_str why = gw_str_of(reason);
    if (why.n > VERDICT_MAX / 2)
        why.n = VERDICT_MAX / 2; /* our own texts are ASCII; names of members were cut before */
    gw_buf_puts(b, "{\"verdict\":\"rejected\"");
    json_put_member_str(b, "code", gw_str_of(code));
    json_put_member_str(b, "reason", why);
    if (pointer && pointer[0])
        json_put_member_str(b, "pointer", gw_str_of(pointer));
    gw_buf_putc(b, '}');
}

void verdict_busy(gw_buf *b, int retry_after_ms)
{
    gw_buf_printf(b, "{\"verdict\":\"busy\",\"retry_after_ms\":%d}", retry_after_ms);
}
