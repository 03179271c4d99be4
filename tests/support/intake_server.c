#include "tests/support/intake_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESTART_TRIES = 200 };

static bool said(const char *what, const gw_err *err)
{
    fprintf(stderr, "intake_server: %s: %s\n", what, err->text);
    return false;
}

static bool make_key(intake_server *s, const char *list, const char *name, curve_pair *ret)
{
    char path[256];
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/%s", s->folder, list);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s.pub", s->folder, list, name);
    if (curve_generate(ret, &err) != GW_OK || curve_save(ret, NULL, path, &err) != GW_OK)
        return said("key", &err);
    return true;
}

static bool set_up_store(intake_server *s)
{
    gw_err err = {0};
    GW_AUTO(state_close) state *st = NULL;
    s->store = (state_config){.unix_socket = redis_server_socket(s->redis), .timeout_ms = 2000};
    if (state_open(&s->store, &st, &err) != GW_OK || state_setup(st, &err) != GW_OK)
        return said("state", &err);
    return true;
}

static bool start_intake(intake_server *s)
{
    gw_err err = {0};
    return intake_start(&s->config, &s->intake, &err) == GW_OK || said("intake", &err);
}

bool intake_server_start(intake_server *s, uint32_t outbox_max, const intake_calls *calls)
{
    static char schemas[512];
    const char *source = getenv("DUNLIN_SOURCE");
    gw_err err = {0};
    *s = (intake_server){0};
    snprintf(schemas, sizeof schemas, "%s/config/schema", source ? source : ".");
    snprintf(s->folder, sizeof s->folder, "/tmp/dunlin-intake-XXXXXX");
    s->redis = redis_server_start(NULL);
    if (!s->redis || !mkdtemp(s->folder))
        return false;
    s->zmq = zmq_ctx_new();
    s->clock = gw_clock_new();
    memset(s->id_key, 7, sizeof s->id_key);
    if (!make_key(s, "clients", "erp", &s->erp) || !make_key(s, "clients", "crm", &s->crm) ||
        !make_key(s, "operators", "ann", &s->ann) || curve_generate(&s->server, &err) != GW_OK ||
        zap_start_keys(s->zmq, s->folder, &s->zap, &err) != GW_OK || !set_up_store(s))
        return said("start", &err);
    s->config = (intake_config){
        .zmq = s->zmq,
        .zap = s->zap,
        .endpoint = "tcp://127.0.0.1:*",
        .pair = &s->server,
        .schema_folder = schemas,
        .state = s->store,
        .id_key = s->id_key,
        .clock = s->clock,
        .outbox_max = outbox_max,
    };
    if (calls)
        s->config.calls = *calls;
    return start_intake(s);
}

/* libzmq gives a port back in its own time after a close. */
bool intake_server_restart(intake_server *s)
{
    intake_stop(s->intake);
    s->intake = NULL;
    for (int i = 0; i < RESTART_TRIES; i++) {
        gw_err err = {0};
        if (intake_start(&s->config, &s->intake, &err) == GW_OK)
            return true;
        zmq_poll(NULL, 0, 10);
    }
    return start_intake(s);
}

void intake_server_stop(intake_server *s)
{
    char command[128];
    intake_stop(s->intake);
    zap_stop(s->zap);
    if (s->zmq)
        zmq_ctx_term(s->zmq);
    gw_clock_free(s->clock);
    redis_server_free(s->redis);
    snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
    if (strstr(s->folder, "/tmp/dunlin-intake-") && system(command) != 0)
        fprintf(stderr, "intake_server: %s stays behind\n", s->folder);
}

void *intake_server_connect(intake_server *s, const curve_pair *pair, void **ret_zmq)
{
    static const curve_options options = {.message_bytes_max = 64 * 1024 * 1024};
    gw_err err = {0};
    void *socket = NULL;
    *ret_zmq = zmq_ctx_new();
    if (curve_client(*ret_zmq, ZMQ_DEALER, intake_endpoint(s->intake), s->server.public_key, pair,
                     &options, &socket, &err) != GW_OK)
        said("connect", &err);
    return socket;
}
