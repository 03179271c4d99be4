/* mustache_compile.c - template text to program, in one pass over each template. */
#include "templates/engine/mustache_program.h"

#include <stdio.h>

enum {
    ARENA_MAX = 64 * 1024 * 1024, /* names and texts of MUSTACHE_TOTAL_MAX bytes stay far below */
    FIRST_OPS = 64,
};

typedef struct {
    mustache *m;
    gw_err *err;
    gw_code rc;
    uint32_t cap;      /* allocated operations */
    uint16_t unit;     /* being compiled */
    const char *start; /* its text */
    const char *end;
    const char *p;     /* first byte not yet compiled */
    const char *lined; /* lines are counted up to here */
    uint32_t line;     /* line of `lined` */
    char open[MUSTACHE_DELIMITER_MAX + 1], close[MUSTACHE_DELIMITER_MAX + 1];
    uint32_t sections[MUSTACHE_NESTING_MAX]; /* open ones */
    uint32_t depth;
} compiler;

/* One tag as found: [from, to) with its delimiters, content without sigil and space. */
typedef struct {
    const char *from, *to;
    char sigil; /* one of #^/>!=&{ or 0 for a variable */
    gw_str content;
    uint32_t line;
} found_tag;

static bool refuse(compiler *c, gw_code code, uint32_t line, const char *what)
{
    c->rc = gw_fail(c->err, code, "%s line %u: %s", c->m->units[c->unit].name, line, what);
    return false;
}

static bool refuse_name(compiler *c, uint32_t line, const char *before, gw_str name,
                        const char *behind)
{
    char what[MUSTACHE_NAME_MAX + 96];
    int shown = name.n > 60 ? 60 : (int)name.n;
    snprintf(what, sizeof what, "%s%.*s%s", before, shown, name.p, behind);
    return refuse(c, GW_EINVAL, line, what);
}

static uint32_t line_at(compiler *c, const char *p)
{
    for (; c->lined < p; c->lined++)
        c->line += *c->lined == '\n';
    return c->line;
}

static op *add_op(compiler *c, op_kind kind, uint32_t line)
{
    mustache *m = c->m;
    if (m->op_count == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : FIRST_OPS;
        op *more = realloc(m->ops, cap * sizeof *more);
        if (!more) {
            c->rc = gw_fail(c->err, GW_ENOMEM, "compiling template: out of memory");
            return NULL;
        }
        m->ops = more;
        c->cap = cap;
    }
    op *o = &m->ops[m->op_count++];
    *o = (op){.kind = (uint8_t)kind, .unit = c->unit, .line = line};
    return o;
}

static bool at_line_start(const compiler *c, const char *p)
{
    return p == c->start || p[-1] == '\n';
}

/* Indentation of a standalone partial tag goes before each line of the partial's own text (not of
 * the values in it); only partials need the marks. */
static bool add_indent(compiler *c, const char *p, uint32_t line)
{
    return c->unit == 0 || !at_line_start(c, p) || add_op(c, OP_INDENT, line);
}

static bool add_text(compiler *c, const char *from, const char *to, uint32_t line)
{
    while (from < to) {
        const char *stop = to;
        if (c->unit != 0) {
            const char *lf = memchr(from, '\n', (size_t)(to - from));
            stop = lf ? lf + 1 : to;
        }
        if (!add_indent(c, from, line))
            return false;
        op *o = add_op(c, OP_TEXT, line++);
        if (!o)
            return false;
        o->text = (gw_str){from, (size_t)(stop - from)};
        from = stop;
    }
    return true;
}

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '\f' || ch == '\v';
}

static gw_str trim(gw_str s)
{
    while (s.n && is_space(s.p[0]))
        s = (gw_str){s.p + 1, s.n - 1};
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static const char *find(const char *from, const char *end, const char *what)
{
    return from < end ? memmem(from, (size_t)(end - from), what, strlen(what)) : NULL;
}

/* Read the tag whose opening delimiter stands at from. */
static bool read_tag(compiler *c, const char *from, found_tag *ret)
{
    char closing[MUSTACHE_DELIMITER_MAX + 2];
    uint32_t line = line_at(c, from);
    const char *p = from + strlen(c->open);
    while (p < c->end && is_space(*p))
        p++;
    char sigil = p < c->end && *p && strchr("#^/>!=&{", *p) ? *p : '\0';
    p += sigil != '\0';
    const char *before = sigil == '{' ? "}" : sigil == '=' ? "=" : "";
    snprintf(closing, sizeof closing, "%s%s", before, c->close);
    const char *stop = find(p, c->end, closing);
    if (!stop)
        return refuse_name(c, line, "the tag is never closed; add ", gw_str_of(closing), "");
    *ret = (found_tag){.from = from,
                       .to = stop + strlen(closing),
                       .sigil = sigil,
                       .content = trim((gw_str){p, (size_t)(stop - p)}),
                       .line = line};
    return true;
}

static bool split_name(compiler *c, const found_tag *tag, tag_name *name)
{
    if (gw_str_is(name->full, "."))
        return true;
    uint32_t parts = 1;
    for (size_t i = 0; i < name->full.n; i++)
        parts += name->full.p[i] == '.';
    name->part = gw_arena_alloc(c->m->arena, parts * sizeof *name->part);
    char *copy = gw_arena_copy(c->m->arena, name->full);
    if (!name->part || !copy)
        return refuse(c, GW_ENOMEM, tag->line, "out of memory");
    for (char *p = copy; name->parts < parts; name->parts++) {
        char *dot = strchrnul(p, '.');
        if (dot == p)
            return refuse_name(c, tag->line, "the dotted name ", name->full, " has an empty part");
        name->part[name->parts] = p;
        p = *dot ? dot + 1 : dot;
        *dot = '\0';
    }
    return true;
}

static const tag_name *make_name(compiler *c, const found_tag *tag)
{
    if (tag->content.n == 0) {
        refuse(c, GW_EINVAL, tag->line, "the tag has no name");
        return NULL;
    }
    if (tag->content.n > MUSTACHE_NAME_MAX) {
        refuse(c, GW_ELIMIT, tag->line, "the name is longer than 128 bytes");
        return NULL;
    }
    for (size_t i = 0; i < tag->content.n; i++) {
        unsigned char ch = (unsigned char)tag->content.p[i];
        if (ch <= ' ' || ch == 0x7F) {
            refuse_name(c, tag->line, "the name '", tag->content,
                        "' has white space or a control character in it");
            return NULL;
        }
    }
    tag_name *name = gw_arena_alloc(c->m->arena, sizeof *name);
    if (!name) {
        refuse(c, GW_ENOMEM, tag->line, "out of memory");
        return NULL;
    }
    name->full = tag->content;
    if (tag->sigil != '>' && !split_name(c, tag, name))
        return NULL;
    return name;
}

static bool set_delimiters(compiler *c, const found_tag *tag)
{
    gw_str s = tag->content;
    size_t n = 0;
    while (n < s.n && !is_space(s.p[n]))
        n++;
    gw_str open = {s.p, n};
    gw_str close = trim((gw_str){s.p + n, s.n - n});
    bool good =
        open.n && close.n && open.n <= MUSTACHE_DELIMITER_MAX && close.n <= MUSTACHE_DELIMITER_MAX;
    for (size_t i = 0; good && i < s.n; i++)
        good = s.p[i] != '=' && s.p[i] != '\0';
    for (size_t i = 0; good && i < close.n; i++)
        good = !is_space(close.p[i]);
    if (!good)
        return refuse(
            c, GW_EINVAL, tag->line,
            "delimiters are two words of at most 16 bytes without '=', as in {{=<% %>=}}");
    memcpy(c->open, open.p, open.n);
    c->open[open.n] = '\0';
    memcpy(c->close, close.p, close.n);
    c->close[close.n] = '\0';
    return true;
}

static bool open_section(compiler *c, const found_tag *tag)
{
    if (c->depth == MUSTACHE_NESTING_MAX)
        return refuse(c, GW_ELIMIT, tag->line, "sections are nested deeper than 32");
    const tag_name *name = make_name(c, tag);
    op *o = name ? add_op(c, tag->sigil == '#' ? OP_SECTION : OP_INVERTED, tag->line) : NULL;
    if (!o)
        return false;
    o->name = name;
    c->sections[c->depth++] = c->m->op_count - 1;
    return true;
}

static bool close_section(compiler *c, const found_tag *tag)
{
    if (c->depth == 0)
        return refuse_name(c, tag->line, "{{/", tag->content, "}} closes no open section");
    op *open = &c->m->ops[c->sections[c->depth - 1]];
    if (!gw_str_eq(open->name->full, tag->content))
        return refuse_name(c, tag->line, "the section open here is {{#", open->name->full,
                           "}}; close it first");
    open->end = c->m->op_count;
    c->depth--;
    return true;
}

static bool add_variable(compiler *c, const found_tag *tag)
{
    const tag_name *name = make_name(c, tag);
    op *o = name ? add_op(c, OP_VARIABLE, tag->line) : NULL;
    if (!o)
        return false;
    o->name = name;
    o->raw = tag->sigil == '&' || tag->sigil == '{';
    return true;
}

static bool add_partial(compiler *c, const found_tag *tag, gw_str indent)
{
    const tag_name *name = make_name(c, tag);
    op *o = name ? add_op(c, OP_PARTIAL, tag->line) : NULL;
    if (!o)
        return false;
    o->name = name;
    o->text = indent;
    o->partial = NO_PARTIAL; /* resolved when all units have their place */
    return true;
}

/* A section, comment, partial or delimiter tag alone on its line takes the line with it: *ret_from
 * and *ret_to then span the whole line including its end. */
static bool is_standalone(const compiler *c, const found_tag *tag, const char **ret_from,
                          const char **ret_to)
{
    const char *from = tag->from;
    const char *to = tag->to;
    if (!tag->sigil || !strchr("#^/>!=", tag->sigil))
        return false;
    while (from > c->start && (from[-1] == ' ' || from[-1] == '\t'))
        from--;
    if (!at_line_start(c, from))
        return false;
    while (to < c->end && (*to == ' ' || *to == '\t'))
        to++;
    if (to + 1 < c->end && to[0] == '\r' && to[1] == '\n')
        to += 2;
    else if (to < c->end && *to == '\n')
        to++;
    else if (to != c->end)
        return false;
    *ret_from = from;
    *ret_to = to;
    return true;
}

static bool compile_tag(compiler *c, const found_tag *tag, gw_str indent)
{
    switch (tag->sigil) {
    case '!':
        return true;
    case '=':
        return set_delimiters(c, tag);
    case '#':
    case '^':
        return open_section(c, tag);
    case '/':
        return close_section(c, tag);
    case '>':
        return add_partial(c, tag, indent);
    default:
        return add_variable(c, tag);
    }
}

static bool compile_next(compiler *c)
{
    uint32_t line = line_at(c, c->p);
    const char *at = find(c->p, c->end, c->open);
    if (!at) {
        const char *from = c->p;
        c->p = c->end;
        return add_text(c, from, c->end, line);
    }
    found_tag tag;
    if (!read_tag(c, at, &tag))
        return false;
    const char *from = tag.from;
    const char *to = tag.to;
    gw_str indent = {"", 0};
    bool standalone = is_standalone(c, &tag, &from, &to);
    if (!add_text(c, c->p, from, line))
        return false;
    if (standalone)
        indent = (gw_str){from, (size_t)(tag.from - from)};
    else if (!add_indent(c, tag.from, tag.line))
        return false;
    c->p = to;
    return compile_tag(c, &tag, indent);
}

static gw_code compile_unit(compiler *c, const mustache_source *source)
{
    mustache *m = c->m;
    if (source->text.n > MUSTACHE_TEMPLATE_MAX)
        return gw_fail(c->err, GW_ELIMIT, "%s: %zu bytes; a template has at most %d", source->name,
                       source->text.n, MUSTACHE_TEMPLATE_MAX);
    unit *u = &m->units[m->unit_count];
    c->unit = (uint16_t)m->unit_count++;
    u->name = gw_arena_copy(m->arena, gw_str_of(source->name));
    c->start = gw_arena_copy(m->arena, source->text);
    if (!u->name || !c->start)
        return gw_fail(c->err, GW_ENOMEM, "compiling template: out of memory");
    c->p = c->lined = c->start;
    c->end = c->start + source->text.n;
    c->line = 1;
    c->depth = 0;
    memcpy(c->open, "{{", 3);
    memcpy(c->close, "}}", 3);
    u->first = m->op_count;
    while (c->p < c->end)
        if (!compile_next(c))
            return c->rc;
    if (c->depth) {
        const op *open = &m->ops[c->sections[c->depth - 1]];
        refuse_name(c, open->line, "the section ", open->name->full, " is never closed");
        return c->rc;
    }
    u->end = m->op_count;
    return GW_OK;
}

static void link_partials(mustache *m)
{
    for (uint32_t i = 0; i < m->op_count; i++)
        for (uint32_t k = 1; m->ops[i].kind == OP_PARTIAL && k < m->unit_count; k++)
            if (gw_str_is(m->ops[i].name->full, m->units[k].name))
                m->ops[i].partial = k;
}

gw_code mustache_compile(const mustache_source *top, const mustache_source *partials,
                         size_t partial_count, mustache **ret_program, gw_err *err)
{
    size_t total = top->text.n;
    for (size_t i = 0; i < partial_count; i++)
        total += partials[i].text.n;
    if (partial_count > MUSTACHE_PARTIALS_MAX || total > MUSTACHE_TOTAL_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: %zu partials and %zu bytes together; at most %d and %d",
                       top->name, partial_count, total, MUSTACHE_PARTIALS_MAX, MUSTACHE_TOTAL_MAX);
    GW_AUTO(mustache_free) mustache *m = calloc(1, sizeof *m);
    if (!m || !(m->arena = gw_arena_new(ARENA_MAX)))
        return gw_fail(err, GW_ENOMEM, "compiling template: out of memory");
    compiler c = {.m = m, .err = err};
    gw_code rc = compile_unit(&c, top);
    for (size_t i = 0; rc == GW_OK && i < partial_count; i++)
        rc = compile_unit(&c, &partials[i]);
    if (rc != GW_OK)
        return rc;
    link_partials(m);
    *ret_program = m;
    m = NULL;
    return GW_OK;
}

void mustache_free(mustache *m)
{
    if (!m)
        return;
    gw_arena_free(m->arena);
    free(m->ops);
    free(m);
}
