#include "gateway/policy/decide.h"

/* Rules from SET_RULES on work on the set of instants; all dated rules stand before ZONE_RULE, so
 * that the packs are looked up for the days in question. */
enum { ZONE_RULE = 9, CONSENT_RULE = 13, SET_RULES = 18 };

static const int64_t most_ms = INT64_C(253402300799999); /* 9999-12-31 */

int64_t walk_sane(int64_t ms)
{
    return ms < 0 ? 0 : ms > most_ms ? most_ms : ms;
}

int64_t walk_first(const walk *w)
{
    return w->set.n ? w->set.v[0].from_ms : INT64_MAX;
}

/* ---- what a rule can say ---- */

void say(policy_check *c, policy_check_verdict verdict, const char *why)
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

void note_int(policy_check *c, const char *name, int64_t i)
{
    note(c, name, POLICY_IN_INT, i, NULL);
}

void note_minute(policy_check *c, const char *name, int minute)
{
    note(c, name, POLICY_IN_MINUTE, minute, NULL);
}

void note_text(policy_check *c, const char *name, const char *text)
{
    note(c, name, POLICY_IN_TEXT, 0, text);
}

void note_time(policy_check *c, const char *name, int64_t ms)
{
    if (ms)
        note(c, name, POLICY_IN_TIME, ms, NULL);
    else
        note_text(c, name, "none");
}

void wait_until(walk *w, policy_check *c, int64_t until, const char *why)
{
    if (until <= w->now)
        return;
    say(c, POLICY_CHECK_LIMIT, why);
    c->next_ms = until;
    if (until > w->earliest)
        w->earliest = until;
}

void limit_to_set(walk *w, policy_check *c, const char *why, int64_t first_before)
{
    int64_t first = walk_first(w);
    if (first <= w->now || first == first_before)
        return;
    say(c, POLICY_CHECK_LIMIT, why);
    c->next_ms = first;
}

void note_step(walk *w, const pack *p, int32_t row, bool draft, int64_t first_before)
{
    if (w->step_n == POLICY_STEPS_MAX)
        return;
    policy_step *s = &w->steps[w->step_n++];
    int64_t first = walk_first(w);
    s->rule = w->rule;
    s->pack = p;
    s->row = row;
    s->draft = draft;
    s->limits = first_before && first != first_before && first > w->now;
    s->next_ms = first_before ? first : 0;
}

/* ---- the table ---- */

static const struct {
    const char *id;
    rule_fn *look;
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
    {"suppression", look_suppression, false},
    [ZONE_RULE] = {"zone-known", look_zone, true},
    {"role-known", look_role, true},
    {"recipient-guard", look_recipients, false},
    {"address-standing", look_standing, false},
    [CONSENT_RULE] = {"consent", look_consent, true},
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
    int64_t end = walk_sane(w->now + POLICY_CONFIRM_MS);
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

static void *keep(gw_arena *arena, const void *from, size_t n, gw_err *err)
{
    void *to = gw_arena_alloc(arena, n);
    if (to)
        memcpy(to, from, n);
    else
        gw_fail(err, GW_ENOMEM, "policy decision: the arena is full");
    return to;
}

static gw_code keep_set(policy_decision *d, const walk *w, gw_arena *arena, gw_err *err)
{
    bool too_many;
    d->steps = keep(arena, w->steps, w->step_n * sizeof *d->steps, err);
    d->step_n = w->step_n;
    if (!d->steps)
        return GW_ENOMEM;
    if (d->verdict > POLICY_LATER)
        return GW_OK;
    if (w->set.n == 0)
        gw_bug("allowed without an interval");
    d->allowed = keep(arena, w->set.v, w->set.n * sizeof *d->allowed, err);
    if (!d->allowed)
        return GW_ENOMEM;
    d->allowed_n = w->set.n;
    d->next_ms = w->set.v[0].from_ms;
    d->window_end_ms = w->set.v[0].to_ms;
    d->cap_n = caps_at(w, (gw_wall){d->next_ms}, d->caps, &too_many);
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

/* ---- beginning ---- */

static void find_numbers(walk *w)
{
    const policy_facts *f = w->facts;
    for (size_t i = 0; i < f->recipient_n && i < POLICY_RECIPIENTS_MAX; i++) {
        gw_str address = f->recipients[i].address;
        if (address.n == 0 || address.p[0] != '+')
            continue;
        const regions_row *row =
            w->rules->regions ? regions_of_number(w->rules->regions, address) : NULL;
        size_t k = 0;
        while (k < w->number_n && w->numbers[k] != row)
            k++;
        if (!row)
            w->number_unknown = true;
        else if (k == w->number_n)
            w->numbers[w->number_n++] = row;
    }
}

/* Not zeroed as a whole: the set and the lists are large. */
void walk_begin(walk *w, const policy_facts *facts, const policy_rules *rules, gw_wall now)
{
    w->facts = facts;
    w->rules = rules;
    w->now = w->earliest = walk_sane(now.ms);
    w->channel = policy_channel_of(gw_str_of(facts->channel));
    w->role = policy_role_of(facts->debtor_role);
    w->contacts = w->channel != POLICY_DESK;
    w->confirms = facts->purpose && strcmp(facts->purpose, POLICY_PURPOSE_CONFIRM) == 0;
    w->deadline = INT64_MAX;
    w->first_day = 0;
    w->have_set = false;
    w->set.n = 0;
    w->left_out = 0;
    w->number_n = w->pack_n = w->step_n = 0;
    w->number_unknown = false;
    w->rule = "";
    find_numbers(w);
}

void walk_packs(walk *w)
{
    enum { DAY_MS = 86400000 };
    applies_place at;
    at.stated = w->facts->region;
    at.zone = w->facts->zone;
    at.number_n = w->number_n;
    for (size_t i = 0; i < w->number_n; i++)
        at.number[i] = w->numbers[i]->region;
    /* A day to either side, for the local date. */
    int32_t first = (int32_t)(w->now / DAY_MS) - 1;
    int32_t last = (int32_t)(w->earliest / DAY_MS) + POLICY_DAYS + 1;
    w->pack_n = applies_list(w->rules, w->role, w->facts->sender, &at, first, last, w->packs);
}

gw_code policy_decide(const policy_facts *facts, const policy_rules *rules, gw_wall now,
                      gw_arena *arena, policy_decision *ret, gw_err *err)
{
    if (!rules->sealed)
        return gw_fail(err, GW_EINVAL, "policy decision: the rule packs are not sealed");
    policy_decision d = {
        .check_n = POLICY_RULE_COUNT, .zone = facts->zone, .channel = facts->channel};
    d.checks = gw_arena_alloc(arena, POLICY_RULE_COUNT * sizeof *d.checks);
    if (!d.checks)
        return gw_fail(err, GW_ENOMEM, "policy decision: the arena is full");
    walk w;
    walk_begin(&w, facts, rules, now);
    for (size_t i = 0; i < POLICY_RULE_COUNT; i++) {
        d.checks[i].rule = w.rule = table[i].id;
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
    d.pack_n = w.pack_n;
    d.now = (gw_wall){w.now};
    memcpy(d.pack_hash, rules->hash, sizeof d.pack_hash);
    *ret = d;
    return GW_OK;
}

size_t policy_caps_at(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                      policy_cap ret[POLICY_TAKES_MAX])
{
    walk w;
    bool too_many;
    walk_begin(&w, facts, rules, t);
    walk_packs(&w);
    return caps_at(&w, t, ret, &too_many);
}
