#include "gateway/dispatch/facts_consent.h"

#include <strings.h>

static bool is_same_address(gw_str channel, gw_str a, gw_str b)
{
    if (!gw_str_is(channel, "email"))
        return gw_str_eq(a, b);
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* ---- consent ---- */

static bool is_about(const view_reminder *r, gw_str debt)
{
    return gw_str_eq(r->item, debt) || gw_str_eq(r->case_id, debt);
}

static bool covers(const view_consent *c, const view_reminder *r, gw_str address)
{
    switch (c->scope) {
    case SCOPE_ALL:
        return true;
    case SCOPE_CHANNEL:
        return gw_str_eq(c->channel, r->channel);
    case SCOPE_DEBT:
        return is_about(r, c->address);
    case SCOPE_ADDRESS:
        return gw_str_eq(c->channel, r->channel) &&
               is_same_address(c->channel, c->address, address);
    }
    return false;
}

static const view_consent *latest(const view_debtor *d, const view_reminder *r, gw_str address)
{
    gw_str purpose = r->purpose.n ? r->purpose : GW_STR("reminder");
    const view_consent *last = NULL;
    for (size_t i = 0; i < d->consent_n; i++) {
        const view_consent *c = &d->consents[i];
        if (!covers(c, r, address) || (c->purpose.n && !gw_str_eq(c->purpose, purpose)))
            continue;
        if (!last || c->at_ms > last->at_ms || (c->at_ms == last->at_ms && !c->granted))
            last = c;
    }
    return last;
}

bool facts_confirmation_due(const view_debtor *d, const view_reminder *r)
{
    const view_consent *c = r->address.n ? latest(d, r, r->address) : NULL;
    return c && !c->granted;
}

/* ---- addresses ---- */

static bool is_listed(const view_suppression *x, gw_str channel, gw_str address)
{
    bool any_channel = gw_str_is(x->channel, "*");
    bool any_address = gw_str_is(x->address, "*");
    return (any_channel || gw_str_eq(x->channel, channel)) &&
           (any_address || is_same_address(channel, x->address, address));
}

static void suppress(const facts_context *ctx, const view_suppression *x, policy_recipient *to)
{
    int64_t until = x->until_ms ? x->until_ms : x->at_ms + ctx->bounce_ms;
    switch (x->kind) {
    case LISTED_LEGAL:
        to->suppression = POLICY_SUPPRESSED_LEGAL;
        return;
    case LISTED_LEAKED:
        to->standing = POLICY_ADDRESS_LEAKED;
        return;
    case LISTED_UNVERIFIED:
        if (to->standing != POLICY_ADDRESS_LEAKED)
            to->standing = POLICY_ADDRESS_UNVERIFIED;
        return;
    case LISTED_BOUNCE:
        if (to->suppression == POLICY_SUPPRESSED_LEGAL)
            return;
        to->suppression = POLICY_SUPPRESSED_BOUNCE;
        if (until > to->suppressed_until_ms)
            to->suppressed_until_ms = until;
        return;
    }
}

void facts_consent_recipient(const facts_context *ctx, const view_debtor *d, const view_reminder *r,
                             const view_contact *contact, policy_recipient *recipient)
{
    const view_consent *c = latest(d, r, recipient->address);
    recipient->consent = !c ? CONSENT_UNKNOWN : c->granted ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
    recipient->standing = contact->standing;
    for (size_t i = 0; i < d->suppression_n; i++)
        if (is_listed(&d->suppressions[i], r->channel, recipient->address))
            suppress(ctx, &d->suppressions[i], recipient);
    if (recipient->designated && third_party_has(ctx->third_parties, contact->role))
        recipient->designated = false;
}

/* ---- hours ---- */

static size_t stated_hours(const view_debtor *d, gw_str channel, policy_window *list)
{
    size_t n = 0;
    for (size_t i = 0; i < d->window_n; i++) {
        const view_window *w = &d->windows[i];
        if (w->channel.n && !gw_str_eq(w->channel, channel))
            continue;
        list[n++] = (policy_window){
            .whose = w->never ? POLICY_WINDOW_NEVER : POLICY_WINDOW_DEBTOR,
            .weekdays = w->weekdays,
            .from = w->from,
            .to = w->to,
        };
    }
    return n;
}

gw_code facts_windows(const facts_context *ctx, const view_debtor *d, const view_reminder *r,
                      gw_arena *arena, policy_facts *ret, gw_err *err)
{
    const house_subject subject = {r->source, r->ladder, r->template, r->channel};
    size_t house = house_windows_count(ctx->house) + ctx->house_unreadable;
    if (d->window_n + house == 0)
        return GW_OK;
    policy_window *list = gw_arena_alloc(arena, (d->window_n + house) * sizeof *list);
    if (!list)
        return gw_fail(err, GW_ENOMEM, "collecting the hours of a reminder");
    size_t n = stated_hours(d, r->channel, list);
    n += house_windows_of(ctx->house, &subject, list + n);
    if (ctx->house_unreadable)
        list[n++] = (policy_window){.whose = POLICY_WINDOW_OPERATOR}; /* opens nothing */
    ret->windows = list;
    ret->window_n = n;
    return GW_OK;
}
