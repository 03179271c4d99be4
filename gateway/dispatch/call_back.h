/* call_back.h - "call me later", said by key in an automated call: when it is called again, and how
 * often.
 *
 * The same reminder is planned again. Its window opens no earlier than the worker's wish
 * (voice.call_back_ms) and never within the hour; behind that, policy says what is allowed, with
 * this call counted and its talk begun, and timing chooses the moment, as for any reminder that
 * policy moves. The ceiling of retries does not apply: the debtor asked, nothing failed.
 *
 * After CALL_BACK_TRIES tries of the reminder, whatever became of each, the wish is not followed
 * any more: a call whose details were begun counts as delivered, another is parked for a person.
 *
 * Thread: the dispatch thread. */
#ifndef GATEWAY_DISPATCH_CALL_BACK_H
#define GATEWAY_DISPATCH_CALL_BACK_H

#include "gateway/dispatch/core.h"

enum { CALL_BACK_LEAST_MS = 3600000, CALL_BACK_TRIES = 3 };

bool call_back_asked(const wire_outcome *out);
/* failed: tries that ended "later" before this one. */
static inline bool call_back_is_spent(int failed)
{
    return failed + 1 >= CALL_BACK_TRIES;
}
/* The first moment it may be called again. */
int64_t call_back_from(const wire_outcome *out, gw_wall now);
/* The moment it is planned for: from, or later where policy and timing say so. GW_EBUSY,
 * GW_ETIMEOUT the store; GW_ENOMEM; others: the debtor cannot be read. */
gw_code call_back_due(dispatch *d, const view_reminder *r, const gw_id *did, int64_t from_ms,
                      int64_t *ret_due_ms, gw_err *err) GW_NODISCARD;

#endif
