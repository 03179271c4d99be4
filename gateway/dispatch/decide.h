/* decide.h - from the loaded state to the next event of a reminder's life and its moment.
 *
 * The same function serves planning, the check at the due moment, the check between intent and GO
 * and the explanation: they cannot disagree.
 *
 * Pure but for the zone and template caches in the context. Thread: as the context. */
#ifndef GATEWAY_DISPATCH_DECIDE_H
#define GATEWAY_DISPATCH_DECIDE_H

#include "gateway/dispatch/facts.h"
#include "gateway/dispatch/life.h"
#include "gateway/timing/capacity.h"
#include "gateway/timing/plan.h"
#include "templates/engine/bundle.h"

typedef struct {
    char version[TEMPLATE_VERSION_TEXT], locale[TEMPLATE_NAME_MAX + 1];
} decide_template;

typedef struct {
    facts_context facts;
    const policy_rules *rules;
    /* The current version of a template for a locale; GW_ENOTFOUND when nothing fits. */
    gw_code (*template_pick)(void *ctx, gw_str name, gw_str locale, decide_template *ret);
    void *template_ctx;
    const timing_model *timing; /* NULL: the preferred minute of the channel */
    unsigned holdout_percent;   /* of the debtors get a random allowed hour */
    capacity *capacity;         /* of the channels; NULL: no limit */
} decide_context;

typedef struct {
    life_event on;       /* ON_PLAN, ON_HOLD, ON_WITHDRAW or ON_FORBID */
    bool now;            /* ON_PLAN: policy allows it at this instant */
    int64_t due_ms;      /* ON_PLAN: the moment picked */
    int64_t deadline_ms; /* now: the allowed interval ends here; nothing may leave after it */
    int64_t next_ms;     /* ON_PLAN: first allowed instant; ON_HOLD: when a hold ends by itself, 0
                            when nobody knows */
    const char *rule, *why; /* "" when allowed now */
    decide_template template;
    reminder_facts facts;
    policy_decision policy;
    gw_str
        timing; /* explanation of the hour (timing/record.h), in the arena; empty: no model chose */
    const char *chooser;   /* "best", "explore", "holdout"; NULL: no model chose now */
    const char *unlearned; /* why no model may choose: "source-off", "objection"; NULL: it may */
    int64_t propensity_ppm;
} decision;

/* Decide about r as of now. A planned reminder keeps its due moment as long as that is allowed.
 * GW_ENOMEM, GW_ELIMIT: undecided, nothing may be sent. */
gw_code decide(const decide_context *ctx, const view_debtor *d, const view_reminder *r, gw_wall now,
               gw_arena *arena, decision *ret, gw_err *err) GW_NODISCARD;

/* BLAKE2b-128, hex, of every input every rule looked at, in the order of the rules: two decisions
 * with the same hash saw the same. */
void decision_inputs_hash(const decision *d, char ret_hex[33]);

/* JSON object for field `plan` and for people: {"verdict","rule","why","due","next"?,"packs",
 * "inputs"}. */
gw_code decision_summary(const decision *d, gw_buf *out);

#endif
