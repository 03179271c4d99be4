/* script.h - the prepared bytes of a call: what is said, as text and as sound, and to which number.
 *
 * One JSON object with members in RFC 8785 order, as intent in the evidence and as what is played:
 *     {"from":"Creditor","locale":"en","parts":[{"audio":"<base64 of a mu-law WAV>","ms":8300,
 *      "name":"ask","text":"..."}, ...],"promise_date":"2026-03-01","to":"+1..."}
 * audio is left out when no speaking program is there (transport outbox only); ms is 0 then.
 *
 * Thread: any; pure. */
#ifndef VOICE_SCRIPT_H
#define VOICE_SCRIPT_H

#include "gateway/base/arena.h"
#include "gateway/wire/call.h"

enum { SCRIPT_BYTES_MAX = 8 << 20 };

typedef struct {
    gw_str from, locale, to;
    gw_str promise_date; /* the day the key for a promise stands for, yyyy-mm-dd */
    gw_str text[CALL_PART_COUNT];
    gw_str ulaw[CALL_PART_COUNT]; /* n 0: not spoken */
} script;

gw_code script_put(const script *s, gw_buf *out, gw_err *err) GW_NODISCARD;
/* Strings live in the arena or borrow json. GW_EINVAL it is no script, GW_ENOMEM. */
gw_code script_read(gw_str json, gw_arena *arena, script *ret, gw_err *err) GW_NODISCARD;

#endif
