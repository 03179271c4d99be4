/* ari.h - a trunk that is an Asterisk, over its REST interface (docs.asterisk.org, read
 * 2026-11-25).
 *
 * Written to the documentation and tested against a server of our own that follows it; it was not
 * run against a real Asterisk. Asterisk 16 to 20 by what is documented.
 *
 * Each line has a Stasis application of its own with a random name, and reads that application's
 * events over a WebSocket (ari_socket.h); what it tells Asterisk are single HTTP requests. How to
 * originate, the account and the limits are the provider's file (asterisk-ari.jsonc).
 *
 *   dial     POST /ari/channels with our own channelId, so that a lost answer can be resolved:
 *            GET /ari/channels/<id>, or an event of that channel, says that it is there; when
 *            neither does within ARI_DOUBT_MS nobody knows (GW_ECLOSED), and it is not dialled
 * again play     the part is written to the folder `sounds` as raw mu-law, which Asterisk reads
 * under the same name; the file is removed when it was played. A part that Asterisk cannot play is
 * a lost line: nothing may count as said that was not level    TALK_DETECT on the channel. It says
 * "talking" when it is switched on, whoever is there, so less than ARI_TALK_MS of it counts as
 * silence lost     a dropped event stream is opened again and GET says whether the call goes on; a
 * call that ended unseen is unknown
 *
 * A worker that dies in a call (kill -9): Asterisk ends the channel itself by TIMEOUT(absolute).
 *
 * Thread: the one that opened it. */
#ifndef VOICE_ARI_H
#define VOICE_ARI_H

#include "workers/providers/fleet.h"
#include "workers/voice/trunk.h"

enum {
    ARI_DOUBT_MS = 3000,
    ARI_SILENCE_MS = 200, /* TALK_DETECT says so late that it has become quiet */
    ARI_TALK_MS = ARI_SILENCE_MS + 100,
    ARI_TRIES = 5, /* to open the event stream again, over about six seconds */
};

typedef struct {
    carrier *carrier;
    const char *sounds; /* folder that Asterisk reads, absolute, same name on its side */
    int ring_s, call_s; /* Asterisk gives up ringing, and hangs up, by itself */
} ari_config;

/* Its config is an ari_config. */
extern const trunk_driver ari_trunk;

/* The folder is there and can be written; parts that a killed worker left an hour ago are removed.
 * GW_EINVAL names the setting. */
gw_code ari_check(const ari_config *c, gw_err *err) GW_NODISCARD;

#endif
