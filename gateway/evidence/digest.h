/* digest.h - SHA-256 (FIPS 180-4) and the two base64 alphabets (RFC 4648 §4 and §5).
 *
 * Leaf hashing is most of what a verifier and an append do, so this uses the processor's SHA
 * instructions through libcrypto. Thread: any; values only. */
#ifndef EVIDENCE_DIGEST_H
#define EVIDENCE_DIGEST_H

#include "gateway/base/buf.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 65, DIGEST_B64URL = 44 /* 43 characters and NUL */ };

typedef struct {
    uint64_t opaque[14];
} digest_state;

void digest_init(digest_state *s);
void digest_update(digest_state *s, const void *bytes, size_t n);
void digest_final(digest_state *s, uint8_t ret[DIGEST_BYTES]);
void digest_of(const void *bytes, size_t n, uint8_t ret[DIGEST_BYTES]);

/* Append base64 text: standard with padding, or URL-safe without. */
gw_code digest_put_b64(gw_buf *b, const void *bytes, size_t n);
gw_code digest_put_b64url(gw_buf *b, const void *bytes, size_t n);
/* Decode standard base64; only the one canonical spelling of each value is taken. *ret_n bytes are
 * written to ret, at most cap. */
bool digest_read_b64(gw_str text, uint8_t *ret, size_t cap, size_t *ret_n);
/* Lower-case hex of exactly n bytes. */
bool digest_read_hex(gw_str text, uint8_t *ret, size_t n);

#endif
