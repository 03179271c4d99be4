/* blob.h - encrypted contents beside the log: message bytes, submitted bodies, private values, raw
 * receipts.
 *
 *   DIR/blob/<origin>/seg-NNNNNN.bin, stored format 1 (integers big-endian):
 *   "DUNLBLB1" | frames: "BLOB" | u32 sealed bytes | u32 CRC-32C of what follows | id 16 | sealed
 *   sealed = nonce 24 | XChaCha20-Poly1305 ciphertext | tag 16, associated data = "dunlin blob 1" |
 *   id | role.
 *
 * A reference is what a leaf carries (canonical JSON):
 *   {"cmt","id","key","media","off","role","seg","sha256","size"}
 *   sha256 of the sealed bytes; size of the plaintext; key = pseudonym of the case whose key it is;
 *   seg "<year>/NNNNNN" and off where it was put; cmt = commitment (record.h) to [salt, role,
 *   hex SHA-256 of the plaintext] with the salt of (key, id, role): the cipher alone does not
 * commit to one key. A torn frame at the end of a segment is left there: nothing refers to it, and
 * each open starts a new segment. Thread: any; one lock inside. */
#ifndef EVIDENCE_BLOB_H
#define EVIDENCE_BLOB_H

#include "gateway/base/json.h"
#include "gateway/evidence/vault.h"

enum {
    BLOB_HEADER = 8,
    BLOB_FRAME = 12 + GW_ID_BYTES,
    BLOB_ROLE_MAX = 32,
    BLOB_MEDIA_MAX = 96,
    BLOB_BUFFER = 1024 * 1024,
};

typedef struct blob blob;

/* base: DIR/blob/<origin base>. A segment file is made when the first content comes. */
gw_code blob_open(const char *base, size_t segment_bytes, blob **ret, gw_err *err) GW_NODISCARD;
void blob_close(blob *b);
GW_CLEANUP_FUNC(blob, blob_close)

/* Contents from now on go to the folder of that year. */
void blob_year(blob *b, int year);
/* Seal and add (buffered); appends the reference to ret_ref. */
gw_code blob_put(blob *b, const vault_case *c, const char *role, const char *media, gw_str bytes,
                 gw_buf *ret_ref, gw_err *err) GW_NODISCARD;
/* Write what is buffered and sync it. After a failed sync GW_EIO for ever. */
gw_code blob_sync(blob *b, gw_err *err) GW_NODISCARD;

/* ---- reading ---- */

typedef struct {
    gw_id id, key;
    gw_str role, media, seg, cmt;
    uint8_t sha256[DIGEST_BYTES];
    uint64_t off, size;
} blob_ref;

/* From a node of a parsed document. GW_EINVAL: not exactly the members above. */
gw_code blob_ref_parse(const json_doc *d, uint32_t node, blob_ref *ret, gw_err *err) GW_NODISCARD;
void blob_ref_put(gw_buf *b, const blob_ref *r);
/* The sealed bytes, checked against frame and sha256; GW_ECORRUPT names file and offset. */
gw_code blob_read(const char *base, const blob_ref *r, gw_buf *ret_sealed, gw_err *err)
    GW_NODISCARD;
/* Sealed bytes to plaintext. GW_ECORRUPT: wrong key or altered. */
gw_code blob_unseal(const blob_ref *r, const uint8_t key[CRYPT_KEY], gw_str sealed, gw_buf *ret,
                    gw_err *err) GW_NODISCARD;
/* The disclosure array of a content: [salt, role, hex SHA-256 of the plaintext]. */
gw_code blob_disclosure(const blob_ref *r, const uint8_t key[CRYPT_KEY], gw_str plain, gw_buf *ret);

/* Walk all frames of one segment file; GW_ECORRUPT names the first damaged one. *ret_torn: bytes at
 * the end that are no whole frame. */
gw_code blob_check_segment(const char *path, uint64_t *ret_frames, uint64_t *ret_torn, gw_err *err)
    GW_NODISCARD;

/* Visit every whole frame of a segment file in order; stops at the first damaged or cut one, which
 * is no fault here. sealed is borrowed for the call. */
typedef void (*blob_frame_visit)(void *ctx, const gw_id *id, gw_str sealed);
gw_code blob_each_frame(const char *path, blob_frame_visit visit, void *ctx, gw_err *err)
    GW_NODISCARD;

#endif
