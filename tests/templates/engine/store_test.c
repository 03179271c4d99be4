#include "cli_helper.h"

#include "gateway/base/file.h"
#include "templates/engine/store.h"

#include <sys/stat.h>

#define MANIFEST(name, locale)                                                                     \
    "{\"name\":\"" name "\",\"locale\":\"" locale "\",\"purpose\":\"call\",\"tone\":1,"            \
    "\"parts\":[\"desk\"],\"required\":[],\"optional\":[]}"

static void put_template(const char *dir, const char *locale, const char *manifest,
                         const char *desk)
{
    char name[100];
    snprintf(name, sizeof name, "%s/x/template.json", locale);
    put_file(dir, name, gw_str_of(manifest));
    snprintf(name, sizeof name, "%s/x/desk.mustache", locale);
    put_file(dir, name, gw_str_of(desk));
}

static template_bundle *load_at(const char *dir, const char *below)
{
    char path[200];
    gw_err err = {0};
    template_bundle *b = NULL;
    snprintf(path, sizeof path, "%s/%s", dir, below);
    if (template_bundle_load(path, &b, &err) != GW_OK)
        fail_msg("%s", err.text);
    return b;
}

static void publish_again(const char *dir, const char *store, const char *desk, char *ret_version)
{
    gw_err err = {0};
    put_template(dir, "en", MANIFEST("x", "en"), desk);
    GW_AUTO(template_bundle_free) template_bundle *b = load_at(dir, "en/x");
    if (template_store_publish(store, b, &err) != GW_OK)
        fail_msg("%s", err.text);
    memcpy(ret_version, template_bundle_version(b), TEMPLATE_VERSION_TEXT);
}

static void publishing_again_keeps_the_version_a_queued_reminder_was_planned_with(void **state)
{
    (void)state;
    char dir[32];
    char store[64];
    char first[TEMPLATE_VERSION_TEXT];
    char second[TEMPLATE_VERSION_TEXT];
    char current[TEMPLATE_VERSION_TEXT];
    GW_AUTO_BUF gw_buf json;
    gw_err err = {0};
    make_temp_dir(dir);
    snprintf(store, sizeof store, "%s/store", dir);
    publish_again(dir, store, "first\n", first);
    publish_again(dir, store, "second\n", second);
    assert_string_not_equal(first, second);
    assert_int_equal(template_store_current(store, "en", "x", current, &err), GW_OK);
    assert_string_equal(current, second);
    gw_buf_init(&json, TEMPLATE_BUNDLE_MAX);
    assert_int_equal(template_store_load(store, first, &json, &err), GW_OK);
    assert_non_null(strstr(json.data, "first\\n"));
    publish_again(dir, store, "second\n", second);
    publish_again(dir, store, "first\n", current); /* going back needs no new version */
    assert_string_equal(current, first);
    remove_dir(dir);
}

static void a_version_whose_bytes_changed_is_corrupt(void **state)
{
    (void)state;
    char dir[32];
    char store[64];
    char name[160];
    char version[TEMPLATE_VERSION_TEXT];
    struct stat st;
    GW_AUTO_BUF gw_buf json;
    gw_err err = {0};
    make_temp_dir(dir);
    snprintf(store, sizeof store, "%s/store", dir);
    publish_again(dir, store, "words\n", version);
    snprintf(name, sizeof name, "%s/%s.json", store, version);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0222, 0);
    assert_int_equal(chmod(name, 0600), 0);
    gw_buf_init(&json, TEMPLATE_BUNDLE_MAX);
    assert_int_equal(template_store_load(store, version, &json, &err), GW_OK);
    memcpy(strstr(json.data, "words"), "wordz", 5);
    snprintf(name, sizeof name, "%s.json", version);
    put_file(store, name, gw_buf_str(&json));
    gw_buf_clear(&json);
    assert_int_equal(template_store_load(store, version, &json, &err), GW_ECORRUPT);
    assert_int_equal(json.n, 0);
    GW_AUTO(template_bundle_free) template_bundle *b = load_at(dir, "en/x");
    assert_int_equal(template_store_publish(store, b, &err), GW_ECORRUPT);
    remove_dir(dir);
}

static void names_that_leave_the_store_are_refused(void **state)
{
    (void)state;
    char version[TEMPLATE_VERSION_TEXT];
    GW_AUTO_BUF gw_buf json;
    gw_err err;
    gw_buf_init(&json, TEMPLATE_BUNDLE_MAX);
    assert_int_equal(template_store_current("/tmp", "en", "../../etc/passwd", version, &err),
                     GW_EINVAL);
    assert_int_equal(template_store_current("/tmp", "..", "x", version, &err), GW_EINVAL);
    assert_int_equal(template_store_load("/tmp", "../x", &json, &err), GW_EINVAL);
}

static void what_was_never_published_is_not_found_and_says_what_to_do(void **state)
{
    (void)state;
    char version[TEMPLATE_VERSION_TEXT];
    char locale[TEMPLATE_NAME_MAX + 1];
    char dir[32];
    gw_err err = {0};
    make_temp_dir(dir);
    assert_int_equal(template_store_current(dir, "en", "x", version, &err), GW_ENOTFOUND);
    assert_non_null(strstr(err.text, "dunlin template publish"));
    assert_int_equal(template_store_pick(dir, "x", "en", "en", locale, version, &err),
                     GW_ENOTFOUND);
    remove_dir(dir);
}

static void the_translation_follows_the_debtors_locale_then_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *fallback, *expected;
    } rows[] = {
        {"zh-CN", "en", "zh-CN"}, {"en-GB", "zh-CN", "en"}, {"zh", "en", "zh-CN"},
        {"fr", "en", "en"},       {"", "zh-CN", "zh-CN"},
    };
    char dir[32];
    char store[64];
    char version[TEMPLATE_VERSION_TEXT];
    char locale[TEMPLATE_NAME_MAX + 1];
    size_t count = 0;
    gw_err err = {0};
    make_temp_dir(dir);
    snprintf(store, sizeof store, "%s/store", dir);
    put_template(dir, "t/en", MANIFEST("x", "en"), "hello\n");
    put_template(dir, "t/zh-CN", MANIFEST("x", "zh-CN"), "你好\n");
    char tree[64];
    snprintf(tree, sizeof tree, "%s/t", dir);
    if (template_store_publish_tree(store, tree, &count, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        assert_int_equal(template_store_pick(store, "x", rows[i].wanted, rows[i].fallback, locale,
                                             version, &err),
                         GW_OK);
        assert_string_equal(locale, rows[i].expected);
    }
    assert_int_equal(template_store_pick(store, "x", "fr", "de", locale, version, &err),
                     GW_ENOTFOUND);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishing_again_keeps_the_version_a_queued_reminder_was_planned_with),
        cmocka_unit_test(a_version_whose_bytes_changed_is_corrupt),
        cmocka_unit_test(names_that_leave_the_store_are_refused),
        cmocka_unit_test(what_was_never_published_is_not_found_and_says_what_to_do),
        cmocka_unit_test(the_translation_follows_the_debtors_locale_then_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
