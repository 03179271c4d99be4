/* turn.h - one turn of the intake thread: the messages taken together, and their verdicts.
 *
 *   turn.c      its life: open, play, clear
 *   request.c   frames -> request, verdicts -> frames
 *   submit.c    all jobs of the turn through one state_accept
 *   events.c    all events through the ledger and state_apply
 *   act.c       acts and questions, one by one, after the rest
 *
 * Inside of intake.h; the intake thread only. */
#ifndef INTAKE_TURN_H
#define INTAKE_TURN_H

#include "gateway/intake/intake.h"
#include "gateway/wire/schema.h"

#include <zmq.h>

enum {
    TURN_REQUESTS_MAX = 1024,
    TURN_SLOTS_MAX = INTAKE_TURN_BODIES + INTAKE_BODIES_MAX,
    TURN_ARENA_MAX = 256 * 1024 * 1024,
    TURN_SCRATCH_MAX = 16 * 1024 * 1024, /* parsing one body */
    TURN_REPLY_MAX = 64 * 1024 * 1024,
};

/* One client message. */
typedef struct {
    zmq_msg_t route;
    bool delimited; /* an empty frame (REQ) came before the protocol; it goes back */
    char id[INTAKE_REQUEST_ID_MAX];
    size_t id_n;
    verb verb;
    zap_role role;
    gw_str who;                /* NAME of the key, in the turn's arena */
    uint32_t first, n;         /* its slots */
    const char *code, *reason; /* refused as a whole: one verdict for the message; else NULL */
} request;

/* One body and, later, its verdict: a part of the turn's reply buffer. */
typedef struct {
    zmq_msg_t body;
    uint32_t request;
    size_t at, n; /* n 0: not answered yet */
} slot;

typedef struct {
    const intake_config *config;
    schema *schemas[VERB_COUNT];
    state *store;
    uint8_t id_key[GW_ID_KEY_BYTES];
    void *socket;
    gw_arena *arena;   /* lives for the turn */
    gw_arena *scratch; /* one body */
    gw_buf reply;
    request requests[TURN_REQUESTS_MAX];
    uint32_t request_n;
    slot slots[TURN_SLOTS_MAX];
    uint32_t slot_n;
    size_t bytes;
    gw_wall now;
    intake_counts counts; /* of this turn; intake.c adds them up */
    uint64_t news_jobs;   /* shards in which jobs were accepted ... */
    uint64_t news;        /* ... and those in which anything else may have changed */

    state_job jobs[TURN_SLOTS_MAX];
    uint32_t job_slots[TURN_SLOTS_MAX];
    state_accepted accepted[TURN_SLOTS_MAX];
    uint32_t job_n;
} turn;

/* ---- turn.c ---- */

/* config is borrowed. */
gw_code turn_new(const intake_config *config, turn **ret, gw_err *err) GW_NODISCARD;
void turn_free(turn *t); /* accepts NULL */
/* All phases, and dispatch is woken if there is news. */
void turn_play(turn *t);
/* What a slot is answered: its verdict, or "busy" when it has none. */
gw_str turn_verdict(const turn *t, const slot *s);
/* Forget requests and bodies; routes are closed already. */
void turn_clear(turn *t);

/* ---- request.c ---- */

/* Take the next waiting message into the turn; false when none waits. */
bool turn_take(turn *t, zap *z);
/* The turn can take another message whatever its size. */
bool turn_has_room(const turn *t);
/* Send every request's reply and forget the turn's content. */
void turn_send(turn *t);

static inline gw_str slot_body(const slot *s)
{
    zmq_msg_t *m = (zmq_msg_t *)(uintptr_t)&s->body; /* zmq has no const accessors */
    return (gw_str){zmq_msg_data(m), zmq_msg_size(m)};
}

/* Each of these writes the verdict of a slot. */
void slot_accepted(turn *t, slot *s, gw_str id, gw_str receipt, gw_wall at);
void slot_duplicate(turn *t, slot *s, gw_str id, gw_str receipt, gw_wall at);
void slot_rejected(turn *t, slot *s, const char *code, const char *reason, const char *pointer);
void slot_busy(turn *t, slot *s, int retry_after_ms);
/* The verdict a failed call leads to. */
void slot_failed(turn *t, slot *s, gw_code code, const gw_err *err);

/* Parse and validate a slot's body, find whom it is about. False: the slot has its verdict. */
typedef struct {
    json_doc doc;
    gw_str source; /* empty: an operator who named none */
} opened;
bool slot_open(turn *t, slot *s, gw_arena *arena, opened *ret);

/* ---- the phases ---- */

void turn_submit(turn *t);
void turn_events(turn *t); /* events, and cancels of items */
void turn_acts(turn *t);   /* everything that is left */

/* Why an id that is another debtor's is a conflict. */
extern const char turn_elsewhere[];

/* same.c: equal JSON whatever the order of members and the writing of strings; the top level member
 * `skipped` (may be NULL) does not count. */
bool json_same(const json_doc *a, const json_doc *b, const char *skipped);

#endif
