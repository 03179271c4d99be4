#include "gateway/intake/ledger_part.h"

#include "gateway/wire/event.h"

#include <stdio.h>

/* ---- the debtor itself ---- */

/* Product policy: the debtor's customers, suppliers or family are not written to, whoever says that
 * they may be. As contacts that are not designated they may be listed; nothing is sent to those. */
static bool designates_third_party(const fold *f)
{
    uint32_t list = json_member(f->body, 0, "contacts");
    for (uint32_t c = json_first(list); c < json_at(f->body, list)->next;
         c = json_at(f->body, c)->next)
        if (json_get_bool(f->body, c, "designated", false) &&
            third_party_has(f->event->third_parties, json_get_str(f->body, c, "role")))
            return true;
    return false;
}

gw_code ledger_debtor(const fold *f)
{
    if (designates_third_party(f))
        return part_reject(f, "third-party",
                           "customers, suppliers, tenderers and family of a debtor are never "
                           "written to; leave that contact out, or do not designate it",
                           "/contacts");
    gw_str stamp = state_get(&f->debtor->debtor, "bs"); /* "sum:rx" */
    size_t n = f->sum.n;
    if (stamp.n > n && stamp.p[n] == ':' && gw_str_eq((gw_str){stamp.p, n}, f->sum))
        return part_duplicate(f, (gw_wall){strtoll(stamp.p + n + 1, NULL, 10)});
    PART_BUF(fact);
    PART_BUF(priv);
    uint32_t contacts = json_member(f->body, 0, "contacts");
    part_copy(f, &fact, "role");
    part_copy(f, &fact, "zone");
    part_copy(f, &fact, "locale");
    part_copy(f, &fact, "segment");
    json_put_member_int(&fact, "contacts", json_at(f->body, contacts)->count);
    part_copy(f, &priv, "name");
    part_copy(f, &priv, "contacts");
    char *now = gw_arena_alloc(f->arena, GW_ID_TEXT + 24);
    char *body = gw_arena_copy(f->arena, json_raw(f->body, 0));
    if (!now || !body)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    snprintf(now, GW_ID_TEXT + 24, "%s:%lld", f->sum.p, (long long)f->event->now.ms);
    bool known = state_get(&f->debtor->debtor, "b").p != NULL;
    ledger_result *out = f->out;
    out->debtor_sets[out->debtor_n++] = (state_field){GW_STR("b"), {body, json_raw(f->body, 0).n}};
    out->debtor_sets[out->debtor_n++] = (state_field){GW_STR("bs"), gw_str_of(now)};
    return part_record(f, EVENT_CONTACT, GW_STR(""), known ? "changed" : "new", &fact, &priv);
}
