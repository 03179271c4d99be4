#include "templates/format/format.h"
#include "gateway/base/money.h"
#include "gateway/base/time.h"
#include "templates/format/locale.h"

#include <inttypes.h>
#include <stdio.h>

#include <unicode/udat.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

enum {
    MONEY_KEPT = 8, /* formatters of currencies alive at once; a debtor rarely has three */
    SKELETON_BYTES = 64,
    TEXT_UNITS = 160, /* UTF-16 units of one formatted value; the longest seen has 60 */
};

/* One currency's way to write amounts, with and without its code. */
typedef struct {
    char code[4];
    int exponent;
    UNumberFormatter *with_code, *bare;
} money_style;

struct formatter {
    char tag[FORMAT_LOCALE_BYTES], name[FORMAT_LOCALE_BYTES];
    UFormattedNumber *result;
    UNumberFormatter *integer;
    UDateFormat *date;
    UPluralRules *plural;
    money_style money[MONEY_KEPT];
    size_t money_next; /* the one to give up next */
};

static gw_code icu_fail(gw_err *err, UErrorCode status, const char *what)
{
    if (status == U_MEMORY_ALLOCATION_ERROR)
        return gw_fail(err, GW_ENOMEM, "formatting %s", what);
    return gw_fail(err, GW_EINVAL, "formatting %s: %s", what, u_errorName(status));
}

static UNumberFormatter *open_number(const formatter *f, const char *skeleton, UErrorCode *status)
{
    UChar wide[SKELETON_BYTES];
    u_uastrncpy(wide, skeleton, SKELETON_BYTES);
    return unumf_openForSkeletonAndLocale(wide, -1, f->name, status);
}

/* Long date in the Gregorian calendar whatever the locale's own, and without Julian years before
 * 1583: day numbers are proleptic. The zone is plain GMT, so no zone data is read. */
static UDateFormat *open_date(const char *name, UErrorCode *status)
{
    char gregorian[FORMAT_LOCALE_BYTES + 32];
    snprintf(gregorian, sizeof gregorian, "%s@calendar=gregorian", name);
    UDateFormat *date = udat_open(UDAT_NONE, UDAT_LONG, gregorian, u"GMT", -1, NULL, 0, status);
    if (U_FAILURE(*status))
        return date;
    UCalendar *calendar = ucal_clone(udat_getCalendar(date), status);
    ucal_setGregorianChange(calendar, -1e17, status);
    if (U_SUCCESS(*status))
        udat_setCalendar(date, calendar);
    ucal_close(calendar);
    return date;
}

void formatter_free(formatter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < MONEY_KEPT; i++) {
        unumf_close(f->money[i].with_code);
        unumf_close(f->money[i].bare);
    }
    unumf_closeResult(f->result);
    unumf_close(f->integer);
    if (f->date)
        udat_close(f->date);
    if (f->plural)
        uplrules_close(f->plural);
    free(f);
}

gw_code formatter_new(gw_str locale, formatter **ret, gw_err *err)
{
    char name[FORMAT_LOCALE_BYTES];
    gw_code rc = format_locale_name(locale, name, err);
    if (rc != GW_OK)
        return rc;
    GW_AUTO(formatter_free) formatter *f = calloc(1, sizeof *f);
    if (!f)
        return gw_fail(err, GW_ENOMEM, "opening locale %s", name);
    memcpy(f->tag, locale.p, locale.n);
    memcpy(f->name, name, sizeof name);
    UErrorCode status = U_ZERO_ERROR;
    f->result = unumf_openResult(&status);
    f->integer = open_number(f, "precision-integer", &status);
    f->plural = uplrules_open(f->name, &status);
    f->date = open_date(f->name, &status);
    if (U_FAILURE(status))
        return icu_fail(err, status, f->tag);
    *ret = f;
    f = NULL;
    return GW_OK;
}

gw_str formatter_locale(const formatter *f)
{
    return gw_str_of(f->tag);
}

static gw_code put_utf16(gw_buf *ret, const UChar *text, int32_t units, const char *what,
                         gw_err *err)
{
    char utf8[TEXT_UNITS * 3];
    int32_t n = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8(utf8, sizeof utf8, &n, text, units, &status);
    if (U_FAILURE(status))
        return icu_fail(err, status, what);
    gw_buf_put(ret, utf8, (size_t)n);
    return gw_buf_code(ret, what, err);
}

/* Format decimal text such as "-1234.50" exactly. */
static gw_code put_decimal(formatter *f, const UNumberFormatter *style, const char *decimal,
                           gw_buf *ret, const char *what, gw_err *err)
{
    UChar text[TEXT_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    unumf_formatDecimal(style, decimal, -1, f->result, &status);
    int32_t units = unumf_resultToString(f->result, text, TEXT_UNITS, &status);
    if (U_FAILURE(status))
        return icu_fail(err, status, what);
    return put_utf16(ret, text, units, what, err);
}

static gw_code open_money(formatter *f, money_style *m, gw_err *err)
{
    static const char *const digits[MONEY_EXPONENT_MAX + 1] = {"precision-integer", ".0", ".00",
                                                               ".000", ".0000"};
    char skeleton[SKELETON_BYTES];
    UErrorCode status = U_ZERO_ERROR;
    snprintf(skeleton, sizeof skeleton, "currency/%s unit-width-iso-code %s", m->code,
             digits[m->exponent]);
    m->with_code = open_number(f, skeleton, &status);
    m->bare = open_number(f, digits[m->exponent], &status);
    return U_FAILURE(status) ? icu_fail(err, status, "an amount") : GW_OK;
}

static gw_code style_of(formatter *f, gw_str currency, money_style **ret, gw_err *err)
{
    for (size_t i = 0; i < MONEY_KEPT; i++)
        if (f->money[i].with_code && gw_str_is(currency, f->money[i].code)) {
            *ret = &f->money[i];
            return GW_OK;
        }
    money_style fresh = {0};
    if (money_currency(currency, &fresh.exponent) != GW_OK)
        return gw_fail(err, GW_EINVAL, "amount: the currency is not an ISO 4217 code in use");
    memcpy(fresh.code, currency.p, 3);
    gw_code rc = open_money(f, &fresh, err);
    if (rc != GW_OK) {
        unumf_close(fresh.with_code);
        unumf_close(fresh.bare);
        return rc;
    }
    money_style *slot = &f->money[f->money_next];
    f->money_next = (f->money_next + 1) % MONEY_KEPT;
    unumf_close(slot->with_code);
    unumf_close(slot->bare);
    *slot = fresh;
    *ret = slot;
    return GW_OK;
}

gw_code format_money(formatter *f, int64_t minor, gw_str currency, gw_buf *ret, gw_err *err)
{
    money_style *m;
    gw_code rc = style_of(f, currency, &m, err);
    if (rc != GW_OK)
        return rc;
    char decimal[MONEY_TEXT];
    money_format(minor, m->exponent, decimal);
    return put_decimal(f, m->with_code, decimal, ret, "an amount", err);
}

gw_code format_amount(formatter *f, int64_t minor, gw_str currency, gw_buf *ret, gw_err *err)
{
    money_style *m;
    gw_code rc = style_of(f, currency, &m, err);
    if (rc != GW_OK)
        return rc;
    char decimal[MONEY_TEXT];
    money_format(minor, m->exponent, decimal);
    return put_decimal(f, m->bare, decimal, ret, "an amount", err);
}

gw_code format_number(formatter *f, int64_t value, gw_buf *ret, gw_err *err)
{
    char decimal[MONEY_TEXT];
    money_format(value, 0, decimal);
    return put_decimal(f, f->integer, decimal, ret, "a number", err);
}

gw_code format_date(formatter *f, int32_t day, gw_buf *ret, gw_err *err)
{
    gw_date date = gw_date_of_day(day);
    if (date.year < 1 || date.year > 9999)
        return gw_fail(err, GW_EINVAL, "formatting a date: outside the years 1 to 9999");
    UChar text[TEXT_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    UDate noon = ((double)day + 0.5) * (double)GW_MS_PER_DAY;
    int32_t units = udat_format(f->date, noon, text, TEXT_UNITS, NULL, &status);
    if (U_FAILURE(status))
        return icu_fail(err, status, "a date");
    return put_utf16(ret, text, units, "a date", err);
}

static const char *const plural_names[] = {
    [FORMAT_ZERO] = "zero", [FORMAT_ONE] = "one",   [FORMAT_TWO] = "two",
    [FORMAT_FEW] = "few",   [FORMAT_MANY] = "many", [FORMAT_OTHER] = "other",
};

const char *format_plural_name(format_plural p)
{
    return (unsigned)p < GW_COUNT(plural_names) ? plural_names[p] : "?";
}

gw_code format_plural_of(formatter *f, int64_t value, format_plural *ret, gw_err *err)
{
    UChar wide[16];
    char keyword[16];
    UErrorCode status = U_ZERO_ERROR;
    unumf_formatInt(f->integer, value, f->result, &status);
    uplrules_selectFormatted(f->plural, f->result, wide, GW_COUNT(wide), &status);
    u_strToUTF8(keyword, sizeof keyword, NULL, wide, -1, &status);
    if (U_FAILURE(status))
        return icu_fail(err, status, "a plural");
    for (size_t i = 0; i < GW_COUNT(plural_names); i++)
        if (strcmp(plural_names[i], keyword) == 0) {
            *ret = (format_plural)i;
            return GW_OK;
        }
    return gw_fail(err, GW_EINVAL, "formatting a plural: unknown category");
}
