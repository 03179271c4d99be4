#include "gateway/base/id.h"

#include <sodium.h>

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void gw_id_random(gw_id *ret_id)
{
    randombytes_buf(ret_id->b, sizeof ret_id->b);
}

void gw_id_keyed(const uint8_t key[GW_ID_KEY_BYTES], const gw_str *parts, size_t count,
                 gw_id *ret_id)
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, key, GW_ID_KEY_BYTES, GW_ID_BYTES);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = parts[i].n; /* lengths keep ("ab","c") and ("a","bc") apart */
        crypto_generichash_update(&st, (const unsigned char *)&n, sizeof n);
        crypto_generichash_update(&st, (const unsigned char *)parts[i].p, parts[i].n);
    }
    crypto_generichash_final(&st, ret_id->b, GW_ID_BYTES);
}

/* 130 bits of text hold 128 bits of id: the first character carries three bits. */
void gw_id_format(const gw_id *id, char ret_text[GW_ID_TEXT])
{
    unsigned acc = 0;
    int bits = 2;
    size_t at = 0;
    for (size_t i = 0; i < GW_ID_BYTES; i++) {
        acc = (acc << 8) | id->b[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            ret_text[at++] = alphabet[(acc >> bits) & 31];
        }
    }
    ret_text[at] = '\0';
}

static int value_of(char c)
{
    const char *p = c ? strchr(alphabet, c) : NULL;
    return p ? (int)(p - alphabet) : -1;
}

gw_code gw_id_parse(gw_str s, gw_id *ret_id, gw_err *err)
{
    gw_id id;
    unsigned acc = 0;
    int bits = -2;
    size_t at = 0;
    bool good = s.n == GW_ID_TEXT - 1 && value_of(s.p[0]) >= 0 && value_of(s.p[0]) < 8;
    for (size_t i = 0; good && i < s.n; i++) {
        int v = value_of(s.p[i]);
        good = v >= 0;
        acc = (acc << 5) | (unsigned)v;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            id.b[at++] = (uint8_t)(acc >> bits);
        }
    }
    if (!good)
        return gw_fail(err, GW_EINVAL, "not an id: 26 characters of 0-9 and a-z are expected");
    *ret_id = id;
    return GW_OK;
}

void gw_hex(const void *bytes, size_t n, char *ret_text)
{
    sodium_bin2hex(ret_text, 2 * n + 1, bytes, n);
}
