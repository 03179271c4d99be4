/* format.h - amounts, dates, numbers and plurals as a locale writes them (ICU).
 *
 * A formatter belongs to one locale and keeps ICU's objects, whose making costs milliseconds;
 * formatting with it takes microseconds. Amounts and numbers reach ICU as decimal text and never
 * pass through a binary float. Digits behind the point follow ISO 4217 (money.h), not CLDR, which
 * shows some currencies without minor units that ISO gives two or three (IQD, RSD, IRR).
 *
 * Amounts carry the ISO code ("USD 1,234.50", "1.234,50 EUR"): "$" alone could mean a dozen
 * currencies. ICU's no-break space between code and digits is kept.
 * Dates are calendar days of the Gregorian calendar. No time zone data takes part.
 *
 * All text appended to ret is UTF-8. On failure ret is as it was. err may be NULL.
 * Thread: one owner at a time for a formatter; different formatters are independent. */
#ifndef FORMAT_H
#define FORMAT_H

#include "gateway/base/buf.h"

enum { FORMAT_LOCALE_BYTES = 32 };

typedef struct formatter formatter;

/* locale: language[-Script][-REGION] of BCP 47 (RFC 5646), e.g. "zh-CN", "en", "sr-Latn-RS".
 * GW_ENOTFOUND if ICU has no data for the language or script, or the region does not exist: the
 * text says so, nothing falls back in silence. GW_EINVAL not such a tag (extensions are refused:
 * they could change digits or calendar). GW_ENOMEM. */
gw_code formatter_new(gw_str locale, formatter **ret, gw_err *err) GW_NODISCARD;
void formatter_free(formatter *f);
GW_CLEANUP_FUNC(formatter, formatter_free)
/* The tag as given to formatter_new. */
gw_str formatter_locale(const formatter *f);

/* "USD 1,234.50". GW_EINVAL unknown currency. */
gw_code format_money(formatter *f, int64_t minor, gw_str currency, gw_buf *ret, gw_err *err)
    GW_NODISCARD;
/* "1,234.50": for a column whose heading names the currency. */
gw_code format_amount(formatter *f, int64_t minor, gw_str currency, gw_buf *ret, gw_err *err)
    GW_NODISCARD;
/* "12,345" */
gw_code format_number(formatter *f, int64_t value, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* Long date, "January 22, 2013", "2013年1月22日". day: day number of base/time.h, years 1..9999. */
gw_code format_date(formatter *f, int32_t day, gw_buf *ret, gw_err *err) GW_NODISCARD;

/* Cardinal plural categories of CLDR (UTS 35 part 3, "Language Plural Rules"). */
typedef enum {
    FORMAT_ZERO,
    FORMAT_ONE,
    FORMAT_TWO,
    FORMAT_FEW,
    FORMAT_MANY,
    FORMAT_OTHER
} format_plural;

/* Category of "value things" in the locale: 1 is ONE in English, OTHER in Chinese. */
gw_code format_plural_of(formatter *f, int64_t value, format_plural *ret, gw_err *err) GW_NODISCARD;
/* "zero", "one", "two", "few", "many", "other" */
const char *format_plural_name(format_plural p);

#endif
