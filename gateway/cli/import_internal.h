/* import_internal.h - the parts of the table import: columns, cells, rows. */
#ifndef CLI_IMPORT_INTERNAL_H
#define CLI_IMPORT_INTERNAL_H

#include "gateway/base/arena.h"
#include "gateway/base/csv.h"
#include "gateway/cli/import.h"
#include "gateway/policy/zone.h"

typedef enum {
    COL_CUSTOMER,
    COL_CUSTOMER_ID,
    COL_AMOUNT,
    COL_TERMS,
    COL_ISSUED,
    COL_DUE,
    COL_PAID,
    COL_UNPAID,
    COL_CURRENCY,
    COL_INVOICE,
    COL_REFERENCE,
    COL_DESCRIPTION,
    COL_CONTACT_NAME,
    COL_CONTACT_ROLE,
    COL_EMAIL,
    COL_PHONE,
    COL_ZONE,
    COL_LOCALE,
    COL_ROLE,
    COL_SEGMENT,
    COL_DISPUTED,
    COL_FINANCE_NAME,
    COL_FINANCE_EMAIL,
    COL_FINANCE_PHONE,
    COL_OWNER_NAME,
    COL_OWNER_EMAIL,
    COL_OWNER_PHONE,
    COL_IGNORED, /* may stand for several columns */
    COL_COUNT
} import_col;

enum { HEADER_TEXT = 80 };

/* Which cell of a row a column is. */
typedef struct {
    size_t n;                            /* cells a row must have */
    int at[COL_COUNT];                   /* index, -1 when the table lacks the column */
    char header[COL_COUNT][HEADER_TEXT]; /* as the table spells it, cut */
} import_layout;

/* ---- import_columns.c ---- */
gw_code import_read_header(const csv_row *row, import_layout *ret, gw_err *err) GW_NODISCARD;

/* ---- import_cells.c: one cell each; errors name line, column and remedy ---- */

typedef struct {
    const import_layout *layout;
    const csv_row *row;
    gw_arena *arena;
    zone_table *zones;
} import_row;

/* Trimmed text of the cell, empty when the table lacks the column. */
gw_str import_cell(const import_row *r, import_col c);
/* GW_EINVAL `line 7, column "due date": what`. */
gw_code import_bad(const import_row *r, import_col c, gw_err *err, const char *what);

/* The cell, or else_text when it is empty; checked by its format (wire/format.h) and copied. */
gw_code import_text(const import_row *r, import_col c, const char *format, size_t max_bytes,
                    gw_str otherwise, gw_str *ret, gw_err *err) GW_NODISCARD;
gw_code import_phone(const import_row *r, import_col c, gw_str *ret, gw_err *err) GW_NODISCARD;
/* *ret_given false when the cell is empty. */
gw_code import_date(const import_row *r, import_col c, bool *ret_given, int32_t *ret_day,
                    gw_err *err) GW_NODISCARD;
gw_code import_money(const import_row *r, import_col c, gw_str currency, bool *ret_given,
                     int64_t *ret_minor, gw_err *err) GW_NODISCARD;
gw_code import_yes(const import_row *r, import_col c, bool *ret, gw_err *err) GW_NODISCARD;
/* Days in a text such as "30", "30 days", "net 30"; -1 when it says something else. */
int import_term_days(gw_str terms);

/* ---- import_people.c ---- */

typedef enum { WHO_PRIMARY, WHO_ACCOUNTS, WHO_FINANCE, WHO_OWNER, WHO_COUNT } import_who;

typedef struct {
    gw_str name, email, phone;
    size_t line; /* where it was first met, 0 = not there */
} import_person;

typedef struct {
    gw_str id, name, role, zone, locale, segment;
    size_t line;
    import_person people[WHO_COUNT];
} import_customer;

/* What this row says about its customer, with empty texts where it says nothing. */
gw_code import_read_customer(const import_row *r, const import_options *o, import_customer *ret,
                             gw_err *err) GW_NODISCARD;
/* Join what another row says; a contradiction is GW_EINVAL naming both lines. */
gw_code import_join_customer(import_customer *known, const import_customer *more,
                             const import_row *r, gw_err *err) GW_NODISCARD;
void import_put_customer(const import_customer *c, const import_options *o, gw_buf *body);

#endif
