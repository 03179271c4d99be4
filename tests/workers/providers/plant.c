#include "tests/workers/providers/plant.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static const char facts[] = "{\"creditor\":{\"name\":\"Creditor Ltd\"},\"reference\":\"INV-1\"}";
static const char bundle_json[] =
    "{\"format\":1,\"guard\":{\"opt_out\":[\"reply stop\"],\"rules\":[]},"
    "\"manifest\":{\"locale\":\"en\",\"name\":\"note\",\"optional\":[],\"parts\":["
    "\"sms\",\"voice\"],"
    "\"purpose\":\"reminder\",\"required\":[\"creditor.name\"],\"tone\":2,\"urls\":[]},"
    "\"partials\":{},"
    "\"parts\":{\"sms\":\"{{creditor.name}}: 5 \xE2\x82\xAC, ref. {{reference}}. Reply "
    "STOP.\\n\",\"voice\":\"This is {{creditor.name}}. Please call us back.\\n\"}}";
const char plant_text[] = "Creditor Ltd: 5 \xE2\x82\xAC, ref. INV-1. Reply STOP.";

void plant_write(const plant *p, const char *name, const char *text, unsigned mode)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, mode);
}

static void on_report(void *arg, channel_attempt *a)
{
    plant *p = arg;
    pthread_mutex_lock(&p->lock);
    p->reported[p->reported_n++] = a;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void *serve(void *arg)
{
    plant *p = arg;
    p->driver.serve(p->driver.self, p->source);
    return NULL;
}

static bool is_creditor(const void *arg, gw_str source)
{
    (void)source;
    return *(const bool *)arg;
}

plant *plant_new(void)
{
    plant *p = calloc(1, sizeof *p);
    char path[200], shapes[600];
    assert_non_null(p);
    strcpy(p->dir, "/tmp/dunlin-route-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    static const char *const folders[] = {"providers", "secrets"};
    for (size_t i = 0; i < GW_COUNT(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    snprintf(path, sizeof path, "%s/schema", p->dir);
    snprintf(shapes, sizeof shapes, "%s/config/schema", getenv("DUNLIN_SOURCE"));
    assert_int_equal(symlink(shapes, path), 0);
    p->server = http_server_start(NULL);
    gw_err err = {0};
    if (template_bundle_parse(GW_STR(bundle_json), &p->bundle, &err) != GW_OK)
        fail_msg("%s", err.text);
    return p;
}

static fleet_config fleet_of(const plant *p, const char *carries, const char *names,
                             const bool *creditor)
{
    return (fleet_config){.names = names,
                          .config_dir = p->dir,
                          .data_dir = p->dir,
                          .channel = carries,
                          .callback_url = "https://us.example.test/hooks",
                          .query_after_ms = 5,
                          .is_creditor = is_creditor,
                          .arg = creditor};
}

static void start(plant *p)
{
    gw_err err = {0};
    assert_int_equal(p->driver.bench_new(p->driver.self, &p->bench, &err), GW_OK);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->source = channel_source_new(on_report, p);
    pthread_create(&p->thread, NULL, serve, p);
}

void plant_open(plant *p, const char *names, const bool *creditor)
{
    gw_err err = {0};
    const sms_config config = {.transport = SMS_PROVIDER,
                               .parts_max = 10,
                               .validity_max_ms = 3600000,
                               .outbox = {.folder = p->dir},
                               .fleet = fleet_of(p, "sms", names, creditor)};
    if (sms_channel(&config, &p->driver, &err) != GW_OK)
        fail_msg("%s", err.text);
    start(p);
}

void plant_open_voice(plant *p, const char *names, const bool *creditor)
{
    gw_err err = {0};
    const voice_config config = {.transport = VOICE_PROVIDER,
                                 .promise_days = 7,
                                 .outbox = {.folder = p->dir},
                                 .fleet = fleet_of(p, "voice", names, creditor)};
    if (voice_channel(&config, &p->driver, &err) != GW_OK)
        fail_msg("%s", err.text);
    start(p);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void plant_stop(plant *p)
{
    channel_source_close(p->source);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < p->n; i++)
        channel_attempt_free(p->attempts[i]);
    p->driver.bench_free(p->bench);
    p->driver.close(p->driver.self);
    template_bundle_free(p->bundle);
    channel_source_free(p->source);
    http_server_stop(p->server);
    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(p);
}

channel_attempt *plant_attempt(plant *p, int64_t left_s)
{
    channel_attempt *a = channel_attempt_new(SMS_BYTES_MAX);
    wire_task *t = gw_arena_alloc(a->arena, sizeof *t);
    *t = (wire_task){.ref = {GW_STR("0123456789abcdefghjkmnpqrs"), (int)p->n + 1, GW_STR("07tok")},
                     .source = GW_STR("billing"),
                     .template = gw_str_of(template_bundle_version(p->bundle)),
                     .locale = GW_STR("en"),
                     .now_ms = PLANT_NOW * INT64_C(1000),
                     .deadline_ms = (PLANT_NOW + left_s) * INT64_C(1000),
                     .to_n = 1};
    t->to[0] = (wire_recipient){
        .role = GW_STR("primary"), .address = GW_STR("+15550100123"), .kind = GW_STR("to")};
    a->task = t;
    a->facts = GW_STR(facts);
    a->go_wall_ms = t->now_ms;
    a->go_at = gw_mono_now();
    p->attempts[p->n++] = a;
    return a;
}

void plant_prepare(plant *p, channel_attempt *a)
{
    gw_err err = {0};
    if (p->driver.prepare(p->driver.self, p->bench, a, p->bundle, &err) != GW_OK)
        fail_msg("%s", err.text);
}

void plant_wait(plant *p, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&p->lock);
    while (p->reported_n < n)
        if (pthread_cond_timedwait(&p->wake, &p->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&p->lock);
    assert_int_equal(p->reported_n, n);
}

channel_attempt *plant_send(plant *p)
{
    channel_attempt *a = plant_attempt(p, 3600);
    plant_prepare(p, a);
    size_t before = p->reported_n;
    assert_true(channel_source_put(p->source, a));
    plant_wait(p, before + 1);
    return a;
}
