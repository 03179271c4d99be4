#include "config/loader/config.h"

#include "gateway/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/dunlin-config-XXXXXX";
static char path[128];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/dunlin.jsonc", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static gw_code load(const char *text, config **ret, gw_err *err)
{
    assert_int_equal(gw_file_replace(path, gw_str_of(text), 0600, err), GW_OK);
    return config_load(path, folder, ret, err);
}

static void refused(const char *text, const char *why)
{
    gw_err err = {0};
    config *c = NULL;
    assert_int_equal(load(text, &c, &err), GW_EINVAL);
    assert_null(c);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    assert_non_null(strstr(err.text, "dunlin.jsonc"));
}

static void an_empty_file_gives_the_defaults_and_contacts_nobody(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO(config_free) config *c = NULL;
    assert_int_equal(load("{}", &c, &err), GW_OK);
    assert_string_equal(c->email_transport, "outbox");
    assert_false(c->clock_movable);
    assert_int_equal(c->retry_attempts, 8);
    assert_non_null(strstr(c->intake_endpoint, "/run/intake.sock"));
    assert_non_null(strstr(c->redis_socket, folder));
    const config_source *s = config_source_of(c, GW_STR("anyone"));
    assert_string_equal(s->ladder, "default");
    assert_int_equal(s->creditor.n, strlen(s->creditor.p));
}

static void comments_and_nested_keys_are_read(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO(config_free) config *c = NULL;
    assert_int_equal(
        load("{ // who\n \"email\": {\"smtp\": {\"port\": 2525}}, /* all */ \"clock\": "
             "{\"movable\": true},\n"
             "\"sources\": {\"erp\": {\"ladder\": \"soft\", \"creditor\": "
             "{\"name\": \"A\"}}}}",
             &c, &err),
        GW_OK);
    assert_int_equal(c->smtp_port, 2525);
    assert_true(c->clock_movable);
    assert_string_equal(config_source_of(c, GW_STR("erp"))->ladder, "soft");
    assert_true(gw_str_is(config_source_of(c, GW_STR("erp"))->creditor, "{\"name\": \"A\"}"));
    assert_string_equal(config_source_of(c, GW_STR("other"))->ladder, "default");
}

static void paths_are_relative_to_the_file(void **state)
{
    (void)state;
    gw_err err = {0};
    GW_AUTO(config_free) config *c = NULL;
    assert_int_equal(load("{\"templates\": {\"dir\": \"my\"}}", &c, &err), GW_OK);
    char want[160];
    snprintf(want, sizeof want, "%s/my", folder);
    assert_string_equal(c->templates_dir, want);
}

static void what_is_unknown_or_out_of_bounds_is_refused_by_name(void **state)
{
    (void)state;
    refused("{\"emial\": {}}", "emial");
    refused("{\"email\": {\"smtp\": {\"prot\": 1}}}", "email.smtp.prot");
    refused("{\"email\": {\"smtp\": {\"port\": 70000}}}", "65535");
    refused("{\"email\": {\"smtp\": {\"port\": \"25\"}}}", "email.smtp.port");
    refused("{\"email\": {\"transport\": \"pigeon\"}}", "outbox|smtp");
    refused("{\"email\": {\"from_name\": \"a\\r\\nBcc: b\"}}", "line breaks");
    refused("{\"email\": \"smtp\"}", "must be an object");
    refused("{\"sources\": {\"erp\": {\"lader\": \"x\"}}}", "sources.erp.lader");
    refused("{\"a\": 1, \"a\": 2}", "twice");
    refused("[]", "one JSON object");
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    gw_err err = {0};
    config *c = NULL;
    assert_int_equal(config_load("/nonexistent/dunlin.jsonc", folder, &c, &err), GW_ENOTFOUND);
    assert_non_null(strstr(err.text, "/nonexistent/dunlin.jsonc"));
}

static void the_shipped_configuration_loads(void **state)
{
    (void)state;
    const char *source = getenv("DUNLIN_SOURCE");
    if (!source)
        skip();
    char shipped[512];
    snprintf(shipped, sizeof shipped, "%s/config/dunlin.jsonc", source);
    gw_err err = {0};
    GW_AUTO(config_free) config *c = NULL;
    gw_code rc = config_load(shipped, folder, &c, &err);
    if (rc != GW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(c->email_transport, "outbox");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults_and_contacts_nobody),
        cmocka_unit_test(comments_and_nested_keys_are_read),
        cmocka_unit_test(paths_are_relative_to_the_file),
        cmocka_unit_test(what_is_unknown_or_out_of_bounds_is_refused_by_name),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(the_shipped_configuration_loads),
    };
    return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
