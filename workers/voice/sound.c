#include "workers/voice/sound.h"

#include <limits.h>
#include <samplerate.h>

enum { TAG_PCM = 1, TAG_ULAW = 7, TAG_EXTENSIBLE = 0xFFFE, FRAMES_MAX = SOUND_WAV_MAX / 2 };

/* ---- G.711 mu-law: sign, three bits of exponent, four of mantissa, inverted ---- */

static uint8_t ulaw_of(int16_t sample)
{
    enum { BIAS = 0x84, CLIP = 32635 };
    int magnitude = sample < 0 ? -(int)sample : sample;
    int sign = sample < 0 ? 0x80 : 0;
    if (magnitude > CLIP)
        magnitude = CLIP;
    magnitude += BIAS;
    int exponent = 7;
    for (int mask = 0x4000; exponent > 0 && !(magnitude & mask); mask >>= 1)
        exponent--;
    int mantissa = (magnitude >> (exponent + 3)) & 0x0F;
    return (uint8_t) ~(sign | exponent << 4 | mantissa);
}

static int16_t sample_of(uint8_t ulaw)
{
    int u = ~ulaw & 0xFF;
    int magnitude = ((((u & 0x0F) << 3) + 0x84) << ((u & 0x70) >> 4)) - 0x84;
    return (int16_t)(u & 0x80 ? -magnitude : magnitude);
}

/* ---- reading WAV ---- */

typedef struct {
    int tag, channels, bits;
    uint32_t rate;
    gw_str data;
} wav;

static uint32_t le32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static int le16(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return u[0] | u[1] << 8;
}

static gw_code read_wav(gw_str file, wav *ret, gw_err *err)
{
    wav w = {0};
    if (file.n > SOUND_WAV_MAX)
        return gw_fail(err, GW_ELIMIT, "the speech has more than %d bytes", SOUND_WAV_MAX);
    if (file.n < 12 || memcmp(file.p, "RIFF", 4) != 0 || memcmp(file.p + 8, "WAVE", 4) != 0)
        return gw_fail(err, GW_EINVAL, "the speech is no WAV file");
    for (size_t at = 12; at + 8 <= file.n && !w.data.p;) {
        const char *name = file.p + at;
        size_t n = le32(file.p + at + 4);
        size_t left = file.n - at - 8;
        const char *body = file.p + at + 8;
        if (memcmp(name, "fmt ", 4) == 0 && n >= 16 && left >= 16) {
            w.tag = le16(body);
            w.channels = le16(body + 2);
            w.rate = le32(body + 4);
            w.bits = le16(body + 14);
            if (w.tag == TAG_EXTENSIBLE && n >= 26 && left >= 26)
                w.tag = le16(body + 24);
        } else if (memcmp(name, "data", 4) == 0) {
            w.data = (gw_str){body, n < left ? n : left};
        }
        if (n >= left)
            break;
        at += 8 + n + (n & 1);
    }
    bool pcm = w.tag == TAG_PCM && w.bits == 16 && (w.channels == 1 || w.channels == 2);
    bool ulaw = w.tag == TAG_ULAW && w.bits == 8 && w.channels == 1 && w.rate == SOUND_RATE;
    if ((!pcm && !ulaw) || w.rate < SOUND_RATE_MIN || w.rate > SOUND_RATE_MAX)
        return gw_fail(err, GW_EINVAL, "the speech is no 16 bit PCM of one or two channels");
    if (w.data.n < (pcm ? 2 * (size_t)w.channels : 1))
        return gw_fail(err, GW_EINVAL, "the speech is empty");
    *ret = w;
    return GW_OK;
}

/* ---- to telephone quality ---- */

static void mix(const wav *w, size_t frames, float *to)
{
    for (size_t i = 0; i < frames; i++) {
        int sum = 0;
        for (int c = 0; c < w->channels; c++)
            sum += (int16_t)le16(w->data.p + (i * (size_t)w->channels + (size_t)c) * 2);
        to[i] = (float)sum / (32768.0F * (float)w->channels);
    }
}

static gw_code put_samples(const float *from, size_t n, gw_buf *out, gw_err *err)
{
    char *to = gw_buf_reserve(out, n);
    for (size_t i = 0; to && i < n; i++) {
        float f = from[i] * 32768.0F;
        int16_t s = f >= 32767.0F ? 32767 : f <= -32768.0F ? -32768 : (int16_t)f;
        to[i] = (char)ulaw_of(s);
    }
    if (to)
        out->n += n;
    return gw_buf_code(out, "the speech", err);
}

static gw_code convert(const wav *w, gw_buf *out, gw_err *err)
{
    size_t frames = w->data.n / (2 * (size_t)w->channels);
    if (frames > FRAMES_MAX)
        return gw_fail(err, GW_ELIMIT, "the speech has more than %d samples", FRAMES_MAX);
    double ratio = (double)SOUND_RATE / w->rate;
    size_t room = (size_t)((double)frames * ratio) + 64;
    GW_AUTO_FREE float *in = malloc(frames * sizeof *in);
    GW_AUTO_FREE float *made = malloc(room * sizeof *made);
    if (!in || !made)
        return gw_fail(err, GW_ENOMEM, "reading the speech");
    mix(w, frames, in);
    if (w->rate == SOUND_RATE)
        return put_samples(in, frames, out, err);
    SRC_DATA job = {.data_in = in,
                    .data_out = made,
                    .input_frames = (long)frames,
                    .output_frames = (long)room,
                    .src_ratio = ratio};
    int rc = src_simple(&job, SRC_SINC_FASTEST, 1);
    if (rc != 0)
        return gw_fail(err, GW_EINVAL, "resampling the speech: %s", src_strerror(rc));
    return put_samples(made, (size_t)job.output_frames_gen, out, err);
}

gw_code sound_from_wav(gw_str file, gw_buf *ret_ulaw, gw_err *err)
{
    wav w = {0};
    gw_code rc = read_wav(file, &w, err);
    if (rc != GW_OK)
        return rc;
    if (w.tag == TAG_PCM)
        return convert(&w, ret_ulaw, err);
    gw_buf_put_str(ret_ulaw, w.data);
    return gw_buf_code(ret_ulaw, "the speech", err);
}

/* ---- writing WAV ---- */

static void put_le(gw_buf *b, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        gw_buf_putc(b, (char)(v >> 8 * i & 0xFF));
}

static void put_header(gw_buf *b, int tag, int bytes_a_sample, size_t samples)
{
    uint32_t size = (uint32_t)(samples * (size_t)bytes_a_sample);
    gw_buf_puts(b, "RIFF");
    put_le(b, 36 + size + (size & 1), 4);
    gw_buf_puts(b, "WAVEfmt ");
    put_le(b, 16, 4);
    put_le(b, (uint32_t)tag, 2);
    put_le(b, 1, 2);
    put_le(b, SOUND_RATE, 4);
    put_le(b, (uint32_t)(SOUND_RATE * bytes_a_sample), 4);
    put_le(b, (uint32_t)bytes_a_sample, 2);
    put_le(b, (uint32_t)(8 * bytes_a_sample), 2);
    gw_buf_puts(b, "data");
    put_le(b, size, 4);
}

void sound_put_wav(gw_str ulaw, gw_buf *out)
{
    put_header(out, TAG_ULAW, 1, ulaw.n);
    gw_buf_put_str(out, ulaw);
    if (ulaw.n & 1)
        gw_buf_putc(out, '\0');
}

void sound_put_pcm_wav(gw_str ulaw, int silence_ms, gw_buf *out)
{
    size_t silence = (size_t)silence_ms * (SOUND_RATE / 1000);
    put_header(out, TAG_PCM, 2, ulaw.n + silence);
    char *to = gw_buf_reserve(out, 2 * (ulaw.n + silence));
    if (!to)
        return;
    for (size_t i = 0; i < ulaw.n; i++) {
        int16_t s = sample_of((uint8_t)ulaw.p[i]);
        to[2 * i] = (char)(s & 0xFF);
        to[2 * i + 1] = (char)(s >> 8 & 0xFF);
    }
    memset(to + 2 * ulaw.n, 0, 2 * silence);
    out->n += 2 * (ulaw.n + silence);
}
