/* sign.h - who stands behind a file of the rules: a detached Ed25519 signature (RFC 8032) beside
 * it.
 *
 * Signed is the canonical JSON (RFC 8785) of a pack, calendar or table of prefixes behind the line
 * "dunlin rules 1\n": comments and spaces may change, no number may. PACK.jsonc.sig holds
 *     dunlin-rules-signature-1
 *     key NAME
 *     ed25519 <128 hex digits>
 * and a public key, NAME.vkey, holds the one line  dunlin-rules-key-1 NAME <64 hex digits>.
 *
 * Thread: any; pure. sodium_init must have been called. */
#ifndef POLICY_SIGN_H
#define POLICY_SIGN_H

#include "gateway/policy/rules.h"

enum { SIGN_KEYS_MAX = 64, SIGN_NAME_MAX = 64, SIGN_TEXT_MAX = 4096, SIGN_SECRET_BYTES = 64 };

typedef struct {
    char name[SIGN_NAME_MAX + 1];
    uint8_t key[32];
} sign_key;

typedef struct sign_keys {
    size_t n;
    sign_key list[SIGN_KEYS_MAX];
} sign_keys;

/* GW_EINVAL: not a key's text. */
gw_code sign_key_parse(gw_str text, sign_key *ret, gw_err *err) GW_NODISCARD;
void sign_key_write(const sign_key *k, gw_buf *out);

/* Append the signature's text. secret: as crypto_sign_keypair makes it. */
void sign_make(gw_str canonical, const char *key_name, const uint8_t secret[SIGN_SECRET_BYTES],
               gw_buf *out);

/* SIGNED by one of the keys; BAD when the text is no signature, its key is not among them, or it
 * does not belong to these numbers. signature n 0: UNSIGNED. */
policy_signature sign_check(gw_str canonical, gw_str signature, const sign_key *keys, size_t n);

#endif
