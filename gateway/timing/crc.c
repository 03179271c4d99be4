#include "gateway/timing/crc.h"

/* Slicing by four: a value of 256 bytes is checked in about 100 ns, without an instruction some
 * machine might lack. */
static uint32_t crc_table[4][256];

__attribute__((constructor)) static void crc_prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = (c >> 1) ^ (c & 1 ? UINT32_C(0xEDB88320) : 0);
        crc_table[0][i] = c;
    }
    for (int t = 1; t < 4; t++)
        for (uint32_t i = 0; i < 256; i++)
            crc_table[t][i] = (crc_table[t - 1][i] >> 8) ^ crc_table[0][crc_table[t - 1][i] & 0xFF];
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t timing_crc_more(uint32_t c, const uint8_t *p, size_t n)
{
    for (; n >= 4; n -= 4, p += 4) {
        c ^= get32(p);
        c = crc_table[3][c & 0xFF] ^ crc_table[2][(c >> 8) & 0xFF] ^
            crc_table[1][(c >> 16) & 0xFF] ^ crc_table[0][c >> 24];
    }
    for (; n > 0; n--, p++)
        c = (c >> 8) ^ crc_table[0][(c ^ *p) & 0xFF];
    return c;
}

uint32_t timing_crc(gw_str bytes)
{
    return ~timing_crc_more(UINT32_MAX, (const uint8_t *)bytes.p, bytes.n);
}
