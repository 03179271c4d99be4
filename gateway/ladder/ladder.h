/* ladder.h - which reminders an open item gets, by days from its due date.
 *
 * A ladder is a file of config/ladders/: JSON with comments, read strictly.
 *   {"format": 1, "id": "default", "version": "1", "title": "...", "gap_days": 3, "steps": [
 *     {"id": "reminder-letter", "day": 1, "kind": "send" | "task" | "handoff",
 *      "channel": "email" | "sms" | "voice" | "letter" | "visit" | "desk", "template":
 * "reminder-letter", "tone": 2, "to": "primary", "fallback": ["accounts"], "cc": ["finance_head"],
 * "valid_days": 5, "statement": "none" | "summary" | "detailed", "term_days": 3, "calendar":
 * "house"}]} term_days and its calendar may be left out: they are for a letter that sets a term. A
 * copy role may be the one "to" fell back to; the caller sends to each contact once. Steps stand in
 * order of day, ids are unique. Tone (1 friendly .. 5 last word) may rise by one level over the
 * highest tone before it and fall freely; the first step has tone 1 or 2. So a debtor never meets a
 * threat that nothing milder preceded. gap_days: least days between the last contact about an item
 * and the next one (where the caller tells when that was).
 *
 * kind: send leaves by itself; task is work for a person (a call, letter or visit) that contacts
 * the debtor; handoff is work for our own people only, at the desk.
 *
 * ladder_plan is pure: facts of one item and today in, every step of the ladder out, each with the
 * days on which it makes sense or the reason why it does not. Nothing is dropped silently: after
 * downtime a step whose days have not all passed is planned for now, the others are reported stale.
 *
 * Days are day numbers (base/time.h) of the debtor's zone: not_before_day begins at
 * zone_instant(day, 0), not_after_day ends with zone_instant(day, 1440).
 * Thread: a ladder never changes after parsing; any thread may use it. */
#ifndef LADDER_LADDER_H
#define LADDER_LADDER_H

#include "gateway/base/arena.h"

enum {
    LADDER_STEPS_MAX = 64,
    LADDER_ROLES_MAX = 8, /* of one step, "to" with its fallbacks, or "cc" */
    LADDER_NAME_MAX = 64, /* bytes of an id, template or role */
    LADDER_DAY_MAX = 3650,
    LADDER_BYTES_MAX = 1 << 20,
    LADDER_TONE_MAX = 5,
    LADDER_TERM_MAX = 60,
    LADDER_NO_DAY = INT32_MIN,
};

typedef enum { LADDER_SEND, LADDER_TASK, LADDER_HANDOFF } ladder_kind;
typedef enum {
    LADDER_STATEMENT_NONE,
    LADDER_STATEMENT_SUMMARY,
    LADDER_STATEMENT_DETAILED
} ladder_statement;

typedef struct {
    const char *id;
    int day; /* relative to the due day */
    ladder_kind kind;
    const char *channel, *template_name;
    int tone;
    const char *to[LADDER_ROLES_MAX]; /* the first role that has a usable contact is meant */
    size_t to_n;
    const char *cc[LADDER_ROLES_MAX]; /* those that exist, and only designated contacts */
    size_t cc_n;
    int valid_days; /* whole days after its day on which it still makes sense */
    ladder_statement statement;
    int term_days; /* 0 none: the term a letter sets, in business days from its posting ... */
    const char *calendar; /* ... of this calendar */
} ladder_step;

typedef struct ladder ladder;

/* name is what errors call the text. GW_EINVAL with pointer and remedy, GW_ELIMIT, GW_ENOMEM.
 */
gw_code ladder_parse(const char *name, gw_str text, ladder **ret, gw_err *err) GW_NODISCARD;
void ladder_free(ladder *l);
GW_CLEANUP_FUNC(ladder, ladder_free)

const char *ladder_id(const ladder *l);
const char *ladder_version(const ladder *l);
int ladder_gap_days(const ladder *l);
const char *ladder_hash(const ladder *l); /* SHA-256 of the canonical JSON, 64 hex digits */
const ladder_step *ladder_steps(const ladder *l, size_t *ret_n);
/* NULL when there is no such step. */
const ladder_step *ladder_find(const ladder *l, gw_str step_id);

const char *ladder_kind_name(ladder_kind k);
const char *ladder_statement_name(ladder_statement s);

/* ---- planning (plan.c) ---- */

enum {
    LADDER_TONE_UNTOLD = 0, /* the caller does not know what was sent: only the file's rule holds */
    LADDER_TONE_NOTHING = -1, /* nothing was sent for this item yet */
};

typedef struct {
    int32_t due_day;
    int32_t issued_day;    /* LADDER_NO_DAY if unknown; no step starts before it */
    bool closed;           /* written off or closed by the source */
    int64_t open_minor;    /* amount still open; <= 0 means paid */
    int tone_reached;      /* highest tone sent so far, or one of the two above */
    int32_t last_sent_day; /* of the last contact about this item, LADDER_NO_DAY if none */
} ladder_item;

typedef enum { LADDER_PLANNED, LADDER_SKIPPED } ladder_fate;

typedef struct {
    const ladder_step *step;
    ladder_fate fate;
    const char *why;     /* "" when planned; else stale, paid, closed, before-issue, gap or tone */
    bool catch_up;       /* planned although its own days have passed */
    int32_t nominal_day; /* due day + offset */
    int32_t not_before_day;
    int32_t not_after_day;
} ladder_entry;

typedef struct {
    ladder_entry *entries; /* one for each step, in the ladder's order; in the arena */
    size_t n;
} ladder_plan_result;

/* Every step of l for one item as of today. Pure and total. GW_ENOMEM when the arena is full.
 *
 * stale: its last sensible day is before today. before-issue: that day is before the issue day.
 * gap: it has passed once the gap since the last contact is over.
 * tone (only when tone_reached is told): it is more than one level above everything sent or planned
 * before it; a later plan, after milder steps went out, may take it. When such a step would have to
 * go today and a milder one was missed, the milder one is planned in its place (catch_up), from
 * today for its own valid_days, so that a late import begins mildly. Handoffs contact nobody and
 * are not bound by tone or gap. */
gw_code ladder_plan(const ladder *l, const ladder_item *item, int32_t today, gw_arena *arena,
                    ladder_plan_result *ret, gw_err *err) GW_NODISCARD;

/* ---- ladder_load.c: reads a file ---- */
gw_code ladder_load(const char *path, ladder **ret, gw_err *err) GW_NODISCARD;

#endif
