/* import.h - the practitioners' tracking table (CSV) as debtor and item bodies.
 *
 * Columns are found by their header, in Chinese or English, in any order; letter case, spaces,
 * dashes, underscores, dots and brackets do not count. import_column lists them. Needed: customer
 * or customer id, invoice no, an amount (contract amount or unpaid) and a due date (or an issue
 * date with terms in days). Remarks, row numbers and the like are passed over; any other unknown
 * header is refused by name, and a header that begins with # leaves its column out.
 *
 * The whole table is checked before anything is handed out: one wrong cell and nothing is emitted.
 * Errors name line, column and remedy, never the cell's text, which could be personal.
 * Rows of the same customer become one debtor body (contacts joined by role, a contradiction is an
 * error; an empty cell contradicts nothing) and one item body each; debtors come first. Without a
 * customer id the id is derived from the name, the same each time. The contacts in the table are
 * those the customer designated: the bodies say so.
 *
 * Dates: 2013-02-01, 2013/2/1, 2013.2.1, 20130201 or the Chinese form with year, month and day
 * signs. Day-first and month-first forms are refused, because nobody can tell them apart. Amounts:
 * exact decimals such as "1,234.50", no currency sign; contract amount - paid must be unpaid where
 * all three are given. Phone numbers carry their country code; spaces, dashes and brackets in them
 * are taken out.
 *
 * Thread: any; pure but for time zones, which are looked up in the system's zone files. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "gateway/base/buf.h"

enum {
    IMPORT_ROWS_MAX = 200000,
    IMPORT_COLUMNS_MAX = 64,
};

/* Used where the table has no column or an empty cell; empty = none, then the cell is needed
 * (locale stays out, role is company). */
typedef struct {
    gw_str zone, currency, locale, role;
} import_options;

/* One body; verb is "debtor" or "item". Any code but GW_OK ends the import and is returned. */
typedef gw_code import_emit_fn(void *arg, const char *verb, gw_str body, gw_err *err);

/* GW_EINVAL line, column, remedy; GW_ELIMIT; GW_ENOMEM; or what emit returned. */
gw_code import_table(gw_str csv, const import_options *options, import_emit_fn *emit, void *arg,
                     gw_err *err) GW_NODISCARD;

/* The n-th column: its name, and all its headers separated by |; NULL past the end. For the manual
 * and `dunlin import --columns`. */
const char *import_column(size_t n, const char **ret_headers);

#endif
