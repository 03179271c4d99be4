#include "gateway/roles.h"

#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/base/time.h"
#include "gateway/dispatch/fitter.h"
#include "gateway/dispatch/query.h"
#include "gateway/intake/rules.h"
#include "gateway/intake/tell.h"
#include "gateway/intake/windows.h"
#include "gateway/role_http.h"
#include "gateway/wire/provider.h"
#include "templates/engine/store.h"

#include <dirent.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    INTAKE = 1,
    DISPATCH = 2,
    RECORDER = 4,
    HTTP = 8,
    NAME_MAX_BYTES = 300,
    WINDOWS_ARENA = 16 << 20
};

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

/* ---- keys ---- */

static gw_code read_hex_key(const config *c, const char *name, uint8_t ret[GW_ID_KEY_BYTES],
                            gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    size_t n = 0;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 256);
    config_data_path(c, name, path);
    gw_code rc = gw_file_read(path, &text, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "run `dunlin up` once, it makes the keys");
    bool good = sodium_hex2bin(ret, GW_ID_KEY_BYTES, text.data, text.n, "\n", &n, NULL) == 0 &&
                n == GW_ID_KEY_BYTES;
    gw_buf_wipe(&text);
    return good ? GW_OK : gw_fail(err, GW_EINVAL, "%s: 64 hex digits are expected", name);
}

static gw_code open_keys(roles *r, gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    gw_code rc = read_hex_key(r->c, "keys/id.key", r->id_key, err);
    config_data_path(r->c, "keys/gateway.key", path);
    return rc == GW_OK ? curve_load(path, &r->pair, err) : rc;
}

/* ---- the state store and the clock ---- */

static gw_code open_store(roles *r, gw_err *err)
{
    const config *c = r->c;
    r->store = (state_config){
        .unix_socket = *c->redis_socket ? c->redis_socket : NULL,
        .host = c->redis_host,
        .port = (int)c->redis_port,
        .password_file = *c->redis_password_file ? c->redis_password_file : NULL,
        .timeout_ms = (int)c->redis_timeout_ms,
    };
    GW_AUTO(state_close) state *s = NULL;
    gw_code rc = state_open(&r->store, &s, err);
    gw_mono from = gw_mono_now();
    while (rc == GW_OK) {
        rc = state_setup(s, err);
        if (rc != GW_EBUSY || gw_mono_now().ms - from.ms > ROLES_STORE_WAIT_MS)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); /* Redis is still starting */
        rc = GW_OK;
    }
    if (rc != GW_OK)
        return rc;

    gw_wall stored;
    bool manual;
    rc = state_clock_get(s, &manual, &stored, err);
    if (rc != GW_OK)
        return rc;
    if (manual && !c->clock_movable)
        return gw_fail(err, GW_EREFUSED,
                       "this data folder stands at a moved clock; set clock.movable, or release "
                       "the clock first");
    if (!manual && c->clock_movable && *c->clock_start) {
        rc = gw_time_parse(gw_str_of(c->clock_start), &stored, err);
        if (rc == GW_OK)
            rc = state_clock_set(s, &stored, err);
        manual = true;
    }
    if (rc == GW_OK && manual)
        gw_clock_set(r->clock, stored);
    return rc;
}

/* ---- rules, ladders, sources ---- */

static int is_ladder(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 6 && strcmp(e->d_name + n - 6, ".jsonc") == 0;
}

static gw_code load_ladders(roles *r, gw_err *err)
{
    char dir[CONFIG_PATH_BYTES];
    struct dirent **names = NULL;
    gw_code rc = GW_OK;
    config_dir_path(r->c, "ladders", dir);
    int n = scandir(dir, &names, is_ladder, alphasort);
    for (int i = 0; i < n; i++) {
        char path[CONFIG_PATH_BYTES + NAME_MAX_BYTES];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (rc == GW_OK && r->ladder_n == DISPATCH_LADDERS_MAX)
            rc = gw_fail(err, GW_ELIMIT, "more than %d ladders", DISPATCH_LADDERS_MAX);
        if (rc == GW_OK)
            rc = ladder_load(path, &r->ladders[r->ladder_n], err);
        r->ladder_n += rc == GW_OK;
        free(names[i]);
    }
    free(names);
    return rc;
}

static policy_sender sender_named(const char *name)
{
    return strcmp(name, "creditor") == 0      ? POLICY_SENDER_CREDITOR
           : strcmp(name, "third-party") == 0 ? POLICY_SENDER_THIRD_PARTY
                                              : POLICY_SENDER_UNKNOWN;
}

static gw_code load_sources(roles *r, gw_err *err)
{
    static const gw_str none = {"*", 1};
    const config_source *other = config_source_of(r->c, none);
    r->sources = calloc(r->c->source_n + 1, sizeof *r->sources);
    r->apart_names = calloc(r->c->source_n + 1, sizeof *r->apart_names);
    if (!r->sources || !r->apart_names)
        return gw_fail(err, GW_ENOMEM, "reading the sources");
    for (size_t i = 0; i <= r->c->source_n; i++) {
        const config_source *s = i < r->c->source_n ? &r->c->sources[i] : other;
        r->sources[i] = (dispatch_source){.name = s->name,
                                          .creditor = s->creditor,
                                          .signature = s->signature,
                                          .locale = s->locale,
                                          .ladder = s->ladder,
                                          .timing_off = strcmp(s->timing, "off") == 0,
                                          .sender = sender_named(s->sender)};
        if (i < r->c->source_n && strcmp(s->opt_outs, "own") == 0)
            r->apart_names[r->apart.n++] = s->name;
    }
    r->apart.names = r->apart_names;
    return GW_OK;
}

/* What the providers of SMS forbid is a fact of every decision; their secrets are the workers'. */
static gw_code load_providers(roles *r, gw_err *err)
{
    char names[CONFIG_PATH_BYTES];
    char *rest = NULL;
    gw_code rc = GW_OK;
    if (strcmp(r->c->sms_transport, "provider") != 0)
        return GW_OK;
    snprintf(names, sizeof names, "%s", r->c->sms_providers);
    for (char *n = strtok_r(names, ", ", &rest); n && rc == GW_OK;
         n = strtok_r(NULL, ", ", &rest)) {
        if (r->provider_n == ROLES_PROVIDERS_MAX)
            return gw_fail(err, GW_ELIMIT, "sms.providers: more than %d", ROLES_PROVIDERS_MAX);
        rc = provider_load(r->c->dir, n, &r->providers[r->provider_n], err);
        r->provider_n += rc == GW_OK;
    }
    return rc;
}

static gw_code load_decisions(roles *r, gw_err *err)
{
    config_dir_path(r->c, "rules", r->rules_dir);
    config_dir_path(r->c, "calendars", r->calendars_dir);
    config_data_path(r->c, "keys/rules", r->rules_keys);
    r->rules_places = (rules_places){.rules = r->rules_dir,
                                     .calendars = r->calendars_dir,
                                     .keys = r->rules_keys,
                                     .must_be_signed = r->c->rules_require_signature};
    r->zones = zone_table_new();
    if (!r->zones)
        return gw_fail(err, GW_ENOMEM, "opening the zones");
    char outsiders[CONFIG_PATH_BYTES];
    config_dir_path(r->c, "third_parties.jsonc", outsiders);
    gw_code rc = rules_read_files(&r->rules_places, &r->rules, err);
    if (rc == GW_OK)
        rc = third_party_load(outsiders, &r->third_parties, err);
    if (rc == GW_OK)
        rc = load_providers(r, err);
    if (rc == GW_OK)
        rc = load_ladders(r, err);
    return rc == GW_OK ? load_sources(r, err) : rc;
}

/* ---- windows of the house ---- */

/* Put config/windows.jsonc in force. A missing file is no change. */
static gw_code take_windows(const roles *r, state *s, const char *by, const char *reason,
                            gw_err *err)
{
    char path[CONFIG_PATH_BYTES];
    bool changed = false;
    GW_AUTO_BUF gw_buf text;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(WINDOWS_ARENA);
    gw_buf_init(&text, HOUSE_FILE_BYTES_MAX);
    config_dir_path(r->c, "windows.jsonc", path);
    gw_code rc = arena ? gw_file_read(path, &text, err) : gw_fail(err, GW_ENOMEM, "windows");
    if (rc == GW_ENOTFOUND)
        return GW_OK;
    const windows_act act = {.by = gw_str_of(by),
                             .key = GW_STR("config/windows.jsonc"),
                             .reason = gw_str_of(reason),
                             .now = gw_clock_now(r->clock)};
    if (rc == GW_OK)
        rc = windows_apply(s, path, gw_buf_str(&text), &act, arena, &changed, err);
    if (rc == GW_OK && changed)
        gw_log(GW_LOG_INFO, "windows in force changed", "by=%s", by);
    return rc;
}

/* ---- rules ---- */

static gw_code take_rules(const roles *r, state *s, const char *by, const char *reason, gw_err *err)
{
    bool changed = false;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(WINDOWS_ARENA);
    const rules_act act = {.by = gw_str_of(by),
                           .key = GW_STR("config/rules"),
                           .reason = gw_str_of(reason),
                           .now = gw_clock_now(r->clock)};
    gw_code rc = arena ? rules_apply(s, &r->rules_places, &act, arena, &changed, err)
                       : gw_fail(err, GW_ENOMEM, "rules");
    if (rc == GW_OK && changed)
        gw_log(GW_LOG_INFO, "rules in force changed", "by=%s", by);
    return rc;
}

/* Which rules are in force was somebody's act; what lies in the files since is told, not taken. */
static void tell_other_rules(const roles *r, const state_hash *control)
{
    if (!memmem(rules_in_force(control).p, rules_in_force(control).n, policy_rules_hash(r->rules),
                strlen(policy_rules_hash(r->rules))))
        gw_log(GW_LOG_WARN,
               "the files of rules are not what is in force: see dunlin rules diff, apply", NULL);
}

/* ---- what is in force ---- */

/* From the files at the first start only: later what is in force was put there by an act. */
static gw_code first_start(const roles *r, gw_err *err)
{
    GW_AUTO(state_close) state *s = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(WINDOWS_ARENA);
    state_hash control;
    gw_code rc = arena ? state_open(&r->store, &s, err) : gw_fail(err, GW_ENOMEM, "windows");
    if (rc == GW_OK)
        rc = state_control_get(s, arena, &control, err);
    if (rc != GW_OK)
        return rc;
    if (rules_in_force(&control).n)
        tell_other_rules(r, &control);
    else
        rc = take_rules(r, s, "start", "first start", err);
    if (rc == GW_OK && !windows_in_force(&control).n)
        rc = take_windows(r, s, "start", "first start", err);
    return rc;
}

/* Each for itself: a fault in one keeps the other from nothing. */
gw_code roles_reload(roles *r, gw_err *err)
{
    GW_AUTO(state_close) state *s = NULL;
    gw_err second = {0};
    gw_code rc = state_open(&r->store, &s, err);
    if (rc != GW_OK)
        return rc;
    rc = take_windows(r, s, "SIGHUP", "reload", err);
    gw_code rules = take_rules(r, s, "SIGHUP", "reload", &second);
    if (rules == GW_OK)
        return rc;
    return rc == GW_OK ? gw_fail(err, rules, "%s", second.text)
                       : gw_wrap(err, rc, "%.80s; and", second.text);
}

/* ---- evidence ---- */

/* The log cannot be trusted any more: a new start verifies and recovers it. */
static void evidence_failed(void *arg)
{
    (void)arg;
    gw_log(GW_LOG_ERROR, "the evidence log failed; the process ends", NULL);
    _exit(1);
}

/* A store that knows no log beside a log with records was lost: to go on would forget every
 * consent, cap and hold. */
static gw_code know_store(const roles *r, gw_err *err)
{
    GW_AUTO(state_close) state *s = NULL;
    gw_str last[EVIDENCE_SHARDS];
    char origin[256];
    uint64_t size;
    bool known = false;
    bool logged = false;
    gw_code rc = state_open(&r->store, &s, err);
    if (rc == GW_OK)
        rc = state_log_known(s, &known, err);
    if (rc != GW_OK || known)
        return rc;
    rc = evidence_positions(r->ev, last);
    if (rc != GW_OK)
        return gw_fail(err, rc, "reading the log's positions");
    for (int i = 0; i < EVIDENCE_SHARDS; i++)
        logged = logged || last[i].n > 0;
    if (logged)
        return gw_fail(err, GW_EREFUSED,
                       "the state store is empty but the evidence log is not: the store was lost. "
                       "Run `dunlin rebuild`; nothing is sent until then");
    evidence_size(r->ev, origin, &size);
    return state_log_set(s, gw_str_of(origin), err);
}

static gw_code open_evidence(roles *r, gw_err *err)
{
    char dir[CONFIG_PATH_BYTES], log_key[CONFIG_PATH_BYTES], tenant_key[CONFIG_PATH_BYTES];
    config_data_path(r->c, "evidence", dir);
    config_data_path(r->c, "keys/log.key", log_key);
    config_data_path(r->c, "keys/tenant.key", tenant_key);
    evidence_config ec = {.dir = dir,
                          .origin_base = r->c->evidence_origin,
                          .log_key = log_key,
                          .tenant_key = tenant_key,
                          .node = r->c->evidence_node,
                          .build = DUNLIN_VERSION,
                          .config_hash = r->c->hash,
                          .rules_hash = policy_rules_hash(r->rules)};
    gw_code rc = evidence_open(&ec, r->clock, &r->ev, err);
    if (rc == GW_OK)
        rc = know_store(r, err);
    if (rc == GW_OK)
        rc = recorder_start(&r->store, r->ev, evidence_failed, NULL, &r->recorder, err);
    return rc;
}

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
    gw_code rc = open_keys(r, err);
    if (rc == GW_OK)
        rc = open_store(r, err);
    if (rc == GW_OK)
        rc = load_decisions(r, err);
    if (rc == GW_OK)
        rc = zap_start_keys(r->zmq, keys, &r->zap, err);
    if (rc == GW_OK && (r->wanted & RECORDER))
        rc = open_evidence(r, err);
    if (rc != GW_OK)
        return rc;
    if (r->wanted & RECORDER)
        rc = first_start(r, err);
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
