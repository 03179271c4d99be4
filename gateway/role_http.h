/* role_http.h - the role `http` of a gateway process: what gateway/http needs, put together from
 * the configuration. Thread: one. */
#ifndef GATEWAY_ROLE_HTTP_H
#define GATEWAY_ROLE_HTTP_H

#include "config/loader/config.h"
#include "gateway/dispatch/booker.h"
#include "gateway/http/http.h"

typedef struct role_http role_http;

typedef struct {
    const config *c;
    const dispatch_config *dispatch_config; /* for its own query */
    dispatch *dispatch;                     /* NULL: not in this process */
    recorder *recorder;                     /* NULL: not in this process */
    booker *booker;                         /* NULL: not in this process */
    intake_config intake;                   /* its calls are filled in here */
} role_http_parts;

/* The parts are borrowed until role_http_stop. */
gw_code role_http_start(const role_http_parts *parts, role_http **ret, gw_err *err) GW_NODISCARD;
void role_http_stop(role_http *r); /* accepts NULL */

#endif
