/* record.h - the leaf: one small RFC 8785 JSON object without personal data.
 *
 * Schema version 1 (`v`). Integers and strings only; absent members are left out, never null.
 *   blob   [{"cmt","id","key","media","off","role","seg","sha256","size"}] encrypted contents
 *   case   pseudonym of the evidence thread; cseq its gapless counter from 1; cprev hex of the leaf
 *          hash (RFC 6962) of the case's previous leaf, absent in the first
 *   clk    where the logging time came from: {"src":"system"|"manual","step",...}
 *   cmt    {name: commitment} one per private value
 *   ev     event name; lvl 0 intent .. 4 authenticated acknowledgement; why reason code
 *   fact   public facts, flat
 *   id     unique id; iss who wrote it {"build","cfg","node","rules"}
 *   msg    {"attempt","rid"}
 *   obx    outbox position it came from, "NN-<ms>-<seq>"
 *   ref    positions of the entries this answers
 *   snd, rcp   pseudonyms of source and debtor
 *   t, tb  event time and logging time, RFC 3339 UTC ms
 * A new meaning gets a new member; a changed one a new `v`.
 *
 * Commitment (RFC 9901 §4.2 form): disclosure = base64url(UTF-8 of the JSON array [salt, name,
 * value]); commitment = base64url(SHA-256(disclosure)). Thread: any; pure. */
#ifndef EVIDENCE_RECORD_H
#define EVIDENCE_RECORD_H

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/base/json.h"
#include "gateway/evidence/digest.h"

enum {
    RECORD_VERSION = 1,
    RECORD_SALT = 16,
    RECORD_EVENT_MAX = 64,
    RECORD_NAME_MAX = 64,
    RECORD_TEXT_MAX = 128, /* why, rid, obx */
};

typedef struct {
    gw_id id;
    gw_str event;
    gw_wall t, tb;
    gw_str clk, iss; /* canonical JSON objects */
    gw_id kase;
    uint64_t cseq;
    const uint8_t *cprev; /* 32 bytes, NULL in the first */
    const gw_id *snd, *rcp;
    gw_str rid;
    int attempt;
    gw_str cmt, blob, fact; /* canonical JSON, or empty */
    gw_str why, obx;
    int level;
} record_fields;

/* Append the leaf. GW_ELIMIT when it would exceed 65,535 bytes. */
gw_code record_put(gw_buf *b, const record_fields *f, gw_err *err) GW_NODISCARD;

/* What readers need of a leaf; strings point into the leaf or the arena. */
typedef struct {
    gw_str id, event, kase, snd, rcp, rid, why, obx;
    gw_wall t, tb;
    uint64_t cseq;
    bool has_cprev;
    uint8_t cprev[DIGEST_BYTES];
    int64_t attempt, level, clock_step;
    uint32_t cmt, blob, fact; /* nodes of doc, 0 absent */
    json_doc doc;
} record_view;

/* GW_ECORRUPT: not a leaf of version 1; the text says what is missing. */
gw_code record_parse(gw_str leaf, gw_arena *arena, record_view *ret, gw_err *err) GW_NODISCARD;

/* Canonical form of draft parts. facts: flat object of strings and integers with names of
 * [A-Za-z0-9_.-]. GW_EINVAL, GW_ELIMIT. */
gw_code record_facts(gw_str in, size_t max, gw_arena *arena, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* A value's JSON text as it stands in the document, a string with its quotes. */
static inline gw_str record_text(const json_doc *d, uint32_t node)
{
    gw_str raw = json_raw(d, node);
    return json_kind_of(d, node) == JSON_STRING ? (gw_str){raw.p - 1, raw.n + 2} : raw;
}

/* JSON array [salt, name, value]; value is canonical JSON. */
gw_code record_disclosure_put(gw_buf *b, const uint8_t salt[RECORD_SALT], gw_str name,
                              gw_str value);
/* Commitment to the exact bytes of a disclosure array. GW_ENOMEM. */
gw_code record_commitment(gw_str disclosure, char ret[DIGEST_B64URL]) GW_NODISCARD;

#endif
