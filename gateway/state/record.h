/* record.h - outbox records as the bytes of one stream field, and back.
 *
 * STORED FORMAT "1" (the stream field's name is the version): thirteen netstrings,
 * "<length>:<bytes>,", in this order: event, t (ms), source, debtor, case, rid, attempt, why,
 * level, fact, priv, flags
 * ("b" = with_body), blobs. Readable in redis-cli, no escaping, any byte may be inside.
 * To change it: give the new layout the name "2", write only that, and keep reading "1" until the
 * outbox of every running version is drained (an outbox holds seconds of work, not history). */
#ifndef DUNLIN_STATE_RECORD_H
#define DUNLIN_STATE_RECORD_H

#include "gateway/state/state.h"

#define RECORD_FIELD        "1"
#define RECORD_ACCEPT       "a" /* value: <did><rid>; the reminder hash tells the rest (head.h) */
#define RECORD_ACCEPT_EVENT "SubmissionAcceptance"

/* GW_EINVAL names the member that is missing or not allowed; GW_ELIMIT. */
gw_code record_check(const state_record *r, gw_err *err) GW_NODISCARD;
/* Append a checked record, packed. Failure is sticky in ret. */
void record_pack(const state_record *r, gw_buf *ret);
/* Strings are copied to the arena, with a NUL behind. GW_ECORRUPT, GW_ENOMEM. */
gw_code record_unpack(gw_str packed, gw_arena *arena, state_record *ret, gw_err *err) GW_NODISCARD;

#endif
