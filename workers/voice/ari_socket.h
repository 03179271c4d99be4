/* ari_socket.h - the WebSocket over which an Asterisk says what happens (RFC 6455).
 *
 * libwebsockets speaks it: ws to this machine, wss (TLS 1.2 or later, certificate and name checked)
 * to others, by the rules of workers/providers/http.h: the address that is connected to is looked
 * at, no proxy, also not from the environment. A silent connection is pinged and given up after
 * ARI_SOCKET_DEAD_S. What is said is kept until it is asked for, up to ARI_SOCKET_QUEUE bytes;
 * beyond that, and with a message longer than ARI_SOCKET_MESSAGE, the connection is given up:
 * events would be missing.
 *
 * Thread: one for each socket. */
#ifndef VOICE_ARI_SOCKET_H
#define VOICE_ARI_SOCKET_H

#include "workers/providers/fleet.h"

enum {
    ARI_SOCKET_MESSAGE = 64 * 1024,
    ARI_SOCKET_QUEUE = 1 << 20,
    ARI_SOCKET_PING_S = 10,
    ARI_SOCKET_DEAD_S = 25,
};

typedef struct ari_socket ari_socket;

/* path: "/ari/events?app=...", signed as the carrier's requests are. Waits until it is open, at
 * most the carrier's connect_ms. GW_EIO, GW_ETIMEOUT, GW_EREFUSED (the address), GW_EINVAL. */
gw_code ari_socket_open(carrier *c, gw_str path, ari_socket **ret, gw_err *err) GW_NODISCARD;
void ari_socket_close(ari_socket *s); /* accepts NULL */
GW_CLEANUP_FUNC(ari_socket, ari_socket_close)

/* The next message into ret (cleared first), waiting at most wait_ms; *ret_came false: none came.
 * GW_ECLOSED: the connection is gone and what it said is all read. */
gw_code ari_socket_next(ari_socket *s, int wait_ms, gw_buf *ret, bool *ret_came, gw_err *err)
    GW_NODISCARD;

#endif
