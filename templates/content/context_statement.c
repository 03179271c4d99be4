#include "gateway/base/time.h"
#include "templates/content/context_builder.h"

#include <stdio.h>

static bool facts_have(const context_builder *b, const char *name)
{
    return json_member(b->in, 0, name) != 0;
}

/* ---- items ---- */

/* What is said of an item from the statement; everything else of it comes from the facts. */
static const char *const item_words[] = {
    "id",         "reference", "due",          "due_iso",    "due_date",  "issued",
    "issued_iso", "amount",    "paid",         "open",       "currency",  "days_overdue",
    "overdue",    "disputed",  "amount_minor", "paid_minor", "open_minor"};

static bool is_item_word(gw_str name)
{
    for (size_t i = 0; i < GW_COUNT(item_words); i++)
        if (gw_str_is(name, item_words[i]))
            return true;
    return false;
}

static gw_code put_item(context_builder *b, const statement *s, const statement_item *i)
{
    gw_str currency = gw_str_of(s->totals[i->currency].currency);
    const struct {
        const char *name;
        int64_t minor;
    } amounts[] = {{"amount", i->amount}, {"paid", i->paid}, {"open", i->open}};
    json_put_member_str(b->out, "id", i->id);
    json_put_member_str(b->out, "reference", i->reference.n ? i->reference : i->id);
    gw_code rc = i->has_issued ? context_put_date(b, CONTEXT_OURS, "issued", i->issued) : GW_OK;
    if (rc == GW_OK)
        rc = context_put_date(b, CONTEXT_OURS, "due", i->due);
    context_put_member_text(b, "due_date"); /* the text of "due" is still there */
    for (size_t a = 0; a < GW_COUNT(amounts) && rc == GW_OK; a++)
        rc = context_put_money(b, amounts[a].name, amounts[a].minor, currency);
    json_put_member_str(b->out, "currency", currency);
    json_put_member_int(b->out, "days_overdue", i->days_overdue);
    json_put_member_bool(b->out, "overdue", i->days_overdue > 0 && i->open > 0);
    json_put_member_bool(b->out, "disputed", i->disputed);
    return rc;
}

gw_code context_put_items(context_builder *b, const statement *s, uint32_t items)
{
    gw_code rc = GW_OK;
    uint32_t node = json_first(items);
    context_open_member(b, "items", '[');
    for (size_t i = 0; i < s->item_n && rc == GW_OK; i++) {
        gw_str currency = gw_str_of(s->totals[s->items[i].currency].currency);
        gw_buf_puts(b->out, i ? ",{" : "{");
        rc = put_item(b, s, &s->items[i]);
        uint32_t name = json_first(node);
        for (uint32_t m = 0; m < json_at(b->in, node)->count && rc == GW_OK; m++) {
            if (!is_item_word(json_raw(b->in, name)))
                rc = context_put_member(b, node, name, currency);
            name = json_at(b->in, json_at(b->in, name)->next)->next;
        }
        gw_buf_putc(b->out, '}');
        node = json_at(b->in, node)->next;
    }
    gw_buf_putc(b->out, ']');
    return rc;
}

/* ---- totals ---- */

static gw_code put_totals(context_builder *b, const statement *s)
{
    gw_code rc = GW_OK;
    if (facts_have(b, "totals"))
        return GW_OK;
    context_open_member(b, "totals", '[');
    for (size_t i = 0; i < s->total_n && rc == GW_OK; i++) {
        const statement_total *t = &s->totals[i];
        const struct {
            const char *name;
            int64_t minor;
        } rows[] = {{"balance", t->balance},
                    {"overdue", t->overdue},
                    {"items", t->items},
                    {"charges", t->charges},
                    {"credits", t->credits}};
        gw_buf_puts(b->out, i ? ",{" : "{");
        json_put_member_str(b->out, "currency", gw_str_of(t->currency));
        for (size_t r = 0; r < GW_COUNT(rows) && rc == GW_OK; r++)
            rc = context_put_money(b, rows[r].name, rows[r].minor, gw_str_of(t->currency));
        gw_buf_putc(b->out, '}');
    }
    gw_buf_putc(b->out, ']');
    return rc;
}

/* "EUR 10.00, USD 5.00" */
static gw_code put_sum(context_builder *b, const statement *s, const char *name, bool overdue)
{
    gw_code rc = GW_OK;
    char minor[CONTEXT_NAME_MAX + 8];
    snprintf(minor, sizeof minor, "%s_minor", name);
    if (facts_have(b, name) || facts_have(b, minor) || s->total_n == 0)
        return GW_OK;
    gw_buf_clear(&b->text);
    for (size_t i = 0; i < s->total_n && rc == GW_OK; i++) {
        const statement_total *t = &s->totals[i];
        gw_buf_puts(&b->text, i ? ", " : "");
        rc = format_money(b->f, overdue ? t->overdue : t->balance, gw_str_of(t->currency), &b->text,
                          b->err);
    }
    if (rc == GW_OK)
        context_put_member_text(b, name);
    return rc;
}

/* ---- days ---- */

/* The day that is meant when one due date is named: that of the item the reminder is about, else
 * the earliest of what is still open. */
static int32_t due_day(const context_builder *b, const statement *s)
{
    int32_t day = s->item_n ? s->items[0].due : b->today;
    bool found = false;
    uint32_t item = json_member(b->in, 0, "item");
    if (item && json_kind_of(b->in, item) == JSON_OBJECT &&
        gw_date_parse(json_get_str(b->in, item, "due"), &day, NULL) == GW_OK)
        return day;
    for (size_t i = 0; i < s->item_n; i++)
        if (s->items[i].open > 0 && (!found || s->items[i].due < day)) {
            day = s->items[i].due;
            found = true;
        }
    return day;
}

static void put_int_default(context_builder *b, const char *name, int64_t value)
{
    if (!facts_have(b, name))
        json_put_member_int(b->out, name, value);
}

static void put_bool_default(context_builder *b, const char *name, bool value)
{
    if (!facts_have(b, name))
        json_put_member_bool(b->out, name, value);
}

static gw_code put_days(context_builder *b, const statement *s)
{
    int oldest = 0;
    int32_t due = due_day(b, s);
    for (size_t i = 0; i < s->item_n; i++)
        if (s->items[i].open > 0 && s->items[i].days_overdue > oldest)
            oldest = s->items[i].days_overdue;
    put_int_default(b, "item_count", (int64_t)s->item_n);
    put_bool_default(b, "one_item", s->item_n == 1);
    put_int_default(b, "days_overdue", b->today > due ? b->today - due : 0);
    put_int_default(b, "days_until_due", due > b->today ? due - b->today : 0);
    put_bool_default(b, "overdue", oldest > 0);
    return facts_have(b, "due_date") ? GW_OK : context_put_date(b, 0, "due_date", due);
}

gw_code context_put_statement(context_builder *b, const statement *s)
{
    gw_code rc = put_totals(b, s);
    if (rc == GW_OK)
        rc = put_sum(b, s, "total_open", false);
    if (rc == GW_OK)
        rc = put_sum(b, s, "total_overdue", true);
    if (rc == GW_OK)
        rc = put_days(b, s);
    if (rc == GW_OK && !facts_have(b, "statement_date"))
        rc = context_put_date(b, 0, "statement_date", s->date);
    return rc;
}
