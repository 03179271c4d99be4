/* queue.h - attempts handed from thread to thread, in order.
 *
 * Unbounded by itself: the number of attempts is bounded by the credit given to the gateway.
 * Thread: every function from any thread. */
#ifndef WORKERS_QUEUE_H
#define WORKERS_QUEUE_H

#include "workers/runtime/channel.h"

#include <pthread.h>

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    channel_attempt *head, **tail;
    bool closed;
} attempt_queue;

void attempt_queue_init(attempt_queue *q);
/* Frees what is still queued. */
void attempt_queue_done(attempt_queue *q);
/* False when closed: the attempt stays the caller's. *ret_first (may be NULL): it was empty. */
bool attempt_queue_put(attempt_queue *q, channel_attempt *a, bool *ret_first);
/* The next one, waiting at most wait_ms; NULL when there was none or it is closed and empty. */
channel_attempt *attempt_queue_take(attempt_queue *q, int wait_ms);
/* All of them, linked by next, without waiting. */
channel_attempt *attempt_queue_take_all(attempt_queue *q);
/* Nothing more can be put; what is there can still be taken. Wakes all takers. */
void attempt_queue_close(attempt_queue *q);
bool attempt_queue_is_closed(attempt_queue *q, bool *ret_empty);

#endif
