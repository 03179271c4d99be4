/* note.h - where a number of the rules comes from: "source", "read" (a date), "confidence" (house,
 * primary, secondary or general) and "draft".
 *
 * A number is verified when it is our own choice (house) or its primary text was read. Any other
 * must carry "draft": true; it restricts, but never opens anything. Private to gateway/policy. */
#ifndef POLICY_NOTE_H
#define POLICY_NOTE_H

#include "gateway/base/json_strict.h"

#define NOTE_MEMBERS "!source", "!read", "!confidence", "draft"

gw_code note_read(const json_doc *d, uint32_t row, bool *ret_draft, gw_err *err) GW_NODISCARD;

#endif
