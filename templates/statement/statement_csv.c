/* The statement as a flat table: every row has the same columns (RFC 4180 §2.4), so that a filter
 * on the first column separates items from sums. */
#include "gateway/base/csv.h"
#include "gateway/base/money.h"
#include "gateway/base/time.h"
#include "templates/statement/labels.h"

/* One row; what stays unset becomes an empty cell. */
typedef struct {
    label kind;
    gw_str id, reference, description, terms;
    const int32_t *issued, *due, *days_overdue;
    const char *age;
    const statement_total *total; /* gives currency and digits */
    const int64_t *contract, *amount, *paid, *open;
    bool disputed;
} row;

static const label headings[] = {
    LABEL_KIND,   LABEL_ID,           LABEL_REFERENCE, LABEL_DESCRIPTION, LABEL_ISSUED,
    LABEL_DUE,    LABEL_DAYS_OVERDUE, LABEL_AGE,       LABEL_CURRENCY,    LABEL_CONTRACT,
    LABEL_AMOUNT, LABEL_PAID,         LABEL_OPEN,      LABEL_TERMS,       LABEL_DISPUTED,
};

typedef struct {
    csv_writer csv;
    const statement *s;
    statement_language language;
} table;

static void put_label(table *t, label which)
{
    csv_put_text(&t->csv, gw_str_of(statement_label(t->language, which)));
}

static void put_day(table *t, const int32_t *day)
{
    char text[GW_DATE_TEXT] = "";
    if (day)
        gw_date_format(*day, text);
    csv_put_text(&t->csv, gw_str_of(text));
}

static void put_amount(table *t, const statement_total *total, const int64_t *minor)
{
    char text[MONEY_TEXT] = "";
    if (minor)
        money_format(*minor, total->exponent, text);
    csv_put_number(&t->csv, gw_str_of(text));
}

static void put_row(table *t, const row *r)
{
    put_label(t, r->kind);
    csv_put_text(&t->csv, r->id);
    csv_put_text(&t->csv, r->reference);
    csv_put_text(&t->csv, r->description);
    put_day(t, r->issued);
    put_day(t, r->due);
    if (r->days_overdue)
        csv_put_int(&t->csv, *r->days_overdue);
    else
        csv_put_number(&t->csv, GW_STR(""));
    csv_put_text(&t->csv, gw_str_of(r->age));
    csv_put_text(&t->csv, r->total ? gw_str_of(r->total->currency) : GW_STR(""));
    put_amount(t, r->total, r->contract);
    put_amount(t, r->total, r->amount);
    put_amount(t, r->total, r->paid);
    put_amount(t, r->total, r->open);
    csv_put_text(&t->csv, r->terms);
    csv_put_text(&t->csv,
                 r->disputed ? gw_str_of(statement_label(t->language, LABEL_YES)) : GW_STR(""));
    csv_end_row(&t->csv);
}

static void put_items(table *t)
{
    for (size_t i = 0; i < t->s->item_n; i++) {
        const statement_item *it = &t->s->items[i];
        int32_t days = it->days_overdue;
        put_row(t, &(row){
                       .kind = LABEL_ITEM,
                       .id = it->id,
                       .reference = it->reference,
                       .description = it->description,
                       .terms = it->terms,
                       .issued = it->has_issued ? &it->issued : NULL,
                       .due = &it->due,
                       .days_overdue = &days,
                       .age = statement_label(t->language, LABEL_NOT_DUE + it->age),
                       .total = &t->s->totals[it->currency],
                       .contract = it->has_contract ? &it->contract : NULL,
                       .amount = &it->amount,
                       .paid = &it->paid,
                       .open = &it->open,
                       .disputed = it->disputed,
                   });
    }
}

static void put_lines(table *t)
{
    for (size_t i = 0; i < t->s->charge_n; i++) {
        const statement_line *l = &t->s->charges[i];
        put_row(t, &(row){.kind = LABEL_CHARGE,
                          .description = l->label,
                          .terms = l->basis,
                          .issued = l->has_date ? &l->date : NULL,
                          .total = &t->s->totals[l->currency],
                          .amount = &l->amount,
                          .open = &l->amount});
    }
    for (size_t i = 0; i < t->s->credit_n; i++) {
        const statement_line *l = &t->s->credits[i];
        int64_t negative = -l->amount;
        put_row(t, &(row){.kind = LABEL_CREDIT,
                          .reference = l->reference,
                          .description = l->label,
                          .issued = l->has_date ? &l->date : NULL,
                          .total = &t->s->totals[l->currency],
                          .amount = &negative,
                          .open = &negative});
    }
    for (size_t i = 0; i < t->s->payment_n; i++) {
        const statement_line *l = &t->s->payments[i];
        put_row(t, &(row){.kind = LABEL_PAYMENT,
                          .reference = l->reference,
                          .issued = &l->date,
                          .total = &t->s->totals[l->currency],
                          .paid = &l->amount});
    }
}

static void put_total(table *t, const statement_total *total, label what, int64_t minor)
{
    put_row(t, &(row){.kind = LABEL_TOTAL,
                      .description = gw_str_of(statement_label(t->language, what)),
                      .total = total,
                      .open = &minor});
}

static void put_sums(table *t)
{
    for (size_t i = 0; i < t->s->total_n; i++)
        for (size_t age = 0; age < AGE_BUCKETS; age++)
            put_row(t, &(row){.kind = LABEL_AGEING,
                              .age = statement_label(t->language, LABEL_NOT_DUE + age),
                              .total = &t->s->totals[i],
                              .open = &t->s->totals[i].aged[age]});
    for (size_t i = 0; i < t->s->total_n; i++) {
        const statement_total *total = &t->s->totals[i];
        put_total(t, total, LABEL_OPEN_ITEMS, total->items);
        put_total(t, total, LABEL_OVERDUE, total->overdue);
        put_total(t, total, LABEL_OF_WHICH_DISPUTED, total->disputed);
        put_total(t, total, LABEL_CHARGES, total->charges);
        put_total(t, total, LABEL_CREDITS, -total->credits);
        put_total(t, total, LABEL_BALANCE, total->balance);
    }
}

gw_code statement_write_csv(const statement *s, gw_buf *ret, gw_err *err)
{
    table t = {.s = s, .language = statement_language_of(s->locale)};
    csv_start(&t.csv, ret);
    for (size_t i = 0; i < GW_COUNT(headings); i++)
        put_label(&t, headings[i]);
    csv_end_row(&t.csv);
    put_row(&t, &(row){.kind = LABEL_TITLE,
                       .id = s->debtor.id,
                       .description = s->debtor.name,
                       .issued = &s->date});
    put_items(&t);
    put_lines(&t);
    put_sums(&t);
    return gw_buf_code(ret, "the statement's CSV", err);
}
