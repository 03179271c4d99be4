#include "templates/engine/lint_internal.h"

/* The longest subject a template can make: of {{#x}}..{{/x}}{{^x}}..{{/x}} only one is shown. */
typedef struct {
    mustache_tag tag;
    gw_str name;
    uint32_t started; /* columns before its body */
    uint32_t rival;   /* columns of the other branch just before it, counted already */
} branch;

typedef struct {
    branch open[MUSTACHE_NESTING_MAX];
    uint32_t depth;
    branch closed; /* the last one left, and how wide it was */
    uint32_t closed_columns, closed_at;
    uint32_t columns;
} measure;

static uint32_t columns_of(gw_str s)
{
    uint32_t columns = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0xE0)
            columns += 2; /* CJK and the like are shown two columns wide */
        else if (c >= 0xC0 || (c >= 0x20 && c < 0x80))
            columns++;
    }
    return columns;
}

static void enter_branch(measure *m, const mustache_event *e)
{
    if (m->depth < MUSTACHE_NESTING_MAX) {
        bool rivals = m->closed.tag != e->tag && gw_str_eq(m->closed.name, e->text) &&
                      m->closed_at == m->columns;
        m->open[m->depth] = (branch){e->tag, e->text, m->columns, rivals ? m->closed_columns : 0};
    }
    m->depth++;
}

static void leave_branch(measure *m)
{
    if (--m->depth >= MUSTACHE_NESTING_MAX)
        return;
    const branch *b = &m->open[m->depth];
    uint32_t body = m->columns - b->started;
    uint32_t counted = body < b->rival ? body : b->rival;
    m->columns -= counted;
    m->closed = *b;
    m->closed_columns = body;
    m->closed_at = m->columns;
}

static void measure_event(void *arg, const mustache_event *e)
{
    measure *m = arg;
    switch (e->tag) {
    case MUSTACHE_TEXT:
        m->columns += columns_of(e->text);
        break;
    case MUSTACHE_VARIABLE:
        m->columns += LINT_VALUE_COLUMNS;
        break;
    case MUSTACHE_SECTION:
    case MUSTACHE_INVERTED:
        enter_branch(m, e);
        break;
    case MUSTACHE_END:
        leave_branch(m);
        break;
    case MUSTACHE_PARTIAL:
        break;
    }
}

void lint_subject(const lint_job *j)
{
    measure m = {.depth = 0};
    gw_str text = gw_buf_str(&j->s->parts[TEMPLATE_SUBJECT]);
    mustache_walk(j->parts[TEMPLATE_SUBJECT], measure_event, &m);
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    bool blank = true;
    for (size_t i = 0; i < text.n; i++)
        blank = blank && (text.p[i] == ' ' || text.p[i] == '\t' || text.p[i] == '\r');
    if (blank || m.columns == 0)
        lint_tell(j, LINT_ERROR, "subject-empty", "subject.mustache", 1, "the subject is empty");
    else if (memchr(text.p, '\n', text.n))
        lint_tell(j, LINT_ERROR, "subject-lines", "subject.mustache", 2,
                  "a subject is one line; join them");
    if (m.columns > LINT_SUBJECT_COLUMNS_MAX)
        lint_tell(j, LINT_WARNING, "subject-long", "subject.mustache", 1,
                  "about %u columns; readers show at most %d", m.columns, LINT_SUBJECT_COLUMNS_MAX);
}
