/* recorder.h - the thread that moves the outbox into the evidence log: read, append (one group
 * fsync), then trim. A record is in the outbox or in the log at every moment; one that is in both
 * after a crash is skipped by its outbox position.
 *
 * When the log cannot take records (disk full, I/O error) recorder_ok turns false and dispatch
 * stops sending; a full disk heals by itself, a failed fsync ends the process (`failed` is called
 * once): nobody may trust the log until it is opened and verified anew.
 *
 * Thread: recorder_start and recorder_stop one thread; the questions any. */
#ifndef GATEWAY_DISPATCH_RECORDER_H
#define GATEWAY_DISPATCH_RECORDER_H

#include "gateway/evidence/evidence.h"
#include "gateway/state/state.h"

#include <stdbool.h>

typedef struct recorder recorder;

/* state: its own connection is opened. failed(arg): called once from the recorder's thread after
 * an error of the log that only a new start can heal; must not return into trust: end the process.
 */
gw_code recorder_start(const state_config *state, evidence *ev, void (*failed)(void *arg),
                       void *arg, recorder **ret, gw_err *err) GW_NODISCARD;
/* Move what is left if the store answers, sign a last checkpoint, join. Accepts NULL. */
void recorder_stop(recorder *r);
GW_CLEANUP_FUNC(recorder, recorder_stop)

bool recorder_ok(const recorder *r);
/* Entries moved since the start. */
uint64_t recorder_moved(const recorder *r);

#endif
