/* ari_event.h - what one message of Asterisk's event stream says about our call.
 *
 * Asterisk REST Interface, "events" (docs.asterisk.org, read 2026-11-25): each WebSocket message is
 * a JSON object with "type". Events of other channels, and types without a row, are TRUNK_OTHER.
 *
 *     StasisStart             TRUNK_ESTABLISHED: answered, and ours to control
 *     ChannelStateChange      Ring, Ringing: TRUNK_RINGING
 *     Dial                    dialstatus RINGING, PROGRESS: TRUNK_RINGING
 *     ChannelDtmfReceived     TRUNK_KEY
 *     ChannelTalking...       ARI_TALK
 *     PlaybackFinished        ARI_PLAYED, or ARI_NOT_PLAYED when it failed
 *     ChannelDestroyed        TRUNK_CLOSED with the Q.850 cause
 *     ApplicationReplaced     ARI_REPLACED: somebody else reads our events
 *
 * ChannelHangupRequest and StasisEnd say nothing that ChannelDestroyed, which follows, does not.
 *
 * Pure; any bytes may come (tests/fuzz/ari_fuzz.c). */
#ifndef VOICE_ARI_EVENT_H
#define VOICE_ARI_EVENT_H

#include "gateway/base/json.h"
#include "workers/voice/trunk.h"

typedef enum {
    ARI_NEWS, /* event says it */
    ARI_TALK, /* the other side began (on) or ended to make a sound */
    ARI_PLAYED,
    ARI_NOT_PLAYED,
    ARI_REPLACED,
} ari_kind;

typedef struct {
    ari_kind kind;
    trunk_event event; /* NEWS */
    bool ours;         /* it is about our channel (or its playback) */
    bool on;           /* TALK */
    gw_str playback;   /* PLAYED, NOT_PLAYED: its id */
} ari_event;

/* channel: ours; empty: none. Texts borrow json or live in the arena. GW_EINVAL it is no event. */
gw_code ari_event_read(gw_str json, gw_str channel, gw_arena *arena, ari_event *ret, gw_err *err)
    GW_NODISCARD;
/* "Ringing", "Up", ... of a channel as GET /channels/<id> tells it: TRUNK_OTHER, _RINGING,
 * _ESTABLISHED. GW_EINVAL it is no channel. */
gw_code ari_channel_read(gw_str json, gw_arena *arena, trunk_kind *ret, gw_err *err) GW_NODISCARD;

#endif
