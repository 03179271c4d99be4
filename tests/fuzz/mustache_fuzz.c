/* Template text, one partial named "p" and JSON data, parted by NUL bytes: compile, walk, render.
 * Whatever renders strictly renders the same without strictness, and twice the same. */
#include "templates/engine/mustache.h"

#include <assert.h>

enum { INPUT_MAX = 4096, OUTPUT_MAX = 64 * 1024, ARENA_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static gw_str take_field(gw_str *rest)
{
    const char *nul = rest->n ? memchr(rest->p, '\0', rest->n) : NULL;
    gw_str field = {rest->p, nul ? (size_t)(nul - rest->p) : rest->n};
    size_t used = field.n + (nul != NULL);
    *rest = (gw_str){rest->p + used, rest->n - used};
    return field;
}

static void count_event(void *arg, const mustache_event *e)
{
    size_t *sum = arg;
    assert(e->line > 0 && e->file);
    *sum += e->text.n;
}

static void render_both_ways(const mustache *m, const json_doc *d, mustache_escape escape)
{
    GW_AUTO_BUF gw_buf strict;
    GW_AUTO_BUF gw_buf lax;
    gw_err err = {0};
    mustache_mode mode = {.escape = escape, .strict = true};
    gw_buf_init(&strict, OUTPUT_MAX);
    gw_buf_init(&lax, OUTPUT_MAX);
    gw_code first = mustache_render(m, d, &mode, &strict, &err);
    assert(first == GW_OK || (err.text[0] && strict.n == 0));
    mode.strict = false;
    gw_code second = mustache_render(m, d, &mode, &lax, &err);
    if (first == GW_OK)
        assert(second == GW_OK && gw_str_eq(gw_buf_str(&strict), gw_buf_str(&lax)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gw_str rest = {(const char *)data, n};
    GW_AUTO(mustache_free) mustache *m = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    json_doc d;
    gw_err err = {0};
    size_t sum = 0;
    if (n > INPUT_MAX || !arena)
        return 0;
    mustache_source top = {"top", take_field(&rest)};
    mustache_source partial = {"p", take_field(&rest)};
    if (mustache_compile(&top, &partial, 1, &m, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    mustache_walk(m, count_event, &sum);
    if (json_parse(rest, arena, &d, &err) != GW_OK)
        return 0;
    for (int escape = MUSTACHE_PLAIN; escape <= MUSTACHE_HEADER; escape++)
        render_both_ways(m, &d, (mustache_escape)escape);
    return 0;
}
