/* verify.h - check an exported evidence bundle with nothing but the file and a key.
 *
 * The steps, per record: leaf hash -> inclusion in the tree -> checkpoint signature -> the case's
 * chain is gapless and each record names the one before -> commitments open to the disclosed values
 * -> contents have the committed hash -> logging times do not run backwards. Then for the bundle:
 * manifest (every byte of every member), its signature, and the heads: the log's own x-Export
 * record says how long each case was, so a case that was shortened or left out shows.
 *
 * The bundle is hostile input: members are stored (zipfile.h), each has a size limit, structure and
 * order are fixed, nothing is written anywhere. Thread: one owner at a time. */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "gateway/evidence/note.h"

typedef enum {
    VERIFY_VALID,
    VERIFY_REDACTED, /* valid, but not everything it commits to is disclosed */
    VERIFY_ERASED,   /* valid, and the key to its private values was destroyed */
    VERIFY_INVALID,
    VERIFY_VERDICTS
} verify_verdict;

const char *verify_verdict_name(verify_verdict v); /* "valid", "valid-redacted", ... */

typedef struct {
    const char *kase; /* pseudonym */
    uint64_t cseq;
    gw_str event, t; /* as in the record; empty when it could not be read */
    verify_verdict verdict;
    const char *why; /* of an invalid one */
} verify_record;

typedef void (*verify_on_record)(void *ctx, const verify_record *r);
/* Something to know about the whole bundle: fatal ones make it invalid. */
typedef void (*verify_on_note)(void *ctx, bool fatal, const char *text);

typedef struct {
    const char *bundle;
    const note_key *keys; /* keys the reader trusts; n 0: those in the bundle itself */
    size_t n;
    verify_on_record on_record; /* may be NULL */
    verify_on_note on_note;     /* may be NULL */
    void *ctx;
} verify_order;

typedef struct {
    bool valid;
    uint64_t cases, records, contents;
    uint64_t by_verdict[VERIFY_VERDICTS];
    uint64_t tree_size; /* of the newest checkpoint seen */
    char origin[NOTE_NAME_MAX + 1];
    bool signed_manifest;
    bool complete; /* every case reaches its first record and the head the log names */
} verify_result;

/* GW_OK: it was looked at, ret->valid tells. GW_ENOTFOUND, GW_EINVAL not a bundle, GW_ECORRUPT its
 * structure was altered, GW_EIO, GW_ENOMEM. */
gw_code verify_bundle(const verify_order *o, verify_result *ret, gw_err *err) GW_NODISCARD;

/* Keys from text: one vkey a line, empty lines and '#' comments skipped. */
gw_code verify_keys(gw_str text, note_key *ret, size_t cap, size_t *ret_n, gw_err *err)
    GW_NODISCARD;

enum { VERIFY_KEYS_MAX = 64 };

#endif
