/* capacity.h - room in the minutes to come: how an hour that many debtors share is given out.
 *
 * Stated rules:
 *   1. A channel sends at most its capacity per hour, spread evenly over the minutes: a minute that
 * is full takes nothing more. A contact drawn into it moves to the nearest minute with room that
 *      policy allows and that lies in the hour chosen.
 *   2. An hour without room is no candidate. Where no hour of the day has room the next allowed day
 * is taken, and where no day has, the contact goes out all the same: a deadline counts more than an
 * even flow (decide.h).
 *   3. Those who gain most keep an hour: gain is the chance of an answer there less that in the
 *      debtor's next best hour. Where R times as many want the hour as it holds, only those whose
 * gain is among the top 1/R of the gains seen may take it. R is what the same hour saw a day or a
 * week before, or already sees now. An hour nobody expected is open to all until it is half full;
 *      then the gain needed rises evenly until it is full.
 *
 * Counts begin with what is planned already (fill) and are read again every CAPACITY_STALE_MS:
 * another start loses nothing. Each of several gateways gives out the share of its own shards.
 *
 * Pure but for fill; one owner. */
#ifndef TIMING_CAPACITY_H
#define TIMING_CAPACITY_H

#include "gateway/base/clock.h"
#include "gateway/timing/cell.h"
#include "gateway/timing/room.h"

enum {
    CAPACITY_MINUTES = 60, /* of an hour of UTC */
    CAPACITY_STALE_MS = 600000,
};

/* What is planned in each minute of the hour that begins at hour_ms. False: nobody knows now. */
typedef bool capacity_fill(void *arg, unsigned channel, int64_t hour_ms,
                           uint32_t ret[CAPACITY_MINUTES]);

typedef struct capacity capacity;

/* per_hour: contacts of each channel, 0 no limit. NULL: out of memory. */
capacity *capacity_new(const uint32_t per_hour[TIMING_CHANNELS], capacity_fill *fill, void *arg);
void capacity_free(capacity *c);
GW_CLEANUP_FUNC(capacity, capacity_free)

/* Of 64 shards, those this gateway owns; now in monotonic time. Call before planning. */
void capacity_now(capacity *c, unsigned shards, gw_mono now);
/* The interface plan.h asks, or NULL where the channel has no limit. Borrowed from c. */
const timing_room *capacity_room(capacity *c, unsigned channel);

#endif
