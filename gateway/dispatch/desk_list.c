/* desk_list.c - question `calls`: what is open, by rank, what is in whose hands, and which promised
 * statements are not sent yet. */
#include "gateway/dispatch/desk.h"

#include "gateway/state/mark.h"

gw_code desk_load(const desk *k, char letter, size_t limit, loaded **ret, size_t *ret_n)
{
    const intake_ask *ask = k->ask;
    state_ref *refs;
    gw_code rc = state_tasks(ask->store, letter, limit, ask->arena, &refs, ret_n, k->err);
    return rc == GW_OK ? load_reminders(ask->store, k->q->cfg->id_key, refs, *ret_n, true,
                                        ask->arena, ret, k->err)
                       : rc;
}

static const view_item *item_of(const loaded *l)
{
    for (size_t i = 0; i < l->d->item_n; i++)
        if (gw_str_eq(l->d->items[i].id, l->r.item))
            return &l->d->items[i];
    return NULL;
}

static void put_row(const loaded *l, gw_arena *arena, gw_buf *b)
{
    const view_reminder *r = &l->r;
    const view_item *item = item_of(l);
    bool taken = r->state != LIFE_OPEN;
    desk_memory m;
    desk_memory_read(r, arena, &m);
    gw_buf_putc(b, '{');
    json_put_member_str(b, "task", r->job);
    json_put_member_str(b, "state", gw_str_of(life_state_name((life_state)r->state)));
    json_put_member_str(b, "source", r->source);
    json_put_member_str(b, "debtor", r->debtor);
    query_put_text(b, "name", l->d->name);
    json_put_member_str(b, "channel", r->channel);
    query_put_text(b, "step", r->step);
    query_put_text(b, "tone", r->tone);
    json_put_member_int(b, "rank", r->rank);
    if (item) {
        json_put_member_int(b, "open_minor", item->amount - item->paid);
        json_put_member_str(b, "currency", item->currency);
    }
    json_put_member_int(b, "tries", m.tries);
    query_put_time(b, "opened", m.opened_ms);
    if (taken)
        query_put_text(b, "agent", r->agent);
    if (r->state != LIFE_UNKNOWN)
        query_put_time(b, taken ? "until" : "closes", r->due_ms);
    gw_buf_putc(b, '}');
}

typedef struct {
    desk k;
    gw_str agent, channel;
    size_t limit, n;
    gw_buf *ret;
} listing;

static bool is_asked_for(const listing *l, const loaded *t, char letter)
{
    const view_reminder *r = &t->r;
    return t->code == GW_OK && r->state == letter && view_is_task(r) &&
           (!l->k.ask->source.n || gw_str_eq(l->k.ask->source, r->source)) &&
           (!l->channel.n || gw_str_eq(l->channel, r->channel)) &&
           (!l->agent.n || letter == LIFE_OPEN || gw_str_eq(l->agent, r->agent));
}

static void put_rows(listing *l, const loaded *list, size_t n, char letter)
{
    for (size_t i = 0; i < n && l->n < l->limit; i++) {
        if (!is_asked_for(l, &list[i], letter))
            continue;
        if (l->n++)
            gw_buf_putc(l->ret, ',');
        put_row(&list[i], l->k.ask->arena, l->ret);
    }
}

/* A mark whose task is over is taken away; nothing leads back to unknown from there. */
static gw_code forget_over(const listing *l, const state_mark *marks, const loaded *list, size_t n)
{
    const intake_ask *ask = l->k.ask;
    size_t m = 0;
    state_mark *over = gw_arena_alloc(ask->arena, (n + 1) * sizeof *over);
    if (!over)
        return desk_no_memory(&l->k);
    for (size_t i = 0; i < n; i++)
        if (list[i].code == GW_ENOTFOUND ||
            (list[i].r.state != LIFE_UNKNOWN && life_is_final((life_state)list[i].r.state)))
            over[m++] = marks[i];
    return m ? state_mark_remove(ask->store, over, m, l->k.err) : GW_OK;
}

gw_code desk_load_marked(const desk *k, char kind, state_mark **ret_marks, loaded **ret,
                         size_t *ret_n)
{
    static const gw_id all;
    const intake_ask *ask = k->ask;
    state_mark *marks;
    size_t n, m = 0;
    *ret_n = 0;
    gw_code rc = state_mark_find(ask->store, kind, &all, ask->arena, &marks, &n, k->err);
    if (rc != GW_OK || n == 0)
        return rc;
    state_ref *refs = gw_arena_alloc(ask->arena, n * sizeof *refs);
    if (!refs)
        return desk_no_memory(k);
    for (size_t i = 0; i < n; i++) {
        refs[m].shard = marks[i].shard;
        if (gw_id_parse(marks[i].value, &refs[m].rid, NULL) == GW_OK)
            marks[m++] = marks[i];
    }
    *ret_marks = marks;
    *ret_n = m;
    return load_reminders(ask->store, k->q->cfg->id_key, refs, m, true, ask->arena, ret, k->err);
}

/* Begun, and nobody said what became of it. */
static gw_code put_unknown(listing *l)
{
    state_mark *marks;
    loaded *list;
    size_t n;
    gw_code rc = desk_load_marked(&l->k, DESK_MARK, &marks, &list, &n);
    if (rc != GW_OK || n == 0)
        return rc;
    put_rows(l, list, n, LIFE_UNKNOWN);
    return forget_over(l, marks, list, n);
}

gw_code query_calls(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    static const char states[] = {LIFE_TALKING, LIFE_LEASED, LIFE_OPEN};
    listing l = {.k = {.q = q, .ask = ask, .err = err},
                 .agent = json_get_str(ask->body, 0, "agent"),
                 .channel = json_get_str(ask->body, 0, "channel"),
                 .limit = (size_t)json_get_int(ask->body, 0, "limit", QUERY_LIST_DEFAULT),
                 .ret = ret};
    if (ask->role == ZAP_CLIENT)
        return gw_fail(err, GW_EREFUSED, "the call desk is for agents and operators");
    gw_buf_puts(ret, "{\"calls\":[");
    gw_code rc = put_unknown(&l);
    for (size_t s = 0; s < GW_COUNT(states) && rc == GW_OK; s++) {
        loaded *list;
        size_t n;
        rc = desk_load(&l.k, states[s], STATE_LIST_MAX, &list, &n);
        if (rc == GW_OK)
            put_rows(&l, list, n, states[s]);
    }
    gw_buf_putc(ret, ']');
    if (rc == GW_OK)
        rc = desk_statements(&l.k, l.limit, ret);
    gw_buf_putc(ret, '}');
    return rc;
}
