#include "gateway/base/utf8.h"
#include "gateway/base/err.h"

size_t gw_utf8_length(const char *text, size_t n)
{
    static const struct {
        unsigned char first, last, low, high; /* bounds of the first and of the second byte */
        size_t n;
    } rows[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    const unsigned char *p = (const unsigned char *)text;
    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        if (p[0] < rows[i].first || p[0] > rows[i].last)
            continue;
        if (n < rows[i].n || p[1] < rows[i].low || p[1] > rows[i].high)
            return 0;
        for (size_t k = 2; k < rows[i].n; k++)
            if ((p[k] & 0xC0) != 0x80)
                return 0;
        return rows[i].n;
    }
    return 0;
}

uint32_t gw_utf8_code_point(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    if (length == 1)
        return p[0];
    uint32_t c = p[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        c = c << 6 | (p[i] & 0x3F);
    return c;
}
