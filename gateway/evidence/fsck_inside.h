/* fsck_inside.h - what the files of fsck share. Inside of gateway/evidence.
 *
 *   fsck.c        the store and its logs, checkpoints, contents, vault
 *   fsck_leaf.c   one entry: its case, time, contents, place in the index
 *   fsck_tiles.c  the tiles on disk beside what the log gives */
#ifndef DUNLIN_EVIDENCE_FSCK_INSIDE_H
#define DUNLIN_EVIDENCE_FSCK_INSIDE_H

#include "gateway/base/file.h"
#include "gateway/evidence/blob.h"
#include "gateway/evidence/fsck.h"
#include "gateway/evidence/index.h"
#include "gateway/evidence/note.h"
#include "gateway/evidence/tiles.h"
#include "gateway/evidence/wal.h"

#include <limits.h>

enum {
    FSCK_FULL = TILES_WIDTH,
    FSCK_BUNDLE_BYTES = FSCK_FULL * (2 + WAL_LEAF_MAX),
    FSCK_PARTIALS_MAX = 4096
};

typedef struct {
    gw_id kase;
    uint64_t cseq; /* 0: free */
    uint8_t hash[DIGEST_BYTES];
} fsck_chain;

/* A partial tile found on disk: complete when the log had `size` entries. */
typedef struct {
    uint64_t size, n;
    int level; /* -1: entries */
    unsigned width;
} fsck_partial;

typedef struct {
    const fsck_order *o;
    fsck_result r;
    gw_arena *arena;
    evindex *index_db;
    fsck_chain *chains; /* open hash table over all logs: cases go on over the years */
    size_t chain_slots;
    char state_head[PATH_MAX];
    note_checkpoint head; /* state/head */
    gw_buf head_text;
    bool head_seen;

    /* the log in work */
    char origin[280], dir[PATH_MAX], blob_base[PATH_MAX];
    uint32_t origin_id;
    note_checkpoint published;
    gw_buf note;
    merkle_frontier tree;
    merkle_hash edge[TILES_LEVELS][FSCK_FULL];
    gw_buf bundle;
    fsck_partial
        partials[FSCK_PARTIALS_MAX]; /* by size; those of the last two checkpoints, usually */
    size_t partial_n, partial_at;
    wal_place at; /* of the entry in work */
    uint64_t index;
    gw_wall last_tb;
    int64_t last_step;
    note_checkpoint previous; /* final checkpoint of the log before */
    char previous_origin[280];
} fsck_walk;

void fsck_fault(fsck_walk *w, const char *fmt, ...) GW_PRINTF(2, 3);
/* The same about the entry in work. */
void fsck_fault_here(fsck_walk *w, const char *fmt, ...) GW_PRINTF(2, 3);

/* Called by wal_walk for every entry; ctx is the fsck_walk. */
gw_code fsck_entry(void *ctx, uint64_t index, wal_place at, gw_str leaf, gw_err *err);

/* The partial tiles of the log in work, before its first entry. */
void fsck_tiles_find(fsck_walk *w);
/* Entry number `index` joins the tree; tiles it completes or the checkpoint needs are compared. */
void fsck_tiles_add(fsck_walk *w, uint64_t index, gw_str leaf, const merkle_hash *hash);

#endif
