#include "gateway/wire/format.h"

#include "gateway/base/money.h"
#include "gateway/base/region.h"
#include "gateway/base/time.h"

enum {
    EMAIL_MAX = 254, /* RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets */
    LOCAL_PART_MAX = 64,
    LABEL_MAX = 63,
    ID_MAX = 64,
    ZONE_MAX = 64,
    LOCALE_MAX = 35,
    E164_MIN = 7,
    E164_MAX = 15,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
    return is_letter(c) || is_digit(c);
}

/* Is c one of the characters of set? NUL never is. */
static bool is_in(const char *set, char c)
{
    return c && strchr(set, c);
}

const char *format_date_time(gw_str s)
{
    gw_wall t;
    return gw_time_parse(s, &t, NULL) == GW_OK
               ? NULL
               : "an RFC 3339 date-time such as 2013-02-01T09:30:00Z";
}

const char *format_full_date(gw_str s)
{
    int32_t day;
    return gw_date_parse(s, &day, NULL) == GW_OK ? NULL : "an existing date such as 2013-02-01";
}

static bool is_dot_atom(gw_str s)
{
    bool dot = true; /* none at the start, none twice, none at the end */
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '.' ? dot : !is_alnum(c) && !is_in("!#$%&'*+-/=?^_`{|}~", c))
            return false;
        dot = c == '.';
    }
    return !dot;
}

static bool is_domain(gw_str s)
{
    size_t label = 0;
    int labels = 1;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool edge = label == 0 || i + 1 == s.n || s.p[i + 1] == '.';
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            labels++;
        } else if (!is_alnum(c) && (c != '-' || edge)) {
            return false;
        } else if (++label > LABEL_MAX) {
            return false;
        }
    }
    return label > 0 && labels >= 2;
}

const char *format_email(gw_str s)
{
    const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    size_t local = at ? (size_t)(at - s.p) : 0;
    bool good = at && s.n <= EMAIL_MAX && local >= 1 && local <= LOCAL_PART_MAX &&
                is_dot_atom((gw_str){s.p, local}) && is_domain((gw_str){at + 1, s.n - local - 1});
    return good ? NULL : "a mail address such as name@example.test, without quotes or comments";
}

const char *format_e164(gw_str s)
{
    bool good = s.n >= 1 + E164_MIN && s.n <= 1 + E164_MAX && s.p[0] == '+' && s.p[1] != '0';
    for (size_t i = 1; good && i < s.n; i++)
        good = is_digit(s.p[i]);
    return good ? NULL : "an E.164 number: '+', country code and number, 7 to 15 digits in all";
}

const char *format_iso4217(gw_str s)
{
    return money_currency(s, NULL) == GW_OK ? NULL : "an ISO 4217 currency code such as EUR";
}

const char *format_iana_zone(gw_str s)
{
    bool good = s.n >= 1 && s.n <= ZONE_MAX;
    bool start = true; /* of a part between slashes */
    for (size_t i = 0; good && i < s.n; i++) {
        char c = s.p[i];
        good = start ? is_letter(c) : is_alnum(c) || is_in("_+-/", c);
        start = c == '/';
    }
    return good && !start ? NULL : "an IANA time zone such as Europe/Berlin";
}

const char *format_id(gw_str s)
{
    bool good = s.n >= 1 && s.n <= ID_MAX;
    for (size_t i = 0; good && i < s.n; i++)
        good = is_alnum(s.p[i]) || is_in("._:/-", s.p[i]);
    return good ? NULL : "1 to 64 characters of A-Z a-z 0-9 . _ : / -";
}

const char *format_job(gw_str s)
{
    bool own = s.n >= GW_STR(FORMAT_JOB_OWN).n &&
               memcmp(s.p, FORMAT_JOB_OWN, GW_STR(FORMAT_JOB_OWN).n) == 0;
    return own ? "another id: those that begin with " FORMAT_JOB_OWN " are the gateway's own"
               : format_id(s);
}

/* Refused: C0, DEL, C1 (C2 80..9F), U+2028 and U+2029 (E2 80 A8/A9). The text is valid UTF-8. */
const char *format_line(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool c1 = c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0;
        bool separator = c == 0xE2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 &&
                         ((unsigned char)s.p[i + 2] | 1) == 0xA9;
        if (c < 0x20 || c == 0x7f || c1 || separator)
            return "one line of text without control characters";
    }
    return NULL;
}

const char *format_locale(gw_str s)
{
    size_t part = 0;
    bool first = true;
    bool good = s.n >= 2 && s.n <= LOCALE_MAX;
    for (size_t i = 0; good && i <= s.n; i++) {
        if (i == s.n || s.p[i] == '-') {
            good = first ? part == 2 || part == 3 : part >= 1 && part <= 8;
            first = false;
            part = 0;
        } else {
            good = first ? is_letter(s.p[i]) : is_alnum(s.p[i]);
            part++;
        }
    }
    return good ? NULL : "a language tag such as en or zh-CN";
}

const char *format_region(gw_str s)
{
    return gw_region_valid(s) ? NULL : "a region such as DE, US-MA or US-NY-NYC";
}

format_check format_find(gw_str name)
{
    static const struct {
        const char *name;
        format_check check;
    } rows[] = {
        {"date-time", format_date_time},
        {"date", format_full_date},
        {"email", format_email},
        {"e164", format_e164},
        {"iso4217", format_iso4217},
        {"iana-zone", format_iana_zone},
        {"id", format_id},
        {"job", format_job},
        {"line", format_line},
        {"locale", format_locale},
        {"region", format_region},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (gw_str_is(name, rows[i].name))
            return rows[i].check;
    return NULL;
}
