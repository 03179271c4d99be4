/* tally.h - counters of this process by name and at most two labels, for /metrics.
 *
 * Names and label values never hold personal data: a value is cut at 48 bytes and everything but
 * [A-Za-z0-9._:/-] becomes '_'. At most TALLY_SERIES_MAX series exist; what would be one more is
 * counted in dunlin_series_dropped_total. Thread: any. */
#ifndef GW_TALLY_H
#define GW_TALLY_H

#include "gateway/base/buf.h"

enum { TALLY_SERIES_MAX = 1024, TALLY_SERIES_TEXT = 192 };

/* Add n to name{key1="value1",key2="value2"}; a NULL key leaves its label out. Keys and names are
 * Prometheus identifiers. */
void tally_add(const char *name, const char *key1, gw_str value1, const char *key2, gw_str value2,
               int64_t n);
static inline void tally_one(const char *name, const char *key, const char *value)
{
    tally_add(name, key, gw_str_of(value), NULL, (gw_str){NULL, 0}, 1);
}
/* What a series stands at; for tests. */
int64_t tally_get(const char *series);
/* Append all as Prometheus text (exposition format 0.0.4), sorted, so that a scrape reads alike. */
gw_code tally_write(gw_buf *ret);
void tally_reset(void);

#endif
