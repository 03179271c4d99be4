/* rebuild.h - the state made again from the evidence log, after Redis was lost.
 *
 * The log is verified first and read in its order: events of billing are folded again from their
 * bodies (ledger.h), reminders are created from their submissions and moved by their records, caps
 * are counted from the intents, pauses and windows are set again. Every record's moment is the
 * moment of what it made, so the same debtors, items, consents, holds and counters come out.
 *
 * Nothing is sent twice. A reminder whose intent is in the log without an outcome is put back in
 * flight, and the next gateway makes it unknown as it does with everything a dead gateway left.
 * What the store had acknowledged but the recorder had not yet logged is lost with the store:
 * message bytes that no entry names (stray.h) tell which reminders may have been sent in that
 * moment, and those become unknown too. Jobs and events of that moment must be sent again by the
 * billing systems; ret->log_ends says from when on.
 *
 * Fails closed: nothing is written unless the store is empty and the log verifies; a record that
 * cannot be folded again ends it (the store is then to be emptied before another try).
 * Made again with it: delivery states and what leads from a provider's id, an address or an unread
 * reply to its reminder or debtor, replies, moments of last conversations, failed attempts, the
 * desk's memory of a task, what was said at addresses (intake/bind.h).
 * Not made again: starts of a reminder without outcome (they begin at zero), the last outcome in
 * full (it is in the log), what the timing model learned, claims without an intent (nothing can
 * have left). What is not final is decided about anew. Thread: one owner; no gateway may run. */
#ifndef GATEWAY_DISPATCH_REBUILD_H
#define GATEWAY_DISPATCH_REBUILD_H

#include "gateway/evidence/evidence.h"
#include "gateway/state/state.h"

enum { REBUILD_CHUNK = 256 }; /* transitions of one call */

typedef struct {
    const char *evidence_dir, *tenant_key,
        *state_dir;        /* as evidence_config; state_dir may be NULL */
    const uint8_t *id_key; /* GW_ID_KEY_BYTES */
    state_config state;
    bool clock_movable; /* the clock of the log was set by hand: it stands again where the log ends
                         */
    gw_wall now;
} rebuild_order;

typedef struct {
    uint64_t entries, events, reminders, in_flight, unsure, strays, erased;
    gw_wall log_ends;
} rebuild_result;

/* The latest moment of what happened in the log (not of its own records): where a clock that is
 * moved by hand stood. 0: nothing happened yet. */
gw_code rebuild_log_end(const char *evidence_dir, gw_wall *ret, gw_err *err) GW_NODISCARD;

/* ev: opened by the caller, so that no gateway runs beside it; gets the x-Rebuild record.
 * GW_EREFUSED the store is not empty, or this machine's clock lies before the end of the log;
 * GW_ECORRUPT the log does not verify, or an entry cannot be folded again (the text names it). */
gw_code rebuild_run(const rebuild_order *o, evidence *ev, rebuild_result *ret, gw_err *err)
    GW_NODISCARD;

#endif
