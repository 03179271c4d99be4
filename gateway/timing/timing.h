/* timing.h - the best moment inside what policy allows.
 *
 * Today: the preferred local minute of the channel on the first allowed day, spread so that a
 * morning's reminders do not all leave in one minute. A learning model replaces the inside later;
 * the promise stays: never outside the given intervals, and the same inputs give the same moment.
 * Thread: any; pure. */
#ifndef TIMING_TIMING_H
#define TIMING_TIMING_H

#include "gateway/policy/zone.h"

enum { TIMING_SPREAD_MAX = 720 }; /* minutes */

typedef struct {
    int minute;         /* preferred local minute of the day, 0..1439 */
    int spread_minutes; /* width of the spread around it, 0 = none; above the maximum is cut */
} timing_preference;

/* Built-in preference of a channel by name: e-mail early in the morning's work, calls once people
 * have read it. An unknown channel gets that of e-mail. */
timing_preference timing_default(const char *channel);

/* Pick a moment. allowed: in order and apart, as policy_decide gives them. seed: any value that is
 * stable for the reminder, e.g. the first bytes of its id.
 * The first allowed day is the local day of allowed[0].from_ms. Among the allowed instants of that
 * day the one nearest to the preferred minute is the centre; the spread is the part of its interval
 * within spread_minutes / 2 on both sides, shifted where the interval ends so as to keep its width.
 * False when allowed_n is 0 (ret_t untouched). z NULL: the first allowed instant. */
bool timing_pick(const zone_span *allowed, size_t allowed_n, timing_preference preference,
                 const zone *z, uint64_t seed, gw_wall *ret_t);

#endif
