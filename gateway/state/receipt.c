#include "gateway/state/receipt.h"

#include "gateway/state/conn.h"
#include "gateway/state/record.h"

enum { PIPELINE_MAX = 256 };

static gw_code check(const state_booking *b, gw_err *err)
{
    if (b->shard >= STATE_SHARDS || !b->after.n || b->after.n > STATE_VALUE_MAX)
        return gw_fail(err, GW_EINVAL, "a receipt needs a shard and 1..%d bytes", STATE_VALUE_MAX);
    return b->record ? record_check(b->record, err) : GW_OK;
}

static gw_code send_one(state *s, const state_booking *b, gw_err *err)
{
    GW_AUTO_BUF gw_buf packed;
    gw_buf_init(&packed, STATE_RECORD_MAX + 1024);
    if (b->record)
        record_pack(b->record, &packed);
    gw_code rc = gw_buf_code(&packed, "a record", err);
    if (rc != GW_OK)
        return rc;
    conn_command(s, 8, "FCALL");
    conn_arg_z(s, "dunlin_receipt");
    conn_arg_z(s, "1");
    conn_arg_key(s, b->shard, "", NULL);
    conn_arg_member(s, 'r', &b->rid);
    conn_arg(s, b->before.p ? b->before : GW_STR(""));
    conn_arg(s, b->after);
    conn_arg(s, gw_buf_str(&packed));
    return GW_OK;
}

gw_code state_book_receipts(state *s, const state_booking *list, size_t n, state_verdict *ret,
                            gw_err *err)
{
    gw_code rc = GW_OK;
    for (size_t i = 0; i < n; i++) {
        ret[i] = STATE_UNKNOWN;
        if (rc == GW_OK)
            rc = check(&list[i], err);
    }
    if (rc == GW_OK)
        rc = conn_begin(s, true, err);
    for (size_t first = 0, i = 0; i < n && rc == GW_OK; first = i) {
        for (; i < n && i - first < PIPELINE_MAX && rc == GW_OK; i++)
            rc = send_one(s, &list[i], err);
        for (size_t k = first; k < i && rc == GW_OK; k++) {
            CONN_REPLY *r = NULL;
            rc = conn_reply(s, &r, err);
            if (rc == GW_OK)
                ret[k] = conn_int(r, 0) == 1 ? STATE_OK : STATE_STALE;
        }
    }
    if (rc == GW_EINVAL || rc == GW_ELIMIT) /* refused before anything was sent */
        return gw_wrap(err, rc, "booking receipts");
    conn_end(s);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "booking receipts");
}
