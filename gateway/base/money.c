#include "gateway/base/money.h"

typedef struct {
    char code[4];
    int exponent;
} currency_row;

/* ISO 4217 List One as amended up to January 2026, in alphabetic order (it is searched in halves).
 */
static const currency_row currencies[] = {
    /* clang-format off */
    {"AED", 2}, {"AFN", 2}, {"ALL", 2}, {"AMD", 2}, {"AOA", 2}, {"ARS", 2}, {"AUD", 2}, {"AWG", 2},
    {"AZN", 2}, {"BAM", 2}, {"BBD", 2}, {"BDT", 2}, {"BHD", 3}, {"BIF", 0}, {"BMD", 2}, {"BND", 2},
    {"BOB", 2}, {"BOV", 2}, {"BRL", 2}, {"BSD", 2}, {"BTN", 2}, {"BWP", 2}, {"BYN", 2}, {"BZD", 2},
    {"CAD", 2}, {"CDF", 2}, {"CHE", 2}, {"CHF", 2}, {"CHW", 2}, {"CLF", 4}, {"CLP", 0}, {"CNY", 2},
    {"COP", 2}, {"COU", 2}, {"CRC", 2}, {"CUP", 2}, {"CVE", 2}, {"CZK", 2}, {"DJF", 0}, {"DKK", 2},
    {"DOP", 2}, {"DZD", 2}, {"EGP", 2}, {"ERN", 2}, {"ETB", 2}, {"EUR", 2}, {"FJD", 2}, {"FKP", 2},
    {"GBP", 2}, {"GEL", 2}, {"GHS", 2}, {"GIP", 2}, {"GMD", 2}, {"GNF", 0}, {"GTQ", 2}, {"GYD", 2},
    {"HKD", 2}, {"HNL", 2}, {"HTG", 2}, {"HUF", 2}, {"IDR", 2}, {"ILS", 2}, {"INR", 2}, {"IQD", 3},
    {"IRR", 2}, {"ISK", 0}, {"JMD", 2}, {"JOD", 3}, {"JPY", 0}, {"KES", 2}, {"KGS", 2}, {"KHR", 2},
    {"KMF", 0}, {"KPW", 2}, {"KRW", 0}, {"KWD", 3}, {"KYD", 2}, {"KZT", 2}, {"LAK", 2}, {"LBP", 2},
    {"LKR", 2}, {"LRD", 2}, {"LSL", 2}, {"LYD", 3}, {"MAD", 2}, {"MDL", 2}, {"MGA", 2}, {"MKD", 2},
    {"MMK", 2}, {"MNT", 2}, {"MOP", 2}, {"MRU", 2}, {"MUR", 2}, {"MVR", 2}, {"MWK", 2}, {"MXN", 2},
    {"MXV", 2}, {"MYR", 2}, {"MZN", 2}, {"NAD", 2}, {"NGN", 2}, {"NIO", 2}, {"NOK", 2}, {"NPR", 2},
    {"NZD", 2}, {"OMR", 3}, {"PAB", 2}, {"PEN", 2}, {"PGK", 2}, {"PHP", 2}, {"PKR", 2}, {"PLN", 2},
    {"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2}, {"RUB", 2}, {"RWF", 0}, {"SAR", 2}, {"SBD", 2},
    {"SCR", 2}, {"SDG", 2}, {"SEK", 2}, {"SGD", 2}, {"SHP", 2}, {"SLE", 2}, {"SOS", 2}, {"SRD", 2},
    {"SSP", 2}, {"STN", 2}, {"SVC", 2}, {"SYP", 2}, {"SZL", 2}, {"THB", 2}, {"TJS", 2}, {"TMT", 2},
    {"TND", 3}, {"TOP", 2}, {"TRY", 2}, {"TTD", 2}, {"TWD", 2}, {"TZS", 2}, {"UAH", 2}, {"UGX", 0},
    {"USD", 2}, {"USN", 2}, {"UYI", 0}, {"UYU", 2}, {"UYW", 4}, {"UZS", 2}, {"VED", 2}, {"VES", 2},
    {"VND", 0}, {"VUV", 0}, {"WST", 2}, {"XAD", 2}, {"XAF", 0}, {"XCD", 2}, {"XCG", 2}, {"XOF", 0},
    {"XPF", 0}, {"YER", 2}, {"ZAR", 2}, {"ZMW", 2}, {"ZWG", 2},
    /* clang-format on */
};

gw_code money_currency(gw_str code, int *ret_exponent)
{
    size_t low = 0, high = GW_COUNT(currencies);
    while (code.n == 3 && low < high) {
        size_t mid = low + (high - low) / 2;
        int order = memcmp(code.p, currencies[mid].code, 3);
        if (order == 0) {
            if (ret_exponent)
                *ret_exponent = currencies[mid].exponent;
            return GW_OK;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return GW_ENOTFOUND;
}

const char *money_currency_at(size_t n, int *ret_exponent)
{
    if (n >= GW_COUNT(currencies))
        return NULL;
    if (ret_exponent)
        *ret_exponent = currencies[n].exponent;
    return currencies[n].code;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What a decimal text is made of, before its digits are counted together. */
typedef struct {
    bool negative;
    gw_str whole;    /* digits and commas */
    gw_str fraction; /* digits behind the point */
    bool has_point;
} decimal;

static gw_code split(gw_str text, decimal *ret, gw_err *err)
{
    decimal d = {0};
    const char *p = text.p, *end = text.p + text.n;
    if (p < end && *p == '-') {
        d.negative = true;
        p++;
    }
    d.whole.p = p;
    while (p < end && (is_digit(*p) || *p == ','))
        p++;
    d.whole.n = (size_t)(p - d.whole.p);
    if (p < end && *p == '.') {
        d.has_point = true;
        d.fraction.p = ++p;
        while (p < end && is_digit(*p))
            p++;
        d.fraction.n = (size_t)(p - d.fraction.p);
    }
    if (p != end)
        return gw_fail(err, GW_EINVAL,
                       "amount: byte %zu is not part of a decimal number; write it as 1234.50",
                       (size_t)(p - text.p) + 1);
    if (d.whole.n == 0 || (d.has_point && d.fraction.n == 0))
        return gw_fail(err, GW_EINVAL,
                       "amount: digits are missing; write it as 1234.50, with digits on both sides "
                       "of the point");
    *ret = d;
    return GW_OK;
}

/* Commas must part groups of three, and must not be readable as a decimal comma. */
static gw_code check_groups(const decimal *d, int exponent, gw_err *err)
{
    size_t commas = 0, run = 0;
    for (size_t i = 0; i < d->whole.n; i++) {
        if (d->whole.p[i] != ',') {
            run++;
            continue;
        }
        if (commas == 0 ? run < 1 || run > 3 : run != 3)
            return gw_fail(err, GW_EINVAL, "amount: commas must part groups of three digits");
        commas++;
        run = 0;
    }
    if (commas == 0)
        return GW_OK;
    if (run != 3)
        return gw_fail(err, GW_EINVAL,
                       "amount: commas must part groups of three digits; the decimal point is '.'");
    bool one_comma_alone = commas == 1 && !d->has_point;
    if (d->whole.p[0] == '0' || (one_comma_alone && exponent >= 3))
        return gw_fail(err, GW_EINVAL,
                       "amount: the comma could be a decimal comma; write it without commas and "
                       "with a decimal point");
    return GW_OK;
}

/* Minor units are gathered below zero, where int64 reaches one further. */
static bool push_digit(int64_t *negative, int digit)
{
    int64_t v;
    if (__builtin_mul_overflow(*negative, 10, &v) || __builtin_sub_overflow(v, digit, &v))
        return false;
    *negative = v;
    return true;
}

gw_code money_parse(gw_str text, gw_str currency, int64_t *ret_minor, gw_err *err)
{
    int exponent;
    if (money_currency(currency, &exponent) != GW_OK)
        return gw_fail(err, GW_EINVAL,
                       "amount: the currency is not an ISO 4217 code in use, such as USD or CNY");
    if (text.n > MONEY_PARSE_BYTES)
        return gw_fail(err, GW_ELIMIT, "amount: longer than %d bytes", MONEY_PARSE_BYTES);
    decimal d = {0};
    gw_code rc = split(text, &d, err);
    if (rc == GW_OK)
        rc = check_groups(&d, exponent, err);
    if (rc != GW_OK)
        return rc;
    if (d.fraction.n > (size_t)exponent)
        return gw_fail(err, GW_EINVAL,
                       "amount: %zu digits behind the point, but %.3s has %d; nothing is rounded",
                       d.fraction.n, currency.p, exponent);

    int64_t v = 0;
    bool fits = true;
    for (size_t i = 0; fits && i < d.whole.n; i++)
        if (d.whole.p[i] != ',')
            fits = push_digit(&v, d.whole.p[i] - '0');
    for (size_t i = 0; fits && i < (size_t)exponent; i++)
        fits = push_digit(&v, i < d.fraction.n ? d.fraction.p[i] - '0' : 0);
    if (!fits || (!d.negative && v == INT64_MIN))
        return gw_fail(err, GW_ELIMIT, "amount: too large; minor units must fit 64 bits");
    *ret_minor = d.negative ? v : -v;
    return GW_OK;
}

gw_code money_add(int64_t a, int64_t b, int64_t *ret, gw_err *err)
{
    int64_t v;
    if (__builtin_add_overflow(a, b, &v))
        return gw_fail(err, GW_ELIMIT, "the sum of two amounts does not fit 64 bits");
    *ret = v;
    return GW_OK;
}

gw_code money_sub(int64_t a, int64_t b, int64_t *ret, gw_err *err)
{
    int64_t v;
    if (__builtin_sub_overflow(a, b, &v))
        return gw_fail(err, GW_ELIMIT, "the difference of two amounts does not fit 64 bits");
    *ret = v;
    return GW_OK;
}

/* Digits are laid down from the right, at least one before the point. */
void money_format(int64_t minor, int exponent, char ret_text[MONEY_TEXT])
{
    if (exponent < 0 || exponent > MONEY_EXPONENT_MAX)
        gw_bug("currency exponent out of range");
    uint64_t rest = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    char text[MONEY_TEXT];
    size_t at = MONEY_TEXT;
    text[--at] = '\0';
    for (int digits = 0; rest > 0 || digits <= exponent; digits++) {
        if (digits == exponent && exponent > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (minor < 0)
        text[--at] = '-';
    memcpy(ret_text, text + at, MONEY_TEXT - at);
}
