/* desk_rules.h - how the call desk works: how long a task may be held, how often it is tried. */
#ifndef GATEWAY_DISPATCH_DESK_RULES_H
#define GATEWAY_DISPATCH_DESK_RULES_H

#include <stdint.h>

typedef struct {
    int64_t lease_ms;    /* an agent that took a task and says nothing gives it back after this */
    int64_t call_ms;     /* a call that was begun and not told about becomes unknown after this */
    int64_t again_ms;    /* nobody reached: tried again at the earliest after this */
    int attempts;        /* tries of one task that reach nobody before it is given up */
    int per_agent;       /* tasks one agent may hold at a time */
    const char *excuses; /* folder of desk_excuse.h; NULL: none are suggested */
} desk_rules;

static inline desk_rules desk_rules_defaults(void)
{
    return (desk_rules){.lease_ms = 900000,
                        .call_ms = 3600000,
                        .again_ms = 14400000,
                        .attempts = 3,
                        .per_agent = 1};
}

#endif
