/* index.h - finding entries: by case, reminder, event and time; case heads; outbox positions.
 *
 * SQLite at DIR/index/index.db (WAL, synchronous=NORMAL), derived: delete the folder and the next
 * open rebuilds it from the log. A row is written only after its entry is durable, so an index that
 * knows more than the log means the log lost entries. Stored format 1 (PRAGMA user_version):
 *   origin(id, name)  evname(id, name)  outbox(shard, ms, seq)
 *   kase(id, cid, rcp, cseq, hash, pos)        head of each case
 *   leaf(pos, seg, off, t, tb, ev, kase, cseq, rid)   pos = origin << 40 | index in its log
 * Holds pseudonyms only. Thread: one owner at a time; other processes may read beside it. */
#ifndef EVIDENCE_INDEX_H
#define EVIDENCE_INDEX_H

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/evidence/wal.h"

enum {
    EVINDEX_SHARDS = 64,
    EVINDEX_CACHE_CASES = 65536, /* heads kept in memory, about 6 MB */
    EVINDEX_EVENTS_MAX = 1024,   /* different event names */
};

typedef struct {
    uint64_t ms, seq;
    bool any;
} evindex_outbox; /* a Redis stream id */

typedef struct {
    uint32_t origin;
    uint64_t index;
    wal_place place;
    gw_wall t, tb;
    gw_str event;
    gw_id kase;
    gw_id rcp; /* zero when the record has none */
    uint64_t cseq;
    uint8_t hash[DIGEST_BYTES]; /* RFC 6962 leaf hash */
    gw_str rid;
    int shard; /* -1: not from an outbox */
    evindex_outbox outbox;
} evindex_entry;

typedef struct evindex evindex;

gw_code evindex_open(const char *path, bool read_only, evindex **ret, gw_err *err) GW_NODISCARD;
void evindex_close(evindex *x);
GW_CLEANUP_FUNC(evindex, evindex_close)

/* Number of a log by name; made when new (not read-only: GW_ENOTFOUND). */
gw_code evindex_origin(evindex *x, const char *name, uint32_t *ret, gw_err *err) GW_NODISCARD;
/* Name in the arena-less caller's room; GW_ENOTFOUND. */
gw_code evindex_origin_name(evindex *x, uint32_t origin, char ret[256], gw_err *err) GW_NODISCARD;
/* Entries of a log that are indexed: 0 .. *ret - 1. */
gw_code evindex_size(evindex *x, uint32_t origin, uint64_t *ret, gw_err *err) GW_NODISCARD;

/* One transaction around any number of adds, in log order. A failed transaction is rolled back and
 * the cache of heads forgotten. */
gw_code evindex_begin(evindex *x, gw_err *err) GW_NODISCARD;
gw_code evindex_add(evindex *x, const evindex_entry *e, gw_err *err) GW_NODISCARD;
gw_code evindex_commit(evindex *x, gw_err *err) GW_NODISCARD;
void evindex_rollback(evindex *x);

/* Last record of a case: GW_ENOTFOUND none. */
gw_code evindex_head(evindex *x, const gw_id *kase, uint64_t *ret_cseq,
                     uint8_t ret_hash[DIGEST_BYTES], gw_err *err) GW_NODISCARD;
gw_code evindex_positions(evindex *x, evindex_outbox ret[EVINDEX_SHARDS], gw_err *err) GW_NODISCARD;

/* Search: set members restrict, all together. Entries come in log order. */
typedef struct {
    const gw_id *kase;
    gw_str rid, event;
    bool has_from, has_to;
    gw_wall from, to;               /* event time, from <= t < to */
    uint64_t cseq_first, cseq_last; /* 0: no restriction */
    size_t limit;                   /* 0: none */
} evindex_query;

/* place, times, event (borrowed for the call), kase, cseq, origin and index are filled; false ends
 * the search. */
typedef bool (*evindex_visit)(void *ctx, const evindex_entry *e);
gw_code evindex_search(evindex *x, const evindex_query *q, evindex_visit visit, void *ctx,
                       gw_err *err) GW_NODISCARD;

/* Read from one moment's state until the next call: many lookups without a lock each. Read-only
 * indexes. */
void evindex_snapshot(evindex *x);
/* The entry at a position; its event is borrowed until the next call. GW_ENOTFOUND. */
gw_code evindex_at(evindex *x, uint32_t origin, uint64_t index, evindex_entry *ret, gw_err *err)
    GW_NODISCARD;

/* "NN-<ms>-<seq>" */
bool evindex_outbox_parse(gw_str text, int *ret_shard, evindex_outbox *ret);
static inline bool evindex_outbox_behind(const evindex_outbox *a, const evindex_outbox *last)
{
    return !last->any || a->ms > last->ms || (a->ms == last->ms && a->seq > last->seq);
}

#endif
