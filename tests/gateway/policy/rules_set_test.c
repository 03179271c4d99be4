/* All rules as one text: what a gateway puts in force, the others use, and the log keeps. */
#include "gateway/policy/sign.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOTE "\"source\":\"test\",\"read\":\"2013-01-01\",\"confidence\":\"house\""

static const char calendar_text[] =
    "{\"format\":1,\"id\":\"town\",\"title\":\"t\",\"years\":\"every\"," NOTE
    ",\"days\":[{\"every\":\"01-01\",\"name\":\"New Year\"}]}";

static const char pack_text[] =
    "// comments are the operator's\n{\"format\":2,\"id\":\"%s\",\"version\":\"1\",\"title\":\"t\","
    "\"roles\":[\"company\"],\"holidays\":null,\"windows\":[{\"channel\":\"email\",\"days\":"
    "[\"mon\"],\"from\":\"%s\",\"to\":\"20:00\"," NOTE "}],\"caps\":[],\"consent\":[{\"channel\":"
    "\"email\",\"mode\":\"opt-out\"," NOTE "}]}";

static sign_keys keys;
static uint8_t secret[SIGN_SECRET_BYTES];

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    keys.n = 1;
    snprintf(keys.list[0].name, sizeof keys.list[0].name, "counsel");
    return crypto_sign_keypair(keys.list[0].key, secret);
}

static void add(policy_rules *r, const char *id, const char *from, bool sign)
{
    char text[2048];
    char name[64];
    gw_err err = {0};
    policy_pack_info p;
    GW_AUTO(policy_rules_free) policy_rules *alone = policy_rules_new();
    GW_AUTO_BUF gw_buf signature;
    gw_buf_init(&signature, SIGN_TEXT_MAX);
    snprintf(text, sizeof text, pack_text, id, from);
    snprintf(name, sizeof name, "config/rules/%s.jsonc", id);
    assert_int_equal(policy_rules_add_pack(alone, name, gw_str_of(text), &err), GW_OK);
    assert_true(policy_rules_pack(alone, 0, &p));
    if (sign)
        sign_make(gw_str_of(p.canonical), "counsel", secret, &signature);
    assert_int_equal(policy_rules_add_file(r, POLICY_FILE_PACK, name, gw_str_of(text),
                                           gw_buf_str(&signature), &keys, &err),
                     GW_OK);
}

static policy_rules *rules_of(const char *from, bool sign, bool second)
{
    gw_err err = {0};
    policy_rules *r = policy_rules_new();
    add(r, "house", from, sign);
    if (second)
        add(r, "second", "09:00", true);
    if (policy_rules_seal(r, &err) != GW_OK)
        fail_msg("%s", err.text);
    return r;
}

static void a_set_read_back_is_the_same_rules_with_the_same_signatures(void **state)
{
    (void)state;
    gw_err err = {0};
    policy_signature s;
    GW_AUTO(policy_rules_free) policy_rules *r = rules_of("08:00", true, true);
    GW_AUTO(policy_rules_free) policy_rules *back = NULL;
    GW_AUTO(policy_rules_free) policy_rules *unknown = NULL;
    GW_AUTO_BUF gw_buf a;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&a, POLICY_SET_BYTES_MAX);
    gw_buf_init(&b, POLICY_SET_BYTES_MAX);
    assert_int_equal(policy_rules_write_set(r, &a, &err), GW_OK);
    assert_int_equal(policy_rules_read_set(gw_buf_str(&a), &keys, &back, &err), GW_OK);
    assert_string_equal(policy_rules_hash(back), policy_rules_hash(r));
    assert_int_equal(policy_rules_all_signed(back, &err), GW_OK);
    assert_int_equal(policy_rules_write_set(back, &b, &err), GW_OK);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.data, b.data, a.n);
    /* who does not know the key does not believe it */
    assert_int_equal(policy_rules_read_set(gw_buf_str(&a), NULL, &unknown, &err), GW_OK);
    assert_string_equal(policy_rules_doubtful(unknown, 1, &s), "second.jsonc");
    assert_int_equal(s, POLICY_SIGNATURE_BAD);
    assert_int_equal(policy_rules_all_signed(unknown, &err), GW_EREFUSED);
}

static void a_number_changed_in_a_set_loses_its_signature(void **state)
{
    (void)state;
    gw_err err = {0};
    policy_signature s;
    GW_AUTO(policy_rules_free) policy_rules *r = rules_of("08:00", true, false);
    GW_AUTO(policy_rules_free) policy_rules *back = NULL;
    GW_AUTO_BUF gw_buf set;
    gw_buf_init(&set, POLICY_SET_BYTES_MAX);
    assert_int_equal(policy_rules_write_set(r, &set, &err), GW_OK);
    memcpy(strstr(set.data, "08:00"), "00:00", 5);
    assert_int_equal(policy_rules_read_set(gw_buf_str(&set), &keys, &back, &err), GW_OK);
    assert_string_equal(policy_rules_doubtful(back, 0, &s), "house.jsonc");
    assert_int_equal(s, POLICY_SIGNATURE_BAD);
    assert_int_equal(policy_rules_all_signed(back, &err), GW_EREFUSED);
    assert_non_null(strstr(err.text, "house.jsonc was changed after it was signed"));
}

static void what_is_no_set_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{\"format\":2,\"files\":[]}",
        "{\"format\":1}",
        "{\"format\":1,\"files\":[]}", /* no pack: nothing could be allowed */
        "{\"format\":1,\"files\":[7]}",
        "{\"format\":1,\"files\":[{\"kind\":\"pack\",\"name\":\"a\"}]}",
        "{\"format\":1,\"files\":[{\"kind\":\"law\",\"name\":\"a\",\"json\":{}}]}",
        "{\"format\":1,\"files\":[{\"kind\":\"pack\",\"name\":\"../a\",\"json\":{}}]}",
        "{\"format\":1,\"files\":[{\"kind\":\"pack\",\"name\":\"a\",\"json\":{}}]}",
    };
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        gw_err err = {0};
        policy_rules *r = NULL;
        assert_int_not_equal(policy_rules_read_set(gw_str_of(texts[i]), &keys, &r, &err), GW_OK);
        assert_null(r);
        assert_true(*err.text != '\0');
    }
}

static void every_prefix_of_a_set_is_refused(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *r = rules_of("08:00", true, true);
    GW_AUTO_BUF gw_buf set;
    gw_buf_init(&set, POLICY_SET_BYTES_MAX);
    assert_int_equal(policy_rules_write_set(r, &set, &err), GW_OK);
    for (size_t n = 0; n < set.n; n += 7) {
        policy_rules *back = NULL;
        assert_int_not_equal(policy_rules_read_set((gw_str){set.data, n}, &keys, &back, &err),
                             GW_OK);
    }
}

static void a_difference_names_files_and_numbers(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO(policy_rules_free) policy_rules *old = rules_of("08:00", true, true);
    GW_AUTO(policy_rules_free) policy_rules *new = rules_of("09:30", false, false);
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, 4096);
    assert_int_equal(policy_rules_diff(old, new, &out, &err), GW_OK);
    assert_string_equal(out.data, "pack house:\n- /windows/0/from \"08:00\"\n"
                                  "+ /windows/0/from \"09:30\"\n- pack second, version 1\n");
    gw_buf_clear(&out);
    assert_int_equal(policy_rules_diff(NULL, new, &out, &err), GW_OK);
    assert_string_equal(out.data, "+ pack house, version 1\n");
    gw_buf_clear(&out);
    assert_int_equal(policy_rules_diff(old, old, &out, &err), GW_OK);
    assert_int_equal(out.n, 0);
}

static void a_calendar_is_signed_like_a_pack(void **state)
{
    (void)state;
    gw_err err = {0};
    policy_signature s;
    GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
    if (policy_rules_add_file(r, POLICY_FILE_CALENDAR, "calendars/town.jsonc",
                              gw_str_of(calendar_text), GW_STR("unreadable"), &keys, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(policy_rules_doubtful(r, 0, &s), "town.jsonc");
    assert_int_equal(s, POLICY_SIGNATURE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_read_back_is_the_same_rules_with_the_same_signatures),
        cmocka_unit_test(a_number_changed_in_a_set_loses_its_signature),
        cmocka_unit_test(what_is_no_set_is_refused),
        cmocka_unit_test(every_prefix_of_a_set_is_refused),
        cmocka_unit_test(a_difference_names_files_and_numbers),
        cmocka_unit_test(a_calendar_is_signed_like_a_pack),
    };
    return cmocka_run_group_tests_name("rules_set", tests, setup, NULL);
}
