#include "gateway/dispatch/call_back.h"

bool call_back_asked(const wire_outcome *out)
{
    return out->outcome == WIRE_LATER && out->call.amd.n && gw_str_is(out->call.pressed, "later");
}

int64_t call_back_from(const wire_outcome *out, gw_wall now)
{
    int64_t wait = out->retry_after_ms;
    return now.ms + (wait > CALL_BACK_LEAST_MS ? wait : CALL_BACK_LEAST_MS);
}

gw_code call_back_due(dispatch *d, const view_reminder *r, const gw_id *did, int64_t from_ms,
                      int64_t *ret_due_ms, gw_err *err)
{
    state_ref ref = {r->rid, state_shard(did)};
    loaded *l = NULL;
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    if (!decided)
        return gw_fail(err, GW_ENOMEM, "planning a call");
    gw_code rc = load_reminders(d->store, d->cfg.id_key, &ref, 1, true, d->arena, &l, err);
    if (rc == GW_OK && l->code != GW_OK)
        rc = gw_fail(err, l->code, "reading the debtor of a call");
    if (rc != GW_OK)
        return rc;
    l->r.state = LIFE_ACCEPTED; /* as if it had no moment yet */
    if (l->r.not_before_ms < from_ms)
        l->r.not_before_ms = from_ms;
    if (l->r.not_after_ms && l->r.not_after_ms < from_ms + GW_MS_PER_DAY)
        l->r.not_after_ms = from_ms + GW_MS_PER_DAY;
    decide_context ctx = core_decide_context(d);
    rc = decide(&ctx, l->d, &l->r, core_now(d), d->arena, decided, err);
    if (rc != GW_OK)
        return rc;
    *ret_due_ms = decided->on == ON_PLAN && decided->due_ms > from_ms ? decided->due_ms : from_ms;
    return GW_OK;
}
