#include "workers/runtime/source.h"

#include "workers/runtime/queue.h"

#include <pthread.h>
#include <stdio.h>

enum { ATTEMPT_ARENA_MAX = 32 << 20 };

enum { WAKERS_MAX = 64 };

struct channel_source {
    attempt_queue queue;
    pthread_mutex_t lock; /* of the wakers */
    struct {
        void (*wake)(void *arg);
        void *arg;
    } wakers[WAKERS_MAX];
    size_t waker_n;
    void (*report)(void *arg, channel_attempt *a);
    void *arg;
};

channel_source *channel_source_new(void (*report)(void *arg, channel_attempt *a), void *arg)
{
    channel_source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    attempt_queue_init(&s->queue);
    pthread_mutex_init(&s->lock, NULL);
    s->report = report;
    s->arg = arg;
    return s;
}

void channel_source_free(channel_source *s)
{
    if (!s)
        return;
    attempt_queue_done(&s->queue);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void wake_all(channel_source *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->waker_n; i++)
        s->wakers[i].wake(s->wakers[i].arg);
    pthread_mutex_unlock(&s->lock);
}

void channel_on_work(channel_source *s, void (*wake)(void *arg), void *arg)
{
    pthread_mutex_lock(&s->lock);
    if (s->waker_n == WAKERS_MAX)
        gw_bug("more wakers than sending threads");
    s->wakers[s->waker_n].wake = wake;
    s->wakers[s->waker_n++].arg = arg;
    pthread_mutex_unlock(&s->lock);
}

void channel_off_work(channel_source *s, void *arg)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->waker_n; i++)
        if (s->wakers[i].arg == arg)
            s->wakers[i--] = s->wakers[--s->waker_n];
    pthread_mutex_unlock(&s->lock);
}

bool channel_source_put(channel_source *s, channel_attempt *a)
{
    bool first;
    bool open = attempt_queue_put(&s->queue, a, &first);
    if (open && first)
        wake_all(s); /* the others of a batch are found with the first */
    return open;
}

void channel_source_close(channel_source *s)
{
    attempt_queue_close(&s->queue);
    wake_all(s);
}

/* The deadline is a moment of the gateway's clock. Under a manual clock that clock stands still, so
 * only GO's own time counts; otherwise the time since GO, by our monotonic clock, is added. */
bool channel_is_late(const channel_attempt *a)
{
    int64_t now = a->go_wall_ms;
    if (!a->task->manual_clock)
        now += gw_mono_now().ms - a->go_at.ms;
    return now > a->task->deadline_ms;
}

channel_attempt *channel_take(channel_source *s, int wait_ms)
{
    for (;;) {
        channel_attempt *a = attempt_queue_take(&s->queue, wait_ms);
        if (!a || !channel_is_late(a))
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
    bool empty;
    return attempt_queue_is_closed(&s->queue, &empty) && empty;
}

bool channel_is_draining(channel_source *s)
{
    return attempt_queue_is_closed(&s->queue, NULL);
}

void channel_own(const channel_attempt *a, char ret[WIRE_OWN_TEXT])
{
    const wire_ref *r = &a->task->ref;
    if (!wire_own_of_task(r->rid, r->tok, r->attempt, ret))
        snprintf(ret, WIRE_OWN_TEXT, "%.*s-%d", GW_STR_ARG(r->rid), r->attempt);
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
    o->recipients = o->few;
}

channel_attempt *channel_attempt_new(size_t bytes_max)
{
    channel_attempt *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->arena = gw_arena_new_small(ATTEMPT_ARENA_MAX);
    if (!a->arena) {
        free(a);
        return NULL;
    }
    gw_buf_init(&a->bytes, bytes_max);
    gw_buf_init(&a->outcome.raw, CHANNEL_RAW_MAX);
    outcome_clear(&a->outcome);
    return a;
}

bool channel_attempt_room(channel_attempt *a, size_t recipients)
{
    channel_recipient *room = a->outcome.few;
    if (recipients > CHANNEL_FEW)
        room = gw_arena_alloc(a->arena, recipients * sizeof *room);
    a->outcome.recipients = room ? room : a->outcome.few;
    return room != NULL;
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
    a->prepared = NULL;
    a->facts = a->message_id = (gw_str){NULL, 0};
    a->go_wall_ms = 0;
    a->owner = NULL;
    a->next = NULL;
}
