/* How often the recognition of who answered is wrong, over greetings that a program speaks, at
 * every phase of the levels baresip reports. A person who is not sure to be one hears the limited
 * message: that error costs a conversation. A machine taken for a person hears the question who it
 * is, which names no debt: that error is the one to be kept rare. Both are counted and printed. */
#include "workers/voice/amd.h"
#include "workers/voice/sound.h"
#include "workers/voice/speak.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    REPORT_MS = 500, /* baresip's vumeter */
    FRAME_MS = 20,   /* of which it takes the level */
    PHASES = 5,
    BEFORE_MS = 400, /* silence before somebody speaks */
    AFTER_MS = 4000,
    SPEECH_MAX = 120 * SOUND_RATE,
};

typedef struct {
    bool machine;
    const char *speed; /* words a minute */
    const char *text;
} greeting;

static const greeting greetings[] = {
    {false, "160", "Hello?"},
    {false, "160", "Yes?"},
    {false, "140", "Jane Example."},
    {false, "160", "Hello, this is Jane."},
    {false, "160", "Example Limited, good morning."},
    {false, "160", "Example Limited, good morning, Jane speaking, how can I help you?"},
    {true, "160", "Please leave a message after the tone."},
    {true, "160", "Hello, this is Jane. Please leave a message after the tone."},
    {true, "140",
     "Nobody can take your call at the moment. Please leave a message after the tone."},
    {true, "140",
     "You have reached Example Limited. Our office is open from nine to five. Please leave your "
     "name, "
     "your number and a message after the tone, and we will call you back."},
    {true, "120",
     "Hello. You have reached Example Limited. Our office is closed. Please call again tomorrow."},
};

static double linear(uint8_t u) /* ITU-T G.711, table 2a: sample of a code word, of 32768 */
{
    u = (uint8_t)~u;
    int magnitude = (((u & 15) << 3) + 132) << ((u >> 4) & 7);
    return u & 0x80 ? 132 - magnitude : magnitude - 132;
}

/* Level of the frame that begins at ms, dBov; silence outside of the speech. */
static double level_at(gw_str ulaw, int ms)
{
    enum { SILENCE = -90 };
    double sum = 0;
    size_t n = FRAME_MS * SOUND_RATE / 1000;
    int64_t from = (int64_t)ms * (SOUND_RATE / 1000);
    if (from < 0 || (size_t)from + n > ulaw.n)
        return SILENCE;
    for (size_t i = 0; i < n; i++) {
        double s = linear((uint8_t)ulaw.p[(size_t)from + i]) / 32768;
        sum += s * s;
    }
    double rms = sqrt(sum / (double)n);
    return rms > 0 ? 20 * log10(rms) : SILENCE;
}

static amd_verdict judge(gw_str ulaw, int phase_ms)
{
    amd a;
    amd_init(&a);
    int end = sound_ms(ulaw.n) + BEFORE_MS + AFTER_MS;
    for (int t = phase_ms; t < end; t += REPORT_MS) {
        amd_verdict v = amd_hear(&a, level_at(ulaw, t - BEFORE_MS), (gw_mono){1000 + t});
        if (v != AMD_NOTHING)
            return v;
    }
    return AMD_NOTHING; /* no verdict before the limit: not sure */
}

static bool say(const greeting *g, gw_buf *ulaw)
{
    char command[96];
    gw_err err = {0};
    GW_AUTO_BUF gw_buf wav;
    gw_buf_init(&wav, SOUND_WAV_MAX);
    snprintf(command, sizeof command, "espeak-ng --stdout -s %s -v {language}", g->speed);
    const speak_config speaker = {command, "", 20000};
    if (speak_check(&speaker, &err) == GW_ENOTFOUND)
        return false;
    assert_int_equal(speak(&speaker, GW_STR("en"), gw_str_of(g->text), &wav, &err), GW_OK);
    assert_int_equal(sound_from_wav(gw_buf_str(&wav), ulaw, &err), GW_OK);
    return true;
}

static void hardly_a_machine_is_taken_for_a_person_and_most_persons_are_recognised(void **state)
{
    (void)state;
    int asked[2] = {0, 0}, wrong[2] = {0, 0};
    for (size_t i = 0; i < GW_COUNT(greetings); i++) {
        const greeting *g = &greetings[i];
        GW_AUTO_BUF gw_buf ulaw;
        gw_buf_init(&ulaw, SPEECH_MAX);
        if (!say(g, &ulaw))
            skip();
        int human = 0;
        for (int p = 0; p < PHASES; p++)
            human += judge(gw_buf_str(&ulaw), p * REPORT_MS / PHASES) == AMD_HUMAN;
        asked[g->machine] += PHASES;
        wrong[g->machine] += g->machine ? human : PHASES - human;
        print_message("%-7s %5d ms: a person %d of %d times: %.40s\n",
                      g->machine ? "machine" : "person", sound_ms(ulaw.n), human, PHASES, g->text);
    }
    print_message("persons not recognised: %d of %d; machines taken for persons: %d of %d\n",
                  wrong[false], asked[false], wrong[true], asked[true]);
    assert_true(wrong[true] <= 1);
    assert_true(wrong[false] <= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardly_a_machine_is_taken_for_a_person_and_most_persons_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
