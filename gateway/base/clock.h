/* clock.h - the one source of time. Wall time and monotonic time are different types.
 *
 * gw_wall: milliseconds since 1970-01-01T00:00:00Z, no leap seconds (POSIX). Decides windows, due
 * moments and what evidence says. gw_mono: milliseconds of CLOCK_MONOTONIC; durations, heartbeats
 * and leases of this process. Nothing else in the tree calls time(2) or clock_gettime(2) for them.
 *
 * A clock is either the system's, or manual: it stands still until someone sets it. The manual mode
 * exists for replays and tests; a gateway enters it only when its configuration allows that
 * (clock.movable). Monotonic time always flows.
 *
 * Thread: any; the value is one atomic word. */
#ifndef GW_CLOCK_H
#define GW_CLOCK_H

#include "gateway/base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t ms;
} gw_wall;

typedef struct {
    int64_t ms;
} gw_mono;

typedef struct gw_clock gw_clock;

/* A clock that follows the system. NULL when out of memory. */
gw_clock *gw_clock_new(void);
void gw_clock_free(gw_clock *c);
GW_CLEANUP_FUNC(gw_clock, gw_clock_free)

gw_wall gw_clock_now(const gw_clock *c);
/* From now on the clock stands at t. */
void gw_clock_set(gw_clock *c, gw_wall t);
/* Follow the system again. */
void gw_clock_release(gw_clock *c);
bool gw_clock_is_manual(const gw_clock *c);

gw_mono gw_mono_now(void);
/* For tests: from now on this process's monotonic time is ms later, as if so long had passed. */
void gw_mono_skip(int64_t ms);

#endif
