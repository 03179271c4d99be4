/* zap.h - who may connect: the ZAP handler (ZeroMQ RFC 27) over folders of public keys.
 *
 * Each ZAP domain has allow-lists: a role and a folder of NAME.pub files. A peer whose key is in a
 * list of the socket's domain gets the User-Id "<role>:<NAME>"; everybody else is refused and
 * counted. NAME is 1..64 of [A-Za-z0-9._-]. A key in two lists of one domain belongs to the list
 * named first.
 *
 * Folders are looked at again when their mtime changes, at most ZAP_RECHECK_MS late, so removing
 * NAME.pub revokes the key: new handshakes are refused at once, and zap_allows tells the owner of a
 * socket that a message came over a connection made before the key was revoked. Replace a file by
 * renaming over it (`curve_save` then mv); a file edited in place is seen when the folder changes
 * next. A folder that cannot be read admits nobody.
 *
 * One zap per context, started before the first server socket is bound. Thread: zap_start/zap_stop
 * one thread; everything else any thread. */
#ifndef WIRE_ZAP_H
#define WIRE_ZAP_H

#include "gateway/base/buf.h"

#include <zmq.h>

#define ZAP_DOMAIN_INTAKE  "intake"
#define ZAP_DOMAIN_WORKERS "workers"

enum { ZAP_LISTS_MAX = 16, ZAP_KEYS_MAX = 10000, ZAP_NAME_MAX = 64, ZAP_RECHECK_MS = 1000 };

/* AGENT: works the call desk and may do nothing else. */
typedef enum { ZAP_CLIENT, ZAP_OPERATOR, ZAP_WORKER, ZAP_AGENT, ZAP_ROLE_COUNT } zap_role;

typedef struct {
    const char *domain; /* ZAP_DOMAIN_... */
    zap_role role;
    const char *folder; /* copied */
} zap_list;

typedef struct zap zap;

/* Start the handler thread on inproc://zeromq.zap.01. GW_EBUSY when the context has one already. */
gw_code zap_start(void *zmq, const zap_list *lists, size_t n, zap **ret_zap, gw_err *err)
    GW_NODISCARD;
/* The usual lists under `keys`: clients, operators and agents for intake, workers for workers. */
gw_code zap_start_keys(void *zmq, const char *keys_folder, zap **ret_zap, gw_err *err) GW_NODISCARD;
/* Stop and free; close the server sockets first. Accepts NULL. */
void zap_stop(zap *z);
GW_CLEANUP_FUNC(zap, zap_stop)

/* Watch a server socket for handshakes that fail before or after ZAP. Call in the socket's thread,
 * before it binds or right after. */
gw_code zap_watch(zap *z, void *socket, gw_err *err) GW_NODISCARD;

/* Who sent this message: the role and, in ret_name, the NAME (borrowed from the message). False for
 * a message that did not come through a CURVE server socket of this module. */
bool zap_user(zmq_msg_t *msg, zap_role *ret_role, gw_str *ret_name);
/* Is the key this message came under still on its list? */
bool zap_allows(zap *z, zmq_msg_t *msg);
/* "client", "operator", "worker", "agent" */
const char *zap_role_name(zap_role role);

typedef struct {
    uint64_t admitted;           /* handshakes let in */
    uint64_t refused_key;        /* CURVE keys that are on no list of the domain */
    uint64_t refused_mechanism;  /* NULL or PLAIN peers that reached ZAP */
    uint64_t handshake_failures; /* seen by the monitors: wrong protocol, wrong key, refused */
    uint64_t keys;               /* on all lists now */
} zap_counts;
void zap_count(zap *z, zap_counts *ret_counts);

#endif
