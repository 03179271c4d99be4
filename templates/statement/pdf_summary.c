#include "templates/statement/letter.h"

static const column ageing_columns[] = {
    {LABEL_CURRENCY, 55.28, ALIGN_LEFT, false}, {LABEL_NOT_DUE, 76.0, ALIGN_RIGHT, false},
    {LABEL_1_30, 76.0, ALIGN_RIGHT, false},     {LABEL_31_60, 76.0, ALIGN_RIGHT, false},
    {LABEL_61_90, 76.0, ALIGN_RIGHT, false},    {LABEL_OVER_90, 76.0, ALIGN_RIGHT, false},
    {LABEL_TOTAL, 76.0, ALIGN_RIGHT, false},
};
static const column summary_columns[] = {
    {LABEL_CURRENCY, 55.28, ALIGN_LEFT, false}, {LABEL_OPEN_ITEMS, 76.0, ALIGN_RIGHT, false},
    {LABEL_OVERDUE, 76.0, ALIGN_RIGHT, false},  {LABEL_OF_WHICH_DISPUTED, 76.0, ALIGN_RIGHT, false},
    {LABEL_CHARGES, 76.0, ALIGN_RIGHT, false},  {LABEL_CREDITS, 76.0, ALIGN_RIGHT, false},
    {LABEL_BALANCE, 76.0, ALIGN_RIGHT, false},
};
static const table ageing_table = {ageing_columns, GW_COUNT(ageing_columns)};
static const table summary_table = {summary_columns, GW_COUNT(summary_columns)};

static void ageing(letter *l)
{
    gw_str date = letter_long_date(l, l->s->date);
    table_begin(l->c, &ageing_table, letter_fill(l, &l->text, LABEL_AGEING_AT, date, GW_STR("")));
    for (size_t i = 0; i < l->s->total_n; i++) {
        const statement_total *t = &l->s->totals[i];
        table_row row = {.cells = {gw_str_of(t->currency)}};
        for (size_t age = 0; age < AGE_BUCKETS; age++)
            row.cells[1 + age] = letter_amount(l, t, t->aged[age]);
        row.cells[1 + AGE_BUCKETS] = letter_amount(l, t, t->items);
        table_put(l->c, &row);
    }
    table_end(l->c);
}

static void summary(letter *l)
{
    table_begin(l->c, &summary_table, canvas_label(l->c, LABEL_SUMMARY));
    for (size_t i = 0; i < l->s->total_n; i++) {
        const statement_total *t = &l->s->totals[i];
        table_put(l->c,
                  &(table_row){
                      .strong = true,
                      .cells = {gw_str_of(t->currency), letter_amount(l, t, t->items),
                                letter_amount(l, t, t->overdue), letter_amount(l, t, t->disputed),
                                letter_amount(l, t, t->charges), letter_amount(l, t, -t->credits),
                                letter_amount(l, t, t->balance)}});
    }
    table_end(l->c);
}

static void paragraph(canvas *c, canvas_face face, canvas_ink ink, gw_str text)
{
    canvas_need(c, canvas_height(c, face, PAGE_BREADTH, text));
    c->y += canvas_paragraph(c, face, ink, PAGE_LEFT, c->y, PAGE_BREADTH, ALIGN_LEFT, text);
}

static void how_to_pay(letter *l)
{
    const statement_party *from = &l->s->creditor;
    if (from->payment_n == 0)
        return;
    canvas *c = l->c;
    canvas_need(c, 18.0 + canvas_line_height(FACE_HEADING) + 2 * canvas_line_height(FACE_TEXT));
    c->y += 18.0;
    paragraph(c, FACE_HEADING, INK_ACCENT, canvas_label(c, LABEL_HOW_TO_PAY));
    c->y += 3.0;
    for (size_t i = 0; i < from->payment_n; i++)
        paragraph(c, FACE_TEXT, INK_TEXT, from->payment[i]);
}

static void notes(letter *l)
{
    canvas *c = l->c;
    const statement_party *from = &l->s->creditor;
    canvas_need(c, 12.0 + 4 * canvas_line_height(FACE_SMALL)); /* kept together */
    c->y += 12.0;
    paragraph(c, FACE_SMALL, INK_GREY, canvas_label(c, LABEL_NOTE_LATER));
    paragraph(c, FACE_SMALL, INK_GREY, canvas_label(c, LABEL_NOTE_DISPUTE));
    if (from->email.n == 0 && from->phone.n == 0)
        return;
    GW_AUTO_BUF gw_buf where;
    gw_buf_init(&where, 2 * STATEMENT_ID_BYTES + 2);
    gw_buf_put_str(&where, from->email);
    if (from->email.n && from->phone.n)
        gw_buf_puts(&where, ", ");
    gw_buf_put_str(&where, from->phone);
    paragraph(c, FACE_SMALL, INK_GREY,
              letter_fill(l, &l->text, LABEL_NOTE_CONTACT, gw_buf_str(&where), GW_STR("")));
}

void letter_summary(letter *l)
{
    if (l->s->total_n > 0) {
        ageing(l);
        summary(l);
    }
    how_to_pay(l);
    notes(l);
}
