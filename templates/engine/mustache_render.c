/* mustache_render.c - program and data to text: one walk over the operations. */
#include "templates/engine/mustache_program.h"

#include <stdio.h>

enum { NOT_FOUND = UINT32_MAX, PATH_MAX_BYTES = 512 };

static const char STEPS_TEXT[] = "takes the rendering past 2000000 steps";

/* The context stack, one entry per open section, on the C stack. */
typedef struct scope {
    uint32_t node;
    const struct scope *up;   /* where the search goes on; NULL at the document's top */
    const struct scope *base; /* where this section's own name was found */
    const tag_name *name;     /* of the section; NULL at the top */
} scope;

typedef struct {
    const mustache *m;
    const json_doc *d;
    const mustache_mode *mode;
    gw_buf *out;
    size_t started; /* out->n before */
    uint32_t steps;
    uint32_t partial_depth;
    char indent[MUSTACHE_INDENT_MAX];
    size_t indent_n;
    gw_err *err;
    gw_code rc;
} renderer;

static bool render_range(renderer *r, uint32_t from, uint32_t end, const scope *s);

static bool refuse(renderer *r, gw_code code, const op *o, const char *what)
{
    if (o->name)
        r->rc = gw_fail(r->err, code, "%s line %u: %.*s %s", r->m->units[o->unit].name, o->line,
                        GW_STR_ARG(o->name->full), what);
    else
        r->rc = gw_fail(r->err, code, "%s line %u: %s", r->m->units[o->unit].name, o->line, what);
    return false;
}

/* The first part of a name is searched from the innermost scope outwards; once it is found, the
 * rest must be there too (mustache spec, "Dotted Names - Context Precedence"). */
static uint32_t resolve(const renderer *r, const tag_name *name, const scope *s,
                        const scope **ret_base)
{
    *ret_base = s;
    if (name->parts == 0)
        return s->node;
    uint32_t at = 0;
    for (; s && !at; s = s->up) {
        *ret_base = s;
        at = json_member(r->d, s->node, name->part[0]);
    }
    for (uint32_t i = 1; i < name->parts && at; i++)
        at = json_member(r->d, at, name->part[i]);
    return at ? at : NOT_FOUND;
}

/* "items.reference" for a name met inside {{#items}}; cut when longer than a name can be. */
static size_t scope_path(const scope *s, char *text, size_t n)
{
    if (!s->name)
        return n;
    n = scope_path(s->base, text, n);
    if (s->name->parts == 0)
        return n; /* {{#.}} stays where it is */
    int more = snprintf(text + n, PATH_MAX_BYTES - n, "%.*s.", GW_STR_ARG(s->name->full));
    n += (size_t)more;
    return n < PATH_MAX_BYTES ? n : PATH_MAX_BYTES - 1;
}

static bool is_optional(const renderer *r, const tag_name *name, const scope *s)
{
    char path[PATH_MAX_BYTES];
    if (r->mode->optional_count == 0)
        return false;
    for (; s; s = s->up) {
        size_t n = scope_path(s, path, 0);
        snprintf(path + n, sizeof path - n, "%.*s", GW_STR_ARG(name->full));
        for (size_t i = 0; i < r->mode->optional_count; i++)
            if (strcmp(path, r->mode->optional[i]) == 0)
                return true;
    }
    return false;
}

static bool put_html(gw_buf *out, gw_str s)
{
    size_t plain = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *entity;
        switch (s.p[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        default:
            continue;
        }
        gw_buf_put(out, s.p + plain, i - plain);
        gw_buf_puts(out, entity);
        plain = i + 1;
    }
    return gw_buf_put(out, s.p + plain, s.n - plain) == GW_OK;
}

/* C0, DEL, C1 (U+0080..9F) and the line and paragraph separators U+2028/9 break a header. */
bool mustache_breaks_header(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        unsigned char next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && next < 0xA0))
            return true;
        if (c == 0xE2 && next == 0x80 && i + 2 < s.n && ((unsigned char)s.p[i + 2] & 0xFE) == 0xA8)
            return true;
    }
    return false;
}

static bool check_room(renderer *r, const op *o)
{
    if (r->out->code != GW_OK) {
        gw_code code = r->out->code;
        return refuse(r, code, o, code == GW_ENOMEM ? "out of memory" : "output buffer is full");
    }
    if (r->out->n - r->started > MUSTACHE_OUTPUT_MAX)
        return refuse(r, GW_ELIMIT, o, "the output is larger than 4194304 bytes");
    return true;
}

/* The printable form of a value; p is NULL when it has none. */
static gw_str printed(const renderer *r, uint32_t node)
{
    switch (node == NOT_FOUND ? JSON_NULL : json_kind_of(r->d, node)) {
    case JSON_STRING:
        return json_str(r->d, node);
    case JSON_INT:
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        return json_raw(r->d, node);
    default:
        return (gw_str){"", 0};
    }
}

static const char *why_not_printed(const renderer *r, uint32_t node)
{
    if (node == NOT_FOUND)
        return "is not in the data; supply it, or test it with a section";
    switch (json_kind_of(r->d, node)) {
    case JSON_NULL:
        return "is null; supply a value, or test it with a section";
    case JSON_ARRAY:
    case JSON_OBJECT:
        return "is a list or object; name one of its values";
    default:
        return "is empty; supply a value, or test it with a section";
    }
}

static bool render_variable(renderer *r, const op *o, const scope *s)
{
    const scope *base;
    uint32_t node = resolve(r, o->name, s, &base);
    gw_str value = printed(r, node);
    if (!value.p)
        return refuse(r, GW_ELIMIT, o, "needs more memory than the data's arena has");
    if (value.n == 0)
        return !r->mode->strict || refuse(r, GW_EREFUSED, o, why_not_printed(r, node));
    if (r->mode->escape == MUSTACHE_HEADER && mustache_breaks_header(value))
        return refuse(r, GW_EREFUSED, o,
                      "has a line break or control character; a header must not");
    if (r->mode->escape == MUSTACHE_HTML && !o->raw)
        put_html(r->out, value);
    else
        gw_buf_put_str(r->out, value);
    return check_room(r, o);
}

static bool render_text(renderer *r, const op *o, gw_str text)
{
    gw_buf_put_str(r->out, text);
    return check_room(r, o);
}

static bool is_falsey(const renderer *r, uint32_t node)
{
    if (node == NOT_FOUND)
        return true;
    const json_node *n = json_at(r->d, node);
    return n->kind == JSON_NULL || n->kind == JSON_FALSE || (n->kind == JSON_ARRAY && !n->count) ||
           (n->kind == JSON_STRING && !n->len);
}

/* In strict mode only false and the empty list are answers; no answer must have been foreseen. */
static bool may_test(renderer *r, const op *o, const scope *s, uint32_t node)
{
    bool answered = node != NOT_FOUND && json_kind_of(r->d, node) != JSON_NULL &&
                    (json_kind_of(r->d, node) != JSON_STRING || json_at(r->d, node)->len);
    if (answered || !r->mode->strict || is_optional(r, o->name, s))
        return true;
    return refuse(
        r, GW_EREFUSED, o,
        "is tested by a section but is not in the data; supply it or declare it optional");
}

static bool render_section(renderer *r, uint32_t index, const scope *s)
{
    const op *o = &r->m->ops[index];
    scope inner = {.up = s, .name = o->name};
    uint32_t node = resolve(r, o->name, s, &inner.base);
    if (!may_test(r, o, s, node))
        return false;
    bool falsey = is_falsey(r, node);
    if (o->kind == OP_INVERTED)
        return !falsey || render_range(r, index + 1, o->end, s);
    if (falsey)
        return true;
    inner.node = node;
    if (json_kind_of(r->d, node) != JSON_ARRAY)
        return render_range(r, index + 1, o->end, &inner);
    uint32_t behind = json_at(r->d, node)->next;
    for (uint32_t at = json_first(node); at < behind; at = json_at(r->d, at)->next) {
        inner.node = at;
        if (++r->steps > MUSTACHE_STEPS_MAX) /* an empty body must not make a long list free */
            return refuse(r, GW_ELIMIT, o, STEPS_TEXT);
        if (!render_range(r, index + 1, o->end, &inner))
            return false;
    }
    return true;
}

static bool render_partial(renderer *r, const op *o, const scope *s)
{
    if (o->partial == NO_PARTIAL)
        return !r->mode->strict ||
               refuse(r, GW_EREFUSED, o, "is a partial that was not given; supply it");
    if (r->partial_depth == MUSTACHE_PARTIAL_DEPTH_MAX)
        return refuse(r, GW_ELIMIT, o, "nests partials deeper than 16");
    if (o->text.n > sizeof r->indent - r->indent_n)
        return refuse(r, GW_ELIMIT, o, "nested partials indent by more than 256 bytes");
    const unit *u = &r->m->units[o->partial];
    size_t indent_before = r->indent_n;
    if (o->text.n)
        memcpy(r->indent + r->indent_n, o->text.p, o->text.n);
    r->indent_n += o->text.n;
    r->partial_depth++;
    bool done = render_range(r, u->first, u->end, s);
    r->partial_depth--;
    r->indent_n = indent_before;
    return done;
}

static bool render_op(renderer *r, uint32_t index, const scope *s)
{
    const op *o = &r->m->ops[index];
    switch ((op_kind)o->kind) {
    case OP_TEXT:
        return render_text(r, o, o->text);
    case OP_INDENT:
        return render_text(r, o, (gw_str){r->indent, r->indent_n});
    case OP_VARIABLE:
        return render_variable(r, o, s);
    case OP_SECTION:
    case OP_INVERTED:
        return render_section(r, index, s);
    case OP_PARTIAL:
        return render_partial(r, o, s);
    }
    gw_bug("template operation of no kind");
}

static bool render_range(renderer *r, uint32_t from, uint32_t end, const scope *s)
{
    for (uint32_t i = from; i < end;) {
        const op *o = &r->m->ops[i];
        if (++r->steps > MUSTACHE_STEPS_MAX)
            return refuse(r, GW_ELIMIT, o, STEPS_TEXT);
        if (!render_op(r, i, s))
            return false;
        i = o->kind == OP_SECTION || o->kind == OP_INVERTED ? o->end : i + 1;
    }
    return true;
}

gw_code mustache_render(const mustache *m, const json_doc *data, const mustache_mode *mode,
                        gw_buf *out, gw_err *err)
{
    if (data->len > MUSTACHE_DATA_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: data of %u bytes; at most %d are rendered",
                       m->units[0].name, data->len, MUSTACHE_DATA_MAX);
    if (out->code != GW_OK)
        return gw_buf_code(out, m->units[0].name, err);
    renderer r = {.m = m, .d = data, .mode = mode, .out = out, .started = out->n, .err = err};
    scope top = {.node = 0};
    if (render_range(&r, m->units[0].first, m->units[0].end, &top))
        return GW_OK;
    out->n = r.started;
    out->code = GW_OK;
    if (out->data)
        out->data[out->n] = '\0';
    return r.rc;
}
