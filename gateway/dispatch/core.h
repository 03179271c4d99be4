/* core.h - what the files of the dispatch thread share. Private to gateway/dispatch.
 *
 * Thread: everything here belongs to the dispatch thread, but the members under `shared`. */
#ifndef GATEWAY_DISPATCH_CORE_H
#define GATEWAY_DISPATCH_CORE_H

#include "gateway/dispatch/change.h"
#include "gateway/dispatch/decide.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/dispatch/flight.h"
#include "gateway/dispatch/house_live.h"
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/rules_live.h"
#include "gateway/dispatch/template_cache.h"
#include "gateway/dispatch/timing_live.h"
#include "gateway/wire/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

enum {
    CORE_ARENA = 512 << 20,  /* ceiling of one turn's memory */
    CORE_CONTROL_MS = 200,   /* a pause is seen at most this late */
    CORE_IDENTITY_MAX = 255, /* ZMTP routing id */
    CORE_LANES = 3,
    CORE_STORE_RETRY_MS = 200, /* wait after the store failed us */
    CORE_HOLD_RECHECK_MS = 24 * 3600 * 1000,
    CORE_LOOK_MS = 20,  /* all our shards are asked what is due at least that often ... */
    CORE_DESK_MS = 250, /* ... and what is due at the desk */
};

static const char core_lanes[CORE_LANES + 1] = "esv"; /* of the channels that have workers */

typedef struct worker {
    uint8_t identity[CORE_IDENTITY_MAX];
    size_t identity_n;
    char key_name[ZAP_NAME_MAX + 1]; /* of its CURVE key */
    char name[ZAP_NAME_MAX + 1], channel[16];
    char lane; /* of its channel */
    int credit, outstanding;
    bool ready, draining;
    bool alone;          /* keeps a carrier's rate by itself (wire_ready) */
    uint64_t turn;       /* in which workers became ready */
    gw_mono heard, told; /* last message from, last heartbeat to */
} worker;

/* An INTENT of this turn; the payload frame is kept until the intent is durable. Its flight may be
 * gone by the time it is looked at (lease lost, worker lost), so it is found again by rid and tok.
 */
typedef struct {
    gw_id rid;
    gw_str tok;
    zmq_msg_t bytes;
    gw_str message_id, sha256;
} intent_msg;

/* An OUTCOME, kept over turns until it is durable. */
typedef struct outcome_msg {
    struct outcome_msg *next;
    uint8_t identity[CORE_IDENTITY_MAX];
    size_t identity_n;
    gw_id rid;
    wire_outcome out; /* its strings point behind the struct */
    gw_str raw;
    int tries; /* bookings that met a moved version */
} outcome_msg;

struct dispatch {
    dispatch_config cfg;
    gw_clock *clock;
    state *store;
    void *router;
    int wake_fd;
    char endpoint[CURVE_ENDPOINT_TEXT];
    gw_arena *arena; /* of one turn */
    gw_id owner;
    template_cache *templates;
    timing_live *timing; /* NULL: out of memory, no model */
    capacity *capacity;  /* NULL: no channel has a limit */
    bool timing_learns;  /* there is, or will be, a model: jobs are learned from as well */
    gw_buf scratch;      /* a header being encoded */

    uint64_t fence[STATE_SHARDS]; /* 0 = not ours */
    uint8_t mask[STATE_SHARDS];   /* ours */
    gw_mono lease_until, lease_next;
    uint8_t recover[STATE_SHARDS]; /* shards whose in-flight lane must be looked through */

    gw_arena *control_arena;
    state_hash control;
    house_live house; /* windows among them */
    rules_live rules; /* and which rules are in force */
    gw_mono control_next;
    uint64_t control_mark; /* changes with the set of pauses */
    bool relook;           /* held reminders are to be looked at again, from relook_at on */
    char relook_at[STATE_CURSOR_TEXT];
    gw_mono idle_next;
    gw_mono store_next; /* the store failed: not before */
    bool store_ok;

    worker *workers[DISPATCH_WORKERS_MAX];
    size_t worker_n;
    flight_table flights;

    intent_msg *intents;
    size_t intent_n;
    bool intents_seen; /* intent_run came to them in this turn */
    outcome_msg *outcomes, **outcomes_end;
    size_t outcome_n;
    uint64_t turns;           /* how often a worker became ready */
    bool busy;                /* this turn did something */
    size_t spare[CORE_LANES]; /* credit left for jobs just accepted, in this turn */
    uint64_t news[128];       /* per lane: shards that may have something due */
    gw_mono look_next;        /* then all may have */
    gw_mono desk_next;        /* the same of the desk's lane */

    dispatch_status status; /* dispatch thread's own copy */

    struct {
        pthread_mutex_t lock;
        dispatch_status status;
        uint8_t mask[STATE_SHARDS]; /* as the last lease left it */
        struct question *questions; /* questions.c: for workers, from the booker */
        size_t question_n;
        _Atomic bool stop, draining;
        _Atomic uint64_t news; /* shards with something new for any lane */
        _Atomic uint64_t jobs; /* shards with jobs just accepted */
        _Atomic int drain_ms;
    } shared;
};

static inline gw_wall core_now(const dispatch *d)
{
    return gw_clock_now(d->clock);
}
bool core_may_send(const dispatch *d); /* lease, recorder and store are good; not draining */
/* Note what a call of the store answered; true when it is GW_OK. */
bool core_store(dispatch *d, gw_code rc, const gw_err *err, const char *doing);
/* Apply; ret_verdicts (n of them) says STATE_UNKNOWN for what was not answered. */
void core_apply(dispatch *d, const state_txn *txns, size_t n, state_verdict *ret_verdicts,
                const char *doing);
/* Which of our shards to ask what is due in a lane: those with news, and now and then all. An idle
 * shard is not asked in every turn, because 64 questions cost more than a mail. False: none. */
bool core_look(dispatch *d, char lane, uint8_t ret_mask[STATE_SHARDS]);
/* The answer to a question for at most limit: a shard that had nothing is not asked again before
 * there are news. */
void core_seen(dispatch *d, char lane, const uint8_t mask[STATE_SHARDS],
               const state_due_entry *found, size_t n, size_t limit);
/* Once a turn, first: take what others announced. */
void core_news(dispatch *d);
/* The change of a move now, in this turn's arena, with our fence. */
change core_change(dispatch *d, const gw_id *did, const char *why);
/* When a held reminder is looked at again. */
int64_t core_park_ms(const dispatch *d, const view_reminder *r, const decision *decided);
/* Build the transition of a policy decision that is not "send now". *ret_nothing: there is nothing
 * to write (still held for the same reason, still due at the same moment). */
gw_code core_decided(dispatch *d, const loaded *l, const decision *decided, state_txn *ret,
                     bool *ret_nothing, gw_err *err);
/* Transition of a reminder that cannot be decided about: unreadable body or debtor. False when it
 * is fine. */
bool core_undecidable(dispatch *d, const loaded *l, state_txn *ret);
decide_context core_decide_context(dispatch *d);
const dispatch_source *core_source(const dispatch *d, gw_str name);

/* port.c */
gw_code port_open(dispatch *d, gw_err *err);
void port_close(dispatch *d);
/* Read what is there, waiting at most wait_ms. Fills intents and outcomes. */
void port_receive(dispatch *d, int wait_ms);
/* Send one header and payload (p NULL none) to a worker. GW_ECLOSED it is gone, GW_EBUSY its queue
 * is full. */
gw_code port_send(dispatch *d, const uint8_t *identity, size_t identity_n, const wire_header *h,
                  gw_str payload);
/* The connection of a worker is closed: its flights are lost, it gets nothing more. */
void port_gone(dispatch *d, const worker *w);
void port_abort(dispatch *d, flight *f, const char *why);
void port_heartbeats(dispatch *d);
/* The worker of a lane with the most free credit, NULL if there is none. */
worker *port_free_worker(dispatch *d, char lane);
/* Free credit of a lane over all workers. */
size_t port_credit(const dispatch *d, char lane);
worker *port_worker(dispatch *d, const uint8_t *identity, size_t n);
/* Take the flight off its worker's account. */
void port_release(flight *f);

/* The steps of a turn. */
void lease_run(dispatch *d);
void recovery_run(dispatch *d);
void intent_run(dispatch *d);
void intent_done(dispatch *d); /* the end of a turn: whatever no step came to is taken back */
void outcome_run(dispatch *d);
void planner_run(dispatch *d);
/* planner.c: due entries of a lane that we serve ourselves (a w k); false: nothing to do. */
bool core_due(dispatch *d, char lane, state_due_entry **ret_due, size_t *ret_n);
void relook_run(dispatch *d); /* after a pause ended: what is held may go on */
void claim_run(dispatch *d);
void claim_accepted(dispatch *d, const loaded *list, size_t n); /* plan them, claim what may go */
void desk_run(dispatch *d); /* the desk's lane: tasks open and close, leases and calls run out */
void walk_run(dispatch *d);
void loss_run(dispatch *d); /* flights whose worker is gone, too slow, or whose grace is over */

/* wake.c: re-plan all reminders of these debtors. */
void wake_debtors(dispatch *d, const gw_id *dids, size_t n);

/* Drop a flight: off its worker, out of the table. */
void core_drop(dispatch *d, flight *f);

#endif
