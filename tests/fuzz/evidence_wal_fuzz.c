/* Bytes behind a good segment header: walking never crashes, recovery keeps what a walk finds and
 * leaves a log that walks without a fault. The first input byte says how many good frames lead. */
#include "gateway/base/file.h"
#include "gateway/evidence/wal.h"
#include "gateway/evidence/wal_scan.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static gw_code count(void *ctx, uint64_t index, wal_place at, gw_str leaf, gw_err *err)
{
    (void)at;
    (void)err;
    assert(leaf.n > 0 && index == *(uint64_t *)ctx);
    ++*(uint64_t *)ctx;
    return GW_OK;
}

static const char *folder(void)
{
    static char dir[64];
    if (!dir[0]) {
        snprintf(dir, sizeof dir, "/tmp/dunlin-wal-fuzz-XXXXXX");
        assert(mkdtemp(dir));
    }
    return dir;
}

static void write_log(const char *dir, const uint8_t *data, size_t n)
{
    char path[100];
    wal_recovery r;
    wal_place place;
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/000001.seg", dir);
    unlink(path);
    wal *w = NULL;
    assert(wal_open(dir, GW_STR("fuzz"), 0, 0, 0, NULL, NULL, &w, &r, &err) == GW_OK);
    for (int i = 0; i < data[0] % 4; i++) {
        assert(wal_begin(w, &err) == GW_OK);
        assert(wal_add(w, GW_STR("{\"v\":1}"), &place, &err) == GW_OK);
        assert(wal_commit(w, &err) == GW_OK);
    }
    wal_close(w);
    FILE *f = fopen(path, "ab");
    assert(f && fwrite(data + 1, 1, n - 1, f) == n - 1);
    fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *dir = folder();
    wal *w = NULL;
    wal_recovery r;
    uint64_t seen = 0;
    uint64_t size = 0;
    gw_err err = {0};
    if (n == 0)
        return 0;
    write_log(dir, data, n);
    gw_code rc = wal_walk(dir, GW_STR("fuzz"), 0, true, count, &seen, &size, &err);
    assert(rc == GW_OK || (rc == GW_ECORRUPT && err.text[0]));
    assert(seen >= (uint64_t)(data[0] % 4));
    gw_code opened = wal_open(dir, GW_STR("fuzz"), 0, 0, UINT64_MAX, NULL, NULL, &w, &r, &err);
    assert((opened == GW_OK) == (rc == GW_OK));
    wal_close(w);
    if (opened != GW_OK)
        return 0;
    assert(r.size == seen);
    assert(wal_walk(dir, GW_STR("fuzz"), 0, false, NULL, NULL, &size, &err) == GW_OK);
    return 0;
}
