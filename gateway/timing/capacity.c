#include "gateway/timing/capacity.h"

#include "gateway/base/time.h"
#include "gateway/timing/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HOURS = 64 * 24, GAIN_BINS = 64, GAINS_KEPT = 50000, SHARDS = 64 };

typedef struct {
    int64_t hour; /* since 1970; 0: free */
    bool filled;
    gw_mono read;
    uint32_t used[CAPACITY_MINUTES], wants;
} hour_room;

struct capacity {
    uint32_t per_hour[TIMING_CHANNELS];
    capacity_fill *fill;
    void *arg;
    unsigned shards;
    gw_mono now;
    timing_room room;
    hour_room hours[TIMING_CHANNELS][HOURS];
    uint64_t draws; /* ties are broken by drawing */
    double gains[TIMING_CHANNELS][TIMING_HOURS][GAIN_BINS], gain_n[TIMING_CHANNELS][TIMING_HOURS];
};

/* ---- the hours ---- */

static hour_room *hour_at(capacity *c, unsigned channel, int64_t hour)
{
    hour_room *h = &c->hours[channel][hour % HOURS];
    if (h->hour != hour)
        *h = (hour_room){.hour = hour};
    bool stale = !h->filled || c->now.ms - h->read.ms > CAPACITY_STALE_MS;
    if (stale && c->fill && c->fill(c->arg, channel, hour * GW_MS_PER_HOUR, h->used)) {
        h->filled = true;
        h->read = c->now;
    }
    return h;
}

/* Wants of an hour that was, without making it. */
static uint32_t wants_at(const capacity *c, unsigned channel, int64_t hour)
{
    const hour_room *h = &c->hours[channel][hour % HOURS];
    return hour > 0 && h->hour == hour ? h->wants : 0;
}

static uint32_t limit_of(const capacity *c, unsigned channel, unsigned minute)
{
    uint64_t hourly = (uint64_t)c->per_hour[channel] * c->shards / SHARDS;
    return (uint32_t)((minute + 1) * hourly / CAPACITY_MINUTES -
                      minute * hourly / CAPACITY_MINUTES);
}

typedef void minute_fn(void *arg, hour_room *h, unsigned minute, int64_t from_ms, int64_t to_ms,
                       uint32_t limit);

/* Every minute that parts touch, with the part of it that is allowed. */
static void each_minute(capacity *c, unsigned channel, const zone_span *parts, size_t n,
                        minute_fn *f, void *arg)
{
    for (size_t i = 0; i < n; i++)
        for (int64_t m = parts[i].from_ms / GW_MS_PER_MINUTE; m * GW_MS_PER_MINUTE < parts[i].to_ms;
             m++) {
            int64_t from = m * GW_MS_PER_MINUTE;
            int64_t to = from + GW_MS_PER_MINUTE;
            unsigned minute = (unsigned)(m % CAPACITY_MINUTES);
            f(arg, hour_at(c, channel, m / CAPACITY_MINUTES), minute,
              from > parts[i].from_ms ? from : parts[i].from_ms,
              to < parts[i].to_ms ? to : parts[i].to_ms, limit_of(c, channel, minute));
        }
}

/* ---- who may have an hour ---- */

typedef struct {
    uint64_t used, limit;
    hour_room *first;
} filling;

static void add_minute(void *arg, hour_room *h, unsigned minute, int64_t from_ms, int64_t to_ms,
                       uint32_t limit)
{
    filling *f = arg;
    (void)from_ms;
    (void)to_ms;
    f->used += h->used[minute] < limit ? h->used[minute] : limit;
    f->limit += limit;
    f->first = f->first ? f->first : h;
}

static unsigned bin_of(float gain)
{
    double x = gain > 0 ? (log2((double)gain) + 16) * 4 : 0;
    return x < 0 ? 0 : x >= GAIN_BINS ? GAIN_BINS - 1 : (unsigned)x;
}

/* Remember the gain; the share of the gains seen for this hour of the day that are smaller. Among
 * those about as large it is drawn, so that of equals as many pass as there is room for. */
static double rank_of(capacity *c, unsigned channel, int64_t hour, float gain)
{
    double *bins = c->gains[channel][hour % TIMING_HOURS];
    double *n = &c->gain_n[channel][hour % TIMING_HOURS];
    timing_random draw = {++c->draws};
    unsigned bin = bin_of(gain);
    double below = 0;
    if (*n >= GAINS_KEPT) { /* older ones count less and less */
        *n /= 2;
        for (unsigned i = 0; i < GAIN_BINS; i++)
            bins[i] /= 2;
    }
    bins[bin]++;
    (*n)++;
    for (unsigned i = 0; i < bin; i++)
        below += bins[i];
    return (below + timing_random_unit(&draw) * bins[bin]) / *n;
}

static bool admits(void *arg, unsigned channel, const zone_span *parts, size_t n, float gain)
{
    capacity *c = arg;
    filling f = {0};
    each_minute(c, channel, parts, n, add_minute, &f);
    if (f.used >= f.limit)
        return false;
    if (gain >= 1)
        return true;
    uint32_t wants = ++f.first->wants;
    uint32_t day = wants_at(c, channel, f.first->hour - 24);
    uint32_t week = wants_at(c, channel, f.first->hour - 168);
    wants = day > wants ? day : wants;
    wants = week > wants ? week : wants;
    double demand = (double)wants / (double)f.limit;
    double needed = demand > 1 ? 1 - 1 / demand : 0;
    double filled = 2 * (double)f.used / (double)f.limit - 1;
    return rank_of(c, channel, f.first->hour, gain) >= fmax(needed, filled);
}

/* ---- which minute ---- */

typedef struct {
    int64_t at, best;
    hour_room *hour;
    unsigned minute;
} seeking;

static void try_minute(void *arg, hour_room *h, unsigned minute, int64_t from_ms, int64_t to_ms,
                       uint32_t limit)
{
    seeking *s = arg;
    /* the same second of that minute, so that seconds stay spread as well */
    int64_t t = from_ms - from_ms % GW_MS_PER_MINUTE + s->at % GW_MS_PER_MINUTE;
    t = t < from_ms ? from_ms : t >= to_ms ? to_ms - 1 : t;
    if (h->used[minute] >= limit || (s->hour && llabs(t - s->at) >= llabs(s->best - s->at)))
        return;
    s->best = t;
    s->hour = h;
    s->minute = minute;
}

static bool take(void *arg, unsigned channel, const zone_span *parts, size_t n, int64_t at,
                 int64_t *ret)
{
    seeking s = {.at = at};
    each_minute(arg, channel, parts, n, try_minute, &s);
    if (!s.hour)
        return false;
    s.hour->used[s.minute]++;
    *ret = s.best;
    return true;
}

/* ---- life ---- */

capacity *capacity_new(const uint32_t per_hour[TIMING_CHANNELS], capacity_fill *fill, void *arg)
{
    capacity *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    memcpy(c->per_hour, per_hour, sizeof c->per_hour);
    c->fill = fill;
    c->arg = arg;
    c->shards = SHARDS;
    c->room = (timing_room){admits, take, c};
    return c;
}

void capacity_free(capacity *c)
{
    free(c);
}

void capacity_now(capacity *c, unsigned shards, gw_mono now)
{
    if (!c)
        return;
    if (shards != c->shards) /* other counts, another share */
        for (unsigned k = 0; k < TIMING_CHANNELS; k++)
            for (unsigned i = 0; i < HOURS; i++)
                c->hours[k][i].filled = false;
    c->shards = shards;
    c->now = now;
}

const timing_room *capacity_room(capacity *c, unsigned channel)
{
    return c && channel < TIMING_CHANNELS && c->per_hour[channel] ? &c->room : NULL;
}
