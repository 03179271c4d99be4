/* format.h - the string formats of our schemas. Each answers NULL when s is good, else what is
 * expected, as a fragment behind "must be ". Pure; any thread. */
#ifndef WIRE_FORMAT_H
#define WIRE_FORMAT_H

#include "gateway/base/buf.h"

typedef const char *(*format_check)(gw_str s);

/* The check of a format's name, NULL when there is no such format. */
format_check format_find(gw_str name);

const char *format_date_time(gw_str s); /* RFC 3339 §5.6 with Z or offset */
const char *format_full_date(gw_str s); /* RFC 3339 full-date that exists */
/* RFC 5321 §4.1.2 Mailbox without quoted strings and address literals, ASCII, at most 254 bytes
 * (64 before the @), a domain of at least two labels. */
const char *format_email(gw_str s);
const char *format_e164(gw_str s);    /* ITU-T E.164: '+', 7 to 15 digits, no leading 0 */
const char *format_iso4217(gw_str s); /* a code of gateway/base/money.h */
const char *
format_iana_zone(gw_str s);        /* the form of "Europe/Berlin"; whether it exists is policy's */
const char *format_id(gw_str s);   /* 1..64 of [A-Za-z0-9._:/-] */
#define FORMAT_JOB_OWN "opt-out:"  /* how ids of jobs begin that the gateway makes itself */
const char *format_job(gw_str s);  /* an id that is none of those */
const char *format_line(gw_str s); /* no control or line-breaking characters */
const char *format_locale(gw_str s); /* BCP 47 form: "en", "zh-CN", "pt-BR" */
const char *format_region(gw_str s); /* ISO 3166 form: "DE", "US-MA" (gateway/base/region.h) */

#endif
