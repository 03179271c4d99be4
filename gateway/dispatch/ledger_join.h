/* ledger_join.h - what follows from how a contact went, as events of intake's ledger, committed in
 * the same transition as the outcome: a promise, a dispute, a hold, a consent, a conversation.
 *
 * They are folded into the debtor as it was read; ledger_join_into puts the sets and records beside
 * the reminder's move and checks the debtor's version. So everything is on record or nothing is.
 * The person at the desk (desk_record.c) and the key in an automated call (call_result.c) have the
 * same effects because both come this way.
 *
 * Pure; any thread. Everything lives in the arena. */
#ifndef GATEWAY_DISPATCH_LEDGER_JOIN_H
#define GATEWAY_DISPATCH_LEDGER_JOIN_H

#include "gateway/dispatch/decide.h"
#include "gateway/intake/bind.h"

enum {
    LEDGER_JOIN_EVENTS_MAX = 2,
    LEDGER_JOIN_BODY_MAX = 8192,
    LEDGER_JOIN_SETS_MAX = LEDGER_JOIN_EVENTS_MAX * LEDGER_SETS_MAX + 3,
};

typedef struct {
    const view_reminder *r;
    const decision *decided; /* whose facts say whom and what it was about */
    state_debtor *debtor;    /* as read; the folds change it */
    gw_wall now;
    gw_arena *arena;
    gw_err *err;
    /* its own: zeroed at first */
    gw_buf body;                   /* of the event being written */
    const ledger_result *rejected; /* the first event the ledger did not take; NULL none */
    int64_t version;               /* of the debtor as read */
    state_field debtor_sets[LEDGER_JOIN_SETS_MAX], item_sets[LEDGER_JOIN_SETS_MAX];
    size_t debtor_n, item_n;
    state_record records[LEDGER_JOIN_EVENTS_MAX];
    size_t record_n;
    const json_doc *said[LEDGER_JOIN_EVENTS_MAX]; /* consent entries among the events */
    size_t said_n;
    gw_str talk; /* key of the debt that was talked about, p NULL: no conversation */
} ledger_join;

/* Fill what the first block names, then this. */
void ledger_join_open(ledger_join *j);
void ledger_join_close(ledger_join *j);

/* Begin an event: {"id", "debtor"; the caller appends members to j->body, ledger_join_event folds
 * it. An event that is so already changes nothing. GW_ENOMEM, GW_ECORRUPT. */
void ledger_join_begin(ledger_join *j, gw_str id, const char *suffix);
gw_code ledger_join_event(ledger_join *j, verb v) GW_NODISCARD;

/* The address of the first recipient; n 0 without one. */
gw_str ledger_join_address(const ledger_join *j);
/* The number that was called is not the debtor's: suppressed as unverified for calls, and for SMS,
 * which whoever has it would read. */
gw_code ledger_join_wrong_number(ledger_join *j, gw_str id, gw_str said_by) GW_NODISCARD;
/* A conversation starts the cool-down of policy, for the debt and for the debtor. The outcome's
 * record says so (talk "#<debt>"), for a rebuild. */
gw_code ledger_join_talk(ledger_join *j) GW_NODISCARD;

/* Before the transition is applied: what was said at an address is told to the others who have it
 * (intake/bind.h). */
gw_code ledger_join_bind(const ledger_join *j, const teller *t) GW_NODISCARD;

/* Beside the reminder's move; wakes the debtor. */
gw_code ledger_join_into(ledger_join *j, state_txn *txn) GW_NODISCARD;

#endif
