/* Prepared bytes of a call: a script or refused; what was read can be written and read again. */
#include "workers/voice/script.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    script s;
    script again;
    gw_buf_init(&out, 32 << 20);
    if (script_read((gw_str){(const char *)data, n}, arena, &s, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    assert(script_put(&s, &out, &err) == GW_OK);
    assert(script_read(gw_buf_str(&out), arena, &again, &err) == GW_OK);
    for (int p = 0; p < CALL_PART_COUNT; p++)
        assert(gw_str_eq(s.text[p], again.text[p]) &&
               (s.text[p].n == 0 || gw_str_eq(s.ulaw[p], again.ulaw[p])));
    return 0;
}
