/* windows.h - operators' send windows in force: kept beside the pauses in the store, so that every
 * gateway sees a change within a second, and recorded as x-PolicyChange with who and why.
 *
 * Stored field "windows" of the control hash:
 *   {"by","since","reason"?,"hash","windows":<the canonical file>} */
#ifndef INTAKE_WINDOWS_H
#define INTAKE_WINDOWS_H

#include "gateway/policy/house.h"
#include "gateway/state/state.h"

#define WINDOWS_FIELD "windows"

typedef struct {
    gw_str by, key, reason; /* key: the name of the operator's key, or what made the change */
    gw_wall now;
} windows_act;

/* Put a file's text in force. *ret_changed false: it says what is in force already, nothing was
 * done. GW_EINVAL, GW_EEXIST, GW_ELIMIT: the text is refused, what is in force stays; else the
 * store's. */
gw_code windows_apply(state *store, const char *name, gw_str text, const windows_act *act,
                      gw_arena *arena, bool *ret_changed, gw_err *err) GW_NODISCARD;
/* What is in force: the stored object's text, n 0 none. */
gw_str windows_in_force(const state_hash *control);
/* Its windows, parsed. NULL when there are none; GW_ECORRUPT. */
gw_code windows_read(gw_str stored, house_windows **ret, gw_err *err) GW_NODISCARD;

#endif
