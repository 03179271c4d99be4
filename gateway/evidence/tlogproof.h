/* tlogproof.h - one record's self-contained proof: c2sp.org/tlog-proof@v1.
 *
 * Header line, optional `extra`, `index`, the inclusion proof's hashes, an empty line, and the
 * signed checkpoint they lead to. Thread: any; values only. */
#ifndef EVIDENCE_TLOGPROOF_H
#define EVIDENCE_TLOGPROOF_H

#include "gateway/evidence/note.h"

enum { TLOGPROOF_BYTES_MAX = NOTE_BYTES_MAX + 8192 };

typedef struct {
    uint64_t index;
    size_t n;
    merkle_hash proof[MERKLE_PROOF_MAX];
    gw_str note; /* points into the parsed text */
} tlogproof;

gw_code tlogproof_put(gw_buf *b, uint64_t index, const merkle_hash *proof, size_t n, gw_str note);
/* `extra` is read and ignored: nothing of ours uses it and nothing vouches for it. */
gw_code tlogproof_parse(gw_str text, tlogproof *ret, gw_err *err) GW_NODISCARD;

typedef struct {
    note_checkpoint checkpoint; /* points into the proof's text */
    note_opened note;
} tlogproof_verified;

/* The leaf is in the tree whose checkpoint at least one of keys signed, and the checkpoint's
 * origin is that key's name. GW_ECORRUPT says which step failed. */
gw_code tlogproof_verify(const tlogproof *p, const merkle_hash *leaf, const note_key *keys,
                         size_t n, tlogproof_verified *ret, gw_err *err) GW_NODISCARD;

#endif
