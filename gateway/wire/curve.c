#include "gateway/wire/curve.h"

#include "gateway/base/file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { KEY_CHARS = CURVE_KEY_TEXT - 1, KEY_BYTES = 32, KEY_FILE_MAX = 256, HWM = 1000 };

bool curve_is_key(gw_str s)
{
    char text[CURVE_KEY_TEXT];
    uint8_t key[KEY_BYTES];
    if (s.n != KEY_CHARS || memchr(s.p, '\0', s.n))
        return false;
    memcpy(text, s.p, KEY_CHARS);
    text[KEY_CHARS] = '\0';
    bool good = zmq_z85_decode(key, text) != NULL;
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return good;
}

void curve_wipe(curve_pair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

gw_code curve_generate(curve_pair *ret_pair, gw_err *err)
{
    if (zmq_curve_keypair(ret_pair->public_key, ret_pair->secret_key) != 0)
        return gw_fail(err, GW_EIO, "making a CURVE key pair: %s", zmq_strerror(zmq_errno()));
    return GW_OK;
}

static gw_code save_key(const char *path, const char *key, unsigned mode, gw_err *err)
{
    char line[CURVE_KEY_TEXT + 1];
    if (access(path, F_OK) == 0)
        return gw_fail(err, GW_EEXIST, "%s exists; remove it first to replace the key", path);
    int n = snprintf(line, sizeof line, "%s\n", key);
    gw_code rc = gw_file_replace(path, (gw_str){line, (size_t)n}, mode, err);
    sodium_memzero(line, sizeof line);
    return rc;
}

gw_code curve_save(const curve_pair *pair, const char *secret_path, const char *public_path,
                   gw_err *err)
{
    gw_code rc = GW_OK;
    if (secret_path)
        rc = save_key(secret_path, pair->secret_key, 0600, err);
    if (rc == GW_OK && public_path)
        rc = save_key(public_path, pair->public_key, 0644, err);
    return rc;
}

static gw_code load_key(const char *path, char ret_key[CURVE_KEY_TEXT], gw_err *err)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, KEY_FILE_MAX);
    gw_code rc = gw_file_read(path, &b, err);
    if (rc != GW_OK)
        return rc;
    gw_str s = gw_buf_str(&b);
    while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
        s.n--;
    if (curve_is_key(s)) {
        memcpy(ret_key, s.p, KEY_CHARS);
        ret_key[KEY_CHARS] = '\0';
    } else {
        rc = gw_fail(err, GW_EINVAL,
                     "%s holds no CURVE key: one line of 40 Z85 characters is "
                     "expected",
                     path);
    }
    gw_buf_wipe(&b);
    return rc;
}

gw_code curve_load_public(const char *path, char ret_key[CURVE_KEY_TEXT], gw_err *err)
{
    return load_key(path, ret_key, err);
}

gw_code curve_load(const char *secret_path, curve_pair *ret_pair, gw_err *err)
{
    struct stat st;
    if (stat(secret_path, &st) == 0 && (st.st_mode & 077) != 0)
        return gw_fail(err, GW_EREFUSED,
                       "%s can be read by others; run chmod 600 on it, and make "
                       "a new key if it was exposed",
                       secret_path);
    curve_pair pair;
    gw_code rc = load_key(secret_path, pair.secret_key, err);
    if (rc != GW_OK)
        return rc;
    if (zmq_curve_public(pair.public_key, pair.secret_key) != 0)
        rc = gw_fail(err, GW_EINVAL, "%s: no public key can be derived", secret_path);
    else
        *ret_pair = pair;
    curve_wipe(&pair);
    return rc;
}

/* ---- sockets ---- */

typedef struct {
    int option;
    int value;
} int_option;

static gw_code set_failed(const char *endpoint, int option, gw_err *err)
{
    return gw_fail(err, GW_EINVAL, "socket %s: ZeroMQ option %d: %s", endpoint, option,
                   zmq_strerror(zmq_errno()));
}

static gw_code set_ints(void *socket, const char *endpoint, const int_option *rows, size_t n,
                        gw_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (zmq_setsockopt(socket, rows[i].option, &rows[i].value, sizeof rows[i].value) != 0)
            return set_failed(endpoint, rows[i].option, err);
    return GW_OK;
}

static gw_code set_text(void *socket, const char *endpoint, int option, const char *text,
                        gw_err *err)
{
    /* key options take the text with its NUL as 41 bytes, plain ones without */
    bool key = option == ZMQ_CURVE_PUBLICKEY || option == ZMQ_CURVE_SECRETKEY ||
               option == ZMQ_CURVE_SERVERKEY;
    if (zmq_setsockopt(socket, option, text, strlen(text) + key) != 0)
        return set_failed(endpoint, option, err);
    return GW_OK;
}

static gw_code set_common(void *socket, const char *endpoint, const curve_options *o, gw_err *err)
{
    const int_option rows[] = {
        {ZMQ_LINGER, CURVE_LINGER_MS},
        {ZMQ_HEARTBEAT_IVL, CURVE_HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, CURVE_HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HEARTBEAT_TTL, CURVE_HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HANDSHAKE_IVL, CURVE_HANDSHAKE_MS},
        {ZMQ_RECONNECT_IVL, CURVE_RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, CURVE_RECONNECT_MAX_MS},
        {ZMQ_SNDHWM, o->send_hwm ? o->send_hwm : HWM},
        {ZMQ_RCVHWM, o->receive_hwm ? o->receive_hwm : HWM},
        {ZMQ_IPV6, 1},
    };
    gw_code rc = set_ints(socket, endpoint, rows, GW_COUNT(rows), err);
    if (rc != GW_OK)
        return rc;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &o->message_bytes_max,
                       sizeof o->message_bytes_max) != 0)
        return set_failed(endpoint, ZMQ_MAXMSGSIZE, err);
    return o->routing_id ? set_text(socket, endpoint, ZMQ_ROUTING_ID, o->routing_id, err) : GW_OK;
}

static void close_socket(void **socket)
{
    if (*socket)
        zmq_close(*socket);
}
#define AUTO_SOCKET __attribute__((cleanup(close_socket)))

static gw_code set_server(void *socket, int type, const char *endpoint, const curve_pair *pair,
                          const char *zap_domain, const curve_options *options, gw_err *err)
{
    const int_option rows[] = {{ZMQ_CURVE_SERVER, 1}, {ZMQ_ROUTER_MANDATORY, 1}};
    gw_code rc = set_common(socket, endpoint, options, err);
    if (rc == GW_OK)
        rc = set_ints(socket, endpoint, rows, type == ZMQ_ROUTER ? 2 : 1, err);
    if (rc == GW_OK)
        rc = set_text(socket, endpoint, ZMQ_CURVE_SECRETKEY, pair->secret_key, err);
    if (rc == GW_OK)
        rc = set_text(socket, endpoint, ZMQ_ZAP_DOMAIN, zap_domain, err);
    return rc;
}

/* Without a ZAP handler libzmq admits every key. Its address can be bound only while nobody has it.
 */
static bool has_zap_handler(void *zmq)
{
    AUTO_SOCKET void *probe = zmq_socket(zmq, ZMQ_REP);
    return probe && zmq_bind(probe, "inproc://zeromq.zap.01") != 0 && zmq_errno() == EADDRINUSE;
}

gw_code curve_server(void *zmq, int type, const char *endpoint, const curve_pair *pair,
                     const char *zap_domain, const curve_options *options, void **ret_socket,
                     char ret_endpoint[CURVE_ENDPOINT_TEXT], gw_err *err)
{
    if (!has_zap_handler(zmq))
        return gw_fail(err, GW_EREFUSED, "socket %s: no ZAP handler runs, anybody could connect",
                       endpoint);
    AUTO_SOCKET void *socket = zmq_socket(zmq, type);
    if (!socket)
        return gw_fail(err, GW_EIO, "socket %s: %s", endpoint, zmq_strerror(zmq_errno()));
    gw_code rc = set_server(socket, type, endpoint, pair, zap_domain, options, err);
    if (rc != GW_OK)
        return rc;
    if (zmq_bind(socket, endpoint) != 0)
        return gw_fail(err, GW_EIO, "listening on %s: %s", endpoint, zmq_strerror(zmq_errno()));
    if (ret_endpoint) {
        size_t n = CURVE_ENDPOINT_TEXT;
        if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, ret_endpoint, &n) != 0)
            return set_failed(endpoint, ZMQ_LAST_ENDPOINT, err);
    }
    *ret_socket = socket;
    socket = NULL;
    return GW_OK;
}

gw_code curve_client(void *zmq, int type, const char *endpoint, const char *server_public,
                     const curve_pair *pair, const curve_options *options, void **ret_socket,
                     gw_err *err)
{
    AUTO_SOCKET void *socket = zmq_socket(zmq, type);
    if (!socket)
        return gw_fail(err, GW_EIO, "socket %s: %s", endpoint, zmq_strerror(zmq_errno()));
    gw_code rc = set_common(socket, endpoint, options, err);
    if (rc == GW_OK)
        rc = set_text(socket, endpoint, ZMQ_CURVE_SERVERKEY, server_public, err);
    if (rc == GW_OK)
        rc = set_text(socket, endpoint, ZMQ_CURVE_PUBLICKEY, pair->public_key, err);
    if (rc == GW_OK)
        rc = set_text(socket, endpoint, ZMQ_CURVE_SECRETKEY, pair->secret_key, err);
    if (rc != GW_OK)
        return rc;
    if (zmq_connect(socket, endpoint) != 0)
        return gw_fail(err, GW_EINVAL, "connecting to %s: %s", endpoint, zmq_strerror(zmq_errno()));
    *ret_socket = socket;
    socket = NULL;
    return GW_OK;
}
