#include "tests/workers/runtime/fake_gateway.h"
#include "tests/support/must.h"

#include "gateway/base/clock.h"
#include "gateway/base/file.h"
#include "gateway/wire/zap.h"
#include "templates/engine/bundle.h"

#include <stdio.h>

struct fake_gateway {
    void *zmq, *router;
    zap *zap;
    curve_pair pair, worker;
    char endpoint[CURVE_ENDPOINT_TEXT], workers[512];
    int boot;
    gw_arena *arena;
    zmq_msg_t identity, frames[8];
    int n;
    bool known;
};

static void open_router(fake_gateway *g, const char *endpoint)
{
    gw_err err = {0};
    const curve_options o = {
        .message_bytes_max = WIRE_MESSAGE_MAX, .send_hwm = 10000, .receive_hwm = 10000};
    gw_code rc = GW_EBUSY;
    for (int i = 0; i < 100 && rc != GW_OK;
         i++) { /* the old socket's port is freed in background */
        rc = curve_server(g->zmq, ZMQ_ROUTER, endpoint, &g->pair, ZAP_DOMAIN_WORKERS, &o,
                          &g->router, g->endpoint, &err);
        if (rc != GW_OK)
            zmq_poll(NULL, 0, 20);
    }
    MUST(rc == GW_OK);
}

fake_gateway *fake_gateway_start(const char *dir)
{
    fake_gateway *g = calloc(1, sizeof *g);
    gw_err err = {0};
    char path[600];
    g->zmq = zmq_ctx_new();
    g->arena = gw_arena_new(64 << 20);
    snprintf(g->workers, sizeof g->workers, "%s/workers", dir);
    MUST(gw_dir_make(g->workers, 0700, &err) == GW_OK);
    MUST(curve_generate(&g->pair, &err) == GW_OK);
    MUST(curve_generate(&g->worker, &err) == GW_OK);
    snprintf(path, sizeof path, "%s/worker.pub", g->workers);
    MUST(curve_save(&g->worker, NULL, path, &err) == GW_OK);
    const zap_list lists[] = {{ZAP_DOMAIN_WORKERS, ZAP_WORKER, g->workers}};
    MUST(zap_start(g->zmq, lists, 1, &g->zap, &err) == GW_OK);
    open_router(g, "tcp://127.0.0.1:0");
    zmq_msg_init(&g->identity);
    g->boot = 1;
    return g;
}

static void forget(fake_gateway *g)
{
    for (int i = 0; i < g->n; i++)
        zmq_msg_close(&g->frames[i]);
    g->n = 0;
    gw_arena_reset(g->arena);
}

void fake_gateway_stop(fake_gateway *g)
{
    forget(g);
    zmq_msg_close(&g->identity);
    zmq_close(g->router);
    zap_stop(g->zap);
    zmq_ctx_term(g->zmq);
    gw_arena_free(g->arena);
    free(g);
}

const char *fake_gateway_endpoint(const fake_gateway *g)
{
    return g->endpoint;
}

const char *fake_gateway_public(const fake_gateway *g)
{
    return g->pair.public_key;
}

const curve_pair *fake_gateway_worker_pair(const fake_gateway *g)
{
    return &g->worker;
}

void fake_gateway_restart(fake_gateway *g)
{
    char endpoint[CURVE_ENDPOINT_TEXT];
    int none = 0;
    snprintf(endpoint, sizeof endpoint, "%s", g->endpoint);
    zmq_setsockopt(g->router, ZMQ_LINGER, &none, sizeof none);
    zmq_close(g->router);
    g->known = false;
    g->boot++;
    open_router(g, endpoint);
}

static bool read_message(fake_gateway *g, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = g->router, .events = ZMQ_POLLIN};
    forget(g);
    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return false;
    for (bool more = true; more;) {
        MUST(g->n < 8);
        zmq_msg_init(&g->frames[g->n]);
        MUST(zmq_msg_recv(&g->frames[g->n], g->router, 0) >= 0);
        more = zmq_msg_more(&g->frames[g->n++]);
    }
    zmq_msg_copy(&g->identity, &g->frames[0]);
    g->known = true;
    return true;
}

static gw_str frame(fake_gateway *g, int i)
{
    return (gw_str){zmq_msg_data(&g->frames[i]), zmq_msg_size(&g->frames[i])};
}

static void say_boot(fake_gateway *g)
{
    char boot[32];
    snprintf(boot, sizeof boot, "boot-%d", g->boot);
    wire_header h = {.type = WIRE_HEARTBEAT, .heartbeat = {gw_str_of(boot)}};
    fake_gateway_say(g, &h, (gw_str){NULL, 0});
}

bool fake_gateway_wait(fake_gateway *g, wire_type type, int timeout_ms, fake_message *ret)
{
    int64_t until = gw_mono_now().ms + timeout_ms;
    for (;;) {
        int64_t left = until - gw_mono_now().ms;
        gw_err err = {0};
        if (!read_message(g, left > 0 ? (int)left : 0)) {
            if (left <= 0)
                return false;
            continue;
        }
        MUST(g->n >= 4 && gw_str_is(frame(g, 1), WIRE_WORKER_PROTOCOL));
        MUST(wire_decode(frame(g, 2), frame(g, 3), g->arena, &ret->header, &err) == GW_OK);
        MUST(g->n == 4 + wire_payload_frames(ret->header.type));
        if (ret->header.type == WIRE_HEARTBEAT)
            say_boot(g);
        ret->payload = g->n > 4 ? frame(g, 4) : (gw_str){NULL, 0};
        if (ret->header.type == type)
            return true;
    }
}

void fake_gateway_say(fake_gateway *g, const wire_header *h, gw_str payload)
{
    GW_AUTO_BUF gw_buf json;
    gw_err err = {0};
    gw_buf_init(&json, WIRE_HEADER_MAX);
    MUST(g->known && wire_encode(h, &json, &err) == GW_OK);
    const char *type = wire_type_name(h->type);
    int more = wire_payload_frames(h->type) ? ZMQ_SNDMORE : 0;
    if (zmq_send(g->router, zmq_msg_data(&g->identity), zmq_msg_size(&g->identity), ZMQ_SNDMORE) <
        0)
        return; /* the worker is gone */
    zmq_send(g->router, WIRE_WORKER_PROTOCOL, 5, ZMQ_SNDMORE);
    zmq_send(g->router, type, strlen(type), ZMQ_SNDMORE);
    zmq_send(g->router, json.data, json.n, more);
    if (more)
        zmq_send(g->router, payload.p, payload.n, 0);
}

wire_ref fake_ref(int number)
{
    static char texts[64][2][16];
    static int at;
    char(*t)[16] = texts[at++ % 64];
    snprintf(t[0], 16, "r%d", number);
    snprintf(t[1], 16, "t%d", number);
    return (wire_ref){gw_str_of(t[0]), 1, gw_str_of(t[1])};
}

void fake_gateway_task(fake_gateway *g, int number, gw_str version, const char *facts)
{
    wire_header *h = calloc(1, sizeof *h);
    h->type = WIRE_TASK;
    h->task = (wire_task){.ref = fake_ref(number),
                          .source = GW_STR("billing"),
                          .template = version,
                          .locale = GW_STR("en"),
                          .now_ms = 1358848800000,
                          .deadline_ms = INT64_MAX,
                          .from = {GW_STR("Creditor Ltd"),
                                   GW_STR("billing@creditor.example.test"),
                                   {NULL, 0},
                                   {NULL, 0}},
                          .to_n = 1,
                          .reference = GW_STR("INV-1")};
    h->task.to[0] = (wire_recipient){GW_STR("primary"), GW_STR("Ann Debtor"),
                                     GW_STR("ann@debtor.example.test"), GW_STR("to")};
    fake_gateway_say(g, h, gw_str_of(facts));
    free(h);
}

void fake_gateway_go(fake_gateway *g, wire_ref ref)
{
    wire_header h = {.type = WIRE_GO, .go = {ref, 1358848800500}};
    fake_gateway_say(g, &h, (gw_str){NULL, 0});
}

void fake_gateway_seen(fake_gateway *g, wire_ref ref)
{
    wire_header h = {.type = WIRE_SEEN, .seen = ref};
    fake_gateway_say(g, &h, (gw_str){NULL, 0});
}

gw_str fake_template(char ret_version[65])
{
    static template_bundle *bundle; /* lives as long as the process */
    char path[1024];
    gw_err err = {0};
    const char *root = getenv("DUNLIN_SOURCE");
    snprintf(path, sizeof path, "%s/templates/en/payment-reminder", root ? root : ".");
    if (!bundle && template_bundle_load(path, &bundle, &err) != GW_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    snprintf(ret_version, 65, "%s", template_bundle_version(bundle));
    return template_bundle_json(bundle);
}
