/* rebuild_part.h - what the files of rebuild share. Inside of rebuild.h.
 *   rebuild.c           checks, the walk over the log, the end
 *   rebuild_event.c     events of billing, pauses and windows
 *   rebuild_reminder.c  reminders and their moves
 *   rebuild_kept.c      what is kept beside them: delivery states, replies, conversations */
#ifndef GATEWAY_DISPATCH_REBUILD_PART_H
#define GATEWAY_DISPATCH_REBUILD_PART_H

#include "gateway/dispatch/rebuild.h"
#include "gateway/evidence/reader.h"
#include "gateway/evidence/record.h"
#include "gateway/intake/ledger.h"

/* A reminder met on the way. */
typedef struct {
    gw_id rid, kase;
    uint8_t shard;
    char state; /* 0: slot is free */
    int64_t due_ms;
} rebuilt;

typedef struct {
    gw_id did;
    state_debtor d;
} rebuilt_debtor;

typedef struct {
    const rebuild_order *o;
    rebuild_result *ret;
    reader *reader;
    state *store;
    gw_arena *arena; /* of the chunk */
    gw_err *err;

    rebuilt *reminders; /* open hash, by rid */
    size_t reminder_n, reminder_cap;
    gw_id *contents; /* open hash: message contents that entries name */
    size_t content_n, content_cap;
    char last_segment[12]; /* "<year>/NNNNNN" of the newest of them */

    state_txn txns[REBUILD_CHUNK];
    size_t txn_n;
    state_use uses[REBUILD_CHUNK]; /* ids of submitted jobs and events, for the register */
    size_t use_n;
    rebuilt_debtor debtors[REBUILD_CHUNK]; /* of this chunk, with what its transitions do to them */
    size_t debtor_n;
} rebuild;

/* One entry of the log, opened. Strings live in the chunk's arena. */
typedef struct {
    record_view v;
    gw_str leaf, source, debtor, case_id;
    gw_id kase;
    uint32_t origin;
    uint64_t index;
    json_doc priv; /* array of [salt, name, value]; n 0: not read */
} entry;

/* A private value of the entry: its text when it is a string. n 0 when it has none. */
gw_code rebuild_private(rebuild *b, entry *e, const char *name, gw_str *ret);
/* The submitted body among its contents; n 0 when it has none. */
gw_code rebuild_body(rebuild *b, const entry *e, gw_str *ret);
/* Write what is gathered and begin a new chunk. Pointers into the chunk end. */
gw_code rebuild_flush(rebuild *b);
/* "entry N of LOG: what" */
gw_code rebuild_fault(rebuild *b, const entry *e, gw_code code, const char *what);

/* rebuild_event.c */
gw_code rebuild_event(rebuild *b, entry *e);
gw_code rebuild_control(rebuild *b, entry *e);
/* A debtor as the transitions of this chunk leave it. */
gw_code rebuild_debtor(rebuild *b, const gw_id *did, state_debtor **ret);
/* rebuild_kept.c */
gw_code rebuild_receipt(rebuild *b, entry *e);
gw_code rebuild_reply(rebuild *b, entry *e);
gw_code rebuild_talk(rebuild *b, const entry *e);
gw_code rebuild_provider(rebuild *b, const entry *e, const rebuilt *r);
/* rebuild_reminder.c */
gw_code rebuild_move(rebuild *b, entry *e);
rebuilt *rebuild_find(rebuild *b, const gw_id *rid);
/* What may have been sent without an entry becomes unknown. */
gw_code rebuild_doubts(rebuild *b);

#endif
