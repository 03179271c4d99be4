/* log.h - one line per happening on standard error, machine readable, safe by construction.
 *
 * Lines are logfmt: `t=2013-01-02T10:00:00.000Z lvl=info prog=dunlin-gateway msg="..." key=value`.
 * Fields are an allow-list by construction: the caller names each field, and only ids, codes,
 * counts and durations may be passed. Never a name, phone number, mail address, message text or
 * key.
 *
 * Thread: any; one write(2) per line. */
#ifndef GW_LOG_H
#define GW_LOG_H

#include "gateway/base/err.h"

typedef enum { GW_LOG_DEBUG, GW_LOG_INFO, GW_LOG_WARN, GW_LOG_ERROR } gw_log_level;

/* Name shown as prog=, kept by reference; lines under `least` are dropped (default GW_LOG_INFO). */
void gw_log_setup(const char *prog, gw_log_level least);

/* msg is fixed English text. fields is a printf format such as "shard=%d count=%zu", or NULL. */
void gw_log(gw_log_level level, const char *msg, const char *fields, ...) GW_PRINTF(3, 4);

#endif
