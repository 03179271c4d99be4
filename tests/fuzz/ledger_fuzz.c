/* Events of one debtor, one a line: a letter for the verb, then the body. Bodies that hold to their
 * schema are folded. Whatever was accepted is a duplicate when it comes again at once, and no item
 * is ever paid beyond its amount by payments. DUNLIN_SOURCE names the source tree. */
#include "gateway/intake/ledger.h"
#include "gateway/wire/schema.h"

#include <assert.h>
#include <stdio.h>

enum { ARENA_MAX = 64 * 1024 * 1024, LINES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct {
    char letter;
    verb verb;
} verbs[] = {
    {'i', VERB_ITEM},    {'y', VERB_PAYMENT}, {'m', VERB_PROMISE},
    {'u', VERB_DISPUTE}, {'d', VERB_DEBTOR},  {'o', VERB_CONSENT},
    {'h', VERB_HOLD},    {'x', VERB_CANCEL},  {'w', VERB_HOURS},
};

static schema *schema_of(verb v)
{
    static schema *loaded[VERB_COUNT];
    char path[512];
    const char *source = getenv("DUNLIN_SOURCE");
    gw_err err;
    if (loaded[v])
        return loaded[v];
    snprintf(path, sizeof path, "%s/config/schema/%s.json", source ? source : ".",
             verb_of(v)->name);
    if (schema_load(path, &loaded[v], &err) != GW_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return loaded[v];
}

static ledger_verdict fold_twice(state_debtor *debtor, verb v, const json_doc *body,
                                 gw_arena *arena)
{
    gw_err err = {0};
    ledger_result first;
    ledger_result again;
    ledger_event e = {.verb = v,
                      .source = GW_STR("s"),
                      .debtor = GW_STR("d"),
                      .body = body,
                      .now = {1359712800000},
                      .receipt = GW_STR("r")};
    if (ledger_fold(debtor, &e, arena, &first, &err) != GW_OK)
        return LEDGER_REJECTED; /* a name too long, or memory */
    if (first.verdict == LEDGER_REJECTED)
        assert(first.code && first.reason);
    if (first.verdict != LEDGER_ACCEPTED)
        return first.verdict;
    assert(first.debtor_n + first.item_n > 0 && first.record.event);
    if (ledger_patch(debtor, &first, arena, &err) != GW_OK)
        return LEDGER_REJECTED;
    if (ledger_fold(debtor, &e, arena, &again, &err) == GW_OK)
        assert(again.verdict == LEDGER_DUPLICATE && again.at.ms == first.at.ms);
    return LEDGER_ACCEPTED;
}

static void fold_line(state_debtor *debtor, gw_str line, gw_arena *arena)
{
    json_doc d;
    schema_fault fault;
    if (line.n < 2)
        return;
    for (size_t i = 0; i < GW_COUNT(verbs); i++)
        if (verbs[i].letter == line.p[0]) {
            verb v = verbs[i].verb;
            if (json_parse((gw_str){line.p + 1, line.n - 1}, arena, &d, NULL) != GW_OK ||
                !schema_check(schema_of(v), &d, 0, &fault))
                return;
            if (v == VERB_CANCEL && !json_member(&d, 0, "item"))
                return;
            fold_twice(debtor, v, &d, arena);
        }
}

static void no_item_is_overpaid(const state_debtor *debtor, gw_arena *arena)
{
    for (size_t i = 0; i < debtor->items.n; i++) {
        const state_field *f = &debtor->items.fields[i];
        json_doc d;
        if (memcmp(f->name.p, "i:", 2) != 0 || json_parse(f->value, arena, &d, NULL) != GW_OK)
            continue;
        gw_str now = json_get_str(&d, 0, "state");
        bool covered =
            json_get_int(&d, 0, "paid_minor", -1) >= json_get_int(&d, 0, "amount_minor", INT64_MAX);
        assert(gw_str_is(now, "closed") || gw_str_is(now, "paid") == covered);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    state_debtor debtor = {0};
    gw_str rest = {(const char *)data, n};
    for (int i = 0; rest.n && i < LINES_MAX; i++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        gw_str line = {rest.p, end ? (size_t)(end - rest.p) : rest.n};
        fold_line(&debtor, line, arena);
        size_t used = line.n + (end != NULL);
        rest = (gw_str){rest.p + used, rest.n - used};
    }
    no_item_is_overpaid(&debtor, arena);
    return 0;
}
