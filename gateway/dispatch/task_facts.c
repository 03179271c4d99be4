#include "gateway/dispatch/task_facts.h"

#include "gateway/dispatch/task_guard.h"

static void put_text(gw_buf *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b, name, value);
}

static void put_day(gw_buf *b, const char *name, int32_t day)
{
    char text[GW_DATE_TEXT];
    if (day == VIEW_NO_DAY)
        return;
    gw_date_format(day, text);
    json_put_member_str(b, name, gw_str_of(text));
}

static int32_t local_day(const zone *z, int64_t t)
{
    if (z)
        return zone_local(z, (gw_wall){t}).day;
    return (int32_t)(t / GW_MS_PER_DAY);
}

gw_str task_reference(const view_reminder *r, const reminder_facts *f)
{
    if (f->item && f->item->reference.n)
        return f->item->reference;
    if (f->item)
        return f->item->id;
    return r->case_id.n ? r->case_id : r->job;
}

/* ---- items ---- */

static void put_item(gw_buf *b, const view_item *i, int32_t today)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "id", i->id);
    put_text(b, "case", i->case_id);
    put_text(b, "reference", i->reference);
    put_text(b, "description", i->description);
    put_day(b, "issued", i->issued);
    put_day(b, "due", i->due);
    json_put_member_int(b, "amount_minor", i->amount);
    json_put_member_int(b, "paid_minor", i->paid);
    json_put_member_int(b, "open_minor", i->settled ? 0 : i->amount - i->paid);
    put_text(b, "currency", i->currency);
    put_text(b, "terms", i->terms);
    if (i->contract)
        json_put_member_int(b, "contract_minor", i->contract);
    if (i->disputed)
        json_put_member_bool(b, "disputed", true);
    json_put_member_int(b, "days_overdue",
                        i->due != VIEW_NO_DAY && today > i->due ? today - i->due : 0);
    gw_buf_putc(b, '}');
}

typedef struct {
    const view_item *item;
    bool in_case;
} ranked_item;

static int by_rank(const void *a, const void *b)
{
    const ranked_item *x = a;
    const ranked_item *y = b;
    if (x->in_case != y->in_case)
        return x->in_case ? -1 : 1;
    if (x->item->due != y->item->due)
        return x->item->due < y->item->due ? -1 : 1;
    size_t n = x->item->id.n < y->item->id.n ? x->item->id.n : y->item->id.n;
    int c = memcmp(x->item->id.p, y->item->id.p, n);
    return c ? c : (x->item->id.n > y->item->id.n) - (x->item->id.n < y->item->id.n);
}

static gw_code put_items(gw_buf *b, const task_facts_input *in, int32_t today, gw_arena *arena,
                         gw_err *err)
{
    const view_debtor *d = in->debtor;
    const view_reminder *r = in->reminder;
    gw_str subject = r->item.n ? r->item : r->case_id;
    ranked_item *list = gw_arena_alloc(arena, (d->item_n + 1) * sizeof *list);
    size_t n = 0;
    if (!list)
        return gw_fail(err, GW_ENOMEM, "listing open items");
    for (size_t i = 0; i < d->item_n; i++)
        if (!d->items[i].settled)
            list[n++] = (ranked_item){&d->items[i], view_item_in_case(&d->items[i], subject)};
    qsort(list, n, sizeof *list, by_rank);
    json_put_name(b, "items");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            gw_buf_putc(b, ',');
        put_item(b, list[i].item, today);
    }
    gw_buf_putc(b, ']');
    if (in->facts->item) {
        json_put_name(b, "item");
        put_item(b, in->facts->item, today);
    }
    return GW_OK;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const view_payment *)a)->at_ms;
    int64_t y = ((const view_payment *)b)->at_ms;
    return (x < y) - (x > y);
}

static gw_code put_payments(gw_buf *b, const view_debtor *d, const zone *z, gw_arena *arena,
                            gw_err *err)
{
    view_payment *list = gw_arena_alloc(arena, (d->payment_n + 1) * sizeof *list);
    if (!list)
        return gw_fail(err, GW_ENOMEM, "listing payments");
    if (d->payment_n)
        memcpy(list, d->payments, d->payment_n * sizeof *list);
    qsort(list, d->payment_n, sizeof *list, newest_first);
    json_put_name(b, "payments");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < d->payment_n && i < TASK_PAYMENTS_MAX; i++) {
        if (i)
            gw_buf_putc(b, ',');
        gw_buf_putc(b, '{');
        if (list[i].at_ms)
            put_day(b, "date", local_day(z, list[i].at_ms));
        put_text(b, "reference", list[i].id);
        json_put_member_int(b, "amount_minor", list[i].amount);
        put_text(b, "currency", list[i].currency);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
    return GW_OK;
}

/* ---- the job's own facts ---- */

static bool is_ours(gw_str name, bool items_known)
{
    static const char *const ours[] = {
        "creditor", "signature", "debtor", "contact", "case",      "job",  "reference", "channel",
        "purpose",  "tone",      "locale", "date",    "statement", "item", "payments",  "guard"};
    for (size_t i = 0; i < GW_COUNT(ours); i++)
        if (gw_str_is(name, ours[i]))
            return true;
    return items_known && gw_str_is(name, "items");
}

static void put_own_facts(gw_buf *b, const view_reminder *r, bool items_known)
{
    const json_doc *j = &r->doc;
    if (!r->facts)
        return;
    for (uint32_t m = json_first(r->facts); m < json_at(j, r->facts)->next;
         m = json_at(j, m + 1)->next) {
        if (is_ours(json_str(j, m), items_known))
            continue;
        uint32_t value = m + 1;
        gw_str raw = json_raw(j, value);
        gw_buf_puts(b, ",\"");
        gw_buf_put_str(b, json_raw(j, m));
        gw_buf_puts(b, "\":");
        if (json_kind_of(j, value) == JSON_STRING)
            gw_buf_putc(b, '"');
        gw_buf_put_str(b, raw);
        if (json_kind_of(j, value) == JSON_STRING)
            gw_buf_putc(b, '"');
    }
}

/* ---- the document ---- */

static void put_parties(gw_buf *b, const task_facts_input *in)
{
    const view_debtor *d = in->debtor;
    json_put_member_raw(b, "creditor", in->creditor.n ? in->creditor : GW_STR("{}"));
    if (in->signature.n)
        json_put_member_raw(b, "signature", in->signature);
    json_put_name(b, "debtor");
    gw_buf_putc(b, '{');
    json_put_member_str(b, "id", d->id);
    put_text(b, "name", d->name);
    put_text(b, "role", d->role);
    gw_buf_putc(b, '}');
    const view_contact *c = in->facts->policy.recipient_n ? in->facts->contacts[0] : NULL;
    if (!c)
        return;
    json_put_name(b, "contact");
    gw_buf_putc(b, '{');
    put_text(b, "name", c->name);
    put_text(b, "role", c->role);
    gw_buf_putc(b, '}');
}

gw_code task_facts_json(const task_facts_input *in, gw_arena *arena, gw_buf *out, gw_err *err)
{
    const view_reminder *r = in->reminder;
    const view_debtor *d = in->debtor;
    const zone *z = in->facts->policy.zone;
    int32_t today = local_day(z, in->now.ms);
    gw_buf_putc(out, '{');
    put_parties(out, in);
    put_text(out, "case", r->case_id);
    put_text(out, "job", r->job);
    put_text(out, "reference", task_reference(r, in->facts));
    put_text(out, "channel", r->channel);
    put_text(out, "purpose", gw_str_of(in->facts->policy.purpose));
    if (r->tone.n && view_int(r->tone, -1) >= 0)
        json_put_member_raw(out, "tone", r->tone);
    else
        put_text(out, "tone", r->tone);
    put_text(out, "locale", in->locale);
    put_day(out, "date", today);
    put_text(out, "statement", r->statement);
    gw_code rc = GW_OK;
    if (d->item_n)
        rc = put_items(out, in, today, arena, err);
    if (rc == GW_OK && d->payment_n)
        rc = put_payments(out, d, z, arena, err);
    if (rc != GW_OK)
        return rc;
    rc = task_guard_put(in, out, err);
    if (rc != GW_OK)
        return rc;
    put_own_facts(out, r, d->item_n > 0);
    gw_buf_putc(out, '}');
    return gw_buf_code(out, "the facts of a reminder", err);
}
