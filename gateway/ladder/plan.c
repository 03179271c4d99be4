#include "gateway/ladder/ladder.h"

/* Days are summed in 64 bits and cut off here, so that absurd dates cannot wrap round. */
static int32_t day_of(int64_t day)
{
    return day < INT32_MIN + 1 ? INT32_MIN + 1 : day > INT32_MAX ? INT32_MAX : (int32_t)day;
}

static void skip(ladder_entry *e, const char *why)
{
    e->fate = LADDER_SKIPPED;
    e->why = why;
}

/* The step for itself: its days, and whether they have passed. */
static void look_at_step(const ladder *l, const ladder_item *item, int32_t today, ladder_entry *e)
{
    const ladder_step *s = e->step;
    int64_t nominal = (int64_t)item->due_day + s->day;
    int64_t last = nominal + s->valid_days;
    int64_t first = nominal;
    if (item->issued_day != LADDER_NO_DAY && first < item->issued_day)
        first = item->issued_day;
    if (s->kind != LADDER_HANDOFF && item->last_sent_day != LADDER_NO_DAY &&
        first < (int64_t)item->last_sent_day + ladder_gap_days(l))
        first = (int64_t)item->last_sent_day + ladder_gap_days(l);
    e->fate = LADDER_PLANNED;
    e->why = "";
    e->nominal_day = day_of(nominal);
    e->not_before_day = day_of(first);
    e->not_after_day = day_of(last);
    if (item->open_minor <= 0)
        skip(e, "paid");
    else if (item->closed)
        skip(e, "closed");
    else if (item->issued_day != LADDER_NO_DAY && last < item->issued_day)
        skip(e, "before-issue");
    else if (last < today)
        skip(e, "stale");
    else if (last < first)
        skip(e, "gap");
}

/* The last missed sending step before `before` that may be said now: harsher than what was said,
 * at most one level. NULL when there is none. */
static ladder_entry *missed(ladder_entry *entries, size_t before, int reached, int highest)
{
    for (size_t i = before; i-- > 0;) {
        ladder_entry *e = &entries[i];
        if (e->fate == LADDER_SKIPPED && e->step->kind == LADDER_SEND &&
            strcmp(e->why, "stale") == 0 && e->step->tone > reached && e->step->tone <= highest + 1)
            return e;
    }
    return NULL;
}

static void catch_up(ladder_entry *e, const ladder_entry *instead_of, int32_t today)
{
    int64_t last = (int64_t)today + e->step->valid_days;
    e->fate = LADDER_PLANNED;
    e->why = "";
    e->catch_up = true;
    e->not_before_day = instead_of->not_before_day > today ? instead_of->not_before_day : today;
    e->not_after_day = day_of(last < instead_of->not_after_day ? last : instead_of->not_after_day);
}

/* Feature L2 at planning time: no level is skipped upward, counted from what was really sent. */
static void keep_tone(ladder_entry *entries, size_t n, int tone_reached, int32_t today)
{
    int reached = tone_reached == LADDER_TONE_NOTHING ? 0 : tone_reached;
    int highest = reached > 1 ? reached : 1; /* the first word may have tone 2 */
    for (size_t i = 0; i < n; i++) {
        ladder_entry *e = &entries[i];
        if (e->fate != LADDER_PLANNED || e->step->kind == LADDER_HANDOFF)
            continue;
        if (e->step->tone > highest + 1) {
            ladder_entry *milder =
                e->not_before_day <= today ? missed(entries, i, reached, highest) : NULL;
            skip(e, "tone");
            if (milder)
                catch_up(milder, e, today);
        } else if (e->step->tone > highest) {
            highest = e->step->tone;
        }
    }
}

gw_code ladder_plan(const ladder *l, const ladder_item *item, int32_t today, gw_arena *arena,
                    ladder_plan_result *ret, gw_err *err)
{
    size_t n;
    const ladder_step *steps = ladder_steps(l, &n);
    ladder_entry *entries = gw_arena_alloc(arena, n * sizeof *entries);
    if (!entries)
        return gw_fail(err, GW_ENOMEM, "planning the steps of an item");
    for (size_t i = 0; i < n; i++) {
        entries[i].step = &steps[i];
        look_at_step(l, item, today, &entries[i]);
    }
    if (item->tone_reached != LADDER_TONE_UNTOLD)
        keep_tone(entries, n, item->tone_reached, today);
    *ret = (ladder_plan_result){entries, n};
    return GW_OK;
}
