/* head.h - field a of a reminder: what is known of it from the start and never changes.
 *
 * STORED FORMAT: of an accepted job netstrings did, at (ms), src, deb, cas, job, ch, and behind
 * them its body up to the end; of a ladder step its did alone (26 characters, no colon). One field
 * instead of a dozen makes accepting a job about a third cheaper, and writing it (HSETNX) also
 * tells whether the reminder exists. Readers see the dozen (head_expand).
 * Field v of every reminder is its version, state letter and due ms in one, for the same reason:
 * readers see v, s and due. */
#ifndef DUNLIN_STATE_HEAD_H
#define DUNLIN_STATE_HEAD_H

#include "gateway/state/state.h"

#define HEAD_FIELD "a"

typedef enum {
    HEAD_DID,
    HEAD_AT,
    HEAD_SOURCE,
    HEAD_DEBTOR,
    HEAD_CASE,
    HEAD_JOB,
    HEAD_CHANNEL,
    HEAD_BODY,
    HEAD_PARTS
} head_part;

enum { HEAD_MAX = 5 * (STATE_NAME_MAX + 8) + 128 + STATE_BODY_MAX };

/* Append it; failure is sticky in ret. */
void head_pack(const state_job *job, gw_wall at, gw_buf *ret);
/* Parts are copied to the arena, with a NUL behind; without arena they point into a, and so does
 * the body always: it ends where a ends. Only of a job. GW_ECORRUPT, GW_ENOMEM. */
gw_code head_unpack(gw_str a, gw_arena *arena, gw_str ret[HEAD_PARTS], gw_err *err) GW_NODISCARD;
static inline bool head_is_job(gw_str a)
{
    return a.p && a.n > GW_ID_TEXT;
}
/* Replace fields a and v of a loaded reminder by the fields they stand for. */
gw_code head_expand(state_hash *h, gw_arena *arena, gw_err *err) GW_NODISCARD;

#endif
