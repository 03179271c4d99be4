/* policy.h - may this reminder go out now, and if not, why and when next?
 *
 * policy_decide is pure and total: the same facts, rules and moment give the same answer, and every
 * input gives one. What it does not know holds the reminder. It walks a fixed table of rules and
 * looks at all of them, so that the explanation lists every one; the strictest verdict wins.
 *
 *   ALLOW     now lies inside an allowed interval
 *   LATER     nothing forbids it, next_ms is the first allowed instant
 *   HOLD      waits for a change of the facts (or for its not_after)
 *   WITHDRAW  it has lost its sense: paid or expired
 *   REFUSE    final: a recipient is a third party
 *
 * Bounds: intervals reach POLICY_DAYS local days ahead, counted from the first day on which all
 * dated rules (not-before, promise, dated holds) let go.
 *
 * Thread: any. Nothing is allocated but in the caller's arena. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/policy/rules.h"
#include "gateway/policy/zone.h"

enum {
    POLICY_DAYS = 14,
    POLICY_INTERVALS_MAX = 96,
    POLICY_RECIPIENTS_MAX = 32,
    POLICY_INPUTS_MAX = 4,
    POLICY_RULE_COUNT = 24,
    POLICY_GROUPS_MAX = 8, /* operator's window groups: source, ladder, template, ... */
    POLICY_TAKES_MAX = 16, /* counters one contact takes: what one transition can carry */
    POLICY_STEPS_MAX = 64, /* of the explanation; what more packs say still counts */
    POLICY_CONFIRM_MS = 5 * 60 * 1000, /* 47 CFR 64.1200(a)(12): presumed fine within 5 minutes */
};
#define POLICY_PURPOSE_CONFIRM "opt-out-confirmation"

typedef enum { CONSENT_UNKNOWN, CONSENT_GRANTED, CONSENT_WITHDRAWN } policy_consent;

/* What is known about an address itself. UNVERIFIED and LEAKED hold; UNSTATED holds only where a
 * pack asks for verified addresses. LEAKED: a third party was once seen to read it. */
typedef enum {
    POLICY_ADDRESS_UNSTATED,
    POLICY_ADDRESS_VERIFIED,
    POLICY_ADDRESS_UNVERIFIED,
    POLICY_ADDRESS_LEAKED
} policy_standing;

/* LEGAL never ends, whatever until says. BOUNCE ends at suppressed_until_ms; 0 = not by itself. */
typedef enum {
    POLICY_SUPPRESSED_NOT,
    POLICY_SUPPRESSED_LEGAL,
    POLICY_SUPPRESSED_BOUNCE
} policy_suppression;

typedef struct {
    gw_str address; /* never shown nor kept in a decision; a number's region is read off it */
    gw_str role;
    bool designated; /* the debtor itself, or a contact the debtor named */
    bool copy;       /* a copy: without consent it is left out instead of holding the reminder */
    policy_consent consent;
    policy_standing standing;
    policy_suppression suppression;
    int64_t suppressed_until_ms;
} policy_recipient;

/* Hours somebody stated for the channel of the reminder, in the debtor's local time. DEBTOR: only
 * then (several unite). NEVER: never then. OPERATOR: only then; windows of one group unite, groups
 * are intersected. from and to are minutes 0..1440, from < to; any other row opens nothing, and as
 * NEVER closes its whole days. */
typedef enum { POLICY_WINDOW_DEBTOR, POLICY_WINDOW_NEVER, POLICY_WINDOW_OPERATOR } policy_whose;

typedef struct {
    policy_whose whose;
    uint8_t group;    /* OPERATOR: below POLICY_GROUPS_MAX; a larger one opens nothing */
    uint8_t weekdays; /* bit 0 Monday ... bit 6 Sunday */
    int16_t from, to;
} policy_window;

/* Who sends: a creditor collects its own debt, a third party collects for another. UNKNOWN: rules
 * for both apply. */
typedef enum {
    POLICY_SENDER_UNKNOWN,
    POLICY_SENDER_CREDITOR,
    POLICY_SENDER_THIRD_PARTY
} policy_sender;

/* What others found out for the policy. UNCHECKED passes (nobody checks it here), NO blocks. */
typedef enum { POLICY_UNCHECKED, POLICY_YES, POLICY_NO } policy_opinion;

/* Kinds: dispute cease-contact lawyer insolvency deceased vulnerable legal; any other kind holds
 * as well. until_ms 0: until released. */
typedef struct {
    gw_str kind;
    int64_t until_ms;
} policy_hold;

/* What a counter counts: every contact that was begun, calls that were answered, calls in which
 * there was effective talk. */
typedef enum {
    POLICY_PLACED,
    POLICY_ANSWERED,
    POLICY_EFFECTIVE,
    POLICY_COUNTING_COUNT
} policy_counting;

/* Over what: all debts of this debtor of this source; the one debt the reminder is about; the
 * person over all sources (the same as SENDER for a debtor without a person). */
typedef enum {
    POLICY_OF_SENDER,
    POLICY_OF_DEBT,
    POLICY_OF_PERSON,
    POLICY_SCOPE_COUNT
} policy_scope;

/* How often field ("*": all channels, or a channel) was used on a local day of the debtor, or in an
 * hour of UTC. What is not listed counts 0; a negative number counts as used up. */
typedef struct {
    gw_str field;
    int32_t day; /* local day number; hourly: hours since 1970 UTC */
    int64_t used;
    policy_counting counting;
    policy_scope scope; /* DEBT: of this reminder's debt only */
    bool hourly;
} policy_count;

/* A zeroed struct holds. Times are ms UTC, 0 = none. All pointers are borrowed for the call. */
typedef struct {
    const char *channel, *purpose;
    bool by_person; /* a person of ours makes the contact; false: a machine does */
    gw_str debtor_role;
    const zone *zone; /* NULL = unknown */
    const policy_recipient *recipients;
    size_t recipient_n;
    const policy_hold *holds;
    size_t hold_n;
    bool item_known; /* false: the reminder is not about one open item */
    bool item_paid, item_disputed;
    int64_t promise_until_ms; /* end of the promised date plus grace */
    int64_t not_before_ms, not_after_ms;
    bool channel_ready; /* somebody serves the channel */
    bool clock_ok;
    bool rules_unreadable; /* other rules are in force than these, and nobody can read them */
    bool template_known;
    const char *paused; /* NULL, or the pause that applies: "all", "channel:email", ... */
    const policy_count *counts;
    size_t count_n;
    policy_sender sender;
    gw_str region;  /* where the debtor is: "US-MA", "US-NY-NYC", "CN", or empty: not stated */
    gw_str debt;    /* key of the one debt it is about (count.h), empty: none */
    bool is_person; /* counters of scope person are kept for this debtor */
    const policy_window *windows; /* of this channel */
    size_t window_n;
    int64_t talked_debt_ms, talked_ms; /* last conversation about this debt, about any */
    policy_opinion eligible;           /* may the provider carry this kind of text there? */
    const char *eligible_why;          /* reason code of NO, static or borrowed */
    policy_opinion content;            /* did the message pass the content guard? */
    const char *content_why;
    /* Purpose "opt-out-confirmation" only: an opt-out has come in that nobody has confirmed. It is
     * an answer to the person's own message, so rules about debts, hours and caps do not concern
     * it; it goes out within POLICY_CONFIRM_MS of now or never. */
    bool confirmation_due;
} policy_facts;

typedef enum {
    POLICY_ALLOW,
    POLICY_LATER,
    POLICY_HOLD,
    POLICY_WITHDRAW,
    POLICY_REFUSE
} policy_verdict;

/* What one rule said. LIMIT: it takes away time; next_ms is the first instant that is left. A LIMIT
 * that leaves nothing (INT64_MAX) holds; one whose next_ms lies ahead makes it LATER. So the
 * verdict can be recomputed from the checks. */
typedef enum {
    POLICY_CHECK_PASS,
    POLICY_CHECK_LIMIT,
    POLICY_CHECK_HOLD,
    POLICY_CHECK_WITHDRAW,
    POLICY_CHECK_REFUSE
} policy_check_verdict;

typedef zone_span policy_interval;

/* An input a rule looked at, in a form that costs nothing to keep. Never personal data. */
typedef struct {
    const char *name;
    enum { POLICY_IN_INT, POLICY_IN_TIME, POLICY_IN_MINUTE, POLICY_IN_TEXT } kind;
    int64_t i;
    const char *text; /* static, or borrowed from the facts or rules */
} policy_input;

typedef struct {
    const char *rule; /* static id, e.g. "quiet-hours" */
    policy_check_verdict verdict;
    const char *why; /* static reason code, e.g. "outside-window"; "" when it passes */
    int64_t next_ms; /* LIMIT: first instant left, INT64_MAX when none; else 0 */
    policy_input inputs[POLICY_INPUTS_MAX];
    size_t input_n;
} policy_check;

/* What one pack did to the decision: rule says to which check it belongs, row which of the pack's
 * rows it was. The explanation words it. */
typedef struct {
    const char *rule;
    const struct pack *pack;
    int32_t row; /* of the pack's list of that rule; -1: the list as a whole */
    bool draft;  /* the row is not verified */
    bool limits; /* it moved the first allowed instant */
    int64_t
        next_ms; /* first instant left after it, INT64_MAX none; 0 where it takes no time away */
} policy_step;

/* A counter to reserve before sending: its bucket `day` and the `before` buckets ahead of that one
 * together stay below max, then it grows by one. check_only: looked at, not grown (a second cap on
 * a counter that another row grows). max INT64_MAX: only counted. count.h has the stored names. */
typedef struct {
    const char *field; /* "*" or the channel */
    int32_t day;       /* local day; hourly: hours since 1970 UTC */
    int64_t max;
    policy_counting counting;
    policy_scope scope;
    bool hourly, check_only;
    uint8_t before;
    gw_str debt; /* scope DEBT: the facts' debt; empty: about no single one */
} policy_cap;

typedef struct {
    policy_verdict verdict;
    const char *rule;         /* the rule that decided; "" for ALLOW */
    const char *why;          /* its reason code; "" for ALLOW */
    policy_interval *allowed; /* in order, apart, from now on; none unless ALLOW or LATER */
    size_t allowed_n;
    int64_t next_ms; /* ALLOW: now; LATER: first allowed instant; HOLD: when to look again if only
                        time can end it, else 0 */
    policy_check *checks;
    size_t check_n;
    int64_t window_end_ms; /* ALLOW, LATER: the interval of next_ms ends here; what is sent in it
                              must not arrive later (an SMS's validity) */
    policy_cap caps[POLICY_TAKES_MAX]; /* to take at next_ms */
    size_t cap_n;
    policy_step
        *steps; /* every pack that applies, rule by rule, in the order they were looked at */
    size_t step_n;
    size_t pack_n;     /* packs that apply */
    uint32_t left_out; /* bit i: recipients[i] is a copy without consent and must be left out */
    char pack_hash[POLICY_HASH_TEXT];
    const zone *zone;    /* as in the facts, for local times in the explanation */
    const char *channel; /* as in the facts */
    gw_wall now;
} policy_decision;

/* Decide. ret lives in the arena (texts in the facts and rules too: explain while they live).
 * Fails only with GW_ENOMEM / GW_ELIMIT from the arena; then nothing may be sent. */
gw_code policy_decide(const policy_facts *facts, const policy_rules *rules, gw_wall now,
                      gw_arena *arena, policy_decision *ret, gw_err *err) GW_NODISCARD;

/* The caps a contact at t would take, when a timing model moved it within the allowed intervals to
 * another day than next_ms. Returns how many. */
size_t policy_caps_at(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                      policy_cap ret[POLICY_TAKES_MAX]);

/* What a message to these facts must hold, by the packs that apply at t: for the content guard. At
 * most max rows are written, borrowed from the rules; returns how many there are. */
size_t policy_needs(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                    const policy_required **ret, size_t max);

/* The opt-out rows of those packs for the facts' channel in a locale (or a longer form of the
 * row's); max and result as above. */
size_t policy_opt_outs(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                       gw_str locale, const policy_opt_out **ret, size_t max);
/* Is business done on that local day, by the calendars of all those packs? Without one of working
 * days Saturday and Sunday are none. A year that a calendar does not know: no. */
bool policy_is_business_day(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                            int32_t day);

const char *policy_verdict_name(policy_verdict v);             /* "allow", "later", ... */
const char *policy_check_verdict_name(policy_check_verdict v); /* "pass", "limit", ... */
/* One sentence a person understands, and what to do about it. "" for an unknown code. */
const char *policy_why_sentence(const char *why);
const char *policy_why_remedy(const char *why);

/* ---- explain.c ---- */

/* {"verdict","rule","why","sentence","remedy","now","next"?,"window_end"?,"packs",
 *  "allowed":[[from,to]...], "checks":[{"rule","verdict","why"?,"next"?,"inputs":{...}}],
 *  "steps":[{"rule","pack","version","draft"?,"says","limits"?,"next"?}]}; times RFC 3339 UTC. */
gw_code policy_explain_json(const policy_decision *d, gw_buf *out);
/* Some lines of plain text with local times; ends in a newline. */
gw_code policy_explain_text(const policy_decision *d, gw_buf *out);

#endif
