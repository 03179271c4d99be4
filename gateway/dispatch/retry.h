/* retry.h - when to try again after "later", and when to give up. Pure. */
#ifndef GATEWAY_DISPATCH_RETRY_H
#define GATEWAY_DISPATCH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t first_ms;   /* wait after the first failed attempt */
    int64_t ceiling_ms; /* longest wait */
    int factor;         /* each wait is this many times the one before */
    int attempts;       /* attempts made before the reminder is parked */
    int starts;         /* starts without any outcome before it counts as poison */
    int jitter_percent; /* the wait is spread by up to this much, so that retries do not march in
                           step after an outage */
} retry_rules;

/* The rows of the settings with their defaults and bounds (the loader and the manual read them). */
typedef struct {
    const char *key;
    int64_t least, most, otherwise;
    const char *why;
} retry_setting;
extern const retry_setting retry_settings[];
extern const int retry_setting_count;

retry_rules retry_defaults(void);
/* Wait before the next attempt, in ms, after `made` attempts (1 = the first just failed).
 * asked_ms: what the other side asked for (Retry-After), 0 if nothing; it lengthens, never
 * shortens, and is capped at the ceiling. seed: any number that differs per reminder and attempt.
 */
int64_t retry_wait_ms(const retry_rules *r, int made, int64_t asked_ms, uint64_t seed);
/* True when no further attempt is allowed. */
bool retry_is_spent(const retry_rules *r, int made);

#endif
