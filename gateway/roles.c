#include "gateway/roles_internal.h"

#include "gateway/base/time.h"
#include "templates/engine/store.h"

#include <sodium.h>
#include <stdio.h>

enum { INTAKE = 1, DISPATCH = 2, RECORDER = 4, HTTP = 8 };

/* ---- dispatch ---- */

static void fill_dispatch_config(roles *r)
{
    const config *c = r->c;
    config_data_path(c, "templates", r->templates);
    config_dir_path(c, "desk", r->excuses);
    snprintf(r->unsubscribe, sizeof r->unsubscribe, "%s%s",
             *c->email_unsubscribe_url || !*c->email_unsubscribe_mailto ? "" : "mailto:",
             *c->email_unsubscribe_url ? c->email_unsubscribe_url : c->email_unsubscribe_mailto);
    retry_rules retry = retry_defaults();
    retry.first_ms = c->retry_first_ms;
    retry.ceiling_ms = c->retry_ceiling_ms;
    retry.attempts = (int)c->retry_attempts;
    retry.starts = (int)c->poison_starts;
    r->dispatch_config = (dispatch_config){
        .zmq = r->zmq,
        .zap = r->zap,
        .worker_endpoint = c->worker_endpoint,
        .pair = &r->pair,
        .state = r->store,
        .evidence = r->ev,
        .recorder = r->recorder,
        .clock = r->clock,
        .walk = r->walk,
        .template_store = r->templates,
        .id_key = r->id_key,
        .rules = r->rules,
        .rules_places = &r->rules_places,
        .zones = r->zones,
        .ladders = (const ladder *const *)r->ladders,
        .ladder_n = r->ladder_n,
        .sources = r->sources,
        .source_n = c->source_n + 1,
        .sender = {.name = c->email_from_name,
                   .address = c->email_from_address,
                   .reply_to = c->email_reply_to,
                   .unsubscribe = r->unsubscribe,
                   .public_url = c->http_public_url},
        .channels = r->channels,
        .retry = retry,
        .desk = {.lease_ms = c->desk_lease_ms,
                 .call_ms = c->desk_call_ms,
                 .again_ms = c->desk_again_ms,
                 .attempts = (int)c->desk_attempts,
                 .per_agent = (int)c->desk_per_agent,
                 .excuses = r->excuses},
        .timing_model = c->timing_model,
        .timing_capacity = {(uint32_t)c->timing_capacity_email, (uint32_t)c->timing_capacity_sms,
                            (uint32_t)c->timing_capacity_voice},
        .timing_holdout = (unsigned)c->timing_holdout,
        .willing_model = {c->willing_model_7, c->willing_model_30},
        .promise_grace_days = ROLES_GRACE_DAYS,
        .bounce_ms = c->bounce_days * GW_MS_PER_DAY,
        .providers = (const provider *const *)r->providers,
        .provider_n = r->provider_n,
        .third_parties = r->third_parties,
        .apart = &r->apart,
        .hold_recheck_ms = ROLES_RECHECK_MS,
        .lease_ms = (int)c->lease_ttl_ms,
        .silence_ms = (int)c->worker_lost_ms,
        .grace_ms = (int)c->recovery_grace_ms,
        .heartbeat_ms = (int)c->worker_heartbeat_ms,
    };
}

static void *run_dispatch(void *arg)
{
    dispatch_run(arg);
    return NULL;
}

/* What lies in templates/ becomes the current version of each message; a reminder that was planned
 * before keeps the version it was planned with. */
static gw_code publish_templates(roles *r, gw_err *err)
{
    size_t count = 0;
    gw_code rc = template_store_publish_tree(r->templates, r->c->templates_dir, &count, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "publishing templates");
}

static gw_code start_dispatch(roles *r, gw_err *err)
{
    gw_code rc = publish_templates(r, err);
    if (rc == GW_OK)
        rc = dispatch_open(&r->dispatch_config, &r->dispatch, err);
    if (rc != GW_OK)
        return rc;
    if (pthread_create(&r->thread, NULL, run_dispatch, r->dispatch) != 0)
        return gw_fail(err, GW_ENOMEM, "starting the dispatch thread");
    r->running = true;
    return GW_OK;
}

/* What came in from outside is booked where the evidence can be written. */
static gw_code start_booker(roles *r, gw_err *err)
{
    char dir[CONFIG_PATH_BYTES];
    booker *b = NULL;
    config_dir_path(r->c, "optout", dir);
    gw_code rc = optout_words_load(dir, &r->words, err);
    booker_config bc = {.config = &r->dispatch_config,
                        .dispatch = r->dispatch,
                        .words = r->words,
                        .give_up_ms = r->c->receipt_give_up_ms};
    if (rc == GW_OK)
        rc = booker_open(&bc, &b, err);
    if (rc == GW_OK && (rc = booker_start(b, err)) != GW_OK)
        booker_close(b);
    if (rc == GW_OK)
        r->booker = b;
    return rc;
}

/* What both doors need to answer. */
static intake_config door_config(roles *r)
{
    config_dir_path(r->c, "schema", r->schema);
    return (intake_config){.zmq = r->zmq,
                           .zap = r->zap,
                           .endpoint = r->c->intake_endpoint,
                           .pair = &r->pair,
                           .schema_folder = r->schema,
                           .state = r->store,
                           .id_key = r->id_key,
                           .clock = r->clock,
                           .outbox_max = (uint32_t)r->c->intake_outbox_max,
                           .third_parties = r->third_parties,
                           .apart = &r->apart,
                           .rules = &r->rules_places};
}

static gw_code start_http(roles *r, gw_err *err)
{
    role_http_parts parts = {.c = r->c,
                             .dispatch_config = &r->dispatch_config,
                             .dispatch = r->dispatch,
                             .recorder = r->recorder,
                             .booker = r->booker,
                             .intake = door_config(r)};
    return role_http_start(&parts, &r->http, err);
}

static gw_code start_intake(roles *r, gw_err *err)
{
    gw_code rc = query_new(&r->dispatch_config, r->dispatch, &r->query, err);
    if (rc != GW_OK)
        return rc;
    intake_config ic = door_config(r);
    ic.calls = (intake_calls){r->query, query_answer, query_act, query_wake};
    return intake_start(&ic, &r->intake, err);
}

/* ---- all of it ---- */

static gw_code parse_roles(const char *names, unsigned *ret, gw_err *err)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {
        {"intake", INTAKE}, {"dispatch", DISPATCH}, {"recorder", RECORDER}, {"http", HTTP}};
    unsigned wanted = 0;
    for (const char *p = names; *p;) {
        size_t n = strcspn(p, ",");
        unsigned bit = 0;
        for (size_t i = 0; i < GW_COUNT(known); i++)
            if (gw_str_is((gw_str){p, n}, known[i].name))
                bit = known[i].bit;
        if (!bit)
            return gw_fail(err, GW_EINVAL, "roles are intake, dispatch, recorder and http");
        wanted |= bit;
        p += n + (p[n] == ',');
    }
    if (!wanted || ((wanted & DISPATCH) && !(wanted & RECORDER)))
        return gw_fail(err, GW_EINVAL, "dispatch and recorder run in one process: name both");
    *ret = wanted;
    return GW_OK;
}

static gw_code parse_channels(const char *names, unsigned *ret, gw_err *err)
{
    unsigned wanted = 0;
    for (const char *p = names; *p;) {
        size_t n = strcspn(p, ",");
        policy_channel ch = policy_channel_of((gw_str){p, n});
        if (ch == POLICY_CHANNEL_COUNT)
            return gw_fail(err, GW_EINVAL, "workers.channels: channels are email, sms and voice");
        wanted |= 1U << ch;
        p += n + (p[n] == ',');
    }
    *ret = wanted;
    return GW_OK;
}

static gw_code start_parts(roles *r, gw_err *err)
{
    char keys[CONFIG_PATH_BYTES];
    config_data_path(r->c, "keys", keys);
    r->zmq = zmq_ctx_new();
    r->clock = gw_clock_new();
    if (!r->zmq || !r->clock)
        return gw_fail(err, GW_ENOMEM, "starting");
    r->walk = r->c->clock_movable ? clock_walk_new(r->clock) : NULL;
    gw_code rc = roles_open_keys(r, err);
    if (rc == GW_OK)
        rc = roles_open_store(r, err);
    if (rc == GW_OK)
        rc = roles_load_decisions(r, err);
    if (rc == GW_OK)
        rc = zap_start_keys(r->zmq, keys, &r->zap, err);
    if (rc == GW_OK && (r->wanted & RECORDER))
        rc = roles_open_evidence(r, err);
    if (rc != GW_OK)
        return rc;
    if (r->wanted & RECORDER)
        rc = roles_first_start(r, err);
    if (rc != GW_OK)
        return rc;
    fill_dispatch_config(r);
    if (r->wanted & DISPATCH)
        rc = start_dispatch(r, err);
    if (rc == GW_OK && (r->wanted & DISPATCH))
        rc = start_booker(r, err);
    if (rc == GW_OK && (r->wanted & DISPATCH))
        rc = fitter_start(&r->dispatch_config, (int)r->c->timing_fit_hour, &r->fitter, err);
    if (rc == GW_OK && (r->wanted & INTAKE))
        rc = start_intake(r, err);
    if (rc == GW_OK && (r->wanted & HTTP))
        rc = start_http(r, err);
    return rc;
}

gw_code roles_start(const config *c, const char *names, const char *channels, roles **ret,
                    gw_err *err)
{
    roles *r = calloc(1, sizeof *r);
    if (!r)
        return gw_fail(err, GW_ENOMEM, "starting");
    r->c = c;
    gw_code rc = parse_roles(names, &r->wanted, err);
    if (rc == GW_OK)
        rc = parse_channels(channels ? channels : c->worker_channels, &r->channels, err);
    if (rc == GW_OK)
        rc = start_parts(r, err);
    if (rc != GW_OK) {
        roles_stop(r);
        return rc;
    }
    *ret = r;
    return GW_OK;
}

void roles_stop(roles *r)
{
    if (!r)
        return;
    intake_stop(r->intake);
    query_free(r->query);
    role_http_stop(r->http);
    booker_stop(r->booker);
    fitter_stop(r->fitter);
    if (r->running) {
        dispatch_drain(r->dispatch, ROLES_DRAIN_MS);
        pthread_join(r->thread, NULL);
    }
    dispatch_close(r->dispatch);
    recorder_stop(r->recorder);
    evidence_close(r->ev);
    zap_stop(r->zap);
    if (r->zmq)
        zmq_ctx_term(r->zmq);
    for (size_t i = 0; i < r->ladder_n; i++)
        ladder_free(r->ladders[i]);
    free(r->sources);
    free(r->apart_names);
    optout_words_free(r->words);
    policy_rules_free(r->rules);
    for (size_t i = 0; i < r->provider_n; i++)
        provider_free(r->providers[i]);
    third_party_free(r->third_parties);
    zone_table_free(r->zones);
    clock_walk_free(r->walk);
    gw_clock_free(r->clock);
    curve_wipe(&r->pair);
    sodium_memzero(r->id_key, sizeof r->id_key);
    free(r);
}
