/* ledger_act.c - acts on one thing (a hold, an address, an hour), each known by an id of its own:
 * the list "seen" of the stored object. */
#include "gateway/intake/ledger_part.h"

static part_act find_act(const fold *f, const stored *s, gw_str id, gw_wall *ret_first)
{
    uint32_t seen = s->exists ? json_member(&s->doc, 0, "seen") : 0;
    if (!seen)
        return NEW_ACT;
    uint32_t end = json_at(&s->doc, seen)->next;
    for (uint32_t e = json_first(seen); e < end; e = json_at(&s->doc, e)->next) {
        if (!gw_str_eq(json_get_str(&s->doc, e, "id"), id))
            continue;
        ret_first->ms = json_get_int(&s->doc, e, "rx", 0);
        return gw_str_eq(json_get_str(&s->doc, e, "sum"), f->sum) ? SAME_ACT : OTHER_ACT;
    }
    return NEW_ACT;
}

part_act part_find_act(const fold *f, const stored *s)
{
    gw_wall first = {0};
    part_act act = find_act(f, s, json_get_str(f->body, 0, "id"), &first);
    if (act == SAME_ACT)
        (void)part_duplicate(f, first);
    else if (act == OTHER_ACT)
        (void)part_reject(f, "conflict", "this id was used with another content; use a new id",
                          "/id");
    return act;
}

void part_put_seen(const fold *f, gw_buf *b, const stored *s)
{
    uint32_t seen = s->exists ? json_member(&s->doc, 0, "seen") : 0;
    json_put_name(b, "seen");
    gw_buf_putc(b, '[');
    if (seen) {
        uint32_t skip = json_at(&s->doc, seen)->count;
        skip = skip < LEDGER_SEEN_MAX ? 0 : skip - LEDGER_SEEN_MAX + 1;
        uint32_t end = json_at(&s->doc, seen)->next;
        for (uint32_t e = json_first(seen); e < end; e = json_at(&s->doc, e)->next) {
            if (skip) {
                skip--;
                continue;
            }
            gw_buf_put_str(b, json_raw(&s->doc, e));
            gw_buf_putc(b, ',');
        }
    }
    gw_buf_putc(b, '{');
    json_put_member_str(b, "id", json_get_str(f->body, 0, "id"));
    part_stamp(f, b);
    gw_buf_puts(b, "}]");
}
