#include "gateway/policy/sign.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static sign_key key;
static uint8_t secret[SIGN_SECRET_BYTES];

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    snprintf(key.name, sizeof key.name, "counsel");
    return crypto_sign_keypair(key.key, secret);
}

static void a_signature_belongs_to_its_text_key_and_name(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf sig;
    gw_buf_init(&sig, SIGN_TEXT_MAX);
    sign_make(GW_STR("{\"max\":2}"), "counsel", secret, &sig);
    gw_str text = gw_buf_str(&sig);
    assert_int_equal(sign_check(GW_STR("{\"max\":2}"), text, &key, 1), POLICY_SIGNED);
    assert_int_equal(sign_check(GW_STR("{\"max\":3}"), text, &key, 1), POLICY_SIGNATURE_BAD);
    assert_int_equal(sign_check(GW_STR("{\"max\":2}"), text, &key, 0), POLICY_SIGNATURE_BAD);
    assert_int_equal(sign_check(GW_STR("{\"max\":2}"), GW_STR(""), &key, 1), POLICY_UNSIGNED);
    sign_key other = key;
    snprintf(other.name, sizeof other.name, "someone");
    assert_int_equal(sign_check(GW_STR("{\"max\":2}"), text, &other, 1), POLICY_SIGNATURE_BAD);
    other = key;
    other.key[0] ^= 1;
    assert_int_equal(sign_check(GW_STR("{\"max\":2}"), text, &other, 1), POLICY_SIGNATURE_BAD);
}

static void no_changed_byte_of_a_signature_is_taken(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf sig;
    gw_buf_init(&sig, SIGN_TEXT_MAX);
    sign_make(GW_STR("{}"), "counsel", secret, &sig);
    for (size_t i = 0; i + 1 < sig.n; i++) { /* the last line break may be missing */
        sig.data[i] ^= 1;
        assert_int_equal(sign_check(GW_STR("{}"), gw_buf_str(&sig), &key, 1), POLICY_SIGNATURE_BAD);
        assert_int_equal(sign_check(GW_STR("{}"), (gw_str){sig.data, i}, &key, 1),
                         i ? POLICY_SIGNATURE_BAD : POLICY_UNSIGNED);
        sig.data[i] ^= 1;
    }
    assert_int_equal(sign_check(GW_STR("{}"), gw_buf_str(&sig), &key, 1), POLICY_SIGNED);
}

static void a_key_is_read_back_and_nonsense_is_not(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf text;
    sign_key back;
    gw_err err = {0};
    gw_buf_init(&text, SIGN_TEXT_MAX);
    sign_key_write(&key, &text);
    assert_int_equal(sign_key_parse(gw_buf_str(&text), &back, &err), GW_OK);
    assert_string_equal(back.name, "counsel");
    assert_memory_equal(back.key, key.key, sizeof key.key);
    static const char *const wrong[] = {"", "dunlin-rules-key-1 ", "dunlin-rules-key-1 a/b 00",
                                        "dunlin-rules-key-1 counsel 00\n"};
    for (size_t i = 0; i < GW_COUNT(wrong); i++)
        assert_int_equal(sign_key_parse(gw_str_of(wrong[i]), &back, &err), GW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_belongs_to_its_text_key_and_name),
        cmocka_unit_test(no_changed_byte_of_a_signature_is_taken),
        cmocka_unit_test(a_key_is_read_back_and_nonsense_is_not),
    };
    return cmocka_run_group_tests_name("sign", tests, setup, NULL);
}
