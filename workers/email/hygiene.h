/* hygiene.h - the last look at an attempt before libESMTP sees it.
 *
 * prepare has refused all this already; it is looked at again because libESMTP would not: an
 * address with CR LF would be a command, a bare LF the end of somebody else's message
 * (SMTP smuggling, CVE-2023-51764). Thread: any. */
#ifndef EMAIL_HYGIENE_H
#define EMAIL_HYGIENE_H

#include "workers/runtime/channel.h"

/* Every line ends in CRLF, holds no other CR, no NUL, and at most 998 bytes. GW_EINVAL, GW_ELIMIT.
 */
gw_code hygiene_check_lines(gw_str bytes, gw_err *err) GW_NODISCARD;

/* GW_EINVAL says which rule. */
gw_code hygiene_check(const channel_attempt *a, gw_err *err) GW_NODISCARD;

/* channel_take, passing over (and reporting as refused, "unclean") what hygiene_check refuses. */
channel_attempt *smtp_take(channel_source *source, int wait_ms);

#endif
