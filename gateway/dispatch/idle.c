/* idle.c - is anything left to do at this moment? Then let the movable clock step on. */
#include "gateway/dispatch/core.h"

/* Lanes whose due work the clock waits for: work, and the channels that have a worker program and
 * are not paused. A worker that is away just now counts too: it will be back, and days must not run
 * past the mails that wait for it. */
static void served_lanes(dispatch *d, char ret[CORE_LANES + 4])
{
    size_t n = 0;
    ret[n++] = 'a';
    ret[n++] = 'w';
    ret[n++] = CHANGE_LANE_DESK; /* its moments pass whether or not people work */
    for (int ch = 0; ch < POLICY_CHANNEL_COUNT; ch++) {
        gw_str name = gw_str_of(policy_channel_name((policy_channel)ch));
        char lane = d->cfg.channels & (1U << ch) ? change_lane(name) : 0;
        if (lane && !facts_paused(&d->control, name, (gw_str){NULL, 0}, d->arena))
            ret[n++] = lane;
    }
    ret[n] = '\0';
}

static walk_waiting waiting_for(dispatch *d, const char *lanes, int64_t *ret_next)
{
    gw_err err = {0};
    uint64_t by_state[128], outbox;
    *ret_next = INT64_MAX;
    if (d->busy)
        return WALK_DUE;
    if (d->flights.n || d->outcome_n)
        return WALK_FLIGHT;
    if (!core_store(d, state_counts(d->store, by_state, &outbox, &err), &err, "counts"))
        return WALK_STORE;
    if (by_state[LIFE_CLAIMED] || by_state[LIFE_SENDING]) /* of a gateway that died: not ours yet */
        return WALK_FLIGHT;
    if (outbox)
        return WALK_OUTBOX;
    if (!core_store(d, state_next_due(d->store, lanes, ret_next, &err), &err, "next due"))
        return WALK_STORE;
    return *ret_next <= core_now(d).ms ? WALK_DUE : WALK_IDLE;
}

void walk_run(dispatch *d)
{
    enum { LOOK_MS = 200 };
    gw_wall target;
    char lanes[CORE_LANES + 4];
    int64_t next;
    gw_mono mono = gw_mono_now();
    bool manual = gw_clock_is_manual(d->clock);
    if (!d->cfg.walk || (!manual && mono.ms < d->idle_next.ms))
        return;
    d->idle_next.ms = mono.ms + LOOK_MS;
    gw_wall now = core_now(d);
    served_lanes(d, lanes);
    uint64_t touched = clock_walk_touched(d->cfg.walk);
    walk_waiting w = waiting_for(d, lanes, &next);
    if (!clock_walk_report(d->cfg.walk, w, touched) || w != WALK_IDLE || !manual ||
        !clock_walk_target(d->cfg.walk, &target))
        return;
    gw_wall to = {next < target.ms ? next : target.ms};
    gw_err err = {0};
    /* Stored first: a gateway killed between the two finds the later moment, never an earlier one.
     */
    if (!core_store(d, state_clock_set(d->store, &to, &err), &err, "clock"))
        return;
    if (clock_walk_step(d->cfg.walk, now, to))
        d->busy = true;
}
