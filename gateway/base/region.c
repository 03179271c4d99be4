#include "gateway/base/region.h"

enum { COUNTRY = 2, PART_MAX = 7, PARTS_MAX = 3 };

static bool is_part(gw_str part, bool country)
{
    for (size_t i = 0; i < part.n; i++) {
        bool capital = part.p[i] >= 'A' && part.p[i] <= 'Z';
        bool digit = part.p[i] >= '0' && part.p[i] <= '9';
        if (!capital && (country || !digit))
            return false;
    }
    return country ? part.n == COUNTRY : part.n >= 1 && part.n <= PART_MAX;
}

bool gw_region_valid(gw_str text)
{
    for (int parts = 1; parts <= PARTS_MAX; parts++) {
        const char *dash = text.n ? memchr(text.p, '-', text.n) : NULL;
        gw_str part = {text.p, dash ? (size_t)(dash - text.p) : text.n};
        if (!is_part(part, parts == 1))
            return false;
        if (!dash)
            return true;
        text = (gw_str){dash + 1, text.n - part.n - 1};
    }
    return false;
}
