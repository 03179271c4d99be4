/* mark.h - finding a reminder by its provider's id, or a debtor by an address, without storing
 * either in the clear: a mark is (kind, keyed hash) -> value.
 *
 *     kind 'p'   hash of (provider, provider's id)   -> own reference (gateway/wire/receipt.h)
 *     kind 'a'   hash of an address                  -> debtor id, 26 characters
 *     kind 'q'   zero: replies a person must read    -> "<debtor id>.<reply id>"
 *     kind 't'   zero: tasks an agent went silent on -> reminder id, 26 characters
 *
 * STORED FORMAT: sorted set dl:{NN}:x, score 0, members "<kind><26 characters>:<value>". A mark
 * lies in the shard of what it leads to, so state of one shard stays together; who asks does not
 * know the shard and asks all 64 in one pipeline (about as dear as loading one debtor). Kinds p and
 * a are asked for by what comes from outside and may lead anywhere, so they lie in the shard of
 * their own hash (state_shard of the key): one question instead of 64. Marks are
 * written before what makes them true: one too many leads nowhere, one too few would lose a
 * receipt. Those of kinds p and a are never removed: a number that a debtor no longer has may still
 * answer to what it was sent. */
#ifndef DUNLIN_STATE_MARK_H
#define DUNLIN_STATE_MARK_H

#include "gateway/state/state.h"

enum {
    STATE_MARK_VALUE_MAX = 64,
    STATE_MARKS_FOUND_MAX = 64, /* of one question and shard */
};

typedef struct {
    uint8_t shard;
    char kind;
    gw_id key;
    gw_str value;
} state_mark;

/* Durable when it returns GW_OK. */
gw_code state_mark_add(state *s, const state_mark *marks, size_t n, gw_err *err) GW_NODISCARD;
/* One that is gone already is no error. */
gw_code state_mark_remove(state *s, const state_mark *marks, size_t n, gw_err *err) GW_NODISCARD;
/* Marks of (kind, key), shard by shard, at most STATE_MARKS_FOUND_MAX of each. Not of kinds p and
 * a.
 */
gw_code state_mark_find(state *s, char kind, const gw_id *key, gw_arena *arena, state_mark **ret,
                        size_t *ret_n, gw_err *err) GW_NODISCARD;
/* The value of kind p for each key, p NULL where there is none; one pipeline for all. Of several
 * (a provider that gave an id twice) the first. */
gw_code state_mark_lookup(state *s, const gw_id *keys, size_t n, gw_arena *arena, gw_str *ret,
                          gw_err *err) GW_NODISCARD;

/* The values of kind a for one address, all of them: debtors' ids as text. */
gw_code state_mark_debtors(state *s, const gw_id *address, gw_arena *arena, gw_str **ret,
                           size_t *ret_n, gw_err *err) GW_NODISCARD;

/* The hashes. Key: GW_ID_KEY_BYTES of keys/id.key. */
void state_mark_provider(const uint8_t *id_key, gw_str provider, gw_str ref, gw_id *ret);
void state_mark_address(const uint8_t *id_key, gw_str address, gw_id *ret);

#endif
