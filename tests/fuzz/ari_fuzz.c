/* A message of Asterisk's event stream: whatever comes is an event or refused, and only an event of
 * our channel says anything. */
#include "workers/voice/ari_event.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(8 << 20);
    gw_str json = {(const char *)data, n};
    ari_event e;
    trunk_kind kind;
    gw_err err = {0};
    if (ari_event_read(json, GW_STR("c-1"), arena, &e, &err) == GW_OK) {
        assert(e.ours || e.event.kind == TRUNK_OTHER);
        assert(e.event.cause >= 0 && e.event.cause <= 127);
    } else {
        assert(err.text[0]);
    }
    if (ari_channel_read(json, arena, &kind, &err) == GW_OK)
        assert(kind == TRUNK_OTHER || kind == TRUNK_RINGING || kind == TRUNK_ESTABLISHED);
    return 0;
}
