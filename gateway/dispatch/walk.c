#include "gateway/dispatch/walk.h"

#include <pthread.h>
#include <stdlib.h>

struct clock_walk {
    gw_clock *clock;
    pthread_mutex_t lock;
    bool walking;
    gw_wall target;
    walk_waiting waiting;
    uint64_t touched; /* how often something new was accepted */
};

clock_walk *clock_walk_new(gw_clock *clock)
{
    clock_walk *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->clock = clock;
    pthread_mutex_init(&w->lock, NULL);
    w->waiting = WALK_DUE;
    return w;
}

void clock_walk_free(clock_walk *w)
{
    if (!w)
        return;
    pthread_mutex_destroy(&w->lock);
    free(w);
}

gw_code clock_walk_to(clock_walk *w, gw_wall target, gw_err *err)
{
    gw_code rc = GW_OK;
    pthread_mutex_lock(&w->lock);
    gw_wall now = gw_clock_now(w->clock);
    if (gw_clock_is_manual(w->clock) && target.ms < now.ms) {
        rc = gw_fail(err, GW_EINVAL,
                     "the clock stands later than that; release it, time never runs backwards");
    } else {
        if (!gw_clock_is_manual(w->clock))
            gw_clock_set(w->clock, target.ms < now.ms ? target : now);
        w->target = target;
        w->walking = true;
        w->waiting = WALK_DUE;
    }
    pthread_mutex_unlock(&w->lock);
    return rc;
}

void clock_walk_release(clock_walk *w)
{
    pthread_mutex_lock(&w->lock);
    w->walking = false;
    gw_clock_release(w->clock);
    pthread_mutex_unlock(&w->lock);
}

void clock_walk_get(clock_walk *w, walk_state *ret)
{
    pthread_mutex_lock(&w->lock);
    gw_wall now = gw_clock_now(w->clock);
    *ret = (walk_state){
        .now = now,
        .target = w->walking ? w->target : now,
        .manual = gw_clock_is_manual(w->clock),
        .waiting_for = w->waiting,
        .idle = !w->walking && w->waiting == WALK_IDLE,
    };
    pthread_mutex_unlock(&w->lock);
}

const char *walk_waiting_name(walk_waiting w)
{
    static const char *const names[] = {"", "due", "in-flight", "outbox", "store"};
    return names[w];
}

bool clock_walk_target(clock_walk *w, gw_wall *ret_target)
{
    pthread_mutex_lock(&w->lock);
    bool walking = w->walking;
    if (walking)
        *ret_target = w->target;
    pthread_mutex_unlock(&w->lock);
    return walking;
}

void clock_walk_touch(clock_walk *w)
{
    pthread_mutex_lock(&w->lock);
    w->touched++;
    w->waiting = WALK_DUE;
    pthread_mutex_unlock(&w->lock);
}

uint64_t clock_walk_touched(clock_walk *w)
{
    pthread_mutex_lock(&w->lock);
    uint64_t touched = w->touched;
    pthread_mutex_unlock(&w->lock);
    return touched;
}

bool clock_walk_report(clock_walk *w, walk_waiting waiting, uint64_t touched)
{
    pthread_mutex_lock(&w->lock);
    bool current = w->touched == touched;
    if (current)
        w->waiting = waiting;
    pthread_mutex_unlock(&w->lock);
    return current;
}

bool clock_walk_step(clock_walk *w, gw_wall from, gw_wall next)
{
    pthread_mutex_lock(&w->lock);
    bool good = w->walking && gw_clock_now(w->clock).ms == from.ms && next.ms <= w->target.ms;
    if (good) {
        if (next.ms > from.ms)
            gw_clock_set(w->clock, next);
        w->walking = next.ms < w->target.ms;
        w->waiting = WALK_DUE; /* what is due at this moment was not looked at yet */
    }
    pthread_mutex_unlock(&w->lock);
    return good;
}
