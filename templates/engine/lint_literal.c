#include "templates/engine/lint_internal.h"

enum { LITERAL_MAX = 2 * MUSTACHE_TOTAL_MAX, FIRST_MARKS = 64, VARIABLE_BYTE = 1 };

/* At most two bytes behind the n at text; returns how many there are then. */
static size_t fold_to(char *text, size_t n, bool *space, unsigned char c)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        *space = true;
        return n;
    }
    unsigned char last = n ? (unsigned char)text[n - 1] : ' ';
    if (*space && last != ' ' && !(last >= 0x80 && c >= 0x80))
        text[n++] = ' ';
    *space = false;
    text[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return n;
}

static void fold_byte(gw_buf *out, bool *space, unsigned char c)
{
    if (!gw_buf_reserve(out, 2))
        return;
    out->n = fold_to(out->data, out->n, space, c);
    out->data[out->n] = '\0';
}

/* Never longer than it was: each space that comes in was one. */
void lint_literal_fold(gw_str s, gw_buf *ret)
{
    bool space = false;
    if (!gw_buf_reserve(ret, s.n))
        return;
    size_t n = ret->n;
    for (size_t i = 0; i < s.n; i++)
        n = fold_to(ret->data, n, &space, (unsigned char)s.p[i]);
    ret->n = n;
    ret->data[n] = '\0';
}

static void add_mark(lint_literal *l, const char *file, uint32_t line)
{
    if (l->mark_count == l->mark_cap) {
        uint32_t cap = l->mark_cap ? l->mark_cap * 2 : FIRST_MARKS;
        lint_mark *more = realloc(l->marks, cap * sizeof *more);
        if (!more) {
            l->failed = true;
            return;
        }
        l->marks = more;
        l->mark_cap = cap;
    }
    l->marks[l->mark_count++] = (lint_mark){(uint32_t)l->text.n, line, file};
}

static void read_text(lint_literal *l, const mustache_event *e)
{
    uint32_t line = e->line;
    add_mark(l, e->file, line);
    for (size_t i = 0; i < e->text.n; i++) {
        char c = e->text.p[i];
        if (c == '\n')
            add_mark(l, e->file, ++line);
        if (l->html && c == '<')
            l->in_tag = true;
        if (!l->in_tag)
            fold_byte(&l->text, &l->space, (unsigned char)c);
        if (l->in_tag && c == '>') {
            l->in_tag = false;
            l->space = true; /* </p><p> parts words */
        }
    }
}

static void read_event(void *arg, const mustache_event *e)
{
    lint_literal *l = arg;
    if (e->tag == MUSTACHE_TEXT) {
        read_text(l, e);
    } else if (e->tag == MUSTACHE_VARIABLE && !l->in_tag) {
        add_mark(l, e->file, e->line);
        fold_byte(&l->text, &l->space, VARIABLE_BYTE);
        l->variables++;
    }
}

void lint_literal_read(lint_literal *l, const mustache *m, bool html)
{
    *l = (lint_literal){.html = html};
    gw_buf_init(&l->text, LITERAL_MAX);
    mustache_walk(m, read_event, l);
    l->failed = l->failed || l->text.code != GW_OK;
}

void lint_literal_done(lint_literal *l)
{
    gw_buf_done(&l->text);
    free(l->marks);
}

const lint_mark *lint_literal_mark(const lint_literal *l, size_t offset)
{
    uint32_t at = 0;
    while (at + 1 < l->mark_count && l->marks[at + 1].from <= offset)
        at++;
    return &l->marks[at];
}
