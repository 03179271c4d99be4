#include "tests/gateway/dispatch/rig.h"

#include "gateway/base/file.h"
#include "gateway/base/time.h"
#include "gateway/dispatch/load.h"
#include "gateway/intake/bind.h"
#include "gateway/intake/ledger.h"
#include "gateway/intake/marks.h"
#include "gateway/wire/event.h"
#include "templates/engine/store.h"

#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 256 << 20, TURNS_MAX = 4000, TEXT = 65536 };

static const char rules_text[] =
    "{\"format\":2,\"id\":\"test\",\"version\":\"1\",\"title\":\"tests\",\"roles\":[\"company\"],"
    "\"holidays\":null,"
    "\"windows\":[{\"channel\":\"email\",\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],"
    "\"from\":\"08:00\",\"to\":\"20:00\",\"source\":\"test\",\"read\":\"2013-01-01\","
    "\"confidence\":\"house\"},"
    "{\"channel\":\"voice\",\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],"
    "\"from\":\"09:00\",\"to\":\"18:00\",\"source\":\"test\",\"read\":\"2013-01-01\","
    "\"confidence\":\"house\"},"
    "{\"channel\":\"letter\",\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],"
    "\"from\":\"09:00\",\"to\":\"18:00\",\"source\":\"test\",\"read\":\"2013-01-01\","
    "\"confidence\":\"house\"}],"
    "\"caps\":[{\"field\":\"email\",\"per\":\"day\",\"max\":2,\"source\":\"test\",\"read\":"
    "\"2013-01-01\",\"confidence\":\"house\"},"
    "{\"field\":\"voice\",\"per\":\"day\",\"max\":2,\"source\":\"test\",\"read\":"
    "\"2013-01-01\",\"confidence\":\"house\"},"
    "{\"field\":\"voice\",\"per\":\"day\",\"max\":2,\"count\":\"effective\",\"source\":\"test\","
    "\"read\":\"2013-01-01\",\"confidence\":\"house\"}],"
    "\"consent\":[{\"channel\":\"email\",\"mode\":\"opt-out\",\"source\":\"test\",\"read\":"
    "\"2013-01-01\",\"confidence\":\"house\"},"
    "{\"channel\":\"letter\",\"mode\":\"opt-out\",\"source\":\"test\",\"read\":"
    "\"2013-01-01\",\"confidence\":\"house\"},"
    "{\"channel\":\"voice\",\"mode\":\"opt-out\",\"source\":\"test\",\"read\":"
    "\"2013-01-01\",\"confidence\":\"house\"}]}";

static const char ladder_text[] =
    "{\"format\":1,\"id\":\"default\",\"version\":\"1\",\"title\":\"tests\",\"gap_days\":1,"
    "\"steps\":["
    "{\"id\":\"before\",\"day\":-3,\"kind\":\"send\",\"channel\":\"email\",\"template\":\"letter\","
    "\"tone\":1,\"to\":\"primary\",\"fallback\":[],\"cc\":[],\"valid_days\":2,"
    "\"statement\":\"none\"},"
    "{\"id\":\"call\",\"day\":1,\"kind\":\"task\",\"channel\":\"voice\",\"template\":\"call\","
    "\"tone\":2,\"to\":\"primary\",\"fallback\":[],\"cc\":[],\"valid_days\":3,"
    "\"statement\":\"none\"},"
    "{\"id\":\"letter\",\"day\":7,\"kind\":\"send\",\"channel\":\"email\",\"template\":\"letter\","
    "\"tone\":2,\"to\":\"primary\",\"fallback\":[\"finance_head\"],\"cc\":[\"finance_head\"],"
    "\"valid_days\":5,\"statement\":\"detailed\"}]}";

static const char call_manifest_text[] =
    "{\"name\":\"call\",\"locale\":\"en\",\"purpose\":\"call\",\"tone\":2,\"parts\":[\"desk\"],"
    "\"required\":[\"recipient.name\",\"total_open\",\"creditor.name\"],\"optional\":[\"plan\","
    "\"plan.amount\"],\"urls\":[]"
    "}";
static const char call_text[] =
    "May I speak to {{recipient.name}}? This is {{creditor.name}}.\n"
    "{{#tone_friendly}}Friendly.{{/tone_friendly}}{{#tone_firm}}Firm.{{/tone_firm}}"
    "{{#tone_serious}}Serious.{{/tone_serious}} Open: {{total_open}}.\n"
    "{{#plan}}Offer {{#amount}}{{amount}}{{/amount}}.\n{{/plan}}";

static const char manifest_text[] =
    "{\"name\":\"letter\",\"locale\":\"en\",\"purpose\":\"reminder\",\"tone\":2,\"parts\":["
    "\"subject\",\"text\"],\"required\":[],\"optional\":[],\"urls\":[]}";

static void must(rig *r, gw_code rc, const char *doing)
{
    if (rc != GW_OK)
        fail_msg("%s: %s: %s", doing, gw_code_name(rc), r->err.text);
}

static const char *path(rig *r, const char *name)
{
    static char text[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s/%s", r->dir, name);
    return text[turn];
}

static void hex_file(rig *r, const char *name, uint8_t fill)
{
    uint8_t bytes[32];
    char hex[66];
    memset(bytes, fill, sizeof bytes);
    gw_hex(bytes, sizeof bytes, hex);
    must(r, gw_file_replace(path(r, name), gw_str_of(hex), 0600, &r->err), "key file");
}

static void open_evidence(rig *r)
{
    static const char *const names[] = {"evidence", "log.key", "tenant.key"};
    for (int i = 0; i < 3; i++)
        snprintf(r->paths[i], sizeof r->paths[i], "%s", path(r, names[i]));
    evidence_config c = {.dir = r->paths[0],
                         .origin_base = "example.test/dunlin",
                         .log_key = r->paths[1],
                         .tenant_key = r->paths[2],
                         .node = "test",
                         .build = "test"};
    must(r, evidence_open(&c, r->clock, &r->ev, &r->err), "evidence");
}

static void write_file(rig *r, const char *name, const char *text)
{
    must(r, gw_file_replace(path(r, name), gw_str_of(text), 0600, &r->err), name);
}

void rig_publish(rig *r, const char *text)
{
    template_bundle *b;
    must(r, gw_dir_make(path(r, "templates"), 0700, &r->err), "templates");
    must(r, gw_dir_make(path(r, "source/en/letter"), 0700, &r->err), "templates");
    write_file(r, "source/en/letter/template.json", manifest_text);
    write_file(r, "source/en/letter/subject.mustache", "Invoice");
    write_file(r, "source/en/letter/text.mustache", text);
    must(r, template_bundle_load(path(r, "source/en/letter"), &b, &r->err), "bundle");
    must(r, template_store_publish(path(r, "templates"), b, &r->err), "publish");
    template_bundle_free(b);
}

void rig_publish_shipped(rig *r, const char *name)
{
    template_bundle *b;
    char folder[600];
    snprintf(folder, sizeof folder, "%s/templates/%s", getenv("DUNLIN_SOURCE"), name);
    must(r, template_bundle_load(folder, &b, &r->err), folder);
    must(r, template_store_publish(path(r, "templates"), b, &r->err), "publish");
    template_bundle_free(b);
}

static void publish_call(rig *r)
{
    template_bundle *b;
    must(r, gw_dir_make(path(r, "source/en/call"), 0700, &r->err), "templates");
    write_file(r, "source/en/call/template.json", call_manifest_text);
    write_file(r, "source/en/call/desk.mustache", call_text);
    must(r, template_bundle_load(path(r, "source/en/call"), &b, &r->err), "bundle");
    must(r, template_store_publish(path(r, "templates"), b, &r->err), "publish");
    template_bundle_free(b);
}

static void make_keys(rig *r)
{
    char name[64];
    must(r, gw_dir_make(path(r, "keys/workers"), 0700, &r->err), "keys");
    must(r, gw_dir_make(path(r, "keys/clients"), 0700, &r->err), "keys");
    must(r, gw_dir_make(path(r, "keys/operators"), 0700, &r->err), "keys");
    must(r, curve_generate(&r->pair, &r->err), "curve");
    for (int i = 0; i < RIG_WORKERS; i++) {
        snprintf(name, sizeof name, "keys/workers/w%d.pub", i);
        must(r, curve_generate(&r->workers[i].pair, &r->err), "curve");
        must(r, curve_save(&r->workers[i].pair, NULL, path(r, name), &r->err), "curve");
    }
}

static void fill_config(rig *r)
{
    r->sources[0] = (dispatch_source){.name = "*",
                                      .creditor = GW_STR("{\"name\":\"Creditor AG\",\"email\":"
                                                         "\"billing@creditor.example.test\"}"),
                                      .ladder = "default"};
    r->config = (dispatch_config){
        .zmq = r->zmq,
        .zap = r->zap,
        .worker_endpoint = "tcp://127.0.0.1:0",
        .pair = &r->pair,
        .state = {.unix_socket = redis_server_socket(r->redis), .timeout_ms = 3000},
        .evidence = r->ev,
        .clock = r->clock,
        .walk = r->walk,
        .template_store = strdup(path(r, "templates")),
        .id_key = r->id_key,
        .rules = r->rules,
        .zones = r->zones,
        .ladders = (const ladder *const *)r->ladders,
        .ladder_n = 1,
        .sources = r->sources,
        .source_n = 1,
        .sender = {.name = "Creditor AG", .address = "billing@creditor.example.test"},
        .channels = 1U << POLICY_EMAIL,
        .retry = retry_defaults(),
        .promise_grace_days = 2,
        .lease_ms = 60000,
        .silence_ms = 60000,
        .heartbeat_ms = 60000,
    };
    r->config.retry.jitter_percent = 0;
}

int rig_start(void **cm)
{
    rig *r = calloc(1, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "/tmp/dunlin-rig-XXXXXX");
    if (!r || !mkdtemp(r->dir) || sodium_init() < 0)
        return -1;
    r->redis = redis_server_start(NULL);
    if (!r->redis)
        return -1;
    r->arena = gw_arena_new(ROOM);
    r->clock = gw_clock_new();
    gw_clock_set(r->clock, (gw_wall){RIG_MONDAY_10H});
    r->walk = clock_walk_new(r->clock);
    memset(r->id_key, 7, sizeof r->id_key);
    state_config sc = {.unix_socket = redis_server_socket(r->redis), .timeout_ms = 3000};
    must(r, state_open(&sc, &r->store, &r->err), "state");
    must(r, state_setup(r->store, &r->err), "state setup");
    hex_file(r, "log.key", 1);
    hex_file(r, "tenant.key", 2);
    open_evidence(r);
    rig_publish(r, "Please pay.");
    publish_call(r);
    make_keys(r);
    r->rules = policy_rules_new();
    must(r, policy_rules_add_pack(r->rules, "test", gw_str_of(rules_text), &r->err), "rules");
    must(r, policy_rules_seal(r->rules, &r->err), "rules");
    r->zones = zone_table_new();
    must(r, ladder_parse("test", gw_str_of(ladder_text), &r->ladders[0], &r->err), "ladder");
    r->zmq = zmq_ctx_new();
    must(r, zap_start_keys(r->zmq, path(r, "keys"), &r->zap, &r->err), "zap");
    fill_config(r);
    rig_open(r);
    *cm = r;
    return 0;
}

int rig_stop(void **cm)
{
    rig *r = *cm;
    for (int i = 0; i < RIG_WORKERS; i++)
        rig_leave(r, i);
    recorder_stop(r->recorder);
    dispatch_close(r->d);
    zap_stop(r->zap);
    zmq_ctx_term(r->zmq);
    evidence_close(r->ev);
    state_close(r->store);
    policy_rules_free(r->rules);
    zone_table_free(r->zones);
    ladder_free(r->ladders[0]);
    clock_walk_free(r->walk);
    gw_clock_free(r->clock);
    redis_server_free(r->redis);
    gw_arena_free(r->arena);
    free((void *)(uintptr_t)r->config.template_store);
    free(r->facts);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", r->dir);
    int ignored = system(command);
    (void)ignored;
    free(r);
    return 0;
}

void rig_open(rig *r)
{
    r->config.recorder = r->recorder;
    gw_code rc = GW_EIO;
    /* libzmq closes sockets behind our back: a fixed port may be taken for a moment longer. */
    for (int i = 0; i < 200 && rc != GW_OK; i++) {
        rc = dispatch_open(&r->config, &r->d, &r->err);
        if (rc != GW_OK)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    must(r, rc, "dispatch");
    rig_turn(r);
}

void rig_lease_to(rig *r, const char *owner, int64_t until_ms)
{
    redisContext *c = redisConnectUnix(redis_server_socket(r->redis));
    assert_non_null(c);
    for (int shard = 0; shard < STATE_SHARDS; shard++)
        freeReplyObject(redisCommand(c, "HSET dl:{%02d}:lease owner %s until %lld", shard, owner,
                                     (long long)until_ms));
    redisFree(c);
}

static void recorder_failed(void *arg)
{
    (void)arg;
}

void rig_record(rig *r)
{
    must(r, recorder_start(&r->config.state, r->ev, recorder_failed, NULL, &r->recorder, &r->err),
         "recorder");
    dispatch_close(r->d);
    r->d = NULL;
    rig_open(r);
}

void rig_log(rig *r)
{
    recorder *mover;
    must(r, recorder_start(&r->config.state, r->ev, recorder_failed, NULL, &mover, &r->err),
         "recorder");
    recorder_stop(mover);
}

void rig_lose_store(rig *r)
{
    rig_crash(r);
    state_close(r->store);
    r->store = NULL;
    redis_server_free(r->redis);
    r->redis = redis_server_start(NULL);
    assert_non_null(r->redis);
    r->config.state.unix_socket = redis_server_socket(r->redis);
    must(r, state_open(&r->config.state, &r->store, &r->err), "state");
}

void rig_crash(rig *r)
{
    snprintf(r->endpoint, sizeof r->endpoint, "%s", dispatch_endpoint(r->d));
    r->config.worker_endpoint = r->endpoint;
    dispatch_close(r->d);
    r->d = NULL;
}

bool rig_turn(rig *r)
{
    bool busy = false;
    gw_err err = {0};
    for (int i = 0; i < RIG_WORKERS; i++) {
        rig_worker *w = &r->workers[i];
        gw_mono now = gw_mono_now();
        if (!w->socket || !w->beating || now.ms - w->told.ms < 20)
            continue;
        w->told = now;
        wire_header h = {.type = WIRE_HEARTBEAT, .heartbeat = {GW_STR("boot")}};
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, 4096);
        must(r, wire_encode(&h, &b, &r->err), "heartbeat");
        zmq_send(w->socket, "DUNW1", 5, ZMQ_SNDMORE);
        zmq_send(w->socket, "HEARTBEAT", 9, ZMQ_SNDMORE);
        zmq_send(w->socket, b.data, b.n, 0);
    }
    (void)dispatch_step(r->d, 1, &busy, &err);
    return busy;
}

void rig_settle(rig *r)
{
    for (int i = 0, idle = 0; i < 200 && idle < 3; i++)
        idle = rig_turn(r) ? 0 : idle + 1;
}

void rig_set(rig *r, int64_t now_ms)
{
    gw_clock_set(r->clock, (gw_wall){now_ms});
}

/* ---- the billing system ---- */

static const char *whose(const rig *r)
{
    return r->debtor ? r->debtor : "d1";
}

void rig_tell_of(rig *r, const char *debtor, verb v, const char *json)
{
    gw_id did;
    state_debtor found;
    json_doc doc;
    ledger_result out;
    state_verdict verdict;
    gw_arena_reset(r->arena);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(debtor), &did);
    must(r, state_load_debtors(r->store, &did, 1, r->arena, &found, &r->err), "load");
    must(r, json_parse(gw_str_of(json), r->arena, &doc, &r->err), json);
    ledger_event e = {.verb = v,
                      .source = GW_STR("erp"),
                      .debtor = gw_str_of(debtor),
                      .body = &doc,
                      .now = gw_clock_now(r->clock),
                      .receipt = GW_STR("receipt")};
    must(r, ledger_fold(&found, &e, r->arena, &out, &r->err), "fold");
    if (out.verdict != LEDGER_ACCEPTED)
        fail_msg("%s: %s", json, out.verdict == LEDGER_REJECTED ? out.reason : "duplicate");
    state_txn t;
    must(r, ledger_txn(&found, &e, &out, r->id_key, r->arena, &t, &r->err), "txn");
    state_mark marks[MARKS_OF_DEBTOR_MAX];
    size_t mark_n = v == VERB_DEBTOR ? marks_of_debtor(r->id_key, &did, &doc, r->arena, marks) : 0;
    if (mark_n)
        must(r, state_mark_add(r->store, marks, mark_n, &r->err), "mark");
    const teller gateway = {r->store, r->id_key, e.now, r->arena, r->config.apart};
    const bind_debtor self = {did, e.source, e.debtor, &doc};
    if (v == VERB_CONSENT)
        must(r, bind_said(&gateway, &did, e.source, &found, &doc, &r->err), "bind");
    if (v == VERB_DEBTOR) { /* as intake does: told first, then folded into what is there */
        must(r, bind_debtors(&gateway, &self, 1, &r->err), "bind");
        must(r, state_load_debtors(r->store, &did, 1, r->arena, &found, &r->err), "load");
        must(r, ledger_txn(&found, &e, &out, r->id_key, r->arena, &t, &r->err), "txn");
    }
    must(r, state_apply(r->store, &t, 1, &verdict, &r->err), "tell");
    assert_int_equal(verdict, STATE_OK);
}

void rig_tell(rig *r, verb v, const char *json)
{
    rig_tell_of(r, "d1", v, json);
}

void rig_debtor(rig *r)
{
    rig_tell(r, VERB_DEBTOR,
             "{\"id\":\"d1\",\"name\":\"Debtor GmbH\",\"role\":\"company\",\"zone\":"
             "\"Europe/Berlin\",\"locale\":\"en\",\"contacts\":["
             "{\"role\":\"primary\",\"name\":\"Erika\",\"email\":\"erika@debtor.example.test\","
             "\"phone\":\"+4930123456\",\"designated\":true},"
             "{\"role\":\"finance_head\",\"name\":\"Max\",\"email\":\"max@debtor.example.test\","
             "\"designated\":true},"
             "{\"role\":\"partner\",\"name\":\"Other\",\"email\":\"other@partner.example.test\","
             "\"designated\":false}]}");
}

void rig_submit(rig *r, const char *id, const char *more)
{
    rig_submit_on(r, "email", id, more);
}

void rig_submit_on(rig *r, const char *channel, const char *id, const char *more)
{
    char body[2048];
    gw_id rid, did;
    state_accepted verdict;
    gw_arena_reset(r->arena);
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"debtor\":\"%s\",\"channel\":\"%s\",\"template\":\"letter\"%s}", id,
             whose(r), channel, more);
    load_reminder_id(r->id_key, GW_STR("erp"), gw_str_of(id), &rid);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(whose(r)), &did);
    json_doc doc;
    must(r, json_parse(gw_str_of(body), r->arena, &doc, &r->err), body);
    gw_str case_id = json_get_str(&doc, 0, "case");
    state_job job = {rid,
                     did,
                     GW_STR("erp"),
                     gw_str_of(whose(r)),
                     case_id.n ? case_id : gw_str_of(id),
                     gw_str_of(id),
                     gw_str_of(channel),
                     gw_str_of(body)};
    must(r,
         state_accept(r->store, &job, 1, gw_clock_now(r->clock), 100000, r->arena, &verdict,
                      &r->err),
         "submit");
    assert_int_equal(verdict.code, STATE_ACCEPTED);
}

void rig_pause(rig *r, const char *field, bool on)
{
    must(r,
         state_control_set(r->store, gw_str_of(field), on ? GW_STR("{}") : (gw_str){NULL, 0},
                           &r->err),
         "pause");
}

/* ---- what the store says ---- */

static state_hash reminder(rig *r, const char *job)
{
    state_reminder found;
    state_ref ref;
    gw_id did;
    gw_arena_reset(r->arena);
    load_reminder_id(r->id_key, GW_STR("erp"), gw_str_of(job), &ref.rid);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(whose(r)), &did);
    ref.shard = state_shard(&did);
    must(r, state_load_reminders(r->store, &ref, 1, r->arena, &found, &r->err), "load");
    return found.reminder;
}

char rig_state(rig *r, const char *job)
{
    state_hash h = reminder(r, job);
    gw_str s = state_get(&h, "s");
    return s.n ? s.p[0] : 0;
}

const char *rig_field(rig *r, const char *job, const char *field)
{
    static char text[4096];
    state_hash h = reminder(r, job);
    gw_str s = state_get(&h, field);
    snprintf(text, sizeof text, "%.*s", GW_STR_ARG(s));
    return text;
}

int64_t rig_due(rig *r, const char *job)
{
    return strtoll(rig_field(r, job, "due"), NULL, 10);
}

static size_t outbox(rig *r, state_outbox_entry **ret)
{
    gw_str none[STATE_SHARDS] = {{NULL, 0}};
    size_t n;
    gw_arena_reset(r->arena);
    must(r, state_outbox_read(r->store, none, STATE_OUTBOX_READ_MAX, 0, r->arena, ret, &n, &r->err),
         "outbox");
    return n;
}

static void rid_text(rig *r, const char *job, char ret[GW_ID_TEXT])
{
    gw_id rid;
    load_reminder_id(r->id_key, GW_STR("erp"), gw_str_of(job), &rid);
    gw_id_format(&rid, ret);
}

const char *rig_records(rig *r, const char *job)
{
    static char text[TEXT];
    char rid[GW_ID_TEXT];
    state_outbox_entry *e;
    size_t at = 0, n = outbox(r, &e);
    rid_text(r, job, rid);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (gw_str_is(e[i].rec.rid, rid))
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? " " : "",
                                   e[i].rec.event);
    return text;
}

const char *rig_fact(rig *r, const char *job, const char *event)
{
    static char text[TEXT];
    char rid[GW_ID_TEXT];
    state_outbox_entry *e;
    size_t n = outbox(r, &e);
    rid_text(r, job, rid);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (gw_str_is(e[i].rec.rid, rid) && strcmp(e[i].rec.event, event) == 0)
            snprintf(text, sizeof text, "%.*s %.*s", GW_STR_ARG(e[i].rec.why),
                     GW_STR_ARG(e[i].rec.fact));
    return text;
}

const char *rig_attempts(rig *r, const char *job, const char *event)
{
    static char text[256];
    char rid[GW_ID_TEXT];
    state_outbox_entry *e;
    size_t n = outbox(r, &e), at = 0;
    rid_text(r, job, rid);
    text[0] = '\0';
    for (size_t i = 0; i < n && at < sizeof text - 16; i++)
        if (gw_str_is(e[i].rec.rid, rid) && strcmp(e[i].rec.event, event) == 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", at ? " " : "",
                                   e[i].rec.attempt);
    return text;
}

int rig_cap(rig *r, const char *field)
{
    gw_id did;
    state_debtor found;
    gw_arena_reset(r->arena);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(whose(r)), &did);
    must(r, state_load_debtors(r->store, &did, 1, r->arena, &found, &r->err), "load");
    return (int)view_int(state_get(&found.debtor, field), 0);
}

void rig_debtor_field(rig *r, const char *field, char *ret, size_t cap)
{
    gw_id did;
    state_debtor found;
    gw_arena_reset(r->arena);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(whose(r)), &did);
    must(r, state_load_debtors(r->store, &did, 1, r->arena, &found, &r->err), "load");
    snprintf(ret, cap, "%.*s", GW_STR_ARG(state_get(&found.debtor, field)));
}

void rig_item_field(rig *r, const char *field, char *ret, size_t cap)
{
    gw_id did;
    state_debtor found;
    gw_arena_reset(r->arena);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(whose(r)), &did);
    must(r, state_load_debtors(r->store, &did, 1, r->arena, &found, &r->err), "load");
    snprintf(ret, cap, "%.*s", GW_STR_ARG(state_get(&found.items, field)));
}

uint64_t rig_count(rig *r, char letter)
{
    uint64_t by_state[128], waiting;
    must(r, state_counts(r->store, by_state, &waiting, &r->err), "counts");
    return by_state[(unsigned char)letter];
}

/* ---- the worker ---- */

static void send_header(rig *r, int which, const wire_header *h, gw_str payload)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, WIRE_HEADER_MAX);
    must(r, wire_encode(h, &b, &r->err), "encode");
    const char *type = wire_type_name(h->type);
    void *s = r->workers[which].socket;
    bool more = wire_payload_frames(h->type) > 0;
    zmq_send(s, "DUNW1", 5, ZMQ_SNDMORE);
    zmq_send(s, type, strlen(type), ZMQ_SNDMORE);
    zmq_send(s, b.data, b.n, more ? ZMQ_SNDMORE : 0);
    if (more)
        zmq_send(s, payload.p ? payload.p : "", payload.n, 0);
}

rig_worker *rig_join(rig *r, int which, int credit)
{
    return rig_join_on(r, "email", which, credit);
}

rig_worker *rig_join_alone(rig *r, const char *channel, int which, int credit)
{
    r->alone = true;
    rig_worker *w = rig_join_on(r, channel, which, credit);
    r->alone = false;
    return w;
}

rig_worker *rig_join_on(rig *r, const char *channel, int which, int credit)
{
    rig_worker *w = &r->workers[which];
    curve_options options = {.message_bytes_max = WIRE_MESSAGE_MAX, .send_hwm = 0};
    if (!w->socket)
        must(r,
             curve_client(r->zmq, ZMQ_DEALER, dispatch_endpoint(r->d), r->pair.public_key, &w->pair,
                          &options, &w->socket, &r->err),
             "worker");
    snprintf(w->name, sizeof w->name, "%s-%d", channel, which);
    w->beating = true;
    wire_header h = {.type = WIRE_READY,
                     .ready = {gw_str_of(w->name), gw_str_of(channel), credit, r->alone}};
    send_header(r, which, &h, (gw_str){NULL, 0});
    return w;
}

void rig_job_and_worker(rig *r)
{
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_join(r, 0, 4);
}

void rig_leave(rig *r, int which)
{
    if (r->workers[which].socket)
        zmq_close(r->workers[which].socket);
    r->workers[which].socket = NULL;
}

/* One message without waiting; the decoded header lives in the arena. */
static bool receive(rig *r, int which, wire_header *ret, gw_str *ret_payload)
{
    static char frames[4][1 << 20];
    size_t n[4] = {0};
    int count = 0, more = 1;
    size_t size = sizeof more;
    while (more) {
        int got = zmq_recv(r->workers[which].socket, frames[count & 3], sizeof frames[0],
                           count ? 0 : ZMQ_DONTWAIT);
        if (got < 0)
            return false;
        n[count++ & 3] = (size_t)got;
        zmq_getsockopt(r->workers[which].socket, ZMQ_RCVMORE, &more, &size);
    }
    gw_arena_reset(r->arena);
    must(r,
         wire_decode((gw_str){frames[1], n[1]}, (gw_str){frames[2], n[2]}, r->arena, ret, &r->err),
         "decode");
    *ret_payload = (gw_str){frames[3], count > 3 ? n[3] : 0};
    return true;
}

static void copy(char *to, size_t cap, gw_str s)
{
    snprintf(to, cap, "%.*s", GW_STR_ARG(s));
}

static void keep_task(rig *r, const wire_task *w, gw_str facts, rig_task *t)
{
    *t = (rig_task){.attempt = w->ref.attempt,
                    .to_n = w->to_n,
                    .now_ms = w->now_ms,
                    .deadline_ms = w->deadline_ms};
    copy(t->rid, sizeof t->rid, w->ref.rid);
    copy(t->tok, sizeof t->tok, w->ref.tok);
    copy(t->template, sizeof t->template, w->template);
    copy(t->to, sizeof t->to, w->to[0].address);
    copy(t->message_id, sizeof t->message_id, w->message_id);
    free(r->facts);
    r->facts = strndup(facts.p, facts.n);
    t->facts = r->facts;
}

/* The next message that is not a heartbeat, making turns until one comes or patience ends. */
static bool await(rig *r, int which, int turns, wire_header *ret, gw_str *ret_payload)
{
    for (int i = 0; i < turns; i++) {
        while (receive(r, which, ret, ret_payload))
            if (ret->type != WIRE_HEARTBEAT && ret->type != WIRE_DRAIN)
                return true;
        rig_turn(r);
    }
    return false;
}

bool rig_poll_task(rig *r, int which, rig_task *ret)
{
    wire_header h;
    gw_str payload;
    if (!await(r, which, 1, &h, &payload))
        return false;
    assert_int_equal(h.type, WIRE_TASK);
    keep_task(r, &h.task, payload, ret);
    return true;
}

bool rig_try_task(rig *r, int which, rig_task *ret)
{
    wire_header h;
    gw_str payload;
    if (!await(r, which, 60, &h, &payload))
        return false;
    assert_int_equal(h.type, WIRE_TASK);
    keep_task(r, &h.task, payload, ret);
    return true;
}

void rig_expect_task(rig *r, int which, rig_task *ret)
{
    wire_header h;
    gw_str payload;
    do { /* a lost attempt may be called off once more before its successor comes */
        if (!await(r, which, TURNS_MAX, &h, &payload))
            fail_msg("no task came");
    } while (h.type == WIRE_ABORT);
    assert_int_equal(h.type, WIRE_TASK);
    keep_task(r, &h.task, payload, ret);
}

static wire_ref ref_of(const rig_task *t)
{
    return (wire_ref){gw_str_of(t->rid), t->attempt, gw_str_of(t->tok)};
}

void rig_send_intent(rig *r, int which, const rig_task *t)
{
    char bytes[256];
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof digest + 1];
    int n = snprintf(bytes, sizeof bytes, "Message-ID: <%s>\r\n\r\nPlease pay.\r\n", t->message_id);
    crypto_hash_sha256(digest, (const unsigned char *)bytes, (size_t)n);
    gw_hex(digest, sizeof digest, hex);
    wire_header h = {.type = WIRE_INTENT,
                     .intent = {ref_of(t), gw_str_of(hex), gw_str_of(t->message_id), n}};
    send_header(r, which, &h, (gw_str){bytes, (size_t)n});
}

wire_type rig_expect(rig *r, int which, const rig_task *t)
{
    wire_header h;
    gw_str payload;
    if (!await(r, which, TURNS_MAX, &h, &payload))
        fail_msg("no answer came");
    gw_str rid = h.type == WIRE_GO      ? h.go.ref.rid
                 : h.type == WIRE_ABORT ? h.abort.ref.rid
                                        : h.seen.rid;
    assert_true(h.type == WIRE_GO || h.type == WIRE_ABORT || h.type == WIRE_SEEN);
    assert_true(gw_str_is(rid, t->rid));
    return h.type;
}

void rig_send_outcome(rig *r, int which, const rig_task *t, wire_result result, int64_t retry_ms)
{
    wire_header *h = calloc(1, sizeof *h);
    h->type = WIRE_OUTCOME;
    h->outcome = (wire_outcome){.ref = ref_of(t),
                                .outcome = result,
                                .code = result == WIRE_DELIVERED ? 250 : 451,
                                .why = result == WIRE_DELIVERED ? GW_STR("accepted")
                                                                : GW_STR("carrier-said-no"),
                                .retry_after_ms = retry_ms,
                                .remote_host = GW_STR("mx.example.test"),
                                .provider = gw_str_of(r->provider ? r->provider : ""),
                                .provider_ref = gw_str_of(r->provider_ref ? r->provider_ref : "")};
    send_header(r, which, h, GW_STR("250 2.0.0 Ok: queued as 4XyZ\r\n"));
    free(h);
}

void rig_send_call(rig *r, int which, const rig_task *t, wire_result result, const char *why,
                   const wire_call *call)
{
    wire_header *h = calloc(1, sizeof *h);
    h->type = WIRE_OUTCOME;
    h->outcome = (wire_outcome){.ref = ref_of(t),
                                .outcome = result,
                                .why = gw_str_of(why),
                                .retry_after_ms = strcmp(why, "call-later") == 0 ? RIG_DAY : -1,
                                .remote_host = GW_STR("trunk.example.test"),
                                .call = *call};
    send_header(r, which, h, GW_STR("+0 ms dialling\n"));
    free(h);
}

void rig_say_no_go(rig *r, int which, const rig_task *t)
{
    wire_header *h = calloc(1, sizeof *h);
    h->type = WIRE_OUTCOME;
    h->outcome = (wire_outcome){.ref = ref_of(t),
                                .outcome = WIRE_LATER,
                                .why = GW_STR(WIRE_WHY_NO_GO),
                                .retry_after_ms = -1};
    send_header(r, which, h, (gw_str){NULL, 0});
    free(h);
}

void rig_deliver(rig *r, int which, rig_task *ret)
{
    rig_expect_task(r, which, ret);
    rig_send_intent(r, which, ret);
    assert_int_equal(rig_expect(r, which, ret), WIRE_GO);
    rig_send_outcome(r, which, ret, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, which, ret), WIRE_SEEN);
}

bool rig_try_pull(rig *r, int which, char ret_id[128], char ret_own[64])
{
    wire_header h;
    gw_str payload;
    if (!await(r, which, 60, &h, &payload))
        return false;
    assert_int_equal(h.type, WIRE_PULL);
    snprintf(ret_id, 128, "%.*s", GW_STR_ARG(h.pull.id));
    snprintf(ret_own, 64, "%.*s", GW_STR_ARG(h.pull.own));
    return true;
}

void rig_send_pulled(rig *r, int which, const char *id, wire_pulled_verdict verdict,
                     wire_receipt_state says)
{
    wire_header h = {.type = WIRE_PULLED,
                     .pulled = {.id = gw_str_of(id),
                                .verdict = verdict,
                                .state = says,
                                .code = GW_STR("asked"),
                                .at_ms = -1}};
    send_header(r, which, &h, GW_STR("{\"status\":\"asked\"}"));
}

size_t rig_want(rig *r, int which, const char *version)
{
    wire_header h = {.type = WIRE_WANT, .template = {gw_str_of(version)}};
    gw_str payload;
    send_header(r, which, &h, (gw_str){NULL, 0});
    if (!await(r, which, TURNS_MAX, &h, &payload))
        fail_msg("no template came");
    assert_int_equal(h.type, WIRE_TEMPLATE);
    return payload.n;
}
