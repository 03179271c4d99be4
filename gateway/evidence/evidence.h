/* evidence.h - the tamper-evident record of everything Dunlin decided, sent and was told.
 *
 * Each draft becomes one leaf: RFC 8785 JSON without personal data (record.h has the fields),
 * hashed into an RFC 6962 tree whose head is signed as a C2SP checkpoint. Private values become
 * salted commitments (RFC 9901 form); the values themselves, the submitted body and the message
 * bytes lie encrypted beside the log under a key of their (source, debtor, case).
 *
 *   DIR/lock                       flock of the one writer
 *   DIR/log/<origin>/wal/NNNNNN.seg   the durable truth (wal.h)
 *   DIR/log/<origin>/{checkpoint,tile/,keys/}   C2SP tlog-tiles, derived (tiles.h)
 *   DIR/blob/<origin>/seg-NNNNNN.bin  XChaCha20-Poly1305 contents (blob.h)
 *   DIR/vault/vault.db             pseudonyms and wrapped content keys (vault.h); back it up apart
 *   DIR/index/index.db             search index, rebuilt from the log when missing (index.h)
 *   DIR/state/head                 last signed size and root; never signed backwards
 *   DIR/requests/                  reads and exports of other processes, waiting to be recorded
 *
 * The origin is "<base>/<year>": a log per year. When the logging time `tb` reaches a later year
 * the log is closed with x-Rotate and a final checkpoint, and the new one starts with x-Start that
 * carries the old log's final size and root. A clock set back never reopens an older log.
 *
 * A failed fsync ends the log: the page cache is in an unknown state, so every later call answers
 * GW_EIO and the process should exit; the next open recovers. A full disk (GW_ENOSPC) changes
 * nothing and may be retried.
 *
 * Thread: every function may be called from any thread; appends, ticks and checkpoints exclude one
 * another, blob_put and blob_sync run beside them. No hidden thread: somebody calls evidence_tick.
 */
#ifndef EVIDENCE_EVIDENCE_H
#define EVIDENCE_EVIDENCE_H

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

enum {
    EVIDENCE_SHARDS = 64,
    EVIDENCE_CHECKPOINT_MS = 1000,        /* news is signed at most this much later */
    EVIDENCE_BLOB_MAX = 64 * 1024 * 1024, /* bytes of one content */
    EVIDENCE_PRIV_NAMES_MAX = 64,         /* private values of one draft */
    EVIDENCE_FACT_MAX = 24 * 1024,        /* bytes of canonical facts in a leaf */
};

typedef struct {
    const char *dir;         /* the evidence folder, created if missing (0700) */
    const char *origin_base; /* "example.test/dunlin": [A-Za-z0-9._-] parts joined by '/' */
    const char *log_key;     /* file: hex Ed25519 seed */
    const char *tenant_key;  /* file: hex 32 bytes; wraps the content keys */
    const char *state_dir;   /* NULL: DIR/state; better another device */
    const char *node;        /* name of this installation, and ... */
    const char *build;       /* ... what it runs: these four go into every leaf's `iss`, at */
    const char *config_hash; /* most 128 bytes each; NULL leaves one out */
    const char *rules_hash;  /* of the rules in force at the start (evidence_set_rules) */
    size_t segment_bytes;    /* 0: 64 MiB; a WAL or blob segment past it is followed by a new one */
} evidence_config;

typedef struct evidence evidence;

/* One thing that happened. All text UTF-8, borrowed for the call. */
typedef struct {
    gw_str outbox_pos; /* "NN-<ms>-<seq>" of the shard's outbox; empty: not from an outbox */
    const char *event; /* gateway/wire/event.h */
    gw_wall t;         /* when it happened */
    gw_str source, debtor, case_id;
    gw_str rid;   /* reminder, or empty */
    int attempt;  /* 0: none */
    gw_str why;   /* reason code, or empty */
    int level;    /* 0 intent .. 4 authenticated acknowledgement */
    gw_str fact;  /* public facts: flat JSON object of strings and integers, or empty */
    gw_str priv;  /* private: JSON object name -> value, or empty */
    gw_str body;  /* private: the submitted body, or empty (blob role "submission") */
    gw_str blobs; /* JSON array of references made by evidence_blob_put, or empty */
} evidence_draft;

/* Open for writing; creates what is missing. Recovers the tail of the last segment (what a crash
 * left half written is cut and reported in an x-Recovery record), checks the tree against the last
 * signed head, brings the index up to date and records x-Start.
 * GW_EBUSY another process writes here; GW_ECORRUPT the stored data does not verify (nothing is
 * repaired: run `dunlin evidence fsck`); GW_EINVAL bad configuration or key file; GW_EIO.
 * The clock is borrowed until close. */
gw_code evidence_open(const evidence_config *cfg, const gw_clock *clock, evidence **ret,
                      gw_err *err) GW_NODISCARD;

/* Sign a last checkpoint and release everything. Accepts NULL. */
void evidence_close(evidence *ev);
GW_CLEANUP_FUNC(evidence, evidence_close)

/* Log n drafts in order; all are durable when it returns GW_OK (one fsync of the log per group of
 * up to 1024). Drafts whose outbox_pos is not behind the last logged one of their shard are
 * skipped, so a repeated append adds nothing; per shard, drafts come in stream order.
 * A draft whose fact, priv or blobs cannot be read is logged all the same: fact.malformed names the
 * part and the raw text is kept as an encrypted blob of role "malformed".
 * GW_EINVAL outbox_pos is malformed (nothing logged); GW_ENOSPC, GW_ENOMEM nothing of the current
 * group was logged; GW_EIO for ever after a failed sync. */
gw_code evidence_append(evidence *ev, const evidence_draft *drafts, size_t n, gw_err *err)
    GW_NODISCARD;

/* The rules that are in force from now on: the `iss` of what is written next. Thread: any. */
void evidence_set_rules(evidence *ev, const char *rules_hash);

/* Last logged stream id ("<ms>-<seq>") per shard, empty where none; borrowed until the next append.
 * Thread: the one that appends. */
gw_code evidence_positions(evidence *ev, gw_str ret_last[EVIDENCE_SHARDS]);

/* Encrypt bytes and store them; appends one JSON object to ret_ref:
 * {"cmt","id","key","media","off","role","seg","sha256","size"}. Not durable until
 * evidence_blob_sync. role: [a-z0-9-], at most 32 bytes; media: a media type, at most 96.
 * GW_ELIMIT larger than EVIDENCE_BLOB_MAX. */
gw_code evidence_blob_put(evidence *ev, gw_str source, gw_str debtor, gw_str case_id,
                          const char *role, const char *media, gw_str bytes, gw_buf *ret_ref,
                          gw_err *err) GW_NODISCARD;
/* Everything put so far is durable when it returns GW_OK. */
gw_code evidence_blob_sync(evidence *ev, gw_err *err) GW_NODISCARD;

/* Sign and publish the head now, if there is news. */
gw_code evidence_checkpoint(evidence *ev, gw_err *err) GW_NODISCARD;

/* To be called a few times a second by the recorder: signs when news is EVIDENCE_CHECKPOINT_MS old
 * and records the requests other processes left. Cheap when there is nothing to do. */
gw_code evidence_tick(evidence *ev, gw_mono now, gw_err *err) GW_NODISCARD;

/* "base/year" of the log written now and the number of entries in it. */
void evidence_size(evidence *ev, char ret_origin[256], uint64_t *ret_size);

#endif
