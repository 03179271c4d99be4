/* learn_signal.h - what came of a contact, and when nothing more is waited for. Inside of learn.h,
 * which has the rules. Pure. */
#ifndef GATEWAY_DISPATCH_LEARN_SIGNAL_H
#define GATEWAY_DISPATCH_LEARN_SIGNAL_H

#include "gateway/dispatch/view.h"
#include "gateway/policy/zone.h"
#include "gateway/timing/history.h"

enum { CONTACT_EMAIL, CONTACT_SMS, CONTACT_VOICE }; /* timing/plan.h: timing_channel_of */

typedef struct {
    const view_reminder *r; /* NULL: it is gone, a call is left of it */
    int64_t left_ms;
    uint8_t channel;
    int attempt;
    char heard;   /* of a call: 'a' or 'n' */
    gw_str field; /* of a call: where it waits to be learned */
    bool done;    /* learned already */
} contact;

/* What the plan kept with a reminder says about its hour. */
typedef struct {
    history_chooser chooser;
    json_doc doc;
    uint32_t timing; /* node of the explanation, 0: none */
} learned_plan;

typedef struct {
    const view_debtor *d;
    const zone *zone;
    const contact *list; /* all of them, by the moment they left */
    size_t n;
    gw_wall now;
    gw_arena *arena;
} signal_case;

typedef struct {
    history_result result;
    uint8_t late;
} signal_seen;

/* When contact i closes as far as is known now: at or before now it is closed, with *ret. */
int64_t signal_closes(const signal_case *c, size_t i, signal_seen *ret);

#endif
