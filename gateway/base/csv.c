#include "gateway/base/csv.h"

#include <inttypes.h>
#include <stdio.h>

static const char byte_order_mark[] = "\xEF\xBB\xBF";

void csv_start(csv_writer *w, gw_buf *out)
{
    *w = (csv_writer){.out = out};
    gw_buf_puts(out, byte_order_mark);
}

static void next_cell(csv_writer *w)
{
    if (w->columns++ > 0)
        gw_buf_putc(w->out, ',');
}

/* Bytes of white space at p that a spreadsheet passes over before it looks for a formula. */
static size_t blank_bytes(const char *p, size_t n)
{
    static const char *const blanks[] = {" ",
                                         "\n",
                                         "\v",
                                         "\f",
                                         "\xC2\xA0" /* no-break */,
                                         "\xE3\x80\x80" /* ideographic */,
                                         "\xE2\x80\x8B" /* zero width */,
                                         byte_order_mark};
    for (size_t i = 0; i < GW_COUNT(blanks); i++) {
        size_t len = strlen(blanks[i]);
        if (len <= n && memcmp(p, blanks[i], len) == 0)
            return len;
    }
    return 0;
}

static bool starts_formula(const char *p, size_t n)
{
    static const char *const signs[] = {"=",
                                        "+",
                                        "-",
                                        "@",
                                        "\t",
                                        "\r",
                                        /* full-width: */ "\xEF\xBC\x9D",
                                        "\xEF\xBC\x8B",
                                        "\xEF\xBC\x8D",
                                        "\xEF\xBC\xA0",
                                        /* minus sign U+2212 */ "\xE2\x88\x92"};
    for (size_t i = 0; i < GW_COUNT(signs); i++) {
        size_t len = strlen(signs[i]);
        if (len <= n && memcmp(p, signs[i], len) == 0)
            return true;
    }
    return false;
}

/* True if the text, or a line inside it, begins like a formula. */
static bool is_dangerous(gw_str s)
{
    for (size_t i = 0; i < s.n;) {
        if (starts_formula(s.p + i, s.n - i))
            return true;
        size_t blank = blank_bytes(s.p + i, s.n - i);
        i += blank;
        if (blank > 0)
            continue;
        while (i < s.n && s.p[i] != '\n' && s.p[i] != '\r') /* the line begins harmlessly */
            i++;
        i++;
    }
    return false;
}

/* RFC 4180 §2 asks for quotes around comma, quote and line breaks; the semicolon and TAB are added
 * because spreadsheets of some countries split there, which could start a new cell with a sign. */
static bool needs_quotes(gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(",;\"\r\n\t", s.p[i]))
            return true;
    return s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' ');
}

void csv_put_text(csv_writer *w, gw_str text)
{
    next_cell(w);
    bool quotes = needs_quotes(text);
    if (quotes)
        gw_buf_putc(w->out, '"');
    if (is_dangerous(text))
        gw_buf_putc(w->out, '\'');
    size_t from = 0;
    for (size_t i = 0; quotes && i < text.n; i++)
        if (text.p[i] == '"') { /* doubled: once with what stands before it, once with the rest */
            gw_buf_put(w->out, text.p + from, i + 1 - from);
            from = i;
        }
    gw_buf_put(w->out, text.p + from, text.n - from);
    if (quotes)
        gw_buf_putc(w->out, '"');
}

void csv_put_number(csv_writer *w, gw_str number)
{
    size_t points = 0;
    for (size_t i = 0; i < number.n; i++) {
        char c = number.p[i];
        points += c == '.';
        if (!(c >= '0' && c <= '9') && !(c == '-' && i == 0 && number.n > 1) && c != '.')
            gw_bug("csv_put_number takes digits, a leading '-' and one '.'");
    }
    if (points > 1)
        gw_bug("csv_put_number takes one '.'");
    next_cell(w);
    gw_buf_put_str(w->out, number);
}

void csv_put_int(csv_writer *w, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    csv_put_number(w, gw_str_of(text));
}

void csv_end_row(csv_writer *w)
{
    gw_buf_puts(w->out, "\r\n");
    w->columns = 0;
}
