/* door.h - intake without its socket: the same schemas, verdicts, idempotency and durable batches
 * for what comes another way (gateway/http).
 *
 * Bodies are gathered (door_begin, door_body), then played together, then their verdicts read; the
 * limits are intake's (intake.h). Who may act for whom is what role and who say, exactly as for a
 * key: the caller has authenticated them.
 *
 * Thread: one owner at a time. */
#ifndef INTAKE_DOOR_H
#define INTAKE_DOOR_H

#include "gateway/intake/intake.h"

typedef struct door door;

/* Of config count schema_folder, state, id_key, clock (borrowed), outbox_max and calls. */
gw_code door_open(const intake_config *config, door **ret, gw_err *err) GW_NODISCARD;
void door_close(door *d); /* accepts NULL */
GW_CLEANUP_FUNC(door, door_close)

/* Begin a request of one verb; false: no room in this turn, play first. who is copied. */
bool door_begin(door *d, verb v, zap_role role, gw_str who);
/* Add a body to it; copied. False: no room (more than INTAKE_BODIES_MAX, or memory). */
bool door_body(door *d, gw_str bytes);
/* Answer everything, durably, and wake dispatch if there is news. */
void door_play(door *d);
/* Verdict of body `body` of the request that was begun as number `request`; borrowed until
 * door_clear. */
gw_str door_verdict(const door *d, size_t request, size_t body);
void door_clear(door *d);
/* Verdicts given since it was opened. */
void door_count(const door *d, intake_counts *ret);

#endif
