#include "workers/runtime/source.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { ATTEMPT_ARENA_MAX = 32 << 20 };

struct channel_source {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    channel_attempt *head, **tail;
    bool closed;
    void (*report)(void *arg, channel_attempt *a);
    void *arg;
};

channel_source *channel_source_new(void (*report)(void *arg, channel_attempt *a), void *arg)
{
    channel_source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->lock, NULL);
    s->tail = &s->head;
    s->report = report;
    s->arg = arg;
    return s;
}

void channel_source_free(channel_source *s)
{
    if (!s)
        return;
    while (s->head) {
        channel_attempt *a = s->head;
        s->head = a->next;
        channel_attempt_free(a);
    }
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool channel_source_put(channel_source *s, channel_attempt *a)
{
    pthread_mutex_lock(&s->lock);
    bool open = !s->closed;
    if (open) {
        a->next = NULL;
        *s->tail = a;
        s->tail = &a->next;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    return open;
}

void channel_source_close(channel_source *s)
{
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

static struct timespec moment_in(int wait_ms)
{
    struct timespec t;
    int64_t at = gw_mono_now().ms + wait_ms;
    t.tv_sec = at / 1000;
    t.tv_nsec = at % 1000 * 1000000;
    return t;
}

static channel_attempt *pop(channel_source *s, int wait_ms)
{
    struct timespec until = moment_in(wait_ms);
    pthread_mutex_lock(&s->lock);
    while (!s->head && !s->closed && wait_ms > 0)
        if (pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0)
            break;
    channel_attempt *a = s->head;
    if (a) {
        s->head = a->next;
        if (!s->head)
            s->tail = &s->head;
        a->next = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    return a;
}

/* The deadline is a moment of the gateway's clock. Under a manual clock that clock stands still, so
 * only GO's own time counts; otherwise the time since GO, by our monotonic clock, is added. */
static bool is_past_deadline(const channel_attempt *a)
{
    int64_t now = a->go_wall_ms;
    if (!a->task->manual_clock)
        now += gw_mono_now().ms - a->go_at.ms;
    return now > a->task->deadline_ms;
}

channel_attempt *channel_take(channel_source *s, int wait_ms)
{
    for (;;) {
        channel_attempt *a = pop(s, wait_ms);
        if (!a || !is_past_deadline(a))
            return a;
        channel_decide(a, WIRE_LATER, 0, "deadline-passed");
        channel_report(s, a);
    }
}

void channel_report(channel_source *s, channel_attempt *a)
{
    s->report(s->arg, a);
}

bool channel_is_closed(channel_source *s)
{
    pthread_mutex_lock(&s->lock);
    bool closed = s->closed && !s->head;
    pthread_mutex_unlock(&s->lock);
    return closed;
}

bool channel_is_draining(channel_source *s)
{
    pthread_mutex_lock(&s->lock);
    bool draining = s->closed;
    pthread_mutex_unlock(&s->lock);
    return draining;
}

void channel_decide(channel_attempt *a, wire_result result, int code, const char *why)
{
    a->outcome.result = result;
    a->outcome.code = code;
    snprintf(a->outcome.why, sizeof a->outcome.why, "%s", why);
}

static void outcome_clear(channel_outcome *o)
{
    gw_buf raw = o->raw;
    gw_buf_clear(&raw);
    memset(o, 0, sizeof *o);
    o->raw = raw;
    o->retry_after_ms = -1;
}

channel_attempt *channel_attempt_new(size_t bytes_max)
{
    channel_attempt *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->arena = gw_arena_new(ATTEMPT_ARENA_MAX);
    if (!a->arena) {
        free(a);
        return NULL;
    }
    gw_buf_init(&a->bytes, bytes_max);
    gw_buf_init(&a->outcome.raw, CHANNEL_RAW_MAX);
    outcome_clear(&a->outcome);
    return a;
}

void channel_attempt_free(channel_attempt *a)
{
    if (!a)
        return;
    gw_buf_done(&a->bytes);
    gw_buf_done(&a->outcome.raw);
    gw_arena_free(a->arena);
    free(a);
}

void channel_attempt_reset(channel_attempt *a)
{
    enum { KEEP_BYTES = 256 * 1024 }; /* a rare large message must not pin its memory */
    size_t ceiling = a->bytes.ceiling;
    if (a->bytes.cap > KEEP_BYTES)
        gw_buf_done(&a->bytes);
    gw_buf_clear(&a->bytes);
    a->bytes.ceiling = ceiling;
    gw_arena_reset(a->arena);
    outcome_clear(&a->outcome);
    a->task = NULL;
    a->facts = a->message_id = (gw_str){NULL, 0};
    a->go_wall_ms = 0;
    a->next = NULL;
}
