/* marks.h - the addresses of a debtor lead to it: the marks (gateway/state/mark.h) that a reply is
 * matched by.
 *
 * They are written before the debtor is stored, for every contact with an address. Thread: pure,
 * but intake_mark. */
#ifndef INTAKE_MARKS_H
#define INTAKE_MARKS_H

#include "gateway/base/json.h"
#include "gateway/state/mark.h"

enum { MARKS_OF_DEBTOR_MAX = 64 };

/* Append those of a debtor body, valid by its schema; at most MARKS_OF_DEBTOR_MAX. Returns their
 * number; strings live in the arena (0 also when it is full). */
size_t marks_of_debtor(const uint8_t *id_key, const gw_id *did, const json_doc *body,
                       gw_arena *arena, state_mark ret[MARKS_OF_DEBTOR_MAX]);

#endif
