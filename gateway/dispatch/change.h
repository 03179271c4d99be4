/* change.h - one move of a reminder's life as one transition of the state store.
 *
 * change_build asks life.h for the row and writes what its effects say: fields, place in the
 * schedule, caps, and the evidence record. An event without a row becomes a record of its own
 * (x-Operator, why "unexpected-event") that changes nothing. Everything lives in the arena.
 * Thread: pure, any. */
#ifndef GATEWAY_DISPATCH_CHANGE_H
#define GATEWAY_DISPATCH_CHANGE_H

#include "gateway/dispatch/decide.h"
#include "gateway/dispatch/life.h"
#include "gateway/state/state.h"

/* The lane of what is claimed or sending: nobody serves it, a successor finds it there. */
#define CHANGE_LANE_FLIGHT 'f'
/* The lane of tasks: planned ones at their moment, open ones at the end of their window, what an
 * agent has at the moment its lease or call runs out. */
#define CHANGE_LANE_DESK 'k'

typedef struct {
    gw_wall now;
    uint8_t shard;
    uint64_t fence;          /* 0: needs no lease */
    const gw_id *did;        /* needed with debtor_version or caps; else NULL */
    int64_t debtor_version;  /* -1: does not matter to this move */
    const char *why;         /* reason code; "" none */
    int64_t due_ms;          /* DO_SCHEDULE, DO_PARK, DO_OPEN, DO_TIMER */
    const decision *decided; /* of policy moves: summary, template, facts; else NULL */
    bool blocked;            /* it was due and policy stopped it: a SubmissionRejection as well */
    const policy_cap *caps;  /* DO_TAKE_CAP, DO_COUNT_CAP */
    size_t cap_n;
    const gw_id *person; /* DO_TAKE_CAP: its counters among caps are reserved already. DO_COUNT_CAP:
                            it is counted with. NULL: a person's counters are left out */
    gw_str tok;          /* DO_ATTEMPT, DO_HAND */
    int attempt;         /* the record is about this one; 0: about the reminder's present one */
    gw_str agent;        /* DO_HAND */
    int64_t rank;        /* DO_OPEN */
    gw_str desk;         /* what the desk remembers, stored in field dk; empty leaves it */
    bool call;           /* a call was placed: its counters stay as far as they came true */
    bool answered, effective; /* how that call went; DO_COUNT_CAP counts the same */
    char heard;         /* what the timing model learns of it: 'a' a person answered, 'n' not; 0:
                           no call, or it says nothing (learn.h) */
    gw_str out;         /* outcome as JSON, stored in field out; empty leaves it */
    bool spent_try;     /* one more attempt ended "later" */
    bool outcome;       /* an outcome is known: the count of starts without one begins anew */
    gw_str fact;        /* members of the record's facts without braces, or empty */
    gw_str priv, blobs; /* of the record, or empty */
    bool quiet;         /* no record: the same reason once more */
} change;

/* *ret_moved false: the event has no row (the transition only records that). ret_txn points into
 * the arena and at c's and r's strings. GW_ENOMEM. */
gw_code change_build(const change *c, const view_reminder *r, life_event on, gw_arena *arena,
                     state_txn *ret_txn, life_move *ret_move, bool *ret_moved, gw_err *err)
    GW_NODISCARD;

/* "c:email:2013-02-01" in the arena; NULL when memory is out. */
const char *change_cap_field(const policy_cap *cap, gw_arena *arena);
/* The caps joined by blanks, as the reminder's field cap remembers them. p NULL: out of memory.
 * person NULL: without those of scope person. */
gw_str change_cap_text(const policy_cap *caps, size_t n, const gw_id *person, gw_arena *arena);
/* Channel's lane letter, 0 when it has none (desk). */
char change_lane(gw_str channel);

/* The debtor named the moment: it counts before the plan's own, and where the plan ends before it,
 * it gets a day of room behind it. Adds to what txn sets. GW_ENOMEM. */
gw_code change_window(int64_t from_ms, const view_reminder *r, gw_arena *arena, state_txn *txn,
                      gw_err *err) GW_NODISCARD;

#endif
