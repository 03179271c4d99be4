/* rules_live.h - the rules in force as the store has them, parsed again only when they changed.
 * Thread: one owner. */
#ifndef GATEWAY_DISPATCH_RULES_LIVE_H
#define GATEWAY_DISPATCH_RULES_LIVE_H

#include "gateway/intake/rules.h"

typedef struct {
    const policy_rules *rules;  /* what to decide by; never NULL */
    bool unreadable;            /* what is in force cannot be had: nothing may be sent */
    policy_rules *own, *former; /* own: rules, unless they are those of the start. former: the ones
                                   before, which a decision of this turn may still borrow */
    gw_buf stored;              /* which set is meant: the control field as last seen */
    const rules_places *places; /* NULL: the rules of the start are used, whatever is stored */
} rules_live;

/* start: sealed rules, borrowed; used until the store names others. */
void rules_live_init(rules_live *l, const policy_rules *start, const rules_places *places);
void rules_live_done(rules_live *l);
/* Look at the control hash. What cannot be had is tried again at the next look; until then the last
 * rules stay, marked unreadable. *ret_changed (may be NULL): other rules than before. */
void rules_live_update(rules_live *l, state *store, const state_hash *control, bool *ret_changed);

#endif
