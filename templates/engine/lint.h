/* lint.h - what is wrong with a template, before a debtor sees it.
 *
 * Findings carry file and line. Errors keep a template from being published; warnings want a look;
 * notes inform (SMS segments). What a template must and must not do is in lint_rules.c; threats,
 * insults and false legal claims are word lists in templates/<locale>/lint.json:
 *   {"rules":[{"id":"threat","severity":"error","why":"...","phrases":["...", ...]}]}
 * With "parts":["voice", ...] a rule is about these parts only.
 * A phrase matches literal text without regard to ASCII case, line breaks and HTML tags; phrases of
 * Latin letters match whole words. Lint sees templates, not the values put into them. */
#ifndef TEMPLATES_ENGINE_LINT_H
#define TEMPLATES_ENGINE_LINT_H

#include "templates/engine/bundle.h"

enum {
    LINT_FINDINGS_MAX = 1000,    /* kept in a report; the counts go on */
    LINT_WORDS_MAX = 256 * 1024, /* bytes of a lint.json */
    LINT_SUBJECT_COLUMNS_MAX =
        78,                  /* a longer subject is cut by common mail readers; RFC 5322 line */
    LINT_VALUE_COLUMNS = 12, /* assumed for each variable when lengths are estimated */
};

typedef enum { LINT_NOTE, LINT_WARNING, LINT_ERROR } lint_severity;

typedef struct {
    lint_severity severity;
    const char *rule;
    const char *file; /* as it was given to lint, with folder */
    uint32_t line;    /* 0: the whole file */
    const char *text;
} lint_finding;

typedef struct lint_report lint_report;

lint_report *lint_report_new(void); /* NULL when out of memory */
void lint_report_free(lint_report *r);
GW_CLEANUP_FUNC(lint_report, lint_report_free)
size_t lint_report_count(const lint_report *r, lint_severity severity);
size_t lint_report_size(const lint_report *r);
const lint_finding *lint_report_at(const lint_report *r, size_t i);
const char *lint_severity_name(lint_severity severity);

/* Lint one folder: a bundle (holds template.json), a locale (holds bundles and lint.json), or the
 * folder of all locales (then translations are compared too). Findings are added to the report.
 * Fails only when nothing could be looked at: GW_ENOTFOUND, GW_EIO, GW_ENOMEM. */
gw_code template_lint(const char *dir, lint_report *report, gw_err *err) GW_NODISCARD;

#endif
