#include "gateway/policy/rules_diff.h"

enum { ARENA_BYTES = 64 << 20, NONE = 0 };

typedef struct {
    const json_doc *old, *new;
    gw_buf *out;
    bool json;
    size_t n;
} differ;

/* Strings come without their quotes. */
static void put_value(gw_buf *out, const json_doc *d, uint32_t at)
{
    bool text = json_kind_of(d, at) == JSON_STRING;
    gw_buf_puts(out, text ? "\"" : "");
    gw_buf_put_str(out, json_raw(d, at));
    gw_buf_puts(out, text ? "\"" : "");
}

static void put_side(differ *f, const json_doc *d, uint32_t at, const char *sign, const char *name)
{
    char pointer[JSON_POINTER_TEXT];
    if (at == NONE)
        return;
    if (f->json) {
        json_put_name(f->out, name);
        put_value(f->out, d, at);
        return;
    }
    json_pointer(d, at, pointer);
    gw_buf_printf(f->out, "%s %s ", sign, pointer);
    put_value(f->out, d, at);
    gw_buf_putc(f->out, '\n');
}

static void put_change(differ *f, uint32_t a, uint32_t b)
{
    char pointer[JSON_POINTER_TEXT];
    if (f->json) {
        gw_buf_puts(f->out, f->n ? ",{" : "{");
        json_pointer(a ? f->old : f->new, a ? a : b, pointer);
        json_put_member_str(f->out, "at", gw_str_of(pointer));
    }
    put_side(f, f->old, a, "-", "old");
    put_side(f, f->new, b, "+", "new");
    if (f->json)
        gw_buf_putc(f->out, '}');
    f->n++;
}

static void compare(differ *f, uint32_t a, uint32_t b);

static uint32_t named(const json_doc *d, uint32_t object, gw_str name)
{
    for (uint32_t m = json_first(object); m < json_at(d, object)->next; m = json_at(d, m + 1)->next)
        if (gw_str_eq(json_raw(d, m), name))
            return m + 1;
    return NONE;
}

static void compare_objects(differ *f, uint32_t a, uint32_t b)
{
    for (uint32_t m = json_first(a); m < json_at(f->old, a)->next;
         m = json_at(f->old, m + 1)->next) {
        uint32_t other = named(f->new, b, json_raw(f->old, m));
        if (other)
            compare(f, m + 1, other);
        else
            put_change(f, m + 1, NONE);
    }
    for (uint32_t m = json_first(b); m < json_at(f->new, b)->next; m = json_at(f->new, m + 1)->next)
        if (!named(f->old, a, json_raw(f->new, m)))
            put_change(f, NONE, m + 1);
}

static void compare_arrays(differ *f, uint32_t a, uint32_t b)
{
    uint32_t end_a = json_at(f->old, a)->next;
    uint32_t end_b = json_at(f->new, b)->next;
    uint32_t x = json_first(a);
    uint32_t y = json_first(b);
    for (; x < end_a && y < end_b; x = json_at(f->old, x)->next, y = json_at(f->new, y)->next)
        compare(f, x, y);
    for (; x < end_a; x = json_at(f->old, x)->next)
        put_change(f, x, NONE);
    for (; y < end_b; y = json_at(f->new, y)->next)
        put_change(f, NONE, y);
}

static void compare(differ *f, uint32_t a, uint32_t b)
{
    json_kind kind = json_kind_of(f->old, a);
    bool same = kind == json_kind_of(f->new, b);
    if (same && kind == JSON_OBJECT)
        compare_objects(f, a, b);
    else if (same && kind == JSON_ARRAY)
        compare_arrays(f, a, b);
    else if (!same || !gw_str_eq(json_raw(f->old, a), json_raw(f->new, b)))
        put_change(f, a, b);
}

gw_code rules_diff(gw_str old_text, gw_str new_text, bool json, gw_buf *out, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_BYTES);
    json_doc a, b;
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "comparing");
    gw_code rc = json_parse(old_text, arena, &a, err);
    if (rc == GW_OK)
        rc = json_parse(new_text, arena, &b, err);
    if (rc != GW_OK)
        return rc;
    differ f = {&a, &b, out, json, 0};
    if (json)
        gw_buf_putc(out, '[');
    compare(&f, 0, 0);
    if (json)
        gw_buf_puts(out, "]\n");
    return gw_buf_code(out, "the differences", err);
}
