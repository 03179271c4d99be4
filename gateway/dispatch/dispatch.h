/* dispatch.h - the thread that moves reminders: plans, claims, hands out, and books outcomes.
 *
 * One dispatch owns shards of the state store by lease and works in turns. A turn drains the
 * workers' messages, makes all intents durable with one sync and one pipeline, books all outcomes,
 * plans what is new, and claims what is due for workers with credit. Every change is one transition
 * with its evidence record; the moves are life.h's rows.
 *
 *   dispatch.c     the turn, lease, status        port.c      sockets, workers, credit
 *   planner.c      lanes a, w: plan, hold, expire wake.c      a changed debtor, ladder steps
 *   claim.c        due, or may go at once -> TASK intent.c    INTENT -> durable -> GO
 *   outcome.c      OUTCOME -> booked -> SEEN      recovery.c  what a dead gateway or worker left
 *   change.c       a move as one transition       walk.c      the movable clock
 *   desk*.c        tasks for people (desk.h)
 *   query*.c, act.c  what intake asks on its own thread, on its own connection
 *   questions.c    what became of a message: asked of workers
 *   recorder.c     outbox -> evidence log, its own thread
 *   booker*.c, reply.c  inbox -> receipts and replies booked, its own thread (booker.h)
 *
 * Fail closed: without the store, the evidence log, or the lease, nothing is claimed and no GO is
 * given. Logs hold ids, codes and counts only.
 *
 * Thread: dispatch_open, dispatch_close and dispatch_step one thread, or dispatch_run as the body
 * of a thread; dispatch_wake, dispatch_drain, dispatch_get_status any thread. */
#ifndef GATEWAY_DISPATCH_DISPATCH_H
#define GATEWAY_DISPATCH_DISPATCH_H

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/dispatch/desk_rules.h"
#include "gateway/dispatch/recorder.h"
#include "gateway/dispatch/retry.h"
#include "gateway/dispatch/walk.h"
#include "gateway/evidence/evidence.h"
#include "gateway/ladder/ladder.h"
#include "gateway/policy/policy.h"
#include "gateway/policy/third_party.h"
#include "gateway/state/state.h"
#include "gateway/wire/curve.h"
#include "gateway/wire/zap.h"

enum {
    DISPATCH_SOURCES_MAX = 256,
    DISPATCH_LADDERS_MAX = 64,
    DISPATCH_BATCH = 1024,          /* reminders of one step of a turn */
    DISPATCH_MESSAGES = 4096,       /* worker messages read in one turn */
    DISPATCH_TURN_BYTES = 64 << 20, /* message bytes read in one turn */
    DISPATCH_WORKERS_MAX = 256,
    DISPATCH_CREDIT_MAX = 4096,        /* tasks of one worker, whatever it asks for */
    DISPATCH_HEARTBEAT_MS = 1000,      /* we say it that often ... */
    DISPATCH_WORKER_SILENCE_MS = 5000, /* ... and give a silent worker up after this */
    DISPATCH_GRACE_MS = 3000,          /* for the repeated OUTCOME of an attempt in flight */
    DISPATCH_RENDER_MS = 120000,       /* from TASK to INTENT; then the task is taken back */
    DISPATCH_LEASE_MS = 5000,
};

/* A billing system and the creditor it speaks for. */
typedef struct {
    const char *name;     /* as its key is allow-listed; "*" or NULL: every source not named */
    gw_str creditor;      /* JSON object: name, address?, email?, phone?, payment? */
    gw_str signature;     /* JSON object: name, title; or empty */
    const char *locale;   /* when neither job nor debtor has one; NULL "en" */
    const char *ladder;   /* of items that name none; NULL or "" none */
    bool timing_off;      /* nothing is predicted or learned for it (unlearned.h) */
    policy_sender sender; /* collects its own debts, or others'; UNKNOWN: rules for both apply */
} dispatch_source;

/* Who the messages come from. */
typedef struct {
    const char *name, *address;
    const char *reply_to, *unsubscribe; /* NULL or "": none */
    const char *public_url; /* of /u/<token>, which then is each mail's List-Unsubscribe; NULL or
                               "": none */
} dispatch_sender;

/* All pointers are borrowed until dispatch_close. */
typedef struct {
    void *zmq;
    zap *zap;                    /* runs in zmq; admits domain workers */
    const char *worker_endpoint; /* "tcp://127.0.0.1:5551"; port 0 picks one */
    const curve_pair *pair;
    state_config state; /* dispatch opens its own connection; state_setup was done */
    evidence *evidence; /* for message bytes; shared with the recorder */
    recorder *recorder; /* asked whether evidence can still be written; NULL: trust */
    gw_clock *clock;
    clock_walk *walk; /* NULL: the clock is not movable */
    const char *template_store;
    const uint8_t *id_key;     /* GW_ID_KEY_BYTES */
    const policy_rules *rules; /* until the store names others as in force (intake/rules.h) */
    const struct rules_places *rules_places; /* who may sign those; NULL: rules is what counts */
    zone_table *zones;
    const ladder *const *ladders;
    size_t ladder_n;
    const dispatch_source *sources;
    size_t source_n;
    dispatch_sender sender;
    unsigned channels; /* bit policy_channel: workers of it are expected here */
    retry_rules retry;
    desk_rules desk;              /* zeroed members: their defaults */
    const char *willing_model[2]; /* files of `dunlin timing score --save`; NULL or "": built in */
    const char *timing_model;     /* file of `dunlin timing fit`; NULL, "" or absent: none */
    uint32_t timing_capacity[3];  /* contacts an hour by e-mail, SMS, voice; 0 no limit */
    unsigned timing_holdout;      /* percent of the debtors who get a random allowed hour */
    int promise_grace_days;
    int64_t bounce_ms;                       /* a bounce's suppression without an end of its own */
    const struct provider *const *providers; /* of SMS (gateway/wire/provider.h); NULL none */
    size_t provider_n;
    const third_party *third_parties; /* roles never written to; NULL: no list */
    const struct bind_apart *apart;   /* senders of their own (intake/bind.h); NULL: none */
    int64_t hold_recheck_ms;          /* a held reminder is looked at again after this; 0 = 24 h */
    int lease_ms;                     /* 0 = DISPATCH_LEASE_MS */
    int silence_ms;                   /* 0 = DISPATCH_WORKER_SILENCE_MS */
    int grace_ms;                     /* 0 = DISPATCH_GRACE_MS */
    int heartbeat_ms;                 /* 0 = DISPATCH_HEARTBEAT_MS */
} dispatch_config;

typedef struct dispatch dispatch;

/* Connects nothing yet but the worker socket. GW_EINVAL a configuration that cannot work. */
gw_code dispatch_open(const dispatch_config *config, dispatch **ret, gw_err *err) GW_NODISCARD;
/* Gives the lease back. Call after dispatch_run returned. Accepts NULL. */
void dispatch_close(dispatch *d);
GW_CLEANUP_FUNC(dispatch, dispatch_close)

/* The worker endpoint really bound. */
const char *dispatch_endpoint(const dispatch *d);

/* One turn; waits at most wait_ms for something to do. Answers what stopped the turn early (the
 * store is away: GW_EBUSY), which is no reason to stop calling it. *ret_busy: something was done.
 */
gw_code dispatch_step(dispatch *d, int wait_ms, bool *ret_busy, gw_err *err);
/* Turns until it is drained. Logs a failing turn once per change of reason. */
void dispatch_run(dispatch *d);

/* Something was accepted or changed in these shards (one bit each): look now instead of at the next
 * poll. Never blocks. */
void dispatch_wake(dispatch *d, uint64_t shards);
/* The same of shards in which jobs were accepted and nothing else changed: the other lanes are not
 * asked for it. */
void dispatch_wake_jobs(dispatch *d, uint64_t shards);
/* Claim nothing more; dispatch_run returns when nothing is in flight or wait_ms have passed. */
void dispatch_drain(dispatch *d, int wait_ms);

typedef struct {
    char name[ZAP_NAME_MAX + 1], channel[16];
    int credit, outstanding;
    bool draining;
} dispatch_worker;

typedef struct {
    size_t worker_n;
    dispatch_worker workers[DISPATCH_WORKERS_MAX];
    int shards;                /* owned now */
    uint64_t claimed, sending; /* in flight here */
    uint64_t waiting_outcomes; /* received, not yet durable */
    bool store_ok, recorder_ok, lease_ok, draining;
    uint64_t turns, tasks, intents, gos, aborts, outcomes, plans, unexpected;
} dispatch_status;
void dispatch_get_status(dispatch *d, dispatch_status *ret);
/* Shards leased now: 1 ours, 0 not. */
void dispatch_shards(dispatch *d, uint8_t ret_mask[STATE_SHARDS]);

#endif
