/* The public Mustache specification, all core cases: through the engine, and through
 * `dunlin template render` with real files. */
#include "cli_helper.h"

#include "gateway/base/file.h"

enum { SPEC_MAX = 1024 * 1024, CORE_CASES = 136 };

static const char *const specs[] = {"comments", "delimiters", "interpolation",
                                    "inverted", "partials",   "sections"};

typedef struct {
    const json_doc *d;
    uint32_t node; /* the case */
    gw_str name, text, expected;
    mustache_source partials[8];
    size_t partial_count;
} spec_case;

typedef void (*case_runner)(const spec_case *c, gw_buf *ret_out);

static void read_case(const json_doc *d, uint32_t node, spec_case *c)
{
    *c = (spec_case){.d = d, .node = node};
    c->name = json_get_str(d, node, "name");
    c->text = json_get_str(d, node, "template");
    c->expected = json_get_str(d, node, "expected");
    uint32_t partials = json_member(d, node, "partials");
    if (!partials)
        return;
    uint32_t behind = json_at(d, partials)->next;
    for (uint32_t at = json_first(partials); at < behind; at = json_at(d, at + 1)->next) {
        assert_true(c->partial_count < GW_COUNT(c->partials));
        char *name = gw_arena_copy(d->arena, json_str(d, at));
        c->partials[c->partial_count++] = (mustache_source){name, json_str(d, at + 1)};
    }
}

static gw_str case_data(const spec_case *c)
{
    uint32_t node = json_member(c->d, c->node, "data");
    gw_str raw = json_raw(c->d, node);
    if (json_kind_of(c->d, node) == JSON_STRING) /* raw has no quotes; the file needs them */
        raw = (gw_str){raw.p - 1, raw.n + 2};
    return raw;
}

static int run_spec(const char *spec, case_runner run)
{
    char dir[512];
    char path[600];
    GW_AUTO_BUF gw_buf text;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
    json_doc d;
    gw_err err;
    vectors_dir(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/mustache/specs/%s.json", dir, spec);
    gw_buf_init(&text, SPEC_MAX);
    if (gw_file_read(path, &text, &err) != GW_OK)
        skip();
    assert_int_equal(json_parse(gw_buf_str(&text), arena, &d, &err), GW_OK);
    uint32_t tests = json_member(&d, 0, "tests");
    int count = 0;
    for (uint32_t at = json_first(tests); at < json_at(&d, tests)->next;
         at = json_at(&d, at)->next) {
        spec_case c;
        GW_AUTO_BUF gw_buf out;
        gw_buf_init(&out, SPEC_MAX);
        read_case(&d, at, &c);
        run(&c, &out);
        if (!gw_str_eq(gw_buf_str(&out), c.expected))
            fail_msg("%s / %.*s\nexpected: %.*s\nrendered: %s", spec, GW_STR_ARG(c.name),
                     GW_STR_ARG(c.expected), out.data ? out.data : "");
        count++;
    }
    return count;
}

static void run_in_engine(const spec_case *c, gw_buf *ret_out)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
    GW_AUTO(mustache_free) mustache *m = NULL;
    mustache_source top = {"template", c->text};
    mustache_mode mode = {.escape = MUSTACHE_HTML};
    gw_err err = {0};
    json_doc d;
    assert_int_equal(json_parse(case_data(c), arena, &d, &err), GW_OK);
    if (mustache_compile(&top, c->partials, c->partial_count, &m, &err) != GW_OK ||
        mustache_render(m, &d, &mode, ret_out, &err) != GW_OK)
        fail_msg("%.*s: %s", GW_STR_ARG(c->name), err.text);
}

static void run_on_command_line(const spec_case *c, gw_buf *ret_out)
{
    char dir[32];
    char template[64];
    char data[64];
    char partials[64];
    make_temp_dir(dir);
    snprintf(template, sizeof template, "%s/t.mustache", dir);
    snprintf(data, sizeof data, "%s/data.json", dir);
    snprintf(partials, sizeof partials, "%s/partials", dir);
    put_file(dir, "t.mustache", c->text);
    put_file(dir, "data.json", case_data(c));
    for (size_t i = 0; i < c->partial_count; i++) {
        char name[100]; /* both spellings of a partial's file */
        snprintf(name, sizeof name, "partials/%s%s", c->partials[i].name, i % 2 ? "" : ".mustache");
        put_file(dir, name, c->partials[i].text);
    }
    AUTO_CLI cli_result r =
        CLI("render", "--template", template, "--data", data, "--partials", partials);
    remove_dir(dir);
    if (r.exit_code != 0)
        fail_msg("%.*s: %s", GW_STR_ARG(c->name), r.errors);
    gw_buf_put(ret_out, r.out, r.out_n);
}

static void the_engine_renders_every_core_case_of_the_specification(void **state)
{
    (void)state;
    int count = 0;
    for (size_t i = 0; i < GW_COUNT(specs); i++)
        count += run_spec(specs[i], run_in_engine);
    assert_int_equal(count, CORE_CASES);
}

static void the_command_line_renders_every_core_case_of_the_specification(void **state)
{
    (void)state;
    int count = 0;
    for (size_t i = 0; i < GW_COUNT(specs); i++)
        count += run_spec(specs[i], run_on_command_line);
    assert_int_equal(count, CORE_CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_renders_every_core_case_of_the_specification),
        cmocka_unit_test(the_command_line_renders_every_core_case_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
