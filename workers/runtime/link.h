/* link.h - the worker's end of the wire to the gateway: a CURVE DEALER, one message at a time.
 *
 * Sending never waits. What cannot be queued is dropped: an INTENT is then missed by its patience,
 * an OUTCOME is repeated, the rest is said again soon. Thread: one owner. */
#ifndef WORKERS_LINK_H
#define WORKERS_LINK_H

#include "gateway/wire/curve.h"
#include "gateway/wire/worker.h"

#include <zmq.h>

enum { LINK_HWM = 20000 }; /* frames waiting in one direction; more than any credit needs */

typedef struct link_end link_end;

typedef struct {
    wire_header *header;
    gw_str payload;  /* borrowed until link_message_done */
    gw_arena *arena; /* what the header borrows */
    zmq_msg_t frames[4];
    int n;
} link_message;

/* All texts are copied. */
gw_code link_open(void *zmq, const char *endpoint, const char *server_public,
                  const curve_pair *pair, link_end **ret, gw_err *err) GW_NODISCARD;
void link_close(link_end *l);
GW_CLEANUP_FUNC(link_end, link_close)
/* Throw the socket with all it has queued away and connect anew. */
gw_code link_reopen(link_end *l, gw_err *err) GW_NODISCARD;

void *link_socket(link_end *l); /* for zmq_poll */
/* False when it could not be queued. */
bool link_send(link_end *l, const wire_header *h, gw_str payload);
/* The next message without waiting: its header is decoded into arena, which is the caller's. False
 * when there is none; messages that cannot be read are logged and passed over. */
bool link_receive(link_end *l, gw_arena *arena, link_message *ret);
void link_message_done(link_message *m);

#endif
