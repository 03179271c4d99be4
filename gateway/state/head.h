/* head.h - field a of an accepted job: what is known of it from the start and never changes.
 *
 * STORED FORMAT: netstrings did, at (ms), src, deb, cas, job, ch. Two fields instead of a dozen
 * make accepting a job about a third cheaper. Readers see the dozen (head_expand).
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
    HEAD_PARTS
} head_part;

enum { HEAD_MAX = 5 * (STATE_NAME_MAX + 8) + 128 };

/* Append it; failure is sticky in ret. */
void head_pack(const state_job *job, gw_wall at, gw_buf *ret);
/* Parts are copied to the arena, with a NUL behind; without arena they point into a. GW_ECORRUPT,
 * GW_ENOMEM. */
gw_code head_unpack(gw_str a, gw_arena *arena, gw_str ret[HEAD_PARTS], gw_err *err) GW_NODISCARD;
/* Replace fields a and v of a loaded reminder by the fields they stand for. */
gw_code head_expand(state_hash *h, gw_arena *arena, gw_err *err) GW_NODISCARD;

#endif
