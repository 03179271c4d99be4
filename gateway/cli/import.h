/* import.h - the practitioners' tracking table (CSV) as debtor and item bodies.
 *
 * Columns are found by their header, in Chinese or English, in any order; letter case, spaces,
 * dashes and underscores do not count. import_columns lists them. Needed: customer or customer id,
 * invoice no, contract amount (or unpaid), and a due date (or issue date with terms in days).
 *
 * The whole table is checked before anything is handed out: one wrong cell and nothing is emitted.
 * Errors name line, column and remedy, never the cell's text where it could be personal.
 * Rows of the same customer become one debtor body (contacts joined by role, a contradiction is an
 * error) and one item body each; debtors come first.
 *
 * Dates: 2013-02-01, 2013/2/1, 2013.2.1 or 2013年2月1日; day-first and month-first forms are
 * refused because nobody can tell them apart. Amounts: exact decimals, "1,234.50", an optional
 * leading currency sign or code is refused. Thread: any; pure. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "gateway/base/buf.h"

enum { IMPORT_ROWS_MAX = 200000, IMPORT_BODIES_BYTES_MAX = 256 << 20 };

/* Used where the table has no column or an empty cell; empty = none, then the cell is needed. */
typedef struct {
    gw_str zone, currency, locale;
    gw_str role; /* company when empty */
} import_options;

/* One body; verb is "debtor" or "item". Any code but GW_OK ends the import and is returned. */
typedef gw_code import_emit_fn(void *arg, const char *verb, gw_str body, gw_err *err);

/* GW_EINVAL line, column, remedy; GW_ELIMIT; GW_ENOMEM; or what emit returned. */
gw_code import_table(gw_str csv, const import_options *options, import_emit_fn *emit, void *arg,
                     gw_err *err) GW_NODISCARD;

/* The n-th column: canonical name, its other headers as one text, NULL past the end. For the
 * manual and `dunlin import --columns`. */
const char *import_column(size_t n, const char **ret_headers);

#endif
