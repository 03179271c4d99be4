/* call_result.h - how an automated call went (wire_call): what of it is recorded, counted, and what
 * the key that was pressed triggers.
 *
 *   pressed promise       a promise of the ledger for the day the key stood for: pauses the ladder
 *   pressed dispute       a dispute of the item, or of the account where the call was about no one
 *   pressed stop          consent withdrawn for the channel voice, for every debtor with the number
 *   pressed later         the reminder is planned again (call_back.h)
 *   right party no        the number is suppressed as unverified, for calls and for SMS
 *   right party yes       a conversation: the cool-down of policy begins
 *
 * All of it is committed with the outcome, as events of intake's ledger (as the call desk does for
 * people). Its ids are made from reminder and attempt, so that an outcome said twice has one
 * effect.
 *
 * Pure but for call_result_join; any thread. */
#ifndef GATEWAY_DISPATCH_CALL_RESULT_H
#define GATEWAY_DISPATCH_CALL_RESULT_H

#include "gateway/dispatch/decide.h"
#include "gateway/intake/tell.h"
#include "gateway/wire/worker.h"

/* Did anybody's phone ring, or may it have? Such a call stays counted whatever its outcome. */
bool call_result_placed(const wire_call *c);
/* A person answered, as far as can be told: everything but a machine. */
bool call_result_answered(const wire_call *c);
/* A conversation with the debtor about the matter. */
bool call_result_effective(const wire_call *c);
/* What the timing model hears: 'a' the debtor answered, 'n' nobody or only to say stop, 0 no call,
 * or somebody else's phone. */
char call_result_heard(const wire_call *c);
/* Does it change the debtor? Then call_result_join is needed. */
bool call_result_changes(const wire_call *c);

/* Append the public facts of the record: ,"amd":"human", ... Nothing when it was no call. */
void call_result_facts(const wire_call *c, gw_buf *fact);

typedef struct {
    const wire_outcome *out;
    const view_reminder *r;
    const decision *decided; /* whose facts say whom and what it was about */
    state_debtor *debtor;    /* as read; the folds change it */
    gw_wall now;
    const teller *teller; /* tells the other debtors with that number; NULL: only this one */
} call_result;

/* Put what the call triggers beside the reminder's move in txn, which is applied next: whoever else
 * has the number knows then of a stop (store, thread and errors of intake/bind.h). What the ledger
 * rejects (a date it does not take, an item that is gone) is left out and counted in *ret_rejected;
 * the key itself is among the record's facts. GW_ENOMEM, GW_ECORRUPT. */
gw_code call_result_join(const call_result *c, gw_arena *arena, state_txn *txn, int *ret_rejected,
                         gw_err *err) GW_NODISCARD;

#endif
