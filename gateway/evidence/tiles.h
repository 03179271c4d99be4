/* tiles.h - the tree of one log as plain files (c2sp.org/tlog-tiles): anybody can serve or copy
 * them, and proofs are made from a handful of them.
 *
 *   tile/<L>/<N>[.p/<W>]        W or 256 hashes of 32 bytes: roots of subtrees of 256^L entries
 *   tile/entries/<N>[.p/<W>]    W or 256 entries, each behind its length (u16, big-endian)
 *   N in groups of three digits, all but the last with an x: 1234067 is x001/x234/067
 *
 * Derived from the log: full tiles are written once, partial ones when a head is about to be
 * signed, so that whatever a checkpoint covers is on disk before it. Partial tiles of the last two
 * checkpoints are kept, older ones removed.
 * Thread: one owner at a time. */
#ifndef EVIDENCE_TILES_H
#define EVIDENCE_TILES_H

#include "gateway/evidence/merkle.h"

#include <limits.h>

enum { TILES_WIDTH = 256, TILES_LEVELS = 7 }; /* 256^7 entries */

/* ---- reading ---- */

typedef struct {
    const char *dir;                             /* the log's folder, holds tile/ */
    uint64_t size;                               /* of the tree the proofs are for */
    merkle_hash edge[TILES_LEVELS][TILES_WIDTH]; /* its partial tiles */
    struct {
        uint64_t n;
        unsigned level;
        unsigned width; /* 0: free */
        merkle_hash hash[TILES_WIDTH];
    } cache[8];
    unsigned turn;
} tiles_reader;

/* Reads the partial tiles of that size at once: they are removed two checkpoints later. dir is
 * borrowed. */
gw_code tiles_reader_init(tiles_reader *r, const char *dir, uint64_t size, gw_err *err)
    GW_NODISCARD;
/* Proofs for size through r, borrowed. GW_ENOTFOUND, GW_ECORRUPT name the file. */
merkle_source tiles_reader_source(tiles_reader *r);

/* Hashes of one tile; width 256 reads the full tile. */
gw_code tiles_read(const char *dir, unsigned level, uint64_t n, unsigned width, merkle_hash *ret,
                   gw_err *err) GW_NODISCARD;
/* "<dir>/tile/<L>/<N>[.p/<W>]"; level -1 is "entries". */
void tiles_path(const char *dir, int level, uint64_t n, unsigned width, char ret[PATH_MAX]);

/* ---- writing ---- */

typedef struct tiles tiles;

/* Continue a tree of `size` entries whose tiles were published and whose signed root is given; its
 * right edge is read back and must give that root (GW_ECORRUPT). root is not read when size is 0.
 */
gw_code tiles_open(const char *dir, uint64_t size, const merkle_hash *root, tiles **ret,
                   gw_err *err) GW_NODISCARD;
void tiles_close(tiles *t);
GW_CLEANUP_FUNC(tiles, tiles_close)

/* The next entry, 1 to 65,535 bytes. Full tiles are written aside, not yet under their name. */
gw_code tiles_add(tiles *t, gw_str entry, const merkle_hash *leaf, gw_err *err) GW_NODISCARD;
uint64_t tiles_size(const tiles *t);
gw_code tiles_root(tiles *t, merkle_hash *ret, gw_err *err) GW_NODISCARD;
/* PROOF(size1, now). */
gw_code tiles_consistency(tiles *t, uint64_t size1, merkle_hash ret[MERKLE_PROOF_MAX],
                          size_t *ret_n, gw_err *err) GW_NODISCARD;
/* Everything the tree of now needs is on disk under its name when this returns GW_OK. */
gw_code tiles_publish(tiles *t, gw_err *err) GW_NODISCARD;

#endif
