/* rig.h - a whole dispatch for tests: real Redis, real evidence log, real CURVE sockets, a worker
 * that does what the test says, and a clock that stands until it is set.
 *
 * The dispatch thread's turns are made by the test itself (rig_turn), so nothing sleeps and nothing
 * races: between two turns the test may do whatever the world could do at that point. */
#ifndef DUNLIN_TEST_DISPATCH_RIG_H
#define DUNLIN_TEST_DISPATCH_RIG_H

#include "gateway/dispatch/dispatch.h"
#include "gateway/dispatch/view.h"
#include "gateway/wire/verb.h"
#include "gateway/wire/worker.h"
#include "templates/engine/bundle.h"
#include "tests/support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { RIG_WORKERS = 4, RIG_SHARED_TASKS = 4096 };

/* 2013-03-04 is a Monday; the standard debtor lives in Europe/Berlin (UTC+1 then). */
#define RIG_MONDAY_10H INT64_C(1362387600000) /* 2013-03-04T10:00 in Berlin */
#define RIG_HOUR       INT64_C(3600000)
#define RIG_DAY        (24 * RIG_HOUR)

typedef struct {
    void *socket;
    curve_pair pair;
    char name[32];
    bool beating; /* sends heartbeats with every turn */
    gw_mono told;
} rig_worker;

/* A task as the worker keeps it. */
typedef struct {
    char rid[GW_ID_TEXT], tok[40], template[TEMPLATE_VERSION_TEXT], to[128];
    int attempt;
    size_t to_n;
    int64_t now_ms, deadline_ms;
    char message_id[128];
    char *facts; /* of the last task only; freed by the rig */
} rig_task;

typedef struct {
    char dir[64], paths[3][160];
    redis_server *redis;
    state *store; /* the test's own look at the store */
    gw_arena *arena;
    gw_err err;
    gw_clock *clock;
    clock_walk *walk;
    void *zmq;
    zap *zap;
    curve_pair pair;
    evidence *ev;
    recorder *recorder;
    policy_rules *rules;
    zone_table *zones;
    ladder *ladders[1];
    dispatch_source sources[1];
    dispatch_config config;
    uint8_t id_key[GW_ID_KEY_BYTES];
    dispatch *d;
    const char *debtor; /* whose jobs and fields are meant; NULL: "d1" */
    rig_worker workers[RIG_WORKERS];
    bool alone;                          /* what READY says of it */
    char *facts;                         /* payload of the last TASK */
    const char *provider, *provider_ref; /* what outcomes say of them; NULL: nothing */
    char endpoint[CURVE_ENDPOINT_TEXT];
} rig;

/* For cmocka's set-up and tear-down of each test; *cm is a rig. rig_start opens everything but a
 * worker and the recorder; the clock stands at RIG_MONDAY_10H. */
int rig_start(void **cm);
int rig_stop(void **cm);
/* A dispatch over the same store. */
void rig_open(rig *r);
/* The gateway is gone with all it had in memory. The next rig_open binds the same endpoint, so that
 * workers find it again. */
void rig_crash(rig *r);
void rig_record(rig *r); /* start the recorder */
/* Every shard is leased to owner until a moment of Redis's clock; 0: the lease is over. */
void rig_lease_to(rig *r, const char *owner, int64_t until_ms);

/* Move everything the outbox holds into the log, without a recorder running beside the test. */
void rig_log(rig *r);
/* The gateway dies and its Redis with all data; an empty one is in its place. rig_open goes on. */
void rig_lose_store(rig *r);

/* One turn, and the heartbeats of the workers. True when it did something. */
bool rig_turn(rig *r);
/* Turns until one does nothing, at most 200. */
void rig_settle(rig *r);
void rig_set(rig *r, int64_t now_ms);

/* ---- the billing system ---- */

/* The standard debtor d1 with a primary contact and a finance head. */
void rig_debtor(rig *r);
/* Any event of intake's ledger on debtor "d1" of source "erp", waking the debtor. */
void rig_tell(rig *r, verb v, const char *json);
void rig_tell_of(rig *r, const char *debtor, verb v, const char *json);
/* Submit a job of d1; more: further members, e.g. ",\"case\":\"i1\"". */
void rig_submit(rig *r, const char *id, const char *more);
/* On another channel than e-mail. */
void rig_submit_on(rig *r, const char *channel, const char *id, const char *more);
/* Publish another text of the template "letter". */
void rig_publish(rig *r, const char *text);
/* A shipped template, "en/promised-statement". */
void rig_publish_shipped(rig *r, const char *name);
void rig_pause(rig *r, const char *field, bool on);

/* ---- what the store says ---- */

char rig_state(rig *r, const char *job); /* state letter, 0 if there is none */
/* A field of a reminder as text, in static storage. */
const char *rig_field(rig *r, const char *job, const char *field);
int64_t rig_due(rig *r, const char *job);
/* The evidence events of the outbox about a job, "x-Plan x-AttemptIntent ...", static storage. */
const char *rig_records(rig *r, const char *job);
/* Text of the public facts of the last record of that event about a job, static storage. */
const char *rig_fact(rig *r, const char *job, const char *event);
/* The attempts that the records of that event about a job name, "1 2", static storage. */
const char *rig_attempts(rig *r, const char *job, const char *event);
int rig_cap(rig *r, const char *field); /* a counter of debtor d1 */
/* A field of debtor d1. */
void rig_debtor_field(rig *r, const char *field, char *ret, size_t cap);
/* A field of debtor d1's items hash. */
void rig_item_field(rig *r, const char *field, char *ret, size_t cap);
uint64_t rig_count(rig *r, char letter);

/* ---- the worker ---- */

rig_worker *rig_join(rig *r, int which, int credit); /* connect and say READY */
rig_worker *rig_join_on(rig *r, const char *channel, int which, int credit);
/* One that keeps a carrier's rate by itself. */
rig_worker *rig_join_alone(rig *r, const char *channel, int which, int credit);
void rig_job_and_worker(rig *r);   /* the standard debtor, his job j1, worker 0 with credit 4 */
void rig_leave(rig *r, int which); /* the process dies */
/* The next message of that type, turning until it comes (or failing the test). */
void rig_expect_task(rig *r, int which, rig_task *ret);
bool rig_poll_task(rig *r, int which, rig_task *ret); /* one turn at most */
bool rig_try_task(rig *r, int which, rig_task *ret);  /* turns until idle, then false */
void rig_send_intent(rig *r, int which, const rig_task *t);
wire_type rig_expect(rig *r, int which, const rig_task *t); /* GO, ABORT or SEEN of this task */
void rig_send_outcome(rig *r, int which, const rig_task *t, wire_result result, int64_t retry_ms);
/* The outcome of a call. */
void rig_send_call(rig *r, int which, const rig_task *t, wire_result result, const char *why,
                   const wire_call *call);
void rig_say_no_go(rig *r, int which, const rig_task *t); /* OUTCOME: GO never came */
/* TASK .. SEEN with "delivered"; fails the test if anything else happens. */
void rig_deliver(rig *r, int which, rig_task *ret);
/* The id of the PULL that comes to a worker, and what it asks about; false when none comes. */
bool rig_try_pull(rig *r, int which, char ret_id[128], char ret_own[64]);
void rig_send_pulled(rig *r, int which, const char *id, wire_pulled_verdict verdict,
                     wire_receipt_state says);
/* TEMPLATE bytes answered to WANT. */
size_t rig_want(rig *r, int which, const char *version);

#endif
