#include "gateway/dispatch/facts.h"

#include "gateway/dispatch/facts_consent.h"
#include "gateway/dispatch/facts_eligible.h"
#include "gateway/policy/count.h"

static gw_str purpose_of(const view_reminder *r)
{
    return r->purpose.n ? r->purpose : GW_STR("reminder");
}

/* ---- recipients ---- */

typedef struct {
    const facts_context *ctx;
    const view_debtor *d;
    const view_reminder *r;
    policy_recipient *list;
    reminder_facts *f;
} recipient_reader;

static bool add_contact(recipient_reader *rr, const view_contact *c, bool copy)
{
    gw_str address = c ? view_contact_address(c, rr->r->channel) : (gw_str){NULL, 0};
    size_t n = rr->f->policy.recipient_n;
    if (address.n == 0 || n == POLICY_RECIPIENTS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(rr->list[i].address, address))
            return true; /* one mailbox gets one message, whatever roles it has */
    rr->f->contacts[n] = c;
    rr->list[n] = (policy_recipient){
        .address = address,
        .role = c->role,
        .designated = c->designated,
        .copy = copy,
    };
    facts_consent_recipient(rr->ctx, rr->d, rr->r, c, &rr->list[n]);
    rr->f->policy.recipient_n++;
    return true;
}

static bool add_recipient(recipient_reader *rr, gw_str who, bool copy)
{
    return add_contact(rr, view_contact_named(rr->d, who, rr->r->channel), copy);
}

static void add_recipients(recipient_reader *rr)
{
    const view_reminder *r = rr->r;
    if (r->address.n) {
        add_contact(rr, view_contact_with(rr->d, r->channel, r->address), false);
        return;
    }
    bool found = add_recipient(rr, r->to, false);
    for (size_t i = 0; i < r->fallback_n && !found; i++)
        found = add_recipient(rr, r->fallback[i], false);
    for (size_t i = 0; i < r->cc_n && found; i++)
        add_recipient(rr, r->cc[i], true);
}

/* ---- the item ---- */

/* A case may hold several items: it is paid when nothing of it is open, disputed when any open part
 * of it is. A reminder about the whole account stands for all items. */
static void item_facts(const view_debtor *d, const view_reminder *r, reminder_facts *f)
{
    gw_str subject = r->item.n ? r->item : r->case_id;
    size_t known = 0;
    size_t open = 0;
    size_t inside = 0;
    bool in_case = false;
    for (size_t i = 0; i < d->item_n && !in_case; i++)
        in_case = view_item_in_case(&d->items[i], subject);
    for (size_t i = 0; i < d->item_n; i++) {
        const view_item *it = &d->items[i];
        if (in_case && !view_item_in_case(it, subject))
            continue;
        known++;
        inside += in_case;
        open += !it->settled;
        f->policy.item_disputed = f->policy.item_disputed || (!it->settled && it->disputed);
        if (in_case && (!f->item || (f->item->settled && !it->settled)))
            f->item = it;
    }
    f->policy.item_known = known > 0;
    f->policy.item_paid = known > 0 && open == 0;
    /* A case of several items is no single debt: what is counted is held against each of them. */
    f->debt_id = inside == 1 ? f->item->id : inside == 0 ? subject : (gw_str){NULL, 0};
}

int64_t facts_promise_until(const view_debtor *d, gw_str item, const zone *z, int grace_days)
{
    int64_t until = 0;
    for (size_t i = 0; i < d->promise_n; i++) {
        const view_promise *p = &d->promises[i];
        if (!p->open || p->date == VIEW_NO_DAY)
            continue;
        if (p->item.n && item.n && !gw_str_eq(p->item, item))
            continue;
        int32_t last = p->date + grace_days;
        int64_t end = z ? zone_instant(z, last, ZONE_DAY_MINUTES).ms : (last + 1) * GW_MS_PER_DAY;
        if (end > until)
            until = end;
    }
    return until;
}

/* ---- counters and pauses ---- */

/* Counters and last conversations, out of the fields of the debtor's hash. */
static void read_counts(const view_debtor *d, policy_count *list, policy_facts *f)
{
    char talk[2][COUNT_NAME_TEXT];
    count_talk_names(f->debt, talk);
    for (size_t i = 0; i < d->hash->n; i++) {
        const state_field *x = &d->hash->fields[i];
        if (count_read(x->name, view_int(x->value, 0), f->debt, POLICY_OF_SENDER,
                       &list[f->count_n]))
            f->count_n++;
        int64_t at =
            x->name.n > 1 && x->name.p[0] == 't' && x->name.p[1] == ':' ? view_int(x->value, 0) : 0;
        if (gw_str_is(x->name, talk[0]))
            f->talked_ms = at;
        else if ((gw_str_is(x->name, talk[1]) || gw_str_is(x->name, "t:#")) &&
                 at > f->talked_debt_ms)
            f->talked_debt_ms = at;
    }
}

/* The person's counters, over all sources. What cannot be had (a plan made elsewhere) is checked
 * when they are reserved. */
static void read_person(const view_debtor *d, policy_count *list, policy_facts *f)
{
    f->is_person = d->person.n > 0;
    for (size_t i = 0; d->person_hash && i < d->person_hash->n; i++) {
        const state_field *x = &d->person_hash->fields[i];
        if (count_read(x->name, view_int(x->value, 0), f->debt, POLICY_OF_PERSON,
                       &list[f->count_n]))
            f->count_n++;
    }
}

/* A source that is not named sends as "*" does. */
static policy_sender sender_of(const facts_context *ctx, gw_str source)
{
    policy_sender other = POLICY_SENDER_UNKNOWN;
    for (size_t i = 0; i < ctx->source_n; i++) {
        const dispatch_source *s = &ctx->sources[i];
        if (!s->name || strcmp(s->name, "*") == 0)
            other = s->sender;
        else if (gw_str_is(source, s->name))
            return s->sender;
    }
    return other;
}

const char *facts_paused(const state_hash *control, gw_str channel, gw_str template_name,
                         gw_arena *arena)
{
    if (!control)
        return NULL;
    for (size_t i = 0; i < control->n; i++) {
        gw_str name = control->fields[i].name;
        static const struct {
            const char *prefix;
            size_t n;
        } kinds[] = {{"channel:", 8}, {"template:", 9}};
        bool hit = gw_str_is(name, "all");
        for (size_t k = 0; k < GW_COUNT(kinds) && !hit; k++)
            hit = name.n > kinds[k].n && memcmp(name.p, kinds[k].prefix, kinds[k].n) == 0 &&
                  gw_str_eq((gw_str){name.p + kinds[k].n, name.n - kinds[k].n},
                            k == 0 ? channel : template_name);
        if (hit) {
            const char *text = gw_arena_copy(arena, name);
            return text ? text : "all";
        }
    }
    return NULL;
}

gw_code facts_of_reminder(const facts_context *ctx, const view_debtor *d, const view_reminder *r,
                          bool template_known, gw_arena *arena, reminder_facts *ret, gw_err *err)
{
    policy_recipient *recipients =
        gw_arena_alloc(arena, (r->cc_n + r->fallback_n + 2) * sizeof *recipients);
    policy_hold *holds = gw_arena_alloc(arena, (d->hold_n + 1) * sizeof *holds);
    size_t fields = d->hash->n + (d->person_hash ? d->person_hash->n : 0);
    policy_count *counts = gw_arena_alloc(arena, (fields + 1) * sizeof *counts);
    const char *channel = gw_arena_copy(arena, r->channel);
    const char *purpose = gw_arena_copy(arena, purpose_of(r));
    if (!recipients || !holds || !counts || !channel || !purpose)
        return gw_fail(err, GW_ENOMEM, "collecting the facts of a reminder");

    reminder_facts f = {.policy = {
                            .channel = channel,
                            .purpose = purpose,
                            .by_person = view_is_task(r),
                            .debtor_role = d->role,
                            .zone = d->zone.n ? zone_table_get(ctx->zones, d->zone, NULL) : NULL,
                            .recipients = recipients,
                            .holds = holds,
                            .hold_n = d->hold_n,
                            .counts = counts,
                            .not_before_ms = r->not_before_ms,
                            .not_after_ms = r->not_after_ms,
                            .clock_ok = ctx->clock_ok,
                            .rules_unreadable = ctx->rules_unreadable,
                            .template_known = template_known,
                            .paused = facts_paused(ctx->control, r->channel, r->template, arena),
                            .sender = sender_of(ctx, d->source),
                            .region = d->region,
                        }};
    recipient_reader rr = {ctx, d, r, recipients, &f};
    add_recipients(&rr);
    for (size_t i = 0; i < d->hold_n; i++)
        holds[i] = (policy_hold){d->holds[i].kind, d->holds[i].until_ms};
    item_facts(d, r, &f);
    f.policy.promise_until_ms = facts_promise_until(d, f.item ? f.item->id : r->item, f.policy.zone,
                                                    ctx->promise_grace_days);
    char *debt = gw_arena_alloc(arena, COUNT_DEBT_TEXT);
    if (!debt)
        return gw_fail(err, GW_ENOMEM, "collecting the facts of a reminder");
    count_debt_key(f.debt_id, debt);
    f.policy.debt = gw_str_of(debt);
    read_counts(d, counts, &f.policy);
    read_person(d, counts, &f.policy);
    f.policy.confirmation_due = facts_confirmation_due(d, r);
    gw_code rc = facts_windows(ctx, d, r, arena, &f.policy, err);
    if (rc != GW_OK)
        return rc;
    facts_eligible(ctx, r, &f.policy);
    policy_channel ch = policy_channel_of(r->channel);
    /* What people do needs no worker: it waits, open, for whoever works the desk. */
    f.policy.channel_ready =
        view_is_task(r) || (ch != POLICY_CHANNEL_COUNT && (ctx->channels_ready & (1U << ch)) != 0);
    *ret = f;
    return GW_OK;
}
