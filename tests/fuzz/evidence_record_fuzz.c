/* A leaf, and parts of drafts: facts, blob references. */
#include "gateway/evidence/blob.h"
#include "gateway/evidence/index.h"
#include "gateway/evidence/report.h"

#include <assert.h>

enum { ARENA_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void leaf(gw_str text, gw_arena *arena)
{
    record_view v;
    gw_err err = {0};
    if (record_parse(text, arena, &v, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    for (uint32_t at = v.blob ? v.blob + 1 : 0; v.blob && at < json_at(&v.doc, v.blob)->next;
         at = json_at(&v.doc, at)->next) {
        blob_ref ref;
        blob_ref again;
        json_doc d;
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 1 << 16);
        if (blob_ref_parse(&v.doc, at, &ref, &err) != GW_OK)
            continue;
        blob_ref_put(&b, &ref);
        assert(json_parse(gw_buf_str(&b), arena, &d, &err) == GW_OK);
        assert(blob_ref_parse(&d, 0, &again, &err) == GW_OK);
    }
    report r;
    report_begin(&r, GW_STR("fuzz"), v.t);
    report_row row = {.record = &v, .origin = "log.example.test/2013"};
    assert(report_add(&r, &row, arena, &err) == GW_OK && report_end(&r, &err) == GW_OK);
    report_done(&r);
}

static void facts(gw_str text, gw_arena *arena)
{
    gw_err err = {0};
    GW_AUTO_BUF gw_buf once;
    GW_AUTO_BUF gw_buf twice;
    gw_buf_init(&once, 1 << 20);
    gw_buf_init(&twice, 1 << 20);
    if (record_facts(text, 1 << 16, arena, &once, &err) != GW_OK || once.n == 0)
        return;
    assert(record_facts(gw_buf_str(&once), 1 << 16, arena, &twice, &err) == GW_OK);
    assert(gw_str_eq(gw_buf_str(&once), gw_buf_str(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gw_str text = {(const char *)data, n};
    int shard;
    evindex_outbox o;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    leaf(text, arena);
    facts(text, arena);
    if (evindex_outbox_parse(text, &shard, &o))
        assert(shard >= 0 && shard < EVINDEX_SHARDS);
    return 0;
}
