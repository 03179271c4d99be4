/* additive_file.c - a trained model as JSON text, and back. */
#include "gateway/base/arena.h"
#include "gateway/base/json.h"
#include "gateway/timing/additive_part.h"

#include <math.h>
#include <stdio.h>

enum { FILE_ARENA = 4 << 20, NUMBER_TEXT = 40 };

static void put_number(gw_buf *b, double v)
{
    gw_buf_printf(b, "\"%.17g\"", v);
}

static void put_list(gw_buf *b, const char *name, const double *v, int n)
{
    json_put_name(b, name);
    gw_buf_putc(b, '[');
    for (int i = 0; i < n; i++) {
        if (i)
            gw_buf_putc(b, ',');
        put_number(b, v[i]);
    }
    gw_buf_putc(b, ']');
}

gw_code additive_save(const additive *m, gw_buf *out)
{
    gw_buf_puts(out, "{\"format\":1,\"bias\":");
    put_number(out, m->bias);
    gw_buf_puts(out, ",\"columns\":[");
    for (size_t i = 0; i < m->n; i++) {
        const additive_curve *c = &m->c[i];
        gw_buf_puts(out, i ? ",{" : "{");
        json_put_member_str(out, "name", gw_str_of(c->name));
        put_list(out, "knots", c->knots, c->n);
        put_list(out, "weights", c->w, c->n);
        json_put_name(out, "missing");
        put_number(out, c->w[c->n]);
        json_put_name(out, "mean");
        put_number(out, c->mean);
        gw_buf_putc(out, '}');
    }
    return gw_buf_puts(out, "]}\n");
}

/* ---- reading ---- */

static bool number_of(const json_doc *d, uint32_t node, double *ret)
{
    char text[NUMBER_TEXT], *end;
    gw_str s = node && json_kind_of(d, node) == JSON_STRING ? json_str(d, node) : (gw_str){0};
    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    *ret = strtod(text, &end);
    return end == text + s.n && isfinite(*ret);
}

static bool list_of(const json_doc *d, uint32_t object, const char *name, double *ret, int *ret_n)
{
    uint32_t list = json_member(d, object, name);
    if (!list || json_kind_of(d, list) != JSON_ARRAY ||
        json_at(d, list)->count > ADDITIVE_KNOTS_MAX)
        return false;
    int n = 0;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next)
        if (!number_of(d, e, &ret[n++]))
            return false;
    *ret_n = n;
    return true;
}

static bool read_curve(const json_doc *d, uint32_t object, additive_curve *c)
{
    int weights;
    if (json_kind_of(d, object) != JSON_OBJECT || !list_of(d, object, "knots", c->knots, &c->n) ||
        !list_of(d, object, "weights", c->w, &weights) || weights != c->n ||
        !number_of(d, json_member(d, object, "missing"), &c->w[c->n]) ||
        !number_of(d, json_member(d, object, "mean"), &c->mean))
        return false;
    for (int i = 1; i < c->n; i++)
        if (c->knots[i] <= c->knots[i - 1])
            return false;
    return true;
}

static gw_code read_columns(const json_doc *d, uint32_t list, gw_arena *arena, additive **ret,
                            gw_err *err)
{
    size_t n = 0;
    const char *names[ADDITIVE_COLUMNS_MAX];
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        gw_str name = json_kind_of(d, e) == JSON_OBJECT ? json_get_str(d, e, "name") : (gw_str){0};
        names[n] = name.n ? gw_arena_copy(arena, name) : NULL;
        if (!names[n++])
            return gw_fail(err, GW_EINVAL, "model: /columns/%zu has no name", n - 1);
    }
    GW_AUTO(additive_free) additive *m = additive_new(names, n);
    if (!m)
        return gw_fail(err, GW_ENOMEM, "reading a model");
    size_t i = 0;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next, i++)
        if (!read_curve(d, e, &m->c[i]))
            return gw_fail(err, GW_EINVAL, "model: /columns/%zu is not a curve", i);
    *ret = m;
    m = NULL;
    return GW_OK;
}

gw_code additive_load(gw_str json, additive **ret, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(FILE_ARENA);
    json_doc d;
    double bias;
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "reading a model");
    gw_code rc = json_parse(json, arena, &d, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "model");
    if (json_kind_of(&d, 0) != JSON_OBJECT || json_get_int(&d, 0, "format", 0) != 1)
        return gw_fail(err, GW_EINVAL, "model: /format must be 1");
    uint32_t list = json_member(&d, 0, "columns");
    if (!number_of(&d, json_member(&d, 0, "bias"), &bias))
        return gw_fail(err, GW_EINVAL, "model: /bias must be a number as text");
    if (!list || json_kind_of(&d, list) != JSON_ARRAY || json_at(&d, list)->count == 0 ||
        json_at(&d, list)->count > ADDITIVE_COLUMNS_MAX)
        return gw_fail(err, GW_EINVAL, "model: /columns must be 1 to %d curves",
                       ADDITIVE_COLUMNS_MAX);
    additive *m = NULL;
    rc = read_columns(&d, list, arena, &m, err);
    if (rc == GW_OK) {
        m->bias = bias;
        *ret = m;
    }
    return rc;
}
