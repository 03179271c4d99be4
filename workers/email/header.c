#include "workers/email/header.h"

#include "gateway/base/utf8.h"

#include <glib.h>

/* C1 controls and the Unicode line and paragraph separators end lines for some readers; the
 * bidirectional overrides can make a name show as another. */
static bool is_forbidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

gw_code header_check(gw_str value, const char *what, gw_err *err)
{
    for (size_t i = 0; i < value.n;) {
        size_t n = gw_utf8_length(value.p + i, value.n - i);
        if (n == 0)
            return gw_fail(err, GW_EINVAL, "%s is not valid UTF-8", what);
        if (is_forbidden(gw_utf8_code_point(value.p + i, n)))
            return gw_fail(err, GW_EINVAL, "%s holds a control character or line break", what);
        i += n;
    }
    return GW_OK;
}

/* Text that a reader could take for an encoded word must be encoded itself (RFC 2047 §7). */
static bool needs_words(gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80 || (s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
            return true;
    return false;
}

/* Whole characters, at most 75 letters a word (RFC 2047 §2, §5 (3)); the spaces between words are
 * not part of the text. */
static void put_words(gw_buf *out, gw_str s)
{
    enum {
        WORD_BYTES = 39
    }; /* 52 letters, "=?utf-8?b?" "?=" around them: with "Subject: " before
        * it a line of 73, and 76 is the limit */
    for (size_t i = 0; i < s.n;) {
        size_t n = 0;
        while (i + n < s.n) {
            size_t step = gw_utf8_length(s.p + i + n, s.n - i - n);
            if (n + step > WORD_BYTES)
                break;
            n += step;
        }
        gchar *letters = g_base64_encode((const guchar *)s.p + i, n);
        gw_buf_printf(out, "%s=?utf-8?b?%s?=", i ? " " : "", letters);
        g_free(letters);
        i += n;
    }
}

gw_code header_words(gw_buf *out, gw_str value, const char *what, gw_err *err)
{
    gw_code rc = header_check(value, what, err);
    if (rc != GW_OK)
        return rc;
    if (needs_words(value)) {
        put_words(out, value);
        return gw_buf_code(out, what, err);
    }
    for (size_t i = 0, begin = 0; i <= value.n; i++) {
        if (i < value.n && value.p[i] != ' ')
            continue;
        if (i - begin > HEADER_LINE_MAX)
            return gw_fail(err, GW_ELIMIT, "%s has a word of more than %d bytes", what,
                           HEADER_LINE_MAX);
        begin = i + 1;
    }
    gw_buf_put_str(out, value);
    return gw_buf_code(out, what, err);
}
