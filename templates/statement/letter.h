/* letter.h - a statement on its way onto the canvas, and the parts it is drawn in (inside of
 * templates/statement). */
#ifndef STATEMENT_LETTER_H
#define STATEMENT_LETTER_H

#include "templates/statement/canvas_table.h"

enum { LETTER_SLOTS = 16, LETTER_SLOT_BYTES = 128 };

typedef struct {
    canvas *c;
    const statement *s;
    formatter *f;
    gw_buf text;   /* scratch of the part at work */
    gw_buf margin; /* scratch of the page's margins, which may be drawn while a row waits */
    char slots[LETTER_SLOTS][LETTER_SLOT_BYTES]; /* texts of the row at work, used in turn */
    size_t slot;
    gw_code code; /* first failure; err says more */
    gw_err *err;
} letter;

/* Formatted texts of the row at work; the sixteenth next one overwrites them. */
gw_str letter_amount(letter *l, const statement_total *t, int64_t minor); /* "1,234.50" */
gw_str letter_money(letter *l, const statement_total *t, int64_t minor);  /* "USD 1,234.50" */
gw_str letter_day(letter *l, int32_t day);                                /* "2013-02-01" */
gw_str letter_long_date(letter *l, int32_t day);                          /* "February 1, 2013" */
gw_str letter_count(letter *l, int64_t n);
/* A label with its places filled, in the scratch b. */
gw_str letter_fill(letter *l, gw_buf *b, label which, gw_str first, gw_str second);

/* pdf_letter.c: letterhead, recipient and title; what stands on every page */
void letter_head(letter *l);
canvas_hook letter_page_begins, letter_page_ends;
/* pdf_tables.c: items, charges, credits and payments, currency by currency */
void letter_tables(letter *l);
/* pdf_summary.c: ageing, summary, how to pay, notes */
void letter_summary(letter *l);

#endif
