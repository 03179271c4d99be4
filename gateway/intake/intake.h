/* intake.h - the door for billing systems and operators: a CURVE ROUTER and its thread.
 *
 * README.md in this folder is the protocol page. A submitted job is answered `accepted` only after
 * the state store has it on disk; whatever is not known to be stored is answered `busy`, and the
 * client repeats it: the same (source, id) with the same content gets the first receipt again.
 * Messages that are waiting are taken together (up to INTAKE_TURN_BODIES), so that one durable
 * write serves many clients.
 *
 * Memory is bounded by the limits below: per turn by INTAKE_TURN_BYTES plus one message, per
 * client by INTAKE_QUEUE messages inside ZeroMQ.
 *
 * Roles: a key from keys/clients acts for its own name (source) only. A key from keys/operators may
 * act for any source and names it in the body member "source" (in consent: "of").
 *
 * Thread: intake_start and intake_stop one thread; intake_count any. */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/base/json.h"
#include "gateway/intake/verdict.h"
#include "gateway/policy/third_party.h"
#include "gateway/state/state.h"
#include "gateway/wire/curve.h"
#include "gateway/wire/verb.h"
#include "gateway/wire/zap.h"

enum {
    INTAKE_BODY_MAX = 64 * 1024,           /* bytes of one body */
    INTAKE_BODIES_MAX = 4096,              /* bodies in one message */
    INTAKE_MESSAGE_MAX = 32 * 1024 * 1024, /* bytes of one message, and of one frame */
    INTAKE_REQUEST_ID_MAX = 128,           /* bytes of the request id frame */
    INTAKE_TURN_BODIES = 4096,             /* bodies gathered before a turn ends */
    INTAKE_TURN_BYTES = 8 * 1024 * 1024,
    INTAKE_QUEUE = 64,                   /* messages per client inside ZeroMQ, each way */
    INTAKE_ANSWER_MAX = 8 * 1024 * 1024, /* bytes of a query's answer */
    INTAKE_OUTBOX_MAX = 20000,           /* default bound of each shard's outbox */
    INTAKE_BUSY_MS = 250,                /* retry_after_ms when the outbox is full */
    INTAKE_DOWN_MS = 1000,               /* ... when the state store is not reachable */
};

/* One body that intake does not answer itself. Borrowed for the call. */
typedef struct {
    verb verb;            /* VERB_QUERY, VERB_CANCEL (of a job), VERB_CLOCK, VERB_RETRY */
    zap_role role;        /* ZAP_CLIENT or ZAP_OPERATOR */
    gw_str who;           /* NAME of the key */
    gw_str source;        /* the billing system it is about; empty: an operator who named none */
    const json_doc *body; /* valid by config/schema/<verb>.json; node 0 is the object */
    gw_wall now;
    state *store; /* intake's own connection, for use during the call */
    gw_arena *arena;
} intake_ask;

/* Called on the intake thread; each should answer within milliseconds: clients wait behind it. */
typedef struct {
    void *context;
    /* Append one JSON object, the answer. On failure intake answers rejected or busy by the code
     * (GW_EINVAL invalid, GW_ENOTFOUND unknown-job, GW_EREFUSED refused, GW_EBUSY/GW_ETIMEOUT
     * busy). */
    gw_code (*query)(void *context, const intake_ask *ask, gw_buf *ret_json, gw_err *err);
    /* cancel of a job, clock, retry: append one verdict (verdict.h). Failures as above, and
     * GW_ECONFLICT too-late. */
    gw_code (*act)(void *context, const intake_ask *ask, gw_buf *ret_json, gw_err *err);
    /* Dispatch may look at these shards (one bit each): jobs were accepted there and nothing more;
     * anything may have changed there. Must not block. */
    void (*wake)(void *context, uint64_t jobs, uint64_t changed);
} intake_calls; /* any function may be NULL: then the verb is answered "unavailable" */

typedef struct {
    void *zmq;            /* context */
    zap *zap;             /* running in that context */
    const char *endpoint; /* "tcp://127.0.0.1:5550"; port 0 or * picks one */
    const curve_pair *pair;
    const char *schema_folder; /* config/schema; every file must be there and valid */
    state_config state;        /* intake opens its own connection; state_setup was done before */
    const uint8_t *id_key;     /* GW_ID_KEY_BYTES, copied */
    const gw_clock *clock;     /* borrowed */
    uint32_t outbox_max;       /* 0 = INTAKE_OUTBOX_MAX */
    const third_party
        *third_parties;             /* borrowed; roles nobody may ask to write to; NULL: no list */
    const struct bind_apart *apart; /* borrowed; senders of their own (bind.h); NULL: none */
    const struct rules_places *rules; /* borrowed; the files verb rules puts in force; NULL: it is
                                         answered "unavailable" */
    intake_calls calls;
} intake_config;

typedef struct intake intake;

/* Load the schemas, bind, start the thread. Strings are copied where needed. */
gw_code intake_start(const intake_config *config, intake **ret_intake, gw_err *err) GW_NODISCARD;
/* Answer what was received, close the socket, join. Accepts NULL. */
void intake_stop(intake *in);
GW_CLEANUP_FUNC(intake, intake_stop)
/* The endpoint really bound. */
const char *intake_endpoint(const intake *in);

typedef struct {
    uint64_t messages, accepted, duplicate, rejected, busy, answered; /* bodies, but messages */
    uint64_t unsent; /* replies whose client was gone or did not read */
} intake_counts;
void intake_count(const intake *in, intake_counts *ret_counts);

/* The ids intake uses, for everyone who must find the same things: reminder of (source, job),
 * debtor of (source, debtor), and the receipt of an event. */
void intake_reminder_id(const uint8_t key[GW_ID_KEY_BYTES], gw_str source, gw_str job,
                        gw_id *ret_rid);
void intake_debtor_id(const uint8_t key[GW_ID_KEY_BYTES], gw_str source, gw_str debtor,
                      gw_id *ret_did);
void intake_event_id(const uint8_t key[GW_ID_KEY_BYTES], gw_str source, verb v, gw_str id,
                     gw_id *ret_receipt);

#endif
