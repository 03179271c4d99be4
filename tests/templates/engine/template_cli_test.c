/* `dunlin template`: exit codes, output people script against, and messages that help. */
#include "cli_helper.h"

#include "gateway/base/file.h"

typedef struct {
    char dir[32], template[64], data[64], store[64], out[64], shipped[600], bundle[640];
} places;

static places make_places(void)
{
    places p;
    make_temp_dir(p.dir);
    snprintf(p.template, sizeof p.template, "%s/t.mustache", p.dir);
    snprintf(p.data, sizeof p.data, "%s/data.json", p.dir);
    snprintf(p.store, sizeof p.store, "%s/store", p.dir);
    snprintf(p.out, sizeof p.out, "%s/out", p.dir);
    snprintf(p.shipped, sizeof p.shipped, "%s/templates", getenv("DUNLIN_SOURCE"));
    snprintf(p.bundle, sizeof p.bundle, "%s/en/reminder-letter", p.shipped);
    return p;
}

static void assert_json(const char *text)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
    json_doc d;
    gw_err err = {0};
    if (json_parse(gw_str_of(text), arena, &d, &err) != GW_OK)
        fail_msg("%s in %s", err.text, text);
}

static void put_context(const places *p)
{
    char path[600];
    GW_AUTO_BUF gw_buf b;
    gw_err err;
    snprintf(path, sizeof path, "%s/tests/templates/engine/context.json", getenv("DUNLIN_SOURCE"));
    gw_buf_init(&b, MUSTACHE_DATA_MAX);
    assert_int_equal(gw_file_read(path, &b, &err), GW_OK);
    put_file(p->dir, "data.json", gw_buf_str(&b));
}

static void wrong_usage_answers_two_and_shows_the_usage(void **state)
{
    (void)state;
    const char *const *const rows[] = {
        (const char *const[]){"frobnicate", NULL},
        (const char *const[]){"render", "--template", "x", NULL},
        (const char *const[]){"render", "--template", NULL},
        (const char *const[]){"render", "x", NULL},
        (const char *const[]){"lint", NULL},
        (const char *const[]){"lint", "--store", "x", NULL},
        (const char *const[]){"publish", "x", NULL},
        (const char *const[]){NULL},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        AUTO_CLI cli_result r = run_cli(rows[i]);
        assert_int_equal(r.exit_code, 2);
        assert_non_null(strstr(r.errors, "dunlin template lint DIR"));
        assert_int_equal(r.out_n, 0);
    }
}

static void a_refused_rendering_prints_nothing_but_the_reason(void **state)
{
    (void)state;
    places p = make_places();
    put_file(p.dir, "t.mustache", GW_STR("a\n{{missing}}\n"));
    put_file(p.dir, "data.json", GW_STR("{}"));
    AUTO_CLI cli_result lax = CLI("render", "--template", p.template, "--data", p.data);
    AUTO_CLI cli_result r = CLI("render", "--template", p.template, "--data", p.data, "--strict");
    AUTO_CLI cli_result json =
        CLI("render", "--template", p.template, "--data", p.data, "--strict", "--json");
    remove_dir(p.dir);
    assert_int_equal(lax.exit_code, 0);
    assert_string_equal(lax.out, "a\n\n");
    assert_int_equal(r.exit_code, 1);
    assert_int_equal(r.out_n, 0);
    assert_non_null(strstr(r.errors, "t.mustache line 2: missing is not in the data"));
    assert_int_equal(json.exit_code, 1);
    assert_json(json.out);
    assert_non_null(strstr(json.out, "\"code\":\"refused\""));
}

static void a_file_that_is_not_there_or_not_json_is_named(void **state)
{
    (void)state;
    places p = make_places();
    put_file(p.dir, "t.mustache", GW_STR("a"));
    AUTO_CLI cli_result none = CLI("render", "--template", p.template, "--data", p.data);
    put_file(p.dir, "data.json", GW_STR("{'a':1}"));
    AUTO_CLI cli_result bad = CLI("render", "--template", p.template, "--data", p.data);
    remove_dir(p.dir);
    assert_int_equal(none.exit_code, 1);
    assert_non_null(strstr(none.errors, "data.json does not exist"));
    assert_int_equal(bad.exit_code, 1);
    assert_non_null(strstr(bad.errors, "data.json: JSON byte 1"));
}

static void a_partial_cannot_point_out_of_its_folder(void **state)
{
    (void)state;
    places p = make_places();
    put_file(p.dir, "t.mustache", GW_STR("{{>../secret}}"));
    put_file(p.dir, "data.json", GW_STR("{}"));
    put_file(p.dir, "secret.mustache", GW_STR("secret"));
    AUTO_CLI cli_result r =
        CLI("render", "--template", p.template, "--data", p.data, "--partials", p.out);
    remove_dir(p.dir);
    assert_int_equal(r.exit_code, 1);
    assert_int_equal(r.out_n, 0);
}

static void a_preview_shows_each_part_and_writes_files_when_asked(void **state)
{
    (void)state;
    places p = make_places();
    char file[100];
    GW_AUTO_BUF gw_buf html;
    gw_err err;
    put_context(&p);
    gw_buf_init(&html, MUSTACHE_OUTPUT_MAX);
    AUTO_CLI cli_result r = CLI("preview", "--bundle", p.bundle, "--data", p.data, "--out", p.out);
    AUTO_CLI cli_result one =
        CLI("preview", "--bundle", p.bundle, "--data", p.data, "--part", "subject", "--json");
    snprintf(file, sizeof file, "%s/html.html", p.out);
    gw_code rc = gw_file_read(file, &html, &err);
    remove_dir(p.dir);
    assert_int_equal(r.exit_code, 0);
    assert_non_null(strstr(r.out, "--- subject ---\nPayment reminder: USD 1,000.00"));
    assert_int_equal(rc, GW_OK);
    assert_non_null(strstr(html.data, "Oak &amp; Son"));
    assert_int_equal(one.exit_code, 0);
    assert_json(one.out);
    assert_null(strstr(one.out, "\"text\""));
}

/* The word lists of the shipped English templates, without which nothing may be shown as sendable.
 */
static void put_words(const places *p)
{
    char path[600];
    GW_AUTO_BUF gw_buf words;
    gw_err err = {0};
    gw_buf_init(&words, 1 << 20);
    snprintf(path, sizeof path, "%s/en/lint.json", p->shipped);
    if (gw_file_read(path, &words, &err) != GW_OK)
        fail_msg("%s", err.text);
    put_file(p->dir, "en/lint.json", gw_buf_str(&words));
}

static void a_preview_counts_the_parts_of_an_sms_as_the_driver_does(void **state)
{
    (void)state;
    /* 160 septets with the no-break spaces of amounts and the last line break taken off. */
    static const struct {
        const char *fill, *says, *json;
        int n;
    } rows[] = {
        {"x", "(160 GSM septets in 1 part)", "{\"alphabet\":\"gsm7\",\"parts\":1,\"units\":160}",
         140},
        {"x", "(161 GSM septets in 2 parts)", "{\"alphabet\":\"gsm7\",\"parts\":2,\"units\":161}",
         141},
        {"\u6b3e", "(70 UCS-2 units in 1 part)", "{\"alphabet\":\"ucs2\",\"parts\":1,\"units\":70}",
         50},
        {"\u6b3e", "(71 UCS-2 units in 2 parts)",
         "{\"alphabet\":\"ucs2\",\"parts\":2,\"units\":71}", 51},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        places p = make_places();
        char text[1024] = "{{creditor.name}}: Reply STOP. ", bundle[100];
        for (int k = 0; k < rows[i].n; k++)
            strcat(text, rows[i].fill);
        strcat(text, "\u00a0.\n\n");
        put_file(p.dir, "en/short/template.json",
                 GW_STR("{\"name\":\"short\",\"locale\":\"en\",\"purpose\":\"reminder\",\"tone\":2,"
                        "\"parts\":[\"sms\"],\"required\":[\"creditor.name\"],\"optional\":[]}"));
        put_file(p.dir, "en/short/sms.mustache", gw_str_of(text));
        put_file(p.dir, "data.json", GW_STR("{\"creditor\":{\"name\":\"Acme\"}}"));
        put_words(&p);
        snprintf(bundle, sizeof bundle, "%s/en/short", p.dir);
        char data[100];
        snprintf(data, sizeof data, "%s/data.json", p.dir);
        AUTO_CLI cli_result people = CLI("preview", "--bundle", bundle, "--data", data);
        AUTO_CLI cli_result json = CLI("preview", "--bundle", bundle, "--data", data, "--json");
        remove_dir(p.dir);
        if (!strstr(people.out, rows[i].says) || !strstr(json.out, rows[i].json))
            fail_msg("row %zu: %s %s", i, people.out, json.out);
        assert_json(json.out);
    }
}

static void lint_answers_one_when_there_are_errors_and_zero_when_there_are_none(void **state)
{
    (void)state;
    places p = make_places();
    put_file(p.dir, "en/x/template.json", GW_STR("{}"));
    char broken[64];
    snprintf(broken, sizeof broken, "%s/en/x", p.dir);
    AUTO_CLI cli_result bad = CLI("lint", broken);
    AUTO_CLI cli_result json = CLI("lint", broken, "--json");
    AUTO_CLI cli_result good = CLI("lint", p.shipped, "--strict");
    AUTO_CLI cli_result none = CLI("lint", p.store);
    remove_dir(p.dir);
    assert_int_equal(bad.exit_code, 1);
    assert_non_null(strstr(bad.out, "en/x/template.json:1: error: the member name is missing"));
    assert_int_equal(json.exit_code, 1);
    assert_json(json.out);
    assert_int_equal(good.exit_code, 0);
    assert_int_equal(none.exit_code, 1);
}

static void the_shipped_templates_can_be_published_and_then_do_not_differ(void **state)
{
    (void)state;
    places p = make_places();
    AUTO_CLI cli_result before = CLI("diff", p.shipped, "--store", p.store);
    AUTO_CLI cli_result first = CLI("publish", p.shipped, "--store", p.store);
    AUTO_CLI cli_result again = CLI("publish", p.bundle, "--store", p.store, "--json");
    AUTO_CLI cli_result version = CLI("version", p.bundle);
    AUTO_CLI cli_result after = CLI("diff", p.shipped, "--store", p.store);
    remove_dir(p.dir);
    if (first.exit_code != 0)
        fail_msg("%s", first.errors);
    assert_non_null(strstr(before.out, "en/formal-notice: never published"));
    assert_non_null(strstr(first.out, "zh-CN/formal-notice new"));
    assert_int_equal(again.exit_code, 0);
    assert_json(again.out);
    assert_int_equal(version.exit_code, 0);
    version.out[version.out_n - 1] = 0; /* without its line feed */
    assert_non_null(strstr(first.out, version.out));
    assert_int_equal(after.exit_code, 0);
    assert_string_equal(after.out, "");
}

static void a_changed_part_shows_in_diff_and_lint_errors_stop_publishing(void **state)
{
    (void)state;
    places p = make_places();
    char command[3000];
    char bundle[64];
    snprintf(command, sizeof command,
             "mkdir -p '%s/en' && cp -r '%s' '%s/en/' && cp -r "
             "'%s/en/partials' '%s/en/lint.json' '%s/en/'",
             p.dir, p.bundle, p.dir, p.shipped, p.shipped, p.dir);
    assert_int_equal(system(command), 0);
    snprintf(bundle, sizeof bundle, "%s/en/reminder-letter", p.dir);
    AUTO_CLI cli_result publish = CLI("publish", bundle, "--store", p.store);
    put_file(bundle, "subject.mustache", GW_STR("Reminder {{reference}}\n"));
    AUTO_CLI cli_result diff = CLI("diff", bundle, "--store", p.store);
    AUTO_CLI cli_result json = CLI("diff", bundle, "--store", p.store, "--json");
    put_file(bundle, "subject.mustache", GW_STR("Pay or else {{reference}}\n"));
    AUTO_CLI cli_result refused = CLI("publish", bundle, "--store", p.store);
    remove_dir(p.dir);
    assert_int_equal(publish.exit_code, 0);
    assert_int_equal(diff.exit_code, 0);
    assert_non_null(strstr(diff.out, "en/reminder-letter: parts/subject changed\n@@ line 1 @@\n-"));
    assert_non_null(strstr(diff.out, "\n+Reminder {{reference}}\n"));
    assert_json(json.out);
    assert_non_null(strstr(json.out, "[\"parts/subject\"]"));
    assert_int_equal(refused.exit_code, 1);
    assert_non_null(strstr(refused.errors, "lint error"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_answers_two_and_shows_the_usage),
        cmocka_unit_test(a_refused_rendering_prints_nothing_but_the_reason),
        cmocka_unit_test(a_file_that_is_not_there_or_not_json_is_named),
        cmocka_unit_test(a_partial_cannot_point_out_of_its_folder),
        cmocka_unit_test(a_preview_shows_each_part_and_writes_files_when_asked),
        cmocka_unit_test(a_preview_counts_the_parts_of_an_sms_as_the_driver_does),
        cmocka_unit_test(lint_answers_one_when_there_are_errors_and_zero_when_there_are_none),
        cmocka_unit_test(the_shipped_templates_can_be_published_and_then_do_not_differ),
        cmocka_unit_test(a_changed_part_shows_in_diff_and_lint_errors_stop_publishing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
