/* lint_variables.c - names against the manifest, with the sections they stand in. */
#include "templates/engine/lint_internal.h"

#include <stdio.h>

enum { PATH_BYTES = 2 * MUSTACHE_NAME_MAX, STACK_MAX = 64 };

typedef enum { UNDECLARED, REQUIRED, OPTIONAL } declared;

typedef struct {
    char path[PATH_BYTES]; /* full dotted path of the section's name */
    bool inverted;
    declared as;
} open_section;

typedef struct {
    const lint_job *j;
    template_part part;
    open_section stack[STACK_MAX];
    uint32_t depth; /* may pass STACK_MAX through partials; deeper sections are not looked at */
    bool used_required[TEMPLATE_FACTS_MAX], used_optional[TEMPLATE_FACTS_MAX];
    bool has_name, has_contact, has_opt_out; /* seen where nothing can switch them off */
    char before[16];                         /* end of the text before: an attribute's href=" */
    bool in_tag;                             /* HTML: inside <...> */
    char quote; /* HTML: inside an attribute's value, the quote that ends it */
} checker;

static bool is_within(const char *path, const char *container)
{
    size_t n = strlen(container);
    return strncmp(path, container, n) == 0 && path[n] == '.';
}

static bool mark_fact(const template_facts *f, bool *used, const char *path)
{
    bool found = false;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->name[i], path) == 0)
            found = used[i] = true;
        else if (is_within(f->name[i], path))
            found = true; /* a container of required facts */
    }
    return found;
}

static bool mark_exact(const template_facts *f, bool *used, const char *path)
{
    bool found = false;
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->name[i], path) == 0)
            found = used[i] = true;
    return found;
}

static declared look_up(checker *c, const char *path)
{
    if (mark_fact(&c->j->manifest.required, c->used_required, path))
        return REQUIRED;
    return mark_exact(&c->j->manifest.optional, c->used_optional, path) ? OPTIONAL : UNDECLARED;
}

static uint32_t seen_depth(const checker *c)
{
    return c->depth < STACK_MAX ? c->depth : STACK_MAX;
}

/* What a name means here: it is looked for in the sections around it from the inside out, as
 * rendering does. ret_path is the full path, or the name itself when nothing declares it. */
static declared resolve(checker *c, gw_str name, char ret_path[PATH_BYTES])
{
    bool iterator = gw_str_is(name, ".");
    for (uint32_t i = seen_depth(c); i-- > 0;) {
        const open_section *s = &c->stack[i];
        if (s->inverted)
            continue;
        if (iterator) {
            snprintf(ret_path, PATH_BYTES, "%s", s->path);
            return s->as;
        }
        char path[PATH_BYTES];
        if (snprintf(path, sizeof path, "%s.%.*s", s->path, GW_STR_ARG(name)) >= PATH_BYTES)
            continue;
        declared as = look_up(c, path);
        if (as == UNDECLARED)
            continue;
        memcpy(ret_path, path, sizeof path);
        return as;
    }
    snprintf(ret_path, PATH_BYTES, "%.*s", GW_STR_ARG(name));
    return look_up(c, ret_path);
}

static bool is_guarded(const checker *c, const char *path)
{
    for (uint32_t i = 0; i < seen_depth(c); i++) {
        const open_section *s = &c->stack[i];
        if (!s->inverted &&
            (strcmp(s->path, path) == 0 || (s->as == OPTIONAL && is_within(path, s->path))))
            return true;
    }
    return false;
}

/* Always printed: no section around it but required ones that hold the name itself. */
static bool is_unconditional(const checker *c, const char *path)
{
    if (c->depth > STACK_MAX)
        return false;
    for (uint32_t i = 0; i < c->depth; i++)
        if (c->stack[i].inverted || c->stack[i].as != REQUIRED ||
            !is_within(path, c->stack[i].path))
            return false;
    return true;
}

static void note_identity(checker *c, const char *path)
{
    if (!is_unconditional(c, path))
        return;
    c->has_name = c->has_name || strcmp(path, "creditor.name") == 0;
    c->has_contact = c->has_contact || strcmp(path, "creditor.email") == 0 ||
                     strcmp(path, "creditor.phone") == 0 || strcmp(path, "creditor.address") == 0;
    c->has_opt_out = c->has_opt_out || strcmp(path, "unsubscribe") == 0 ||
                     strcmp(path, "opt_out") == 0 || is_within(path, "opt_out");
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s);
    size_t t = strlen(tail);
    return n >= t && strcasecmp(s + n - t, tail) == 0;
}

/* Where in HTML the next variable will stand. */
static void follow_html(checker *c, gw_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if (c->quote)
            c->quote = ch == c->quote ? '\0' : c->quote;
        else if (c->in_tag && (ch == '"' || ch == '\''))
            c->quote = ch;
        else if (ch == '<' || ch == '>')
            c->in_tag = ch == '<';
    }
    size_t n = text.n < sizeof c->before - 1 ? text.n : sizeof c->before - 1;
    memcpy(c->before, text.p + text.n - n, n);
    c->before[n] = '\0';
}

static void check_html(checker *c, const mustache_event *e, const char *path)
{
    bool link = ends_with(c->before, "href=\"") || ends_with(c->before, "href='") ||
                ends_with(c->before, "src=\"") || ends_with(c->before, "src='");
    if (e->raw)
        lint_tell(c->j, LINT_ERROR, "html-unescaped", e->file, e->line,
                  "%s is written without escaping; use {{%s}} in HTML", path, path);
    if (c->in_tag && !c->quote)
        lint_tell(c->j, LINT_ERROR, "html-unquoted", e->file, e->line,
                  "%s stands in a tag outside quotes; a value with a space would break out", path);
    if (link && !template_facts_have(&c->j->manifest.urls, gw_str_of(path)))
        lint_tell(c->j, LINT_ERROR, "html-link", e->file, e->line,
                  "%s is used as an address; add it to urls in template.json, so that only http(s) "
                  "gets in",
                  path);
}

static void check_name(checker *c, const mustache_event *e, declared as, const char *path)
{
    if (as == UNDECLARED)
        lint_tell(c->j, LINT_ERROR, "undeclared", e->file, e->line,
                  "%s is not in template.json; add it to required or optional", path);
    else if (e->tag == MUSTACHE_VARIABLE && as == REQUIRED &&
             !template_facts_have(&c->j->manifest.required, gw_str_of(path)))
        lint_tell(c->j, LINT_ERROR, "not-printable", e->file, e->line,
                  "%s holds other facts and cannot be printed; name one of them", path);
    else if (as == OPTIONAL && e->tag == MUSTACHE_VARIABLE && !is_guarded(c, path))
        lint_tell(c->j, LINT_WARNING, "unguarded", e->file, e->line,
                  "%s is optional; without it the reminder is refused; put {{#%s}} around it", path,
                  path);
}

static void open_one(checker *c, const mustache_event *e, declared as, const char *path)
{
    if (c->depth < STACK_MAX) {
        open_section *s = &c->stack[c->depth];
        *s = (open_section){.inverted = e->tag == MUSTACHE_INVERTED, .as = as};
        snprintf(s->path, sizeof s->path, "%s", path);
    }
    c->depth++;
}

static void check_event(void *arg, const mustache_event *e)
{
    checker *c = arg;
    char path[PATH_BYTES] = "";
    declared as;
    switch (e->tag) {
    case MUSTACHE_TEXT:
        follow_html(c, e->text);
        return;
    case MUSTACHE_VARIABLE:
        as = resolve(c, e->text, path);
        check_name(c, e, as, path);
        note_identity(c, path);
        if (c->part == TEMPLATE_HTML)
            check_html(c, e, path);
        break;
    case MUSTACHE_SECTION:
    case MUSTACHE_INVERTED:
        as = resolve(c, e->text, path);
        check_name(c, e, as, path);
        open_one(c, e, as, path);
        break;
    case MUSTACHE_END:
        c->depth--;
        break;
    case MUSTACHE_PARTIAL:
        break;
    }
    c->before[0] = '\0';
}

/* Whoever writes must say who they are and how to be reached, and how to stop the messages (E5). */
static void check_identity(const checker *c)
{
    char file[32];
    snprintf(file, sizeof file, "%s.mustache", template_part_name(c->part));
    if (!c->has_name || !c->has_contact)
        lint_tell(c->j, LINT_ERROR, "no-identity", file, 0,
                  "the creditor's %s must always be shown; put %s outside optional sections",
                  c->has_name ? "e-mail, phone or address" : "name",
                  c->has_name ? "{{creditor.email}}" : "{{creditor.name}}");
    if (!c->has_opt_out)
        lint_tell(
            c->j, LINT_ERROR, "no-opt-out", file, 0,
            "no way out is offered; use {{opt_out.email}} or {{unsubscribe}} outside optional "
            "sections");
}

static uint32_t manifest_line(const lint_job *j, const char *name)
{
    char quoted[MUSTACHE_NAME_MAX + 3];
    gw_str text = gw_buf_str(&j->s->manifest);
    uint32_t line = 1;
    int n = snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = memmem(text.p, text.n, quoted, (size_t)n);
    for (const char *p = text.p; at && p < at; p++)
        line += *p == '\n';
    return line;
}

static void check_unused(const checker *c, const template_facts *f, const bool *used)
{
    for (size_t i = 0; i < f->count; i++)
        if (!used[i])
            lint_tell(c->j, LINT_WARNING, "unused", "template.json",
                      manifest_line(c->j, f->name[i]), "no part uses %s; remove it", f->name[i]);
}

void lint_variables(const lint_job *j)
{
    checker c = {.j = j};
    bool all = true;
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        all = all && (j->parts[i] || !j->s->has[i]);
        if (!j->parts[i])
            continue;
        c.part = (template_part)i;
        c.depth = 0;
        c.has_name = c.has_contact = c.has_opt_out = false;
        c.before[0] = c.quote = '\0';
        c.in_tag = false;
        mustache_walk(j->parts[i], check_event, &c);
        if (i == TEMPLATE_TEXT || i == TEMPLATE_HTML)
            check_identity(&c);
    }
    if (!all)
        return; /* a part that does not compile may be the one that uses a name */
    check_unused(&c, &j->manifest.required, c.used_required);
    check_unused(&c, &j->manifest.optional, c.used_optional);
}
