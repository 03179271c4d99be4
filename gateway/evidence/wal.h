/* wal.h - the durable truth of one log: numbered segments of checksummed frames.
 *
 * Stored format 1 (integers big-endian):
 *   segment NNNNNN.seg: header 96 bytes
 *     "DUNLWAL1" | u32 version 1 | u32 segment number | SHA-256(origin) | u64 first entry's index |
 *     SHA-256 of the whole previous segment (zeros in the first) | u32 zero | u32 CRC-32C before it
 *   frame: u32 length and flag | u32 CRC-32C of length, index and leaf | u64 index | leaf bytes
 *     bit 31 of the length word: first frame of a group, i.e. everything before it was durable when
 *     it was written. A leaf is 1 to 65,535 bytes.
 * A change of the format gets a new magic and a reader for both.
 *
 * A group is written with one write and made durable with one fdatasync. After a failed fdatasync
 * the wal answers GW_EIO for ever: the kernel may have dropped the dirty pages, so trying again
 * proves nothing.
 *
 * Recovery cuts only what can be the half-written last group: a bad frame behind which no frame of
 * a later group can be found. Anything else that does not verify is corruption: GW_ECORRUPT,
 * nothing is changed. Thread: one owner at a time. */
#ifndef EVIDENCE_WAL_H
#define EVIDENCE_WAL_H

#include "gateway/evidence/digest.h"

enum {
    WAL_HEADER = 96,
    WAL_FRAME = 16,
    WAL_LEAF_MAX = 65535,
    WAL_GROUP_MAX =
        16 * 1024 * 1024, /* bytes of one group; more behind a bad frame is no torn tail */
    WAL_SEGMENT_DEFAULT = 64 * 1024 * 1024,
    WAL_SEGMENT_MAX = 1024 * 1024 * 1024, /* a larger file is not one of ours */
};

typedef struct {
    uint32_t segment;
    uint64_t offset; /* of the frame */
} wal_place;

typedef struct {
    uint64_t size;      /* entries in the log */
    uint64_t cut_bytes; /* torn tail that was cut, 0 none */
    uint32_t cut_segment;
} wal_recovery;

typedef struct wal wal;

/* Called for each whole frame; another code than GW_OK ends the walk and is returned. */
typedef gw_code (*wal_visit)(void *ctx, uint64_t index, wal_place at, gw_str leaf, gw_err *err);

/* Open dir (created if missing) for appending. `from` tells where entry numbers to visit begin:
 * entries >= from are visited in order during recovery. at_least: entries known to have been
 * durable; a log shorter than that is GW_ECORRUPT. */
gw_code wal_open(const char *dir, gw_str origin, size_t segment_bytes, uint64_t at_least,
                 uint64_t from, wal_visit visit, void *ctx, wal **ret, wal_recovery *ret_recovery,
                 gw_err *err) GW_NODISCARD;
void wal_close(wal *w);
GW_CLEANUP_FUNC(wal, wal_close)

/* Begin a group (in a new segment when the current one is full), add leaves to it in memory, then
 * commit it: one write, one fdatasync. wal_add tells the place the leaf gets. On GW_ENOSPC,
 * GW_ELIMIT or GW_ENOMEM the group is gone and the log as before; on GW_EIO the log is finished. */
gw_code wal_begin(wal *w, gw_err *err) GW_NODISCARD;
gw_code wal_add(wal *w, gw_str leaf, wal_place *ret_place, gw_err *err) GW_NODISCARD;
gw_code wal_commit(wal *w, gw_err *err) GW_NODISCARD;

uint64_t wal_size(const wal *w);

/* ---- reading, beside a writer or alone ---- */

/* Read one frame and check it: GW_ECORRUPT names segment and offset. */
gw_code wal_read(const char *dir, wal_place at, uint64_t index, gw_buf *ret_leaf, gw_err *err)
    GW_NODISCARD;

/* Walk every frame from entry `from` on in all segments, checking headers, CRCs and the chain of
 * segment hashes of the segments walked. tail_ok: a torn tail in the last segment is not an error
 * (a writer may be in the middle of a group). */
gw_code wal_walk(const char *dir, gw_str origin, uint64_t from, bool tail_ok, wal_visit visit,
                 void *ctx, uint64_t *ret_size, gw_err *err) GW_NODISCARD;

#endif
