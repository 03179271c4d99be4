#include "templates/engine/mustache_program.h"

typedef struct {
    const mustache *m;
    void (*visit)(void *arg, const mustache_event *e);
    void *arg;
    uint32_t steps;
    bool inside[MUSTACHE_PARTIALS_MAX + 1]; /* units being walked: a recursive one ends the walk */
} walker;

static void walk_range(walker *w, uint32_t from, uint32_t end);

static mustache_event event_of(const mustache *m, const op *o, mustache_tag tag, gw_str text)
{
    return (mustache_event){tag, text, o->raw, m->units[o->unit].name, o->line};
}

static void tell(walker *w, const op *o, mustache_tag tag, gw_str text)
{
    mustache_event e = event_of(w->m, o, tag, text);
    w->steps++;
    w->visit(w->arg, &e);
}

static void walk_unit(walker *w, uint32_t index)
{
    if (index == NO_PARTIAL || w->inside[index])
        return;
    w->inside[index] = true;
    walk_range(w, w->m->units[index].first, w->m->units[index].end);
    w->inside[index] = false;
}

static void walk_range(walker *w, uint32_t from, uint32_t end)
{
    for (uint32_t i = from; i < end && w->steps < MUSTACHE_STEPS_MAX; i++) {
        const op *o = &w->m->ops[i];
        switch ((op_kind)o->kind) {
        case OP_TEXT:
            tell(w, o, MUSTACHE_TEXT, o->text);
            break;
        case OP_INDENT:
            break;
        case OP_VARIABLE:
            tell(w, o, MUSTACHE_VARIABLE, o->name->full);
            break;
        case OP_PARTIAL:
            tell(w, o, MUSTACHE_PARTIAL, o->name->full);
            walk_unit(w, o->partial);
            break;
        case OP_SECTION:
        case OP_INVERTED:
            tell(w, o, o->kind == OP_SECTION ? MUSTACHE_SECTION : MUSTACHE_INVERTED, o->name->full);
            walk_range(w, i + 1, o->end);
            tell(w, o, MUSTACHE_END, o->name->full);
            i = o->end - 1;
            break;
        }
    }
}

void mustache_walk(const mustache *m, void (*visit)(void *arg, const mustache_event *e), void *arg)
{
    walker w = {.m = m, .visit = visit, .arg = arg};
    walk_unit(&w, 0);
}

bool mustache_missing_partial(const mustache *m, mustache_event *ret_event)
{
    for (uint32_t i = 0; i < m->op_count; i++) {
        const op *o = &m->ops[i];
        if (o->kind != OP_PARTIAL || o->partial != NO_PARTIAL)
            continue;
        *ret_event = event_of(m, o, MUSTACHE_PARTIAL, o->name->full);
        return true;
    }
    return false;
}
