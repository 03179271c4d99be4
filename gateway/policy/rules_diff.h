/* rules_diff.h - what changed between two JSON documents, value by value.
 *
 * Text: one line per change, "- POINTER old" and "+ POINTER new" (RFC 6901). json: one array of
 * {"at","old"?,"new"?}. Nothing for equal documents but "[]" as JSON. Thread: any; pure. */
#ifndef POLICY_RULES_DIFF_H
#define POLICY_RULES_DIFF_H

#include "gateway/base/json.h"

gw_code rules_diff(gw_str old_text, gw_str new_text, bool json, gw_buf *out, gw_err *err)
    GW_NODISCARD;

#endif
