/* Our JSON reader against json-c as an independent witness: what we accept, json-c accepts, and
 * both read the same values. json-c is laxer (duplicate names, single quotes, NaN, control bytes),
 * so the other direction does not hold and is not asked. */
#include "gateway/base/file.h"
#include "gateway/base/json.h"

#include <dirent.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { TEXT_MAX = 4 << 20, ARENA_MAX = 64 << 20, RANDOM_DOCUMENTS = 20000 };

static void same_value(const json_doc *d, uint32_t node, struct json_object *o);

static void same_object(const json_doc *d, uint32_t node, struct json_object *o)
{
    assert_int_equal(json_object_get_type(o), json_type_object);
    assert_int_equal(json_at(d, node)->count, json_object_object_length(o));
    for (uint32_t m = json_first(node); m < json_at(d, node)->next; m = json_at(d, m + 1)->next) {
        struct json_object *value;
        char *name = gw_arena_copy(d->arena, json_str(d, m));
        assert_true(json_object_object_get_ex(o, name, &value));
        same_value(d, m + 1, value);
    }
}

static void same_array(const json_doc *d, uint32_t node, struct json_object *o)
{
    size_t i = 0;
    assert_int_equal(json_object_get_type(o), json_type_array);
    assert_int_equal(json_at(d, node)->count, json_object_array_length(o));
    for (uint32_t e = json_first(node); e < json_at(d, node)->next; e = json_at(d, e)->next)
        same_value(d, e, json_object_array_get_idx(o, i++));
}

static void same_value(const json_doc *d, uint32_t node, struct json_object *o)
{
    gw_str s;
    switch (json_kind_of(d, node)) {
    case JSON_OBJECT:
        same_object(d, node, o);
        break;
    case JSON_ARRAY:
        same_array(d, node, o);
        break;
    case JSON_STRING:
        s = json_str(d, node);
        assert_int_equal(json_object_get_type(o), json_type_string);
        assert_int_equal(s.n, json_object_get_string_len(o));
        assert_memory_equal(s.p, json_object_get_string(o), s.n);
        break;
    case JSON_INT:
        assert_int_equal(json_object_get_type(o), json_type_int);
        assert_true(json_at(d, node)->i == json_object_get_int64(o));
        break;
    case JSON_NUMBER: /* past int64 or with a fraction: we keep the text, json-c a double */
        assert_true(json_object_get_type(o) == json_type_double ||
                    json_object_get_type(o) == json_type_int);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        assert_int_equal(json_object_get_type(o), json_type_boolean);
        assert_int_equal(json_kind_of(d, node) == JSON_TRUE, json_object_get_boolean(o));
        break;
    case JSON_NULL:
        assert_null(o);
        break;
    }
}

/* True when we accept the text; json-c must then agree. */
static bool agrees(gw_str text)
{
    json_doc d;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    if (json_parse(text, arena, &d, NULL) != GW_OK)
        return false;
    struct json_tokener *t = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    char *copy =
        gw_arena_copy(arena, text); /* with a NUL: json-c wants to see the end of numbers */
    struct json_object *o = json_tokener_parse_ex(t, copy, (int)text.n + 1);
    enum json_tokener_error how = json_tokener_get_error(t);
    if (how != json_tokener_success)
        fail_msg("json-c refuses what we accept: %s", json_tokener_error_desc(how));
    same_value(&d, 0, o);
    json_object_put(o);
    json_tokener_free(t);
    return true;
}

static void every_accepted_file_of_the_public_suite_is_read_alike(void **state)
{
    (void)state;
    char folder[512], path[1024];
    const char *vectors = getenv("DUNLIN_VECTORS");
    const char *source = getenv("DUNLIN_SOURCE");
    if (vectors)
        snprintf(folder, sizeof folder, "%s/jsontestsuite/test_parsing", vectors);
    else
        snprintf(folder, sizeof folder, "%s/../shared/vectors/jsontestsuite/test_parsing",
                 source ? source : ".");
    DIR *dir = opendir(folder);
    if (!dir) {
        print_message("%s is missing\n", folder);
        skip();
    }
    int accepted = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        GW_AUTO_BUF gw_buf text;
        gw_buf_init(&text, TEXT_MAX);
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!strstr(e->d_name, ".json") || gw_file_read(path, &text, NULL) != GW_OK)
            continue;
        accepted += agrees(gw_buf_str(&text));
    }
    closedir(dir);
    assert_true(accepted >= 90); /* the suite has 95 files that must be accepted; we refuse a few */
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33) % below;
}

static void put_random(gw_buf *b, uint64_t *seed, int depth)
{
    static const char *const leaves[] = {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "-17",
                                         "1.5e3",
                                         "\"\\u4e2d\\n\"",
                                         "\"a\\\\\\\"/\"",
                                         "\"\"",
                                         "9223372036854775807",
                                         "\"\xe6\xac\xa0\"",
                                         "\"\\ud83d\\ude00\""};
    uint32_t kind = depth > 6 ? 0 : draw(seed, 4);
    if (kind < 2) {
        gw_buf_puts(b, leaves[draw(seed, GW_COUNT(leaves))]);
        return;
    }
    uint32_t n = draw(seed, 12); /* past the size at which names are hashed */
    gw_buf_putc(b, kind == 2 ? '[' : '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            gw_buf_puts(b, draw(seed, 2) ? "," : " ,\n ");
        if (kind == 3)
            gw_buf_printf(b, "\"m%u\" : ", i);
        put_random(b, seed, depth + 2);
    }
    gw_buf_putc(b, kind == 2 ? ']' : '}');
}

static void random_documents_are_read_alike_and_broken_ones_never_crash(void **state)
{
    (void)state;
    uint64_t seed = 20260312;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, TEXT_MAX);
    int broken_accepted = 0;
    for (int i = 0; i < RANDOM_DOCUMENTS; i++) {
        gw_buf_clear(&b);
        put_random(&b, &seed, 0);
        assert_int_equal(b.code, GW_OK);
        assert_true(agrees(gw_buf_str(&b)));
        size_t at = draw(&seed, (uint32_t)b.n);
        b.data[at] = (char)(b.data[at] ^ (1 << draw(&seed, 7)));
        broken_accepted += agrees(gw_buf_str(&b)); /* still JSON now and then: then alike too */
    }
    assert_true(broken_accepted < RANDOM_DOCUMENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_accepted_file_of_the_public_suite_is_read_alike),
        cmocka_unit_test(random_documents_are_read_alike_and_broken_ones_never_crash),
    };
    return cmocka_run_group_tests_name("json_oracle", tests, NULL, NULL);
}
