/* zone.h - local time of an IANA time zone, from the system's zoneinfo files.
 *
 * GLib's GTimeZone reads the file once, in zone_open; from it we keep a table of every change of
 * offset between 1970 and 2100, so that a lookup is a short binary search without locks. Outside
 * those years the offset at the edge of the table applies. ICU's copy of the data is years old in
 * Debian and the C library's needs a process-wide TZ, hence neither.
 *
 * A name is accepted only when the system has a zoneinfo file of that name: GLib alone would also
 * take "UTC+3" or "XYZ-3" as POSIX rules with the sign turned round, and the C library takes any
 * unknown name as UTC. "localtime", "Factory", "posixrules" and the trees right/ and posix/ are
 * refused: they are not places, or count leap seconds.
 *
 * A local day is a day number (base/time.h). It has 24 hours, or 23, 25, 23.5 ... where the clock
 * is moved, or none at all where a date was skipped (Apia 2011-12-30).
 *
 * Thread: a zone never changes after zone_open; any thread may use it. */
#ifndef POLICY_ZONE_H
#define POLICY_ZONE_H

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

enum {
    ZONE_NAME_MAX = 64,      /* bytes; the longest name in tzdata has 32 */
    ZONE_DAY_MINUTES = 1440, /* minutes on the dial, whatever the day's real length */
    ZONE_SPANS_MAX = 4,      /* spans of one local day: one more than clock changes in it */
};

typedef struct zone zone;

typedef struct {
    int32_t day;  /* local day number */
    int minute;   /* 0..1439 of the local clock, seconds cut off */
    int offset_s; /* seconds east of UTC */
    bool isdst;
} zone_time;

/* Half-open: from_ms is inside, to_ms is not. */
typedef struct {
    int64_t from_ms, to_ms;
} zone_span;

/* Read the zone called name. GW_EINVAL not a zone name, GW_ENOTFOUND the system has no such zone,
 * GW_ENOMEM. Reads a file; may block on the disk. */
gw_code zone_open(gw_str name, zone **ret, gw_err *err) GW_NODISCARD;
void zone_close(zone *z);
GW_CLEANUP_FUNC(zone, zone_close)

const char *zone_name(const zone *z);
/* Is name this zone's name, or the one it is an alias of (US/Eastern: America/New_York)? */
bool zone_is(const zone *z, const char *name);
/* ISO 3166-1 country the zone lies in, by the system's zone.tab (of an alias: of what it stands
 * for), "" when it belongs to none ("Etc/UTC") or the system does not say. */
const char *zone_country(const zone *z);

/* The offset in seconds, when it is the same at every instant of [from, to]; false else. */
bool zone_is_steady(const zone *z, gw_wall from, gw_wall to, int *ret_offset_s);

zone_time zone_local(const zone *z, gw_wall t);

/* The instant at which the local clock shows `minute` (0..1440; 1440 is the next day's 0) on `day`.
 * Gap (the clock jumps over it): the first instant after the gap. Fold (it is shown twice): the
 * first occurrence. So a span between two such instants never begins early. */
gw_wall zone_instant(const zone *z, int32_t day, int minute);

/* All instants of `day` whose local minute lies in [from, to), 0 <= from <= to <= 1440, in order of
 * time. Exact in folds, where 02:30-04:00 is two spans: nothing outside the window is ever inside.
 * Returns how many spans were written, 0 when the day lacks these minutes. */
size_t zone_window(const zone *z, int32_t day, int from, int to, zone_span ret[ZONE_SPANS_MAX]);

/* Length of a local day in minutes: 1440, 1380, 1500, 1410 ..., 0. */
int zone_day_length(const zone *z, int32_t day);

/* ---- zone_table.c: zones by name, each opened once ---- */

typedef struct zone_table zone_table;

/* NULL when out of memory. Closing the table closes its zones. Thread: any, it holds a lock. */
zone_table *zone_table_new(void);
void zone_table_free(zone_table *t);
GW_CLEANUP_FUNC(zone_table, zone_table_free)

/* The zone called name, borrowed until zone_table_free; NULL with err as zone_open sets it.
 * The table is bounded by the number of zones the system has; unknown names are not remembered. */
const zone *zone_table_get(zone_table *t, gw_str name, gw_err *err);

/* Version of the system's zone data such as "2025b", or "unknown": for the evidence. Reads a file.
 */
void zone_data_version(char ret_text[16]);

#endif
