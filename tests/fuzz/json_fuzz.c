/* JSON text: parse; what parses has pointers that find their node again, is canonical once and for
 * all, and equals its own canonical form. */
#include "gateway/base/json.h"

#include <assert.h>

enum { ARENA_MAX = 32 * 1024 * 1024, OUTPUT_MAX = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void pointers_find_their_nodes(const json_doc *d)
{
    for (uint32_t at = 0; at < d->n; at++) {
        char text[JSON_POINTER_TEXT];
        json_pointer(d, at, text);
        assert(strlen(text) < JSON_POINTER_TEXT);
        json_resolve(d, gw_str_of(text)); /* cut pointers may find nothing, but never crash */
        if (json_kind_of(d, at) == JSON_STRING)
            assert(json_str(d, at).n <= json_raw(d, at).n);
    }
}

static void canonical_form_is_a_fixed_point(const json_doc *d, gw_arena *arena)
{
    GW_AUTO_BUF gw_buf once;
    GW_AUTO_BUF gw_buf twice;
    gw_err err;
    json_doc again;
    gw_buf_init(&once, OUTPUT_MAX);
    gw_buf_init(&twice, OUTPUT_MAX);
    if (json_canonical(d, 0, &once, &err) != GW_OK)
        return;
    assert(json_parse(gw_buf_str(&once), arena, &again, &err) == GW_OK);
    assert(json_canonical(&again, 0, &twice, &err) == GW_OK);
    assert(gw_str_eq(gw_buf_str(&once), gw_buf_str(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    json_doc d;
    gw_err err = {0};
    if (json_parse((gw_str){(const char *)data, n}, arena, &d, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    pointers_find_their_nodes(&d);
    canonical_form_is_a_fixed_point(&d, arena);
    return 0;
}
