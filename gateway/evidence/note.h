/* note.h - C2SP signed notes, checkpoints in them, and the keys that sign them.
 *
 * A note is text ending in a newline, a blank line, and lines "— <key name> <base64(id || sig)>"
 * (c2sp.org/signed-note v1.0.0). Signatures of keys we do not know are passed over; a signature of
 * a known key that does not verify refuses the whole note. Key types: 0x01 Ed25519 over the text;
 * 0x04 Ed25519 cosignature with a time (c2sp.org/tlog-cosignature). Key id:
 * SHA-256(name || '\n' || type || public key)[:4].
 * Thread: any; values only. */
#ifndef EVIDENCE_NOTE_H
#define EVIDENCE_NOTE_H

#include "gateway/evidence/merkle.h"

enum {
    NOTE_BYTES_MAX = 64 * 1024,
    NOTE_NAME_MAX = 200,
    NOTE_SIGNATURES_MAX = 64, /* the spec asks for at least 16 */
    NOTE_KEY_BYTES = 32,
    NOTE_SECRET_BYTES = 64,
    NOTE_ED25519 = 0x01,
    NOTE_COSIGNATURE = 0x04,
};

typedef struct {
    char name[NOTE_NAME_MAX + 1];
    uint8_t id[4];
    uint8_t type;
    uint8_t pub[NOTE_KEY_BYTES];
} note_key;

/* A name is non-empty UTF-8 without white space and '+'. GW_EINVAL, GW_ELIMIT. */
gw_code note_key_make(gw_str name, uint8_t type, const uint8_t pub[NOTE_KEY_BYTES], note_key *ret,
                      gw_err *err) GW_NODISCARD;
/* Text form "<name>+<id hex>+<base64(type || pub)>"; parse refuses an id that does not fit. */
gw_code note_key_put(gw_buf *b, const note_key *k);
gw_code note_key_parse(gw_str vkey, note_key *ret, gw_err *err) GW_NODISCARD;

typedef struct {
    note_key key;
    uint8_t secret[NOTE_SECRET_BYTES];
} note_signer;

/* From a 32-byte Ed25519 seed (RFC 8032). Wipe with note_signer_wipe. */
gw_code note_signer_make(gw_str name, uint8_t type, const uint8_t seed[32], note_signer *ret,
                         gw_err *err) GW_NODISCARD;
void note_signer_wipe(note_signer *s);

/* Append text, the blank line and one signature. text ends in '\n' and holds no empty line at its
 * end. time: seconds since 1970, used by cosignatures only. */
gw_code note_sign(gw_buf *b, gw_str text, const note_signer *s, uint64_t time, gw_err *err)
    GW_NODISCARD;
/* Append one more signature line to a note that ends in its signatures. */
gw_code note_cosign(gw_buf *note, const note_signer *s, uint64_t time, gw_err *err) GW_NODISCARD;

typedef struct {
    gw_str text; /* what was signed, with its final newline; points into the note */
    size_t signatures;
    uint64_t good;     /* bit i: keys[i] signed */
    uint64_t times[8]; /* time of the cosignature by keys[i], i < 8 */
} note_opened;

/* Verify against at most 64 keys. GW_EINVAL not a note; GW_ELIMIT a limit above; GW_ECORRUPT a
 * known key's signature does not verify. No signature by a known key is not an error here: look at
 * `good`. */
gw_code note_open(gw_str note, const note_key *keys, size_t n, note_opened *ret, gw_err *err)
    GW_NODISCARD;

/* c2sp.org/tlog-checkpoint: origin, decimal size, base64 root, each on a line. */
typedef struct {
    gw_str origin; /* points into the text */
    uint64_t size;
    merkle_hash root;
} note_checkpoint;

gw_code note_checkpoint_put(gw_buf *b, gw_str origin, uint64_t size, const merkle_hash *root);
/* Extension lines behind the three are allowed and ignored. */
gw_code note_checkpoint_parse(gw_str text, note_checkpoint *ret, gw_err *err) GW_NODISCARD;

/* Ed25519 as we use it (RFC 8032, small-order points refused): one place for tests to reach. */
bool note_ed25519_holds(const uint8_t sig[64], const void *msg, size_t n,
                        const uint8_t pub[NOTE_KEY_BYTES]);

/* Decimal without sign, leading zeros or more than 18 digits. */
bool note_read_decimal(gw_str s, uint64_t *ret);

#endif
