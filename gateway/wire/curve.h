/* curve.h - CURVE keys and ZeroMQ sockets with every safety option set.
 *
 * Key files are Z85 text (ZeroMQ RFC 32): 40 characters and a newline. A secret key file holds the
 * secret key only (the public one is derived); it must belong to a mode without group and other
 * bits, else it is refused. Public keys are .pub files that may be copied around.
 *
 * Sockets made here speak CURVE only (ZeroMQ RFC 26): a NULL or PLAIN peer cannot talk to them. A
 * server socket needs a running ZAP handler (zap.h) in the same context, otherwise libzmq admits
 * any client that knows the server key.
 *
 * Thread: keys any; a socket belongs to the thread that made it. */
#ifndef WIRE_CURVE_H
#define WIRE_CURVE_H

#include "gateway/base/buf.h"

enum {
    CURVE_KEY_TEXT = 41,       /* Z85 with NUL */
    CURVE_ENDPOINT_TEXT = 256, /* "tcp://127.0.0.1:5550" with NUL */
    CURVE_HEARTBEAT_MS = 5000,
    CURVE_HEARTBEAT_TIMEOUT_MS = 15000, /* silence after which a peer is gone */
    CURVE_HANDSHAKE_MS = 10000,
    CURVE_RECONNECT_MS = 100,
    CURVE_RECONNECT_MAX_MS = 2000,
    CURVE_LINGER_MS = 500, /* how long closing waits for bytes already given to the socket */
};

typedef struct {
    char public_key[CURVE_KEY_TEXT];
    char secret_key[CURVE_KEY_TEXT];
} curve_pair;

/* A new random pair. */
gw_code curve_generate(curve_pair *ret_pair, gw_err *err) GW_NODISCARD;
/* Write the secret (0600) and the public (0644) file; either path may be NULL. Existing files are
 * refused with GW_EEXIST: replacing a key is an act of its own (remove the old file first). */
gw_code curve_save(const curve_pair *pair, const char *secret_path, const char *public_path,
                   gw_err *err) GW_NODISCARD;
/* Read a secret key file and derive its public key. GW_ENOTFOUND, GW_EREFUSED (others can read it),
 * GW_EINVAL (not a key). */
gw_code curve_load(const char *secret_path, curve_pair *ret_pair, gw_err *err) GW_NODISCARD;
/* Read a .pub file. */
gw_code curve_load_public(const char *path, char ret_key[CURVE_KEY_TEXT], gw_err *err) GW_NODISCARD;
/* Is s the 40 characters of a Z85 key? */
bool curve_is_key(gw_str s);
void curve_wipe(curve_pair *pair);

typedef struct {
    int64_t message_bytes_max; /* ZMQ_MAXMSGSIZE per frame; a peer that sends more is cut off */
    int send_hwm, receive_hwm; /* messages queued per peer; 0 = 1000 */
    const char *routing_id;    /* optional, for a DEALER that wants to be known again; else NULL */
} curve_options;

/* A bound ROUTER (or other) socket acting as CURVE server of a ZAP domain, with ROUTER_MANDATORY,
 * heartbeats, handshake timeout and linger set. endpoint may end in ":0" or ":*" (TCP): the real
 * one is in ret_endpoint (may be NULL). ret_socket: close with zmq_close. GW_EREFUSED when no ZAP
 * handler runs in the context. */
gw_code curve_server(void *zmq, int type, const char *endpoint, const curve_pair *pair,
                     const char *zap_domain, const curve_options *options, void **ret_socket,
                     char ret_endpoint[CURVE_ENDPOINT_TEXT], gw_err *err) GW_NODISCARD;
/* A connecting socket (DEALER, ...) acting as CURVE client; reconnects by itself with back-off. */
gw_code curve_client(void *zmq, int type, const char *endpoint, const char *server_public,
                     const curve_pair *pair, const curve_options *options, void **ret_socket,
                     gw_err *err) GW_NODISCARD;

#endif
