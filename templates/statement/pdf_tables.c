#include "templates/statement/letter.h"

/* Widths in points; each table's add up to PAGE_BREADTH (511.28). */
static const column item_columns[] = {
    {LABEL_REFERENCE, 72.0, ALIGN_LEFT, true},      {LABEL_DESCRIPTION, 117.28, ALIGN_LEFT, true},
    {LABEL_ISSUED, 53.0, ALIGN_LEFT, false},        {LABEL_DUE, 53.0, ALIGN_LEFT, false},
    {LABEL_DAYS_OVERDUE, 38.0, ALIGN_RIGHT, false}, {LABEL_AMOUNT, 62.0, ALIGN_RIGHT, false},
    {LABEL_PAID, 54.0, ALIGN_RIGHT, false},         {LABEL_OPEN, 62.0, ALIGN_RIGHT, false},
};
enum {
    ITEM_REFERENCE,
    ITEM_TEXT,
    ITEM_ISSUED,
    ITEM_DUE,
    ITEM_DAYS,
    ITEM_AMOUNT,
    ITEM_PAID,
    ITEM_OPEN
};

static const column charge_columns[] = {
    {LABEL_DESCRIPTION, 180.0, ALIGN_LEFT, true},
    {LABEL_BASIS, 249.28, ALIGN_LEFT, true},
    {LABEL_AMOUNT, 82.0, ALIGN_RIGHT, false},
};
static const column dated_columns[] = {
    {LABEL_DATE, 72.0, ALIGN_LEFT, false},
    {LABEL_REFERENCE, 120.0, ALIGN_LEFT, true},
    {LABEL_DESCRIPTION, 237.28, ALIGN_LEFT, true},
    {LABEL_AMOUNT, 82.0, ALIGN_RIGHT, false},
};

static const table item_table = {item_columns, GW_COUNT(item_columns)};
static const table charge_table = {charge_columns, GW_COUNT(charge_columns)};
static const table dated_table = {dated_columns, GW_COUNT(dated_columns)};

static void note_part(letter *l, label what, gw_str value)
{
    if (l->text.n > 0)
        gw_buf_puts(&l->text, " · ");
    gw_buf_put_str(&l->text, canvas_label(l->c, what));
    if (value.n == 0)
        return;
    gw_buf_put_str(&l->text, canvas_label(l->c, LABEL_COLON));
    gw_buf_put_str(&l->text, value);
}

/* "Terms: 30 days net · Contract amount: USD 10,000.00 · Disputed" */
static gw_str note_of(letter *l, const statement_item *it)
{
    gw_buf_clear(&l->text);
    if (it->terms.n)
        note_part(l, LABEL_TERMS, it->terms);
    if (it->has_contract)
        note_part(l, LABEL_CONTRACT, letter_money(l, &l->s->totals[it->currency], it->contract));
    if (it->disputed)
        note_part(l, LABEL_DISPUTED, GW_STR(""));
    return gw_buf_str(&l->text);
}

static void put_item(letter *l, const statement_item *it)
{
    const statement_total *t = &l->s->totals[it->currency];
    table_row row = {.note_column = ITEM_TEXT};
    row.cells[ITEM_REFERENCE] = it->reference.n ? it->reference : it->id;
    row.cells[ITEM_TEXT] = it->description;
    if (it->has_issued)
        row.cells[ITEM_ISSUED] = letter_day(l, it->issued);
    row.cells[ITEM_DUE] = letter_day(l, it->due);
    if (it->days_overdue > 0)
        row.cells[ITEM_DAYS] = letter_count(l, it->days_overdue);
    row.cells[ITEM_AMOUNT] = letter_amount(l, t, it->amount);
    row.cells[ITEM_PAID] = letter_amount(l, t, it->paid);
    row.cells[ITEM_OPEN] = letter_amount(l, t, it->open);
    row.note = note_of(l, it);
    table_put(l->c, &row);
}

static void items_in(letter *l, size_t currency)
{
    const statement *s = l->s;
    const statement_total *t = &s->totals[currency];
    int64_t open = 0;
    bool begun = false;
    for (size_t i = 0; i < s->item_n; i++) {
        if (s->items[i].currency != currency)
            continue;
        if (!begun)
            table_begin(
                l->c, &item_table,
                letter_fill(l, &l->text, LABEL_OPEN_ITEMS_IN, gw_str_of(t->currency), GW_STR("")));
        begun = true;
        open += s->items[i].open; /* lies between the checked sums -credits and items */
        put_item(l, &s->items[i]);
    }
    if (!begun)
        return;
    table_row sum = {.strong = true};
    sum.cells[ITEM_REFERENCE] = canvas_label(l->c, LABEL_TOTAL);
    sum.cells[ITEM_OPEN] = letter_amount(l, t, open);
    table_put(l->c, &sum);
    table_end(l->c);
}

static void charges_in(letter *l, size_t currency)
{
    const statement_total *t = &l->s->totals[currency];
    bool begun = false;
    for (size_t i = 0; i < l->s->charge_n; i++) {
        const statement_line *line = &l->s->charges[i];
        if (line->currency != currency)
            continue;
        if (!begun)
            table_begin(
                l->c, &charge_table,
                letter_fill(l, &l->text, LABEL_CHARGES_IN, gw_str_of(t->currency), GW_STR("")));
        begun = true;
        table_put(l->c, &(table_row){.cells = {line->label, line->basis,
                                               letter_amount(l, t, line->amount)}});
    }
    if (begun)
        table_end(l->c);
}

/* Credits are shown negative; payments as they are. */
static void dated_in(letter *l, size_t currency, const statement_line *lines, size_t n,
                     label heading, int sign)
{
    const statement_total *t = &l->s->totals[currency];
    bool begun = false;
    for (size_t i = 0; i < n; i++) {
        const statement_line *line = &lines[i];
        if (line->currency != currency)
            continue;
        if (!begun)
            table_begin(l->c, &dated_table,
                        letter_fill(l, &l->text, heading, gw_str_of(t->currency), GW_STR("")));
        begun = true;
        gw_str day = line->has_date ? letter_day(l, line->date) : GW_STR("");
        table_put(l->c, &(table_row){.cells = {day, line->reference, line->label,
                                               letter_amount(l, t, sign * line->amount)}});
    }
    if (begun)
        table_end(l->c);
}

void letter_tables(letter *l)
{
    const statement *s = l->s;
    if (s->item_n == 0) {
        canvas_line(l->c, FACE_TEXT, INK_TEXT, PAGE_LEFT, l->c->y + 8.0, PAGE_BREADTH, ALIGN_LEFT,
                    canvas_label(l->c, LABEL_NO_ITEMS));
        l->c->y += 24.0;
    }
    for (size_t i = 0; i < s->total_n; i++) {
        items_in(l, i);
        charges_in(l, i);
        dated_in(l, i, s->credits, s->credit_n, LABEL_CREDITS_IN, -1);
        dated_in(l, i, s->payments, s->payment_n, LABEL_PAYMENTS_IN, 1);
    }
}
