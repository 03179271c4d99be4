#include "workers/runtime/link.h"

#include "gateway/base/log.h"

#include <stdio.h>

enum { HEADER_FRAMES = 3 }; /* "DUNW1", type, header */

struct link_end {
    void *zmq, *socket;
    char endpoint[CURVE_ENDPOINT_TEXT];
    char server_public[CURVE_KEY_TEXT];
    curve_pair pair;
    gw_buf header; /* kept between messages */
};

static gw_code connect_socket(link_end *l, gw_err *err)
{
    const curve_options options = {
        .message_bytes_max = WIRE_MESSAGE_MAX, .send_hwm = LINK_HWM, .receive_hwm = LINK_HWM};
    return curve_client(l->zmq, ZMQ_DEALER, l->endpoint, l->server_public, &l->pair, &options,
                        &l->socket, err);
}

gw_code link_open(void *zmq, const char *endpoint, const char *server_public,
                  const curve_pair *pair, link_end **ret, gw_err *err)
{
    link_end *l = calloc(1, sizeof *l);
    if (!l)
        return gw_fail(err, GW_ENOMEM, "opening the link to the gateway");
    l->zmq = zmq;
    l->pair = *pair;
    snprintf(l->endpoint, sizeof l->endpoint, "%s", endpoint);
    snprintf(l->server_public, sizeof l->server_public, "%s", server_public);
    gw_buf_init(&l->header, WIRE_HEADER_MAX);
    gw_code rc = connect_socket(l, err);
    if (rc != GW_OK) {
        link_close(l);
        return rc;
    }
    *ret = l;
    return GW_OK;
}

void link_close(link_end *l)
{
    if (!l)
        return;
    if (l->socket)
        zmq_close(l->socket);
    gw_buf_done(&l->header);
    curve_wipe(&l->pair);
    free(l);
}

gw_code link_reopen(link_end *l, gw_err *err)
{
    int none = 0;
    zmq_setsockopt(l->socket, ZMQ_LINGER, &none, sizeof none);
    zmq_close(l->socket);
    l->socket = NULL;
    return connect_socket(l, err);
}

void *link_socket(link_end *l)
{
    return l->socket;
}

bool link_send(link_end *l, const wire_header *h, gw_str payload)
{
    const char *type = wire_type_name(h->type);
    gw_err err = {0};
    gw_buf_clear(&l->header);
    gw_code rc = wire_encode(h, &l->header, &err);
    if (rc != GW_OK) {
        gw_log(GW_LOG_ERROR, "a message to the gateway cannot be written", "type=%s text=\"%s\"",
               type, err.text);
        return false;
    }
    int more = wire_payload_frames(h->type) ? ZMQ_SNDMORE : 0;
    if (zmq_send(l->socket, WIRE_WORKER_PROTOCOL, strlen(WIRE_WORKER_PROTOCOL),
                 ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return false; /* the first frame decides; the others follow it without waiting */
    if (zmq_send(l->socket, type, strlen(type), ZMQ_SNDMORE) < 0 ||
        zmq_send(l->socket, l->header.data, l->header.n, more) < 0)
        return false;
    return !more || zmq_send(l->socket, payload.p ? payload.p : "", payload.n, 0) >= 0;
}

static gw_str frame(link_message *m, int i)
{
    return (gw_str){zmq_msg_data(&m->frames[i]), zmq_msg_size(&m->frames[i])};
}

void link_message_done(link_message *m)
{
    for (int i = 0; i < m->n; i++)
        zmq_msg_close(&m->frames[i]);
    m->n = 0;
}

/* -1 nothing there, else the number of frames that came (kept: at most those of m). */
static int read_frames(link_end *l, link_message *m)
{
    int n = 0;
    for (bool more = true; more; n++) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, l->socket, n ? 0 : ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return n ? n : -1;
        }
        more = zmq_msg_more(&part);
        if (m->n < (int)GW_COUNT(m->frames))
            m->frames[m->n++] = part;
        else
            zmq_msg_close(&part);
    }
    return n;
}

static bool understand(link_message *m, int n, gw_arena *arena)
{
    gw_err err = {0};
    wire_header *h = gw_arena_alloc(arena, sizeof *h);
    if (!h || n < HEADER_FRAMES || !gw_str_is(frame(m, 0), WIRE_WORKER_PROTOCOL))
        return false;
    gw_code rc = wire_decode(frame(m, 1), frame(m, 2), arena, h, &err);
    if (rc != GW_OK || n != HEADER_FRAMES + wire_payload_frames(h->type)) {
        gw_log(GW_LOG_WARN, "a message of the gateway is not understood", "text=\"%s\"", err.text);
        return false;
    }
    m->header = h;
    m->arena = arena;
    m->payload = n > HEADER_FRAMES ? frame(m, HEADER_FRAMES) : (gw_str){NULL, 0};
    return true;
}

bool link_receive(link_end *l, gw_arena *arena, link_message *m)
{
    for (;;) {
        *m = (link_message){0};
        int n = read_frames(l, m);
        if (n < 0)
            return false;
        if (understand(m, n, arena))
            return true;
        link_message_done(m);
    }
}
