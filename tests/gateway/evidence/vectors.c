#include "tests/gateway/evidence/vectors.h"

#include "gateway/base/file.h"
#include "gateway/evidence/digest.h"

#include <limits.h>
#include <stdio.h>

const char *vectors_path(const char *name)
{
    static char path[PATH_MAX];
    const char *dir = getenv("DUNLIN_VECTORS");
    const char *source = getenv("DUNLIN_SOURCE");
    if (dir)
        snprintf(path, sizeof path, "%s/%s", dir, name);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/%s", source ? source : ".", name);
    return path;
}

void vectors_load(const char *name, gw_arena *arena, json_doc *ret)
{
    gw_err err = {0};
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 16 << 20);
    gw_code rc = gw_file_read(vectors_path(name), &text, &err);
    if (rc == GW_ENOTFOUND)
        skip();
    assert_int_equal(rc, GW_OK);
    char *copy = gw_arena_copy(arena, gw_buf_str(&text));
    assert_non_null(copy);
    if (json_parse((gw_str){copy, text.n}, arena, ret, &err) != GW_OK)
        fail_msg("%s: %s", name, err.text);
}

gw_str vectors_hex(const json_doc *d, uint32_t node, gw_arena *arena)
{
    gw_str hex = json_str(d, node);
    uint8_t *bytes = gw_arena_alloc(arena, hex.n / 2 + 1);
    assert_true(digest_read_hex(hex, bytes, hex.n / 2));
    return (gw_str){(const char *)bytes, hex.n / 2};
}
