#include "gateway/base/clock.h"

#include <stdatomic.h>
#include <time.h>

/* FOLLOW is no time anyone reminds at: the clock then reads the system's. */
#define FOLLOW INT64_MIN

struct gw_clock {
    _Atomic int64_t manual_ms;
};

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        gw_bug("clock_gettime");
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

gw_clock *gw_clock_new(void)
{
    gw_clock *c = malloc(sizeof *c);
    if (c)
        atomic_init(&c->manual_ms, FOLLOW);
    return c;
}

void gw_clock_free(gw_clock *c)
{
    free(c);
}

gw_wall gw_clock_now(const gw_clock *c)
{
    int64_t ms = atomic_load(&c->manual_ms);
    return (gw_wall){ms == FOLLOW ? read_ms(CLOCK_REALTIME) : ms};
}

void gw_clock_set(gw_clock *c, gw_wall t)
{
    atomic_store(&c->manual_ms, t.ms);
}

void gw_clock_release(gw_clock *c)
{
    atomic_store(&c->manual_ms, FOLLOW);
}

bool gw_clock_is_manual(const gw_clock *c)
{
    return atomic_load(&c->manual_ms) != FOLLOW;
}

static _Atomic int64_t skipped_ms;

gw_mono gw_mono_now(void)
{
    return (gw_mono){read_ms(CLOCK_MONOTONIC) +
                     atomic_load_explicit(&skipped_ms, memory_order_relaxed)};
}

void gw_mono_skip(int64_t ms)
{
    atomic_fetch_add(&skipped_ms, ms);
}
