/* decide_caps.c - how often: sliding caps, and the days of rest after a conversation. */
#include "gateway/policy/decide.h"

#include "gateway/base/time.h"

enum { USED_MOST = 1 << 20, RANGE_DAYS = POLICY_DAYS + POLICY_CAP_DAYS_MAX };

static bool concerns_channel(const walk *w, policy_channel field)
{
    return field == POLICY_CHANNEL_COUNT || field == w->channel;
}

static bool is_call(const walk *w)
{
    return w->channel == POLICY_VOICE;
}

/* A debtor without a person is a person of its own; a contact about no single debt is held against
 * all. */
static policy_scope scope_of(const walk *w, policy_scope s)
{
    bool own = (s == POLICY_OF_PERSON && !w->facts->is_person) ||
               (s == POLICY_OF_DEBT && w->facts->debt.n == 0);
    return own ? POLICY_OF_SENDER : s;
}

static bool cap_concerns(const walk *w, const pack_cap *c)
{
    return concerns_channel(w, c->channel) && (c->counting == POLICY_PLACED || is_call(w));
}

static void remove_days(walk *w, int32_t from, int32_t to)
{
    int32_t end = w->first_day + POLICY_DAYS;
    for (int32_t day = from > w->first_day ? from : w->first_day; day < to && day < end; day++) {
        zone_span spans[ZONE_SPANS_MAX];
        size_t n = zone_window(w->facts->zone, day, 0, ZONE_DAY_MINUTES, spans);
        for (size_t i = 0; i < n; i++)
            interval_remove(&w->set, spans[i]);
    }
}

/* ---- rest after a conversation ---- */

void look_cool_down(walk *w, policy_check *c)
{
    if (!w->have_set || !w->contacts)
        return;
    int64_t first = walk_first(w);
    for (size_t i = 0; i < w->pack_n; i++)
        for (size_t k = 0; k < w->packs[i]->cool_down_n; k++) {
            const pack_cool_down *row = &w->packs[i]->cool_downs[k];
            bool of_debt = scope_of(w, row->scope) == POLICY_OF_DEBT;
            int64_t talked = walk_sane(of_debt ? w->facts->talked_debt_ms : w->facts->talked_ms);
            if (!concerns_channel(w, row->channel) || talked == 0)
                continue;
            int64_t before = walk_first(w);
            int32_t day = zone_local(w->facts->zone, (gw_wall){talked}).day;
            remove_days(w, day, day + row->days);
            note_step(w, w->packs[i], (int32_t)k, row->draft, before);
        }
    note_time(c, "last_talk", walk_sane(w->facts->talked_ms));
    note_time(c, "last_talk_of_debt", walk_sane(w->facts->talked_debt_ms));
    limit_to_set(w, c, "cool-down", first);
}

/* ---- caps ---- */

/* What a counter of the facts adds to a cap's sum; a negative one is nonsense and uses up. */
static int64_t adds(const pack_cap *c, policy_scope scope, const policy_count *u)
{
    if (u->counting != c->counting || u->hourly != c->hourly || u->scope != scope ||
        !gw_str_is(u->field, policy_channel_name(c->channel)))
        return 0;
    return u->used < 0 || u->used > USED_MOST ? USED_MOST : u->used;
}

static void apply_days(walk *w, const pack_cap *c, policy_scope scope)
{
    int64_t used[RANGE_DAYS] = {0};
    int32_t base = w->first_day - c->span + 1; /* used[0] */
    int64_t any = 0;
    for (size_t i = 0; i < w->facts->count_n; i++) {
        const policy_count *u = &w->facts->counts[i];
        int64_t at = (int64_t)u->day - base;
        int64_t more = at >= 0 && at < c->span - 1 + POLICY_DAYS ? adds(c, scope, u) : 0;
        if (more)
            used[at] += more;
        any += more;
    }
    if (any < c->max)
        return;
    int64_t sum = 0;
    for (int32_t k = 0; k < c->span - 1 + POLICY_DAYS; k++) {
        sum += used[k] - (k >= c->span ? used[k - c->span] : 0);
        if (k >= c->span - 1 && sum >= c->max)
            remove_days(w, base + k, base + k + 1);
    }
}

/* Whole hours of UTC: with an hour more than the cap's the sliding window is never shorter. */
static void apply_hours(walk *w, const pack_cap *c, policy_scope scope)
{
    int32_t first = (int32_t)(w->earliest / GW_MS_PER_HOUR);
    int32_t last = first - 1; /* beyond it nothing reaches */
    for (size_t i = 0; i < w->facts->count_n; i++) {
        const policy_count *u = &w->facts->counts[i];
        if (adds(c, scope, u) > 0 && u->day >= first - c->span &&
            u->day < first + POLICY_DAYS * 24 && u->day + c->span > last)
            last = u->day + c->span;
    }
    for (int32_t h = first; h <= last; h++) {
        int64_t sum = 0;
        for (size_t i = 0; i < w->facts->count_n; i++) {
            const policy_count *u = &w->facts->counts[i];
            if (u->day <= h && u->day >= h - c->span)
                sum += adds(c, scope, u);
        }
        if (sum >= c->max)
            interval_remove(&w->set,
                            (policy_interval){h * GW_MS_PER_HOUR, (h + 1) * GW_MS_PER_HOUR});
    }
}

static void apply_cap(walk *w, const pack_cap *c, policy_scope scope)
{
    if (c->max == 0)
        w->set.n = 0;
    else if (c->hourly)
        apply_hours(w, c, scope);
    else
        apply_days(w, c, scope);
}

void look_caps(walk *w, policy_check *c)
{
    if (!w->have_set || !w->contacts)
        return;
    int64_t first = walk_first(w);
    int64_t caps = 0;
    for (size_t i = 0; i < w->pack_n; i++)
        for (size_t k = 0; k < w->packs[i]->cap_n; k++) {
            const pack_cap *row = &w->packs[i]->caps[k];
            if (!cap_concerns(w, row))
                continue;
            int64_t before = walk_first(w);
            caps++;
            /* A person's cap holds for this sender alone as well: the person may have been named
             * after contacts were counted. */
            apply_cap(w, row, scope_of(w, row->scope));
            if (row->scope == POLICY_OF_PERSON)
                apply_cap(w, row, POLICY_OF_SENDER);
            note_step(w, w->packs[i], (int32_t)k, row->draft, before);
        }
    note_int(c, "caps", caps);
    note_int(c, "counts", (int64_t)w->facts->count_n);
    limit_to_set(w, c, "cap-reached", first);
    policy_cap takes[POLICY_TAKES_MAX];
    bool too_many;
    caps_at(w, (gw_wall){w->earliest}, takes, &too_many);
    if (too_many)
        say(c, POLICY_CHECK_HOLD, "too-many-caps");
}

/* ---- what a contact takes ---- */

typedef struct {
    policy_cap *list;
    size_t n;
    int32_t day, hour;
    bool too_many;
} taking;

static bool same_counter(const policy_cap *a, const policy_cap *b)
{
    return a->counting == b->counting && a->scope == b->scope && a->hourly == b->hourly &&
           strcmp(a->field, b->field) == 0;
}

static policy_cap *add(taking *t, policy_cap c)
{
    c.day = c.hourly ? t->hour : t->day;
    if (t->n == POLICY_TAKES_MAX) {
        t->too_many = true;
        return &t->list[t->n - 1];
    }
    t->list[t->n] = c;
    return &t->list[t->n++];
}

/* The counter itself grows by one. */
static void grow(taking *t, policy_cap c)
{
    for (size_t i = 0; i < t->n; i++)
        if (same_counter(&t->list[i], &c))
            return;
    c.max = INT64_MAX;
    add(t, c);
}

static void limit(taking *t, policy_cap c)
{
    for (size_t i = 0; i < t->n; i++) {
        policy_cap *x = &t->list[i];
        if (!same_counter(x, &c))
            continue;
        if (x->max == INT64_MAX) {
            x->max = c.max;
            x->before = c.before;
            return;
        }
        if (x->before == c.before) {
            x->max = c.max < x->max ? c.max : x->max;
            return;
        }
    }
    c.check_only = true;
    add(t, c);
}

static void limit_scope(taking *t, const walk *w, const pack_cap *c, policy_scope scope)
{
    limit(t, (policy_cap){.field = policy_channel_name(c->channel),
                          .max = c->max,
                          .counting = c->counting,
                          .scope = scope,
                          .hourly = c->hourly,
                          .debt = w->facts->debt,
                          .before = (uint8_t)(c->hourly ? c->span : c->span - 1)});
}

static void grow_counters(const walk *w, taking *t)
{
    for (size_t i = 0; i < w->rules->counter_n; i++) {
        const pack_counter *k = &w->rules->counters[i];
        if (!concerns_channel(w, k->channel) || (k->counting != POLICY_PLACED && !is_call(w)))
            continue;
        /* About no single debt: a counter of its own that counts for every debt. */
        policy_scope scope = k->scope == POLICY_OF_DEBT ? POLICY_OF_DEBT : scope_of(w, k->scope);
        grow(t, (policy_cap){.field = policy_channel_name(k->channel),
                             .counting = k->counting,
                             .scope = scope,
                             .hourly = k->hourly,
                             .debt = w->facts->debt});
    }
}

size_t caps_at(const walk *w, gw_wall at, policy_cap ret[POLICY_TAKES_MAX], bool *ret_too_many)
{
    taking t = {.list = ret};
    *ret_too_many = false;
    if (!w->facts->zone || !w->contacts || w->channel == POLICY_CHANNEL_COUNT || w->confirms)
        return 0;
    t.day = zone_local(w->facts->zone, at).day;
    t.hour = (int32_t)(walk_sane(at.ms) / GW_MS_PER_HOUR);
    grow_counters(w, &t);
    for (size_t i = 0; i < w->pack_n; i++)
        for (size_t k = 0; k < w->packs[i]->cap_n; k++) {
            const pack_cap *c = &w->packs[i]->caps[k];
            if (!cap_concerns(w, c))
                continue;
            limit_scope(&t, w, c, scope_of(w, c->scope));
            if (c->scope == POLICY_OF_PERSON)
                limit_scope(&t, w, c, POLICY_OF_SENDER);
        }
    if (t.too_many)
        ret[POLICY_TAKES_MAX - 1].max = 0;
    *ret_too_many = t.too_many;
    return t.n;
}
