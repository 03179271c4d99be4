/* store.h - what the parts of an open evidence store share. Internal to gateway/evidence:
 * evidence.c (the public calls), group.c (drafts to leaves), current.c (the log written now: its
 * recovery, head and rotation), request.c (reads that want a record).
 *
 * Everything here is guarded by evidence.lock; vault and blob have their own locks, taken after it.
 */
#ifndef EVIDENCE_STORE_H
#define EVIDENCE_STORE_H

#include "gateway/evidence/blob.h"
#include "gateway/evidence/evidence.h"
#include "gateway/evidence/index.h"
#include "gateway/evidence/note.h"
#include "gateway/evidence/tiles.h"
#include "gateway/evidence/vault.h"

#include <limits.h>
#include <pthread.h>

enum {
    GROUP_ENTRIES = 1024,
    GROUP_BYTES = 12 * 1024 * 1024, /* leaves of one group; stays under WAL_GROUP_MAX */
    GROUP_CASES = 2 * GROUP_ENTRIES,
    DRAFT_ARENA = 256 * 1024 * 1024,
    ORIGIN_MAX = 200, /* bytes of "<base>/<year>", a key name */
};

/* One group of leaves between wal_begin and what follows its commit. */
typedef struct {
    size_t n;
    evindex_entry entry[GROUP_ENTRIES];
    size_t leaf_at[GROUP_ENTRIES], leaf_n[GROUP_ENTRIES];
    gw_buf leaves;
    struct {
        gw_id kase;
        uint64_t cseq; /* 0: free */
        uint8_t hash[DIGEST_BYTES];
    } heads[GROUP_CASES];                 /* cases this group has appended to */
    evindex_outbox last[EVIDENCE_SHARDS]; /* positions as they are once it is committed */
    gw_wall tb;
    int64_t clock_step;
    bool blobs; /* contents were put that must be durable first */
} group;

struct evidence {
    pthread_mutex_t lock;
    int lock_fd;
    bool failed;
    const gw_clock *clock;

    char dir[PATH_MAX], state_head[PATH_MAX], base[ORIGIN_MAX];
    size_t segment_bytes;
    uint8_t seed[32], tenant[CRYPT_KEY], id_key[GW_ID_KEY_BYTES];
    gw_buf iss;
    size_t iss_fixed_n; /* bytes of it that do not change with the rules in force */

    vault *vault;
    evindex *index;
    blob *blob;
    bool index_behind; /* entries are durable that the index does not know yet */

    /* the log written now */
    int year;
    char origin[ORIGIN_MAX + 1], log_dir[PATH_MAX];
    uint32_t origin_id;
    wal *wal;
    tiles *tiles; /* NULL: to be caught up from the log */
    note_signer signer;
    uint64_t signed_size, published_size;
    merkle_hash signed_root;
    bool tiles_rebuilt; /* they were missing or damaged when this run opened the log */
    bool news;
    gw_mono news_since;
    gw_mono requests_read;

    evindex_outbox last[EVIDENCE_SHARDS];
    char last_text[EVIDENCE_SHARDS][44];
    gw_wall last_tb; /* INT64_MIN: nothing logged yet */
    int64_t clock_step;
    gw_mono clock_read; /* when `clk` was made */
    gw_buf clk;
    bool clk_manual;

    gw_arena *arena;
    gw_buf part[4]; /* fact, cmt, blob, scratch of the draft in work */
    gw_buf plain;   /* canonical private values of the draft in work; wiped */
    group group;
};

/* ---- group.c ---- */

/* Log one group, which must not be empty: drafts[0 .. *ret_taken - 1] were taken into it or skipped
 * as logged already. */
gw_code group_log(evidence *ev, const evidence_draft *drafts, size_t n, size_t *ret_taken,
                  gw_err *err) GW_NODISCARD;
/* Log a record of the log itself: no source, no debtor. fact is JSON or empty. */
gw_code group_log_own(evidence *ev, const char *event, gw_str fact, gw_err *err) GW_NODISCARD;
/* Index entry of a leaf that is already in the log. */
gw_code group_entry(evidence *ev, uint64_t index, wal_place at, gw_str leaf, evindex_entry *ret,
                    gw_arena *arena, gw_err *err) GW_NODISCARD;

/* ---- current.c ---- */

/* Open or create the newest log under base, with everything before it indexed. */
gw_code current_open(evidence *ev, wal_recovery *ret, gw_err *err) GW_NODISCARD;
void current_close(evidence *ev);
/* Begin the log of a later year; records x-Rotate and x-Start. */
gw_code current_rotate(evidence *ev, int year, gw_err *err) GW_NODISCARD;
gw_code current_start_record(evidence *ev, gw_err *err) GW_NODISCARD;
gw_code current_checkpoint(evidence *ev, gw_err *err) GW_NODISCARD;
/* Bring index and tiles up to the log; cheap when they are. */
gw_code current_catch_up_index(evidence *ev, gw_err *err) GW_NODISCARD;
int current_year_of(gw_wall t);
/* Years under DIR/log/<base>, ascending. Appends ints to ret. */
gw_code current_years(const char *dir, const char *base, int *ret, size_t cap, size_t *ret_n,
                      gw_err *err) GW_NODISCARD;

/* ---- request.c ---- */

/* Record the requests waiting in DIR/requests. */
gw_code request_serve(evidence *ev, gw_err *err) GW_NODISCARD;

#endif
