/* house_live.h - operators' windows as the store has them, parsed again only when they changed.
 * Thread: one owner. */
#ifndef GATEWAY_DISPATCH_HOUSE_LIVE_H
#define GATEWAY_DISPATCH_HOUSE_LIVE_H

#include "gateway/policy/house.h"
#include "gateway/state/state.h"

typedef struct {
    gw_buf stored; /* text of what is parsed */
    house_windows *windows;
    bool unreadable;
} house_live;

void house_live_init(house_live *h);
void house_live_done(house_live *h);
/* Look at the control hash. What cannot be read closes everything until it is replaced. */
void house_live_update(house_live *h, const state_hash *control);

#endif
