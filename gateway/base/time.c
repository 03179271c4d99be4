#include "gateway/base/time.h"

#include <stdio.h>

static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(int y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int days_in_month(int y, int m)
{
    return month_days[m - 1] + (m == 2 && is_leap(y));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days from the civil calendar, counting years from March so that the leap day is the last one;
 * 146097 days in 400 years. */
int32_t gw_date_to_day(gw_date d)
{
    int y = d.year - (d.month <= 2);
    int era = (int)floor_div(y, 400);
    int yoe = y - era * 400;
    int doy = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
    int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

gw_date gw_date_of_day(int32_t day)
{
    int64_t z = (int64_t)day + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp + (mp < 10 ? 3 : -9));
    return (gw_date){(int)(yoe + era * 400 + (month <= 2)), month,
                     (int)(doy - (153 * mp + 2) / 5 + 1)};
}

int gw_day_weekday(int32_t day)
{
    int64_t w = ((int64_t)day + 3) % 7; /* day 0 was a Thursday */
    return (int)(w < 0 ? w + 7 : w) + 1;
}

static bool digits(const char *p, int n, int *ret)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (p[i] - '0');
    }
    *ret = v;
    return true;
}

static bool parse_date(const char *p, gw_date *ret)
{
    gw_date d;
    if (!digits(p, 4, &d.year) || p[4] != '-' || !digits(p + 5, 2, &d.month) || p[7] != '-' ||
        !digits(p + 8, 2, &d.day))
        return false;
    if (d.year < 1 || d.month < 1 || d.month > 12 || d.day < 1 ||
        d.day > days_in_month(d.year, d.month))
        return false;
    *ret = d;
    return true;
}

gw_code gw_date_parse(gw_str s, int32_t *ret_day, gw_err *err)
{
    gw_date d;
    if (s.n != 10 || !parse_date(s.p, &d))
        return gw_fail(err, GW_EINVAL, "not a calendar date; write it as 2013-01-31");
    *ret_day = gw_date_to_day(d);
    return GW_OK;
}

/* The offset at p..p+n in minutes east; false unless it is Z or +hh:mm / -hh:mm to 23:59. */
static bool parse_offset(const char *p, size_t n, int *ret_minutes)
{
    int h;
    int m;
    if (n == 1 && (p[0] == 'Z' || p[0] == 'z')) {
        *ret_minutes = 0;
        return true;
    }
    if (n != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':' || !digits(p + 1, 2, &h) ||
        !digits(p + 4, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_minutes = (p[0] == '-' ? -1 : 1) * (h * 60 + m);
    return true;
}

gw_code gw_time_parse(gw_str s, gw_wall *ret_t, gw_err *err)
{
    gw_date d;
    int h;
    int m;
    int sec;
    int offset;
    if (s.n < 20 || s.n > 35 || !parse_date(s.p, &d) ||
        (s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ') || !digits(s.p + 11, 2, &h) ||
        s.p[13] != ':' || !digits(s.p + 14, 2, &m) || s.p[16] != ':' ||
        !digits(s.p + 17, 2, &sec) || h > 23 || m > 59 || sec > 59)
        goto bad;
    size_t at = 19;
    int ms = 0;
    if (s.p[at] == '.') {
        size_t first = ++at;
        for (int scale = 100; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++, scale /= 10)
            ms += scale * (s.p[at] - '0');
        if (at == first || at - first > 9)
            goto bad;
    }
    if (!parse_offset(s.p + at, s.n - at, &offset))
        goto bad;
    ret_t->ms = gw_date_to_day(d) * GW_MS_PER_DAY + h * GW_MS_PER_HOUR +
                (m - offset) * GW_MS_PER_MINUTE + sec * INT64_C(1000) + ms;
    return GW_OK;
bad:
    return gw_fail(err, GW_EINVAL,
                   "not an RFC 3339 time with offset; write it as 2013-01-31T09:30:00+08:00");
}

void gw_date_format(int32_t day, char ret_text[GW_DATE_TEXT])
{
    gw_date d = gw_date_of_day(day);
    char text[48];
    snprintf(text, sizeof text, "%04d-%02d-%02d", d.year, d.month, d.day);
    memcpy(ret_text, text, GW_DATE_TEXT - 1);
    ret_text[GW_DATE_TEXT - 1] = '\0';
}

void gw_time_format(gw_wall t, char ret_text[GW_TIME_TEXT])
{
    const int64_t least = INT64_C(-62135596800000);
    const int64_t most = INT64_C(253402300799999);
    int64_t clamped = t.ms < least ? least : t.ms > most ? most : t.ms;
    int64_t day = floor_div(clamped, GW_MS_PER_DAY);
    int64_t rest = clamped - day * GW_MS_PER_DAY;
    char text[64];
    gw_date_format((int32_t)day, text);
    snprintf(text + 10, sizeof text - 10, "T%02d:%02d:%02d.%03dZ", (int)(rest / GW_MS_PER_HOUR),
             (int)(rest / GW_MS_PER_MINUTE % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
    memcpy(ret_text, text, GW_TIME_TEXT - 1);
    ret_text[GW_TIME_TEXT - 1] = '\0';
}
