#include "templates/engine/lint_internal.h"

#include <stdio.h>

enum { REPORT_BYTES_MAX = 2 * 1024 * 1024, TEXT_MAX = 400 };

struct lint_report {
    gw_arena *arena;
    lint_finding findings[LINT_FINDINGS_MAX];
    size_t size;
    size_t counts[LINT_ERROR + 1];
};

lint_report *lint_report_new(void)
{
    lint_report *r = calloc(1, sizeof *r);
    if (r && !(r->arena = gw_arena_new(REPORT_BYTES_MAX))) {
        free(r);
        r = NULL;
    }
    return r;
}

void lint_report_free(lint_report *r)
{
    if (!r)
        return;
    gw_arena_free(r->arena);
    free(r);
}

size_t lint_report_count(const lint_report *r, lint_severity severity)
{
    return r->counts[severity];
}

size_t lint_report_size(const lint_report *r)
{
    return r->size;
}

const lint_finding *lint_report_at(const lint_report *r, size_t i)
{
    return &r->findings[i];
}

const char *lint_severity_name(lint_severity severity)
{
    static const char *const names[] = {
        [LINT_NOTE] = "note", [LINT_WARNING] = "warning", [LINT_ERROR] = "error"};
    return names[severity];
}

GW_PRINTF(6, 0)
static void add(lint_report *r, lint_severity severity, const char *rule, const char *file,
                uint32_t line, const char *fmt, va_list ap)
{
    char text[TEXT_MAX];
    r->counts[severity]++;
    if (r->size == LINT_FINDINGS_MAX)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    lint_finding f = {severity, gw_arena_copy(r->arena, gw_str_of(rule)),
                      gw_arena_copy(r->arena, gw_str_of(file)), line,
                      gw_arena_copy(r->arena, gw_str_of(text))};
    if (f.rule && f.file && f.text)
        r->findings[r->size++] = f;
}

void lint_add(lint_report *r, lint_severity severity, const char *rule, const char *file,
              uint32_t line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(r, severity, rule, file, line, fmt, ap);
    va_end(ap);
}

void lint_tell(const lint_job *j, lint_severity severity, const char *rule, const char *file,
               uint32_t line, const char *fmt, ...)
{
    char path[PATH_MAX];
    va_list ap;
    snprintf(path, sizeof path, "%s/%s", j->dir, file);
    for (size_t i = 0; i < j->s->partial_count; i++)
        if (strcmp(j->s->partials[i].name, file) == 0)
            snprintf(path, sizeof path, "%s/%s/%s.mustache", j->dir, j->s->partials[i].where, file);
    va_start(ap, fmt);
    add(j->report, severity, rule, path, line, fmt, ap);
    va_end(ap);
}
