/* ctrl.h - what baresip says on its control connection, and what it is told.
 *
 * baresip's ctrl_tcp module (1.0): each message is a netstring ("12:{...},") holding a JSON object,
 * a response to a command or an event. Only events of outgoing calls count: nobody is answered.
 *
 * Pure; any bytes may come (tests/fuzz/ctrl_fuzz.c). */
#ifndef VOICE_CTRL_H
#define VOICE_CTRL_H

#include "gateway/base/arena.h"
#include "workers/voice/trunk.h"

enum { CTRL_FRAME_MAX = 64 * 1024, CTRL_COMMAND_MAX = 4096 };

/* Take the first message off the front of in. *ret_whole false: more bytes are needed. GW_EINVAL
 * what came is no netstring of JSON, GW_ELIMIT it is too long: the connection is of no use then. */
gw_code ctrl_take(gw_buf *in, gw_arena *arena, bool *ret_whole, trunk_event *ret, gw_err *err)
    GW_NODISCARD;
/* Append a command; params without control characters. */
void ctrl_put(gw_buf *out, const char *command, gw_str params);

#endif
