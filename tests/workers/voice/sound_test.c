/* Speech: WAV in, telephone sound out; and the program that speaks. */
#include "workers/voice/sound.h"
#include "workers/voice/speak.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void le(gw_buf *b, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        gw_buf_putc(b, (char)(v >> 8 * i));
}

/* A tone as 16 bit PCM. data_bytes 0: as long as it is, else what the header claims. */
static void tone(gw_buf *b, int hertz, uint32_t rate, int channels, size_t frames,
                 uint32_t data_bytes)
{
    uint32_t n = (uint32_t)(frames * 2 * (size_t)channels);
    gw_buf_puts(b, "RIFF");
    le(b, 36 + n, 4);
    gw_buf_puts(b, "WAVEfmt ");
    le(b, 16, 4);
    le(b, 1, 2);
    le(b, (uint32_t)channels, 2);
    le(b, rate, 4);
    le(b, rate * 2 * (uint32_t)channels, 4);
    le(b, 2 * (uint32_t)channels, 2);
    le(b, 16, 2);
    gw_buf_puts(b, "data");
    le(b, data_bytes ? data_bytes : n, 4);
    for (size_t i = 0; i < frames; i++)
        for (int c = 0; c < channels; c++)
            le(b, (uint32_t)(int16_t)(8000 * sin(2 * M_PI * hertz * (double)i / rate)), 2);
}

/* How often a tone goes through zero upwards. */
static int crossings(const char *pcm, size_t samples)
{
    int n = 0, before = 0;
    for (size_t i = 0; i < samples; i++) {
        int16_t s;
        memcpy(&s, pcm + 2 * i, 2);
        n += before < -200 && s > 0;
        if (abs(s) > 200)
            before = s;
    }
    return n;
}

static void a_tone_keeps_its_pitch_and_length_at_8_kilohertz(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 16000, 22050, 48000};
    for (size_t i = 0; i < GW_COUNT(rates); i++) {
        gw_err err = {0};
        GW_AUTO_BUF gw_buf wav;
        GW_AUTO_BUF gw_buf ulaw;
        GW_AUTO_BUF gw_buf pcm;
        gw_buf_init(&wav, 1 << 22);
        gw_buf_init(&ulaw, 1 << 20);
        gw_buf_init(&pcm, 1 << 20);
        tone(&wav, 440, rates[i], i % 2 ? 2 : 1, rates[i], 0);
        assert_int_equal(sound_from_wav(gw_buf_str(&wav), &ulaw, &err), GW_OK);
        assert_in_range(ulaw.n, 7950, 8050);
        sound_put_pcm_wav(gw_buf_str(&ulaw), 0, &pcm);
        assert_in_range(crossings(pcm.data + 44, ulaw.n), 436, 442);
    }
}

static void mu_law_survives_its_own_wav_file(void **state)
{
    (void)state;
    char all[256];
    gw_err err = {0};
    GW_AUTO_BUF gw_buf wav;
    GW_AUTO_BUF gw_buf back;
    gw_buf_init(&wav, 4096);
    gw_buf_init(&back, 4096);
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    sound_put_wav((gw_str){all, 255}, &wav);
    assert_int_equal(sound_from_wav(gw_buf_str(&wav), &back, &err), GW_OK);
    assert_int_equal(back.n, 255);
    assert_memory_equal(back.data, all, 255);
    /* through PCM and back: every code but the second zero (0x7F) is its own nearest */
    GW_AUTO_BUF gw_buf pcm;
    gw_buf_init(&pcm, 4096);
    gw_buf_clear(&back);
    sound_put_pcm_wav((gw_str){all, 256}, 0, &pcm);
    assert_int_equal(sound_from_wav(gw_buf_str(&pcm), &back, &err), GW_OK);
    for (int i = 0; i < 256; i++)
        assert_int_equal((unsigned char)back.data[i], i == 0x7F ? 0xFF : i);
}

static void a_length_that_a_streaming_program_could_not_know_is_cut(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf wav;
    GW_AUTO_BUF gw_buf ulaw;
    gw_buf_init(&wav, 1 << 20);
    gw_buf_init(&ulaw, 1 << 20);
    tone(&wav, 440, 8000, 1, 800, 0x7FFFF000);
    assert_int_equal(sound_from_wav(gw_buf_str(&wav), &ulaw, &err), GW_OK);
    assert_int_equal(ulaw.n, 800);
}

static void what_is_no_speech_is_refused(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf wav;
    GW_AUTO_BUF gw_buf ulaw;
    gw_buf_init(&wav, 1 << 20);
    gw_buf_init(&ulaw, 1 << 20);
    tone(&wav, 440, 8000, 1, 0, 0);
    assert_int_equal(sound_from_wav(gw_buf_str(&wav), &ulaw, &err), GW_EINVAL);
    gw_buf_clear(&wav);
    tone(&wav, 440, 1000, 1, 100, 0);
    assert_int_equal(sound_from_wav(gw_buf_str(&wav), &ulaw, &err), GW_EINVAL);
    for (size_t n = 0; n < 44; n++)
        assert_int_equal(sound_from_wav((gw_str){wav.data, n}, &ulaw, &err), GW_EINVAL);
    assert_int_equal(sound_from_wav(GW_STR("ID3 and so on and so on"), &ulaw, &err), GW_EINVAL);
    assert_int_equal(ulaw.n, 0);
}

/* ---- the program that speaks ---- */

static gw_code run(const char *command, int limit_ms, gw_str text, gw_buf *out)
{
    gw_err err = {0};
    speak_config c = {command, "zh=cmn zh-HK=yue", limit_ms};
    gw_code rc = speak(&c, GW_STR("en-GB"), text, out, &err);
    assert_true(rc == GW_OK || err.text[0]);
    assert_null(strstr(err.text, "secret"));
    return rc;
}

static void a_program_is_run_without_a_shell_and_within_its_limits(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, 100000);
    assert_int_equal(run("cat", 5000, GW_STR("secret $(id); `id`"), &out), GW_OK);
    assert_true(gw_str_is(gw_buf_str(&out), "secret $(id); `id`"));
    gw_buf_clear(&out);
    assert_int_equal(run("echo $HOME;{language}>x", 5000, GW_STR("secret"), &out), GW_OK);
    assert_true(gw_str_is(gw_buf_str(&out), "$HOME;en>x\n"));
    assert_int_equal(run("sleep 30", 50, GW_STR("secret"), &out), GW_ETIMEOUT);
    assert_int_equal(run("false", 5000, GW_STR("secret"), &out), GW_EIO);
    assert_int_equal(run("no-such-program-here", 5000, GW_STR("secret"), &out), GW_ENOTFOUND);
    gw_buf_clear(&out);
    assert_int_equal(run("cat /dev/zero", 5000, GW_STR("secret"), &out), GW_ELIMIT);
}

static void locales_become_the_names_the_program_knows(void **state)
{
    (void)state;
    speak_config c = {"cat", "zh=cmn zh-HK=yue", 1000};
    static const struct {
        const char *locale, *expected;
    } cases[] = {{"en", "en"}, {"en-GB", "en"}, {"zh-CN", "cmn"}, {"zh-HK", "yue"}, {"de", "de"}};
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char name[SPEAK_LANGUAGE_MAX];
        speak_language(&c, gw_str_of(cases[i].locale), name);
        assert_string_equal(name, cases[i].expected);
    }
}

static void the_shipped_program_speaks_english_and_chinese(void **state)
{
    (void)state;
    gw_err err = {0};
    speak_config c = {"espeak-ng --stdout -s 140 -v {language}", "zh=cmn", 20000};
    if (speak_check(&c, &err) != GW_OK)
        skip();
    static const struct {
        const char *locale, *text;
    } texts[] = {{"en", "Press 1 for yes, press 2 for no."},
                 {"zh-CN", "如果是，请按1。如果不是，请按2。"}};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        GW_AUTO_BUF gw_buf wav;
        GW_AUTO_BUF gw_buf ulaw;
        gw_buf_init(&wav, SOUND_WAV_MAX);
        gw_buf_init(&ulaw, 1 << 20);
        assert_int_equal(
            speak(&c, gw_str_of(texts[i].locale), gw_str_of(texts[i].text), &wav, &err), GW_OK);
        assert_int_equal(sound_from_wav(gw_buf_str(&wav), &ulaw, &err), GW_OK);
        assert_in_range(sound_ms(ulaw.n), 1500, 15000);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_keeps_its_pitch_and_length_at_8_kilohertz),
        cmocka_unit_test(mu_law_survives_its_own_wav_file),
        cmocka_unit_test(a_length_that_a_streaming_program_could_not_know_is_cut),
        cmocka_unit_test(what_is_no_speech_is_refused),
        cmocka_unit_test(a_program_is_run_without_a_shell_and_within_its_limits),
        cmocka_unit_test(locales_become_the_names_the_program_knows),
        cmocka_unit_test(the_shipped_program_speaks_english_and_chinese),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
