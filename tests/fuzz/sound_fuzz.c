/* A WAV file of a speaking program: telephone sound no longer than it, or refused. */
#include "workers/voice/sound.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO_BUF gw_buf ulaw;
    GW_AUTO_BUF gw_buf wav;
    gw_err err = {0};
    gw_buf_init(&ulaw, 8 << 20);
    gw_buf_init(&wav, 16 << 20);
    if (sound_from_wav((gw_str){(const char *)data, n}, &ulaw, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    assert(ulaw.n <= n + 64);
    sound_put_wav(gw_buf_str(&ulaw), &wav);
    size_t before = ulaw.n;
    if (before == 0)
        return 0;
    assert(sound_from_wav(gw_buf_str(&wav), &ulaw, &err) == GW_OK);
    assert(ulaw.n == 2 * before);
    return 0;
}
