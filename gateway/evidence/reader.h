/* reader.h - reading the evidence beside a running gateway: search, leaves, proofs, contents.
 *
 * Opens index and vault read-only (both are SQLite in WAL mode, which lets one writer and many
 * readers live together) and the log segments by position. What it answers is a view as of the last
 * append the index has seen; proofs are made for the last published checkpoint.
 * Needs the tenant key only for private values and contents.
 *
 * Thread: one owner at a time. */
#ifndef EVIDENCE_READER_H
#define EVIDENCE_READER_H

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"

enum { READER_ID_TEXT = 27, READER_HASH = 32 };

typedef struct {
    const char *dir;
    const char *tenant_key; /* file, or NULL: no private values and no contents */
} reader_config;

typedef struct reader reader;

/* GW_ENOTFOUND no evidence here; GW_ECORRUPT it does not verify; GW_EIO. */
gw_code reader_open(const reader_config *cfg, reader **ret, gw_err *err) GW_NODISCARD;
void reader_close(reader *r);
GW_CLEANUP_FUNC(reader, reader_close)

/* What to look for; empty members do not restrict. Everything given must hold. */
typedef struct {
    gw_str source, debtor; /* source alone: every debtor of that source */
    gw_str case_id; /* the billing system's name of the case (item id); needs debtor or not */
    gw_str case_pseudonym; /* 26 characters, as in a leaf */
    gw_str rid;            /* reminder */
    gw_str event;
    gw_wall from, to; /* event time, from <= t < to; to.ms 0: no end */
    size_t limit;     /* 0: READER_LIMIT */
} reader_query;

enum { READER_LIMIT = 1000000 };

/* One entry, from the index; leaf text through reader_leaf. */
typedef struct {
    uint32_t origin; /* number of the log, see reader_origin */
    uint64_t index;  /* position in that log */
    uint64_t cseq;
    gw_wall t, tb;
    char kase[READER_ID_TEXT];
    const char *event; /* borrowed from the reader */
    uint32_t segment;  /* where the bytes are: wal segment number and ... */
    uint64_t offset;   /* ... byte offset of the frame */
} reader_entry;

typedef bool (*reader_visit)(void *ctx, const reader_entry *e); /* false: stop */

/* Visit matching entries in log order. GW_ENOTFOUND: debtor, case or reminder never seen (the text
 * says which). */
gw_code reader_search(reader *r, const reader_query *q, reader_visit visit, void *ctx, gw_err *err)
    GW_NODISCARD;

/* The exact leaf bytes, checked against their CRC, appended to ret. */
gw_code reader_leaf(reader *r, const reader_entry *e, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* Entry of a log position. GW_ENOTFOUND. */
gw_code reader_at(reader *r, uint32_t origin, uint64_t index, reader_entry *ret, gw_err *err)
    GW_NODISCARD;

/* Name of a log ("base/2013") and its latest checkpoint note (empty when never signed). */
const char *reader_origin(reader *r, uint32_t origin);
uint32_t reader_origin_last(reader *r);
gw_code reader_checkpoint(reader *r, uint32_t origin, gw_buf *ret_note, uint64_t *ret_size,
                          gw_err *err) GW_NODISCARD;

/* A C2SP tlog-proof@v1 of entry e under the latest checkpoint of its log. GW_EBUSY: not signed yet.
 */
gw_code reader_proof(reader *r, const reader_entry *e, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* Private values of a leaf with their salts: one JSON array of disclosures
 * [salt, name, value], empty array when there are none. GW_ENOTFOUND: the key was destroyed;
 * GW_EREFUSED: opened without the tenant key. */
gw_code reader_disclosures(reader *r, gw_str leaf, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* Decrypt the content a blob reference names; ret_disclosure (may be NULL) gets the
 * [salt, role, sha256 of the plaintext] array that opens its commitment. Errors as above. */
gw_code reader_blob(reader *r, gw_str ref, gw_buf *ret, gw_buf *ret_disclosure, gw_err *err)
    GW_NODISCARD;

/* Who a case pseudonym is: source, debtor and case name, in the arena. GW_ENOTFOUND once erased. */
gw_code reader_who(reader *r, gw_str case_pseudonym, gw_arena *arena, gw_str *ret_source,
                   gw_str *ret_debtor, gw_str *ret_case, gw_err *err) GW_NODISCARD;

/* Head of a case: its highest cseq below the latest checkpoint... of the index. */
gw_code reader_case_head(reader *r, gw_str case_pseudonym, uint64_t *ret_cseq,
                         uint8_t ret_hash[READER_HASH], gw_err *err) GW_NODISCARD;

#endif
