/* check.h - state of one verification. Internal to gateway/verify: verify.c (the bundle as a
 * whole), record.c (one record), heads.c (manifest, export record and heads). */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H

#include "gateway/evidence/bundle.h"
#include "gateway/evidence/record.h"
#include "gateway/evidence/tlogproof.h"
#include "gateway/evidence/zipfile.h"
#include "gateway/verify/verify.h"

enum {
    CHECK_NOTES = 8, /* checkpoints whose signature was checked already */
    CHECK_LEAF_MAX = 65535,
    CHECK_VKEY_MAX = 4096,
};

/* A case in the bundle, kept until the heads are known. */
typedef struct {
    char kase[GW_ID_TEXT];
    uint64_t first, last;
    merkle_hash last_hash;
} check_case;

typedef struct {
    const verify_order *o;
    zipfile *zip;
    note_key keys[VERIFY_KEYS_MAX];
    size_t key_n;
    bool keys_from_bundle;
    verify_result r;
    gw_arena *arena;   /* of the record in work */
    gw_arena *arena_2; /* of its disclosures */
    gw_buf leaf, proof, part;
    struct {
        uint8_t hash[DIGEST_BYTES]; /* of the note's bytes */
        bool used;
        uint64_t size;
        merkle_hash root;
        char origin[NOTE_NAME_MAX + 1];
    } notes[CHECK_NOTES];
    unsigned note_turn;
    check_case *cases;
    size_t case_n, case_cap;
    gw_wall last_tb;
    int64_t last_step;
    char why[300];
    gw_err *err;
} check;

/* A note about the whole bundle. */
void check_say(check *c, bool fatal, const char *fmt, ...) GW_PRINTF(3, 4);
/* Read a member into b (cleared first). NULL member or a fault: false, c->why says what. */
bool check_read(check *c, const char *name, gw_buf *b);
/* Inclusion proof and checkpoint of a leaf; *ret_index is its place. */
bool check_proof(check *c, const char *name, const merkle_hash *leaf, uint64_t *ret_index,
                 uint64_t *ret_size, const char **ret_origin);

/* record.c: the record member m = records/<case>/<cseq>.json. False: out of memory or unreadable
 * file (c->err); an invalid record is reported and counted. */
gw_code check_record(check *c, const zipfile_member *m);

/* heads.c */
gw_code check_manifest(check *c);
gw_code check_heads(check *c);

#endif
