#include "workers/providers/rate.h"

enum { TOKEN = 1000000 };

void rate_init(rate *r, int per_second, int burst, gw_mono now)
{
    *r = (rate){
        .per_second = per_second, .burst = burst, .micro = (int64_t)burst * TOKEN, .filled = now};
}

int64_t rate_take(rate *r, gw_mono now)
{
    if (r->per_second == 0)
        return 0;
    int64_t full = (int64_t)r->burst * TOKEN;
    int64_t passed = now.ms - r->filled.ms;
    int64_t to_full = (full - r->micro) / ((int64_t)r->per_second * 1000) + 1;
    r->micro = passed >= to_full ? full : r->micro + passed * r->per_second * 1000;
    if (r->micro > full)
        r->micro = full;
    r->filled = now;
    if (r->micro >= TOKEN) {
        r->micro -= TOKEN;
        return 0;
    }
    int64_t each_ms = (int64_t)r->per_second * 1000;
    return (TOKEN - r->micro + each_ms - 1) / each_ms;
}
