/* hours.h - reading the hours people write into JSON: "09:00", ["mon", "tue"].
 *
 * What cannot be read becomes what policy_window takes for a row that opens nothing and, as NEVER,
 * closes whole days. Pure; any thread. */
#ifndef POLICY_HOURS_H
#define POLICY_HOURS_H

#include "gateway/base/json.h"

enum { HOURS_EVERY_DAY = 0x7f };

/* Minutes of "HH:MM", 0..1440; -1 when it is none. */
int16_t hours_minute(gw_str s);
/* Bits of an array of day names, bit 0 Monday; every day when node is 0, 0 when one is unknown. */
uint8_t hours_days(const json_doc *d, uint32_t node);

#endif
