#include "workers/runtime/queue.h"

#include "workers/runtime/source.h"

#include <time.h>

void attempt_queue_init(attempt_queue *q)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&q->lock, NULL);
    q->head = NULL;
    q->tail = &q->head;
    q->closed = false;
}

void attempt_queue_done(attempt_queue *q)
{
    while (q->head) {
        channel_attempt *a = q->head;
        q->head = a->next;
        channel_attempt_free(a);
    }
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
}

bool attempt_queue_put(attempt_queue *q, channel_attempt *a, bool *ret_first)
{
    pthread_mutex_lock(&q->lock);
    bool open = !q->closed;
    if (ret_first)
        *ret_first = q->head == NULL;
    if (open) {
        a->next = NULL;
        *q->tail = a;
        q->tail = &a->next;
        pthread_cond_signal(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
    return open;
}

static struct timespec moment_in(int wait_ms)
{
    struct timespec t;
    int64_t at = gw_mono_now().ms + wait_ms;
    t.tv_sec = at / 1000;
    t.tv_nsec = at % 1000 * 1000000;
    return t;
}

channel_attempt *attempt_queue_take(attempt_queue *q, int wait_ms)
{
    struct timespec until = moment_in(wait_ms);
    pthread_mutex_lock(&q->lock);
    while (!q->head && !q->closed && wait_ms > 0)
        if (pthread_cond_timedwait(&q->wake, &q->lock, &until) != 0)
            break;
    channel_attempt *a = q->head;
    if (a) {
        q->head = a->next;
        if (!q->head)
            q->tail = &q->head;
        a->next = NULL;
    }
    pthread_mutex_unlock(&q->lock);
    return a;
}

channel_attempt *attempt_queue_take_all(attempt_queue *q)
{
    pthread_mutex_lock(&q->lock);
    channel_attempt *all = q->head;
    q->head = NULL;
    q->tail = &q->head;
    pthread_mutex_unlock(&q->lock);
    return all;
}

void attempt_queue_close(attempt_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

bool attempt_queue_is_closed(attempt_queue *q, bool *ret_empty)
{
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    if (ret_empty)
        *ret_empty = q->head == NULL;
    pthread_mutex_unlock(&q->lock);
    return closed;
}
