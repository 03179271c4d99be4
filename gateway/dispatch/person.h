/* person.h - one person over all sources: counters of scope person in a place of their own.
 *
 * Billing systems that know a person by a common id say so in the debtor's member "person". The
 * counters of that person lie in a hash of their own, in the shard of the person, not the debtor's;
 * so they cannot be part of a debtor's transition. A claim first reserves them there, in one atomic
 * step against their caps, and only then claims. What goes wrong in between is settled so that the
 * person has had a contact too many in the books rather than one too many in life: a claim that was
 * certainly not made, and a contact that certainly was not, give the reservation back; whatever is
 * not certain (a crash, a store that did not answer) leaves it. Days pass, and so does the entry.
 *
 * Thread: as the store. */
#ifndef GATEWAY_DISPATCH_PERSON_H
#define GATEWAY_DISPATCH_PERSON_H

#include "gateway/dispatch/view.h"
#include "gateway/policy/policy.h"

/* The id of a person, whatever source names it. */
void person_id(const uint8_t *id_key, gw_str person, gw_id *ret);

/* Read the persons of these debtors (those that have one) and attach their counters. */
gw_code person_load(state *store, const uint8_t *id_key, view_debtor *const *debtors, size_t n,
                    gw_arena *arena, gw_err *err) GW_NODISCARD;

/* The transition that reserves the caps of scope person at now. False: there are none. */
bool person_reserve(const gw_id *person, const policy_cap *caps, size_t n, gw_arena *arena,
                    state_txn *ret, bool *ret_failed);

/* The transition that counts a contact nobody announced: no cap can refuse what happened. Only what
 * a call's outcome made true. False: nothing to do. */
bool person_count(const gw_id *person, const policy_cap *caps, size_t n, bool answered,
                  bool effective, gw_arena *arena, state_txn *ret, bool *ret_failed);

/* Reserve at once, for a caller that claims by itself. *ret_id: the person to name in
 * change.person, NULL when there is nothing to reserve. GW_EBUSY: not reserved, or nobody knows; do
 * not contact. */
gw_code person_take(state *store, const view_debtor *d, const policy_cap *caps, size_t n,
                    gw_arena *arena, const gw_id **ret_id, gw_err *err) GW_NODISCARD;

/* What person_take reserved was certainly not used: give it back. names: as field cap has them. */
void person_undo(state *store, gw_str names, gw_arena *arena);

/* The transition that gives back what a reminder's list of counters (field cap) holds for a person;
 * only those that a call's outcome did not make true, when call is set. False: nothing to do. */
bool person_return(gw_str names, bool call, bool answered, bool effective, gw_arena *arena,
                   state_txn *ret, bool *ret_failed);

/* Those of a list of counters that are a person's are taken once more, whatever the caps say. t may
 * be a transition of person_return already, or empty (did NULL). False: there are none. */
bool person_retake(gw_str names, gw_arena *arena, state_txn *t, bool *ret_failed);

/* state_apply, and behind each transition that happened the one that goes with it (state_txn.then).
 * When that fails the person seems to have had one contact more. */
gw_code person_apply(state *store, const state_txn *txns, size_t n, state_verdict *ret, gw_err *err)
    GW_NODISCARD;

#endif
