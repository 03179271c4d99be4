/* histories.h - the timing histories of all debtors, for the nightly fit.
 *
 * Reads only, in pieces, while the gateway works: a debtor that changes meanwhile is given as it
 * was or as it became; every debtor that is there all the time is given at least once (SCAN). */
#ifndef DUNLIN_STATE_HISTORIES_H
#define DUNLIN_STATE_HISTORIES_H

#include "gateway/state/state.h"

typedef struct {
    gw_str key;     /* of the debtor in the store: equal for the same debtor, never shown */
    gw_str history; /* field th, n 0 when it has none */
    gw_str segment; /* field tg */
    gw_str source;  /* billing system */
} state_history;

/* One piece. cursor: "0" first; afterwards where to go on, "0" again when all is read. Results live
 * in the arena. */
gw_code state_histories(state *s, char cursor[24], gw_arena *arena, state_history **ret,
                        size_t *ret_n, gw_err *err) GW_NODISCARD;

#endif
