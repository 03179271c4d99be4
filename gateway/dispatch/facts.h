/* facts.h - what the policy needs to know about one reminder, taken from the loaded state.
 *
 * Fail closed: what is missing or unreadable becomes the absence the policy holds on (no zone, no
 * recipient), never a guess.
 *
 * Ownership: everything borrows the views, the context and the arena. Pure but for the zone table
 * (which reads a zone's file the first time). Any thread. */
#ifndef GATEWAY_DISPATCH_FACTS_H
#define GATEWAY_DISPATCH_FACTS_H

#include "gateway/dispatch/dispatch.h"
#include "gateway/dispatch/view.h"
#include "gateway/policy/house.h"
#include "gateway/policy/policy.h"
#include "gateway/policy/third_party.h"

/* What holds for the whole gateway at this moment. */
typedef struct {
    zone_table *zones;
    int promise_grace_days;    /* a promise pauses until its day and this many more have passed */
    unsigned channels_ready;   /* bit policy_channel: somebody serves it */
    bool clock_ok;             /* false: the clock cannot be trusted, nobody is contacted */
    const state_hash *control; /* pauses, as stored; NULL none */
    int64_t bounce_ms;         /* a bounce's suppression without an end of its own lasts so long */
    const third_party *third_parties; /* NULL: no list */
    const house_windows *house;       /* hours operators set; NULL: none */
    bool house_unreadable;            /* nobody knows them: no hour is open */
    bool rules_unreadable;            /* nobody knows which rules are in force: nothing is sent */
    const dispatch_source *sources;   /* which say how they send; NULL none */
    size_t source_n;
    const struct provider *const *providers; /* of SMS, as the workers have them; NULL none */
    size_t provider_n;
} facts_context;

typedef struct {
    policy_facts policy;
    const view_contact *contacts[POLICY_RECIPIENTS_MAX]; /* of policy.recipients, in order */
    const view_item *item;                               /* the one item it is about, or NULL */
    gw_str debt_id; /* what its debt is counted by, empty: no single one */
} reminder_facts;

/* template_known: the pinned or current version can be had. GW_ENOMEM only. */
gw_code facts_of_reminder(const facts_context *ctx, const view_debtor *d, const view_reminder *r,
                          bool template_known, gw_arena *arena, reminder_facts *ret, gw_err *err)
    GW_NODISCARD;

/* The pause that applies to this channel and template, NULL if none: "all", "channel:email", ... */
const char *facts_paused(const state_hash *control, gw_str channel, gw_str template_name,
                         gw_arena *arena);

/* The end of the promise that pauses this item (empty: the account), ms UTC; 0 if there is none. */
int64_t facts_promise_until(const view_debtor *d, gw_str item, const zone *z, int grace_days);

#endif
