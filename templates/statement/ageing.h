/* ageing.h - buckets and totals of a statement (inside of templates/statement). Pure. */
#ifndef STATEMENT_AGEING_H
#define STATEMENT_AGEING_H

#include "templates/statement/statement.h"

/* Set open, days_overdue and age of the items as of the statement date. */
gw_code ageing_items(int32_t date, statement_item *items, size_t n, gw_err *err) GW_NODISCARD;
/* Fill the sums of totals[], whose currency and exponent are set and whose sums are zero.
 * GW_ELIMIT when a sum leaves int64. */
gw_code ageing_totals(const statement *s, statement_total *totals, gw_err *err) GW_NODISCARD;

#endif
