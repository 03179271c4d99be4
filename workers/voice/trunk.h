/* trunk.h - what carries the calls of a line, and what it says about them.
 *
 * Two fulfil it: baresip.h (SIP) and ari.h (an Asterisk). A trunk carries one call at a time. The
 * call itself goes as call.h says, whatever carries it. Promises of every driver:
 *
 *  1. dial returns GW_OK as soon as the far end may have been asked to call; what came of it is
 *     said by next. Any other code: it may have been asked all the same, and nobody knows.
 *  2. TRUNK_RESPONSE with ok false, before any other news of the call: certainly nobody was called.
 *  3. TRUNK_CLOSED is said once a call, and only when the call is down for certain.
 *  4. What next cannot know any more is GW_ECLOSED, never a guess.
 *  5. close ends a call that may still be up, as far as that is possible.
 *
 * Thread: the one that called open. */
#ifndef VOICE_TRUNK_H
#define VOICE_TRUNK_H

#include "gateway/base/buf.h"

typedef enum {
    TRUNK_OTHER, /* nothing we act on; also: nothing came in time */
    TRUNK_RESPONSE,
    TRUNK_RINGING,
    TRUNK_ESTABLISHED,
    TRUNK_CLOSED,
    TRUNK_KEY,
    TRUNK_LEVEL,
} trunk_kind;

typedef struct {
    trunk_kind kind;
    bool ok;      /* RESPONSE */
    int sip;      /* CLOSED: SIP status that ended it, 0 none */
    int cause;    /* CLOSED: ITU-T Q.850, 0 not said */
    char key;     /* KEY */
    double level; /* LEVEL: of what is heard, dBov */
} trunk_event;

typedef struct {
    /* config is borrowed until close. */
    gw_code (*open)(const void *config, void **ret, gw_err *err);
    void (*close)(void *trunk); /* accepts NULL */
    /* number: E.164, checked by the caller. own: our reference of the attempt, never used twice. */
    gw_code (*dial)(void *trunk, gw_str number, gw_str own, gw_err *err);
    /* Play mu-law instead of what is playing, then silence for at least silence_ms. */
    gw_code (*play)(void *trunk, gw_str ulaw, int silence_ms, gw_err *err);
    gw_code (*hang_up)(void *trunk, gw_err *err);
    /* The next event, waiting about wait_ms at most. */
    gw_code (*next)(void *trunk, int wait_ms, trunk_event *ret, gw_err *err);
} trunk_driver;

#endif
