/* planner.c - lane a: accepted reminders are planned, or claimed when they may go at once
 * (claim.c); lane w: held ones are looked at again or expired, changed debtors re-planned (wake.c).
 */
#include "gateway/dispatch/core.h"

typedef struct {
    dispatch *d;
    state_txn *txns;
    state_verdict *verdicts;
    size_t n;
} planning;

static void plan_one(planning *p, const decide_context *ctx, const loaded *l)
{
    dispatch *d = p->d;
    gw_err err = {0};
    state_txn *txn = &p->txns[p->n];
    if (l->code == GW_ENOTFOUND || (l->r.state != LIFE_ACCEPTED && l->r.state != LIFE_HELD))
        return;
    if (core_undecidable(d, l, txn)) {
        p->n++;
        return;
    }
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    bool nothing;
    if (!decided || decide(ctx, l->d, &l->r, core_now(d), d->arena, decided, &err) != GW_OK)
        return;
    p->n += core_decided(d, l, decided, txn, &nothing, &err) == GW_OK && !nothing;
}

static void plan_reminders(dispatch *d, const state_ref *refs, size_t n)
{
    gw_err err = {0};
    loaded *list;
    planning p = {.d = d};
    p.txns = gw_arena_alloc(d->arena, (n + 1) * sizeof *p.txns);
    p.verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *p.verdicts);
    if (!p.txns || !p.verdicts)
        return;
    gw_code rc = load_reminders(d->store, d->cfg.id_key, refs, n, true, d->arena, &list, &err);
    if (!core_store(d, rc, &err, "load"))
        return;
    decide_context ctx = core_decide_context(d);
    for (size_t i = 0; i < n; i++)
        plan_one(&p, &ctx, &list[i]);
    core_apply(d, p.txns, p.n, p.verdicts, "plan");
    for (size_t i = 0; i < p.n; i++) {
        d->status.plans += p.verdicts[i] == STATE_OK;
        d->busy = d->busy || p.verdicts[i] != STATE_UNKNOWN;
    }
}

bool core_due(dispatch *d, char lane, state_due_entry **ret_due, size_t *ret_n)
{
    gw_err err = {0};
    uint8_t mask[STATE_SHARDS];
    if (!core_may_send(d) || atomic_load(&d->shared.draining) || !core_look(d, lane, mask))
        return false;
    gw_code rc = state_due(d->store, mask, lane, core_now(d), DISPATCH_BATCH, d->arena, ret_due,
                           ret_n, &err);
    if (!core_store(d, rc, &err, "due"))
        return false;
    core_seen(d, lane, mask, *ret_due, *ret_n, DISPATCH_BATCH);
    return *ret_n > 0;
}

static void plan_accepted(dispatch *d)
{
    gw_err err = {0};
    state_due_entry *due;
    size_t n;
    loaded *list;
    if (!core_due(d, 'a', &due, &n))
        return;
    state_ref *refs = gw_arena_alloc(d->arena, n * sizeof *refs);
    if (!refs)
        return;
    for (size_t i = 0; i < n; i++)
        refs[i] = (state_ref){due[i].id, due[i].shard};
    gw_code rc = load_reminders(d->store, d->cfg.id_key, refs, n, true, d->arena, &list, &err);
    if (core_store(d, rc, &err, "load"))
        claim_accepted(d, list, n);
}

void planner_run(dispatch *d)
{
    state_due_entry *due;
    size_t n;
    if (atomic_load(&d->shared.draining))
        return;
    plan_accepted(d);
    if (!core_due(d, 'w', &due, &n))
        return;
    state_ref *refs = gw_arena_alloc(d->arena, n * sizeof *refs);
    gw_id *dids = gw_arena_alloc(d->arena, n * sizeof *dids);
    size_t ref_n = 0, did_n = 0;
    if (!refs || !dids)
        return;
    for (size_t i = 0; i < n; i++) {
        if (due[i].kind == 'd')
            dids[did_n++] = due[i].id;
        else
            refs[ref_n++] = (state_ref){due[i].id, due[i].shard};
    }
    if (ref_n)
        plan_reminders(d, refs, ref_n);
    if (did_n && d->store_ok)
        wake_debtors(d, dids, did_n);
}

void relook_run(dispatch *d)
{
    enum { PAGE = 500 };
    gw_err err = {0};
    state_ref *refs;
    size_t n, ours = 0;
    if (!d->relook || !core_may_send(d))
        return;
    state_list_query held = {.by_state = LIFE_HELD};
    char next[STATE_CURSOR_TEXT];
    gw_code rc = state_list(d->store, &held, d->relook_at, PAGE, d->arena, &refs, &n, next, &err);
    if (!core_store(d, rc, &err, "held"))
        return;
    for (size_t i = 0; i < n; i++)
        if (d->fence[refs[i].shard])
            refs[ours++] = refs[i];
    if (ours)
        plan_reminders(d, refs, ours);
    memcpy(d->relook_at, next, sizeof next);
    d->relook = next[0] != '\0';
    d->busy = d->busy || d->relook;
}
