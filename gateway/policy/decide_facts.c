/* decide_facts.c - the rules about the debtor, the debt, the recipients and the message. */
#include "gateway/policy/decide.h"

void look_clock(walk *w, policy_check *c)
{
    if (!w->facts->clock_ok)
        say(c, POLICY_CHECK_HOLD, "clock-unsure");
}

void look_paused(walk *w, policy_check *c)
{
    if (!w->facts->paused)
        return;
    note_text(c, "pause", w->facts->paused);
    say(c, POLICY_CHECK_HOLD, "paused");
}

void look_paid(walk *w, policy_check *c)
{
    if (w->facts->item_known && w->facts->item_paid)
        say(c, POLICY_CHECK_WITHDRAW, "paid");
}

void look_disputed(walk *w, policy_check *c)
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
    {"minor", "hold-minor"},       {"review", "hold-review"},
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

void look_holds(walk *w, policy_check *c)
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
        if (walk_sane(h->until_ms) > latest) {
            latest = walk_sane(h->until_ms);
            why = hold_why(h->kind);
        }
    }
    if (latest <= w->now)
        return;
    note_time(c, "until", latest);
    wait_until(w, c, latest, why);
}

void look_promise(walk *w, policy_check *c)
{
    note_time(c, "until", w->facts->promise_until_ms);
    wait_until(w, c, walk_sane(w->facts->promise_until_ms), "promise");
}

void look_not_before(walk *w, policy_check *c)
{
    note_time(c, "not_before", w->facts->not_before_ms);
    wait_until(w, c, walk_sane(w->facts->not_before_ms), "not-before");
}

void look_not_after(walk *w, policy_check *c)
{
    int64_t deadline = w->facts->not_after_ms;
    note_time(c, "not_after", deadline);
    if (deadline == 0)
        return;
    w->deadline = walk_sane(deadline);
    if (w->now < w->deadline)
        return;
    /* a clock that cannot be trusted must not end anything for good */
    if (w->facts->clock_ok)
        say(c, POLICY_CHECK_WITHDRAW, "expired");
    else
        say(c, POLICY_CHECK_HOLD, "clock-unsure");
}

void look_zone(walk *w, policy_check *c)
{
    if (w->facts->zone)
        note_text(c, "zone", zone_name(w->facts->zone));
    else
        say(c, POLICY_CHECK_HOLD, "zone-unknown");
}

void look_role(walk *w, policy_check *c)
{
    walk_packs(w);
    if (w->facts->rules_unreadable) {
        say(c, POLICY_CHECK_HOLD, "rules-unreadable");
        return;
    }
    if (!w->role) {
        say(c, POLICY_CHECK_HOLD, "role-unknown");
        return;
    }
    note_text(c, "role", policy_role_name(w->role));
    if (w->facts->region.n)
        note_text(c, "region", "stated");
    note_int(c, "packs", (int64_t)w->pack_n);
    for (size_t i = 0; i < w->pack_n; i++)
        note_step(w, w->packs[i], -1, w->packs[i]->draft, 0);
    if (w->pack_n == 0)
        say(c, POLICY_CHECK_HOLD, "no-rules");
}

void look_recipients(walk *w, policy_check *c)
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

static bool must_be_verified(walk *w)
{
    bool must = false;
    for (size_t i = 0; i < w->pack_n; i++)
        for (size_t k = 0; k < w->packs[i]->verified_n; k++) {
            if (w->packs[i]->verified[k].channel != w->channel)
                continue;
            must = true;
            note_step(w, w->packs[i], (int32_t)k, w->packs[i]->verified[k].draft, 0);
        }
    return must;
}

void look_standing(walk *w, policy_check *c)
{
    if (!w->contacts)
        return;
    bool must = must_be_verified(w);
    int64_t verified = 0;
    for (size_t i = 0; i < w->facts->recipient_n; i++) {
        const policy_recipient *r = &w->facts->recipients[i];
        bool known = r->standing == POLICY_ADDRESS_VERIFIED ||
                     (r->standing == POLICY_ADDRESS_UNSTATED && !must);
        verified += r->standing == POLICY_ADDRESS_VERIFIED;
        if (r->standing == POLICY_ADDRESS_LEAKED)
            say(c, POLICY_CHECK_HOLD, "address-leaked");
        else if (!known && c->verdict == POLICY_CHECK_PASS)
            say(c, POLICY_CHECK_HOLD, "address-unverified");
    }
    note_int(c, "verified", verified);
    note_text(c, "required", must ? "yes" : "no");
}

/* A legal suppression has no end, a bounce's ends by itself when it has a date. */
void look_suppression(walk *w, policy_check *c)
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
        int64_t until = r->suppressed_until_ms <= 0 ? INT64_MAX : walk_sane(r->suppressed_until_ms);
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

static bool needs(const walk *w, const policy_required *r)
{
    return r->channel == POLICY_CHANNEL_COUNT || r->channel == w->channel;
}

/* What the packs ask of the text is for the content guard to find; here it is only told. */
void look_content(walk *w, policy_check *c)
{
    for (size_t i = 0; i < w->pack_n && w->contacts; i++)
        for (size_t k = 0; k < w->packs[i]->required_n; k++)
            if (needs(w, &w->packs[i]->required[k]))
                note_step(w, w->packs[i], (int32_t)k, w->packs[i]->required[k].draft, 0);
    look_opinion(c, w->facts->content, w->facts->content_why, "content-blocked");
}

void look_eligible(walk *w, policy_check *c)
{
    look_opinion(c, w->facts->eligible, w->facts->eligible_why, "provider-forbids");
}

/* The strongest mode any pack asks for; *ret_checked: a row that is verified says something. */
static pack_consent consent_mode(walk *w, bool *ret_checked)
{
    gw_str purpose = gw_str_of(w->facts->purpose);
    pack_consent mode = PACK_CONSENT_SILENT;
    *ret_checked = false;
    for (size_t i = 0; i < w->pack_n; i++) {
        const pack *p = w->packs[i];
        for (size_t k = 0; k < p->consent_n; k++) {
            const pack_consent_row *row = &p->consents[k];
            if (row->channel != w->channel || (row->purpose && !gw_str_is(purpose, row->purpose)) ||
                (row->machine && w->facts->by_person))
                continue;
            mode = row->mode > mode ? row->mode : mode;
            *ret_checked = *ret_checked || !row->draft;
            note_step(w, p, (int32_t)k, row->draft, 0);
        }
    }
    return mode;
}

static void judge_consent(walk *w, policy_check *c, pack_consent mode)
{
    for (size_t i = 0; i < w->facts->recipient_n && i < POLICY_RECIPIENTS_MAX; i++) {
        const policy_recipient *r = &w->facts->recipients[i];
        if (r->consent == CONSENT_GRANTED ||
            (r->consent == CONSENT_UNKNOWN && mode == PACK_CONSENT_OPT_OUT))
            continue;
        if (r->copy)
            w->left_out |= UINT32_C(1) << i;
        else
            say(c, POLICY_CHECK_HOLD,
                r->consent == CONSENT_UNKNOWN ? "consent-missing" : "opted-out");
    }
    note_int(c, "copies_left_out", __builtin_popcount(w->left_out));
}

void look_consent(walk *w, policy_check *c)
{
    bool checked;
    if (!w->contacts)
        return;
    if (w->channel == POLICY_CHANNEL_COUNT) {
        say(c, POLICY_CHECK_HOLD, "channel-unknown");
        return;
    }
    pack_consent mode = consent_mode(w, &checked);
    if (mode == PACK_CONSENT_SILENT) {
        say(c, POLICY_CHECK_HOLD, "consent-rule-missing");
        return;
    }
    note_text(c, "mode", mode == PACK_CONSENT_OPT_IN ? "opt-in" : "opt-out");
    if (!checked)
        say(c, POLICY_CHECK_HOLD, "draft-only");
    judge_consent(w, c, mode);
}

void look_template(walk *w, policy_check *c)
{
    if (!w->facts->template_known)
        say(c, POLICY_CHECK_HOLD, "template-unknown");
}

void look_channel(walk *w, policy_check *c)
{
    if (w->channel == POLICY_CHANNEL_COUNT) {
        say(c, POLICY_CHECK_HOLD, "channel-unknown");
        return;
    }
    note_text(c, "channel", policy_channel_name(w->channel));
    if (!w->facts->channel_ready)
        say(c, POLICY_CHECK_HOLD, "channel-unavailable");
}

size_t policy_needs(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                    const policy_required **ret, size_t max)
{
    walk w;
    size_t n = 0;
    walk_begin(&w, facts, rules, t);
    walk_packs(&w);
    for (size_t i = 0; i < w.pack_n; i++)
        for (size_t k = 0; k < w.packs[i]->required_n; k++) {
            const policy_required *r = &w.packs[i]->required[k];
            if (!needs(&w, r))
                continue;
            if (n < max)
                ret[n] = r;
            n++;
        }
    return n;
}
