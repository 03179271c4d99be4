/* OpenSSL 3 marks the SHA256_* functions deprecated in favour of EVP, which allocates a context and
 * may fail. These keep their state in place, cannot fail, and use the same assembly. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/evidence/digest.h"

#include <openssl/sha.h>
#include <sodium.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(digest_state), "digest_state is too small");

static SHA256_CTX *ctx(digest_state *s)
{
    return (SHA256_CTX *)(void *)s->opaque;
}

void digest_init(digest_state *s)
{
    SHA256_Init(ctx(s));
}

void digest_update(digest_state *s, const void *bytes, size_t n)
{
    SHA256_Update(ctx(s), bytes, n);
}

void digest_final(digest_state *s, uint8_t ret[DIGEST_BYTES])
{
    SHA256_Final(ret, ctx(s));
}

void digest_of(const void *bytes, size_t n, uint8_t ret[DIGEST_BYTES])
{
    digest_state s;
    digest_init(&s);
    digest_update(&s, bytes, n);
    digest_final(&s, ret);
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Digests, ciphertexts and signatures: nothing here is secret, so it need not take constant time as
 * libsodium's does, which costs as much as hashing does. */
static gw_code put(gw_buf *b, const uint8_t *p, size_t n, const char *alphabet, bool padded)
{
    char *to = gw_buf_reserve(b, (n + 2) / 3 * 4);
    char *at = to;
    if (!to)
        return b->code;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *at++ = alphabet[v >> shift & 63];
    }
    if (n > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        *at++ = alphabet[v >> 18 & 63];
        *at++ = alphabet[v >> 12 & 63];
        if (n == 2)
            *at++ = alphabet[v >> 6 & 63];
        for (; padded && n < 3; n++)
            *at++ = '=';
    }
    *at = '\0';
    b->n += (size_t)(at - to);
    return GW_OK;
}

gw_code digest_put_b64(gw_buf *b, const void *bytes, size_t n)
{
    return put(b, bytes, n, standard, true);
}

gw_code digest_put_b64url(gw_buf *b, const void *bytes, size_t n)
{
    return put(b, bytes, n, url_safe, false);
}

bool digest_read_b64(gw_str text, uint8_t *ret, size_t cap, size_t *ret_n)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return false; /* libsodium 1.0.18 takes these for '/' where char is signed */
    return sodium_base642bin(ret, cap, text.p, text.n, NULL, ret_n, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_read_hex(gw_str text, uint8_t *ret, size_t n)
{
    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = nibble(text.p[2 * i]);
        int low = nibble(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
