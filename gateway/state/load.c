/* load.c - plain pipelined reads of debtors, reminders and a debtor's lists of reminders. */
#include "gateway/state/conn.h"
#include "gateway/state/head.h"

static uint64_t version_of(const state_hash *h)
{
    gw_str v = state_get(h, "v");
    uint64_t n = 0;
    for (size_t i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(v.p[i] - '0');
    return n;
}

gw_str state_get(const state_hash *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++)
        if (gw_str_is(h->fields[i].name, name))
            return h->fields[i].value;
    return (gw_str){NULL, 0};
}

gw_code conn_read_hash(state *s, gw_arena *arena, state_hash *ret, gw_err *err)
{
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements % 2)
        return conn_unexpected("HGETALL", err);
    state_hash h = {.n = r->elements / 2};
    h.fields = gw_arena_alloc(arena, h.n * sizeof *h.fields);
    if (!h.fields)
        return gw_fail(err, GW_ENOMEM, "state store: the answer does not fit the arena");
    for (size_t i = 0; i < h.n && rc == GW_OK; i++) {
        rc = conn_copy(arena, r->element[2 * i], &h.fields[i].name, err);
        if (rc == GW_OK)
            rc = conn_copy(arena, r->element[2 * i + 1], &h.fields[i].value, err);
    }
    h.version = version_of(&h);
    if (rc == GW_OK)
        *ret = h;
    return rc;
}

static void ask_hash(state *s, unsigned shard, const char *kind, const gw_id *id)
{
    conn_command(s, 2, "HGETALL");
    conn_arg_key(s, shard, kind, id);
}

gw_code state_load_debtors(state *s, const gw_id *dids, size_t n, gw_arena *arena,
                           state_debtor *ret, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    size_t asked = 0;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        for (; asked < n && asked < i + CONN_READS_MAX; asked++) {
            ask_hash(s, state_shard(&dids[asked]), "d:", &dids[asked]);
            ask_hash(s, state_shard(&dids[asked]), "i:", &dids[asked]);
        }
        state_debtor d = {.did = dids[i]};
        rc = conn_read_hash(s, arena, &d.debtor, err);
        if (rc == GW_OK)
            rc = conn_read_hash(s, arena, &d.items, err);
        d.items.version = d.debtor.version;
        if (rc == GW_OK)
            ret[i] = d;
    }
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "loading debtors");
}

gw_code state_load_reminders(state *s, const state_ref *refs, size_t n, gw_arena *arena,
                             state_reminder *ret, gw_err *err)
{
    gw_code rc = conn_begin(s, false, err);
    size_t asked = 0;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        for (; asked < n && asked < i + CONN_READS_MAX; asked++)
            ask_hash(s, refs[asked].shard, "r:", &refs[asked].rid);
        state_reminder r = {.rid = refs[i].rid};
        rc = conn_read_hash(s, arena, &r.reminder, err);
        if (rc == GW_OK)
            rc = head_expand(&r.reminder, arena, err);
        if (rc == GW_OK)
            ret[i] = r;
    }
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "loading reminders");
}

static gw_code count_ids(const redisReply *r, size_t *total, gw_err *err)
{
    if (r->type != REDIS_REPLY_ARRAY)
        return conn_unexpected("ZRANGEBYLEX", err);
    *total += r->elements;
    return GW_OK;
}

gw_code state_debtor_reminders(state *s, const gw_id *did, bool final_too, gw_arena *arena,
                               gw_id **ret, size_t *ret_n, gw_err *err)
{
    static const char *const kinds[] = {"p", "f"};
    const size_t lists = final_too ? 2 : 1;
    redisReply *r[2] = {NULL, NULL};
    size_t total = 0, n = 0;
    gw_id *ids = NULL;
    gw_code rc = conn_begin(s, false, err);
    for (size_t i = 0; i < lists && rc == GW_OK; i++) {
        conn_command(s, 4, "ZRANGEBYLEX");
        conn_arg_key(s, state_shard(did), kinds[i], NULL);
        conn_arg_of_debtor(s, did, "");
    }
    for (size_t i = 0; i < lists && rc == GW_OK; i++) {
        rc = conn_reply(s, &r[i], err);
        if (rc == GW_OK)
            rc = count_ids(r[i], &total, err);
    }
    if (rc == GW_OK && !(ids = gw_arena_alloc(arena, total * sizeof *ids)))
        rc = gw_fail(err, GW_ENOMEM, "a debtor's reminders do not fit the arena");
    for (size_t i = 0; i < lists && rc == GW_OK; i++)
        for (size_t k = 0; k < r[i]->elements && rc == GW_OK; k++)
            rc = conn_rid(r[i]->element[k], &ids[n++], err);
    for (size_t i = 0; i < lists; i++)
        if (r[i])
            freeReplyObject(r[i]);
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "listing a debtor's reminders");
    *ret = ids;
    *ret_n = n;
    return GW_OK;
}
