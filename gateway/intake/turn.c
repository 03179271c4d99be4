#include "gateway/intake/turn.h"

#include <stdio.h>

enum { PATH_BYTES = 1024 };

static gw_code load_schemas(turn *t, const char *folder, gw_err *err)
{
    for (int v = 0; v < VERB_COUNT; v++) {
        char path[PATH_BYTES];
        int n = snprintf(path, sizeof path, "%s/%s.json", folder, verb_of((verb)v)->name);
        if (n >= (int)sizeof path)
            return gw_fail(err, GW_ELIMIT, "schema folder path is longer than %d bytes",
                           PATH_BYTES);
        gw_code rc = schema_load(path, &t->schemas[v], err);
        if (rc != GW_OK)
            return gw_wrap(err, rc, "intake cannot start");
    }
    return GW_OK;
}

void turn_free(turn *t)
{
    if (!t)
        return;
    for (int v = 0; v < VERB_COUNT; v++)
        schema_free(t->schemas[v]);
    state_close(t->store);
    gw_arena_free(t->arena);
    gw_arena_free(t->scratch);
    gw_buf_done(&t->reply);
    free(t);
}

gw_code turn_new(const intake_config *config, turn **ret, gw_err *err)
{
    turn *t = calloc(1, sizeof *t);
    if (!t)
        return gw_fail(err, GW_ENOMEM, "intake: out of memory");
    t->config = config;
    t->arena = gw_arena_new(TURN_ARENA_MAX);
    t->scratch = gw_arena_new(TURN_SCRATCH_MAX);
    gw_buf_init(&t->reply, TURN_REPLY_MAX);
    memcpy(t->id_key, config->id_key, sizeof t->id_key);
    gw_code rc = t->arena && t->scratch ? load_schemas(t, config->schema_folder, err)
                                        : gw_fail(err, GW_ENOMEM, "intake: out of memory");
    if (rc == GW_OK)
        rc = state_open(&config->state, &t->store, err);
    if (rc != GW_OK) {
        turn_free(t);
        return rc;
    }
    *ret = t;
    return GW_OK;
}

void turn_play(turn *t)
{
    const intake_calls *calls = &t->config->calls;
    t->now = gw_clock_now(t->config->clock);
    turn_submit(t);
    turn_events(t);
    turn_acts(t);
    if ((t->news_jobs || t->news) && calls->wake)
        calls->wake(calls->context, t->news_jobs, t->news);
    t->news_jobs = t->news = 0;
}

gw_str turn_verdict(const turn *t, const slot *s)
{
    bool good = s->n && t->reply.code == GW_OK;
    return good ? (gw_str){t->reply.data + s->at, s->n}
                : GW_STR("{\"verdict\":\"busy\",\"retry_after_ms\":1000}");
}

void turn_clear(turn *t)
{
    for (uint32_t i = 0; i < t->slot_n; i++)
        zmq_msg_close(&t->slots[i].body);
    t->request_n = 0;
    t->slot_n = 0;
    t->job_n = 0;
    t->bytes = 0;
    gw_buf_clear(&t->reply);
    gw_arena_reset(t->arena);
}
