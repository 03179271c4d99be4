/* id.h - 128-bit identifiers and their text.
 *
 * Text is 26 characters of lower-case base32 without look-alikes (Crockford's alphabet: no i l o
 * u). Random ids come from libsodium's generator. Keyed ids are BLAKE2b-128 over parts with
 * lengths: the same parts under the same key give the same id, so a repeated request finds its
 * first record; without the key nobody can test a guess. Thread: any. */
#ifndef GW_ID_H
#define GW_ID_H

#include "gateway/base/buf.h"

enum { GW_ID_BYTES = 16, GW_ID_TEXT = 27, GW_ID_KEY_BYTES = 32 };

typedef struct {
    uint8_t b[GW_ID_BYTES];
} gw_id;

void gw_id_random(gw_id *ret_id);
void gw_id_keyed(const uint8_t key[GW_ID_KEY_BYTES], const gw_str *parts, size_t count,
                 gw_id *ret_id);
void gw_id_format(const gw_id *id, char ret_text[GW_ID_TEXT]);
gw_code gw_id_parse(gw_str s, gw_id *ret_id, gw_err *err);

/* Lower-case hex of n bytes; ret_text has room for 2 n + 1. */
void gw_hex(const void *bytes, size_t n, char *ret_text);

#endif
