/* planned.h - how many reminders are planned for each minute of an hour. Reads only. */
#ifndef DUNLIN_STATE_PLANNED_H
#define DUNLIN_STATE_PLANNED_H

#include "gateway/state/state.h"

enum { STATE_HOUR_MINUTES = 60 };

/* Entries of a lane ("wesvfk") due in each of the 60 minutes from `from` on, over the shards whose
 * mask byte is not 0. */
gw_code state_planned(state *s, const uint8_t shard_mask[STATE_SHARDS], char lane, gw_wall from,
                      uint32_t ret[STATE_HOUR_MINUTES], gw_err *err) GW_NODISCARD;

#endif
