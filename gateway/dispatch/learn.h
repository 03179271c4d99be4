/* learn.h - what the timing model learns from a debtor, and where it is kept.
 *
 * A contact closes LEARN_HORIZON_MS after the message left: until then no answer is not yet no.
 * When its debtor is woken, every ladder step whose horizon has ended goes into the debtor's
 * history once, oldest first.
 *
 * STORED in the debtor's hash: th = history (timing/history.h, bytes), tw = moment (ms) of the
 * newest contact that is in it, tg = segment as a digit. All three are set in one transition that
 * checks the debtor's version, so a contact is learned once whatever is repeated. An erased debtor
 * loses them with the hash.
 *
 * Pure; any thread. */
#ifndef GATEWAY_DISPATCH_LEARN_H
#define GATEWAY_DISPATCH_LEARN_H

#include "gateway/dispatch/load.h"
#include "gateway/timing/history.h"

#define LEARN_HORIZON_MS (7 * GW_MS_PER_DAY)

enum { LEARN_FIELDS = 3 };

/* The debtor's history; empty when there is none or it is damaged. */
void learn_history(const view_debtor *d, history *ret);

/* What closes by now. ret_sets (room for LEARN_FIELDS) in the arena; *ret_n 0: nothing new.
 * *ret_next: when the next contact closes, INT64_MAX none. GW_ENOMEM. */
gw_code learn_closed(const view_debtor *d, const zone *z, const loaded *known, size_t known_n,
                     gw_wall now, gw_arena *arena, state_field *ret_sets, size_t *ret_n,
                     int64_t *ret_next);

#endif
