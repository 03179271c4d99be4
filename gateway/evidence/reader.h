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

enum { READER_ID_TEXT = 27, READER_HASH = 32, READER_CONTENTS_MAX = 48 };

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
    uint64_t cseq_first, cseq_last; /* 0: no restriction */
    gw_wall from, to;               /* event time, from <= t < to; 0: not restricted */
    size_t limit;                   /* 0: READER_LIMIT */
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

/* Logs are numbered 1 .. reader_origins, in the order they were begun. Name ("base/2013"), or NULL.
 * Number of a name, 0 none. */
uint32_t reader_origins(reader *r);
const char *reader_origin(reader *r, uint32_t origin);
uint32_t reader_origin_number(reader *r, gw_str name);
/* Its latest checkpoint note and the size in it. GW_ENOTFOUND: never signed. */
gw_code reader_checkpoint(reader *r, uint32_t origin, gw_buf *ret_note, uint64_t *ret_size,
                          gw_err *err) GW_NODISCARD;
/* The text form of the key that signs it, with a newline. */
gw_code reader_vkey(reader *r, uint32_t origin, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* A C2SP tlog-proof@v1 of entry e. All proofs of a log are under the checkpoint that was the latest
 * when the first was made, until reader_refresh. GW_EBUSY: not signed yet. */
gw_code reader_proof(reader *r, const reader_entry *e, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* Forget the checkpoints: the next proof is under the latest of then. */
void reader_refresh(reader *r);

/* Private values of a leaf with their salts: one JSON array of disclosures
 * [salt, name, value], empty array when there are none. GW_ENOTFOUND: the key was destroyed;
 * GW_EREFUSED: opened without the tenant key; GW_ECORRUPT. */
gw_code reader_disclosures(reader *r, gw_str leaf, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* The encrypted contents a leaf names. */
typedef struct {
    char id[READER_ID_TEXT], role[40], media[104];
    uint64_t size;
} reader_content;
gw_code reader_contents(reader *r, gw_str leaf, reader_content ret[READER_CONTENTS_MAX],
                        size_t *ret_n, gw_err *err) GW_NODISCARD;
/* Decrypt content n of them; ret_disclosure (may be NULL) gets the [salt, role, hex sha256 of the
 * plaintext] array that opens its commitment. Errors as above. */
gw_code reader_blob(reader *r, gw_str leaf, size_t n, gw_buf *ret, gw_buf *ret_disclosure,
                    gw_err *err) GW_NODISCARD;

/* Who a case pseudonym is: source, debtor and case name, in the arena. GW_ENOTFOUND once erased. */
gw_code reader_who(reader *r, gw_str case_pseudonym, gw_arena *arena, gw_str *ret_source,
                   gw_str *ret_debtor, gw_str *ret_case, gw_err *err) GW_NODISCARD;

/* Names of all billing systems in the vault, in the arena. */
gw_code reader_sources(reader *r, gw_arena *arena, gw_str **ret, size_t *ret_n, gw_err *err)
    GW_NODISCARD;

/* Head of a case as the index knows it now. */
gw_code reader_case_head(reader *r, gw_str case_pseudonym, uint64_t *ret_cseq,
                         uint8_t ret_hash[READER_HASH], gw_err *err) GW_NODISCARD;

#endif
