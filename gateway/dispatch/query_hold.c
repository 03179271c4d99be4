/* query_hold.c - who is on hold, why, by whom and until when, over all debtors. */
#include "gateway/dispatch/query_part.h"

#include "gateway/intake/intake.h"

enum { HOLDS_DEFAULT = 100 };

static bool has_ended(const view_hold *h, gw_wall now)
{
    return h->until_ms && h->until_ms <= now.ms;
}

static void put_hold(gw_buf *b, const view_debtor *d, const view_hold *h)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "source", d->source);
    json_put_member_str(b, "debtor", d->id);
    json_put_member_str(b, "kind", h->kind);
    query_put_time(b, "since", h->since_ms);
    query_put_time(b, "until", h->until_ms);
    query_put_text(b, "by", h->by);
    query_put_text(b, "reason", h->reason);
    gw_buf_putc(b, '}');
}

static gw_code put_holds_of(const intake_ask *ask, const state_debtor *raw, gw_buf *ret, size_t *n,
                            gw_err *err)
{
    gw_str kind = json_get_str(ask->body, 0, "kind");
    view_debtor d;
    gw_code rc = view_debtor_read(raw, ask->arena, &d, err);
    if (rc != GW_OK)
        return rc;
    if (ask->source.n && !gw_str_eq(ask->source, d.source))
        return GW_OK;
    for (size_t i = 0; i < d.hold_n; i++) {
        if (has_ended(&d.holds[i], ask->now) || (kind.n && !gw_str_eq(kind, d.holds[i].kind)))
            continue;
        if ((*n)++)
            gw_buf_putc(ret, ',');
        put_hold(ret, &d, &d.holds[i]);
    }
    return GW_OK;
}

gw_code query_holds(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    char cursor[STATE_CURSOR_TEXT] = "";
    gw_str from = json_get_str(ask->body, 0, "cursor");
    size_t limit = (size_t)json_get_int(ask->body, 0, "limit", HOLDS_DEFAULT);
    state_ref *refs;
    size_t n = 0;
    size_t put = 0;
    (void)q;
    if (from.n >= sizeof cursor)
        return gw_fail(err, GW_EINVAL, "cursor is not one of ours");
    if (from.n)
        memcpy(cursor, from.p, from.n);
    const state_list_query asked = {.by_state = 'h'};
    gw_code rc = state_list(ask->store, &asked, cursor, limit, ask->arena, &refs, &n, cursor, err);
    gw_id *dids = rc == GW_OK ? gw_arena_alloc(ask->arena, (n + 1) * sizeof *dids) : NULL;
    state_debtor *raw = dids ? gw_arena_alloc(ask->arena, (n + 1) * sizeof *raw) : NULL;
    if (rc == GW_OK && !raw)
        rc = gw_fail(err, GW_ENOMEM, "listing holds");
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        dids[i] = refs[i].rid;
    if (rc == GW_OK && n)
        rc = state_load_debtors(ask->store, dids, n, ask->arena, raw, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(ret, "{\"holds\":[");
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        rc = put_holds_of(ask, &raw[i], ret, &put, err);
    gw_buf_putc(ret, ']');
    query_put_text(ret, "cursor", gw_str_of(cursor));
    gw_buf_putc(ret, '}');
    return rc;
}
