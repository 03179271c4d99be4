#include "gateway/policy/policy.h"

#include "gateway/base/time.h"
#include "gateway/policy/intervals.h"
#include "gateway/policy/pack.h"

/* Times outside 1970..9999 come from broken facts; cut off, so that arithmetic stays exact. */
static const int64_t most_ms = INT64_C(253402300799999);

/* Rules from this one on work on the set of instants; all dated rules stand before it. */
enum { CONSENT_RULE = 13, SET_RULES = 18 };

/* What the rules share on their way through the table. */
typedef struct {
    const policy_facts *facts;
    const policy_rules *rules;
    int64_t now;
    policy_channel channel; /* POLICY_CHANNEL_COUNT: unknown */
    unsigned role;          /* bit, 0: unknown */
    bool contacts;          /* the channel reaches somebody outside */
    bool confirms;          /* it confirms an opt-out and nothing else */
    int64_t earliest;       /* when all dated rules seen so far let go */
    int64_t deadline;       /* first instant that is too late */
    int32_t first_day;      /* local day of earliest, set by quiet-hours */
    bool have_set;          /* set holds the instants left; only from quiet-hours on */
    interval_set set;
    uint32_t left_out;
} walk;

static int64_t sane(int64_t ms)
{
    return ms < 0 ? 0 : ms > most_ms ? most_ms : ms;
}

/* ---- what a rule can say ---- */

static void say(policy_check *c, policy_check_verdict verdict, const char *why)
{
    c->verdict = verdict;
    c->why = why;
}

static void note(policy_check *c, const char *name, int kind, int64_t i, const char *text)
{
    policy_input *in = &c->inputs[c->input_n++];
    in->name = name;
    in->kind = kind;
    in->i = i;
    in->text = text;
}

static void note_int(policy_check *c, const char *name, int64_t i)
{
    note(c, name, POLICY_IN_INT, i, NULL);
}

static void note_text(policy_check *c, const char *name, const char *text)
{
    note(c, name, POLICY_IN_TEXT, 0, text);
}

static void note_time(policy_check *c, const char *name, int64_t ms)
{
    if (ms)
        note(c, name, POLICY_IN_TIME, ms, NULL);
    else
        note_text(c, name, "none");
}

/* A dated rule: nothing before `until`. */
static void wait_until(walk *w, policy_check *c, int64_t until, const char *why)
{
    if (until <= w->now)
        return;
    say(c, POLICY_CHECK_LIMIT, why);
    c->next_ms = until;
    if (until > w->earliest)
        w->earliest = until;
}

/* A rule that took instants out of the set: it limits if now is not in what is left. */
static void limit_to_set(walk *w, policy_check *c, const char *why, int64_t first_before)
{
    int64_t first = w->set.n ? w->set.v[0].from_ms : INT64_MAX;
    if (first <= w->now || first == first_before)
        return;
    say(c, POLICY_CHECK_LIMIT, why);
    c->next_ms = first;
}

/* ---- the rules, in order ---- */

static void look_clock(walk *w, policy_check *c)
{
    if (!w->facts->clock_ok)
        say(c, POLICY_CHECK_HOLD, "clock-unsure");
}

static void look_paused(walk *w, policy_check *c)
{
    if (!w->facts->paused)
        return;
    note_text(c, "pause", w->facts->paused);
    say(c, POLICY_CHECK_HOLD, "paused");
}

static void look_paid(walk *w, policy_check *c)
{
    if (w->facts->item_known && w->facts->item_paid)
        say(c, POLICY_CHECK_WITHDRAW, "paid");
}

static void look_disputed(walk *w, policy_check *c)
{
    if (w->facts->item_known && w->facts->item_disputed)
        say(c, POLICY_CHECK_HOLD, "disputed");
}

static const struct {
    const char *kind, *why;
} hold_kinds[] = {
    {"dispute", "hold-dispute"},   {"cease-contact", "hold-cease-contact"},
    {"lawyer", "hold-lawyer"},     {"insolvency", "hold-insolvency"},
    {"deceased", "hold-deceased"}, {"vulnerable", "hold-vulnerable"},
    {"legal", "hold-legal"},
};

/* A kind we do not know holds too; its text came from outside and is not repeated. */
static const char *hold_why(gw_str kind)
{
    for (size_t i = 0; i < GW_COUNT(hold_kinds); i++)
        if (gw_str_is(kind, hold_kinds[i].kind))
            return hold_kinds[i].why;
    return "hold-other";
}

static void look_holds(walk *w, policy_check *c)
{
    int64_t latest = 0;
    const char *why = "";
    note_int(c, "holds", (int64_t)w->facts->hold_n);
    for (size_t i = 0; i < w->facts->hold_n; i++) {
        const policy_hold *h = &w->facts->holds[i];
        if (h->until_ms <= 0) {
            say(c, POLICY_CHECK_HOLD, hold_why(h->kind));
            return;
        }
        if (sane(h->until_ms) > latest) {
            latest = sane(h->until_ms);
            why = hold_why(h->kind);
        }
    }
    if (latest <= w->now)
        return;
    note_time(c, "until", latest);
    wait_until(w, c, latest, why);
}

static void look_promise(walk *w, policy_check *c)
{
    note_time(c, "until", w->facts->promise_until_ms);
    wait_until(w, c, sane(w->facts->promise_until_ms), "promise");
}

static void look_not_before(walk *w, policy_check *c)
{
    note_time(c, "not_before", w->facts->not_before_ms);
    wait_until(w, c, sane(w->facts->not_before_ms), "not-before");
}

static void look_not_after(walk *w, policy_check *c)
{
    int64_t deadline = w->facts->not_after_ms;
    note_time(c, "not_after", deadline);
    if (deadline == 0)
        return;
    w->deadline = sane(deadline);
    if (w->now < w->deadline)
        return;
    /* a clock that cannot be trusted must not end anything for good */
    if (w->facts->clock_ok)
        say(c, POLICY_CHECK_WITHDRAW, "expired");
    else
        say(c, POLICY_CHECK_HOLD, "clock-unsure");
}

static void look_zone(walk *w, policy_check *c)
{
    if (w->facts->zone)
        note_text(c, "zone", zone_name(w->facts->zone));
    else
        say(c, POLICY_CHECK_HOLD, "zone-unknown");
}

static void look_role(walk *w, policy_check *c)
{
    if (!w->role) {
        say(c, POLICY_CHECK_HOLD, "role-unknown");
        return;
    }
    int64_t packs = 0;
    for (size_t i = 0; i < w->rules->pack_n; i++)
        packs += (w->rules->packs[i]->roles & w->role) != 0;
    note_text(c, "role", policy_role_name(w->role));
    note_int(c, "packs", packs);
    if (packs == 0)
        say(c, POLICY_CHECK_HOLD, "no-rules");
}

static void look_recipients(walk *w, policy_check *c)
{
    size_t usable = 0;
    size_t outside = 0;
    if (!w->contacts)
        return;
    for (size_t i = 0; i < w->facts->recipient_n; i++) {
        const policy_recipient *r = &w->facts->recipients[i];
        outside += !r->designated;
        usable += !r->copy && r->address.n > 0;
    }
    note_int(c, "recipients", (int64_t)w->facts->recipient_n);
    note_int(c, "not_designated", (int64_t)outside);
    if (outside)
        say(c, POLICY_CHECK_REFUSE, "third-party");
    else if (usable == 0)
        say(c, POLICY_CHECK_HOLD, "no-recipient");
    else if (w->facts->recipient_n > POLICY_RECIPIENTS_MAX)
        say(c, POLICY_CHECK_HOLD, "too-many-recipients");
}

static void look_standing(walk *w, policy_check *c)
{
    if (!w->contacts)
        return;
    int64_t verified = 0;
    for (size_t i = 0; i < w->facts->recipient_n; i++) {
        const policy_recipient *r = &w->facts->recipients[i];
        verified += r->standing == POLICY_ADDRESS_VERIFIED;
        if (r->standing == POLICY_ADDRESS_LEAKED)
            say(c, POLICY_CHECK_HOLD, "address-leaked");
        else if (r->standing == POLICY_ADDRESS_UNVERIFIED && c->verdict == POLICY_CHECK_PASS)
            say(c, POLICY_CHECK_HOLD, "address-unverified");
    }
    note_int(c, "verified", verified);
}

/* A legal suppression has no end, a bounce's ends by itself when it has a date. */
static void look_suppression(walk *w, policy_check *c)
{
    int64_t latest = 0;
    for (size_t i = 0; w->contacts && i < w->facts->recipient_n; i++) {
        const policy_recipient *r = &w->facts->recipients[i];
        if (r->suppression == POLICY_SUPPRESSED_NOT)
            continue;
        if (r->suppression != POLICY_SUPPRESSED_BOUNCE) {
            say(c, POLICY_CHECK_HOLD, "suppressed-legal");
            return;
        }
        int64_t until = r->suppressed_until_ms <= 0 ? INT64_MAX : sane(r->suppressed_until_ms);
        latest = until > latest ? until : latest;
    }
    if (latest <= w->now)
        return;
    if (latest == INT64_MAX) {
        say(c, POLICY_CHECK_HOLD, "suppressed-bounce");
        return;
    }
    note_time(c, "until", latest);
    wait_until(w, c, latest, "suppressed-bounce");
}

static void look_opinion(policy_check *c, policy_opinion o, const char *code, const char *why)
{
    static const char *const names[] = {"unchecked", "yes", "no"};
    bool known = (unsigned)o < GW_COUNT(names);
    note_text(c, "verdict", known ? names[o] : "unknown");
    if (o == POLICY_UNCHECKED || o == POLICY_YES)
        return;
    if (code)
        note_text(c, "reason", code);
    say(c, POLICY_CHECK_HOLD, why);
}

static void look_content(walk *w, policy_check *c)
{
    look_opinion(c, w->facts->content, w->facts->content_why, "content-blocked");
}

static void look_eligible(walk *w, policy_check *c)
{
    look_opinion(c, w->facts->eligible, w->facts->eligible_why, "provider-forbids");
}

static pack_consent consent_mode(const walk *w)
{
    pack_consent mode = PACK_CONSENT_SILENT;
    for (size_t i = 0; i < w->rules->pack_n; i++) {
        const pack *p = w->rules->packs[i];
        if ((p->roles & w->role) && p->consent[w->channel] > mode)
            mode = p->consent[w->channel];
    }
    return mode;
}

static void look_consent(walk *w, policy_check *c)
{
    if (!w->contacts)
        return;
    if (w->channel == POLICY_CHANNEL_COUNT) {
        say(c, POLICY_CHECK_HOLD, "channel-unknown");
        return;
    }
    pack_consent mode = consent_mode(w);
    if (mode == PACK_CONSENT_SILENT) {
        say(c, POLICY_CHECK_HOLD, "consent-rule-missing");
        return;
    }
    note_text(c, "mode", mode == PACK_CONSENT_OPT_IN ? "opt-in" : "opt-out");
    for (size_t i = 0; i < w->facts->recipient_n && i < POLICY_RECIPIENTS_MAX; i++) {
        const policy_recipient *r = &w->facts->recipients[i];
        if (r->consent == CONSENT_GRANTED)
            continue;
        if (r->consent == CONSENT_UNKNOWN && mode == PACK_CONSENT_OPT_OUT)
            continue;
        if (r->copy)
            w->left_out |= UINT32_C(1) << i;
        else
            say(c, POLICY_CHECK_HOLD,
                r->consent == CONSENT_UNKNOWN ? "consent-missing" : "opted-out");
    }
    note_int(c, "copies_left_out", __builtin_popcount(w->left_out));
}

static void look_template(walk *w, policy_check *c)
{
    if (!w->facts->template_known)
        say(c, POLICY_CHECK_HOLD, "template-unknown");
}

static void look_channel(walk *w, policy_check *c)
{
    if (w->channel == POLICY_CHANNEL_COUNT) {
        say(c, POLICY_CHECK_HOLD, "channel-unknown");
        return;
    }
    note_text(c, "channel", policy_channel_name(w->channel));
    if (!w->facts->channel_ready)
        say(c, POLICY_CHECK_HOLD, "channel-unavailable");
}

/* All instants the windows of one pack allow in the days ahead. */
static void pack_hours(const walk *w, const pack *p, interval_set *ret)
{
    ret->n = 0;
    for (int32_t day = w->first_day; day < w->first_day + POLICY_DAYS; day++) {
        unsigned bit = 1U << (gw_day_weekday(day) - 1);
        for (size_t i = 0; i < p->window_n[w->channel]; i++) {
            const pack_window *window = &p->windows[w->channel][i];
            zone_span spans[ZONE_SPANS_MAX];
            size_t n = window->weekdays & bit
                           ? zone_window(w->facts->zone, day, window->from, window->to, spans)
                           : 0;
            for (size_t k = 0; k < n; k++)
                interval_add(ret, spans[k]);
        }
        if (ret->n && ret->v[ret->n - 1].from_ms >= w->deadline)
            return;
    }
}

static void look_quiet_hours(walk *w, policy_check *c)
{
    size_t packs = 0;
    if (!w->facts->zone) {
        say(c, POLICY_CHECK_HOLD, "zone-unknown");
        return;
    }
    zone_time local = zone_local(w->facts->zone, (gw_wall){w->earliest});
    w->first_day = local.day;
    note(c, "weekday", POLICY_IN_INT, gw_day_weekday(local.day), NULL);
    note(c, "local", POLICY_IN_MINUTE, local.minute, NULL);
    for (size_t i = 0; i < w->rules->pack_n && w->channel < POLICY_CHANNEL_COUNT; i++) {
        const pack *p = w->rules->packs[i];
        interval_set hours;
        if (!(p->roles & w->role) || p->window_n[w->channel] == 0)
            continue;
        pack_hours(w, p, packs ? &hours : &w->set);
        if (packs++)
            interval_intersect(&w->set, &hours);
    }
    if (packs == 0) {
        say(c, POLICY_CHECK_HOLD, "no-window");
        return;
    }
    w->have_set = true;
    interval_clip(&w->set, w->earliest, w->deadline);
    bool too_late = w->set.n == 0 && w->deadline != INT64_MAX;
    limit_to_set(w, c, too_late ? "no-time-left" : "outside-window", w->earliest);
}

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

static int64_t first_of(const walk *w)
{
    return w->set.n ? w->set.v[0].from_ms : INT64_MAX;
}

static void look_debtor_windows(walk *w, policy_check *c)
{
    if (!w->have_set || !w->contacts)
        return;
    int64_t first = first_of(w);
    note_int(c, "windows", keep_stated(w, POLICY_WINDOW_DEBTOR, 0));
    note_int(c, "never", close_stated(w));
    limit_to_set(w, c, "debtor-hours", first);
}

/* One group past the last collects rows with a group that does not exist: they open nothing. */
static void look_operator_windows(walk *w, policy_check *c)
{
    if (!w->have_set)
        return;
    int64_t first = first_of(w);
    int64_t rows = 0;
    for (unsigned g = 0; g <= POLICY_GROUPS_MAX; g++)
        rows += keep_stated(w, POLICY_WINDOW_OPERATOR, g);
    note_int(c, "windows", rows);
    limit_to_set(w, c, "operator-hours", first);
}

static void look_cool_down(walk *w, policy_check *c)
{
    (void)w;
    (void)c;
}

static void remove_day(walk *w, int32_t day)
{
    zone_span spans[ZONE_SPANS_MAX];
    size_t n = zone_window(w->facts->zone, day, 0, ZONE_DAY_MINUTES, spans);
    for (size_t i = 0; i < n; i++)
        interval_remove(&w->set, spans[i]);
}

static void look_holidays(walk *w, policy_check *c)
{
    if (!w->have_set)
        return;
    int64_t first = w->set.n ? w->set.v[0].from_ms : INT64_MAX;
    int64_t days = 0;
    for (size_t i = 0; i < w->rules->pack_n; i++) {
        const pack *p = w->rules->packs[i];
        for (int32_t k = 0; (p->roles & w->role) && p->calendar && k < POLICY_DAYS; k++)
            if (pack_calendar_has(p->calendar, w->first_day + k)) {
                remove_day(w, w->first_day + k);
                days++;
            }
    }
    note_int(c, "holidays_ahead", days);
    limit_to_set(w, c, "holiday", first);
}

/* Lowest cap of a field over the packs that apply; -1 when none has one. */
static int64_t cap_of(const policy_rules *rules, unsigned role, policy_channel field)
{
    int64_t least = -1;
    for (size_t i = 0; i < rules->pack_n; i++) {
        const pack *p = rules->packs[i];
        for (size_t k = 0; (p->roles & role) && k < p->cap_n; k++)
            if (p->caps[k].channel == field && (least < 0 || p->caps[k].max < least))
                least = p->caps[k].max;
    }
    return least;
}

/* Take away the days on which field was used up. A negative count is nonsense and uses up too. */
static void apply_cap(walk *w, policy_channel field, int64_t max)
{
    if (max == 0)
        w->set.n = 0;
    for (size_t i = 0; max > 0 && i < w->facts->count_n; i++) {
        const policy_count *u = &w->facts->counts[i];
        bool in_reach = u->day >= w->first_day && u->day < w->first_day + POLICY_DAYS &&
                        !u->hourly && u->counting == POLICY_PLACED && u->scope == POLICY_OF_SENDER;
        if (in_reach && (u->used >= max || u->used < 0) &&
            gw_str_is(u->field, policy_channel_name(field)))
            remove_day(w, u->day);
    }
}

static void look_caps(walk *w, policy_check *c)
{
    if (!w->have_set || !w->contacts)
        return;
    int64_t first = w->set.n ? w->set.v[0].from_ms : INT64_MAX;
    const struct {
        const char *name;
        policy_channel field;
    } caps[] = {{"max_all", POLICY_CHANNEL_COUNT}, {"max_channel", w->channel}};
    for (size_t i = 0; i < GW_COUNT(caps); i++) {
        int64_t max = cap_of(w->rules, w->role, caps[i].field);
        if (max < 0) {
            note_text(c, caps[i].name, "none");
            continue;
        }
        note_int(c, caps[i].name, max);
        apply_cap(w, caps[i].field, max);
    }
    limit_to_set(w, c, "cap-reached", first);
}

/* ---- the table ---- */

static const struct {
    const char *id;
    void (*look)(walk *w, policy_check *c);
    bool of_debts; /* does not concern the confirmation of an opt-out */
} table[POLICY_RULE_COUNT] = {
    {"clock-ok", look_clock, false},
    {"paused", look_paused, false},
    {"item-paid", look_paid, true},
    {"item-disputed", look_disputed, true},
    {"holds", look_holds, true},
    {"promise", look_promise, true},
    {"not-before", look_not_before, false},
    {"not-after", look_not_after, false},
    {"zone-known", look_zone, true},
    {"role-known", look_role, true},
    {"recipient-guard", look_recipients, false},
    {"address-standing", look_standing, false},
    {"suppression", look_suppression, false},
    {"consent", look_consent, true},
    {"template-known", look_template, false},
    {"content", look_content, false},
    {"eligibility", look_eligible, false},
    {"channel-ready", look_channel, false},
    [SET_RULES] = {"quiet-hours", look_quiet_hours, true},
    {"holidays", look_holidays, true},
    {"debtor-windows", look_debtor_windows, true},
    {"operator-windows", look_operator_windows, true},
    {"cool-down", look_cool_down, true},
    {"caps", look_caps, true},
};

/* A confirmation has the next minutes, whatever the hour; nobody's opt-out waits: without one it
 * is an attempt to contact somebody under a false name. */
static void confirm(walk *w, policy_check *consent)
{
    if (!w->facts->confirmation_due) {
        say(consent, POLICY_CHECK_HOLD, "nothing-to-confirm");
        return;
    }
    int64_t end = sane(w->now + POLICY_CONFIRM_MS);
    end = end < w->deadline ? end : w->deadline;
    if (w->earliest < end)
        interval_add(&w->set, (policy_interval){w->earliest, end});
    else
        say(consent, POLICY_CHECK_HOLD, "no-time-left");
}

/* ---- from the checks to the verdict ---- */

static policy_verdict weight(const policy_check *c)
{
    switch (c->verdict) {
    case POLICY_CHECK_PASS:
        return POLICY_ALLOW;
    case POLICY_CHECK_LIMIT:
        return c->next_ms == INT64_MAX ? POLICY_HOLD : POLICY_LATER;
    case POLICY_CHECK_HOLD:
        return POLICY_HOLD;
    case POLICY_CHECK_WITHDRAW:
        return POLICY_WITHDRAW;
    case POLICY_CHECK_REFUSE:
        return POLICY_REFUSE;
    }
    return POLICY_HOLD;
}

/* The strictest check, the first of equals. Of limits: the dated rule that lets go last, for it is
 * the reason a person wants to hear; without one, the rule that left the latest first instant. */
static void conclude(policy_decision *d)
{
    d->verdict = POLICY_ALLOW;
    d->rule = d->why = "";
    int64_t next = 0;
    bool dated = false;
    for (size_t i = 0; i < d->check_n; i++) {
        const policy_check *c = &d->checks[i];
        policy_verdict v = weight(c);
        if (v < d->verdict || v == POLICY_ALLOW)
            continue;
        if (v == d->verdict &&
            (v != POLICY_LATER || c->next_ms <= next || (dated && i >= SET_RULES)))
            continue;
        d->verdict = v;
        d->rule = c->rule;
        d->why = c->why;
        next = c->next_ms;
        dated = i < SET_RULES;
    }
}

static gw_code keep_set(policy_decision *d, const walk *w, gw_arena *arena, gw_err *err)
{
    if (d->verdict > POLICY_LATER)
        return GW_OK;
    if (w->set.n == 0)
        gw_bug("allowed without an interval");
    d->allowed = gw_arena_alloc(arena, w->set.n * sizeof *d->allowed);
    if (!d->allowed)
        return gw_fail(err, GW_ENOMEM, "policy decision: the arena is full");
    memcpy(d->allowed, w->set.v, w->set.n * sizeof *d->allowed);
    d->allowed_n = w->set.n;
    d->next_ms = w->set.v[0].from_ms;
    d->window_end_ms = w->set.v[0].to_ms;
    if (!w->confirms)
        d->cap_n = policy_caps_at(w->facts, w->rules, (gw_wall){d->next_ms}, d->caps);
    return GW_OK;
}

/* A hold that only time can end (all days ahead are used up or closed) is looked at again when the
 * days that were looked at are over. */
static int64_t look_again(const policy_decision *d, const walk *w)
{
    for (size_t i = 0; i < d->check_n; i++)
        if (weight(&d->checks[i]) == POLICY_HOLD && d->checks[i].verdict != POLICY_CHECK_LIMIT)
            return 0;
    return w->confirms ? 0 : zone_instant(w->facts->zone, w->first_day + POLICY_DAYS, 0).ms;
}

gw_code policy_decide(const policy_facts *facts, const policy_rules *rules, gw_wall now,
                      gw_arena *arena, policy_decision *ret, gw_err *err)
{
    if (!rules->sealed)
        return gw_fail(err, GW_EINVAL, "policy decision: the rule packs are not sealed");
    policy_decision d = {.check_n = POLICY_RULE_COUNT, .zone = facts->zone};
    d.checks = gw_arena_alloc(arena, POLICY_RULE_COUNT * sizeof *d.checks);
    if (!d.checks)
        return gw_fail(err, GW_ENOMEM, "policy decision: the arena is full");
    walk w; /* not zeroed as a whole: the set is large */
    w.facts = facts;
    w.rules = rules;
    w.now = w.earliest = sane(now.ms);
    w.channel = policy_channel_of(gw_str_of(facts->channel));
    w.role = policy_role_of(facts->debtor_role);
    w.contacts = w.channel != POLICY_DESK;
    w.confirms = facts->purpose && strcmp(facts->purpose, POLICY_PURPOSE_CONFIRM) == 0;
    w.deadline = INT64_MAX;
    w.first_day = 0;
    w.have_set = false;
    w.set.n = 0;
    w.left_out = 0;
    for (size_t i = 0; i < POLICY_RULE_COUNT; i++) {
        d.checks[i].rule = table[i].id;
        d.checks[i].why = "";
        if (!w.confirms || !table[i].of_debts)
            table[i].look(&w, &d.checks[i]);
    }
    if (w.confirms)
        confirm(&w, &d.checks[CONSENT_RULE]);
    conclude(&d);
    gw_code rc = keep_set(&d, &w, arena, err);
    if (rc != GW_OK)
        return rc;
    if (d.verdict == POLICY_HOLD)
        d.next_ms = look_again(&d, &w);
    d.left_out = w.left_out;
    d.now = (gw_wall){w.now};
    memcpy(d.pack_hash, rules->hash, sizeof d.pack_hash);
    *ret = d;
    return GW_OK;
}

size_t policy_caps_at(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                      policy_cap ret[POLICY_TAKES_MAX])
{
    policy_channel channel = policy_channel_of(gw_str_of(facts->channel));
    unsigned role = policy_role_of(facts->debtor_role);
    if (!facts->zone || channel == POLICY_DESK || channel == POLICY_CHANNEL_COUNT)
        return 0;
    int32_t day = zone_local(facts->zone, t).day;
    const policy_channel fields[] = {POLICY_CHANNEL_COUNT, channel};
    size_t n = 0;
    for (size_t i = 0; i < GW_COUNT(fields); i++) {
        int64_t max = cap_of(rules, role, fields[i]);
        if (max >= 0)
            ret[n++] =
                (policy_cap){.field = policy_channel_name(fields[i]), .day = day, .max = max};
    }
    return n;
}
