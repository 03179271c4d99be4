/* Bytes of baresip's control connection, in whatever pieces: every message is an event or refused,
 * and what is left over only gets shorter. */
#include "workers/voice/ctrl.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(8 << 20);
    GW_AUTO_BUF gw_buf in;
    gw_buf_init(&in, 1 << 20);
    for (size_t at = 0; at < n;) {
        size_t piece = 1 + data[at] % 64;
        if (piece > n - at)
            piece = n - at;
        gw_buf_put(&in, data + at, piece);
        at += piece;
        for (bool whole = true; whole;) {
            trunk_event e;
            gw_err err = {0};
            size_t before = in.n;
            if (ctrl_take(&in, arena, &whole, &e, &err) != GW_OK) {
                assert(err.text[0]);
                return 0;
            }
            assert(whole ? in.n < before : in.n == before);
            assert(!whole || e.kind != TRUNK_CLOSED || (e.sip >= 0 && e.sip <= 999));
        }
    }
    return 0;
}
