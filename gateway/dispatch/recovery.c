/* recovery.c - what a dead gateway, a dead worker or a silent store left in flight.
 *
 * Claimed without intent: nothing can have left, it goes back to the schedule. Sending: the worker
 * may still repeat its outcome; after the grace nobody can know, and it becomes unknown. */
#include "gateway/dispatch/core.h"

#include "gateway/base/log.h"

/* ---- flights whose worker is gone or too slow ---- */

typedef struct {
    dispatch *d;
    gw_mono now;
    flight **list;
    life_event *on;
    size_t n, cap;
} losses;

static bool is_lost(const losses *l, flight *f)
{
    int64_t age = l->now.ms - f->since.ms;
    if (f->unsure || f->booked)
        return false; /* recovery_run reads what the store holds first */
    if (f->state == LIFE_CLAIMED && !f->lost && age > DISPATCH_RENDER_MS) {
        port_abort(l->d, f, "too-slow");
        port_release(f);
        f->lost = true;
    }
    if (!f->lost)
        return false;
    return f->state == LIFE_CLAIMED || !f->go || age >= l->d->cfg.grace_ms;
}

static void find_loss(void *arg, flight *f)
{
    losses *l = arg;
    if (l->n == l->cap || !is_lost(l, f))
        return;
    l->list[l->n] = f;
    l->on[l->n++] = f->state == LIFE_SENDING && f->unsent ? ON_LATER : ON_LOST;
}

static gw_code build_loss(dispatch *d, const view_reminder *r, const gw_id *did, life_event on,
                          bool innocent, state_txn *ret)
{
    change c = core_change(d, did, on == ON_LATER ? WIRE_WHY_NO_GO : "worker-lost");
    gw_err err = {0};
    life_move move;
    bool moved;
    int again = r->starts - 1; /* the first time it may have been the worker's fault */
    c.outcome = innocent;
    c.due_ms = c.now.ms;
    if (!innocent && again > 0)
        c.due_ms += retry_wait_ms(&d->cfg.retry, again, 0, (uint64_t)r->rid.b[0]);
    return change_build(&c, r, on, d->arena, ret, &move, &moved, &err);
}

static void settle_loss(dispatch *d, flight *f, state_verdict verdict)
{
    if (verdict == STATE_UNKNOWN)
        f->unsure = true;
    else
        core_drop(d, f); /* booked, or somebody else moved it */
}

void loss_run(dispatch *d)
{
    size_t cap = d->flights.n < DISPATCH_BATCH ? d->flights.n : DISPATCH_BATCH;
    if (cap == 0)
        return;
    losses l = {.d = d, .now = gw_mono_now(), .cap = cap};
    l.list = gw_arena_alloc(d->arena, cap * sizeof(flight *));
    l.on = gw_arena_alloc(d->arena, cap * sizeof *l.on);
    state_txn *txns = gw_arena_alloc(d->arena, cap * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, cap * sizeof *verdicts);
    if (!l.list || !l.on || !txns || !verdicts)
        return;
    flight_each(&d->flights, find_loss, &l);
    for (size_t i = 0; i < l.n; i++) {
        view_reminder r;
        flight_view(l.list[i], &r);
        if (build_loss(d, &r, &l.list[i]->did, l.on[i], l.list[i]->innocent, &txns[i]) != GW_OK)
            return;
    }
    if (l.n == 0)
        return;
    core_apply(d, txns, l.n, verdicts, "loss");
    for (size_t i = 0; i < l.n; i++)
        settle_loss(d, l.list[i], verdicts[i]);
    gw_log(GW_LOG_INFO, "attempts without outcome taken back", "count=%zu", l.n);
    d->busy = true;
}

/* ---- what the store holds and we do not know about ---- */

typedef struct {
    dispatch *d;
    state_ref *refs;
    bool *unsent; /* it was certainly not given GO */
    size_t n, cap;
} doubts;

static void find_doubt(void *arg, flight *f)
{
    doubts *q = arg;
    if (!f->unsure || f->booked || q->n == q->cap)
        return;
    q->refs[q->n] = (state_ref){f->rid, f->shard};
    q->unsent[q->n++] = !f->go;
    core_drop(q->d, f);
}

/* A reminder the store has as claimed or sending and nobody here carries. */
static void adopt(dispatch *d, const loaded *l, bool unsent, state_txn *txns, size_t *n)
{
    if (l->code == GW_ENOTFOUND || flight_find(&d->flights, &l->r.rid))
        return;
    if (l->r.state == LIFE_CLAIMED || (l->r.state == LIFE_SENDING && unsent)) {
        life_event on = l->r.state == LIFE_CLAIMED ? ON_LOST : ON_LATER;
        *n += build_loss(d, &l->r, &l->did, on, unsent, &txns[*n]) == GW_OK;
    } else if (l->r.state == LIFE_SENDING) {
        flight *f = flight_new(&l->r, &l->did, l->r.tok, l->r.cap, l->r.template_version,
                               (gw_str){NULL, 0}, (gw_str){NULL, 0});
        if (!f)
            return;
        f->lost = f->go = true;
        f->since = gw_mono_now();
        flight_add(&d->flights, f);
    }
}

static bool adopt_all(dispatch *d, const state_ref *refs, const bool *unsent, size_t n)
{
    gw_err err = {0};
    loaded *list;
    state_txn *txns = gw_arena_alloc(d->arena, (n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *verdicts);
    if (!txns || !verdicts)
        return false;
    gw_code rc = load_reminders(d->store, d->cfg.id_key, refs, n, false, d->arena, &list, &err);
    if (!core_store(d, rc, &err, "recovery"))
        return false;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        adopt(d, &list[i], unsent ? unsent[i] : false, txns, &m);
    core_apply(d, txns, m, verdicts, "recovery");
    d->busy = d->busy || m > 0;
    return d->store_ok;
}

static bool settle_doubts(dispatch *d)
{
    size_t cap = d->flights.n < DISPATCH_BATCH ? d->flights.n : DISPATCH_BATCH;
    if (cap == 0)
        return true;
    doubts q = {.d = d, .cap = cap};
    q.refs = gw_arena_alloc(d->arena, cap * sizeof *q.refs);
    q.unsent = gw_arena_alloc(d->arena, cap * sizeof *q.unsent);
    if (!q.refs || !q.unsent)
        return false;
    flight_each(&d->flights, find_doubt, &q);
    return q.n == 0 || adopt_all(d, q.refs, q.unsent, q.n);
}

/* Shards just taken over, and all of ours after the store was away. */
static void look_through(dispatch *d)
{
    uint8_t mask[STATE_SHARDS];
    bool any = false;
    for (int i = 0; i < STATE_SHARDS; i++) {
        mask[i] = d->recover[i] && d->fence[i];
        any = any || mask[i];
    }
    if (!any)
        return;
    gw_err err = {0};
    state_due_entry *found;
    size_t n;
    gw_code rc = state_due(d->store, mask, CHANGE_LANE_FLIGHT, (gw_wall){INT64_MAX}, STATE_DUE_MAX,
                           d->arena, &found, &n, &err);
    if (!core_store(d, rc, &err, "recovery"))
        return;
    state_ref *refs = gw_arena_alloc(d->arena, (n + 1) * sizeof *refs);
    size_t m = 0;
    if (!refs)
        return;
    for (size_t i = 0; i < n; i++)
        if (!flight_find(&d->flights, &found[i].id))
            refs[m++] = (state_ref){found[i].id, found[i].shard};
    if (m)
        gw_log(GW_LOG_INFO, "taking over what was in flight", "count=%zu", m);
    if (m && !adopt_all(d, refs, NULL, m))
        return;
    if (n < STATE_DUE_MAX)
        memset(d->recover, 0, sizeof d->recover);
}

void recovery_run(dispatch *d)
{
    if (settle_doubts(d))
        look_through(d);
}
