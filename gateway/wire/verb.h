/* verb.h - what a billing system or operator can ask of intake: one row per verb.
 *
 * The row is the contract: who may use the verb, which schema its bodies follow
 * (config/schema/<name>.json) and which part of intake answers it. */
#ifndef WIRE_VERB_H
#define WIRE_VERB_H

#include "gateway/base/buf.h"

#define WIRE_INTAKE_PROTOCOL "DUN1"

typedef enum {
    VERB_SUBMIT,
    VERB_ITEM,
    VERB_PAYMENT,
    VERB_PROMISE,
    VERB_DISPUTE,
    VERB_DEBTOR,
    VERB_CONSENT,
    VERB_HOLD,
    VERB_HOURS,
    VERB_CANCEL,
    VERB_QUERY,
    VERB_CLOCK,
    VERB_PAUSE,
    VERB_RESUME,
    VERB_WINDOWS,
    VERB_RULES,
    VERB_TRY,
    VERB_RETRY,
    VERB_CALL,
    VERB_REPLY,
    VERB_COUNT
} verb;

typedef enum {
    VERB_JOB,   /* stored as a reminder */
    VERB_EVENT, /* folded into the debtor (gateway/intake/ledger.h) */
    VERB_ACT,   /* changes how the gateway runs, or one reminder */
    VERB_ASK,   /* answers, changes nothing */
} verb_kind;

typedef struct {
    const char *name;
    verb_kind kind;
    bool operators_only;
    bool of_one_debtor; /* an event's id names one thing of one debtor: under another it is a
                           conflict. Acts (hold, hours, consent) protect, and are never refused for
                           an id that was used elsewhere. */
} verb_row;

/* Row of a verb. */
const verb_row *verb_of(verb v);
/* VERB_COUNT when no verb has that name. */
verb verb_find(gw_str name);

#endif
