/* lane.h - all lanes of a shard but one in one sorted set: a score is lane * DUE_LANE + due ms.
 *
 * The one is DUE_ACCEPTED, a list: jobs just accepted are many, all due at once and taken in the
 * order they came, and appending to a list costs a fifth of what a sorted set does.
 *
 * STORED FORMAT, with dunlin.lua. So something is in one lane at most, and changing lanes writes
 * one set instead of two. Read in redis-cli: the first of 14 digits is the lane, 13 digits alone
 * are w. */
#ifndef DUNLIN_STATE_LANE_H
#define DUNLIN_STATE_LANE_H

#include <stdint.h>
#include <string.h>

#define DUE_LANE INT64_C(10000000000000) /* ms; a due moment ends before it, in the year 2286 */

#define DUE_ACCEPTED 'a'

/* -1: not a lane of the sorted set. */
static inline int due_lane(char lane)
{
    static const char lanes[] = "wesvfk";
    const char *at = lane ? strchr(lanes, lane) : NULL;
    return at ? (int)(at - lanes) : -1;
}

static inline int64_t due_clamp(int64_t ms)
{
    return ms < 0 ? 0 : ms < DUE_LANE ? ms : DUE_LANE - 1;
}

static inline int64_t due_score(char lane, int64_t ms)
{
    return due_lane(lane) * DUE_LANE + due_clamp(ms);
}

#endif
