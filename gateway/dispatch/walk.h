/* walk.h - the movable clock: walks to a target moment from one due moment to the next.
 *
 * An operator sets a target; dispatch advances the clock to the next due moment, works until
 * nothing is left to do at that moment (no due reminder that could be served, nothing in flight,
 * the outbox written), and goes on until the target. So thirty days pass in seconds and nothing is
 * skipped or sent at a moment it was not due.
 *
 * Every step is stored (state_clock_set), so a restarted gateway stands where it stood; the target
 * is not: after a restart the clock stands until it is set again.
 *
 * Thread: walk_to, walk_release, walk_now any; walk_next only dispatch. */
#ifndef GATEWAY_DISPATCH_WALK_H
#define GATEWAY_DISPATCH_WALK_H

#include "gateway/base/clock.h"

#include <stdbool.h>

typedef struct clock_walk clock_walk;

/* The clock is borrowed. NULL when out of memory. */
clock_walk *clock_walk_new(gw_clock *clock);
void clock_walk_free(clock_walk *w);
GW_CLEANUP_FUNC(clock_walk, clock_walk_free)

/* From now on the clock is manual and walks to target. GW_EINVAL when target lies before the moment
 * the clock stands at: time never runs backwards. */
gw_code clock_walk_to(clock_walk *w, gw_wall target, gw_err *err) GW_NODISCARD;
/* Follow the system again. */
void clock_walk_release(clock_walk *w);

typedef enum { WALK_IDLE, WALK_DUE, WALK_FLIGHT, WALK_OUTBOX, WALK_STORE } walk_waiting;
typedef struct {
    gw_wall now, target; /* target equals now when it has arrived */
    bool manual, idle;   /* idle: arrived, and nothing is left to do at this moment */
    walk_waiting waiting_for;
} walk_state;
void clock_walk_get(clock_walk *w, walk_state *ret);
/* "", "due", "in-flight", "outbox", "store" */
const char *walk_waiting_name(walk_waiting w);

/* Dispatch: is a walk under way, and where to? */
bool clock_walk_target(clock_walk *w, gw_wall *ret_target);
/* Something was accepted: nothing is idle until dispatch has looked. Thread: any. */
void clock_walk_touch(clock_walk *w);
/* Dispatch: read before looking for work ... */
uint64_t clock_walk_touched(clock_walk *w);
/* ... and given back with what the walk waits for; WALK_IDLE when nothing is left to do at this
 * moment. False, and nothing reported, when something was accepted meanwhile. */
bool clock_walk_report(clock_walk *w, walk_waiting waiting, uint64_t touched);
/* Dispatch: the moment is done with; step to the next (not past the target). False when the walk
 * was changed meanwhile: nothing happened. */
bool clock_walk_step(clock_walk *w, gw_wall from, gw_wall next);

#endif
