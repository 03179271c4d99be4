#include "workers/email/encode.h"

#include <openssl/evp.h>

enum {
    PLAIN_LINE_MAX = 990, /* 998 is the limit, some relays count the line's end */
    QP_LINE = 75,         /* letters before a soft break; 76 with the '=' */
    B64_IN = 57,
    B64_OUT = 76,
};

/* What a byte is to the encodings. */
enum {
    LITERAL = 1, /* stands for itself in quoted-printable, wherever in a line */
    SPACE = 2,   /* stands for itself unless the line ends behind it */
    HIGH = 4,
    CONTROL = 8, /* no plain text holds it */
    BREAK = 16,
};

static const unsigned char kinds[256] = {
    [0x00 ... 0x08] = CONTROL,
    ['\t'] = SPACE,
    ['\n'] = BREAK,
    [0x0b ... 0x0c] = CONTROL,
    ['\r'] = BREAK,
    [0x0e ... 0x1f] = CONTROL,
    [' '] = SPACE,
    ['!' ... '<'] = LITERAL,
    ['='] = 0,
    ['>' ... '~'] = LITERAL,
    [0x7f] = CONTROL,
    [0x80 ... 0xff] = HIGH,
};

/* The end of the line that begins at p: where its CR or LF is, or end. */
static const char *line_end(const char *p, const char *end)
{
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    const char *stop = lf ? lf : end;
    const char *cr = memchr(p, '\r', (size_t)(stop - p));
    return cr ? cr : stop;
}

static bool has_plain_lines(gw_str text)
{
    const char *end = text.p + text.n;
    for (const char *p = text.p; p < end;) {
        const char *stop = line_end(p, end);
        if (stop - p > PLAIN_LINE_MAX)
            return false;
        if (stop > p && kinds[(unsigned char)stop[-1]] == SPACE)
            return false; /* trailing white space may be lost on the way */
        p = stop + 1;
    }
    return true;
}

encode_kind encode_choose(gw_str text, const char *marker)
{
    size_t high = 0;
    unsigned seen = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned kind = kinds[(unsigned char)text.p[i]];
        seen |= kind;
        high += kind == HIGH;
    }
    if (!(seen & (HIGH | CONTROL)) && has_plain_lines(text) &&
        !memmem(text.p, text.n, marker, strlen(marker)))
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
    const char *end = text.p + text.n;
    for (const char *p = text.p; p < end;) {
        const char *stop = line_end(p, end);
        put(out, p, (size_t)(stop - p));
        p = stop + 1;
        if (stop < end && *stop == '\r' && p < end && *p == '\n')
            p++;
    }
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
        bool literal = kinds[c] == LITERAL || (kinds[c] == SPACE && i + 1 < n);
        /* "From " at a line's start is changed by mbox writers, "." by bad SMTP servers */
        if (column == 0 && (c == '.' || (c == 'F' && n - i >= 5 && memcmp(p + i, "From ", 5) == 0)))
            literal = false;
        if (column + (literal ? 1 : 3) > QP_LINE) {
            memcpy(to, "=\r\n", 3);
            to += 3;
            column = 0;
        }
        if (literal) {
            *to++ = (char)c;
            column++;
        } else {
            *to++ = '=';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
            column += 3;
        }
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
