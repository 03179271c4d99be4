#include "gateway/policy/optout_part.h"

#include <glib.h>

static bool is_apostrophe(gunichar c)
{
    return c == '\'' || c == 0x2019 || c == 0x2018 || c == 0x02bc || c == 0xb4 || c == '`';
}

/* Zero width joiners and the like are used to hide words from filters; they separate nothing. */
static bool is_invisible(gunichar c)
{
    return g_unichar_type(c) == G_UNICODE_FORMAT || c == 0xad;
}

/* g_utf8_next_char for what must stay const. */
static const char *behind(const char *p)
{
    return p + g_utf8_skip[(unsigned char)*p];
}

static void put_folded(const char *text, gw_buf *ret)
{
    bool gap = false;
    size_t start = ret->n;
    for (const char *p = text; *p; p = behind(p)) {
        gunichar c = g_utf8_get_char(p);
        if (is_apostrophe(c) || is_invisible(c))
            continue;
        if (!g_unichar_isalnum(c) && !g_unichar_ismark(c)) {
            gap = true;
            continue;
        }
        if (gap && ret->n > start)
            gw_buf_putc(ret, ' ');
        gap = false;
        gw_buf_put(ret, p, (size_t)(behind(p) - p));
    }
}

bool optout_fold(gw_str s, gw_buf *ret)
{
    char *valid = g_utf8_make_valid(s.p ? s.p : "", (gssize)s.n);
    char *plain = g_utf8_normalize(valid, -1, G_NORMALIZE_NFKC);
    char *folded = plain ? g_utf8_casefold(plain, -1) : NULL;
    char *text = folded ? g_utf8_normalize(folded, -1, G_NORMALIZE_NFKC) : NULL;
    if (text)
        put_folded(text, ret);
    g_free(text);
    g_free(folded);
    g_free(plain);
    g_free(valid);
    return text && ret->code == GW_OK;
}

/* Scripts written without spaces have no word ends to look for. */
static bool runs_on(gunichar c)
{
    switch (g_unichar_get_script(c)) {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
    case G_UNICODE_SCRIPT_HANGUL:
    case G_UNICODE_SCRIPT_THAI:
    case G_UNICODE_SCRIPT_LAO:
    case G_UNICODE_SCRIPT_KHMER:
    case G_UNICODE_SCRIPT_MYANMAR:
        return true;
    default:
        return false;
    }
}

static bool joins(gunichar a, gunichar b)
{
    bool word_a = g_unichar_isalnum(a) || g_unichar_ismark(a);
    bool word_b = g_unichar_isalnum(b) || g_unichar_ismark(b);
    return word_a && word_b && !runs_on(a) && !runs_on(b);
}

static bool is_whole(gw_str text, size_t at, size_t n)
{
    const char *from = text.p + at;
    const char *end = from + n;
    if (at > 0 && joins(g_utf8_get_char(g_utf8_prev_char(from)), g_utf8_get_char(from)))
        return false;
    return end == text.p + text.n ||
           !joins(g_utf8_get_char(g_utf8_prev_char(end)), g_utf8_get_char(end));
}

size_t optout_find(gw_str text, gw_str phrase, size_t from)
{
    while (from < text.n) {
        const char *hit = memmem(text.p + from, text.n - from, phrase.p, phrase.n);
        if (!hit)
            return SIZE_MAX;
        size_t at = (size_t)(hit - text.p);
        if (is_whole(text, at, phrase.n))
            return at;
        from = at + 1;
    }
    return SIZE_MAX;
}
