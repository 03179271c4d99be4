#include "gateway/timing/timing.h"

#include "gateway/base/time.h"
#include "gateway/timing/random.h"

static const struct {
    const char *channel;
    timing_preference preference;
} defaults[] = {
    {"email", {9 * 60 + 30, 60}},  /* read with the morning's mail */
    {"sms", {10 * 60, 60}},        /* not before people have arrived */
    {"voice", {10 * 60 + 30, 90}}, /* after the morning's meetings, before lunch */
    {"desk", {9 * 60, 0}},         /* our own people begin at nine */
};

timing_preference timing_default(const char *channel)
{
    for (size_t i = 0; i < GW_COUNT(defaults); i++)
        if (channel && strcmp(defaults[i].channel, channel) == 0)
            return defaults[i].preference;
    return defaults[0].preference;
}

static int64_t clamp(int64_t x, int64_t least, int64_t most)
{
    return x < least ? least : x > most ? most : x;
}

/* The part of the first allowed day that lies nearest to target; ret_centre is its nearest point.
 */
static zone_span nearest(const zone_span *allowed, size_t n, int64_t day_end, int64_t target,
                         int64_t *ret_centre)
{
    zone_span best = {0};
    int64_t best_distance = INT64_MAX;
    for (size_t i = 0; i < n && (i == 0 || allowed[i].from_ms < day_end); i++) {
        zone_span part = allowed[i];
        if (part.to_ms > day_end && day_end > part.from_ms)
            part.to_ms = day_end;
        int64_t centre = clamp(target, part.from_ms, part.to_ms - 1);
        int64_t distance = centre > target ? centre - target : target - centre;
        if (distance < best_distance) {
            best_distance = distance;
            best = part;
            *ret_centre = centre;
        }
    }
    return best;
}

bool timing_pick(const zone_span *allowed, size_t allowed_n, timing_preference preference,
                 const zone *z, uint64_t seed, gw_wall *ret_t)
{
    if (allowed_n == 0)
        return false;
    if (!z) {
        ret_t->ms = allowed[0].from_ms;
        return true;
    }
    int32_t day = zone_local(z, (gw_wall){allowed[0].from_ms}).day;
    int minute = (int)clamp(preference.minute, 0, ZONE_DAY_MINUTES - 1);
    int64_t width = clamp(preference.spread_minutes, 0, TIMING_SPREAD_MAX) * GW_MS_PER_MINUTE;
    int64_t centre = 0;
    zone_span part = nearest(allowed, allowed_n, zone_instant(z, day + 1, 0).ms,
                             zone_instant(z, day, minute).ms, &centre);
    int64_t last = part.to_ms - 1; /* the last millisecond that is inside */
    int64_t from = clamp(centre - width / 2, part.from_ms, last);
    int64_t to = clamp(from + width, from, last);
    from = clamp(to - width, part.from_ms, from);
    ret_t->ms = from + (int64_t)(timing_mix(seed) % (uint64_t)(to - from + 1));
    return true;
}
