/* desk.h - the call desk: ladder steps of kind task (and hand-offs) as work for people.
 *
 * A task is a reminder whose life goes through O, L and T (life.h) instead of C and S:
 *
 *   planned  policy and timing chose a moment, as for any reminder
 *   open     the moment has come, and window, caps, consent and holds allow it: listed by rank
 *            (desk_rank.h). It closes with its window and is planned again; what nobody did by its
 *            not_after expires, on record
 *   leased   one agent took it, for desk_rules.lease_ms. An agent that vanishes gives it back
 *   calling  the agent said "dial": everything was decided again, the caps were taken, the script
 *            is stored and the intent recorded in that step. After desk_rules.call_ms without a
 *            word it is `unknown` until the agent says what became of it: never dialled again by
 *            itself
 *   then     an outcome of desk_outcome.h with all it triggers, in one atomic step
 *
 * So every promise of the other channels holds here too, with a person instead of a worker. What a
 * person does without saying "dial" cannot be prevented; told afterwards, it is counted all the
 * same and the record says "announced":"no".
 *
 *   desk_run.c      the dispatch thread: opening, closing, leases and calls that run out
 *   desk_take.c     verb `call`: next, take
 *   desk_act.c      verb `call`: dial, confirm, release
 *   desk_record.c   verb `call`: record; the outcome and its triggers as one transition
 *   desk_attach.c   verb `call`: attach
 *   desk_list.c     question `calls`
 *   desk_statement.c  a statement that was promised on the phone
 *   desk_script.c   what the agent reads: script, excuses, outcomes
 *   desk_memory.c   field dk of a task
 *
 * Acts run on intake's thread and connection, without the lease of a shard: each is one transition
 * checked against the reminder's version, so of two agents one wins. A lease is fenced by agent and
 * number. Private to gateway/dispatch. */
#ifndef GATEWAY_DISPATCH_DESK_H
#define GATEWAY_DISPATCH_DESK_H

#include "gateway/dispatch/core.h"
#include "gateway/dispatch/desk_outcome.h"
#include "gateway/dispatch/desk_rank.h"
#include "gateway/dispatch/ledger_join.h"
#include "gateway/dispatch/query_part.h"
#include "gateway/state/mark.h"

enum {
    DESK_RECORDS_MAX = 80, /* acts and attached parts of one task whose repetition is recognised */
    DESK_LOOK_MAX = 256,   /* open tasks looked at for one "next" */
    DESK_CHUNK = 32,       /* ... of them loaded at a time */
    DESK_HANDS_MAX = 1000, /* tasks in people's hands at a time */
    DESK_TRIES = 5,        /* an act whose task keeps moving is given up (busy) */
};
/* Tasks that were begun and of which nobody said what became (mark.h). A mark may lead to one that
 * has gone on since; desk_list.c removes it when the task is over. */
#define DESK_MARK 't'
/* Statements promised on the phone (desk_statement.c), until they are sent. */
#define DESK_STATEMENT_MARK  's'
#define DESK_STATEMENT_FIELD "sw:"
enum {
    DESK_STATEMENT_DAYS = 60,  /* a deadline lies at most so far ahead */
    DESK_STATEMENT_GRACE = 30, /* days after its deadline on which it is still worth sending */
};

/* ---- desk_memory.c: what the desk remembers of a task, field dk ---- */

typedef struct {
    gw_str id, sum;
    int64_t at_ms;
} desk_act;

typedef struct {
    int64_t opened_ms, dialled_ms; /* 0: not yet */
    int64_t lease;                 /* number of the lease; grows with each */
    int64_t tries;                 /* that reached nobody */
    bool confirmed;                /* this call's right party */
    desk_act acts[DESK_RECORDS_MAX];
    size_t act_n;
} desk_memory;

/* An absent or unreadable memory is an empty one. Borrows r and the arena. */
void desk_memory_read(const view_reminder *r, gw_arena *arena, desk_memory *ret);
/* p NULL: out of memory. */
gw_str desk_memory_text(const desk_memory *m, gw_arena *arena);
const desk_act *desk_memory_act(const desk_memory *m, gw_str id);
/* Remember an act; the oldest is forgotten past DESK_RECORDS_MAX. */
void desk_memory_add(desk_memory *m, gw_str id, gw_str sum, int64_t at_ms);

/* ---- desk_run.c ---- */

/* Open or leased: what a change of the debtor may still take away. */
static inline bool desk_is_out(const view_reminder *r)
{
    return r->state == LIFE_OPEN || r->state == LIFE_LEASED;
}
/* A decision "now" about a task that is out: it stays, until another moment or with another rank
 * perhaps. As core_decided. */
gw_code desk_stays(dispatch *d, const loaded *l, const decision *decided, state_txn *ret,
                   bool *ret_nothing, gw_err *err);
int64_t desk_rank_of(const loaded *l, const decision *decided, const desk_memory *m, gw_wall now);

/* ---- desk_act.c ---- */

/* Who acts, and on what; of one ask. */
typedef struct {
    query *q;
    const intake_ask *ask;
    gw_str agent;
    desk_rules rules;
    decide_context decide;
    gw_err *err;
} desk;

/* The reminder that member task names, whatever it is. */
gw_code desk_find(desk *k, loaded **ret);
/* The task of the body, leased to this agent under the lease it names (if it names one).
 * GW_ENOTFOUND no such task; GW_ECONFLICT it is not this agent's. */
gw_code desk_mine(desk *k, loaded **ret, desk_memory *ret_m);
/* A change by this agent now. */
change desk_change(const desk *k, const loaded *l, const char *why);
/* Who did it, for the record: {"agent", "key", "note"?, ...}; more: further members without braces,
 * or empty. p NULL: out of memory. */
gw_str desk_priv(const desk *k, gw_str more);

gw_code desk_no_memory(const desk *k);
/* Decide about a task as of now; of a decision: may it be done now? */
gw_code desk_decide(const desk *k, const loaded *l, decision **ret);
bool desk_is_now(const decision *d);
/* Policy says no to a task that is out: dispatch looks at the debtor and books it properly. */
void desk_have_looked_at(const desk *k, const loaded *l);
gw_code desk_refused(const desk *k, const loaded *l,
                     const decision *d); /* that, and GW_ECONFLICT */
/* One move. *ret STATE_STALE and the like: read again, at most DESK_TRIES times. */
gw_code desk_apply(const desk *k, const loaded *l, const change *c, life_event on,
                   state_verdict *ret);
gw_code desk_keeps_moving(const desk *k); /* GW_EBUSY */
/* {"verdict":"accepted", ... until; name: of the state it has now. The caller closes it. */
void desk_open_answer(const desk *k, const loaded *l, const char *name, const desk_memory *m,
                      int64_t until_ms, gw_buf *ret);
/* The same with the task, closed. */
gw_code desk_show(desk *k, const loaded *l, const decision *decided, const desk_memory *m,
                  const char *name, int64_t until_ms, gw_buf *ret);
/* A task that this agent has, as it stands. */
gw_code desk_show_held(desk *k, const loaded *l, gw_buf *ret);

/* Digest of the body, for acts that are told once under an id. */
gw_code desk_digest(const desk *k, gw_str *ret);
/* The task's memory; *ret_known: the act was told before, and the verdict (duplicate, or conflict
 * when the body differs) is written. */
gw_code desk_look_back(const desk *k, const loaded *l, gw_str sum, desk_memory *ret_m,
                       bool *ret_known, gw_buf *ret);

/* ---- desk_take.c ---- */

gw_code desk_next(desk *k, gw_buf *ret);
gw_code desk_take(desk *k, gw_buf *ret);

/* ---- desk_record.c ---- */

gw_code desk_record(desk *k, gw_buf *ret);

/* ---- desk_attach.c ---- */

gw_code desk_attach(desk *k, gw_buf *ret);

/* ---- desk_script.c ---- */

/* Append members about the task: facts, script (rendered as of now) and what may be recorded.
 * ret_script (may be NULL): the script's text in the arena. */
gw_code desk_put_task(desk *k, const loaded *l, const decision *decided, const desk_memory *m,
                      gw_buf *ret, gw_str *ret_script, gw_str *ret_version);

/* ---- desk_statement.c ---- */

/* May a statement be promised with this outcome? */
bool desk_statement_fits(const desk_outcome *o);
/* Its deadline: from today (or the day it still is west of Greenwich) to DESK_STATEMENT_DAYS. */
bool desk_statement_day(gw_str text, gw_wall now, int32_t *ret_day);
/* The job the body asks for, among the debtor's changes; n tells it from others of this task.
 * *ret_wrong: why it cannot be promised like that, and nothing was added. */
gw_code desk_statement_add(const desk *k, const loaded *l, int n, ledger_join *j,
                           const char **ret_wrong);
/* Append member "promised": those that are not sent yet. */
gw_code desk_statements(const desk *k, size_t limit, gw_buf *ret);

/* ---- desk_list.c ---- */

/* Reminders that marks of a kind (key zero, value a reminder's id) lead to, beside their marks. */
gw_code desk_load_marked(const desk *k, char kind, state_mark **ret_marks, loaded **ret,
                         size_t *ret_n);

/* Tasks in a state (O, L, T), highest rank first. */
gw_code desk_load(const desk *k, char letter, size_t limit, loaded **ret, size_t *ret_n);

#endif
