/* Bytes as a worker gets them: what is accepted as a template bundle is canonical, so it comes back
 * byte for byte, and every part of it can be looked at and rendered without a crash. */
#include "templates/engine/bundle.h"

#include <assert.h>

enum { INPUT_MAX = 16 * 1024, OUTPUT_MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void render_parts(const template_bundle *b, const json_doc *d)
{
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        GW_AUTO_BUF gw_buf out;
        gw_err err = {0};
        gw_buf_init(&out, OUTPUT_MAX);
        for (int strict = 0; strict < 2; strict++) {
            gw_buf_clear(&out);
            gw_code rc = template_bundle_render(b, (template_part)i, d, strict, &out, &err);
            assert(rc == GW_OK || (err.text[0] && out.n == 0));
            if (rc == GW_OK && i == TEMPLATE_SUBJECT)
                assert(out.n && !mustache_breaks_header(gw_buf_str(&out)));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gw_str json = {(const char *)data, n};
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1024 * 1024);
    json_doc d;
    gw_err err = {0};
    if (n > INPUT_MAX || !arena)
        return 0;
    if (template_bundle_parse(json, &b, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    assert(gw_str_eq(template_bundle_json(b), json));
    assert(json_parse(json, arena, &d, &err) == GW_OK); /* any document will do as data */
    render_parts(b, &d);
    return 0;
}
