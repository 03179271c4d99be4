/* render_helper.h - shorthand of the engine's tests: JSON text in, rendered text out. */
#ifndef TESTS_TEMPLATES_ENGINE_RENDER_HELPER_H
#define TESTS_TEMPLATES_ENGINE_RENDER_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "templates/engine/mustache.h"

#include <stdio.h>

enum { TEST_ARENA = 64 * 1024 * 1024 };

/* Compile and render template text with data as JSON text; ret_out is initialised here, free it
 * with gw_buf_done. */
static inline gw_code render_text(const char *text, const char *data,
                                  const mustache_source *partials, size_t count,
                                  const mustache_mode *mode, gw_buf *ret_out, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(TEST_ARENA);
    GW_AUTO(mustache_free) mustache *m = NULL;
    json_doc d;
    mustache_source top = {"letter.mustache", gw_str_of(text)};
    gw_buf_init(ret_out, MUSTACHE_OUTPUT_MAX * 2);
    assert_int_equal(json_parse(gw_str_of(data), arena, &d, err), GW_OK);
    gw_code rc = mustache_compile(&top, partials, count, &m, err);
    return rc == GW_OK ? mustache_render(m, &d, mode, ret_out, err) : rc;
}

static inline void assert_renders(const char *text, const char *data, const mustache_mode *mode,
                                  const char *expected)
{
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    if (render_text(text, data, NULL, 0, mode, &out, &err) != GW_OK)
        fail_msg("%s: %s", text, err.text);
    assert_string_equal(out.data ? out.data : "", expected);
}

/* The template is refused with code, and the error text holds each of the words. */
static inline void assert_refused(const char *text, const char *data, const mustache_mode *mode,
                                  gw_code code, const char *word, const char *other_word)
{
    GW_AUTO_BUF gw_buf out;
    gw_err err = {0};
    gw_code rc = render_text(text, data, NULL, 0, mode, &out, &err);
    if (rc != code || !strstr(err.text, word) || !strstr(err.text, other_word))
        fail_msg("%s: answered %s '%s'", text, gw_code_name(rc), err.text);
    assert_int_equal(out.n, 0);
}

/* Folder of the public vectors. */
static inline void vectors_dir(char *ret_path, size_t room)
{
    const char *dir = getenv("DUNLIN_VECTORS");
    const char *source = getenv("DUNLIN_SOURCE");
    if (dir)
        snprintf(ret_path, room, "%s", dir);
    else
        snprintf(ret_path, room, "%s/../shared/vectors", source ? source : ".");
}

#endif
