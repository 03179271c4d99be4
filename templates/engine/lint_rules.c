/* lint_rules.c - one template against all rules. */
#include "templates/engine/lint_internal.h"

#include <stdio.h>

enum { ARENA_MAX = 4 * 1024 * 1024 };

static uint32_t line_of_offset(gw_str text, size_t offset)
{
    uint32_t line = 1;
    for (size_t i = 0; i < offset && i < text.n; i++)
        line += text.p[i] == '\n';
    return line;
}

static bool read_manifest(lint_job *j, gw_arena *arena)
{
    gw_err err = {0};
    json_doc d;
    static const char byte_words[] = "JSON byte "; /* as json_parse begins its errors */
    size_t byte = 0;
    uint32_t at = 0;
    gw_str text = gw_buf_str(&j->s->manifest);
    if (json_parse(text, arena, &d, &err) != GW_OK) {
        if (strncmp(err.text, byte_words, sizeof byte_words - 1) == 0)
            byte = strtoul(err.text + sizeof byte_words - 1, NULL, 10);
        lint_tell(j, LINT_ERROR, "manifest", "template.json", line_of_offset(text, byte), "%s",
                  err.text);
        return false;
    }
    if (template_manifest_parse(&d, 0, arena, &j->manifest, &at, &err) != GW_OK) {
        lint_tell(j, LINT_ERROR, "manifest", "template.json",
                  line_of_offset(text, json_at(&d, at)->off), "%s", err.text);
        return false;
    }
    return true;
}

static void check_place(const lint_job *j)
{
    if (strcmp(j->manifest.name, j->s->folder) != 0)
        lint_tell(j, LINT_ERROR, "place", "template.json", 1, "name is %s but the folder is %s",
                  j->manifest.name, j->s->folder);
    if (strcmp(j->manifest.locale, j->s->locale) != 0)
        lint_tell(j, LINT_ERROR, "place", "template.json", 1,
                  "locale is %s but the folder above is %s", j->manifest.locale, j->s->locale);
}

static void check_files(const lint_job *j)
{
    char file[32];
    for (size_t i = 0; i < j->s->stray_count; i++)
        lint_tell(j, LINT_ERROR, "unknown-part", j->s->stray[i], 0,
                  "no part of a template; there are " TEMPLATE_PART_NAMES ", each with .mustache");
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        if (j->s->has[i] == j->manifest.parts[i])
            continue;
        snprintf(file, sizeof file, "%s.mustache", template_part_name((template_part)i));
        lint_tell(j, LINT_ERROR, "parts", file, 0, "%s",
                  j->s->has[i] ? "the file is there but parts in template.json does not list it"
                               : "parts in template.json lists it but the file is not there");
    }
}

/* "text.mustache line 3: what" -> file, line and what, as mustache_compile writes them. */
static void tell_syntax(const lint_job *j, const char *part_file, const char *text)
{
    static const char line_words[] = " line ";
    char file[MUSTACHE_NAME_MAX + 1];
    const char *at = strstr(text, line_words);
    char *what = NULL;
    unsigned long line = at ? strtoul(at + sizeof line_words - 1, &what, 10) : 0;
    if (!line || what[0] != ':' || what[1] != ' ') {
        lint_tell(j, LINT_ERROR, "syntax", part_file, 0, "%s", text);
        return;
    }
    snprintf(file, sizeof file, "%.*s", (int)(at - text), text);
    lint_tell(j, LINT_ERROR, "syntax", file, (uint32_t)line, "%s", what + 2);
}

static void compile_parts(lint_job *j)
{
    mustache_source partials[MUSTACHE_PARTIALS_MAX];
    size_t count = template_source_partials(j->s, partials);
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        char file[32];
        gw_err err = {0};
        mustache_event missing;
        if (!j->s->has[i])
            continue;
        snprintf(file, sizeof file, "%s.mustache", template_part_name((template_part)i));
        mustache_source part = {file, gw_buf_str(&j->s->parts[i])};
        if (mustache_compile(&part, partials, count, &j->parts[i], &err) != GW_OK)
            tell_syntax(j, file, err.text);
        else if (mustache_missing_partial(j->parts[i], &missing))
            lint_tell(j, LINT_ERROR, "no-partial", missing.file, missing.line,
                      "there is no partial %.*s; add partials/%.*s.mustache",
                      GW_STR_ARG(missing.text), GW_STR_ARG(missing.text));
    }
}

static void check_parts_together(const lint_job *j)
{
    const bool *has = j->s->has;
    if (has[TEMPLATE_HTML] && !has[TEMPLATE_TEXT])
        lint_tell(j, LINT_ERROR, "html-without-text", "html.mustache", 0,
                  "not every reader shows HTML; add text.mustache");
    if ((has[TEMPLATE_TEXT] || has[TEMPLATE_HTML]) && !has[TEMPLATE_SUBJECT])
        lint_tell(j, LINT_ERROR, "no-subject", "template.json", 1,
                  "an e-mail needs a subject; add subject.mustache");
    if (has[TEMPLATE_SUBJECT] && !has[TEMPLATE_TEXT])
        lint_tell(j, LINT_ERROR, "no-text", "subject.mustache", 0,
                  "a subject without a text; add text.mustache");
}

/* A short message says how to end them; the one that confirms that they ended need not. */
static void check_sms_opt_out(const lint_job *j, const lint_literal *l)
{
    if (!j->words || j->words->opt_out_count == 0 ||
        strcmp(j->manifest.purpose, TEMPLATE_PURPOSE_CONFIRM) == 0)
        return;
    if (!lint_words_have_opt_out(j->words, gw_buf_str(&l->text)))
        lint_tell(j, LINT_ERROR, "no-opt-out", "sms.mustache", 0,
                  "no way out is offered; use one of the phrases of opt_out in lint.json");
}

static void check_literals(const lint_job *j)
{
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++) {
        if (!j->parts[i])
            continue;
        lint_literal l;
        lint_literal_read(&l, j->parts[i], i == TEMPLATE_HTML);
        if (!l.failed) {
            lint_words_apply(j, &l, (template_part)i);
            if (i == TEMPLATE_SMS) {
                lint_sms(j, &l);
                check_sms_opt_out(j, &l);
            }
        }
        lint_literal_done(&l);
    }
}

void lint_template(lint_report *report, const char *dir, const template_source *s,
                   const lint_words *words)
{
    lint_job j = {.report = report, .dir = dir, .s = s, .words = words};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    bool has_manifest = arena && read_manifest(&j, arena);
    compile_parts(&j);
    check_parts_together(&j);
    lint_voice(&j);
    check_literals(&j);
    if (j.parts[TEMPLATE_SUBJECT])
        lint_subject(&j);
    if (has_manifest) {
        check_place(&j);
        check_files(&j);
        lint_variables(&j);
    }
    for (int i = 0; i < TEMPLATE_PART_COUNT; i++)
        mustache_free(j.parts[i]);
}
