/* reply.h - somebody who was contacted wrote back.
 *
 * The sender's address leads to debtors by its mark (gateway/state/mark.h); one address may be that
 * of several, of several billing systems, and what is said counts for all of them. The words are
 * read by policy's classifier (gateway/policy/optout.h):
 *
 *     stop     the consent is withdrawn through the ledger, with the scope of the words, and the
 *              ledger is asked for the one confirmation that goes with it
 *     review   the debtor is held (hold kind "review") until a person has read it
 *     others   kept for people
 *
 * Every reply is kept: bytes encrypted in the evidence, bound to the case of the last message that
 * went to that debtor on that channel; and as field z:<26 characters> of the debtor,
 *     {"at":ms,"channel","class","why","case","text","open":true|absent}
 * so that people see it (query debtor, replies). Open ones wait for a person and are listed by a
 * mark of kind 'q' until `reply` closes them. What a number that no debtor has wrote is kept the
 * same way, in a hash of its own (debtor id of source "" and the number as debtor), with member
 * "from", so that a person finds out who it was. One person works on a reply at a time: who takes
 * it has it for REPLY_TAKE_MS ("taken_by", "taken_until"). Everything here may happen twice and
 * counts once.
 *
 * Private to gateway/dispatch. Thread: that of the store. */
#ifndef GATEWAY_DISPATCH_REPLY_H
#define GATEWAY_DISPATCH_REPLY_H

#include "gateway/base/json.h"
#include "gateway/state/state.h"

#define REPLY_FIELD "z:"
#define REPLY_HOLD  "review"

enum {
    REPLY_KEPT_MAX = 200,      /* replies shown of one debtor; the evidence has them all */
    REPLY_CASE_LOOK_MAX = 400, /* reminders looked through for the case */
    REPLY_TAKE_MS = 30 * 60 * 1000,
};

#endif
