/* Who answered, by loudness alone; the levels are what baresip reported of real sound, twice a
 * second. */
#include "workers/voice/amd.h"

#include "gateway/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEP_MS = 500 };

/* The verdicts over a list of levels, a letter a level: . nothing H M U Q */
static void assert_verdicts(const double *levels, size_t n, const char *expected)
{
    static const char letters[] = {[AMD_NOTHING] = '.',
                                   [AMD_HUMAN] = 'H',
                                   [AMD_MACHINE] = 'M',
                                   [AMD_UNSURE] = 'U',
                                   [AMD_QUIET] = 'Q'};
    char got[64];
    amd a;
    amd_init(&a);
    for (size_t i = 0; i < n; i++)
        got[i] = letters[amd_hear(&a, levels[i], (gw_mono){5000 + (int64_t)i * STEP_MS})];
    got[n] = '\0';
    assert_string_equal(got, expected);
}
#define HEAR(expected, ...)                                                                        \
    assert_verdicts((const double[]){__VA_ARGS__}, GW_COUNT(((const double[]){__VA_ARGS__})),      \
                    expected)

static void a_word_and_a_pause_is_a_person(void **state)
{
    (void)state;
    HEAR("....H..", -21.4, -81.0, -79.3, -81.4, -80.2, -20, -20);
    HEAR("......H", -90, -21.4, -18.0, -81.0, -79.3, -81.4, -80.2);
}

static void a_long_greeting_is_a_machine_and_its_pause_the_tone(void **state)
{
    (void)state;
    HEAR("......M.........Q.", -14.5, -15.7, -31.8, -27.2, -80.1, -15.8, -26.3, -21.9, -17.1, -80.8,
         -29.4, -15.6, -14.4, -79.3, -80.3, -79.3, -79.8, -79.1);
}

static void what_is_neither_is_not_sure(void **state)
{
    (void)state;
    HEAR(".........U", -20, -20, -80, -20, -20, -20, -80, -80, -80, -80);
    HEAR(".......U", -20, -20, -20, -20, -80, -80, -80, -80); /* a word too long for a word */
}

static void silence_gives_no_verdict(void **state)
{
    (void)state;
    HEAR(".......", -96, -96, -96, -60, -55, -96, -127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_and_a_pause_is_a_person),
        cmocka_unit_test(a_long_greeting_is_a_machine_and_its_pause_the_tone),
        cmocka_unit_test(what_is_neither_is_not_sure),
        cmocka_unit_test(silence_gives_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
