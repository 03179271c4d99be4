/* decide.h - what the rules of a decision share on their way through the table. Private to
 * gateway/policy: decide.c has the table, decide_facts.c the rules about facts, decide_hours.c
 * those about hours and days, decide_caps.c those about counters. */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "gateway/policy/intervals.h"
#include "gateway/policy/pack.h"

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
    const regions_row
        *numbers[POLICY_RECIPIENTS_MAX]; /* of the recipients' numbers, no row twice */
    size_t number_n;
    bool number_unknown;                 /* a number without a row */
    const pack *packs[POLICY_PACKS_MAX]; /* those that apply */
    size_t pack_n;
    const char *rule; /* the one that is being looked at */
    policy_step steps[POLICY_STEPS_MAX];
    size_t step_n;
} walk;

/* Prepare everything but the packs (walk_packs: once earliest is known). */
void walk_begin(walk *w, const policy_facts *facts, const policy_rules *rules, gw_wall now);
void walk_packs(walk *w);

/* Times outside 1970..9999 come from broken facts; cut off, so that arithmetic stays exact. */
int64_t walk_sane(int64_t ms);
/* First instant left, INT64_MAX when none. */
int64_t walk_first(const walk *w);

/* ---- what a rule can say ---- */

void say(policy_check *c, policy_check_verdict verdict, const char *why);
void note_int(policy_check *c, const char *name, int64_t i);
void note_minute(policy_check *c, const char *name, int minute);
void note_text(policy_check *c, const char *name, const char *text);
void note_time(policy_check *c, const char *name, int64_t ms); /* 0: none */
/* A dated rule: nothing before `until`. */
void wait_until(walk *w, policy_check *c, int64_t until, const char *why);
/* A rule that took instants out of the set: it limits if now is not in what is left. */
void limit_to_set(walk *w, policy_check *c, const char *why, int64_t first_before);
/* What a pack said; first_before: walk_first before it, 0 when it takes no time away. */
void note_step(walk *w, const pack *p, int32_t row, bool draft, int64_t first_before);

/* ---- the rules ---- */

typedef void rule_fn(walk *w, policy_check *c);
rule_fn look_clock, look_paused, look_paid, look_disputed, look_holds, look_promise,
    look_not_before, look_not_after, look_suppression, look_zone, look_role, look_recipients,
    look_standing, look_consent, look_template, look_content, look_eligible, look_channel;
rule_fn look_quiet_hours, look_holidays, look_debtor_windows, look_operator_windows;
rule_fn look_cool_down, look_caps;

/* The counters a contact at t takes; ret has room for POLICY_TAKES_MAX. More than fit: the last one
 * has max 0, which nothing satisfies. */
size_t caps_at(const walk *w, gw_wall t, policy_cap ret[POLICY_TAKES_MAX], bool *ret_too_many);

#endif
