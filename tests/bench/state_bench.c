/* state_bench.c - how fast the state store accepts and changes, beside plain XADD of the same
 * bytes.
 *
 *   state_bench [seconds per row [raw | accept | accept-one | apply | apply-one | memory]...]
 *
 * One client, one redis-server of its own with appendfsync always, on this machine. Rows: raw is
 * pipelined XADD through plain hiredis; spread = debtors over all shards as in life, one = all in
 * one shard. Also bytes of memory per planned reminder. */
#include "gateway/state/state.h"
#include "tests/support/redis_server.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

enum { BODY_BYTES = 1024, MEMORY_REMINDERS = 100000, BATCH_MAX = 1024 };

static char body[BODY_BYTES];
static gw_arena *arena;
static uint64_t counter;

static void must(gw_code rc, const gw_err *err)
{
    if (rc == GW_OK)
        return;
    fprintf(stderr, "state_bench: %s\n", err->text);
    exit(1);
}

static gw_id some_id(bool one_shard)
{
    static const uint8_t key[GW_ID_KEY_BYTES] = {1};
    gw_id id;
    counter++;
    gw_id_keyed(key, &(gw_str){(const char *)&counter, sizeof counter}, 1, &id);
    if (one_shard)
        id.b[0] = 0;
    return id;
}

static void clear(redis_server *redis)
{
    redisContext *c = redisConnectUnix(redis_server_socket(redis));
    freeReplyObject(redisCommand(c, "FLUSHDB"));
    freeReplyObject(redisCommand(c, "BGREWRITEAOF"));
    for (bool busy = true; busy;) {
        redisReply *r = redisCommand(c, "INFO persistence");
        busy = strstr(r->str, "aof_rewrite_in_progress:1") ||
               strstr(r->str, "aof_rewrite_scheduled:1");
        freeReplyObject(r);
    }
    redisFree(c);
}

static double info_number(redis_server *redis, const char *name)
{
    redisContext *c = redisConnectUnix(redis_server_socket(redis));
    redisReply *r = redisCommand(c, "INFO");
    const char *at = strstr(r->str, name);
    double v = at ? strtod(at + strlen(name), NULL) : 0;
    freeReplyObject(r);
    redisFree(c);
    return v;
}

/* Processor seconds Redis has used: unlike the rate they do not depend on the disk or on what else
 * the machine does. */
typedef struct {
    double user, kernel;
} usage;

static usage cpu(redis_server *redis)
{
    return (usage){info_number(redis, "used_cpu_user:"), info_number(redis, "used_cpu_sys:")};
}

static void row(redis_server *redis, const char *what, size_t batch, uint64_t done, gw_mono start,
                usage before)
{
    int64_t ms = gw_mono_now().ms - start.ms;
    usage now = cpu(redis);
    printf("%-20s batch %5zu  %9.0f /s   redis %5.2f us each, of it kernel %5.2f\n", what, batch,
           (double)done * 1000 / (double)(ms ? ms : 1),
           (now.user + now.kernel - before.user - before.kernel) * 1e6 / (double)done,
           (now.kernel - before.kernel) * 1e6 / (double)done);
    fflush(stdout);
}

static void bench_raw(redis_server *redis, size_t batch, int64_t ms)
{
    redisContext *c = redisConnectUnix(redis_server_socket(redis));
    uint64_t done = 0;
    usage used = cpu(redis);
    gw_mono start = gw_mono_now();
    while (gw_mono_now().ms - start.ms < ms) {
        for (size_t i = 0; i < batch; i++)
            redisAppendCommand(c, "XADD raw * b %b", body, sizeof body);
        for (size_t i = 0; i < batch; i++) {
            void *r = NULL;
            if (redisGetReply(c, &r) != REDIS_OK)
                exit(1);
            freeReplyObject(r);
        }
        done += batch;
    }
    row(redis, "raw XADD", batch, done, start, used);
    redisFree(c);
    clear(redis);
}

static void accept_batch(state *s, size_t n, bool one, state_job *jobs)
{
    static state_accepted ret[BATCH_MAX];
    gw_err err = {0};
    for (size_t i = 0; i < n; i++)
        jobs[i] = (state_job){some_id(one),        some_id(one),
                              GW_STR("erp-north"), GW_STR("customer-4711"),
                              GW_STR("case-12"),   GW_STR("job-2013-01-0001"),
                              GW_STR("email"),     {body, sizeof body}};
    must(state_accept(s, jobs, n, (gw_wall){1357000000000 + (int64_t)counter / 64}, UINT32_MAX,
                      arena, ret, &err),
         &err);
    gw_arena_reset(arena);
}

static void bench_accept(redis_server *redis, state *s, size_t batch, bool one, int64_t ms)
{
    static state_job jobs[BATCH_MAX];
    uint64_t done = 0;
    usage used = cpu(redis);
    gw_mono start = gw_mono_now();
    while (gw_mono_now().ms - start.ms < ms) {
        accept_batch(s, batch, one, jobs);
        done += batch;
    }
    row(redis, one ? "accept, one shard" : "accept, spread", batch, done, start, used);
    clear(redis);
}

/* claim and give back: fence, both versions, two caps, lane, one record */
static void bench_apply(redis_server *redis, state *s, size_t batch, bool one, int64_t ms)
{
    static state_job jobs[BATCH_MAX];
    static state_txn txns[BATCH_MAX];
    static state_verdict ret[BATCH_MAX];
    gw_err err = {0};
    uint64_t fence[STATE_SHARDS];
    gw_id me = some_id(false);
    must(state_lease(s, &me, 60000, fence, &err), &err);
    accept_batch(s, batch, one, jobs);
    const state_field sets[] = {{GW_STR("s"), GW_STR("P")},
                                {GW_STR("n"), GW_STR("1")},
                                {GW_STR("tok"), GW_STR("3f1c9a")},
                                {GW_STR("why"), GW_STR("")}};
    const state_field claim[] = {{GW_STR("s"), GW_STR("C")},
                                 {GW_STR("n"), GW_STR("1")},
                                 {GW_STR("tok"), GW_STR("3f1c9a")},
                                 {GW_STR("why"), GW_STR("")}};
    const state_cap take[] = {{"c:email:2013-01-02", 1000000, NULL, 0}};
    const char *const give[] = {"c:email:2013-01-02"};
    const state_record rec = {.event = "x-AttemptIntent",
                              .t = {1357000000000},
                              .source = GW_STR("erp-north"),
                              .debtor = GW_STR("customer-4711"),
                              .case_id = GW_STR("case-12"),
                              .rid = GW_STR("0123456789abcdefghjkmnpqrs"),
                              .attempt = 1,
                              .why = GW_STR("due"),
                              .fact = GW_STR("{\"channel\":\"email\",\"template\":\"due-1\"}"),
                              .priv = GW_STR("{\"to\":\"a@example.test\"}")};
    for (size_t i = 0; i < batch; i++)
        txns[i] = (state_txn){.shard = state_shard(&jobs[i].did),
                              .fence = fence[state_shard(&jobs[i].did)],
                              .did = &jobs[i].did,
                              .debtor_version = 0,
                              .rid = &jobs[i].rid,
                              .version = 1,
                              .n = 4,
                              .due_ms = 1357000000000,
                              .records = &rec,
                              .record_n = 1};
    uint64_t done = 0;
    usage used = cpu(redis);
    gw_mono start = gw_mono_now();
    for (bool up = true; gw_mono_now().ms - start.ms < ms; up = !up) {
        for (size_t i = 0; i < batch; i++) {
            state_txn *t = &txns[i];
            t->sets = up ? claim : sets;
            t->takes = take;
            t->take_n = up;
            t->gives = give;
            t->give_n = !up;
            t->lane = up ? 'e' : 'w';
        }
        must(state_apply(s, txns, batch, ret, &err), &err);
        for (size_t i = 0; i < batch; i++) {
            if (ret[i] != STATE_OK) {
                fprintf(stderr, "state_bench: verdict %d\n", ret[i]);
                exit(1);
            }
            txns[i].version++;
        }
        done += batch;
    }
    row(redis, one ? "apply, one shard" : "apply, spread", batch, done, start, used);
    clear(redis);
}

static void measure_memory(redis_server *redis, state *s)
{
    static state_job jobs[BATCH_MAX];
    static state_txn txns[BATCH_MAX];
    static state_verdict ret[BATCH_MAX];
    gw_err err = {0};
    double before = info_number(redis, "used_memory:");
    const state_field sets[] = {{GW_STR("s"), GW_STR("P")},
                                {GW_STR("why"), GW_STR("window")},
                                {GW_STR("tv"), GW_STR("due-1@3")}};
    for (size_t done = 0; done < MEMORY_REMINDERS; done += 1000) {
        accept_batch(s, 1000, false, jobs);
        for (size_t i = 0; i < 1000; i++)
            txns[i] = (state_txn){.shard = state_shard(&jobs[i].did),
                                  .debtor_version = -1,
                                  .rid = &jobs[i].rid,
                                  .version = 1,
                                  .sets = sets,
                                  .n = 3,
                                  .lane = 'e',
                                  .due_ms = 1357100000000 + (int64_t)(done + i) * 1000};
        must(state_apply(s, txns, 1000, ret, &err), &err);
    }
    double with_outbox = info_number(redis, "used_memory:");
    gw_str through[STATE_SHARDS];
    for (size_t k = 0; k < STATE_SHARDS; k++)
        through[k] = GW_STR("9999999999999-0");
    must(state_outbox_trim_all(s, through, &err), &err);
    double after = info_number(redis, "used_memory:");
    printf(
        "memory of one planned reminder with a %d byte body: %.0f bytes; its outbox entry before "
        "it is logged: %.0f\n",
        BODY_BYTES, (after - before) / MEMORY_REMINDERS, (with_outbox - after) / MEMORY_REMINDERS);
    clear(redis);
}

/* Without names every row runs. */
static bool wanted(char **argv, const char *name)
{
    if (!argv[0] || !argv[1] || !argv[2])
        return true;
    for (char **a = argv + 2; *a; a++)
        if (strcmp(*a, name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    int64_t ms = (argc > 1 ? strtoll(argv[1], NULL, 10) : 5) * 1000;
    GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(NULL);
    arena = gw_arena_new((size_t)16 << 20);
    if (!redis || !arena)
        return 1;
    memset(body, 'x', sizeof body);
    GW_AUTO(state_close) state *s = NULL;
    gw_err err = {0};
    must(state_open(&(state_config){.unix_socket = redis_server_socket(redis)}, &s, &err), &err);
    must(state_setup(s, &err), &err);
    static const size_t batches[] = {64, 256, 1024};
    for (size_t i = 0; i < GW_COUNT(batches) && wanted(argv, "raw"); i++)
        bench_raw(redis, batches[i], ms);
    for (size_t i = 0; i < GW_COUNT(batches) && wanted(argv, "accept"); i++)
        bench_accept(redis, s, batches[i], false, ms);
    if (wanted(argv, "accept-one"))
        bench_accept(redis, s, 1024, true, ms);
    for (size_t i = 0; i < GW_COUNT(batches) && wanted(argv, "apply"); i++)
        bench_apply(redis, s, batches[i], false, ms);
    if (wanted(argv, "apply-one"))
        bench_apply(redis, s, 1024, true, ms);
    if (wanted(argv, "memory"))
        measure_memory(redis, s);
    gw_arena_free(arena);
    return 0;
}
