#include "gateway/wire/hook_entry.h"

#include "gateway/wire/unsubscribe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROOM = 1 << 20 };

static void put_and_get(const hook_entry *e, gw_arena *arena, hook_entry *ret)
{
    gw_err err = {0};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, ROOM);
    assert_int_equal(hook_entry_put(e, &b, &err), GW_OK);
    char *kept = gw_arena_copy(arena, gw_buf_str(&b));
    if (hook_entry_get((gw_str){kept, b.n}, arena, ret, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static void an_entry_comes_back_with_its_raw_bytes(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    hook_entry back, e = {.kind = ENTRY_INBOUND,
                          .provider = GW_STR("kannel"),
                          .auth = WIRE_AUTH_SIGNED,
                          .rx_ms = 5,
                          .from = GW_STR("+15550100001"),
                          .text = GW_STR("Grüße \"an\" alle\n"),
                          .raw = GW_STR("\x00\xff raw")};
    put_and_get(&e, arena, &back);
    assert_int_equal(back.kind, ENTRY_INBOUND);
    assert_true(gw_str_eq(back.text, e.text));
    assert_true(gw_str_eq(back.raw, e.raw));
    gw_id one, two;
    hook_entry_digest(&e, &one);
    hook_entry_digest(&back, &two);
    assert_memory_equal(&one, &two, sizeof one);
    back.rx_ms = 99; /* said again later: the same */
    hook_entry_digest(&back, &two);
    assert_memory_equal(&one, &two, sizeof one);
    back.text = GW_STR("other");
    hook_entry_digest(&back, &two);
    assert_memory_not_equal(&one, &two, sizeof one);
}

static void what_is_no_utf8_or_too_long_is_kept_in_a_form_that_can_be_read(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    static char text[HOOK_TEXT_MAX + 100];
    memset(text, 'a', sizeof text);
    memcpy(text + HOOK_TEXT_MAX - 1, "ü", 2); /* across the limit */
    hook_entry back, e = {.provider = GW_STR("p"),
                          .code = GW_STR("bad \xff\0 bytes"),
                          .text = {text, sizeof text}};
    put_and_get(&e, arena, &back);
    assert_true(gw_str_is(back.code, "bad ?  bytes"));
    assert_int_equal(back.text.n, HOOK_TEXT_MAX - 1);
}

static void another_version_is_not_guessed_at(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ROOM);
    hook_entry e;
    gw_err err;
    static const char *const wrong[] = {
        "{}",
        "[1]",
        "{\"v\":2,\"kind\":\"receipt\",\"auth\":\"signed\",\"state\":\"none\"}",
        "{\"v\":1,\"kind\":\"other\",\"auth\":\"signed\",\"state\":\"none\"}",
        "{\"v\":1,\"kind\":\"receipt\",\"auth\":\"signed\",\"state\":\"none\",\"raw\":\"%%\"}",
    };
    for (size_t i = 0; i < GW_COUNT(wrong); i++)
        assert_int_equal(hook_entry_get(gw_str_of(wrong[i]), arena, &e, &err), GW_ECORRUPT);
}

static void an_unsubscribe_link_is_good_under_its_key_only(void **state)
{
    (void)state;
    uint8_t key[GW_ID_KEY_BYTES] = {1}, other[GW_ID_KEY_BYTES] = {2};
    char text[UNSUBSCRIBE_TEXT];
    gw_id did, address, a, b;
    gw_id_random(&did);
    gw_id_random(&address);
    unsubscribe_format(key, &did, &address, text);
    assert_true(unsubscribe_parse(key, gw_str_of(text), &a, &b));
    assert_memory_equal(&a, &did, sizeof a);
    assert_memory_equal(&b, &address, sizeof b);
    assert_false(unsubscribe_parse(other, gw_str_of(text), &a, &b));
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        assert_false(unsubscribe_parse(key, gw_str_of(text), &a, &b));
        text[i] = was;
        assert_false(unsubscribe_parse(key, (gw_str){text, i}, &a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_back_with_its_raw_bytes),
        cmocka_unit_test(what_is_no_utf8_or_too_long_is_kept_in_a_form_that_can_be_read),
        cmocka_unit_test(another_version_is_not_guessed_at),
        cmocka_unit_test(an_unsubscribe_link_is_good_under_its_key_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
