/* voice.h - the voice driver: facts and template in, one automated call out.
 *
 * Fulfils workers/runtime/channel.h. A task has exactly one recipient with an E.164 number. The
 * template's parts are rendered, spoken by the configured program and kept as the intent
 * (script.h); the call goes as call.h says. The same task gives the same texts everywhere, and the
 * same sound wherever the same version of the speaking program runs.
 *
 *   outbox   the script, and the spoken parts as one WAV file, go to the outbox folder; nobody is
 *            called. Without the speaking program scripts have no sound.
 *   sip      over a SIP trunk: one baresip process a line (baresip.h, line.h)
 *   ari      over an Asterisk that is steered by its REST interface (ari.h, line.h); fleet names
 *            its one provider's file
 *   provider through HTTP providers (workers/providers), which speak a text themselves. Keys would
 *            have to come back by callback before anything else is said, so nothing but the limited
 *            message is told: no question, no details. The file of the provider may use
 *            {var.language} (BCP 47) and {var.text_xml}, the text with XML's characters escaped.
 *
 * No call is recorded: a debtor's consent to recording is not kept in the ledger yet, and without
 * it there is none (V6). */
#ifndef VOICE_VOICE_H
#define VOICE_VOICE_H

#include "workers/providers/fleet.h"
#include "workers/runtime/outbox.h"
#include "workers/voice/ari.h"
#include "workers/voice/baresip.h"
#include "workers/voice/line.h"
#include "workers/voice/speak.h"

typedef enum { VOICE_OUTBOX, VOICE_SIP, VOICE_ARI, VOICE_PROVIDER } voice_transport;

typedef struct {
    voice_transport transport;
    speak_config speak;
    int promise_days;   /* the key for a promise stands for this many days from now */
    line_config line;   /* without its trunk */
    baresip_config sip; /* transport sip */
    ari_config ari;     /* transport ari; carrier comes from fleet */
    outbox_config outbox;
    fleet_config fleet;
} voice_config;

/* config is copied, its strings are borrowed until close. SIGPIPE is ignored from now on.
 * GW_EINVAL, GW_ENOTFOUND: transport sip or ari without the speaking program. */
gw_code voice_channel(const voice_config *config, channel *ret, gw_err *err) GW_NODISCARD;

#endif
