/* guard_part.h - what the files of the content guard share. Private to templates/engine. */
#ifndef TEMPLATES_ENGINE_GUARD_PART_H
#define TEMPLATES_ENGINE_GUARD_PART_H

#include "templates/engine/guard.h"

/* One finished part that is looked at. */
typedef struct {
    const lint_words *w; /* NULL: the bundle carries none */
    const template_manifest *m;
    template_part part;
    gw_str rendered, folded; /* folded: as lint_literal_fold writes it, HTML as a reader sees it */
    const json_doc *data;
    gw_err *err;
} guard_look;

/* GW_EBLOCKED "content-guard: RULE: WHY in part PART". */
gw_code guard_block(const guard_look *l, const char *rule, const char *why);
/* Does the value of this fact stand in the text? */
bool guard_shows(const guard_look *l, const char *pointer);

/* guard_rules.c: what the rule packs ask of this message. */
gw_code guard_look_needs(const guard_look *l);
gw_code guard_look_wordings(const guard_look *l);
gw_code guard_look_dates(const guard_look *l);

#endif
