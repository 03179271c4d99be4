/* time.h - RFC 3339 instants and ISO 8601 calendar dates, without any time zone data.
 *
 * Instants are UTC milliseconds (gw_wall). Dates are proleptic Gregorian day numbers counted from
 * 1970-01-01 (day 0), good for 0001-01-01 .. 9999-12-31. Leap seconds (":60") are refused.
 * Thread: any; pure. */
#ifndef GW_TIME_H
#define GW_TIME_H

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

#define GW_MS_PER_DAY    INT64_C(86400000)
#define GW_MS_PER_HOUR   INT64_C(3600000)
#define GW_MS_PER_MINUTE INT64_C(60000)

enum { GW_TIME_TEXT = 25, GW_DATE_TEXT = 11 }; /* bytes with NUL */

typedef struct {
    int year, month, day; /* month 1-12, day 1-31 */
} gw_date;

/* "2013-01-02T10:00:00.000Z"; instants outside years 1..9999 are clamped. */
void gw_time_format(gw_wall t, char ret_text[GW_TIME_TEXT]);
/* Any RFC 3339 §5.6 date-time with Z or numeric offset, at most 9 fraction digits (cut to ms). */
gw_code gw_time_parse(gw_str s, gw_wall *ret_t, gw_err *err);

/* "2013-01-02" <-> day number. Parse refuses a day that the month does not have. */
void gw_date_format(int32_t day, char ret_text[GW_DATE_TEXT]);
gw_code gw_date_parse(gw_str s, int32_t *ret_day, gw_err *err);
int32_t gw_date_to_day(gw_date d);
gw_date gw_date_of_day(int32_t day);
/* ISO weekday of a day number: 1 Monday .. 7 Sunday. */
int gw_day_weekday(int32_t day);

#endif
