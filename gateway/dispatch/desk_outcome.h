/* desk_outcome.h - the closed list of what may become of a task, and what each outcome triggers.
 *
 * Feature V2. The names are stored in evidence for years (why of x-Call): add, never rename. Pure;
 * any thread. */
#ifndef GATEWAY_DISPATCH_DESK_OUTCOME_H
#define GATEWAY_DISPATCH_DESK_OUTCOME_H

#include "gateway/base/buf.h"
#include "gateway/dispatch/life.h"

/* What follows by itself, in the same atomic step as the outcome. */
typedef enum {
    DESK_NOTHING,
    DESK_PROMISE,   /* a promise of the ledger: pauses the ladder until its day and grace */
    DESK_DISPUTE,   /* a dispute of the ledger: holds what is about the item */
    DESK_HARDSHIP,  /* hold "vulnerable": nothing goes out until a person releases it */
    DESK_STOP,      /* consent withdrawn: this number, or the scope the debtor named */
    DESK_WRONG,     /* the number is suppressed as unverified, for calls and for SMS */
    DESK_CALL_BACK, /* planned again for the moment asked for, inside what policy allows */
} desk_trigger;

typedef enum {
    DESK_CALLS = 1,
    DESK_LETTERS = 2,
    DESK_VISITS = 4,
    DESK_WORK = 8, /* of our own people only: hand-offs */
    DESK_TALKS = DESK_CALLS | DESK_VISITS,
    DESK_ALL = 15
} desk_kinds;

typedef struct {
    const char *name;
    desk_kinds kinds; /* of which tasks */
    life_event on;
    bool answered;    /* somebody answered */
    bool effective;   /* a conversation with the debtor about the matter */
    bool right_party; /* only when the agent made sure whom it was talking to */
    desk_trigger trigger;
    const char *means; /* one sentence for people */
} desk_outcome;

/* NULL when the list has no such outcome. */
const desk_outcome *desk_outcome_named(gw_str name);
/* The n-th row, NULL past the end. */
const desk_outcome *desk_outcome_at(size_t n);
/* The outcome may be told about a task of this channel. */
bool desk_outcome_fits(const desk_outcome *o, gw_str channel);

#endif
