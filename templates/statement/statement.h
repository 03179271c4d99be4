/* statement.h - an account statement of one debtor: the model, its ageing and its writers.
 *
 * The model is pure: it is read from a JSON document, every sum is checked, nothing depends on the
 * clock, the locale of the process or the machine. The same document gives the same bytes of CSV
 * and PDF (with the same fonts and library versions), so that the bytes can be bound into evidence.
 *
 * The document. Amounts are integers of minor units, dates "YYYY-MM-DD", ? marks what may be left
 * out. Members not listed are passed over, so that a newer gateway can serve an older worker.
 *   {"creditor": {"name", "address"?, "email"?, "phone"?, "payment"?: ["Bank ...", "IBAN ..."]},
 *    "debtor":   {"name", "id"?, "address"?},
 *    "date": "2013-01-22", "locale"?: "zh-CN" (default "en"),
 *    "items": [{"id", "reference"?, "description"?, "issued"?, "due", "amount_minor",
 *               "paid_minor"?, "currency", "terms"?, "contract_minor"?, "disputed"?}],
 *    "charges"?:  [{"label", "amount_minor", "currency", "basis"}],
 *    "credits"?:  [{"label", "reference"?, "date"?, "amount_minor", "currency"}],
 *    "payments"?: [{"date", "reference"?, "amount_minor", "currency"}]}
 * An address may hold line feeds. An instalment is an item of its own with its own due day.
 * A late charge appears only if the data holds it, and only with its basis (the clause). A credit
 * (credit note, cash not yet allocated) is written as a positive amount and shown as a negative
 * one. Payments inform only: what they paid is in paid_minor already.
 *
 * Ageing counts days from the due day to the statement date. An item paid beyond its amount adds
 * its surplus to the credits and ages nowhere.
 *
 * Ownership: strings of the model are borrowed from the JSON document and the arena. */
#ifndef STATEMENT_H
#define STATEMENT_H

#include "gateway/base/json.h"
#include "templates/format/format.h"

enum {
    STATEMENT_ITEMS_MAX = 10000,
    STATEMENT_CHARGES_MAX = 1000,
    STATEMENT_CREDITS_MAX = 1000,
    STATEMENT_PAYMENTS_MAX = 1000,
    STATEMENT_CURRENCIES_MAX = 16,
    STATEMENT_NAME_BYTES = 200,
    STATEMENT_ADDRESS_BYTES = 600,
    STATEMENT_ADDRESS_LINES = 8,
    STATEMENT_ID_BYTES = 128,   /* id, reference, e-mail, phone */
    STATEMENT_TEXT_BYTES = 500, /* description, terms, label, basis, a payment line */
    STATEMENT_PAYMENT_LINES = 12,
    STATEMENT_OUTPUT_BYTES = 32 << 20, /* ceiling a caller should give the output buffer */
};
#define STATEMENT_AMOUNT_MAX INT64_C(1000000000000000) /* one amount; sums may be larger */

typedef enum {
    AGE_NOT_DUE, /* due on the statement date or later */
    AGE_1_30,
    AGE_31_60,
    AGE_61_90,
    AGE_OVER_90,
    AGE_BUCKETS
} statement_age;

typedef struct {
    gw_str name, id, address, email, phone; /* n 0 where absent; id only of the debtor */
    const gw_str *payment;                  /* creditor: how to pay, line by line */
    size_t payment_n;
} statement_party;

typedef struct {
    gw_str id, reference, description, terms;
    bool has_issued, has_contract, disputed;
    int32_t issued, due;
    int64_t amount, paid, open; /* minor units; open = amount - paid, negative if overpaid */
    int64_t contract;
    size_t currency;  /* index into statement.totals */
    int days_overdue; /* 0 while not overdue */
    statement_age age;
} statement_item;

/* Charges, credits and payments: label is the charge's or credit's name, basis the clause of a
 * charge. amount is positive for all three. */
typedef struct {
    gw_str label, reference, basis;
    bool has_date;
    int32_t date;
    int64_t amount;
    size_t currency;
} statement_line;

typedef struct {
    char currency[4];
    int exponent;
    int64_t aged[AGE_BUCKETS]; /* open amounts of the items by age */
    int64_t items;             /* sum of aged[] */
    int64_t charges;
    int64_t credits;  /* positive: in the debtor's favour; surplus of overpaid items included */
    int64_t disputed; /* part of items that is under dispute */
    int64_t overdue;  /* aged[] without AGE_NOT_DUE */
    int64_t balance;  /* items + charges - credits; negative when the debtor is owed */
} statement_total;

typedef struct {
    statement_party creditor, debtor;
    gw_str locale;
    int32_t date;
    const statement_item *items; /* in the order of the document */
    size_t item_n;
    const statement_line *charges, *credits, *payments;
    size_t charge_n, credit_n, payment_n;
    const statement_total *totals; /* one per currency, in the order of first mention */
    size_t total_n;
} statement;

/* Build the model from the object at node (0 = the whole document). Everything is allocated in the
 * arena. Errors name the JSON pointer: GW_EINVAL missing, wrong kind, unknown currency, control
 * characters or bidirectional overrides in a text; GW_ELIMIT a limit above or a sum past int64;
 * GW_ENOMEM. Thread: any; pure. */
gw_code statement_from_json(const json_doc *d, uint32_t node, gw_arena *arena,
                            const statement **ret, gw_err *err) GW_NODISCARD;

/* Bucket of an item so many days after its due day (zero or less: not due). */
statement_age statement_age_of(int days_after_due);

/* Append the statement as CSV (csv.h): one row per item, charge, credit and payment, then the
 * ageing and the totals as rows of the same columns. Headings are in Chinese for locales of
 * Chinese, else in English. GW_ELIMIT/GW_ENOMEM as the buffer says. Thread: any; pure. */
gw_code statement_write_csv(const statement *s, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* ---- PDF (statement_pdf.c) ---- */

/* A context of one thread: fonts, layouts and formatters, kept between statements; making one takes
 * tens of milliseconds, so keep it. Pango's default font map is per thread and reads the whole
 * machine's font list; ours is private and holds just the files below, so contexts of different
 * threads share nothing and the machine's fonts do not show. (Pango starts helper threads of its
 * own for fontconfig; they end by themselves.) */
typedef struct statement_pdf statement_pdf;

/* Font files, embedded as subsets: one face for Latin, one for Chinese. A statement in Chinese
 * takes all it can from the second, one in English from the first; there is no bold, as every
 * further face would cost a subset of some eight kilobytes. They should be TrueType: CFF faces cost
 * ten times the time and five times the bytes. NULL stands for Debian's file: DejaVu Sans of
 * fonts-dejavu-core, WenQuanYi Zen Hei of fonts-wqy-zenhei. */
typedef struct {
    const char *latin, *cjk;
} statement_fonts;

/* files may be NULL. GW_ENOTFOUND a font file is missing or is none: the text names it. */
gw_code statement_pdf_new(const statement_fonts *files, statement_pdf **ret, gw_err *err)
    GW_NODISCARD;
void statement_pdf_free(statement_pdf *p);
GW_CLEANUP_FUNC(statement_pdf, statement_pdf_free)

/* Append the statement as PDF, A4 portrait, as many pages as it takes. Labels are in Chinese for
 * locales of Chinese, else in English; amounts and the long date follow the locale where it is one
 * of those two languages, else English. GW_EINVAL if a text holds a character that none of the
 * faces has (a statement with blank boxes is not sent); GW_ELIMIT/GW_ENOMEM. ret is as it was on
 * failure. Thread: the owner of p. */
gw_code statement_write_pdf(statement_pdf *p, const statement *s, gw_buf *ret, gw_err *err)
    GW_NODISCARD;

#endif
