/* roles_internal.h - what the files of roles share (inside of roles*.c). */
#ifndef GATEWAY_ROLES_INTERNAL_H
#define GATEWAY_ROLES_INTERNAL_H

#include "gateway/dispatch/fitter.h"
#include "gateway/dispatch/query.h"
#include "gateway/intake/rules.h"
#include "gateway/intake/tell.h"
#include "gateway/role_http.h"
#include "gateway/roles.h"
#include "gateway/wire/provider.h"

#include <pthread.h>

struct roles {
    const config *c;
    unsigned wanted;
    unsigned channels; /* bit policy_channel: served by workers */
    gw_clock *clock;
    clock_walk *walk;
    state_config store;
    curve_pair pair;
    uint8_t id_key[GW_ID_KEY_BYTES];
    char rules_dir[CONFIG_PATH_BYTES], calendars_dir[CONFIG_PATH_BYTES],
        rules_keys[CONFIG_PATH_BYTES];
    rules_places rules_places;
    policy_rules *rules;                      /* of the files, as they are at the start */
    provider *providers[ROLES_PROVIDERS_MAX]; /* of SMS: what they forbid */
    size_t provider_n;
    third_party *third_parties;
    zone_table *zones;
    ladder *ladders[DISPATCH_LADDERS_MAX];
    size_t ladder_n;
    dispatch_source *sources;
    const char **apart_names;
    bind_apart apart; /* sources whose opt-outs are their own */
    dispatch_config dispatch_config;
    char templates[CONFIG_PATH_BYTES], schema[CONFIG_PATH_BYTES], excuses[CONFIG_PATH_BYTES],
        unsubscribe[600];
    void *zmq;
    zap *zap;
    evidence *ev;
    recorder *recorder;
    dispatch *dispatch;
    pthread_t thread;
    bool running;
    optout_words *words;
    booker *booker;
    fitter *fitter;
    query *query;
    intake *intake;
    role_http *http;
};

/* roles_open.c: the keys, the state store with its clock, the log. */
gw_code roles_open_keys(roles *r, gw_err *err) GW_NODISCARD;
gw_code roles_open_store(roles *r, gw_err *err) GW_NODISCARD;
gw_code roles_open_evidence(roles *r, gw_err *err) GW_NODISCARD;

/* roles_decide.c: what decisions are made with. first_start puts the files of rules and windows in
 * force where nothing is yet. */
gw_code roles_load_decisions(roles *r, gw_err *err) GW_NODISCARD;
gw_code roles_first_start(const roles *r, gw_err *err) GW_NODISCARD;

#endif
