/* region.h - the form of a region: where a debtor or the owner of a number is.
 *
 * Two capital letters, the ISO 3166-1 country, then at most two parts of 1 to 7 capitals or digits
 * behind dashes: its ISO 3166-2 subdivision, and a place of our own naming (US-NY-NYC). Pure. */
#ifndef GW_REGION_H
#define GW_REGION_H

#include "gateway/base/buf.h"

enum { GW_REGION_TEXT = 19 }; /* bytes with NUL */

/* Whether the country or subdivision exists is not asked. */
bool gw_region_valid(gw_str text);

#endif
