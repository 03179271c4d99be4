#include "gateway/dispatch/life.h"

#include "gateway/base/err.h"
#include "gateway/wire/event.h"

#include <string.h>

typedef struct {
    life_state in;
    life_event on;
    life_state then;
    unsigned effects;
    const char *record;
} life_row;

#define A LIFE_ACCEPTED
#define P LIFE_PLANNED
#define H LIFE_HELD
#define C LIFE_CLAIMED
#define S LIFE_SENDING
#define O LIFE_OPEN
#define L LIFE_LEASED
#define T LIFE_TALKING
#define D LIFE_DELIVERED
#define X LIFE_WITHDRAWN
#define R LIFE_REFUSED
#define U LIFE_UNKNOWN
#define Q LIFE_PARKED

/* Reading help. A cap is taken by the claim and stays taken once a message may have left (D, U) or
 * was shown to the carrier (R after S: an attempt placed counts); every way back gives it back.
 * Refused without an intent is a message that could not be made (template, settings, facts): no
 * carrier saw it, an operator may mend the cause and retry. A withdrawal while sending comes too
 * late to stop anything and is only noted. A worker that reports an outcome without having been
 * given GO broke its contract: nobody knows what left (U), and a delivery reported for an earlier
 * attempt ends the reminder rather than contact twice. So does a receipt that shows that the
 * carrier had an earlier attempt which we took for failed. A receipt says nothing to the other
 * states. An operator who has an unknown one tried again says that nobody was talked to: what was
 * counted as answered and as talk is given back, that it was placed stays. */
static const life_row rows[] = {
    {A, ON_PLAN, P, DO_SCHEDULE, EVENT_PLAN},
    {A, ON_CLAIM, C, DO_WATCH | DO_TAKE_CAP | DO_ATTEMPT, EVENT_PLAN},
    {A, ON_HOLD, H, DO_PARK, EVENT_REJECTED},
    {A, ON_WITHDRAW, X, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {A, ON_FORBID, R, DO_UNSCHEDULE, EVENT_REJECTED},
    {A, ON_POISON, Q, DO_UNSCHEDULE, EVENT_WITHDRAWN},

    {P, ON_PLAN, P, DO_SCHEDULE, EVENT_PLAN},
    {P, ON_HOLD, H, DO_PARK, EVENT_REJECTED},
    {P, ON_WITHDRAW, X, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {P, ON_FORBID, R, DO_UNSCHEDULE, EVENT_REJECTED},
    {P, ON_CLAIM, C, DO_WATCH | DO_TAKE_CAP | DO_ATTEMPT, NULL},
    {P, ON_POISON, Q, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {P, ON_LATER, P, DO_REPEAT, NULL},
    {P, ON_DELIVERED, D, DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},
    {P, ON_LATE_DELIVERED, D, DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},
    {P, ON_LATE_OTHER, P, DO_NOTE, EVENT_RELAY_FAILED},
    {P, ON_RECEIPT_TOOK, D, DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},

    {H, ON_PLAN, P, DO_SCHEDULE, EVENT_PLAN},
    {H, ON_HOLD, H, DO_PARK, EVENT_REJECTED},
    {H, ON_WITHDRAW, X, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {H, ON_FORBID, R, DO_UNSCHEDULE, EVENT_REJECTED},
    {H, ON_POISON, Q, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {H, ON_LATER, H, DO_REPEAT, NULL},
    {H, ON_DELIVERED, D, DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},
    {H, ON_LATE_DELIVERED, D, DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},
    {H, ON_LATE_OTHER, H, DO_NOTE, EVENT_RELAY_FAILED},
    {H, ON_RECEIPT_TOOK, D, DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},

    {C, ON_INTENT, S, DO_GO | DO_WATCH, EVENT_INTENT},
    {C, ON_PLAN, P, DO_ABORT | DO_GIVE_CAP | DO_SCHEDULE, EVENT_PLAN},
    {C, ON_HOLD, H, DO_ABORT | DO_GIVE_CAP | DO_PARK, EVENT_REJECTED},
    {C, ON_WITHDRAW, X, DO_ABORT | DO_GIVE_CAP | DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {C, ON_FORBID, R, DO_ABORT | DO_GIVE_CAP | DO_UNSCHEDULE, EVENT_REJECTED},
    {C, ON_LATER, P, DO_GIVE_CAP | DO_SCHEDULE, EVENT_RELAY_FAILED},
    {C, ON_SPENT, Q, DO_GIVE_CAP | DO_UNSCHEDULE, EVENT_RELAY_FAILED},
    {C, ON_REFUSED, Q, DO_GIVE_CAP | DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {C, ON_DELIVERED, U, DO_UNSCHEDULE, EVENT_ATTEMPT_UNKNOWN},
    {C, ON_UNKNOWN, U, DO_UNSCHEDULE, EVENT_ATTEMPT_UNKNOWN},
    {C, ON_LOST, P, DO_GIVE_CAP | DO_SCHEDULE, EVENT_PLAN},
    {C, ON_POISON, Q, DO_GIVE_CAP | DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {C, ON_LATE_DELIVERED, D, DO_ABORT | DO_GIVE_CAP | DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},
    {C, ON_LATE_OTHER, C, DO_NOTE, EVENT_RELAY_FAILED},
    {C, ON_RECEIPT_TOOK, D, DO_ABORT | DO_GIVE_CAP | DO_RECOUNT | DO_UNSCHEDULE, EVENT_RELAYED},

    {S, ON_DELIVERED, D, DO_UNSCHEDULE, EVENT_RELAYED},
    {S, ON_LATER, P, DO_GIVE_CAP | DO_SCHEDULE, EVENT_RELAY_FAILED},
    {S, ON_SPENT, Q, DO_GIVE_CAP | DO_UNSCHEDULE, EVENT_RELAY_FAILED},
    {S, ON_REFUSED, R, DO_UNSCHEDULE, EVENT_RELAY_FAILED},
    {S, ON_UNKNOWN, U, DO_UNSCHEDULE, EVENT_ATTEMPT_UNKNOWN},
    {S, ON_LOST, U, DO_UNSCHEDULE, EVENT_ATTEMPT_UNKNOWN},
    {S, ON_WITHDRAW, S, DO_NOTE, EVENT_WITHDRAWN},
    {S, ON_LATE_DELIVERED, S, DO_NOTE, EVENT_RELAYED},
    {S, ON_LATE_OTHER, S, DO_NOTE, EVENT_RELAY_FAILED},

    /* Work for people. An agent that says nothing more gives a leased task back; a call that was
     * begun becomes unknown until the agent says. An outcome told without "dial" before it is a
     * call that happened all the same: it is counted, and the record says so. */
    {P, ON_OPEN, O, DO_OPEN, EVENT_TASK},
    {O, ON_OPEN, O, DO_OPEN, EVENT_TASK},
    {O, ON_PLAN, P, DO_SCHEDULE, EVENT_PLAN},
    {O, ON_HOLD, H, DO_PARK, EVENT_REJECTED},
    {O, ON_WITHDRAW, X, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {O, ON_FORBID, R, DO_UNSCHEDULE, EVENT_REJECTED},
    {O, ON_POISON, Q, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {O, ON_LEASE, L, DO_TIMER | DO_HAND, EVENT_TASK},

    {L, ON_PLAN, P, DO_SCHEDULE, EVENT_PLAN},
    {L, ON_HOLD, H, DO_PARK, EVENT_REJECTED},
    {L, ON_WITHDRAW, X, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {L, ON_FORBID, R, DO_UNSCHEDULE, EVENT_REJECTED},
    {L, ON_POISON, Q, DO_UNSCHEDULE, EVENT_WITHDRAWN},
    {L, ON_GIVE_BACK, O, DO_OPEN, EVENT_TASK},
    {L, ON_DIAL, T, DO_TIMER | DO_TAKE_CAP | DO_ATTEMPT, EVENT_INTENT},
    {L, ON_REACHED, D, DO_COUNT_CAP | DO_ATTEMPT | DO_UNSCHEDULE, EVENT_CALL},
    {L, ON_UNREACHED, R, DO_COUNT_CAP | DO_ATTEMPT | DO_UNSCHEDULE, EVENT_CALL},
    {L, ON_AGAIN, P, DO_COUNT_CAP | DO_ATTEMPT | DO_SCHEDULE, EVENT_CALL},
    {L, ON_UNDONE, O, DO_OPEN, EVENT_CALL},

    {T, ON_CONFIRM, T, 0, EVENT_CALL},
    {T, ON_REACHED, D, DO_SETTLE_CAP | DO_UNSCHEDULE, EVENT_CALL},
    {T, ON_UNREACHED, R, DO_SETTLE_CAP | DO_UNSCHEDULE, EVENT_CALL},
    {T, ON_AGAIN, P, DO_SETTLE_CAP | DO_SCHEDULE, EVENT_CALL},
    {T, ON_UNDONE, O, DO_GIVE_CAP | DO_OPEN, EVENT_CALL},
    {T, ON_LOST, U, DO_UNSCHEDULE, EVENT_ATTEMPT_UNKNOWN},
    {T, ON_WITHDRAW, T, DO_NOTE, EVENT_WITHDRAWN},

    {U, ON_REACHED, D, DO_SETTLE_CAP, EVENT_CALL},
    {U, ON_UNREACHED, R, DO_SETTLE_CAP, EVENT_CALL},
    {U, ON_AGAIN, P, DO_SETTLE_CAP | DO_SCHEDULE, EVENT_CALL},
    {U, ON_UNDONE, P, DO_GIVE_CAP | DO_SCHEDULE, EVENT_CALL},

    {D, ON_DELIVERED, D, DO_REPEAT, NULL},
    {D, ON_REFUSED, D, DO_NOTE, EVENT_RELAY_FAILED},
    {D, ON_LATE_DELIVERED, D, DO_NOTE, EVENT_RELAYED},
    {D, ON_LATE_OTHER, D, DO_NOTE, EVENT_RELAY_FAILED},

    {X, ON_LATE_DELIVERED, X, DO_RECOUNT, EVENT_RELAYED},
    {X, ON_LATE_OTHER, X, DO_NOTE, EVENT_RELAY_FAILED},
    {X, ON_LATER, X, DO_REPEAT, NULL},

    {R, ON_REFUSED, R, DO_REPEAT, NULL},
    {R, ON_LATE_DELIVERED, R, DO_NOTE, EVENT_RELAYED},
    {R, ON_LATE_OTHER, R, DO_NOTE, EVENT_RELAY_FAILED},

    {U, ON_DELIVERED, D, 0, EVENT_RELAYED},
    {U, ON_REFUSED, R, 0, EVENT_RELAY_FAILED},
    {U, ON_LATER, U, DO_NOTE, EVENT_RELAY_FAILED},
    {U, ON_UNKNOWN, U, DO_REPEAT, NULL},
    {U, ON_RETRY, P, DO_SETTLE_CAP | DO_SCHEDULE | DO_FRESH, EVENT_OPERATOR},
    {U, ON_LATE_DELIVERED, D, 0, EVENT_RELAYED},
    {U, ON_LATE_OTHER, U, DO_NOTE, EVENT_RELAY_FAILED},
    {U, ON_RECEIPT_TOOK, D, 0, EVENT_RELAYED},
    {U, ON_RECEIPT_REFUSED, R, 0, EVENT_RELAY_FAILED},

    {Q, ON_RETRY, P, DO_SCHEDULE | DO_FRESH, EVENT_OPERATOR},
    {Q, ON_LATER, Q, DO_REPEAT, NULL},
    {Q, ON_REFUSED, Q, DO_REPEAT, NULL},
    {Q, ON_LATE_DELIVERED, Q, DO_RECOUNT, EVENT_RELAYED},
    {Q, ON_LATE_OTHER, Q, DO_NOTE, EVENT_RELAY_FAILED},
};

static const struct {
    life_state state;
    const char *name;
    bool final;
} states[] = {
    {A, "accepted", false}, {P, "planned", false},  {H, "held", false},     {C, "claimed", false},
    {S, "sending", false},  {D, "delivered", true}, {X, "withdrawn", true}, {R, "refused", true},
    {U, "unknown", true},   {Q, "parked", true},    {O, "open", false},     {L, "leased", false},
    {T, "calling", false},
};

static const char *const event_names[LIFE_EVENT_COUNT] = {
    [ON_PLAN] = "plan",
    [ON_HOLD] = "hold",
    [ON_WITHDRAW] = "withdraw",
    [ON_FORBID] = "forbid",
    [ON_CLAIM] = "claim",
    [ON_INTENT] = "intent",
    [ON_DELIVERED] = "delivered",
    [ON_LATER] = "later",
    [ON_SPENT] = "spent",
    [ON_REFUSED] = "refused",
    [ON_UNKNOWN] = "unknown",
    [ON_LOST] = "lost",
    [ON_POISON] = "poison",
    [ON_RETRY] = "retry",
    [ON_LATE_DELIVERED] = "late-delivered",
    [ON_LATE_OTHER] = "late-other",
    [ON_OPEN] = "open",
    [ON_LEASE] = "lease",
    [ON_GIVE_BACK] = "give-back",
    [ON_DIAL] = "dial",
    [ON_CONFIRM] = "confirm",
    [ON_REACHED] = "reached",
    [ON_UNREACHED] = "unreached",
    [ON_AGAIN] = "again",
    [ON_UNDONE] = "undone",
    [ON_RECEIPT_TOOK] = "receipt-took",
    [ON_RECEIPT_REFUSED] = "receipt-refused",
};

bool life_step(life_state in, life_event on, life_move *ret)
{
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        if (rows[i].in != in || rows[i].on != on)
            continue;
        *ret = (life_move){rows[i].then, rows[i].effects, rows[i].record};
        return true;
    }
    return false;
}

bool life_is_state(char c)
{
    for (size_t i = 0; i < GW_COUNT(states); i++)
        if (states[i].state == (life_state)c)
            return true;
    return false;
}

bool life_is_final(life_state s)
{
    for (size_t i = 0; i < GW_COUNT(states); i++)
        if (states[i].state == s)
            return states[i].final;
    return false;
}

const char *life_state_name(life_state s)
{
    for (size_t i = 0; i < GW_COUNT(states); i++)
        if (states[i].state == s)
            return states[i].name;
    return "?";
}

char life_state_named(const char *name)
{
    for (size_t i = 0; i < GW_COUNT(states); i++)
        if (strcmp(states[i].name, name) == 0)
            return (char)states[i].state;
    return 0;
}

const char *life_event_name(life_event on)
{
    return on < LIFE_EVENT_COUNT ? event_names[on] : "?";
}
