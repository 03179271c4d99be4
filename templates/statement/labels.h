/* labels.h - the fixed words of a statement in the languages it speaks (inside of
 * templates/statement). Thread: any. */
#ifndef STATEMENT_LABELS_H
#define STATEMENT_LABELS_H

#include "templates/statement/statement.h"

typedef enum {
    LABEL_TITLE,
    LABEL_TO,
    LABEL_STATEMENT_DATE,
    LABEL_CUSTOMER,
    LABEL_OPEN_ITEMS_IN, /* {} is the currency */
    LABEL_NO_ITEMS,
    LABEL_KIND,
    LABEL_ID,
    LABEL_REFERENCE,
    LABEL_DESCRIPTION,
    LABEL_ISSUED,
    LABEL_DUE,
    LABEL_DAYS_OVERDUE,
    LABEL_AGE,
    LABEL_CURRENCY,
    LABEL_CONTRACT,
    LABEL_AMOUNT,
    LABEL_PAID,
    LABEL_OPEN,
    LABEL_TERMS,
    LABEL_BASIS,
    LABEL_DISPUTED,
    LABEL_YES,
    LABEL_DATE,
    LABEL_ITEM,
    LABEL_CHARGE,
    LABEL_CHARGES,
    LABEL_CHARGES_IN, /* {} is the currency, also below */
    LABEL_CREDIT,
    LABEL_CREDITS,
    LABEL_CREDITS_IN,
    LABEL_PAYMENT,
    LABEL_PAYMENTS_IN,
    LABEL_TOTAL,
    LABEL_OPEN_ITEMS,
    LABEL_AGEING,
    LABEL_AGEING_AT, /* {} is the statement date */
    LABEL_NOT_DUE,   /* the five buckets, in the order of statement_age */
    LABEL_1_30,
    LABEL_31_60,
    LABEL_61_90,
    LABEL_OVER_90,
    LABEL_SUMMARY,
    LABEL_OVERDUE,
    LABEL_OF_WHICH_DISPUTED,
    LABEL_BALANCE,
    LABEL_HOW_TO_PAY,
    LABEL_NOTE_LATER,
    LABEL_NOTE_DISPUTE,
    LABEL_NOTE_CONTACT, /* {} is where to write or call */
    LABEL_COLON,
    LABEL_PAGE, /* {} is the page, {2} the number of pages */
    LABEL_COUNT
} label;

typedef enum { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGE_COUNT } statement_language;

/* Chinese for every locale of Chinese, English for all others. */
statement_language statement_language_of(gw_str locale);
const char *statement_label(statement_language language, label which);
/* Append the label with its places filled. */
void statement_label_fill(gw_buf *b, statement_language language, label which, gw_str first,
                          gw_str second);

#endif
