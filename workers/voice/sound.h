/* sound.h - speech as telephones carry it: G.711 mu-law, 8000 samples a second, one channel.
 *
 * A TTS program writes WAV of whatever rate; what is stored as intent and played is mu-law, one
 * byte a sample, exactly what a G.711 call carries (ITU-T G.711; RIFF/WAVE format tags 1 and 7).
 * Pure. Thread: any. */
#ifndef VOICE_SOUND_H
#define VOICE_SOUND_H

#include "gateway/base/buf.h"

enum {
    SOUND_RATE = 8000,
    SOUND_WAV_MAX = 32 * 1024 * 1024, /* bytes of a TTS program's output */
    SOUND_RATE_MIN = 4000,
    SOUND_RATE_MAX = 192000,
};

/* Append a WAV file's sound (16 bit PCM, one or two channels, or mu-law of 8 kHz) as mu-law. A
 * length in the header that is longer than the file (as programs write that stream) is cut.
 * GW_EINVAL not such a WAV or empty, GW_ELIMIT, GW_ENOMEM. */
gw_code sound_from_wav(gw_str wav, gw_buf *ret_ulaw, gw_err *err) GW_NODISCARD;

/* Append a mu-law WAV file (format tag 7). */
void sound_put_wav(gw_str ulaw, gw_buf *out);
/* Append a 16 bit PCM WAV file, followed by silence: baresip's aufile plays no other kind and ends
 * the call when the file does. */
void sound_put_pcm_wav(gw_str ulaw, int silence_ms, gw_buf *out);

static inline int sound_ms(size_t samples)
{
    return (int)(samples / (SOUND_RATE / 1000));
}

#endif
