/* source.h - the queue between the runtime and sending threads; the runtime's side of
 * channel_take, channel_report and channel_is_closed.
 *
 * Bounded by the credit given to the gateway: nothing is put that was not a task before.
 * Thread: every function from any thread. */
#ifndef WORKERS_SOURCE_H
#define WORKERS_SOURCE_H

#include "workers/runtime/channel.h"

/* report is called by channel_report, in the sending thread. */
channel_source *channel_source_new(void (*report)(void *arg, channel_attempt *a), void *arg);
/* No taker may be left. Accepts NULL. */
void channel_source_free(channel_source *s);
GW_CLEANUP_FUNC(channel_source, channel_source_free)

/* Queue an attempt. After close it is refused (false) and stays the caller's. */
bool channel_source_put(channel_source *s, channel_attempt *a);
/* No more work will come; what is queued is still handed out. Wakes all takers. */
void channel_source_close(channel_source *s);

/* An attempt with an empty outcome, for the runtime and for tests. NULL when out of memory. */
channel_attempt *channel_attempt_new(size_t bytes_max);
/* Room in the outcome for so many recipients. False when out of memory. */
bool channel_attempt_room(channel_attempt *a, size_t recipients);
void channel_attempt_free(channel_attempt *a);
GW_CLEANUP_FUNC(channel_attempt, channel_attempt_free)
/* Ready for the next task; memory of ordinary size is kept. */
void channel_attempt_reset(channel_attempt *a);

#endif
