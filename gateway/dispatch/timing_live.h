/* timing_live.h - the timing model in use: read from its file, read again when the file is
 * replaced.
 *
 * A file that cannot be read as a model leaves the one in use in force and is logged once. Without
 * a file there is no model, and moments are the channel's preferred minute.
 * Thread: one owner at a time. */
#ifndef GATEWAY_DISPATCH_TIMING_LIVE_H
#define GATEWAY_DISPATCH_TIMING_LIVE_H

#include "gateway/base/clock.h"
#include "gateway/timing/model.h"

enum { TIMING_LIVE_LOOK_MS = 10000 };

typedef struct timing_live timing_live;

/* path: borrowed; NULL or "": never a model. NULL: out of memory. */
timing_live *timing_live_new(const char *path);
void timing_live_free(timing_live *t);
/* Look at the file if it is time to. */
void timing_live_look(timing_live *t, gw_mono now);
/* NULL: no model. Valid until the next look. */
const timing_model *timing_live_model(const timing_live *t);

#endif
