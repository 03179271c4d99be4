/* amd.h - was the phone answered by a person or by a machine? A plain rule over loudness.
 *
 * Fed with the level of the received sound about twice a second, judged by how long the greeting
 * is: a person says a word or two and waits, a machine goes on. The rule is coarse and says so:
 * whoever does not fit gets AMD_UNSURE, and is told no more than a machine is (call.h). No sound is
 * kept. Its two errors, over eleven greetings spoken by espeak-ng at five phases each
 * (amd_speech_test.c): a machine taken for a person 1 of 25 times, a person not recognised 11 of 30
 * times, 10 of them people who answer with the firm's name. With 1800 and 1200 ms below it was 6
 * and 5.
 *
 *   speech (level above AMD_SPEECH_DBOV) for at most AMD_WORD_MS, then AMD_PAUSE_MS without
 *                                                         AMD_HUMAN
 *   speech for AMD_GREETING_MS without such a pause       AMD_MACHINE, and once AMD_PAUSE_MS are
 *                                                         silent AMD_QUIET: its tone has come
 *   anything between                                      AMD_UNSURE
 *
 * Pure; time is an argument. */
#ifndef VOICE_AMD_H
#define VOICE_AMD_H

#include "gateway/base/clock.h"

enum {
    AMD_SPEECH_DBOV = -50, /* RFC 6464 levels: 0 loudest, -127 silence; speech is -40 to -10 */
    AMD_WORD_MS = 1200,
    AMD_PAUSE_MS = 1700,
    AMD_GREETING_MS = 3000,
};

typedef enum { AMD_NOTHING, AMD_HUMAN, AMD_MACHINE, AMD_UNSURE, AMD_QUIET } amd_verdict;

typedef struct {
    bool spoke, machine, done;
    gw_mono first, last; /* of speech */
} amd;

static inline void amd_init(amd *a)
{
    *a = (amd){0};
}
/* Level in dBov at this moment. Each verdict is given once; HUMAN, UNSURE and QUIET are the last.
 */
amd_verdict amd_hear(amd *a, double level, gw_mono now);

#endif
