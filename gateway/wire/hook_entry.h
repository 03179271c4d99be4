/* hook_entry.h - one thing that came from a provider, as the inbox keeps it until it is booked.
 *
 * STORED FORMAT (JSON, UTF-8): {"v":1,"kind":"receipt"|"inbound"|"ask","provider","auth","rx",
 * and where known "own","ref","state","code","at","from","to","text","sha256","raw"}; raw is
 * base64. A reader of version 1 refuses other versions, so that nothing is booked half understood.
 * Kind "ask" is a question to the provider that nobody has answered yet: what became of `own`.
 *
 * Pure; any thread. */
#ifndef WIRE_HOOK_ENTRY_H
#define WIRE_HOOK_ENTRY_H

#include "gateway/base/json.h"
#include "gateway/wire/hook.h"

enum {
    HOOK_TEXT_MAX = 8192, /* bytes of an inbound text that are kept; longer ones are cut at a
                             character, the raw bytes stay whole */
    HOOK_WORD_MAX = 256,  /* bytes of own, ref, code, from, to */
};

typedef enum { ENTRY_RECEIPT, ENTRY_INBOUND, ENTRY_ASK, ENTRY_KIND_COUNT } hook_entry_kind;

typedef struct {
    hook_entry_kind kind;
    gw_str provider;
    wire_auth auth;
    int64_t rx_ms; /* when we got it */
    gw_str own, ref;
    wire_receipt_state state;
    gw_str code;
    int64_t at_ms; /* 0: the provider does not say */
    gw_str from, to, text;
    gw_str sha256; /* hex, of the whole call as it was received */
    gw_str raw;    /* what is kept as evidence */
} hook_entry;

/* Texts that are no UTF-8 get '?' for what is not ASCII; longer words than HOOK_WORD_MAX are cut.
 * GW_ELIMIT past ret's ceiling, GW_ENOMEM. */
gw_code hook_entry_put(const hook_entry *e, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* Strings live in the arena or borrow bytes. GW_ECORRUPT. */
gw_code hook_entry_get(gw_str bytes, gw_arena *arena, hook_entry *ret, gw_err *err) GW_NODISCARD;

/* What this receipt says, so that saying it again is known: provider, references, state, code,
 * moment, authenticity; for an inbound message from, to, text and the provider's id. */
void hook_entry_digest(const hook_entry *e, gw_id *ret);

#endif
