/* What the inbox and field y of a reminder may hold after a crash, a later version or a hand in
 * Redis. An entry that is read can be written and says the same; a delivery state that is read
 * survives any receipt and never leaves a final state. The first byte chooses: 'e' an entry, 'y' a
 * delivery state and behind a NUL the entry that is folded into it, 'o' an own reference. */
#include "gateway/dispatch/delivery.h"

#include <assert.h>

enum { INPUT_MAX = 64 * 1024, ARENA_MAX = 8 << 20, TEXT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_entry(gw_str bytes, gw_arena *arena)
{
    hook_entry e, back;
    gw_err err = {0};
    gw_id one, two;
    if (hook_entry_get(bytes, arena, &e, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, TEXT_MAX);
    if (e.text.n > HOOK_TEXT_MAX || e.own.n > HOOK_WORD_MAX || e.ref.n > HOOK_WORD_MAX ||
        e.code.n > HOOK_WORD_MAX || e.from.n > HOOK_WORD_MAX || e.to.n > HOOK_WORD_MAX ||
        e.provider.n > HOOK_WORD_MAX || e.at_ms < 0)
        return; /* written shorter on purpose */
    assert(hook_entry_put(&e, &text, &err) == GW_OK);
    assert(hook_entry_get(gw_buf_str(&text), arena, &back, &err) == GW_OK);
    hook_entry_digest(&e, &one);
    hook_entry_digest(&back, &two);
    assert(memcmp(one.b, two.b, sizeof one.b) == 0);
    assert(gw_str_eq(e.raw, back.raw));
}

static void try_delivery(gw_str bytes, gw_arena *arena)
{
    const char *cut = memchr(bytes.p, '\0', bytes.n);
    delivery d;
    hook_entry e;
    gw_err err = {0};
    if (!cut)
        return;
    size_t y = (size_t)(cut - bytes.p);
    if (delivery_read((gw_str){bytes.p, y}, arena, &d, &err) != GW_OK ||
        hook_entry_get((gw_str){cut + 1, bytes.n - y - 1}, arena, &e, &err) != GW_OK)
        return;
    wire_receipt_state before = d.state;
    delivery_effect effect = delivery_fold(&d, &e, 1);
    assert(delivery_effect_name(effect));
    assert(before != WIRE_RECEIPT_DELIVERED || d.state == WIRE_RECEIPT_DELIVERED);
    assert(e.auth != WIRE_AUTH_UNSIGNED || d.state == before);
    assert(delivery_fold(&d, &e, 1) == DELIVERY_REPEAT);
    assert(d.seen_n <= DELIVERY_SEEN_MAX);
}

static void try_own(gw_str bytes)
{
    uint8_t shard;
    gw_id rid;
    int attempt;
    char text[WIRE_OWN_TEXT];
    if (!wire_own_parse(bytes, &shard, &rid, &attempt))
        return;
    wire_own_format(shard, &rid, attempt, text);
    assert(strlen(text) == bytes.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 || n > INPUT_MAX)
        return 0;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    gw_str rest = {(const char *)data + 1, n - 1};
    if (!arena)
        return 0;
    if (data[0] == 'e')
        try_entry(rest, arena);
    else if (data[0] == 'y')
        try_delivery(rest, arena);
    else
        try_own(rest);
    return 0;
}
