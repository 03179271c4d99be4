/* core.c - what several steps of a turn do alike: apply, book a decision, know where to look. */
#include "gateway/dispatch/core.h"

#include "gateway/base/tally.h"
#include "gateway/dispatch/desk.h"

/* What belongs to a person goes back only after its contact was called off for certain; when that
 * fails the person merely seems to have had one contact more. */
static void apply_then(dispatch *d, const state_txn *txns, size_t n, const state_verdict *verdicts)
{
    gw_err err = {0};
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        m += txns[i].then && verdicts[i] == STATE_OK;
    if (m == 0)
        return;
    state_txn *list = gw_arena_alloc(d->arena, m * sizeof *list);
    state_verdict *ignored = gw_arena_alloc(d->arena, m * sizeof *ignored);
    if (!list || !ignored)
        return;
    m = 0;
    for (size_t i = 0; i < n; i++)
        if (txns[i].then && verdicts[i] == STATE_OK)
            list[m++] = *txns[i].then;
    (void)core_store(d, state_apply(d->store, list, m, ignored, &err), &err, "person");
}

void core_apply(dispatch *d, const state_txn *txns, size_t n, state_verdict *ret_verdicts,
                const char *doing)
{
    gw_err err = {0};
    for (size_t i = 0; i < n; i++)
        ret_verdicts[i] = STATE_UNKNOWN;
    if (n)
        (void)core_store(d, state_apply(d->store, txns, n, ret_verdicts, &err), &err, doing);
    for (size_t i = 0; i < n; i++) {
        if (txns[i].lane)
            d->news[(unsigned char)txns[i].lane] |= UINT64_C(1) << txns[i].shard;
        if (txns[i].wake_debtor)
            d->news['w'] |= UINT64_C(1) << txns[i].shard;
    }
    apply_then(d, txns, n, ret_verdicts);
}

void core_news(dispatch *d)
{
    gw_mono now = gw_mono_now();
    uint64_t news = atomic_exchange(&d->shared.news, 0);
    /* A clock that is moved makes things due at any moment. */
    if (now.ms >= d->look_next.ms || gw_clock_is_manual(d->clock)) {
        news = UINT64_MAX;
        d->look_next.ms = now.ms + CORE_LOOK_MS;
    }
    for (const char *lane = "awesv"; *lane; lane++)
        d->news[(unsigned char)*lane] |= news;
    d->news['a'] |= atomic_exchange(&d->shared.jobs, 0);
    /* People are slower than that. */
    if (now.ms >= d->desk_next.ms || gw_clock_is_manual(d->clock)) {
        d->news[CHANGE_LANE_DESK] = UINT64_MAX;
        d->desk_next.ms = now.ms + CORE_DESK_MS;
    }
}

bool core_look(dispatch *d, char lane, uint8_t ret_mask[STATE_SHARDS])
{
    bool any = false;
    for (int i = 0; i < STATE_SHARDS; i++) {
        ret_mask[i] = d->mask[i] && (d->news[(unsigned char)lane] >> i & 1);
        any = any || ret_mask[i];
    }
    return any;
}

void core_seen(dispatch *d, char lane, const uint8_t mask[STATE_SHARDS],
               const state_due_entry *found, size_t n, size_t limit)
{
    uint64_t *news = &d->news[(unsigned char)lane];
    if (n == limit) /* some may not have had their turn */
        return;
    for (int i = 0; i < STATE_SHARDS; i++)
        if (mask[i])
            *news &= ~(UINT64_C(1) << i);
    for (size_t i = 0; i < n; i++)
        *news |= UINT64_C(1) << found[i].shard;
}

change core_change(dispatch *d, const gw_id *did, const char *why)
{
    uint8_t shard = state_shard(did);
    return (change){
        .now = core_now(d),
        .shard = shard,
        .fence = d->fence[shard],
        .did = did,
        .debtor_version = -1,
        .why = why,
    };
}

int64_t core_park_ms(const dispatch *d, const view_reminder *r, const decision *decided)
{
    int64_t at = core_now(d).ms + d->cfg.hold_recheck_ms;
    if (decided && decided->next_ms && decided->next_ms < at)
        at = decided->next_ms;
    /* A template may be published any moment, and nothing tells us. */
    if (decided && strcmp(decided->rule, "template-known") == 0)
        at = core_now(d).ms + 15 * GW_MS_PER_MINUTE;
    if (r->not_after_ms && r->not_after_ms < at)
        at = r->not_after_ms;
    return at;
}

gw_code core_decided(dispatch *d, const loaded *l, const decision *decided, state_txn *ret,
                     bool *ret_nothing, gw_err *err)
{
    const view_reminder *r = &l->r;
    gw_wall now = core_now(d);
    bool planned = r->state == LIFE_PLANNED;
    bool same_hold =
        r->state == LIFE_HELD && decided->on == ON_HOLD && gw_str_is(r->why, decided->why);
    *ret_nothing = (planned && decided->on == ON_PLAN && decided->due_ms == r->due_ms) ||
                   (same_hold && r->due_ms > now.ms);
    if (*ret_nothing)
        return GW_OK;
    if (decided->on == ON_PLAN && decided->now && desk_is_out(r))
        return desk_stays(d, l, decided, ret, ret_nothing, err);
    change c = core_change(d, &l->did, decided->why);
    c.decided = decided;
    c.debtor_version = l->d->version;
    c.due_ms = decided->on == ON_PLAN ? decided->due_ms : core_park_ms(d, r, decided);
    c.blocked = (planned && r->due_ms <= now.ms && decided->due_ms > now.ms) ||
                r->state == LIFE_CLAIMED ||
                (desk_is_out(r) && strcmp(decided->why, "outside-window") != 0);
    c.quiet = same_hold;
    if (!same_hold && (decided->on == ON_HOLD || decided->on == ON_FORBID || c.blocked))
        tally_add("dunlin_blocks_total", "rule", gw_str_of(decided->rule), "channel", r->channel,
                  1);
    c.outcome = r->state == LIFE_CLAIMED; /* taken back by policy, not a crash */
    life_move move;
    bool moved;
    return change_build(&c, r, decided->on, d->arena, ret, &move, &moved, err);
}

bool core_undecidable(dispatch *d, const loaded *l, state_txn *ret)
{
    if (l->r.readable && l->code == GW_OK)
        return false;
    change c = core_change(d, &l->did, "unreadable");
    life_event on = ON_HOLD;
    if (!l->r.readable)
        on = ON_POISON;
    else
        c.quiet = l->r.state == LIFE_HELD && gw_str_is(l->r.why, c.why);
    c.due_ms = core_park_ms(d, &l->r, NULL);
    life_move move;
    bool moved;
    gw_err err = {0};
    return change_build(&c, &l->r, on, d->arena, ret, &move, &moved, &err) == GW_OK;
}
