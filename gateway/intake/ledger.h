/* ledger.h - what an event of billing does to a debtor: a pure fold.
 *
 * (debtor as loaded, event) -> verdict, field sets, one evidence record. Nothing is read or
 * written; intake commits the result with the debtor's version checked and folds again when the
 * debtor has moved meanwhile.
 *
 * Idempotence. Every stored object keeps the digest of the body that made it (sum) and when that
 * was accepted (rx). Payments: an id is one payment for ever; another body under it is a conflict.
 * Promises and disputes: the id names the object, another body changes it. Items and debtors: an
 * upsert; the same body as the last one is a duplicate. Holds, windows and consent entries: the id
 * names the act; the last LEDGER_SEEN_MAX acts on the same hold, window or address are remembered.
 *
 * Replay. A record's private part holds the verb and the body as it came: folding the bodies of the
 * log in its order with the moments of the records makes the same debtor again (`dunlin rebuild`).
 *
 * Stored objects (state.h field names), beside the members of the body:
 *   items   i:<item>     paid_minor, state open|disputed|paid|closed, stated (what billing says),
 *                        rx, sum
 *           y:<payment>  rx, sum      m:<promise> state, rx, sum      u:<dispute> rx, sum
 *   debtor  src, deb     source and debtor id
 *           b            the last debtor body as received; bs its "sum:rx"
 *           h:<kind>     state set|released, rx, seen
 *           o:<channel>:<address>   consent for every purpose; scope channel is o:<channel>:*,
 * scope all is o:*:*, scope debt is o:#:<item or case>; rx, seen op:<purpose>:<channel>:<address>
 * the same for one purpose x:<suppression>:<channel>:<address>  an address that must not be used;
 * state suppressed or lifted, until_ms of a bounce w:<window>  hours the debtor stated: use
 * only|never, channel, days, from, to
 *
 * Pure; any thread. Results live in the arena or borrow the event. */
#ifndef INTAKE_LEDGER_H
#define INTAKE_LEDGER_H

#include "gateway/base/json.h"
#include "gateway/policy/third_party.h"
#include "gateway/state/state.h"
#include "gateway/wire/format.h"
#include "gateway/wire/verb.h"

enum {
    LEDGER_SETS_MAX = 4,
    LEDGER_SEEN_MAX = 16,
    LEDGER_FIELDS_MAX = 20000,         /* items, payments, promises and disputes of one debtor */
    LEDGER_AHEAD_MS = 24 * 3600000,    /* a consent's moment may be this far ahead of the clock */
    LEDGER_PROOF_MAX = 32 * 1024,      /* bytes of a consent's proof */
    LEDGER_CONFIRM_MS = 5 * 60 * 1000, /* an opt-out is confirmed so soon or never; 47 CFR
                                          64.1200(a)(12) */
};
/* and the consent entry's id: the job that confirms it */
#define LEDGER_CONFIRM_JOB FORMAT_JOB_OWN

typedef struct {
    verb verb;            /* a VERB_EVENT, or VERB_CANCEL of an item */
    gw_str source;        /* billing system */
    gw_str debtor;        /* its debtor id */
    const json_doc *body; /* valid by its schema */
    gw_wall now;
    gw_str receipt;                   /* goes into the record's public facts */
    const third_party *third_parties; /* roles no contact may be designated in; NULL: no list */
} ledger_event;

typedef enum { LEDGER_ACCEPTED, LEDGER_DUPLICATE, LEDGER_REJECTED } ledger_verdict;

typedef struct {
    ledger_verdict verdict;
    const char *code, *reason,
        *pointer; /* REJECTED: static texts (verdict.h); pointer may be NULL */
    gw_wall at;   /* ACCEPTED: now; DUPLICATE: of the first */
    state_field debtor_sets[LEDGER_SETS_MAX], item_sets[LEDGER_SETS_MAX]; /* ACCEPTED only */
    size_t debtor_n, item_n;
    state_record record; /* ACCEPTED only */
    /* ACCEPTED, a withdrawal that is to be confirmed: the job to create with it; else n 0. */
    gw_str job, job_channel, job_body;
} ledger_result;

/* GW_ENOMEM (arena), GW_ECORRUPT (a stored object is not what this module writes). */
gw_code ledger_fold(const state_debtor *debtor, const ledger_event *event, gw_arena *arena,
                    ledger_result *ret, gw_err *err) GW_NODISCARD;
/* The debtor as it is once the result is committed: fields set, version moved by one. */
gw_code ledger_patch(state_debtor *debtor, const ledger_result *result, gw_arena *arena,
                     gw_err *err) GW_NODISCARD;

/* ledger_txn.c: the transition that commits an ACCEPTED result: the debtor's version is checked,
 * the debtor is woken, the job a result asks for is created with it. id_key: GW_ID_KEY_BYTES.
 * Everything lives in the arena or borrows debtor, event and result. GW_ENOMEM. */
gw_code ledger_txn(const state_debtor *debtor, const ledger_event *event,
                   const ledger_result *result, const uint8_t *id_key, gw_arena *arena,
                   state_txn *ret, gw_err *err) GW_NODISCARD;
/* Without the job: its id is another debtor's. */
void ledger_txn_drop_job(state_txn *t);

#endif
