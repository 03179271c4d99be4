#include "gateway/wire/zap.h"

#include "gateway/wire/allow.h"

#include "gateway/base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { FRAMES_MAX = 12, MONITORS_MAX = 16, ENDPOINT_TEXT = 64, FRAME_MAX = 256 };

/* Property of the ZAP reply that libzmq hands to every message of the connection. */
static const char key_property[] = "X-Dunlin-Key";

struct zap {
    void *zmq;
    void *handler; /* REP, owned by the thread once it runs */
    void *control; /* PULL: monitor endpoints, or "" to stop; the thread's too */
    char control_endpoint[ENDPOINT_TEXT];
    pthread_t thread;
    allow *allow;
    atomic_uint next_monitor;
    atomic_uint_fast64_t admitted, refused_key, refused_mechanism, handshake_failures;
    void *monitors[MONITORS_MAX]; /* PAIR, the thread's */
    size_t monitor_n;
};

static const char *const roles[ZAP_ROLE_COUNT] = {
    [ZAP_CLIENT] = "client",
    [ZAP_OPERATOR] = "operator",
    [ZAP_WORKER] = "worker",
    [ZAP_AGENT] = "agent",
};

const char *zap_role_name(zap_role role)
{
    return roles[role];
}

/* ---- the protocol: RFC 27 request and reply ---- */

typedef struct {
    char bytes[FRAME_MAX];
    size_t n;
} frame;

/* Receive all frames of a message; frames past the table or longer than a frame are cut. */
static size_t receive(void *socket, frame *frames, size_t max)
{
    size_t n = 0;
    for (;;) {
        frame scrap;
        frame *f = n < max ? &frames[n] : &scrap;
        int got = zmq_recv(socket, f->bytes, sizeof f->bytes, ZMQ_DONTWAIT);
        if (got < 0)
            return 0;
        f->n = (size_t)got < sizeof f->bytes ? (size_t)got : sizeof f->bytes;
        n += n < max;
        int more = 0;
        size_t size = sizeof more;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        if (!more)
            return n;
    }
}

static bool frame_is(const frame *f, const char *text)
{
    return gw_str_is((gw_str){f->bytes, f->n}, text);
}

/* One metadata property: name length 1 byte, name, value length 4 bytes big endian, value. */
static size_t put_property(char *at, const char *name, const char *value)
{
    size_t name_n = strlen(name);
    size_t value_n = strlen(value);
    at[0] = (char)name_n;
    memcpy(at + 1, name, name_n);
    memset(at + 1 + name_n, 0, 3);
    at[4 + name_n] = (char)value_n;
    memcpy(at + 5 + name_n, value, value_n);
    return 5 + name_n + value_n;
}

static void reply(zap *z, const frame *request_id, const char *code, const char *text,
                  const char *user, const char *key)
{
    char metadata[FRAME_MAX];
    size_t n = key ? put_property(metadata, key_property, key) : 0;
    zmq_send(z->handler, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(z->handler, request_id->bytes, request_id->n, ZMQ_SNDMORE);
    zmq_send(z->handler, code, 3, ZMQ_SNDMORE);
    zmq_send(z->handler, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(z->handler, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(z->handler, metadata, n, 0);
}

enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, CREDENTIAL, REQUEST_FRAMES };

static void answer(zap *z)
{
    frame f[FRAMES_MAX];
    size_t n = receive(z->handler, f, FRAMES_MAX);
    if (n == 0)
        return;
    char key[CURVE_KEY_TEXT];
    char domain[FRAME_MAX + 1];
    char user[ALLOW_USER_TEXT];
    if (n < MECHANISM + 1 || !frame_is(&f[VERSION], "1.0")) {
        reply(z, &f[n > REQUEST_ID ? REQUEST_ID : 0], "500", "ZAP 1.0 expected", "", NULL);
        return;
    }
    snprintf(domain, sizeof domain, "%.*s", (int)f[DOMAIN].n, f[DOMAIN].bytes);
    if (n < REQUEST_FRAMES || !frame_is(&f[MECHANISM], "CURVE") || f[CREDENTIAL].n != 32) {
        atomic_fetch_add(&z->refused_mechanism, 1);
        reply(z, &f[REQUEST_ID], "400", "CURVE only", "", NULL);
        return;
    }
    zmq_z85_encode(key, (const uint8_t *)f[CREDENTIAL].bytes, 32);
    if (allow_find(z->allow, domain, key, user)) {
        atomic_fetch_add(&z->admitted, 1);
        reply(z, &f[REQUEST_ID], "200", "welcome", user, key);
    } else {
        atomic_fetch_add(&z->refused_key, 1);
        reply(z, &f[REQUEST_ID], "400", "key is not on the allow-list", "", NULL);
    }
}

/* ---- the thread ---- */

static void watch(zap *z, const char *endpoint)
{
    if (z->monitor_n == MONITORS_MAX)
        return;
    void *pair = zmq_socket(z->zmq, ZMQ_PAIR);
    if (pair && zmq_connect(pair, endpoint) == 0)
        z->monitors[z->monitor_n++] = pair;
    else if (pair)
        zmq_close(pair);
}

static void unwatch(zap *z, size_t i)
{
    zmq_close(z->monitors[i]);
    z->monitors[i] = z->monitors[--z->monitor_n];
}

/* Event frame: 16-bit event number, 32-bit value, native byte order (zmq_socket_monitor(3)). */
static void observe(zap *z, size_t i)
{
    frame f[2];
    uint16_t event;
    while (receive(z->monitors[i], f, 2) == 2) {
        memcpy(&event, f[0].bytes, sizeof event);
        if (event == ZMQ_EVENT_MONITOR_STOPPED) {
            unwatch(z, i);
            return;
        }
        uint64_t n = atomic_fetch_add(&z->handshake_failures, 1) + 1;
        if ((n & (n - 1)) == 0) /* 1, 2, 4, ...: a flood of strangers must not flood the log */
            gw_log(GW_LOG_WARN, "peers failed the handshake", "count=%llu last_event=%u",
                   (unsigned long long)n, event);
    }
}

/* False when told to stop. */
static bool obey(zap *z)
{
    char endpoint[ENDPOINT_TEXT];
    int n = zmq_recv(z->control, endpoint, sizeof endpoint - 1, ZMQ_DONTWAIT);
    if (n <= 0)
        return n != 0;
    endpoint[n < (int)sizeof endpoint ? n : (int)sizeof endpoint - 1] = '\0';
    watch(z, endpoint);
    return true;
}

static void *run(void *arg)
{
    zap *z = arg;
    bool going = true;
    while (going) {
        zmq_pollitem_t items[2 + MONITORS_MAX] = {
            {.socket = z->control, .events = ZMQ_POLLIN},
            {.socket = z->handler, .events = ZMQ_POLLIN},
        };
        size_t n = z->monitor_n;
        for (size_t i = 0; i < n; i++)
            items[2 + i] = (zmq_pollitem_t){.socket = z->monitors[i], .events = ZMQ_POLLIN};
        if (zmq_poll(items, (int)(2 + n), -1) < 0 && zmq_errno() != EINTR)
            break; /* the context is gone */
        if (items[1].revents & ZMQ_POLLIN)
            answer(z);
        for (size_t i = n; i-- > 0;) /* backwards: unwatch moves the last one down */
            if (items[2 + i].revents & ZMQ_POLLIN)
                observe(z, i);
        if (items[0].revents & ZMQ_POLLIN)
            going = obey(z);
    }
    while (z->monitor_n)
        unwatch(z, 0);
    zmq_close(z->handler);
    zmq_close(z->control);
    return NULL;
}

/* ---- life ---- */

static gw_code open_sockets(zap *z, gw_err *err)
{
    z->handler = zmq_socket(z->zmq, ZMQ_REP);
    z->control = zmq_socket(z->zmq, ZMQ_PULL);
    if (!z->handler || !z->control)
        return gw_fail(err, GW_EIO, "ZAP handler: %s", zmq_strerror(zmq_errno()));
    int linger = 0;
    zmq_setsockopt(z->handler, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(z->handler, "inproc://zeromq.zap.01") != 0)
        return gw_fail(err, GW_EBUSY, "this ZeroMQ context has a ZAP handler already: %s",
                       zmq_strerror(zmq_errno()));
    snprintf(z->control_endpoint, sizeof z->control_endpoint, "inproc://dunlin.zap.%p", (void *)z);
    if (zmq_bind(z->control, z->control_endpoint) != 0)
        return gw_fail(err, GW_EIO, "ZAP handler control: %s", zmq_strerror(zmq_errno()));
    return GW_OK;
}

static void free_zap(zap *z)
{
    allow_free(z->allow);
    free(z);
}

gw_code zap_start(void *zmq, const zap_list *lists, size_t n, zap **ret_zap, gw_err *err)
{
    zap *z = calloc(1, sizeof *z);
    if (!z)
        return gw_fail(err, GW_ENOMEM, "ZAP handler: out of memory");
    z->zmq = zmq;
    gw_code rc = allow_new(lists, n, &z->allow, err);
    if (rc == GW_OK)
        rc = open_sockets(z, err);
    if (rc == GW_OK && pthread_create(&z->thread, NULL, run, z) != 0)
        rc = gw_fail(err, GW_ENOMEM, "ZAP handler: no thread");
    if (rc != GW_OK) {
        if (z->handler)
            zmq_close(z->handler);
        if (z->control)
            zmq_close(z->control);
        free_zap(z);
        return rc;
    }
    *ret_zap = z;
    return GW_OK;
}

gw_code zap_start_keys(void *zmq, const char *keys_folder, zap **ret_zap, gw_err *err)
{
    static const struct {
        const char *domain, *name;
        zap_role role;
    } rows[] = {
        {ZAP_DOMAIN_INTAKE, "clients", ZAP_CLIENT},
        {ZAP_DOMAIN_INTAKE, "operators", ZAP_OPERATOR},
        {ZAP_DOMAIN_INTAKE, "agents", ZAP_AGENT},
        {ZAP_DOMAIN_WORKERS, "workers", ZAP_WORKER},
    };
    char folders[GW_COUNT(rows)][ALLOW_FOLDER_TEXT];
    zap_list lists[GW_COUNT(rows)];
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        int n = snprintf(folders[i], sizeof folders[i], "%s/%s", keys_folder, rows[i].name);
        if (n >= (int)sizeof folders[i])
            return gw_fail(err, GW_ELIMIT, "keys folder path is longer than %d bytes",
                           ALLOW_FOLDER_TEXT);
        lists[i] = (zap_list){rows[i].domain, rows[i].role, folders[i]};
    }
    return zap_start(zmq, lists, GW_COUNT(lists), ret_zap, err);
}

static gw_code tell(zap *z, const char *what, gw_err *err)
{
    void *push = zmq_socket(z->zmq, ZMQ_PUSH);
    bool sent = push && zmq_connect(push, z->control_endpoint) == 0 &&
                zmq_send(push, what, strlen(what), 0) >= 0;
    int why = zmq_errno();
    if (push)
        zmq_close(push);
    return sent ? GW_OK : gw_fail(err, GW_EIO, "telling the ZAP thread: %s", zmq_strerror(why));
}

void zap_stop(zap *z)
{
    if (!z)
        return;
    gw_err err;
    if (tell(z, "", &err) != GW_OK) /* only when the context is gone, and then it ends by itself */
        gw_log(GW_LOG_WARN, "the ZAP thread could not be told to stop", NULL);
    pthread_join(z->thread, NULL);
    free_zap(z);
}

gw_code zap_watch(zap *z, void *socket, gw_err *err)
{
    char endpoint[ENDPOINT_TEXT];
    snprintf(endpoint, sizeof endpoint, "inproc://dunlin.monitor.%p.%u", (void *)z,
             atomic_fetch_add(&z->next_monitor, 1));
    int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_MONITOR_STOPPED;
    if (zmq_socket_monitor(socket, endpoint, events) != 0)
        return gw_fail(err, GW_EIO, "watching a socket: %s", zmq_strerror(zmq_errno()));
    return tell(z, endpoint, err);
}

bool zap_user(zmq_msg_t *msg, zap_role *ret_role, gw_str *ret_name)
{
    const char *user = zmq_msg_gets(msg, "User-Id");
    const char *colon = user ? strchr(user, ':') : NULL;
    if (!colon || !colon[1])
        return false;
    for (int i = 0; i < ZAP_ROLE_COUNT; i++) {
        if (!gw_str_is((gw_str){user, (size_t)(colon - user)}, roles[i]))
            continue;
        *ret_role = (zap_role)i;
        *ret_name = gw_str_of(colon + 1);
        return true;
    }
    return false;
}

bool zap_allows(zap *z, zmq_msg_t *msg)
{
    const char *user = zmq_msg_gets(msg, "User-Id");
    const char *key = zmq_msg_gets(msg, key_property);
    return user && key && allow_still(z->allow, key, user);
}

void zap_count(zap *z, zap_counts *ret_counts)
{
    *ret_counts = (zap_counts){
        .admitted = atomic_load(&z->admitted),
        .refused_key = atomic_load(&z->refused_key),
        .refused_mechanism = atomic_load(&z->refused_mechanism),
        .handshake_failures = atomic_load(&z->handshake_failures),
        .keys = allow_count(z->allow),
    };
}
