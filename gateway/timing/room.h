/* room.h - does a channel still have room at that moment? Asked while a moment is planned.
 *
 * An interface, so that plan.h stays pure: capacity.h keeps the counts. Thread: as its maker. */
#ifndef TIMING_ROOM_H
#define TIMING_ROOM_H

#include "gateway/policy/zone.h"

#include <stdbool.h>

typedef struct {
    /* May a contact whose chance of an answer grows by `gain` there go into one of these parts of
     * an hour? gain 1: is there any room at all? */
    bool (*admits)(void *arg, unsigned channel, const zone_span *parts, size_t n, float gain);
    /* The instant nearest to at, inside the parts, whose minute has room; it is taken. False: none.
     */
    bool (*take)(void *arg, unsigned channel, const zone_span *parts, size_t n, int64_t at,
                 int64_t *ret);
    void *arg;
} timing_room;

#endif
