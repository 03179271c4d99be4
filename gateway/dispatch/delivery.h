/* delivery.h - what became of a reminder after it left, as a table: what is known and what a
 * receipt says in, what is known from now on and what to do out.
 *
 * This is the second machine of a reminder. The first (life.h) ends where the carrier took the
 * message; this one begins there, and its states are receipts' (gateway/wire/receipt.h). A final
 * state is never left: a late, repeated, reordered or replayed receipt changes nothing, and one
 * that contradicts it is noted (contradicted), so that nobody builds on what the provider itself
 * takes back. A receipt that cannot be believed (unsigned) changes nothing either: it is kept as
 * the claim that a pull has to confirm.
 *
 * Attempts: the state is that of the newest attempt that has one; but what was delivered stays so,
 * and a delivery reported for an older attempt counts (the person has it).
 *
 * STORED FORMAT, field y of a reminder: {"v":1,"state","auth","attempt","at","rx","provider","ref",
 * "code","contradicted":true,"claimed","n","seen":["<26>",...]}; absent members are empty.
 *
 * Pure; any thread. */
#ifndef GATEWAY_DISPATCH_DELIVERY_H
#define GATEWAY_DISPATCH_DELIVERY_H

#include "gateway/base/json.h"
#include "gateway/dispatch/life.h"
#include "gateway/wire/hook_entry.h"

enum {
    DELIVERY_SEEN_MAX = 32, /* digests kept; an older receipt replayed is recorded once more, and
                               again changes nothing */
    DELIVERY_TEXT_MAX = 16 * 1024,
};

typedef struct {
    wire_receipt_state state; /* WIRE_RECEIPT_NONE: nothing believable yet */
    wire_auth auth;           /* of the receipt that made it so */
    int attempt;
    int64_t at_ms, rx_ms; /* as the provider says (0: it does not), and when we got it */
    gw_str provider, ref, code;
    bool contradicted;
    wire_receipt_state claimed; /* what unsigned receipts say beyond that; NONE: nothing */
    int64_t n;                  /* receipts that were new */
    gw_id seen[DELIVERY_SEEN_MAX];
    size_t seen_n;
} delivery;

/* y of n 0: nothing known. GW_ECORRUPT, GW_ENOMEM. */
gw_code delivery_read(gw_str y, gw_arena *arena, delivery *ret, gw_err *err) GW_NODISCARD;
gw_code delivery_write(const delivery *d, gw_buf *ret, gw_err *err) GW_NODISCARD;

typedef enum {
    DELIVERY_REPEAT,  /* had already: nothing to write */
    DELIVERY_MOVE,    /* the state is new */
    DELIVERY_SAME,    /* says again what is known */
    DELIVERY_LATE,    /* says less than what is known, or is about an older attempt */
    DELIVERY_CLASH,   /* contradicts a final state */
    DELIVERY_CLAIM,   /* unsigned and new: a pull has to confirm it */
    DELIVERY_NOTHING, /* says nothing we know */
    DELIVERY_EFFECT_COUNT
} delivery_effect;

/* "repeat", "move", ...: the record's why. */
const char *delivery_effect_name(delivery_effect e);

/* Fold one receipt about `attempt` into *d; strings of the entry are borrowed by *d. */
delivery_effect delivery_fold(delivery *d, const hook_entry *e, int attempt);

/* What a believable state means for the reminder's life in state `in`, whose newest attempt is
 * `attempts`; LIFE_EVENT_COUNT: nothing. *ret_wait: an outcome is still to come, look again then.
 */
life_event delivery_life_event(const delivery *d, life_state in, int attempts, bool *ret_wait);

#endif
