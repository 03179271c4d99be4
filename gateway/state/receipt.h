/* receipt.h - booking what became of a reminder after it left: its field y, and the evidence of it,
 * in one atomic step.
 *
 * Field y is a machine of its own (gateway/dispatch/delivery.h) beside the reminder's life: booking
 * it does not move the reminder's version, so that a receipt that comes while an attempt is in
 * flight disturbs nothing. It is guarded by its own content instead: the step happens only if y
 * still is what it was computed from. */
#ifndef DUNLIN_STATE_RECEIPT_H
#define DUNLIN_STATE_RECEIPT_H

#include "gateway/state/state.h"

typedef struct {
    uint8_t shard;
    gw_id rid;
    gw_str before, after;       /* y as it was read (n 0: none), y from now on */
    const state_record *record; /* NULL: none */
} state_booking;

/* STATE_OK or STATE_STALE (y moved, or there is no such reminder) each; STATE_UNKNOWN when the call
 * failed before that answer. */
gw_code state_book_receipts(state *s, const state_booking *list, size_t n, state_verdict *ret,
                            gw_err *err) GW_NODISCARD;

#endif
