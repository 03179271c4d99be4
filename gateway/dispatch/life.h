/* life.h - the life of one reminder as a table: state and event in, next state and effects out.
 *
 * This is the only place that knows which moves exist. Dispatch computes the event, asks here, and
 * carries the effects out; it never assigns a state by itself. An event without a row is refused by
 * life_step; the caller records it (x-Operator, why "unexpected-event") and leaves the reminder as
 * it is: never ignored, never guessed.
 *
 * States are the letters stored in the state store (field s of a reminder):
 *     A accepted   P planned   H held   C claimed (task given, no intent yet)   S sending (GO
 * given) final: D delivered to the carrier   X withdrawn   R refused   U unknown   Q parked (dead
 * letter) A final state is left only by these rows: U by a late outcome or a receipt (D, R) or an
 * operator's retry, Q by an operator's retry.
 * Work for a person (a call, a visit; desk.h) goes O open   L leased to one agent   T being done
 * (the agent said "dial") instead of C and S; D then means done: the right party was reached, the
 * letter posted. R: it was tried as often as allowed and nobody was reached.
 *
 * Pure; any thread. */
#ifndef GATEWAY_DISPATCH_LIFE_H
#define GATEWAY_DISPATCH_LIFE_H

#include <stdbool.h>

typedef enum {
    LIFE_ACCEPTED = 'A',
    LIFE_PLANNED = 'P',
    LIFE_HELD = 'H',
    LIFE_CLAIMED = 'C',
    LIFE_SENDING = 'S',
    LIFE_OPEN = 'O',
    LIFE_LEASED = 'L',
    LIFE_TALKING = 'T',
    LIFE_DELIVERED = 'D',
    LIFE_WITHDRAWN = 'X',
    LIFE_REFUSED = 'R',
    LIFE_UNKNOWN = 'U',
    LIFE_PARKED = 'Q'
} life_state;

typedef enum {
    ON_PLAN,            /* policy found a permitted moment, now or later */
    ON_HOLD,            /* policy waits for a change: no zone, a hold, no worker of the channel */
    ON_WITHDRAW,        /* paid, cancelled, disputed away, expired */
    ON_FORBID,          /* policy refuses for good: recipient guard */
    ON_CLAIM,           /* given to a worker with credit */
    ON_INTENT,          /* the exact bytes are durable */
    ON_DELIVERED,       /* the worker's outcome, under the token of the current attempt */
    ON_LATER,           /* nothing left the house, try again */
    ON_SPENT,           /* as ON_LATER, but it was the last attempt allowed */
    ON_REFUSED,         /* the carrier (or rendering) refused for good */
    ON_UNKNOWN,         /* nobody can know whether it left */
    ON_LOST,            /* worker or gateway died; the grace for a repeated outcome has passed */
    ON_POISON,          /* started again and again without any outcome, or not readable */
    ON_RETRY,           /* an operator's act */
    ON_LATE_DELIVERED,  /* outcome under the token of an earlier attempt */
    ON_LATE_OTHER,      /* any other outcome under the token of an earlier attempt */
    ON_OPEN,            /* a task's moment has come and policy allows it: agents may take it */
    ON_LEASE,           /* an agent took it */
    ON_GIVE_BACK,       /* the agent gave it back, or its lease ran out */
    ON_DIAL,            /* the agent begins: from here on the debtor may have been contacted */
    ON_CONFIRM,         /* the agent made sure that it is the right party */
    ON_REACHED,         /* done: the outcome is one of desk_outcome.h that ends the task well */
    ON_UNREACHED,       /* nobody was reached, and this was the last try */
    ON_AGAIN,           /* nobody was reached, or they asked to be called again */
    ON_UNDONE,          /* it was not begun after all: nobody was contacted */
    ON_RECEIPT_TOOK,    /* a believable receipt: the carrier had it, whatever we thought */
    ON_RECEIPT_REFUSED, /* a believable receipt: the attempt ended for good without arriving */
    LIFE_EVENT_COUNT
} life_event;

enum {
    DO_SCHEDULE = 1 << 0,    /* into the channel's lane at the due moment */
    DO_PARK = 1 << 1,        /* into lane w at not_after: looked at again only to expire it */
    DO_UNSCHEDULE = 1 << 2,  /* in no lane */
    DO_WATCH = 1 << 3,       /* into the lane of what is in flight, so that a successor finds it */
    DO_TAKE_CAP = 1 << 4,    /* reserve the contact caps; the move fails when they are used up */
    DO_GIVE_CAP = 1 << 5,    /* give the reserved caps back: nobody was contacted */
    DO_ATTEMPT = 1 << 6,     /* one more attempt, under a fresh token */
    DO_GO = 1 << 7,          /* tell the worker it may touch the network, after the commit */
    DO_ABORT = 1 << 8,       /* tell the worker to forget the task */
    DO_NOTE = 1 << 9,        /* the state stays: only recorded */
    DO_REPEAT = 1 << 10,     /* already had: acknowledge, write nothing */
    DO_FRESH = 1 << 11,      /* attempts counted from zero again */
    DO_OPEN = 1 << 12,       /* into the desk's lane until its window closes, listed by rank */
    DO_TIMER = 1 << 13,      /* into the desk's lane at the moment the lease or the call runs out */
    DO_HAND = 1 << 14,       /* the agent and a fresh lease token */
    DO_SETTLE_CAP = 1 << 15, /* give back what did not come true: not answered, no real talk */
    DO_COUNT_CAP = 1 << 16,  /* count a contact nobody announced, whatever the caps say */
    DO_RECOUNT = 1 << 17,    /* an attempt whose caps were given back reached somebody after all */
};

typedef struct {
    life_state then;
    unsigned effects;
    const char *record; /* evidence event of the move; NULL when it leaves none */
} life_move;

/* True and *ret filled when the table has a row; false (ret untouched) when the event is refused.
 */
bool life_step(life_state in, life_event on, life_move *ret);

bool life_is_state(char c);
bool life_is_final(life_state s);
/* "planned", "held", ...: what query answers and people read. Static storage. */
const char *life_state_name(life_state s);
/* 0 when no state has that name. */
char life_state_named(const char *name);
const char *life_event_name(life_event on);

#endif
