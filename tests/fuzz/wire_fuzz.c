/* One byte of type, then a worker header: what decodes can be encoded, and decodes to the same. */
#include "gateway/wire/worker.h"

#include <assert.h>

enum { ARENA_MAX = 32 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    static wire_header first;
    static wire_header second;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    GW_AUTO_BUF gw_buf once;
    GW_AUTO_BUF gw_buf twice;
    gw_err err = {0};
    gw_str type = gw_str_of(wire_type_name((wire_type)(data[0] % WIRE_TYPE_COUNT)));
    gw_buf_init(&once, (size_t)4 * WIRE_HEADER_MAX);
    gw_buf_init(&twice, (size_t)4 * WIRE_HEADER_MAX);
    if (wire_decode(type, (gw_str){(const char *)data + 1, n - 1}, arena, &first, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    assert(wire_encode(&first, &once, &err) == GW_OK);
    if (once.n > WIRE_HEADER_MAX)
        return 0;
    assert(wire_decode(type, gw_buf_str(&once), arena, &second, &err) == GW_OK);
    assert(wire_encode(&second, &twice, &err) == GW_OK);
    assert(gw_str_eq(gw_buf_str(&once), gw_buf_str(&twice)));
    return 0;
}
