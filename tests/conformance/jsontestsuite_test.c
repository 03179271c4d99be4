/* Every file of nst/JSONTestSuite test_parsing through our reader: y_ is accepted, n_ is refused,
 * i_ may be either; nothing crashes. Skipped where the vectors are missing. */
#include "gateway/base/file.h"
#include "gateway/base/json.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { FILE_MAX = 4 * 1024 * 1024, ARENA_MAX = 64 * 1024 * 1024, EXPECTED_MIN = 300 };

/* Accepted by RFC 8259, refused by us on purpose (json.h): */
static const char *const stricter[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_string_null_escape.json",
    "y_object_escaped_null_in_key.json",
};

static bool is_stricter(const char *name)
{
    for (size_t i = 0; i < GW_COUNT(stricter); i++)
        if (strcmp(stricter[i], name) == 0)
            return true;
    return false;
}

static void check_file(const char *folder, const char *name)
{
    char path[1024];
    GW_AUTO_BUF gw_buf text;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    json_doc doc;
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gw_buf_init(&text, FILE_MAX);
    assert_int_equal(gw_file_read(path, &text, &err), GW_OK);
    gw_code rc = json_parse(gw_buf_str(&text), arena, &doc, &err);
    bool wrong =
        (name[0] == 'y' && (rc == GW_OK) == is_stricter(name)) || (name[0] == 'n' && rc == GW_OK);
    if (wrong)
        print_error("%s: %s %s\n", name, gw_code_name(rc), err.text);
    assert_false(wrong);
}

static void the_reader_agrees_with_the_json_test_suite(void **state)
{
    (void)state;
    const char *vectors = getenv("DUNLIN_VECTORS");
    const char *source = getenv("DUNLIN_SOURCE");
    char folder[512];
    if (vectors)
        snprintf(folder, sizeof folder, "%s/jsontestsuite/test_parsing", vectors);
    else
        snprintf(folder, sizeof folder, "%s/../shared/vectors/jsontestsuite/test_parsing",
                 source ? source : ".");
    DIR *dir = opendir(folder);
    if (!dir)
        skip();
    int n = 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (!strstr(d->d_name, ".json"))
            continue;
        check_file(folder, d->d_name);
        n++;
    }
    closedir(dir);
    assert_true(n >= EXPECTED_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_agrees_with_the_json_test_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
