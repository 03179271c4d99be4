/* lease.c - which gateway dispatches which shard. */
#include "gateway/state/conn.h"

static void lease_command(state *s, const char *function, unsigned shard, const gw_id *owner,
                          int ttl_ms)
{
    conn_command(s, ttl_ms ? 6 : 5, "FCALL");
    conn_arg_z(s, function);
    conn_arg_z(s, "1");
    conn_arg_key(s, shard, "", NULL);
    conn_arg_id(s, owner);
    if (ttl_ms)
        conn_arg_int(s, ttl_ms);
}

static gw_code for_all_shards(state *s, const char *function, const gw_id *owner, int ttl_ms,
                              int64_t ret[STATE_SHARDS], gw_err *err)
{
    gw_code rc = conn_begin(s, true, err);
    if (rc != GW_OK)
        return rc;
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        lease_command(s, function, k, owner, ttl_ms);
    for (unsigned k = 0; k < STATE_SHARDS && rc == GW_OK; k++) {
        CONN_REPLY *r = NULL;
        rc = conn_reply(s, &r, err);
        if (rc == GW_OK)
            ret[k] = conn_int(r, 0);
    }
    conn_end(s);
    return rc;
}

gw_code state_lease(state *s, const gw_id *owner, int ttl_ms, uint64_t ret_fence[STATE_SHARDS],
                    gw_err *err)
{
    int64_t got[STATE_SHARDS];
    if (ttl_ms <= 0)
        return gw_fail(err, GW_EINVAL, "a lease needs a ttl above 0 ms");
    gw_code rc = for_all_shards(s, "dunlin_lease", owner, ttl_ms, got, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "leasing shards");
    for (unsigned k = 0; k < STATE_SHARDS; k++)
        ret_fence[k] = (uint64_t)got[k];
    return GW_OK;
}

gw_code state_release(state *s, const gw_id *owner, gw_err *err)
{
    int64_t got[STATE_SHARDS];
    gw_code rc = for_all_shards(s, "dunlin_release", owner, 0, got, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "releasing shards");
}
