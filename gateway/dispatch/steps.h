/* steps.h - the reminders a ladder asks for, as bodies of reminders that do not exist yet. Pure.
 *
 * A step's job id is "<item>#<ladder>#<step>": planning the same item again finds the same
 * reminder, so a step is contacted at most once however often it is planned. */
#ifndef GATEWAY_DISPATCH_STEPS_H
#define GATEWAY_DISPATCH_STEPS_H

#include "gateway/dispatch/view.h"
#include "gateway/ladder/ladder.h"
#include "gateway/policy/zone.h"

typedef struct {
    gw_str job;       /* "<item>#<ladder>#<step>" */
    gw_str body;      /* JSON as a submit, with item, ladder, step, kind, statement beside */
    const char *skip; /* NULL planned; else why it never goes out: stale, before-issue, gap */
    bool catch_up;    /* its own days have passed; it goes out from today */
    int64_t not_before_ms, not_after_ms;
} ladder_reminder;

/* What was sent about an item so far. */
typedef struct {
    int tone_reached;      /* or LADDER_TONE_NOTHING */
    int32_t last_sent_day; /* or LADDER_NO_DAY */
} steps_sent;

/* The steps of one item as of today. Steps that may still come (tone) are left out; *ret_later says
 * that there are some. GW_ENOMEM, GW_ELIMIT. */
gw_code steps_of_item(const ladder *l, const view_debtor *d, const view_item *item, const zone *z,
                      int32_t today, const steps_sent *sent, gw_arena *arena, ladder_reminder **ret,
                      size_t *ret_n, bool *ret_later, gw_err *err) GW_NODISCARD;

#endif
