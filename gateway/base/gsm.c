#include "gateway/base/gsm.h"

#include "gateway/base/utf8.h"

/* What is not ASCII in the default alphabet. Of the two mappings of 0x09 Unicode's table takes the
 * small c with cedilla. The escape itself (0x1B) is shown as a no-break space and stands for none.
 */
static const uint16_t beyond_ascii[] = {
    0x00A1, 0x00A3, 0x00A4, 0x00A5, 0x00A7, 0x00BF, 0x00C4, 0x00C5, 0x00C6, 0x00C9,
    0x00D1, 0x00D6, 0x00D8, 0x00DC, 0x00DF, 0x00E0, 0x00E4, 0x00E5, 0x00E6, 0x00E7,
    0x00E8, 0x00E9, 0x00EC, 0x00F1, 0x00F2, 0x00F6, 0x00F8, 0x00F9, 0x00FC, 0x0393,
    0x0394, 0x0398, 0x039B, 0x039E, 0x03A0, 0x03A3, 0x03A6, 0x03A8, 0x03A9,
};

static bool is_extension(uint32_t c)
{
    return c == 0x0C || c == 0x20AC || (c < 0x80 && c >= 0x20 && strchr("^{}\\[~]|", (int)c));
}

int gsm_septets(uint32_t c)
{
    if (is_extension(c))
        return 2;
    if (c < 0x80)
        return (c >= 0x20 && c != '`' && c != 0x7F) || c == '\n' || c == '\r';
    for (size_t i = 0; i < GW_COUNT(beyond_ascii); i++)
        if (beyond_ascii[i] == c)
            return 1;
    return 0;
}

static void grow(gsm_alphabet_count *a, uint32_t units, uint32_t joined)
{
    if (a->parts == 0 || a->fill + units > joined) {
        a->parts++;
        a->fill = 0;
    }
    a->fill += units;
    a->total += units;
}

void gsm_add(gsm_count *c, uint32_t code_point)
{
    int septets = gsm_septets(code_point);
    c->beyond_gsm = c->beyond_gsm || septets == 0;
    grow(&c->septets, septets ? (uint32_t)septets : 1, GSM_JOINED);
    grow(&c->ucs2, code_point > 0xFFFF ? 2 : 1, UCS2_JOINED);
}

gsm_size gsm_size_of(const gsm_count *c)
{
    const gsm_alphabet_count *a = c->beyond_gsm ? &c->ucs2 : &c->septets;
    uint32_t single = c->beyond_gsm ? UCS2_SINGLE : GSM_SINGLE;
    return (gsm_size){
        .gsm = !c->beyond_gsm, .units = a->total, .parts = a->total <= single ? 1 : a->parts};
}

gw_code gsm_measure(gw_str text, gsm_size *ret, gw_err *err)
{
    gsm_count c = {0};
    for (size_t i = 0, n; i < text.n; i += n) {
        n = gw_utf8_length(text.p + i, text.n - i);
        if (n == 0)
            return gw_fail(err, GW_EINVAL, "the text is not UTF-8 at byte %zu", i);
        gsm_add(&c, gw_utf8_code_point(text.p + i, n));
    }
    *ret = gsm_size_of(&c);
    return GW_OK;
}

size_t gsm_plain(char *text, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n;) {
        size_t wide = n - i >= 2 && memcmp(text + i, "\xC2\xA0", 2) == 0       ? 2
                      : n - i >= 3 && memcmp(text + i, "\xE2\x80\xAF", 3) == 0 ? 3
                                                                               : 0;
        text[to++] = wide ? ' ' : text[i];
        i += wide ? wide : 1;
    }
    while (to && text[to - 1] == '\n')
        to--;
    return to;
}
