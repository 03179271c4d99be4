/* money.h - amounts as whole minor units of an ISO 4217 currency.
 *
 * An amount is an int64 count of minor units (cents, fils, yen) and an alphabetic currency code.
 * How many digits stand behind the point (0, 2, 3 or 4) is the currency's affair. No function here
 * touches a binary float, and none rounds: what cannot be held exactly is an error.
 *
 * The table holds the codes of ISO 4217 List One that are in use and can be owed. Left out are
 * metals, bond units, SDR, test and "no currency" codes (they have no minor unit), and codes that
 * were withdrawn (HRK, SLL, ZWL, ANG, BGN, ...): such a debt is due in the successor.
 *
 * Thread: any; pure. */
#ifndef GW_MONEY_H
#define GW_MONEY_H

#include "gateway/base/buf.h"

enum {
    MONEY_EXPONENT_MAX = 4,
    MONEY_TEXT = 24,        /* bytes of the longest plain format, with NUL */
    MONEY_PARSE_BYTES = 64, /* longest decimal text money_parse looks at */
};

/* Digits behind the point of a currency such as "USD" (upper case, exactly three letters).
 * GW_ENOTFOUND if the code is not in the table. ret_exponent may be NULL. */
gw_code money_currency(gw_str code, int *ret_exponent) GW_NODISCARD;

/* The n-th row of the table in alphabetic order, NULL past the end: for lists and tests. */
const char *money_currency_at(size_t n, int *ret_exponent);

/* Exact decimal text to minor units: "1234.50", "1,234.50", "-3". The point is always '.'.
 * Commas may group digits by three, and only where they cannot be a decimal comma: "1,234.50" and
 * "1,234,567" always, "1,234" only in a currency with fewer than three digits behind the point,
 * "0,123" never. Fewer digits behind the point than the currency has are fine ("1.5" USD is 150).
 * GW_EINVAL not such a number, or more digits than the currency has, or an unknown currency;
 * GW_ELIMIT outside int64 or longer than MONEY_PARSE_BYTES. No white space, no '+', no symbol. */
gw_code money_parse(gw_str text, gw_str currency, int64_t *ret_minor, gw_err *err) GW_NODISCARD;

/* Checked arithmetic. GW_ELIMIT when the result does not fit; *ret is then untouched. ret may be
 * one of the operands. err may be NULL. */
gw_code money_add(int64_t a, int64_t b, int64_t *ret, gw_err *err) GW_NODISCARD;
gw_code money_sub(int64_t a, int64_t b, int64_t *ret, gw_err *err) GW_NODISCARD;

/* Plain form for machines, "1234.50", "-0.05", "7" for JPY: what money_parse reads back. exponent
 * is 0..MONEY_EXPONENT_MAX, as money_currency gives it. */
void money_format(int64_t minor, int exponent, char ret_text[MONEY_TEXT]);

#endif
