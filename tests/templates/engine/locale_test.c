#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "templates/engine/locale.h"

static const gw_str shipped[] = {{"en", 2}, {"zh-TW", 5}, {"zh-CN", 5}, {"pt-BR", 5}};

static const char *pick(const char *wanted, const char *fallback)
{
    int at =
        template_locale_pick(gw_str_of(wanted), shipped, GW_COUNT(shipped), gw_str_of(fallback));
    return at < 0 ? "none" : shipped[at].p;
}

static void the_exact_locale_goes_first(void **state)
{
    (void)state;
    assert_string_equal(pick("zh-TW", "en"), "zh-TW");
    assert_string_equal(pick("ZH_cn", "en"), "zh-CN");
}

static void then_the_language_then_the_default(void **state)
{
    (void)state;
    assert_string_equal(pick("en-GB", "zh-CN"), "en");
    assert_string_equal(pick("en-Latn-GB", "zh-CN"), "en");
    assert_string_equal(pick("zh-Hans-SG", "en"), "zh-CN");
    assert_string_equal(pick("pt", "en"), "pt-BR");
    assert_string_equal(pick("fr-FR", "en"), "en");
    assert_string_equal(pick("", "zh-CN"), "zh-CN");
}

static void nothing_is_chosen_when_nothing_fits(void **state)
{
    (void)state;
    assert_string_equal(pick("fr", "de"), "none");
    assert_string_equal(pick("", ""), "none");
    assert_string_equal(pick("e", ""), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_locale_goes_first),
        cmocka_unit_test(then_the_language_then_the_default),
        cmocka_unit_test(nothing_is_chosen_when_nothing_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
