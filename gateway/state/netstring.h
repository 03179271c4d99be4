/* netstring.h - "<length>:<bytes>,": how several values share one Redis field.
 *
 * Readable in redis-cli, nothing is escaped, any byte may be inside. */
#ifndef DUNLIN_STATE_NETSTRING_H
#define DUNLIN_STATE_NETSTRING_H

#include "gateway/base/buf.h"

static inline void netstring_put(gw_buf *b, gw_str s)
{
    char head[24];
    char *p = head + sizeof head;
    size_t n = s.n;
    *--p = ':';
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    gw_buf_put(b, p, (size_t)(head + sizeof head - p));
    gw_buf_put_str(b, s);
    gw_buf_putc(b, ',');
}

/* The first one of rest, which then begins behind it. False: rest does not begin with one. */
static inline bool netstring_next(gw_str *rest, gw_str *ret)
{
    enum { DIGITS_MAX = 8 };
    size_t len = 0, i = 0;
    while (i < rest->n && i < DIGITS_MAX && rest->p[i] >= '0' && rest->p[i] <= '9')
        len = len * 10 + (size_t)(rest->p[i++] - '0');
    if (i == 0 || i >= rest->n || rest->p[i] != ':' || rest->n - i - 1 <= len ||
        rest->p[i + 1 + len] != ',')
        return false;
    *ret = (gw_str){rest->p + i + 1, len};
    *rest = (gw_str){rest->p + i + 2 + len, rest->n - i - 2 - len};
    return true;
}

#endif
