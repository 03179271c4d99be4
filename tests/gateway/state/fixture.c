#include "tests/gateway/state/fixture.h"

#include <stdio.h>
#include <string.h>

void fixture_raw(fixture *f)
{
    if (f->raw)
        redisFree(f->raw);
    f->raw = redisConnectUnix(redis_server_socket(f->redis));
    assert_non_null(f->raw);
    assert_int_equal(f->raw->err, 0);
}

int fixture_start(void **cm)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->redis = redis_server_start(NULL);
    assert_non_null(f->redis);
    f->arena = gw_arena_new((size_t)64 << 20);
    assert_non_null(f->arena);
    state_config config = {.unix_socket = redis_server_socket(f->redis),
                           .timeout_ms = FIXTURE_TIMEOUT_MS};
    assert_ok(f, state_open(&config, &f->s, &f->err));
    assert_ok(f, state_setup(f->s, &f->err));
    fixture_raw(f);
    *cm = f;
    return 0;
}

int fixture_stop(void **cm)
{
    fixture *f = *cm;
    state_close(f->s);
    if (f->raw)
        redisFree(f->raw);
    gw_arena_free(f->arena);
    redis_server_free(f->redis);
    free(f);
    return 0;
}

gw_id id_of(uint64_t n)
{
    static const uint8_t key[GW_ID_KEY_BYTES] = {7};
    gw_id id;
    gw_id_keyed(key, &(gw_str){(const char *)&n, sizeof n}, 1, &id);
    return id;
}

gw_id id_in(uint8_t shard, uint64_t n)
{
    gw_id id = id_of(n);
    id.b[0] = shard;
    return id;
}

state_job job_of(uint64_t rid, uint64_t did, const char *body)
{
    return (state_job){.rid = id_of(rid),
                       .did = id_of(did),
                       .source = GW_STR("erp"),
                       .debtor = GW_STR("d-1"),
                       .case_id = GW_STR("case-1"),
                       .job = GW_STR("job-1"),
                       .channel = GW_STR("email"),
                       .body = gw_str_of(body)};
}

state_accepted accept_one(fixture *f, state_job job, int64_t now_ms, uint32_t outbox_max)
{
    state_accepted got;
    assert_ok(f,
              state_accept(f->s, &job, 1, (gw_wall){now_ms}, outbox_max, f->arena, &got, &f->err));
    return got;
}

state_verdict apply_one(fixture *f, state_txn t)
{
    state_verdict v = STATE_UNKNOWN;
    assert_ok(f, state_apply(f->s, &t, 1, &v, &f->err));
    return v;
}

state_txn txn_on(const gw_id *did, const gw_id *rid, int64_t version, const state_field *sets,
                 size_t n)
{
    return (state_txn){.shard = state_shard(did),
                       .did = did,
                       .debtor_version = -1,
                       .rid = rid,
                       .version = version,
                       .sets = sets,
                       .n = n};
}

state_hash load_reminder(fixture *f, uint8_t shard, const gw_id *rid)
{
    state_ref ref = {.rid = *rid, .shard = shard};
    state_reminder r;
    assert_ok(f, state_load_reminders(f->s, &ref, 1, f->arena, &r, &f->err));
    return r.reminder;
}

gw_str reminder_field(fixture *f, uint8_t shard, const gw_id *rid, const char *name)
{
    state_hash h = load_reminder(f, shard, rid);
    return state_get(&h, name);
}

state_debtor load_debtor(fixture *f, const gw_id *did)
{
    state_debtor d;
    assert_ok(f, state_load_debtors(f->s, did, 1, f->arena, &d, &f->err));
    return d;
}

gw_str debtor_field(fixture *f, const gw_id *did, const char *name)
{
    state_debtor d = load_debtor(f, did);
    return state_get(&d.debtor, name);
}

static int by_text(const void *a, const void *b)
{
    const redisReply *const *x = a, *const *y = b;
    return strcmp((*x)->str, (*y)->str);
}

char *snapshot(fixture *f, size_t *ret_n)
{
    gw_buf all;
    gw_buf_init(&all, (size_t)64 << 20);
    redisReply *keys = redisCommand(f->raw, "KEYS *");
    assert_non_null(keys);
    qsort(keys->element, keys->elements, sizeof(redisReply *), by_text);
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *dump =
            redisCommand(f->raw, "DUMP %b", keys->element[i]->str, keys->element[i]->len);
        assert_non_null(dump);
        gw_buf_put(&all, keys->element[i]->str, keys->element[i]->len);
        gw_buf_put(&all, dump->str, dump->len);
        freeReplyObject(dump);
    }
    freeReplyObject(keys);
    gw_buf_putc(&all, '.');
    return gw_buf_take(&all, ret_n);
}

void assert_unchanged(fixture *f, char *before, size_t n)
{
    size_t now_n = 0;
    char *now = snapshot(f, &now_n);
    assert_int_equal(now_n, n);
    assert_memory_equal(now, before, n);
    free(now);
    free(before);
}
