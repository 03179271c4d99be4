/* hook.h - one call of /hooks/<provider>: the request as it came, and what was read out of it.
 *
 * gateway/http receives the request and keeps its bytes; gateway/wire/provider (descriptors and
 * signing schemes) verifies and reads it. Both sides of that seam are here. Pure data. */
#ifndef WIRE_HOOK_H
#define WIRE_HOOK_H

#include "gateway/wire/receipt.h"

enum {
    HOOK_HEADERS_MAX = 64,
    HOOK_BODY_MAX = 256 * 1024, /* bytes; Aliyun and Tencent send arrays of up to 100 receipts */
    HOOK_EVENTS_MAX = 128,      /* receipts and messages in one call */
    HOOK_URL_MAX = 4096,
};

typedef struct {
    gw_str name, value;
} hook_header;

typedef struct {
    gw_str method;      /* "GET" or "POST" */
    gw_str url;         /* as the provider called it: http.public_url, path and query */
    gw_str path, query; /* query without '?', still percent-encoded */
    hook_header headers[HOOK_HEADERS_MAX];
    size_t header_n;
    gw_str body; /* raw bytes */
} hook_request;

typedef enum { HOOK_RECEIPT, HOOK_INBOUND } hook_kind;

typedef struct {
    hook_kind kind;
    gw_str own;               /* our own reference, or empty */
    gw_str ref;               /* the provider's id of the message, or empty */
    wire_receipt_state state; /* HOOK_RECEIPT */
    gw_str code;              /* the provider's own word or number, or empty */
    int64_t at_ms;            /* when the provider says it happened; 0: it does not say */
    gw_str from, to, text;    /* HOOK_INBOUND: E.164 where the provider gives that, UTF-8 */
    gw_str raw; /* the part of the request that is about this event and nobody else, kept as
                   evidence; empty: body and query as a whole (a call with one event) */
} hook_event;

typedef struct {
    wire_auth auth;
    int64_t signed_at_ms; /* the moment the signature covers; 0: the scheme has none */
    hook_event events[HOOK_EVENTS_MAX];
    size_t event_n;
} hook_reading;

/* First header of that name, case-insensitive (RFC 9110 §5.1); p NULL when absent. */
gw_str hook_header_of(const hook_request *r, const char *name);

#endif
