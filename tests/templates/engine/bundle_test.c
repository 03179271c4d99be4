/* Bundles: one canonical document, its version, and rendering by part; the shipped templates. */
#include "cli_helper.h"

#include "gateway/base/file.h"
#include "templates/engine/bundle.h"
#include "templates/engine/folders.h"

typedef struct {
    gw_arena *arena;
    gw_buf text;
    json_doc d;
} context;

static void context_done(context *c)
{
    gw_arena_free(c->arena);
    gw_buf_done(&c->text);
}
#define AUTO_CONTEXT __attribute__((cleanup(context_done)))

static context read_context(void)
{
    context c = {.arena = gw_arena_new(TEST_ARENA)};
    char path[600];
    gw_err err;
    snprintf(path, sizeof path, "%s/tests/templates/engine/context.json", getenv("DUNLIN_SOURCE"));
    gw_buf_init(&c.text, MUSTACHE_DATA_MAX);
    assert_int_equal(gw_file_read(path, &c.text, &err), GW_OK);
    assert_int_equal(json_parse(gw_buf_str(&c.text), c.arena, &c.d, &err), GW_OK);
    return c;
}

static context context_of(const char *json)
{
    context c = {.arena = gw_arena_new(TEST_ARENA)};
    gw_err err;
    gw_buf_init(&c.text, MUSTACHE_DATA_MAX);
    gw_buf_puts(&c.text, json);
    assert_int_equal(json_parse(gw_buf_str(&c.text), c.arena, &c.d, &err), GW_OK);
    return c;
}

static template_bundle *load_shipped(const char *locale_and_name)
{
    char path[600];
    gw_err err = {0};
    template_bundle *b = NULL;
    snprintf(path, sizeof path, "%s/templates/%s", getenv("DUNLIN_SOURCE"), locale_and_name);
    if (template_bundle_load(path, &b, &err) != GW_OK)
        fail_msg("%s", err.text);
    return b;
}

#define SMALL                                                                                      \
    "{\"format\":1,\"guard\":{\"rules\":[]},\"manifest\":{\"locale\":\"en\",\"name\":\"x\","       \
    "\"optional\":[\"link\"],"                                                                     \
    "\"parts\":[\"subject\",\"text\"],\"purpose\":\"reminder\",\"required\":[\"a.b\"],\"tone\":2," \
    "\"urls\":[\"link\"]},\"partials\":{\"p\":\"P\"},\"parts\":{\"subject\":\"S {{a.b}}\\n\","     \
    "\"text\":\"{{a.b}} {{>p}} {{#link}}{{link}}{{/link}} {{creditor.name}} {{creditor.email}} "   \
    "{{opt_out.email}}\\n\"}}"

static template_bundle *parse_small(void)
{
    template_bundle *b = NULL;
    gw_err err = {0};
    if (template_bundle_parse(GW_STR(SMALL), &b, &err) != GW_OK)
        fail_msg("%s", err.text);
    return b;
}

static gw_code render_small(template_part part, const char *data, gw_buf *out, gw_err *err)
{
    GW_AUTO(template_bundle_free) template_bundle *b = parse_small();
    AUTO_CONTEXT context c = context_of(data);
    gw_buf_init(out, 4096);
    return template_bundle_render(b, part, &c.d, true, out, err);
}

static void a_bundle_survives_the_wire_with_its_version(void **state)
{
    (void)state;
    GW_AUTO(template_bundle_free) template_bundle *b = load_shipped("en/formal-notice");
    GW_AUTO(template_bundle_free) template_bundle *again = NULL;
    gw_err err;
    assert_int_equal(template_bundle_parse(template_bundle_json(b), &again, &err), GW_OK);
    assert_string_equal(template_bundle_version(again), template_bundle_version(b));
    assert_int_equal(strlen(template_bundle_version(b)), 64);
    assert_string_equal(template_bundle_name(again), "formal-notice");
    assert_string_equal(template_bundle_locale(again), "en");
    assert_string_equal(template_bundle_purpose(again), "notice");
    assert_int_equal(template_bundle_tone(again), 3);
    assert_true(template_bundle_has(again, TEMPLATE_HTML));
    assert_false(template_bundle_has(again, TEMPLATE_SMS));
}

static void the_version_is_the_sha256_of_the_document(void **state)
{
    (void)state;
    GW_AUTO(template_bundle_free) template_bundle *b = parse_small();
    FILE *f;
    char line[128] = "";
    char dir[32];
    char command[128];
    make_temp_dir(dir);
    put_file(dir, "b.json", GW_STR(SMALL));
    snprintf(command, sizeof command, "sha256sum '%s/b.json'", dir);
    assert_non_null(f = popen(command, "r"));
    assert_non_null(fgets(line, sizeof line, f));
    pclose(f);
    remove_dir(dir);
    assert_memory_equal(template_bundle_version(b), line, 64);
}

static void a_document_that_is_not_canonical_or_not_known_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *word;
    } rows[] = {
        {"\"format\":1", "\"format\": 1", "canonical"},
        {"\"format\":1", "\"format\":2", "format"},
        {"\"tone\":2", "\"tone\":6", "tone"},
        {"\"tone\":2", "\"tones\":2", "unknown member tones"},
        {"\"text\"],", "\"fax\"],", "unknown part fax"},
        {"\"subject\",\"text\"]", "\"subject\"]", "not listed"},
        {"\"subject\",\"text\"]", "\"html\",\"subject\",\"text\"]", "listed in the manifest but"},
        {"\"p\":\"P\"", "\"q\":\"P\"", "no partial p"},
        {"{{/link}}", "{{/lnk}}", "text.mustache line 1"},
        {"\"required\":[\"a.b\"]", "\"required\":[\"a b\"]", "no fact name"},
        {"\"required\":[\"a.b\"]", "\"required\":[\"link\"]", "both required and optional"},
        {"\"name\":\"x\"", "\"name\":\"../x\"", "name must be"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        GW_AUTO(template_bundle_free) template_bundle *b = NULL;
        GW_AUTO_BUF gw_buf json;
        gw_err err = {0};
        const char *at = strstr(SMALL, rows[i].from);
        gw_buf_init(&json, 4096);
        assert_non_null(at);
        gw_buf_printf(&json, "%.*s%s%s", (int)(at - SMALL), SMALL, rows[i].to,
                      at + strlen(rows[i].from));
        gw_code rc = template_bundle_parse(gw_buf_str(&json), &b, &err);
        if (rc != GW_EINVAL || !strstr(err.text, rows[i].word))
            fail_msg("%s: %s %s", rows[i].to, gw_code_name(rc), err.text);
    }
}

static void a_missing_required_fact_refuses_every_part(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    assert_int_equal(render_small(TEMPLATE_TEXT, "{\"a\":{\"b\":\"\"}}", &out, &err), GW_EREFUSED);
    assert_non_null(strstr(err.text, "required fact a.b"));
    assert_non_null(strstr(err.text, "en/x"));
}

static void a_required_fact_of_a_list_is_needed_in_each_element(void **state)
{
    (void)state;
    GW_AUTO(template_bundle_free) template_bundle *b = load_shipped("en/formal-notice");
    AUTO_CONTEXT context whole = read_context();
    gw_err err = {0};
    assert_int_equal(template_bundle_check(b, &whole.d, &err), GW_OK);
    char *at = strstr(whole.text.data, "\"paid\": \"USD 0.00\"");
    memcpy(at, "\"paix\"", 6); /* only the second item loses it */
    AUTO_CONTEXT context c = context_of(whole.text.data);
    assert_int_equal(template_bundle_check(b, &c.d, &err), GW_EREFUSED);
    assert_non_null(strstr(err.text, "items.paid"));
}

static void a_link_that_is_no_web_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"javascript:alert(1)", "data:text/html,x", "https://a b",
                                      "ftp://x", "https://"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        GW_AUTO_BUF gw_buf out;
        gw_err err = {0};
        char data[128];
        snprintf(data, sizeof data, "{\"a\":{\"b\":\"1\"},\"link\":\"%s\"}", bad[i]);
        assert_int_equal(render_small(TEMPLATE_TEXT, data, &out, &err), GW_EREFUSED);
        assert_non_null(strstr(err.text, "link must be"));
    }
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    const char *good =
        "{\"a\":{\"b\":\"1\"},\"link\":\"https://pay.example.test/?a=1&b=2\",\"creditor\":{"
        "\"name\":\"C\",\"email\":\"c@x\"},\"opt_out\":{\"email\":\"s@x\"}}";
    assert_int_equal(render_small(TEMPLATE_TEXT, good, &out, &err), GW_OK);
    assert_string_equal(out.data, "1 P https://pay.example.test/?a=1&b=2 C c@x s@x\n");
}

static void a_subject_is_one_clean_line(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf out;
    GW_AUTO_BUF gw_buf refused;
    gw_err err = {0};
    assert_int_equal(render_small(TEMPLATE_SUBJECT, "{\"a\":{\"b\":\"O & <S>\"}}", &out, &err),
                     GW_OK);
    assert_string_equal(out.data, "S O & <S>");
    assert_int_equal(
        render_small(TEMPLATE_SUBJECT, "{\"a\":{\"b\":\"x\\r\\nBcc: y\"}}", &refused, &err),
        GW_EREFUSED);
    assert_int_equal(refused.n, 0);
    assert_null(strstr(err.text, "Bcc"));
}

static void a_part_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    assert_int_equal(render_small(TEMPLATE_SMS, "{\"a\":{\"b\":\"1\"}}", &out, &err), GW_ENOTFOUND);
}

static void only_the_partials_a_template_uses_belong_to_its_version(void **state)
{
    (void)state;
    GW_AUTO(template_bundle_free) template_bundle *b = load_shipped("en/hand-off");
    gw_str json = template_bundle_json(b);
    assert_non_null(memmem(json.p, json.n, "details-text", 12));
    assert_null(memmem(json.p, json.n, "html-top", 8));
}

typedef struct {
    const json_doc *d;
    int count;
} shipped_run;

static gw_code render_all_parts(void *arg, const char *dir, gw_err *err)
{
    shipped_run *run = arg;
    GW_AUTO(template_bundle_free) template_bundle *b = NULL;
    gw_code rc = template_bundle_load(dir, &b, err);
    for (int i = 0; rc == GW_OK && i < TEMPLATE_PART_COUNT; i++) {
        GW_AUTO_BUF gw_buf out;
        gw_buf_init(&out, MUSTACHE_OUTPUT_MAX);
        if (!template_bundle_has(b, (template_part)i))
            continue;
        rc = template_bundle_render(b, (template_part)i, run->d, true, &out, err);
        assert_true(rc != GW_OK || out.n > 10);
        assert_null(out.data ? strstr(out.data, "{{") : NULL);
    }
    run->count += rc == GW_OK;
    return rc;
}

static int render_shipped(const json_doc *d)
{
    char dir[600];
    gw_err err = {0};
    shipped_run run = {.d = d};
    snprintf(dir, sizeof dir, "%s/templates", getenv("DUNLIN_SOURCE"));
    if (template_folder_each(dir, render_all_parts, &run, &err) != GW_OK)
        fail_msg("%s", err.text);
    return run.count;
}

static void every_shipped_template_renders_with_and_without_the_optional_facts(void **state)
{
    (void)state;
    AUTO_CONTEXT context bare = read_context();
    assert_true(render_shipped(&bare.d) >= 14);
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&json, MUSTACHE_DATA_MAX);
    gw_buf_put(&json, bare.text.data, bare.text.n - 3); /* "\n}\n" */
    gw_buf_puts(&json, ",\"pay_link\":\"https://pay.example.test/1\",\"dispute_link\":"
                       "\"https://ask.example.test/1\",\"signature\":{\"name\":\"J. Doe\","
                       "\"title\":\"Head of Finance\"}}");
    AUTO_CONTEXT context full = context_of(json.data);
    assert_true(render_shipped(&full.d) >= 14);
}

static void html_of_a_shipped_template_escapes_names(void **state)
{
    (void)state;
    GW_AUTO(template_bundle_free) template_bundle *b = load_shipped("en/reminder-letter");
    AUTO_CONTEXT context c = read_context();
    GW_AUTO_BUF gw_buf html;
    GW_AUTO_BUF gw_buf text;
    gw_err err;
    gw_buf_init(&html, MUSTACHE_OUTPUT_MAX);
    gw_buf_init(&text, MUSTACHE_OUTPUT_MAX);
    assert_int_equal(template_bundle_render(b, TEMPLATE_HTML, &c.d, true, &html, &err), GW_OK);
    assert_int_equal(template_bundle_render(b, TEMPLATE_TEXT, &c.d, true, &text, &err), GW_OK);
    assert_non_null(strstr(html.data, "Oak &amp; Son"));
    assert_non_null(strstr(text.data, "Oak & Son"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_survives_the_wire_with_its_version),
        cmocka_unit_test(the_version_is_the_sha256_of_the_document),
        cmocka_unit_test(a_document_that_is_not_canonical_or_not_known_is_refused),
        cmocka_unit_test(a_missing_required_fact_refuses_every_part),
        cmocka_unit_test(a_required_fact_of_a_list_is_needed_in_each_element),
        cmocka_unit_test(a_link_that_is_no_web_address_is_refused),
        cmocka_unit_test(a_subject_is_one_clean_line),
        cmocka_unit_test(a_part_that_is_not_there_is_not_found),
        cmocka_unit_test(only_the_partials_a_template_uses_belong_to_its_version),
        cmocka_unit_test(every_shipped_template_renders_with_and_without_the_optional_facts),
        cmocka_unit_test(html_of_a_shipped_template_escapes_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
