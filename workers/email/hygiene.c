#include "workers/email/hygiene.h"

#include "gateway/base/log.h"
#include "workers/email/address.h"

gw_code hygiene_check_lines(gw_str bytes, gw_err *err)
{
    enum { LINE_MAX_BYTES = 998 }; /* RFC 5321 §4.5.3.1.6 less CRLF */
    const char *p = bytes.p, *end = bytes.p + bytes.n;
    if (memchr(p, 0, bytes.n))
        return gw_fail(err, GW_EINVAL, "the message holds a NUL byte");
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        if (!lf || lf == p || lf[-1] != '\r')
            return gw_fail(err, GW_EINVAL, "the message has a line that does not end in CRLF");
        size_t n = (size_t)(lf - 1 - p);
        if (memchr(p, '\r', n))
            return gw_fail(err, GW_EINVAL, "the message has a bare CR");
        if (n > LINE_MAX_BYTES)
            return gw_fail(err, GW_ELIMIT, "the message has a line of more than %d bytes",
                           LINE_MAX_BYTES);
        p = lf + 1;
    }
    return GW_OK;
}

gw_code hygiene_check(const channel_attempt *a, gw_err *err)
{
    const wire_task *t = a->task;
    gw_code rc = a->bytes.n ? hygiene_check_lines(gw_buf_str(&a->bytes), err)
                            : gw_fail(err, GW_EINVAL, "the message is empty");
    if (rc == GW_OK && t->from.address.n)
        rc = address_check(t->from.address, "the sender", err);
    for (size_t i = 0; i < t->to_n && rc == GW_OK; i++)
        rc = address_check(t->to[i].address, "a recipient", err);
    for (size_t i = 0; i < t->ref.rid.n && rc == GW_OK; i++) { /* it becomes ENVID */
        unsigned char c = (unsigned char)t->ref.rid.p[i];
        if (c <= 0x20 || c >= 0x7f || t->ref.rid.n > 64)
            rc = gw_fail(err, GW_EINVAL, "the reminder id is not plain ASCII");
    }
    return rc;
}

channel_attempt *smtp_take(channel_source *source, int wait_ms)
{
    channel_attempt *a;
    while ((a = channel_take(source, wait_ms))) {
        gw_err err = {0};
        if (hygiene_check(a, &err) == GW_OK)
            return a;
        gw_log(GW_LOG_ERROR, "a message is not fit for SMTP and is refused", "code=%s",
               gw_code_name(err.code));
        channel_decide(a, WIRE_REFUSED, 0, "unclean");
        channel_report(source, a);
    }
    return NULL;
}
