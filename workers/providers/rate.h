/* rate.h - a token bucket: so many requests a second, so many at once after a pause.
 *
 * Time is an argument. Thread: one owner at a time; pure. */
#ifndef PROVIDERS_RATE_H
#define PROVIDERS_RATE_H

#include "gateway/base/clock.h"

typedef struct {
    int per_second, burst; /* 0: no limit */
    int64_t micro;         /* tokens in millionths */
    gw_mono filled;
} rate;

void rate_init(rate *r, int per_second, int burst, gw_mono now);
/* Take a token: 0, or the milliseconds until there is one (then none was taken). */
int64_t rate_take(rate *r, gw_mono now);

#endif
