/* A schema and a document, parted by a NUL byte: compile, check, and the fault has a reason. The
 * document is also checked against formats as a bare string. */
#include "gateway/wire/format.h"
#include "gateway/wire/schema.h"

#include <assert.h>

enum { ARENA_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void formats_do_not_read_outside(gw_str text)
{
    static const char *const names[] = {"date-time", "date", "email", "e164",  "iso4217",
                                        "iana-zone", "id",   "line",  "locale"};
    GW_AUTO_FREE char *tight = malloc(text.n + 1); /* no byte behind the end to lean on */
    if (!tight)
        return;
    memcpy(tight, text.p, text.n);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        const char *want = format_find(gw_str_of(names[i]))((gw_str){tight, text.n});
        assert(!want || want[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *nul = n ? memchr(data, 0, n) : NULL;
    size_t schema_n = nul ? (size_t)(nul - data) : n;
    gw_str text = nul ? (gw_str){(const char *)nul + 1, n - schema_n - 1} : GW_STR("{}");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    GW_AUTO(schema_free) schema *s = NULL;
    json_doc d;
    schema_fault fault = {{0}, {0}};
    gw_err err = {0};
    formats_do_not_read_outside(text);
    if (schema_compile("fuzz", (gw_str){(const char *)data, schema_n}, &s, &err) != GW_OK ||
        json_parse(text, arena, &d, &err) != GW_OK)
        return 0;
    if (!schema_check(s, &d, 0, &fault))
        assert(fault.what[0]);
    return 0;
}
