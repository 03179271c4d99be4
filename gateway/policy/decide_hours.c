/* decide_hours.c - hours and days: the packs' windows and holidays, the debtor's own hours, the
 * operators' windows. Each takes instants out of the walk's set. */
#include "gateway/policy/decide.h"

#include "gateway/base/time.h"

enum { DAY_S = 86400 };

/* A zone during the days that are looked at. Where its clock is not moved in them, every window is
 * an addition; the two weeks around a change of the clock take the long way. */
typedef struct {
    const zone *zone;
    int32_t first_day;
    bool steady;
    int offset_s;
} days;

static days days_of(const zone *z, int64_t earliest)
{
    days d = {.zone = z, .first_day = zone_local(z, (gw_wall){earliest}).day};
    d.steady = zone_is_steady(z, (gw_wall){earliest - 2 * GW_MS_PER_DAY},
                              (gw_wall){earliest + (POLICY_DAYS + 2) * GW_MS_PER_DAY}, &d.offset_s);
    return d;
}

static size_t window_spans(const days *d, int32_t day, int from, int to,
                           zone_span ret[ZONE_SPANS_MAX])
{
    if (!d->steady)
        return zone_window(d->zone, day, from, to, ret);
    int64_t midnight = (int64_t)day * DAY_S - d->offset_s;
    ret[0] = (zone_span){(midnight + from * 60) * 1000, (midnight + to * 60) * 1000};
    return from < to;
}

static void remove_day(walk *w, int32_t day)
{
    zone_span spans[ZONE_SPANS_MAX];
    size_t n = zone_window(w->facts->zone, day, 0, ZONE_DAY_MINUTES, spans);
    for (size_t i = 0; i < n; i++)
        interval_remove(&w->set, spans[i]);
}

/* ---- the packs' windows ---- */

static bool has_holiday_hours(const pack *p, policy_channel channel)
{
    for (size_t i = 0; i < p->window_n[channel]; i++)
        if (p->windows[channel][i].weekdays & (1U << PACK_HOLIDAY_BIT))
            return true;
    return false;
}

/* The bits of the windows that are open on this day. */
static unsigned open_bits(const pack *p, policy_channel channel, int32_t day)
{
    int weekday = gw_day_weekday(day);
    if (p->holidays && calendar_look(p->holidays, day, &weekday) == CALENDAR_HOLIDAY &&
        has_holiday_hours(p, channel))
        return 1U << PACK_HOLIDAY_BIT;
    return 1U << (weekday - 1);
}

/* All instants the windows of one pack allow in the days ahead, in one zone. */
static void pack_hours(const walk *w, const pack *p, const days *d, interval_set *ret)
{
    size_t n = p->window_n[w->channel];
    ret->n = 0;
    for (int32_t day = d->first_day; day < d->first_day + POLICY_DAYS; day++) {
        unsigned bits = open_bits(p, w->channel, day);
        for (size_t i = 0; i < n; i++) {
            const pack_window *window = &p->windows[w->channel][i];
            zone_span spans[ZONE_SPANS_MAX];
            size_t span_n =
                window->weekdays & bits ? window_spans(d, day, window->from, window->to, spans) : 0;
            for (size_t k = 0; k < span_n; k++)
                interval_add(ret, spans[k]);
        }
        if (ret->n && ret->v[ret->n - 1].from_ms >= w->deadline)
            return;
    }
}

static bool any_draft(const pack *p, policy_channel channel)
{
    for (size_t i = 0; i < p->window_n[channel]; i++)
        if (p->windows[channel][i].draft)
            return true;
    return false;
}

/* Where the recipients' numbers may be, the pack's hours must hold as well. */
static void suit_numbers(walk *w, const pack *p)
{
    for (size_t i = 0; i < w->number_n; i++)
        for (size_t k = 0; k < w->numbers[i]->zone_n; k++) {
            const zone *z = w->numbers[i]->zones[k];
            interval_set hours;
            if (zone_is(w->facts->zone, zone_name(z)))
                continue;
            days d = days_of(z, w->earliest);
            pack_hours(w, p, &d, &hours);
            interval_intersect(&w->set, &hours);
        }
}

static void apply_windows(walk *w, const pack *p, const days *d, bool first)
{
    interval_set hours;
    int64_t before = first ? w->earliest : walk_first(w);
    pack_hours(w, p, d, first ? &w->set : &hours);
    if (!first)
        interval_intersect(&w->set, &hours);
    if (p->applies.all_plausible)
        suit_numbers(w, p);
    interval_clip(&w->set, w->earliest, w->deadline);
    note_step(w, p, -1, any_draft(p, w->channel), before);
}

void look_quiet_hours(walk *w, policy_check *c)
{
    size_t packs = 0;
    bool opens = false;
    bool number_unknown = false;
    if (!w->facts->zone) {
        say(c, POLICY_CHECK_HOLD, "zone-unknown");
        return;
    }
    zone_time local = zone_local(w->facts->zone, (gw_wall){w->earliest});
    days d = days_of(w->facts->zone, w->earliest);
    w->first_day = local.day;
    note_int(c, "weekday", gw_day_weekday(local.day));
    note_minute(c, "local", local.minute);
    for (size_t i = 0; i < w->pack_n && w->channel < POLICY_CHANNEL_COUNT; i++) {
        const pack *p = w->packs[i];
        if (p->window_n[w->channel] == 0)
            continue;
        opens = opens || p->opens[w->channel];
        number_unknown = number_unknown || (p->applies.all_plausible && w->number_unknown);
        apply_windows(w, p, &d, packs++ == 0);
    }
    if (packs == 0 || !opens || number_unknown) {
        say(c, POLICY_CHECK_HOLD,
            packs == 0 ? "no-window"
            : !opens   ? "draft-only"
                       : "number-region-unknown");
        w->set.n = 0;
        return;
    }
    w->have_set = true;
    bool too_late = w->set.n == 0 && w->deadline != INT64_MAX;
    limit_to_set(w, c, too_late ? "no-time-left" : "outside-window", w->earliest);
}

/* ---- the packs' calendars ---- */

static int64_t close_days(walk *w, calendar_day kind)
{
    int64_t closed = 0;
    for (size_t i = 0; i < w->pack_n; i++) {
        const pack *p = w->packs[i];
        if (!p->holidays || (kind == CALENDAR_HOLIDAY && has_holiday_hours(p, w->channel)))
            continue;
        int64_t before = walk_first(w);
        int64_t here = 0;
        for (int32_t k = 0; k < POLICY_DAYS; k++)
            if (calendar_look(p->holidays, w->first_day + k, NULL) == kind) {
                remove_day(w, w->first_day + k);
                here++;
            }
        closed += here;
        if (here)
            note_step(w, p, (int32_t)kind, calendar_is_draft(p->holidays), before);
    }
    return closed;
}

void look_holidays(walk *w, policy_check *c)
{
    if (!w->have_set)
        return;
    int64_t first = walk_first(w);
    note_int(c, "holidays_ahead", close_days(w, CALENDAR_HOLIDAY));
    int64_t between = walk_first(w);
    note_int(c, "unknown_ahead", close_days(w, CALENDAR_UNKNOWN));
    limit_to_set(w, c, walk_first(w) == between ? "holiday" : "calendar-unknown", first);
}

/* ---- hours that people stated ---- */

/* Add what `row` says of the days that are looked at. */
static void add_stated(const walk *w, const policy_window *row, interval_set *ret)
{
    for (int32_t day = w->first_day; day < w->first_day + POLICY_DAYS; day++) {
        zone_span spans[ZONE_SPANS_MAX];
        size_t n = row->weekdays & (1U << (gw_day_weekday(day) - 1))
                       ? zone_window(w->facts->zone, day, row->from, row->to, spans)
                       : 0;
        for (size_t k = 0; k < n; k++)
            interval_add(ret, spans[k]);
    }
}

static bool stated_well(const policy_window *row)
{
    return row->from >= 0 && row->from < row->to && row->to <= ZONE_DAY_MINUTES &&
           row->group < POLICY_GROUPS_MAX;
}

/* Intersect with the union of the windows of one kind and group, if there are any. */
static int64_t keep_stated(walk *w, policy_whose whose, unsigned group)
{
    interval_set open;
    int64_t rows = 0;
    open.n = 0;
    for (size_t i = 0; i < w->facts->window_n; i++) {
        const policy_window *row = &w->facts->windows[i];
        unsigned of = row->group < POLICY_GROUPS_MAX ? row->group : POLICY_GROUPS_MAX;
        if (row->whose != whose || (whose == POLICY_WINDOW_OPERATOR && of != group))
            continue;
        rows++;
        if (stated_well(row))
            add_stated(w, row, &open);
    }
    if (rows)
        interval_intersect(&w->set, &open);
    return rows;
}

static int64_t close_stated(walk *w)
{
    int64_t rows = 0;
    for (size_t i = 0; i < w->facts->window_n; i++) {
        policy_window row = w->facts->windows[i];
        if (row.whose != POLICY_WINDOW_NEVER)
            continue;
        rows++;
        row.group = 0;
        if (!stated_well(&row)) {
            row.from = 0;
            row.to = ZONE_DAY_MINUTES;
        }
        interval_set never;
        never.n = 0;
        add_stated(w, &row, &never);
        for (size_t k = 0; k < never.n; k++)
            interval_remove(&w->set, never.v[k]);
    }
    return rows;
}

void look_debtor_windows(walk *w, policy_check *c)
{
    if (!w->have_set || !w->contacts)
        return;
    int64_t first = walk_first(w);
    note_int(c, "windows", keep_stated(w, POLICY_WINDOW_DEBTOR, 0));
    note_int(c, "never", close_stated(w));
    limit_to_set(w, c, "debtor-hours", first);
}

/* One group past the last collects rows with a group that does not exist: they open nothing. */
void look_operator_windows(walk *w, policy_check *c)
{
    if (!w->have_set)
        return;
    int64_t first = walk_first(w);
    int64_t rows = 0;
    for (unsigned g = 0; g <= POLICY_GROUPS_MAX && w->facts->window_n; g++)
        rows += keep_stated(w, POLICY_WINDOW_OPERATOR, g);
    note_int(c, "windows", rows);
    limit_to_set(w, c, "operator-hours", first);
}
