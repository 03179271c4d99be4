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

static gw_code put(gw_buf *b, const void *bytes, size_t n, int variant)
{
    size_t need = sodium_base64_encoded_len(n, variant);
    char *to = gw_buf_reserve(b, need);
    if (!to)
        return b->code;
    sodium_bin2base64(to, need, bytes, n, variant);
    b->n += need - 1;
    return GW_OK;
}

gw_code digest_put_b64(gw_buf *b, const void *bytes, size_t n)
{
    return put(b, bytes, n, sodium_base64_VARIANT_ORIGINAL);
}

gw_code digest_put_b64url(gw_buf *b, const void *bytes, size_t n)
{
    return put(b, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
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
