/* roles.h - the parts of a gateway process, opened in order and closed in reverse.
 *
 *     intake     the door for billing systems and operators     gateway/intake
 *     dispatch   plans, hands out, books                        gateway/dispatch
 *     recorder   moves the outbox into the evidence log         gateway/dispatch/recorder.h
 *     http       API, callbacks, unsubscribe, metrics            gateway/http
 *
 * intake and http may run alone, on as many machines as wanted. dispatch stores message bytes in
 * the evidence folder, whose one writer is the process of the recorder: the two go together.
 *
 * Thread: roles_start and roles_stop one thread. */
#ifndef GATEWAY_ROLES_H
#define GATEWAY_ROLES_H

#include "config/loader/config.h"

enum {
    ROLES_DRAIN_MS = 15000,      /* what is in flight is waited for so long */
    ROLES_STORE_WAIT_MS = 10000, /* for Redis at the start */
    ROLES_RECHECK_MS = 86400000, /* a held reminder is looked at once a day without being woken */
    ROLES_PROVIDERS_MAX = 16,
    ROLES_GRACE_DAYS = 2, /* after a promised day, before it counts as broken */
};

typedef struct roles roles;

/* names, channels: comma separated; channels are those that workers are expected for (NULL: as
 * workers.channels says). GW_EINVAL an unknown role, channel or configuration, GW_EBUSY the state
 * store does not answer, else what the parts say. */
gw_code roles_start(const config *c, const char *names, const char *channels, roles **ret,
                    gw_err *err) GW_NODISCARD;
/* Drain and close everything. Accepts NULL. */
void roles_stop(roles *r);

/* Read config/windows.jsonc and the files of rules again and put them in force (SIGHUP). A file
 * with a fault is refused and what is in force stays. Thread: the one that started. */
gw_code roles_reload(roles *r, gw_err *err) GW_NODISCARD;

#endif
