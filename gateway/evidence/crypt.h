/* crypt.h - the few cryptographic operations of the evidence store.
 *
 * seal/unseal: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), random 192-bit nonce in front.
 * salts and derived keys: HMAC-SHA-256 (RFC 2104). Thread: any. */
#ifndef EVIDENCE_CRYPT_H
#define EVIDENCE_CRYPT_H

#include "gateway/base/buf.h"

enum {
    CRYPT_KEY = 32,
    CRYPT_NONCE = 24,
    CRYPT_TAG = 16,
    CRYPT_OVERHEAD = CRYPT_NONCE + CRYPT_TAG,
    CRYPT_MAC = 32,
};

/* Random bytes for nonces and ids, fetched from the kernel by the page: one system call each would
 * cost more than the encryption. Not for keys. One owner at a time; must not live across fork. */
typedef struct {
    uint8_t b[1024];
    size_t left;
} crypt_pool;
void crypt_random(crypt_pool *p, void *ret, size_t n); /* n <= 64 */

/* nonce || ciphertext || tag, n + CRYPT_OVERHEAD bytes to ret. */
void crypt_seal(crypt_pool *pool, const uint8_t key[CRYPT_KEY], gw_str ad, const void *plain,
                size_t n, uint8_t *ret);
/* sealed of n bytes becomes n - CRYPT_OVERHEAD bytes at ret; false: wrong key, ad, or altered. */
bool crypt_unseal(const uint8_t key[CRYPT_KEY], gw_str ad, const uint8_t *sealed, size_t n,
                  uint8_t *ret);
void crypt_hmac(gw_str key, const gw_str *parts, size_t n, uint8_t ret[CRYPT_MAC]);
/* File holding 64 hex digits: GW_ENOTFOUND, GW_EINVAL with what to do. Wipe ret after use. */
gw_code crypt_key_load(const char *path, uint8_t ret[CRYPT_KEY], gw_err *err) GW_NODISCARD;

/* CRC-32C (RFC 3720 §12.1), start with 0. */
uint32_t crypt_crc32c(uint32_t crc, const void *bytes, size_t n);
/* The same without the processor's instruction; what it is checked against. */
uint32_t crypt_crc32c_portable(uint32_t crc, const void *bytes, size_t n);

static inline void crypt_put_be(uint8_t *to, uint64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--, v >>= 8)
        to[i] = (uint8_t)v;
}
static inline uint64_t crypt_get_be(const uint8_t *from, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | from[i];
    return v;
}

#endif
