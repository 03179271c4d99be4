/* route.h - an attempt's way through the providers, and what came of it.
 *
 * Prepared: for each provider that may carry the message, in order, the exact request without
 * secrets. All of them are in the bytes of the intent, so that whichever is used was recorded
 * before anything left. The reference and idempotency key in them belong to the attempt: another
 * attempt has others.
 *
 * Sent: the first provider is tried. When it is certain that it has not taken the message (nothing
 * of the request left, or a negative answer was read) and another may do better, the next one is
 * tried. From the moment a request may have been taken no other is. The outcome table is in
 * workers/README.md.
 *
 * Thread: route_prepare any; route_serve is the body of a sending thread, several may run;
 * route_ask one at a time. */
#ifndef PROVIDERS_ROUTE_H
#define PROVIDERS_ROUTE_H

#include "workers/providers/fleet.h"
#include "workers/runtime/channel.h"

/* The purpose of a template that asks for no payment: what forbids dunning does not forbid it. */
#define ROUTE_NO_DEMAND "opt-out-confirmation"

enum {
    ROUTE_SLACK_MS = 60000,   /* of the validity: for the way from preparing to sending */
    ROUTE_PATIENCE_MS = 5000, /* a provider whose rate makes us wait longer is passed over */
    ROUTE_QUERIES = 3,        /* questions after an unknown, each after twice the pause */
    ROUTE_FLIGHTS_MAX = 8192, /* attempts in one sending thread */
};

typedef struct {
    gw_str text;
    bool unicode;
    const json_doc *data; /* the template's data, for approval.params */
    int64_t validity_max_ms;
    const provider_pair *vars; /* what the channel gives besides: {var.NAME} of the file */
    size_t var_n;
} route_message;

/* Fill a->prepared and append the member "requests" to the open object in a->bytes. GW_EREFUSED no
 * provider may carry it (err names each and why), GW_EBUSY the window closes before it could be
 * delivered, errors of provider_build. */
gw_code route_prepare(const fleet *f, channel_attempt *a, const template_bundle *b,
                      const route_message *m, gw_err *err) GW_NODISCARD;

/* Take, send, report until the source is closed. */
void route_serve(fleet *f, channel_source *source);

/* Ask a provider what became of a message. ret's texts and raw's live in arena. */
void route_ask(fleet *f, const wire_pull *q, gw_arena *arena, wire_pulled *ret, gw_buf *ret_raw);

#endif
