/* fitter.h - the nightly fit: a thread that fits the timing model once a day at a set hour of the
 * gateway's clock (UTC), niced, while the gateway works.
 *
 * FILE.day holds the day of the last fit: after a start that missed the hour it fits at once, and a
 * moved clock is followed. A fit that fails, or finds another one running, is tried again in
 * FITTER_AGAIN_MS. Stopped in the middle, it keeps what it reached and goes on at the next start.
 * Loads nothing: timing_live.h sees the new file.
 *
 * Thread: start and stop one thread. */
#ifndef GATEWAY_DISPATCH_FITTER_H
#define GATEWAY_DISPATCH_FITTER_H

#include "gateway/dispatch/dispatch.h"

enum { FITTER_LOOK_MS = 500, FITTER_AGAIN_MS = 60000, FITTER_NICE = 15, FITTER_STEPS = 25 };

typedef struct fitter fitter;

/* config is borrowed. hour -1, or no timing_model: *ret stays NULL, there is nothing to do. */
gw_code fitter_start(const dispatch_config *config, int hour, fitter **ret, gw_err *err)
    GW_NODISCARD;
void fitter_stop(fitter *f); /* accepts NULL */

/* Is a fit due? day: of the last one, INT32_MIN none was made: then the coming hour is waited for.
 */
bool fitter_is_due(int32_t day, int hour, gw_wall now);
/* The fit-day of a moment: it changes at the hour. */
int32_t fitter_day(int hour, gw_wall now);

#endif
