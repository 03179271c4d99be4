#include "gateway/evidence/crypt.h"

#include "gateway/base/file.h"
#include "gateway/evidence/digest.h"

#include <sodium.h>

_Static_assert(CRYPT_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(CRYPT_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

void crypt_random(crypt_pool *p, void *ret, size_t n)
{
    if (p->left < n) {
        randombytes_buf(p->b, sizeof p->b);
        p->left = sizeof p->b;
    }
    p->left -= n;
    memcpy(ret, p->b + p->left, n);
    memset(p->b + p->left, 0, n);
}

void crypt_seal(crypt_pool *pool, const uint8_t key[CRYPT_KEY], gw_str ad, const void *plain,
                size_t n, uint8_t *ret)
{
    crypt_random(pool, ret, CRYPT_NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + CRYPT_NONCE, NULL, plain, n,
                                               (const unsigned char *)ad.p, ad.n, NULL, ret, key);
}

bool crypt_unseal(const uint8_t key[CRYPT_KEY], gw_str ad, const uint8_t *sealed, size_t n,
                  uint8_t *ret)
{
    return n >= CRYPT_OVERHEAD && crypto_aead_xchacha20poly1305_ietf_decrypt(
                                      ret, NULL, NULL, sealed + CRYPT_NONCE, n - CRYPT_NONCE,
                                      (const unsigned char *)ad.p, ad.n, sealed, key) == 0;
}

/* RFC 2104 over digest.h, which has the processor's SHA instructions; libsodium 1.0.18 has not. */
void crypt_hmac(gw_str key, const gw_str *parts, size_t n, uint8_t ret[CRYPT_MAC])
{
    enum { BLOCK = 64 };
    uint8_t block[BLOCK] = {0};
    digest_state s;
    if (key.n > BLOCK)
        digest_of(key.p, key.n, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= 0x36;
    digest_init(&s);
    digest_update(&s, block, BLOCK);
    for (size_t i = 0; i < n; i++)
        digest_update(&s, parts[i].p, parts[i].n);
    digest_final(&s, ret);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= 0x36 ^ 0x5C;
    digest_init(&s);
    digest_update(&s, block, BLOCK);
    digest_update(&s, ret, CRYPT_MAC);
    digest_final(&s, ret);
    sodium_memzero(block, sizeof block);
    sodium_memzero(&s, sizeof s);
}

gw_code crypt_key_load(const char *path, uint8_t ret[CRYPT_KEY], gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 256);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading a key");
    gw_str hex = gw_buf_str(&text);
    while (hex.n > 0 && (hex.p[hex.n - 1] == '\n' || hex.p[hex.n - 1] == '\r'))
        hex.n--;
    bool good = digest_read_hex(hex, ret, CRYPT_KEY);
    gw_buf_wipe(&text);
    if (!good)
        return gw_fail(err, GW_EINVAL, "%s must hold 64 lower-case hex digits (a 32-byte key)",
                       path);
    return GW_OK;
}

static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0x82F63B78U ^ c >> 1 : c >> 1;
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
}

#if defined(__x86_64__)
/* SSE 4.2 has this very polynomial as an instruction: a tenth of the time of the tables. */
__attribute__((target("sse4.2"))) static uint32_t crc_by_machine(uint32_t crc, const uint8_t *p,
                                                                 size_t n)
{
    uint64_t wide = crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        wide = __builtin_ia32_crc32di(wide, eight);
    }
    crc = (uint32_t)wide;
    for (; n > 0; n--, p++)
        crc = __builtin_ia32_crc32qi(crc, *p);
    return crc;
}
#define HAS_CRC __builtin_cpu_supports("sse4.2")
#else
static uint32_t crc_by_machine(uint32_t crc, const uint8_t *p, size_t n)
{
    (void)p, (void)n;
    return crc;
}
#define HAS_CRC false
#endif

/* Without the instruction: eight bytes a step ("slicing by 8"). */
uint32_t crypt_crc32c_portable(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^
              table[4][crc >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
              table[0][p[7]];
    }
    for (; n > 0; n--, p++)
        crc = table[0][(crc ^ *p) & 255] ^ crc >> 8;
    return ~crc;
}

uint32_t crypt_crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return HAS_CRC ? ~crc_by_machine(~crc, bytes, n) : crypt_crc32c_portable(crc, bytes, n);
}
