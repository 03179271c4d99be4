/* fsck.h - walk the whole evidence store and name the place of whatever does not verify.
 *
 * Reads only; may run beside the gateway (an unfinished group at the end of the log is then no
 * fault). Checked: every frame and the chain of segments; every leaf's form and its case's chain;
 * the recomputed tree against all tiles and entry bundles, the checkpoint, its signature and
 * state/head; the links between the logs of successive years; every content a leaf names and every
 * blob segment; the vault's keys (with the tenant key); the index. Nothing is repaired.
 * Thread: one owner at a time. */
#ifndef EVIDENCE_FSCK_H
#define EVIDENCE_FSCK_H

#include "gateway/base/buf.h"

typedef struct {
    const char *dir;
    const char *tenant_key; /* NULL: the vault's keys are not tried */
    const char *state_dir;  /* NULL: DIR/state */
    bool quick;             /* leave out the contents */
    /* text names file, byte or entry, and what is wrong; never personal data */
    void (*on_fault)(void *ctx, const char *text);
    void *ctx;
} fsck_order;

typedef struct {
    uint64_t logs, entries, cases, contents, blob_segments, vault_keys, faults;
    uint64_t torn_bytes; /* unfinished blobs at segment ends: left by a crash, not a fault */
} fsck_result;

/* GW_OK: it was walked, ret->faults tells. GW_ENOTFOUND no evidence here; GW_ENOMEM, GW_EIO. */
gw_code fsck_run(const fsck_order *o, fsck_result *ret, gw_err *err) GW_NODISCARD;

#endif
