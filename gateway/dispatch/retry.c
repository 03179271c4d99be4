#include "gateway/dispatch/retry.h"

#include <stddef.h>

enum { FIRST, CEILING, FACTOR, ATTEMPTS, STARTS, JITTER, SETTINGS };

const retry_setting retry_settings[] = {
    [FIRST] = {"retry.first_ms", 1000, 3600000, 30000, "greylisting usually clears in minutes"},
    [CEILING] = {"retry.ceiling_ms", 60000, 86400000, 14400000, "four hours, as RFC 5321 §4.5.4.1"},
    [FACTOR] = {"retry.factor", 1, 10, 2, "doubling, as Postfix's deferred queue"},
    [ATTEMPTS] = {"retry.attempts", 1, 100, 8, "about a day of trying with the defaults"},
    [STARTS] = {"retry.starts", 1, 100, 3, "a job that kills its worker thrice is the job's fault"},
    [JITTER] = {"retry.jitter_percent", 0, 100, 20, "retries after an outage spread out"},
};
const int retry_setting_count = SETTINGS;

retry_rules retry_defaults(void)
{
    return (retry_rules){
        .first_ms = retry_settings[FIRST].otherwise,
        .ceiling_ms = retry_settings[CEILING].otherwise,
        .factor = (int)retry_settings[FACTOR].otherwise,
        .attempts = (int)retry_settings[ATTEMPTS].otherwise,
        .starts = (int)retry_settings[STARTS].otherwise,
        .jitter_percent = (int)retry_settings[JITTER].otherwise,
    };
}

/* SplitMix64 (Steele, Lea, Flood 2014): one step spreads neighbouring seeds over all bits. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

int64_t retry_wait_ms(const retry_rules *r, int made, int64_t asked_ms, uint64_t seed)
{
    int64_t wait = r->first_ms;
    for (int i = 1; i < made && wait < r->ceiling_ms; i++)
        wait *= r->factor > 1 ? r->factor : 1;
    if (wait < asked_ms)
        wait = asked_ms;
    if (wait > r->ceiling_ms)
        wait = r->ceiling_ms;
    int64_t spread = wait * r->jitter_percent / 100;
    return wait + (spread > 0 ? (int64_t)(mix(seed) % (uint64_t)(spread + 1)) : 0);
}

bool retry_is_spent(const retry_rules *r, int made)
{
    return made >= r->attempts;
}
