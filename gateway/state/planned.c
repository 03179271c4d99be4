#include "gateway/state/planned.h"

#include "gateway/state/conn.h"
#include "gateway/state/lane.h"

enum { MINUTES_ASKED = 6, MINUTE_MS = 60000 }; /* times 64 shards in one pipeline */

static size_t ask_minute(state *s, const uint8_t mask[STATE_SHARDS], char lane, int64_t from_ms)
{
    size_t n = 0;
    for (unsigned k = 0; k < STATE_SHARDS; k++) {
        if (!mask[k])
            continue;
        conn_command(s, 4, "ZCOUNT");
        conn_arg_key(s, k, "due", NULL);
        conn_arg_int(s, due_score(lane, from_ms));
        conn_arg_int(s, due_score(lane, from_ms + MINUTE_MS - 1));
        n++;
    }
    return n;
}

static gw_code add_answers(state *s, size_t n, uint32_t *ret, gw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        CONN_REPLY *r = NULL;
        gw_code rc = conn_reply(s, &r, err);
        if (rc != GW_OK)
            return rc;
        int64_t v = conn_int(r, -1);
        if (v < 0)
            return conn_unexpected("ZCOUNT", err);
        *ret += (uint32_t)v;
    }
    return GW_OK;
}

gw_code state_planned(state *s, const uint8_t shard_mask[STATE_SHARDS], char lane, gw_wall from,
                      uint32_t ret[STATE_HOUR_MINUTES], gw_err *err)
{
    uint32_t counts[STATE_HOUR_MINUTES] = {0};
    gw_code rc = conn_begin(s, false, err);
    for (int m = 0; m < STATE_HOUR_MINUTES && rc == GW_OK; m += MINUTES_ASKED) {
        size_t n[MINUTES_ASKED];
        for (int i = 0; i < MINUTES_ASKED; i++)
            n[i] = ask_minute(s, shard_mask, lane, from.ms + (int64_t)(m + i) * MINUTE_MS);
        for (int i = 0; i < MINUTES_ASKED && rc == GW_OK; i++)
            rc = add_answers(s, n[i], &counts[m + i], err);
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "counting what is planned");
    memcpy(ret, counts, sizeof counts);
    return GW_OK;
}
