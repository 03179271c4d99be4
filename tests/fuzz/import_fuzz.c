/* A tracking table: either every row is handed out as strict JSON, or nothing is. */
#include "gateway/base/json.h"
#include "gateway/cli/import.h"

#include <assert.h>

enum { INPUT_MAX = 16 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct {
    gw_arena *arena;
    size_t debtors, items;
} counts;

static gw_code count(void *arg, const char *verb, gw_str body, gw_err *err)
{
    counts *c = arg;
    json_doc d;
    gw_arena_reset(c->arena);
    assert(json_parse(body, c->arena, &d, err) == GW_OK);
    assert(json_get_str(&d, 0, "id").n > 0);
    if (strcmp(verb, "item") == 0) {
        int64_t amount = json_get_int(&d, 0, "amount_minor", -1);
        int64_t paid = json_get_int(&d, 0, "paid_minor", -1);
        assert(amount > 0 && paid >= 0 && paid <= amount);
        c->items++;
    } else {
        assert(c->items == 0); /* debtors come first */
        c->debtors++;
    }
    return GW_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    counts c = {.arena = arena};
    const import_options o = {.zone = GW_STR("Europe/Berlin"), .currency = GW_STR("EUR")};
    gw_err err = {0};
    if (n > INPUT_MAX || !arena)
        return 0;
    gw_code rc = import_table((gw_str){(const char *)data, n}, &o, count, &c, &err);
    if (rc == GW_OK)
        assert(c.debtors <= c.items);
    else
        assert(err.text[0] && c.debtors + c.items == 0);
    return 0;
}
