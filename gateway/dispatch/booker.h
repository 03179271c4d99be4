/* booker.h - the thread that books what came in: receipts, replies, answers to our questions.
 *
 * The listener (gateway/http) verifies a call, puts it into the inbox (gateway/state/inbox.h) and
 * answers 2xx; from then on it is ours. The booker reads the inbox of the shards this gateway
 * leases and does for each entry:
 *
 *     receipt   find the reminder (own reference, else the provider's id), fold it into the
 *               delivery state (delivery.h), keep its raw bytes encrypted, and resolve what it
 *               resolves of the reminder's life (an unknown outcome, a retry that must not be)
 *     inbound   reply.h
 *     ask       ask the provider what became of an attempt whose outcome is unknown
 *
 * and removes it only when nothing more can come of it. What cannot be finished yet stays and is
 * looked at again every BOOKER_AGAIN_MS: a receipt whose attempt has no outcome yet, one whose
 * provider's id nobody has reported yet, an unsigned one that no pull has confirmed. After
 * give_up_ms such an entry is recorded as what it is (unmatched, unconfirmed) and removed. Booking
 * an entry twice, after a crash or by two gateways at once, has one effect.
 *
 * Thread: booker_open, booker_step, booker_close one thread; booker_start runs it in its own;
 * booker_wake any. */
#ifndef GATEWAY_DISPATCH_BOOKER_H
#define GATEWAY_DISPATCH_BOOKER_H

#include "gateway/dispatch/dispatch.h"
#include "gateway/policy/optout.h"

enum {
    BOOKER_BATCH = 256,
    BOOKER_AGAIN_MS = 2000,
    BOOKER_AGAIN_BATCHES = 4,   /* of what waits, each time */
    BOOKER_ASK_FIRST_MS = 5000, /* between two questions about one message, doubling ... */
    BOOKER_ASK_MOST_MS = 3600000,
    BOOKER_GIVE_UP_MS = 86400000, /* Vonage repeats for 24 h, the longest of those in config/ */
};

typedef struct booker booker;

typedef struct {
    const dispatch_config *config; /* borrowed: store, evidence, clock, id_key */
    dispatch *dispatch; /* whose shards, and who asks workers; NULL: all shards, nobody asks */
    const optout_words *words; /* NULL: every inbound message needs a person */
    int64_t give_up_ms;        /* 0 = BOOKER_GIVE_UP_MS */
} booker_config;

gw_code booker_open(const booker_config *config, booker **ret, gw_err *err) GW_NODISCARD;
void booker_close(booker *b); /* accepts NULL; not while its thread runs */
/* One pass: what is new, and with again a share of what waits (all, if that is no more than
 * BOOKER_AGAIN_BATCHES). *ret_busy: something was removed. */
gw_code booker_step(booker *b, bool again, bool *ret_busy, gw_err *err) GW_NODISCARD;

/* Run it in a thread until booker_stop, which closes it too. */
gw_code booker_start(booker *b, gw_err *err) GW_NODISCARD;
void booker_stop(booker *b); /* accepts NULL */
void booker_wake(booker *b);

#endif
