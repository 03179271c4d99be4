/* lint_internal.h - what the files of lint share: the report's pen, one template's job, and the
 * template's literal text as a reader would see it. */
#ifndef TEMPLATES_ENGINE_LINT_INTERNAL_H
#define TEMPLATES_ENGINE_LINT_INTERNAL_H

#include "templates/engine/lint.h"
#include "templates/engine/source.h"

typedef struct lint_words lint_words;

/* One template being looked at. */
typedef struct {
    lint_report *report;
    const char *dir; /* as the user wrote it */
    const template_source *s;
    const lint_words *words; /* NULL when the locale has none */
    template_manifest manifest;
    mustache *parts[TEMPLATE_PART_COUNT]; /* those that compile */
} lint_job;

/* Add a finding; a report that is full counts on. */
void lint_add(lint_report *r, lint_severity severity, const char *rule, const char *file,
              uint32_t line, const char *fmt, ...) GW_PRINTF(6, 7);
/* The same about a file of the job's folder: "text.mustache", or a partial's name. */
void lint_tell(const lint_job *j, lint_severity severity, const char *rule, const char *file,
               uint32_t line, const char *fmt, ...) GW_PRINTF(6, 7);

/* ---- lint_literal.c ---- */

typedef struct {
    uint32_t from; /* first byte of text that stands there */
    uint32_t line;
    const char *file;
} lint_mark;

/* Literal text with ASCII letters in lower case, runs of white space as one space (none between two
 * non-ASCII letters: Chinese lines break anywhere), HTML tags left out, and '\1' for a variable. */
typedef struct {
    gw_buf text;
    lint_mark *marks;
    uint32_t mark_count, mark_cap;
    uint32_t variables;
    bool html, in_tag, space;
    bool failed; /* out of memory: nothing is said about this part */
} lint_literal;

void lint_literal_read(lint_literal *l, const mustache *m, bool html);
void lint_literal_done(lint_literal *l);
/* Put s through the same simplification. */
void lint_literal_fold(gw_str s, gw_buf *ret);
const lint_mark *lint_literal_mark(const lint_literal *l, size_t offset);

/* ---- lint_words.c ---- */

enum { LINT_RULES_MAX = 32 };

typedef struct {
    const char *id, *why;
    lint_severity severity;
    gw_str *phrases; /* folded */
    uint32_t count;
    bool parts[TEMPLATE_PART_COUNT];
} lint_word_rule;

typedef struct {
    uint32_t rule, phrase;
} lint_word_at;

struct lint_words {
    gw_arena *arena;
    lint_word_rule rules[LINT_RULES_MAX];
    uint32_t count;
    gw_str *opt_out; /* folded: one of them stands in every short message */
    uint32_t opt_out_count;
    /* Phrases by their first byte: those of byte c are first[c] .. first[c + 1] - 1. */
    lint_word_at *by_first;
    uint32_t first[257];
};

gw_code lint_words_parse(gw_str json, lint_words **ret_words, gw_err *err) GW_NODISCARD;
void lint_words_free(lint_words *w);
GW_CLEANUP_FUNC(lint_words, lint_words_free)
/* Is the byte at this offset part of a word that began before it? */
bool lint_words_is_inside(gw_str text, size_t at);
/* Phrase stands at this offset: as whole words? */
bool lint_words_is_whole(gw_str text, size_t at, gw_str phrase);
/* Is one of the opt-out phrases in the folded text? */
bool lint_words_have_opt_out(const lint_words *w, gw_str folded);
void lint_words_apply(const lint_job *j, const lint_literal *l, template_part part);

/* ---- lint_variables.c: every name declared, optional ones guarded, identity and opt-out ---- */
void lint_variables(const lint_job *j);

/* ---- lint_voice.c: what a call may say to whom, and that its keys are named ---- */
void lint_voice(const lint_job *j);

/* ---- lint_rules.c ---- */

/* All rules about one template. words may be NULL. */
void lint_template(lint_report *report, const char *dir, const template_source *s,
                   const lint_words *words);
/* Empty, of several lines, or too long (lint_subject.c). */
void lint_subject(const lint_job *j);
/* SMS characters and segments of a literal: 3GPP TS 23.038 (GSM 7-bit or UCS-2), TS 23.040. */
void lint_sms(const lint_job *j, const lint_literal *l);

#endif
