/* route_part.h - what route*.c share. Inside of route.h. */
#ifndef PROVIDERS_ROUTE_PART_H
#define PROVIDERS_ROUTE_PART_H

#include "workers/providers/route.h"

typedef struct {
    carrier *carrier;
    const provider_request *request; /* without room for headers it does not have */
} route_leg;

/* In the attempt's arena. */
typedef struct {
    char own[WIRE_OWN_TEXT]; /* own reference of the attempt */
    route_leg *legs;         /* room for every provider of the fleet */
    size_t n;
    int64_t start_by_ms; /* of the gateway's clock: later its validity would outlast the window */
} route_plan;

/* "HTTP 202\n" and the body, as much as fits. */
void route_keep_raw(gw_buf *raw, const char *name, const http_result *r);

#endif
