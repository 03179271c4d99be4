#include "workers/email/encode.h"

#include <openssl/evp.h>

enum {
    PLAIN_LINE_MAX = 200, /* longer lines are legal up to 998, but some relays break them */
    QP_LINE = 75,         /* letters before a soft break; 76 with the '=' */
    B64_IN = 57,
    B64_OUT = 76,
};

encode_kind encode_choose(gw_str text, const char *marker)
{
    size_t high = 0, column = 0;
    bool plain = true;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n' || c == '\r') {
            /* trailing white space may be lost on the way */
            if (column > 0 && (text.p[i - 1] == ' ' || text.p[i - 1] == '\t'))
                plain = false;
            column = 0;
            continue;
        }
        if (c >= 0x80)
            high++;
        if (c >= 0x7f || (c < 0x20 && c != '\t') || ++column > PLAIN_LINE_MAX)
            plain = false;
    }
    if (plain && memmem(text.p, text.n, marker, strlen(marker)))
        plain = false;
    if (plain)
        return ENCODE_7BIT;
    /* quoted-printable triples a high byte, base64 adds a third to all */
    return high * 6 > text.n ? ENCODE_BASE64 : ENCODE_QP;
}

const char *encode_name(encode_kind kind)
{
    static const char *const names[] = {"7bit", "quoted-printable", "base64"};
    return names[kind];
}

/* Call once a line, without its end. */
typedef void line_fn(gw_buf *out, const char *p, size_t n);

static void each_line(gw_buf *out, gw_str text, line_fn *put)
{
    size_t start = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\n' && text.p[i] != '\r')
            continue;
        put(out, text.p + start, i - start);
        if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
            i++;
        start = i + 1;
    }
    if (start < text.n)
        put(out, text.p + start, text.n - start);
}

static void put_plain_line(gw_buf *out, const char *p, size_t n)
{
    gw_buf_put(out, p, n);
    gw_buf_put(out, "\r\n", 2);
}

static void put_qp_line(gw_buf *out, const char *p, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t column = 0;
    char *to = gw_buf_reserve(out, n * 3 + n * 3 / (QP_LINE - 2) * 3 + 8);
    if (!to)
        return;
    char *begin = to;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        bool last = i + 1 == n;
        bool literal = (c > 0x20 && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
        /* "From " at a line's start is changed by mbox writers, "." by bad SMTP servers */
        if (column == 0 && (c == '.' || (c == 'F' && n - i >= 5 && memcmp(p + i, "From ", 5) == 0)))
            literal = false;
        size_t width = literal ? 1 : 3;
        if (column + width > QP_LINE) {
            memcpy(to, "=\r\n", 3);
            to += 3;
            column = 0;
        }
        if (literal) {
            *to++ = (char)c;
        } else {
            *to++ = '=';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
        column += width;
    }
    *to++ = '\r';
    *to++ = '\n';
    out->n += (size_t)(to - begin);
    out->data[out->n] = '\0';
}

gw_code encode_text(gw_buf *out, encode_kind kind, gw_str text, gw_err *err)
{
    if (kind == ENCODE_7BIT) {
        each_line(out, text, put_plain_line);
        return gw_buf_code(out, "the message", err);
    }
    if (kind == ENCODE_QP) {
        each_line(out, text, put_qp_line);
        return gw_buf_code(out, "the message", err);
    }
    GW_AUTO_BUF gw_buf canonical;
    gw_buf_init(&canonical, text.n * 2 + 2);
    each_line(&canonical, text, put_plain_line);
    gw_code rc = gw_buf_code(&canonical, "a text part", err);
    return rc == GW_OK ? encode_base64(out, gw_buf_str(&canonical), err) : rc;
}

gw_code encode_base64(gw_buf *out, gw_str bytes, gw_err *err)
{
    char *to = gw_buf_reserve(out, (bytes.n + B64_IN - 1) / B64_IN * (B64_OUT + 2) + 4);
    if (!to)
        return gw_buf_code(out, "the message", err);
    for (size_t i = 0; i < bytes.n; i += B64_IN) {
        size_t n = bytes.n - i < B64_IN ? bytes.n - i : B64_IN;
        int letters =
            EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)bytes.p + i, (int)n);
        to += letters;
        *to++ = '\r';
        *to++ = '\n';
        out->n += (size_t)letters + 2;
    }
    out->data[out->n] = '\0';
    return gw_buf_code(out, "the message", err);
}
