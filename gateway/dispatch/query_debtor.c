#include "gateway/dispatch/query_part.h"

static int32_t local_day(query *q, const view_debtor *d, gw_wall now)
{
    const zone *z = d->zone.n ? zone_table_get(q->cfg->zones, d->zone, NULL) : NULL;
    return z ? zone_local(z, now).day : (int32_t)(now.ms / GW_MS_PER_DAY);
}

static void put_day(gw_buf *b, const char *name, int32_t day)
{
    char text[GW_DATE_TEXT];
    if (day == VIEW_NO_DAY)
        return;
    gw_date_format(day, text);
    json_put_member_str(b, name, gw_str_of(text));
}

static void put_holds(gw_buf *b, const view_debtor *d)
{
    json_put_name(b, "holds");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < d->hold_n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "kind", d->holds[i].kind);
        query_put_time(b, "since", d->holds[i].since_ms);
        query_put_time(b, "until", d->holds[i].until_ms);
        query_put_text(b, "by", d->holds[i].by);
        query_put_text(b, "reason", d->holds[i].reason);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_consents(gw_buf *b, const view_debtor *d)
{
    static const char *const scopes[] = {"address", "debt", "channel", "all"};
    json_put_name(b, "consents");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < d->consent_n; i++) {
        const view_consent *c = &d->consents[i];
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "channel", c->scope == SCOPE_DEBT ? GW_STR("*") : c->channel);
        json_put_member_str(b, c->scope == SCOPE_DEBT ? "debt" : "address", c->address);
        json_put_member_str(b, "status", gw_str_of(c->granted ? "granted" : "withdrawn"));
        json_put_member_str(b, "scope", gw_str_of(scopes[c->scope]));
        query_put_text(b, "purpose", c->purpose);
        query_put_text(b, "source", c->source);
        query_put_time(b, "at", c->at_ms);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_suppressions(gw_buf *b, const view_debtor *d)
{
    static const char *const kinds[] = {"legal", "leaked", "bounce", "unverified"};
    json_put_name(b, "suppressions");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < d->suppression_n; i++) {
        const view_suppression *x = &d->suppressions[i];
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "suppression", gw_str_of(kinds[x->kind]));
        json_put_member_str(b, "channel", x->channel);
        json_put_member_str(b, "address", x->address);
        query_put_time(b, "at", x->at_ms);
        query_put_time(b, "until", x->until_ms);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_hours(gw_buf *b, const view_debtor *d)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    json_put_name(b, "hours");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < d->window_n; i++) {
        const view_window *w = &d->windows[i];
        size_t n = 0;
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "hours", w->name);
        json_put_member_str(b, "use", w->never ? GW_STR("never") : GW_STR("only"));
        query_put_text(b, "channel", w->channel);
        gw_buf_puts(b, ",\"days\":[");
        for (unsigned k = 0; k < GW_COUNT(days); k++)
            if (w->weekdays >> k & 1)
                gw_buf_printf(b, "%s\"%s\"", n++ ? "," : "", days[k]);
        gw_buf_printf(b, "],\"from\":\"%02d:%02d\",\"to\":\"%02d:%02d\"}", w->from / 60,
                      w->from % 60, w->to / 60, w->to % 60);
    }
    gw_buf_putc(b, ']');
}

static void put_counters(gw_buf *b, const view_debtor *d)
{
    bool first = true;
    json_put_name(b, "contacts_made");
    gw_buf_putc(b, '{');
    for (size_t i = 0; i < d->hash->n; i++) {
        const state_field *f = &d->hash->fields[i];
        if (f->name.n < 3 || memcmp(f->name.p, "c:", 2) != 0)
            continue;
        if (!first)
            gw_buf_putc(b, ',');
        first = false;
        json_put_string(b, (gw_str){f->name.p + 2, f->name.n - 2});
        gw_buf_printf(b, ":%lld", (long long)view_int(f->value, 0));
    }
    gw_buf_putc(b, '}');
}

gw_code query_debtor(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    view_debtor *d;
    gw_code rc = query_find_debtor(q, ask, &d, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(ret, '{');
    json_put_member_str(ret, "debtor", d->id);
    json_put_member_str(ret, "source", d->source);
    put_day(ret, "local_day", local_day(q, d, ask->now));
    json_put_member_raw(ret, "facts", d->body.n ? d->body : GW_STR("null"));
    put_holds(ret, d);
    put_consents(ret, d);
    put_suppressions(ret, d);
    put_hours(ret, d);
    put_counters(ret, d);
    rc = query_put_replies(d->hash, GW_STR(""), ask->arena, ret, err);
    if (rc != GW_OK)
        return rc;
    json_put_member_int(ret, "items", (int64_t)d->item_n);
    rc = query_put_willing(q, ask, d, ret, err);
    gw_buf_putc(ret, '}');
    return rc;
}

static void put_item(gw_buf *b, const view_item *i, int32_t today)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "item", i->id);
    json_put_member_str(b, "state",
                        gw_str_of(i->closed     ? "closed"
                                  : i->settled  ? "paid"
                                  : i->disputed ? "disputed"
                                                : "open"));
    put_day(b, "due", i->due);
    json_put_member_int(b, "amount_minor", i->amount);
    json_put_member_int(b, "paid_minor", i->paid);
    json_put_member_int(b, "open_minor", i->settled ? 0 : i->amount - i->paid);
    json_put_member_str(b, "currency", i->currency);
    json_put_member_int(b, "days_overdue",
                        !i->settled && i->due != VIEW_NO_DAY && today > i->due ? today - i->due
                                                                               : 0);
    query_put_text(b, "case", i->case_id);
    query_put_text(b, "reference", i->reference);
    query_put_text(b, "ladder", i->ladder);
    gw_buf_putc(b, '}');
}

static void put_promises(gw_buf *b, const view_debtor *d)
{
    json_put_name(b, "promises");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < d->promise_n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "promise", d->promises[i].id);
        query_put_text(b, "item", d->promises[i].item);
        put_day(b, "date", d->promises[i].date);
        json_put_member_bool(b, "open", d->promises[i].open);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

gw_code query_items(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    view_debtor *d;
    gw_str only = json_get_str(ask->body, 0, "item");
    gw_code rc = query_find_debtor(q, ask, &d, err);
    if (rc != GW_OK)
        return rc;
    int32_t today = local_day(q, d, ask->now);
    size_t n = 0;
    gw_buf_putc(ret, '{');
    json_put_member_str(ret, "debtor", d->id);
    put_day(ret, "local_day", today);
    json_put_name(ret, "items");
    gw_buf_putc(ret, '[');
    for (size_t i = 0; i < d->item_n; i++) {
        if (only.n && !gw_str_eq(d->items[i].id, only))
            continue;
        if (n++)
            gw_buf_putc(ret, ',');
        put_item(ret, &d->items[i], today);
    }
    gw_buf_putc(ret, ']');
    put_promises(ret, d);
    gw_buf_putc(ret, '}');
    return GW_OK;
}
