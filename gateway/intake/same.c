#include "gateway/intake/turn.h"

static bool same(const json_doc *a, uint32_t x, const json_doc *b, uint32_t y, const char *skipped);

static uint32_t members(const json_doc *d, uint32_t object, const char *skipped)
{
    return json_at(d, object)->count - (skipped && json_member(d, object, skipped) != 0);
}

static bool same_object(const json_doc *a, uint32_t x, const json_doc *b, uint32_t y,
                        const char *skipped)
{
    if (members(a, x, skipped) != members(b, y, skipped))
        return false;
    uint32_t end = json_at(a, x)->next;
    for (uint32_t m = json_first(x); m < end; m = json_at(a, m + 1)->next) {
        gw_str name = json_str(a, m);
        if (skipped && gw_str_is(name, skipped))
            continue;
        uint32_t other = 0;
        uint32_t last = json_at(b, y)->next;
        for (uint32_t k = json_first(y); k < last && !other; k = json_at(b, k + 1)->next)
            if (gw_str_eq(json_str(b, k), name))
                other = k + 1;
        if (!other || !same(a, m + 1, b, other, NULL))
            return false;
    }
    return true;
}

static bool same(const json_doc *a, uint32_t x, const json_doc *b, uint32_t y, const char *skipped)
{
    const json_node *p = json_at(a, x);
    const json_node *q = json_at(b, y);
    if (p->kind != q->kind)
        return false;
    switch ((json_kind)p->kind) {
    case JSON_OBJECT:
        return same_object(a, x, b, y, skipped);
    case JSON_ARRAY:
        if (p->count != q->count)
            return false;
        for (uint32_t i = json_first(x), k = json_first(y); i < p->next;
             i = json_at(a, i)->next, k = json_at(b, k)->next)
            if (!same(a, i, b, k, NULL))
                return false;
        return true;
    case JSON_STRING:
        return gw_str_eq(json_str(a, x), json_str(b, y));
    case JSON_INT:
        return p->i == q->i;
    case JSON_NUMBER:
        return gw_str_eq(json_raw(a, x), json_raw(b, y));
    default:
        return true;
    }
}

bool json_same(const json_doc *a, const json_doc *b, const char *skipped)
{
    return same(a, 0, b, 0, skipped);
}
