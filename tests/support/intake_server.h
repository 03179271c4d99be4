/* intake_server.h - a whole intake for tests: private folder with keys, real redis-server, ZAP
 * handler, intake thread. Keys: clients "erp" and "crm", operator "ann".
 *
 * Functions assert nothing; they print why and answer NULL or false. Thread: one owner, main. */
#ifndef DUNLIN_TEST_INTAKE_SERVER_H
#define DUNLIN_TEST_INTAKE_SERVER_H

#include "gateway/intake/intake.h"
#include "tests/support/redis_server.h"

typedef struct {
    char folder[64];
    redis_server *redis;
    void *zmq;
    zap *zap;
    intake *intake;
    gw_clock *clock;
    curve_pair server, erp, crm, ann;
    uint8_t id_key[GW_ID_KEY_BYTES];
    state_config store; /* how to reach the same Redis with another state */
    intake_config config;
} intake_server;

/* outbox_max 0 = the default. false: redis-server is missing or something failed. */
bool intake_server_start(intake_server *s, uint32_t outbox_max, const intake_calls *calls);
/* Stop the intake thread and start it again on the same store. */
bool intake_server_restart(intake_server *s);
void intake_server_stop(intake_server *s);

/* A DEALER connected with that pair, in its own context (*ret_zmq). */
void *intake_server_connect(intake_server *s, const curve_pair *pair, void **ret_zmq);

#endif
