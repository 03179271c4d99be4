/* calendar.h - holidays and working days of one place, with the years they are known for.
 *
 *   {"format": 1, "id": "cn", "title": "...", "years": [2026] | "every", "weekend": ["sat", "sun"],
 *    "source": "...", "read": "2026-11-24", "confidence": "...", "draft": true,
 *    "days": [{"date": "2026-02-17", "name": "..."}, {"every": "12-25", "name": "..."},
 *             {"date": "2026-02-14", "name": "...", "work": "fri"}]}
 *
 * work: a weekend day that is worked, as that weekday (China's shifted days). years "every": the
 * calendar holds in any year, for calendars of yearly dates only. A day of another year is unknown,
 * and what is unknown is never a moment to contact somebody nor a day to count a deadline by.
 *
 * Thread: never changes after parsing; any. Pure. */
#ifndef POLICY_CALENDAR_H
#define POLICY_CALENDAR_H

#include "gateway/base/buf.h"

typedef struct calendar calendar;

typedef enum {
    CALENDAR_ORDINARY,
    CALENDAR_HOLIDAY,
    CALENDAR_SHIFTED,
    CALENDAR_UNKNOWN
} calendar_day;

/* Parse one file's text; *ret is the caller's. */
gw_code calendar_parse(const char *name, gw_str text, calendar **ret, gw_err *err) GW_NODISCARD;
void calendar_free(calendar *c);
GW_CLEANUP_FUNC(calendar, calendar_free)

const char *calendar_id(const calendar *c);
const char *calendar_canonical(const calendar *c); /* RFC 8785 text */
bool calendar_is_draft(const calendar *c);

/* What a local day is; *ret_weekday (may be NULL) is 1 Monday .. 7 Sunday as it is worked. */
calendar_day calendar_look(const calendar *c, int32_t day, int *ret_weekday);

/* Is work done on this day? UNKNOWN counts as no for both questions below. */
bool calendar_is_workday(const calendar *c, int32_t day);

/* The n-th business day after `day` (n 0: the first business day on or after it). False when a year
 * on the way is unknown, or within 400 days there are not so many. */
bool calendar_add_workdays(const calendar *c, int32_t day, int n, int32_t *ret_day);
/* Business days in (from, to]; false when a year on the way is unknown, or to < from. */
bool calendar_count_workdays(const calendar *c, int32_t from, int32_t to, int *ret_n);

/* The n-th year the calendar knows, 0 past the end; "every": always 0. */
int calendar_year(const calendar *c, size_t n);

#endif
