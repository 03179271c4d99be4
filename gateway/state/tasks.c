/* tasks.c - the tasks of people, by rank: the indexes k:O, k:L and k:T of all shards in one look.
 */
#include "gateway/state/conn.h"

typedef struct {
    state_ref ref;
    int64_t rank;
} ranked;

static void ask_shard(state *s, unsigned shard, char by_state, size_t limit)
{
    const char kind[] = {'k', ':', by_state, '\0'};
    conn_command(s, 5, "ZREVRANGE");
    conn_arg_key(s, shard, kind, NULL);
    conn_arg_z(s, "0");
    conn_arg_int(s, (int64_t)limit - 1);
    conn_arg_z(s, "WITHSCORES");
}

static gw_code take_shard(state *s, unsigned shard, size_t limit, ranked *at, size_t *n,
                          gw_err *err)
{
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    if (rc == GW_OK && (r->type != REDIS_REPLY_ARRAY || r->elements % 2 || r->elements / 2 > limit))
        rc = conn_unexpected("ZREVRANGE", err);
    for (size_t i = 0; rc == GW_OK && i < r->elements; i += 2) {
        ranked *to = &at[*n];
        to->ref.shard = (uint8_t)shard;
        to->rank = conn_int(r->element[i + 1], 0);
        rc = conn_rid(r->element[i], &to->ref.rid, err);
        *n += rc == GW_OK;
    }
    return rc;
}

/* Equal ranks in the order of ids, so that a list is the same twice. */
static int higher(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return memcmp(x->ref.rid.b, y->ref.rid.b, sizeof x->ref.rid.b);
}

gw_code state_tasks(state *s, char by_state, size_t limit, gw_arena *arena, state_ref **ret,
                    size_t *ret_n, gw_err *err)
{
    if (!by_state || !strchr("OLT", by_state) || limit == 0 || limit > STATE_LIST_MAX)
        return gw_fail(err, GW_EINVAL, "tasks: state is one of O L T, limit 1..%d", STATE_LIST_MAX);
    ranked *all = gw_arena_alloc(arena, STATE_SHARDS * limit * sizeof *all);
    state_ref *refs = gw_arena_alloc(arena, limit * sizeof *refs);
    size_t n = 0;
    if (!all || !refs)
        return gw_fail(err, GW_ENOMEM, "tasks do not fit the arena");
    gw_code rc = conn_begin(s, false, err);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++)
        ask_shard(s, k, by_state, limit);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++)
        rc = take_shard(s, k, limit, all, &n, err);
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading tasks");
    qsort(all, n, sizeof *all, higher);
    *ret_n = n < limit ? n : limit;
    for (size_t i = 0; i < *ret_n; i++)
        refs[i] = all[i].ref;
    *ret = refs;
    return GW_OK;
}
