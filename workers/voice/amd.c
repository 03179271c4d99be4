#include "workers/voice/amd.h"

static amd_verdict on_speech(amd *a, gw_mono now)
{
    if (!a->spoke)
        a->first = now;
    a->spoke = true;
    a->last = now;
    if (a->machine || now.ms - a->first.ms < AMD_GREETING_MS)
        return AMD_NOTHING;
    a->machine = true;
    return AMD_MACHINE;
}

amd_verdict amd_hear(amd *a, double level, gw_mono now)
{
    if (a->done)
        return AMD_NOTHING;
    if (level > AMD_SPEECH_DBOV)
        return on_speech(a, now);
    if (!a->spoke || now.ms - a->last.ms < AMD_PAUSE_MS)
        return AMD_NOTHING;
    a->done = true;
    if (a->machine)
        return AMD_QUIET;
    return a->last.ms - a->first.ms <= AMD_WORD_MS ? AMD_HUMAN : AMD_UNSURE;
}
