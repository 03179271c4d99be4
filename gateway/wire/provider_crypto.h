/* provider_crypto.h - digests and encodings of the signing schemes, over OpenSSL. Inside of
 * provider_sign.h. Thread: any. */
#ifndef WIRE_PROVIDER_CRYPTO_H
#define WIRE_PROVIDER_CRYPTO_H

#include "gateway/base/buf.h"

enum { SHA256_BYTES = 32, SHA1_BYTES = 20, HEX256_TEXT = 65 };

void crypto_sha256_hex(gw_str s, char ret[HEX256_TEXT]);
void crypto_md5_hex(gw_str s, char ret[33]);
void crypto_hmac_sha256(gw_str key, gw_str s, uint8_t ret[SHA256_BYTES]);
void crypto_hmac_sha1(gw_str key, gw_str s, uint8_t ret[SHA1_BYTES]);
/* RFC 4648 §4 with padding, and §5 without. */
gw_code crypto_put_base64(gw_buf *out, gw_str s);
gw_code crypto_put_base64url(gw_buf *out, gw_str s);
/* Either alphabet, padded or not; false when it is none or larger than max. */
bool crypto_base64_decode(gw_str s, uint8_t *ret, size_t max, size_t *ret_n);
/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3) by a PEM private key; base64url appended. */
gw_code crypto_put_rs256(gw_buf *out, gw_str pem, gw_str s, gw_err *err) GW_NODISCARD;
/* Equal lengths and bytes, in time that depends on the lengths only. */
bool crypto_equal(gw_str a, gw_str b);

#endif
