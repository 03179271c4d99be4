/* baresip.h - one baresip process as a telephone line: dial, play, hear keys and loudness, hang up.
 *
 * Debian's baresip 1.0 runs without a screen in a private folder (0700) with a configuration of its
 * own, controlled over TCP on the loopback address. Nothing is recorded: received sound is decoded
 * only so that its loudness can be told (module vumeter), and thrown away (aubridge without a
 * second end). A part's WAV file is removed as soon as baresip has read it. The process is asked to
 * end when the thread that started it does.
 *
 * Traps this file knows: aufile plays 16 bit PCM of exactly 8 kHz and closes the call when the file
 * ends, so every file ends in silence; the SIP port plus one is taken by SIP over TLS.
 * The control port has no password: whoever has an account on this machine can use the line.
 *
 * Thread: the one that called baresip_start. */
#ifndef VOICE_BARESIP_H
#define VOICE_BARESIP_H

#include "workers/voice/ctrl.h"

typedef struct {
    const char *folder;    /* lines make their private folders here */
    const char *program;   /* "baresip" */
    const char *modules;   /* "/usr/lib/baresip/modules" */
    const char *local;     /* address to listen on; empty: baresip chooses */
    const char *gateway;   /* "sip.carrier.example.test:5060": where calls go */
    const char *transport; /* "udp", "tcp", "tls" */
    const char *user, *domain;
    const char *auth_user, *password; /* empty: no authentication */
    int quiet_ms;                     /* silence a call begins with */
} baresip_config;

typedef struct baresip baresip;

/* Remove the folders of lines whose worker is gone (kill -9): they hold the trunk's password. */
void baresip_sweep(const char *folder);

/* Texts of the configuration fit into baresip's files: no control characters, none of <>;," and no
 * blanks. GW_EINVAL names the setting. */
gw_code baresip_check(const baresip_config *c, gw_err *err) GW_NODISCARD;
/* config is borrowed until baresip_stop. GW_ENOTFOUND no such program, GW_EIO, GW_ETIMEOUT it does
 * not get ready. */
gw_code baresip_start(const baresip_config *c, baresip **ret, gw_err *err) GW_NODISCARD;
/* Ends the process (politely, then by force) and removes its folder. */
void baresip_stop(baresip *b);
GW_CLEANUP_FUNC(baresip, baresip_stop)

/* The same as a trunk; its config is a baresip_config. */
extern const trunk_driver baresip_trunk;

/* number: E.164, checked by the caller. GW_EIO: nothing was dialled. */
gw_code baresip_dial(baresip *b, gw_str number, gw_err *err) GW_NODISCARD;
/* Play mu-law instead of what is playing, then silence_ms of silence. */
gw_code baresip_play(baresip *b, gw_str ulaw, int silence_ms, gw_err *err) GW_NODISCARD;
gw_code baresip_hang_up(baresip *b, gw_err *err) GW_NODISCARD;
/* The next event, waiting at most wait_ms; kind TRUNK_OTHER when none came. GW_ECLOSED: the process
 * has ended or says what makes no sense; a call of it may go on. */
gw_code baresip_next(baresip *b, int wait_ms, trunk_event *ret, gw_err *err) GW_NODISCARD;

#endif
