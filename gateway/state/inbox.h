/* inbox.h - what came from outside and is not booked yet, kept durably: receipts, replies,
 * questions to a provider. The listener on the internet writes here and nowhere else; the booker
 * (gateway/dispatch/booker.h) reads, books and removes.
 *
 * STORED FORMAT: stream dl:{NN}:in, one field "1" per entry, its value the caller's bytes
 * (gateway/wire/hook_entry.h). NN is the reminder's shard where it is known, else any. An entry is
 * there until it is removed: nothing trims. Errors and threads as in state.h. */
#ifndef DUNLIN_STATE_INBOX_H
#define DUNLIN_STATE_INBOX_H

#include "gateway/state/state.h"

enum {
    STATE_INBOX_ENTRY_MAX = 512 * 1024, /* bytes of one entry */
    STATE_INBOX_READ_MAX = 1024,        /* entries of one read */
};

typedef struct {
    uint8_t shard;
    gw_str bytes;
} state_inbox_item;

/* All are on disk when it returns GW_OK; after a failure some may be. */
gw_code state_inbox_add(state *s, const state_inbox_item *items, size_t n, gw_err *err)
    GW_NODISCARD;

typedef struct {
    uint8_t shard;
    gw_str stream_id; /* "<ms>-<seq>", grows within a shard */
    gw_str bytes;
} state_inbox_entry;

/* At most limit entries behind last_ids (n 0 = from the start) of the shards whose mask byte is not
 * 0; the shards share the limit. */
gw_code state_inbox_read(state *s, const uint8_t shard_mask[STATE_SHARDS],
                         const gw_str last_ids[STATE_SHARDS], size_t limit, gw_arena *arena,
                         state_inbox_entry **ret, size_t *ret_n, gw_err *err) GW_NODISCARD;
/* Forget entries. One that is gone already is no error. */
gw_code state_inbox_remove(state *s, const state_inbox_entry *entries, size_t n, gw_err *err)
    GW_NODISCARD;
/* Entries waiting in all shards. */
gw_code state_inbox_size(state *s, uint64_t *ret, gw_err *err) GW_NODISCARD;

#endif
