#include "workers/email/header.h"

#include "gateway/base/time.h"
#include "gateway/base/utf8.h"

#include <openssl/evp.h>
#include <stdio.h>

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

static bool is_ascii(gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* Write `line` (ASCII, no CR or LF) folded: a fold goes before a space that has a word behind it,
 * so that unfolding gives the line back exactly (RFC 5322 §2.2.3) and no line is blank. */
static gw_code put_folded(gw_buf *out, gw_str line, const char *name, gw_err *err)
{
    size_t begin = strlen(name) + 1; /* the space behind the colon is no place: some readers, and
                                      * Python's, would keep it as part of the value */
    size_t start = 0, fold = 0; /* of the line being filled; the last place to fold it, 0 = none */
    for (size_t i = 1; i < line.n; i++) {
        bool place = line.p[i] == ' ' && line.p[i - 1] != ' ' && i > start && i > begin;
        if (place && i - start <= HEADER_FOLD)
            fold = i;
        if (i - start < HEADER_FOLD)
            continue;
        if (!fold && place)
            fold = i;
        if (!fold)
            continue;
        gw_buf_put(out, line.p + start, fold - start);
        gw_buf_put(out, "\r\n", 2);
        if (fold - start > HEADER_LINE_MAX)
            return gw_fail(err, GW_ELIMIT, "header %s has a word of more than %d bytes", name,
                           HEADER_LINE_MAX);
        start = fold;
        fold = 0;
        i = start;
    }
    if (line.n - start > HEADER_LINE_MAX)
        return gw_fail(err, GW_ELIMIT, "header %s has a word of more than %d bytes", name,
                       HEADER_LINE_MAX);
    gw_buf_put(out, line.p + start, line.n - start);
    gw_buf_put(out, "\r\n", 2);
    return gw_buf_code(out, "the message", err);
}

static gw_code put_line(gw_buf *out, const char *name, gw_str value, gw_err *err)
{
    GW_AUTO_BUF gw_buf line;
    gw_buf_init(&line, 256 * 1024);
    gw_buf_puts(&line, name);
    gw_buf_put(&line, ": ", 2);
    gw_buf_put_str(&line, value);
    gw_code rc = gw_buf_code(&line, "a header", err);
    if (rc != GW_OK)
        return rc;
    return put_folded(out, gw_buf_str(&line), name, err);
}

gw_code header_plain(gw_buf *out, const char *name, gw_str value, gw_err *err)
{
    gw_code rc = header_check(value, name, err);
    if (rc != GW_OK)
        return rc;
    if (!is_ascii(value))
        return gw_fail(err, GW_EINVAL, "%s holds letters outside ASCII", name);
    return put_line(out, name, value, err);
}

/* Text that a reader could take for an encoded word must be encoded itself (RFC 2047 §7). */
static bool needs_words(gw_str s)
{
    if (!is_ascii(s))
        return true;
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '=' && s.p[i + 1] == '?')
            return true;
    return false;
}

/* Base64 words of whole characters, each at most 75 letters (RFC 2047 §2, §5 (3)); the spaces
 * between them are not part of the text. */
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
        unsigned char letters[WORD_BYTES / 3 * 4 + 1];
        EVP_EncodeBlock(letters, (const unsigned char *)s.p + i, (int)n);
        gw_buf_printf(out, "%s=?utf-8?b?%s?=", i ? " " : "", (const char *)letters);
        i += n;
    }
}

gw_code header_text(gw_buf *out, const char *name, gw_str value, gw_err *err)
{
    gw_code rc = header_check(value, name, err);
    if (rc != GW_OK)
        return rc;
    if (!needs_words(value))
        return put_line(out, name, value, err);
    GW_AUTO_BUF gw_buf words;
    gw_buf_init(&words, 256 * 1024);
    put_words(&words, value);
    rc = gw_buf_code(&words, "a header", err);
    return rc == GW_OK ? put_line(out, name, gw_buf_str(&words), err) : rc;
}

/* A display name: an atom sequence as it is, other ASCII as quoted string, the rest as words. */
static void put_phrase(gw_buf *out, gw_str name)
{
    bool atoms = true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && !strchr("!#$%&'*+-/=?^_`{|}~ ", c))
            atoms = false;
    }
    if (needs_words(name)) {
        put_words(out, name);
        return;
    }
    if (atoms) {
        gw_buf_put_str(out, name);
        return;
    }
    gw_buf_putc(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            gw_buf_putc(out, '\\');
        gw_buf_putc(out, name.p[i]);
    }
    gw_buf_putc(out, '"');
}

gw_code header_mailboxes(gw_buf *out, const char *name, const header_mailbox *boxes, size_t n,
                         gw_err *err)
{
    GW_AUTO_BUF gw_buf list;
    gw_buf_init(&list, 256 * 1024);
    for (size_t i = 0; i < n; i++) {
        gw_code rc = header_check(boxes[i].name, name, err);
        if (rc != GW_OK)
            return rc;
        gw_buf_puts(&list, i ? ", " : "");
        if (boxes[i].name.n > 0) {
            put_phrase(&list, boxes[i].name);
            gw_buf_puts(&list, " <");
            gw_buf_put_str(&list, boxes[i].address);
            gw_buf_putc(&list, '>');
        } else {
            gw_buf_put_str(&list, boxes[i].address);
        }
    }
    gw_code rc = gw_buf_code(&list, "a list of addresses", err);
    if (rc != GW_OK || n == 0)
        return rc;
    return put_line(out, name, gw_buf_str(&list), err);
}

/* attribute-char of RFC 2231 §7 */
static bool is_attribute_char(unsigned char c)
{
    return c > 0x20 && c < 0x7f && !strchr("*'%()<>@,;:\\\"/[]?=", c);
}

static void put_parameter(gw_buf *out, const char *parameter, gw_str value)
{
    if (is_ascii(value)) {
        gw_buf_printf(out, "; %s=\"", parameter);
        for (size_t i = 0; i < value.n; i++) {
            if (value.p[i] == '"' || value.p[i] == '\\')
                gw_buf_putc(out, '\\');
            gw_buf_putc(out, value.p[i]);
        }
        gw_buf_putc(out, '"');
        return;
    }
    /* Sections keep lines short (RFC 2231 §3); all of them are of the extended form. */
    enum { SECTION = 54 };
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, 16 * 1024);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (is_attribute_char(c))
            gw_buf_putc(&bytes, (char)c);
        else
            gw_buf_printf(&bytes, "%%%02X", c);
    }
    if (bytes.n + 7 <= SECTION) {
        gw_buf_printf(out, "; %s*=utf-8''%s", parameter, bytes.data);
        return;
    }
    size_t at = 0;
    for (int section = 0; at < bytes.n; section++) {
        size_t n = bytes.n - at < SECTION ? bytes.n - at : SECTION;
        if (at + n < bytes.n) /* never split a %XX */
            for (size_t back = 1; back <= 2 && back < n; back++)
                if (bytes.data[at + n - back] == '%') {
                    n -= back;
                    break;
                }
        gw_buf_printf(out, "; %s*%d*=%s%.*s", parameter, section, section ? "" : "utf-8''", (int)n,
                      bytes.data + at);
        at += n;
    }
}

gw_code header_file(gw_buf *out, const char *name, const char *value, const char *parameter,
                    gw_str file_name, gw_err *err)
{
    gw_code rc = header_check(file_name, "file name", err);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_BUF gw_buf line;
    gw_buf_init(&line, 16 * 1024);
    gw_buf_puts(&line, value);
    put_parameter(&line, parameter, file_name);
    rc = gw_buf_code(&line, "a file name", err);
    return rc == GW_OK ? put_line(out, name, gw_buf_str(&line), err) : rc;
}

gw_code header_date(gw_buf *out, int64_t ms, gw_err *err)
{
    static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (ms < 0 || ms / GW_MS_PER_DAY > 2932896) /* 9999-12-31 */
        return gw_fail(err, GW_EINVAL, "the task's time is outside the years 1970..9999");
    int32_t day = (int32_t)(ms / GW_MS_PER_DAY);
    int second = (int)(ms % GW_MS_PER_DAY / 1000);
    gw_date d = gw_date_of_day(day);
    gw_buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n",
                  days[gw_day_weekday(day) - 1], d.day, months[d.month - 1], d.year, second / 3600,
                  second / 60 % 60, second % 60);
    return gw_buf_code(out, "the message", err);
}
