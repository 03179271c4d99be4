/* What the JSON Schemas say of rule files is true of every file that ships, and what they refuse
 * the strict readers refuse as well. */
#include "gateway/base/file.h"
#include "gateway/base/jsonc.h"
#include "gateway/policy/rules.h"
#include "gateway/wire/schema.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { PATH_BYTES = 4096 };

static char config[PATH_BYTES];

static schema *load(const char *name)
{
    char path[2 * PATH_BYTES];
    schema *s = NULL;
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/schema/%s.json", config, name);
    if (schema_load(path, &s, &err) != GW_OK)
        fail_msg("%s", err.text);
    return s;
}

static bool ends_in(const char *name, const char *tail)
{
    size_t n = strlen(name);
    size_t t = strlen(tail);
    return n > t && strcmp(name + n - t, tail) == 0;
}

static int check_folder(const char *folder, const char *name)
{
    char dir[2 * PATH_BYTES];
    GW_AUTO(schema_free) schema *s = load(name);
    snprintf(dir, sizeof dir, "%s/%s", config, folder);
    DIR *d = opendir(dir);
    assert_non_null(d);
    int files = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[3 * PATH_BYTES];
        GW_AUTO_JSONC jsonc_file file = {0};
        GW_AUTO_BUF gw_buf text;
        schema_fault fault;
        gw_err err = {0};
        if (!ends_in(e->d_name, ".jsonc") || ends_in(e->d_name, ".vectors.jsonc"))
            continue;
        gw_buf_init(&text, POLICY_RULES_BYTES_MAX);
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (gw_file_read(path, &text, &err) != GW_OK ||
            jsonc_open(gw_buf_str(&text), POLICY_RULES_BYTES_MAX, &file, &err) != GW_OK)
            fail_msg("%s: %s", path, err.text);
        if (!schema_check(s, &file.doc, 0, &fault))
            fail_msg("%s: %s: %s", path, fault.pointer, fault.what);
        files++;
    }
    closedir(d);
    return files;
}

static void every_shipped_file_holds_to_its_schema(void **state)
{
    (void)state;
    assert_true(check_folder("rules", "rule-pack") >= 10);
    assert_true(check_folder("calendars", "calendar") >= 6);
    assert_int_equal(check_folder("rules/regions", "regions"), 1);
}

#define NOTE "\"source\":\"s\",\"read\":\"2026-01-01\",\"confidence\":\"house\""
#define HEAD "\"format\":2,\"id\":\"a\",\"version\":\"1\",\"title\":\"t\",\"roles\":[\"company\"]"

static void what_the_schema_refuses_the_reader_refuses_too(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{" HEAD ",\"holidays\":null,\"windows\":[],\"caps\":[],\"consent\":[],\"more\":1}",
        "{" HEAD ",\"holidays\":null,\"windows\":[],\"caps\":[]}",
        "{" HEAD ",\"holidays\":1,\"windows\":[],\"caps\":[],\"consent\":[]}",
        "{" HEAD ",\"holidays\":null,\"windows\":[],\"caps\":[{\"field\":\"fax\",\"max\":1,"
        "\"per\":\"day\"," NOTE "}],\"consent\":[]}",
        "{" HEAD
        ",\"holidays\":null,\"windows\":[],\"caps\":[{\"field\":\"*\",\"max\":1,\"days\":32," NOTE
        "}],\"consent\":[]}",
        "{" HEAD
        ",\"applies\":{\"regions\":[\"usa\"]},\"holidays\":null,\"windows\":[],\"caps\":[],"
        "\"consent\":[]}",
        "{" HEAD ",\"applies\":{\"from\":\"soon\"},\"holidays\":null,\"windows\":[],\"caps\":[],"
        "\"consent\":[]}"};
    GW_AUTO(schema_free) schema *s = load("rule-pack");
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        GW_AUTO_JSONC jsonc_file file = {0};
        GW_AUTO(policy_rules_free) policy_rules *r = policy_rules_new();
        schema_fault fault;
        gw_err err = {0};
        assert_int_equal(jsonc_open(gw_str_of(wrong[i]), POLICY_RULES_BYTES_MAX, &file, &err),
                         GW_OK);
        if (schema_check(s, &file.doc, 0, &fault))
            fail_msg("the schema takes %s", wrong[i]);
        if (policy_rules_add_pack(r, "p", gw_str_of(wrong[i]), &err) == GW_OK)
            fail_msg("the reader takes %s", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_file_holds_to_its_schema),
        cmocka_unit_test(what_the_schema_refuses_the_reader_refuses_too),
    };
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(config, sizeof config, "%s/config", source ? source : ".");
    return cmocka_run_group_tests_name("rules_schema", tests, NULL, NULL);
}
