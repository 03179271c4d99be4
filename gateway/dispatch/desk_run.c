/* desk_run.c - the desk's lane: tasks open at their moment and close with their window, leases and
 * calls run out. Nothing here talks to agents; they ask on intake's thread (desk_act.c). */
#include "gateway/dispatch/desk.h"

#include "gateway/state/mark.h"

int64_t desk_rank_of(const loaded *l, const decision *decided, const desk_memory *m, gw_wall now)
{
    const zone *z = decided->facts.policy.zone;
    int32_t today = z ? zone_local(z, now).day : (int32_t)(now.ms / GW_MS_PER_DAY);
    return desk_rank(l->d, decided->facts.item, today, (int)m->tries);
}

static gw_code build(dispatch *d, const loaded *l, const change *c, life_event on, state_txn *ret,
                     gw_err *err)
{
    life_move move;
    bool moved;
    return change_build(c, &l->r, on, d->arena, ret, &move, &moved, err);
}

/* The moment it closes: the allowed interval's end, or the last moment it makes sense. */
static gw_code open_task(dispatch *d, const loaded *l, const decision *decided, bool quiet,
                         state_txn *ret, gw_err *err)
{
    desk_memory m;
    change c = core_change(d, &l->did, quiet ? "" : "opened");
    desk_memory_read(&l->r, d->arena, &m);
    if (!quiet)
        m.opened_ms = c.now.ms;
    c.debtor_version = l->d->version;
    c.decided = decided;
    c.due_ms = decided->deadline_ms;
    c.rank = desk_rank_of(l, decided, &m, c.now);
    c.desk = desk_memory_text(&m, d->arena);
    c.quiet = quiet;
    if (!c.desk.p)
        return gw_fail(err, GW_ENOMEM, "opening a task");
    return build(d, l, &c, ON_OPEN, ret, err);
}

gw_code desk_stays(dispatch *d, const loaded *l, const decision *decided, state_txn *ret,
                   bool *ret_nothing, gw_err *err)
{
    desk_memory m;
    desk_memory_read(&l->r, d->arena, &m);
    *ret_nothing =
        l->r.state == LIFE_LEASED || (l->r.due_ms == decided->deadline_ms &&
                                      l->r.rank == desk_rank_of(l, decided, &m, core_now(d)));
    return *ret_nothing ? GW_OK : open_task(d, l, decided, true, ret, err);
}

/* Planned and due, or open and at the end of its window. */
static bool decide_task(dispatch *d, const decide_context *ctx, const loaded *l, state_txn *ret)
{
    gw_err err = {0};
    bool nothing = false;
    if (core_undecidable(d, l, ret))
        return true;
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    if (!decided || decide(ctx, l->d, &l->r, core_now(d), d->arena, decided, &err) != GW_OK)
        return false;
    if (l->r.state == LIFE_PLANNED && decided->on == ON_PLAN && decided->now)
        return open_task(d, l, decided, false, ret, &err) == GW_OK;
    return core_decided(d, l, decided, ret, &nothing, &err) == GW_OK && !nothing;
}

static bool run_out(dispatch *d, const loaded *l, life_event on, const char *why, state_txn *ret)
{
    gw_err err = {0};
    change c = core_change(d, &l->did, why);
    c.due_ms = c.now.ms; /* given back, it is looked at again in the next turn */
    c.rank = l->r.rank;
    return build(d, l, &c, on, ret, &err) == GW_OK;
}

static bool look(dispatch *d, const decide_context *ctx, const loaded *l, state_txn *ret)
{
    if (l->code == GW_ENOTFOUND)
        return false;
    switch (l->r.state) {
    case LIFE_PLANNED:
    case LIFE_OPEN:
        return decide_task(d, ctx, l, ret);
    case LIFE_LEASED:
        return run_out(d, l, ON_GIVE_BACK, "lease-expired", ret);
    case LIFE_TALKING:
        return run_out(d, l, ON_LOST, "agent-silent", ret);
    default:
        return false; /* it moved since the lane was read */
    }
}

/* Those whose agent says nothing any more are listed before they become unknown, so that no such
 * task can be out of sight. */
static bool list_silent(dispatch *d, const loaded *list, const state_ref *refs, size_t n)
{
    static const gw_id all;
    gw_err err = {0};
    size_t m = 0;
    state_mark *marks = gw_arena_alloc(d->arena, (n + 1) * sizeof *marks);
    for (size_t i = 0; i < n && marks; i++) {
        if (list[i].code == GW_ENOTFOUND || list[i].r.state != LIFE_TALKING)
            continue;
        char rid[GW_ID_TEXT];
        gw_id_format(&refs[i].rid, rid);
        gw_str value = {gw_arena_copy(d->arena, gw_str_of(rid)), GW_ID_TEXT - 1};
        if (!value.p)
            return false;
        marks[m++] = (state_mark){refs[i].shard, DESK_MARK, all, value};
    }
    if (!marks)
        return false;
    return m == 0 || core_store(d, state_mark_add(d->store, marks, m, &err), &err, "mark");
}

void desk_run(dispatch *d)
{
    gw_err err = {0};
    state_due_entry *due;
    loaded *list;
    size_t n = 0, m = 0;
    if (!core_due(d, CHANGE_LANE_DESK, &due, &n))
        return;
    state_ref *refs = gw_arena_alloc(d->arena, n * sizeof *refs);
    state_txn *txns = gw_arena_alloc(d->arena, n * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, n * sizeof *verdicts);
    if (!refs || !txns || !verdicts)
        return;
    for (size_t i = 0; i < n; i++)
        refs[i] = (state_ref){due[i].id, due[i].shard};
    gw_code rc = load_reminders(d->store, d->cfg.id_key, refs, n, true, d->arena, &list, &err);
    if (!core_store(d, rc, &err, "desk") || !list_silent(d, list, refs, n))
        return;
    decide_context ctx = core_decide_context(d);
    for (size_t i = 0; i < n; i++)
        m += look(d, &ctx, &list[i], &txns[m]);
    core_apply(d, txns, m, verdicts, "desk");
    for (size_t i = 0; i < m; i++) {
        d->status.plans += verdicts[i] == STATE_OK;
        d->busy = d->busy || verdicts[i] != STATE_UNKNOWN;
    }
}
