/* booker_part.h - what the files behind booker.h share. Private to gateway/dispatch.
 *
 *   booker.c         the passes and the thread
 *   booker_receipt.c receipts and questions
 *   reply.c          inbound messages */
#ifndef GATEWAY_DISPATCH_BOOKER_PART_H
#define GATEWAY_DISPATCH_BOOKER_PART_H

#include "gateway/dispatch/booker.h"
#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/load.h"
#include "gateway/intake/tell.h"
#include "gateway/state/inbox.h"

typedef enum {
    BOOK_WAIT, /* look again later; the default, so that an error loses nothing */
    BOOK_DONE, /* remove the entry */
} book_verdict;

/* One entry of a batch. */
typedef struct {
    const state_inbox_entry *stored;
    hook_entry e;
    book_verdict verdict;
    bool placed; /* ref and attempt say which reminder */
    state_ref ref;
    int attempt;
    loaded *l;
    delivery known;
    gw_str before; /* field y as it was read */
    delivery_effect effect;
    bool moved; /* somebody else wrote meanwhile: the next pass reads again */
} book_item;

/* When a provider was asked about a reminder last (booker_ask.c). */
enum { BOOKER_ASKED = 1024 };
typedef struct {
    gw_id rid;
    int64_t wait_ms, next_ms; /* monotonic */
} book_asked;

struct booker {
    booker_config cfg;
    state *store;
    gw_arena *arena;              /* of one batch */
    char last[STATE_SHARDS][48];  /* stream ids looked at so far ... */
    char again[STATE_SHARDS][48]; /* ... and by the look at what waits */
    int64_t give_up_ms;
    book_asked asked[BOOKER_ASKED];
    struct booker_run *run; /* the thread; NULL: none */
};

static inline gw_wall book_now(const booker *b)
{
    return gw_clock_now(b->cfg.config->clock);
}
static inline bool book_is_old(const booker *b, const hook_entry *e)
{
    return book_now(b).ms - e->rx_ms > b->give_up_ms;
}

/* booker_receipt.c: receipts and questions of a batch (others are left alone). A failure is the
 * store's or the log's: what is not BOOK_DONE stays. */
gw_code book_receipts(booker *b, book_item *items, size_t n, gw_err *err) GW_NODISCARD;
/* reply.c: one inbound message. */
gw_code book_reply(booker *b, book_item *item, gw_err *err) GW_NODISCARD;

/* Keep raw bytes encrypted; appends "[{..}]" to ret (nothing when raw is empty). To be followed by
 * one evidence_blob_sync before what refers to it is committed. */
gw_code book_keep_raw(booker *b, const hook_entry *e, gw_str source, gw_str debtor, gw_str case_id,
                      gw_buf *ret, gw_err *err) GW_NODISCARD;
/* Members every record about an entry has: provider, authenticity, what it says. */
void book_put_facts(gw_buf *fact, const hook_entry *e);
/* What cannot be booked on anything becomes a record of its own, bound to no debtor. */
gw_code book_stray(booker *b, book_item *item, const char *why, gw_err *err) GW_NODISCARD;

#endif
