/* mustache.h - Mustache templates (mustache/spec: comments, delimiters, interpolation, inverted,
 * partials, sections), compiled once and rendered many times.
 *
 * Pure: values in, values out, no I/O, no clock. Lambdas and inheritance are not part of it, so a
 * template cannot run code. A compiled program is immutable: any number of threads may render it at
 * once, each with its own data document and output buffer.
 *
 * Values: strings and numbers print as written in the data (1.21 stays 1.21), true and false as
 * words. Lists and objects have no printed form. False, null, the empty list, the empty string and
 * missing names do not enter a section; every other value does.
 *
 * Every error text says which template, which line, and what to do; it never holds a value. */
#ifndef TEMPLATES_ENGINE_MUSTACHE_H
#define TEMPLATES_ENGINE_MUSTACHE_H

#include "gateway/base/json.h"

enum {
    MUSTACHE_TEMPLATE_MAX = 256 * 1024,  /* bytes of one template or partial */
    MUSTACHE_TOTAL_MAX = 1024 * 1024,    /* bytes of a template and its partials together */
    MUSTACHE_PARTIALS_MAX = 64,          /* partials given to one compilation */
    MUSTACHE_NESTING_MAX = 32,           /* sections inside sections, within one template */
    MUSTACHE_PARTIAL_DEPTH_MAX = 16,     /* partials inside partials; ends a partial's recursion */
    MUSTACHE_NAME_MAX = 128,             /* bytes of a name between the delimiters */
    MUSTACHE_DELIMITER_MAX = 16,         /* bytes of one delimiter */
    MUSTACHE_INDENT_MAX = 256,           /* bytes of indentation nested partials add up to */
    MUSTACHE_DATA_MAX = 4 * 1024 * 1024, /* bytes of the data document */
    MUSTACHE_OUTPUT_MAX = 4 * 1024 * 1024, /* bytes one rendering may append */
    MUSTACHE_STEPS_MAX = 2 * 1000 * 1000,  /* tags and texts one rendering may run through */
};

typedef struct mustache mustache;

/* How {{name}} is written. {{{name}}} and {{&name}} are never escaped; MUSTACHE_HEADER looks at
 * them all the same. */
typedef enum {
    MUSTACHE_PLAIN,  /* as it is: text, SMS, voice, desk */
    MUSTACHE_HTML,   /* & < > " ' become entities; attributes must be quoted */
    MUSTACHE_HEADER, /* a mail header: a control character or line break is GW_EREFUSED */
} mustache_escape;

/* A template's text under the name that errors and {{>name}} use. */
typedef struct {
    const char *name;
    gw_str text;
} mustache_source;

typedef struct {
    mustache_escape escape;
    /* Strict: a missing or null value, an empty string, a list or object where text is wanted, and
     * an unknown partial are GW_EREFUSED, and so is a section over a missing, null or empty name
     * unless that name is optional. Real reminders are always rendered strictly. */
    bool strict;
    /* Dotted names from the document's top, through lists without an index: "creditor.phone",
     * "items.reference". Borrowed for the call. */
    const char *const *optional;
    size_t optional_count;
} mustache_mode;

/* Compile a template with its partials; everything is copied. A {{>name}} that is not among the
 * partials is allowed here and renders as nothing (see mustache_missing_partial).
 * Errors: GW_EINVAL syntax ("letter.mustache line 3: ..."), GW_ELIMIT, GW_ENOMEM. */
gw_code mustache_compile(const mustache_source *top, const mustache_source *partials,
                         size_t partial_count, mustache **ret_program, gw_err *err) GW_NODISCARD;
void mustache_free(mustache *m);
GW_CLEANUP_FUNC(mustache, mustache_free)

/* Append the rendered template to out; on failure out is as it was.
 * data     borrowed; strings with escapes are unescaped into its arena, so it has one owner.
 * Errors   GW_EREFUSED strict or header rules, GW_ELIMIT a limit above or out's ceiling,
 *          GW_ENOMEM.
 * Thread   any; m may be shared. */
gw_code mustache_render(const mustache *m, const json_doc *data, const mustache_mode *mode,
                        gw_buf *out, gw_err *err) GW_NODISCARD;

/* Does s hold a line break or another control character (C0, DEL, C1, U+2028, U+2029)? */
bool mustache_breaks_header(gw_str s);

/* ---- looking at a program (lint) ---- */

typedef enum {
    MUSTACHE_TEXT,     /* text: literal bytes */
    MUSTACHE_VARIABLE, /* text: the name as written */
    MUSTACHE_SECTION,
    MUSTACHE_INVERTED,
    MUSTACHE_END, /* of the innermost open section; text: its name */
    MUSTACHE_PARTIAL,
} mustache_tag;

typedef struct {
    mustache_tag tag;
    gw_str text;
    bool raw;         /* a variable written with {{{ }}} or {{& }} */
    const char *file; /* name of the template or partial it stands in */
    uint32_t line;    /* counted from 1 */
} mustache_event;

/* Visit everything in the order of the text; behind a MUSTACHE_PARTIAL follows the partial's
 * content, except where it would contain itself. Ends after MUSTACHE_STEPS_MAX events. Thread: any.
 */
void mustache_walk(const mustache *m, void (*visit)(void *arg, const mustache_event *e), void *arg);

/* The first {{>name}} without a partial, if there is one. Thread: any. */
bool mustache_missing_partial(const mustache *m, mustache_event *ret_event);

#endif
