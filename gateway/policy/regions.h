/* regions.h - what the prefix of a telephone number (E.164) says about where its owner may be.
 *
 *   {"format": 1, "id": "e164", "title": "...", "source": ..., "read": ..., "confidence": ...,
 *    "prefixes": [{"prefix": "1617", "region": "US-MA", "zones": ["America/New_York"]}, ...]}
 *
 * region: as in base/region.h. zones: every zone the owner may plausibly be in. The longest prefix
 * counts; a ported or roaming number may be elsewhere, which is why it only ever adds rules.
 *
 * Thread: never changes after parsing; any. Parsing reads zoneinfo files, looking up is pure. */
#ifndef POLICY_REGIONS_H
#define POLICY_REGIONS_H

#include "gateway/policy/zone.h"

enum {
    REGIONS_PREFIXES_MAX = 4096,
    REGIONS_ZONES_MAX = 32, /* of one prefix */
    REGIONS_NAME_MAX = 19,
};

typedef struct regions regions;

typedef struct {
    char prefix[8], region[REGIONS_NAME_MAX];
    const zone *zones[REGIONS_ZONES_MAX];
    size_t zone_n;
} regions_row;

/* Parse one file's text; *ret is the caller's. GW_EINVAL also for a zone this system lacks. */
gw_code regions_parse(const char *name, gw_str text, regions **ret, gw_err *err) GW_NODISCARD;
void regions_free(regions *r);
GW_CLEANUP_FUNC(regions, regions_free)
const char *regions_canonical(const regions *r);

/* The row of a number in E.164 form ("+16175550100"), NULL for none and for what is no number. */
const regions_row *regions_of_number(const regions *r, gw_str number);

#endif
