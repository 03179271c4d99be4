/* ledger_part.h - what the parts of the ledger share: reading stored objects, building new ones.
 * Inside of ledger.h. */
#ifndef INTAKE_LEDGER_PART_H
#define INTAKE_LEDGER_PART_H

#include "gateway/intake/ledger.h"

enum { LEDGER_OBJECT_MAX = 384 * 1024, LEDGER_NAME_MAX = 512 };

typedef struct {
    const state_debtor *debtor;
    const ledger_event *event;
    const json_doc *body;
    gw_arena *arena;
    ledger_result *out;
    gw_err *err;
    gw_str sum; /* digest of the body without the member that names the source */
} fold;

/* A stored object, or n 0 in doc when there is none. */
typedef struct {
    json_doc doc;
    bool exists;
} stored;

gw_code part_read(const fold *f, const state_hash *hash, const char *prefix, gw_str id,
                  stored *ret);
/* The object keeps this digest as the last one. */
bool part_is_same(const fold *f, const stored *s);
gw_wall part_received(const stored *s);

gw_code part_reject(const fold *f, const char *code, const char *reason, const char *pointer);
gw_code part_duplicate(const fold *f, gw_wall first);

/* Building a stored object or a record's object: open, members, close (into the arena). */
void part_open(gw_buf *b);
/* Copy a scalar member of the body if it is there. */
void part_copy(const fold *f, gw_buf *b, const char *name);
/* A moment of the body, or the event's now. */
void part_copy_moment(const fold *f, gw_buf *b, const char *name);
/* rx and sum. */
void part_stamp(const fold *f, gw_buf *b);
gw_code part_close(const fold *f, gw_buf *b, gw_str *ret);

gw_code part_set_item(const fold *f, const char *prefix, gw_str id, gw_buf *object);
gw_code part_set_debtor(const fold *f, const char *prefix, gw_str id, gw_buf *object);
/* The record: event name, case, reason code; fact gets the receipt added. */
gw_code part_record(const fold *f, const char *event, gw_str case_id, const char *why, gw_buf *fact,
                    gw_buf *priv);

/* ledger_act.c: what the act of this body's id is. SAME_ACT and OTHER_ACT have their verdict then.
 */
typedef enum { NEW_ACT, SAME_ACT, OTHER_ACT } part_act;
part_act part_find_act(const fold *f, const stored *s);
/* Member seen: the old list without its oldest entries, and this act. */
void part_put_seen(const fold *f, gw_buf *b, const stored *s);

#define PART_BUF(name)                                                                             \
    GW_AUTO_BUF gw_buf name;                                                                       \
    gw_buf_init(&name, LEDGER_OBJECT_MAX);                                                         \
    part_open(&name)

/* ledger_item.c */
gw_code ledger_item(const fold *f);
gw_code ledger_cancel_item(const fold *f);
gw_code ledger_payment(const fold *f);
gw_code ledger_promise(const fold *f);
gw_code ledger_dispute(const fold *f);
/* ledger_debtor.c */
gw_code ledger_debtor(const fold *f);
/* ledger_consent.c */
gw_code ledger_consent(const fold *f);
/* ledger_hold.c */
gw_code ledger_hold(const fold *f);
gw_code ledger_hours(const fold *f);

#endif
