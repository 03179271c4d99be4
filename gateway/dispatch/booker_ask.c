#include "gateway/dispatch/booker_ask.h"

#include "gateway/dispatch/questions.h"

/* The pause doubles with every question. In memory only: after a restart one question more is no
 * harm. A reminder that finds its place taken waits a pass. */
static bool is_time(booker *b, const gw_id *rid)
{
    uint32_t h;
    memcpy(&h, rid->b, sizeof h);
    book_asked *a = &b->asked[h % BOOKER_ASKED];
    int64_t now = gw_mono_now().ms;
    bool same = memcmp(a->rid.b, rid->b, sizeof rid->b) == 0;
    if (now < a->next_ms)
        return false;
    int64_t wait = same ? 2 * a->wait_ms : BOOKER_ASK_FIRST_MS;
    *a = (book_asked){*rid, wait < BOOKER_ASK_MOST_MS ? wait : BOOKER_ASK_MOST_MS, 0};
    a->next_ms = now + a->wait_ms;
    return true;
}

/* What our own outcome says of the provider, where the entry does not. */
static void complete(wire_pull *p, const loaded *l, gw_arena *arena)
{
    json_doc out;
    if (!l->r.out.n || json_parse(l->r.out, arena, &out, NULL) != GW_OK)
        return;
    if (!p->provider.n)
        p->provider = json_get_str(&out, 0, "provider");
    if (!p->provider_ref.n)
        p->provider_ref = json_get_str(&out, 0, "provider_ref");
}

gw_code booker_ask(booker *b, book_item *it, gw_err *err)
{
    loaded *l;
    if (!b->cfg.dispatch || !is_time(b, &it->ref.rid))
        return GW_OK;
    gw_code rc =
        load_reminders(b->store, b->cfg.config->id_key, &it->ref, 1, true, b->arena, &l, err);
    if (rc != GW_OK || l->code != GW_OK)
        return rc; /* an unreadable debtor: nobody to ask about */
    char own[WIRE_OWN_TEXT];
    wire_own_format(it->ref.shard, &it->ref.rid, it->attempt, own);
    const view_contact *to = view_contact_named(l->d, l->r.to, l->r.channel);
    wire_pull p = {.id = gw_str_of(own),
                   .own = gw_str_of(own),
                   .provider = it->e.provider,
                   .provider_ref = it->e.ref,
                   .address = to ? view_contact_address(to, l->r.channel) : GW_STR(""),
                   .sent_ms = l->r.ended_ms ? l->r.ended_ms : it->e.rx_ms};
    complete(&p, l, b->arena);
    if (p.provider.n)
        dispatch_question(b->cfg.dispatch, l->r.channel, &p);
    return GW_OK;
}
