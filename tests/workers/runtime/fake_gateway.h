/* fake_gateway.h - the gateway's side of the worker wire, driven step by step by a test: a CURVE
 * ROUTER with a real ZAP allow-list on a free port. Thread: the test's. */
#ifndef TESTS_FAKE_GATEWAY_H
#define TESTS_FAKE_GATEWAY_H

#include "gateway/wire/curve.h"
#include "gateway/wire/worker.h"

typedef struct fake_gateway fake_gateway;

typedef struct {
    wire_header header;
    gw_str payload; /* kept until the next fake_gateway_wait */
} fake_message;

fake_gateway *fake_gateway_start(const char *dir); /* keys are made below dir */
void fake_gateway_stop(fake_gateway *g);
const char *fake_gateway_endpoint(const fake_gateway *g);
const char *fake_gateway_public(const fake_gateway *g);
const curve_pair *fake_gateway_worker_pair(const fake_gateway *g);
/* Another process start: a new boot id; bytes under way are lost. */
void fake_gateway_restart(fake_gateway *g);

/* The next message of this type; others are passed over, heartbeats are answered. False after
 * timeout_ms. */
bool fake_gateway_wait(fake_gateway *g, wire_type type, int timeout_ms, fake_message *ret);
void fake_gateway_say(fake_gateway *g, const wire_header *h, gw_str payload);

/* Shorthands. Ids are "r<number>", attempt 1, token "t<number>". */
wire_ref fake_ref(int number);
void fake_gateway_task(fake_gateway *g, int number, gw_str version, const char *facts);
void fake_gateway_go(fake_gateway *g, wire_ref ref);
void fake_gateway_seen(fake_gateway *g, wire_ref ref);

/* A small template: its JSON, and its version. */
gw_str fake_template(char ret_version[65]);

#endif
