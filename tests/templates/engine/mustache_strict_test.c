/* Strict rendering, escaping per part, and the named limits. */
#include "render_helper.h"

#include <pthread.h>

static const mustache_mode strict = {.escape = MUSTACHE_PLAIN, .strict = true};
static const mustache_mode lax = {.escape = MUSTACHE_PLAIN};
static const mustache_mode html = {.escape = MUSTACHE_HTML, .strict = true};
static const mustache_mode header = {.escape = MUSTACHE_HEADER, .strict = true};

static void an_unknown_variable_refuses_to_render_and_names_itself_and_its_line(void **state)
{
    (void)state;
    assert_refused("one\ntwo {{creditor.name}}", "{\"creditor\":{}}", &strict, GW_EREFUSED,
                   "letter.mustache line 2", "creditor.name");
    assert_renders("[{{creditor.name}}]", "{}", &lax, "[]");
}

static void a_null_or_empty_value_refuses_to_render(void **state)
{
    (void)state;
    assert_refused("{{total}}", "{\"total\":null}", &strict, GW_EREFUSED, "total", "null");
    assert_refused("{{{total}}}", "{\"total\":\"\"}", &strict, GW_EREFUSED, "total", "empty");
    assert_refused("{{items}}", "{\"items\":[1]}", &strict, GW_EREFUSED, "items", "list or object");
}

static void a_section_over_a_missing_name_is_refused_unless_it_is_optional(void **state)
{
    (void)state;
    static const char *const names[] = {"pay_link", "items.note"};
    mustache_mode optional = strict;
    optional.optional = names;
    optional.optional_count = GW_COUNT(names);
    assert_refused("{{#pay_link}}x{{/pay_link}}", "{}", &strict, GW_EREFUSED, "pay_link",
                   "declare it optional");
    assert_refused("{{^pay_link}}x{{/pay_link}}", "{}", &strict, GW_EREFUSED, "pay_link", "line 1");
    assert_refused("{{#pay_link}}x{{/pay_link}}", "{\"pay_link\":\"\"}", &strict, GW_EREFUSED,
                   "pay_link", "line 1");
    assert_renders("a{{#pay_link}}x{{/pay_link}}{{^pay_link}}y{{/pay_link}}", "{}", &optional,
                   "ay");
    assert_renders("{{#items}}{{id}}{{#note}}={{note}}{{/note}};{{/items}}",
                   "{\"items\":[{\"id\":1,\"note\":\"n\"},{\"id\":2}]}", &optional, "1=n;2;");
    assert_refused("{{#note}}x{{/note}}", "{}", &optional, GW_EREFUSED, "note", "line 1");
}

static void false_and_the_empty_list_are_answers_even_when_strict(void **state)
{
    (void)state;
    assert_renders("{{#a}}x{{/a}}{{^a}}y{{/a}}", "{\"a\":false}", &strict, "y");
    assert_renders("{{#a}}x{{/a}}{{^a}}y{{/a}}", "{\"a\":[]}", &strict, "y");
    assert_renders("{{#a}}{{.}}{{/a}}", "{\"a\":0}", &strict, "0");
}

static void a_partial_that_was_not_given_is_refused_when_strict(void **state)
{
    (void)state;
    assert_refused("a\n{{>footer}}\n", "{}", &strict, GW_EREFUSED, "footer", "line 2");
}

static void html_parts_are_escaped_and_text_parts_are_not(void **state)
{
    (void)state;
    const char *data = "{\"n\":\"<b a='1'>\\\"&\"}";
    assert_renders("{{n}}|{{{n}}}|{{&n}}", data, &html,
                   "&lt;b a=&#39;1&#39;&gt;&quot;&amp;|<b a='1'>\"&|<b a='1'>\"&");
    assert_renders("{{n}}", data, &strict, "<b a='1'>\"&");
}

static void a_header_value_with_a_line_break_or_control_character_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\\n", "\\r", "\\u0001", "\\u007f", "\\u0085", "\\u2028"};
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        char data[64];
        snprintf(data, sizeof data, "{\"name\":\"a%sBcc: x\"}", bad[i]);
        assert_refused("{{name}}", data, &header, GW_EREFUSED, "name", "control character");
        assert_refused("{{{name}}}", data, &header, GW_EREFUSED, "name", "control character");
    }
    assert_renders("{{name}}", "{\"name\":\"Oak \\u0026 Söhne 对账单\"}", &header,
                   "Oak & Söhne 对账单");
}

static void values_are_never_read_as_templates(void **state)
{
    (void)state;
    assert_renders("{{a}}", "{\"a\":\"{{b}}\",\"b\":\"secret\"}", &strict, "{{b}}");
}

static void numbers_print_as_they_were_written(void **state)
{
    (void)state;
    assert_renders("{{a}} {{b}} {{c}} {{d}}", "{\"a\":1.210,\"b\":-0,\"c\":1e9,\"d\":true}",
                   &strict, "1.210 -0 1e9 true");
}

static void each_syntax_error_names_its_line_and_the_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *word;
    } rows[] = {
        {"a\nb {{name", "line 2", "never closed"},
        {"{{#a}}\n{{#b}}\n{{/a}}", "line 3", "{{#b}}; close it first"},
        {"x\n{{/a}}", "line 2", "closes no open section"},
        {"\n\n{{#a}}x", "line 3", "never closed"},
        {"{{}}", "line 1", "no name"},
        {"{{ a b }}", "line 1", "white space"},
        {"{{a..b}}", "line 1", "empty part"},
        {"{{.a}}", "line 1", "empty part"},
        {"{{=<% %}}", "line 1", "never closed"},
        {"{{=<%=}}", "line 1", "delimiters are two words"},
        {"{{{a}} ", "line 1", "never closed"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        assert_refused(rows[i].text, "{}", &strict, GW_EINVAL, rows[i].line, rows[i].word);
}

static char *repeat(const char *unit, size_t times)
{
    size_t n = strlen(unit);
    char *s = malloc(n * times + 1);
    assert_non_null(s);
    for (size_t i = 0; i < times; i++)
        memcpy(s + i * n, unit, n);
    s[n * times] = '\0';
    return s;
}

static void sections_nest_to_their_limit_and_no_deeper(void **state)
{
    (void)state;
    for (int depth = MUSTACHE_NESTING_MAX; depth <= MUSTACHE_NESTING_MAX + 1; depth++) {
        GW_AUTO_FREE char *open = repeat("{{#a}}", (size_t)depth);
        GW_AUTO_FREE char *close = repeat("{{/a}}", (size_t)depth);
        GW_AUTO_FREE char *text = malloc(strlen(open) + strlen(close) + 2);
        sprintf(text, "%sx%s", open, close);
        if (depth == MUSTACHE_NESTING_MAX)
            assert_renders(text, "{\"a\":true}", &strict, "x");
        else
            assert_refused(text, "{\"a\":true}", &strict, GW_ELIMIT, "nested deeper than 32", "");
    }
}

static void a_template_larger_than_its_limit_is_refused(void **state)
{
    (void)state;
    GW_AUTO_FREE char *text = repeat("x", MUSTACHE_TEMPLATE_MAX + 1);
    assert_refused(text, "{}", &strict, GW_ELIMIT, "letter.mustache", "262144");
}

static void a_partial_that_contains_itself_ends_at_the_depth_limit(void **state)
{
    (void)state;
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    mustache_source loop = {"loop", GW_STR("x{{>loop}}")};
    assert_int_equal(render_text("{{>loop}}", "{}", &loop, 1, &strict, &out, &err), GW_ELIMIT);
    assert_non_null(strstr(err.text, "deeper than 16"));
    assert_int_equal(out.n, 0);
}

static void a_rendering_that_would_never_end_is_stopped(void **state)
{
    (void)state;
    /* sixteen partials that each call the next one eight times, and print nothing */
    mustache_source partials[16];
    char names[16][16];
    char texts[16][96];
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    for (int i = 0; i < 16; i++) {
        snprintf(names[i], sizeof names[i], "p%d", i);
        texts[i][0] = '\0';
        for (int k = 0; k < 8 && i < 15; k++)
            sprintf(texts[i] + strlen(texts[i]), "{{>p%d}}", i + 1);
        partials[i] = (mustache_source){names[i], gw_str_of(texts[i])};
    }
    assert_int_equal(render_text("{{>p0}}", "{}", partials, 16, &strict, &out, &err), GW_ELIMIT);
    assert_non_null(strstr(err.text, "2000000 steps"));
}

static void output_past_its_limit_is_refused_and_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    GW_AUTO_FREE char *chunk = repeat("0123456789", 10000);
    GW_AUTO_FREE char *data = malloc(strlen(chunk) + 400);
    sprintf(data,
            "{\"s\":\"%s\",\"l\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
            "1,1,1,1,1,1,1,1,1,1,1,1]}",
            chunk);
    assert_refused("{{#l}}{{s}}{{/l}}", data, &strict, GW_ELIMIT, "4194304", "line 1");
}

static void a_full_output_buffer_keeps_what_was_in_it(void **state)
{
    (void)state;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
    GW_AUTO(mustache_free) mustache *m = NULL;
    GW_AUTO_BUF gw_buf out;
    json_doc d;
    gw_err err;
    mustache_source top = {"t", GW_STR("0123456789")};
    gw_buf_init(&out, 8);
    gw_buf_puts(&out, "kept");
    assert_int_equal(json_parse(GW_STR("{}"), arena, &d, &err), GW_OK);
    assert_int_equal(mustache_compile(&top, NULL, 0, &m, &err), GW_OK);
    assert_int_equal(mustache_render(m, &d, &strict, &out, &err), GW_ELIMIT);
    assert_string_equal(out.data, "kept");
    assert_int_equal(gw_buf_puts(&out, "more"), GW_OK);
}

enum { THREADS = 4, RENDERS = 200 };

static void *render_shared(void *arg)
{
    const mustache *m = arg;
    for (int i = 0; i < RENDERS; i++) {
        GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1024 * 1024);
        GW_AUTO_BUF gw_buf out;
        json_doc d;
        gw_err err;
        gw_buf_init(&out, 1024);
        if (json_parse(GW_STR("{\"a\":[{\"b\":\"\\u4e00\"},{\"b\":2}]}"), arena, &d, &err) !=
                GW_OK ||
            mustache_render(m, &d, &strict, &out, &err) != GW_OK ||
            !gw_str_is(gw_buf_str(&out), "  <一>\n  <2>\n"))
            return arg;
    }
    return NULL;
}

static void threads_share_one_compiled_program(void **state)
{
    (void)state;
    GW_AUTO(mustache_free) mustache *m = NULL;
    gw_err err;
    pthread_t threads[THREADS];
    mustache_source top = {"t", GW_STR("{{#a}}\n  {{>row}}\n{{/a}}\n")};
    mustache_source row = {"row", GW_STR("<{{b}}>\n")};
    assert_int_equal(mustache_compile(&top, &row, 1, &m, &err), GW_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, render_shared, m), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_variable_refuses_to_render_and_names_itself_and_its_line),
        cmocka_unit_test(a_null_or_empty_value_refuses_to_render),
        cmocka_unit_test(a_section_over_a_missing_name_is_refused_unless_it_is_optional),
        cmocka_unit_test(false_and_the_empty_list_are_answers_even_when_strict),
        cmocka_unit_test(a_partial_that_was_not_given_is_refused_when_strict),
        cmocka_unit_test(html_parts_are_escaped_and_text_parts_are_not),
        cmocka_unit_test(a_header_value_with_a_line_break_or_control_character_is_refused),
        cmocka_unit_test(values_are_never_read_as_templates),
        cmocka_unit_test(numbers_print_as_they_were_written),
        cmocka_unit_test(each_syntax_error_names_its_line_and_the_remedy),
        cmocka_unit_test(sections_nest_to_their_limit_and_no_deeper),
        cmocka_unit_test(a_template_larger_than_its_limit_is_refused),
        cmocka_unit_test(a_partial_that_contains_itself_ends_at_the_depth_limit),
        cmocka_unit_test(a_rendering_that_would_never_end_is_stopped),
        cmocka_unit_test(output_past_its_limit_is_refused_and_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_full_output_buffer_keeps_what_was_in_it),
        cmocka_unit_test(threads_share_one_compiled_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
