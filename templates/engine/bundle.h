/* bundle.h - one message template: its parts, what it needs to know, and its version.
 *
 * On disk a bundle is a folder templates/<locale>/<name>/ (bundle_load.c reads it): template.json,
 * the manifest, beside <part>.mustache files; partials come from its own partials/ folder or from
 * templates/<locale>/partials/. In memory and on the wire it is one JSON document in RFC 8785
 * canonical form; the lower-case hex SHA-256 of those bytes is its version. Equal content has an
 * equal version on every machine, and a reminder keeps the version it was planned with.
 *
 * Document, format 1 (a change of meaning gets a new number; readers refuse numbers they do not
 * know, so an old worker never renders a template half-understood):
 *   {"format":1,"guard"?:{lint.json},"manifest":{template.json},"partials":{name:text},
 *    "parts":{part:text}}
 * guard: the locale's word lists, so that a message is checked against the words its version was
 * published with (guard.h), wherever it is rendered. Absent: the locale had none, and the guard
 * lets no part of it pass.
 *
 * Names of facts are dotted ("creditor.name", through lists without index: "items.amount"); the
 * manifest may write them as JSON pointers too ("/creditor/name").
 *
 * Thread: a bundle is immutable; any thread may read and render it. Parsing and rendering do no
 * I/O. */
#ifndef TEMPLATES_ENGINE_BUNDLE_H
#define TEMPLATES_ENGINE_BUNDLE_H

#include "templates/engine/mustache.h"

enum {
    TEMPLATE_BUNDLE_MAX = 2 * 1024 * 1024, /* bytes of the canonical document */
    TEMPLATE_FACTS_MAX = 128,              /* names in required, optional or urls */
    TEMPLATE_NAME_MAX = 64,                /* bytes of a template's name, locale or purpose */
    TEMPLATE_SUBJECT_MAX = 998,            /* bytes of a rendered subject, RFC 5322 §2.1.1 */
    TEMPLATE_VERSION_TEXT = 65,            /* hex SHA-256 and a NUL */
    TEMPLATE_TONE_MIN = 1,                 /* friendly */
    TEMPLATE_TONE_MAX = 5,                 /* final */
};

/* Purpose of the one message that confirms an opt-out. */
#define TEMPLATE_PURPOSE_CONFIRM "opt-out-confirmation"

typedef enum {
    TEMPLATE_SUBJECT,
    TEMPLATE_TEXT,
    TEMPLATE_HTML,
    TEMPLATE_SMS,
    TEMPLATE_VOICE, /* what a machine, or a stranger, hears of a call */
    TEMPLATE_VOICE_ASK,
    TEMPLATE_VOICE_DETAILS,
    TEMPLATE_VOICE_NOTED,
    TEMPLATE_VOICE_BYE,
    TEMPLATE_DESK,
    TEMPLATE_PART_COUNT
} template_part;

typedef struct template_bundle template_bundle;

/* "subject", "text", "html", "sms", "voice", "voice-ask", ..., "desk". */
const char *template_part_name(template_part part);
/* All names, for people: "subject, text, ..., desk". */
#define TEMPLATE_PART_NAMES                                                                        \
    "subject, text, html, sms, voice, voice-ask, voice-details, voice-noted, voice-bye and desk"
bool template_part_parse(gw_str name, template_part *ret_part);
mustache_escape template_part_escape(template_part part);

/* Parse and compile a canonical document. The caller compares template_bundle_version with the
 * version it asked for. json is copied.
 * Errors: GW_EINVAL (not JSON, not canonical, unknown member or part, bad manifest, template syntax
 * or a partial that is not in the bundle), GW_ELIMIT, GW_ENOMEM. */
gw_code template_bundle_parse(gw_str json, template_bundle **ret_bundle, gw_err *err) GW_NODISCARD;
/* Read a bundle's folder (bundle_load.c: the only I/O of bundles). The folder's name must be the
 * manifest's name, its parent's name the locale. Errors as parse, and GW_ENOTFOUND, GW_EIO. */
gw_code template_bundle_load(const char *dir, template_bundle **ret_bundle, gw_err *err)
    GW_NODISCARD;
void template_bundle_free(template_bundle *b);
GW_CLEANUP_FUNC(template_bundle, template_bundle_free)

/* Everything returned here is borrowed from the bundle. */
gw_str template_bundle_json(const template_bundle *b);
const char *template_bundle_version(const template_bundle *b);
const char *template_bundle_name(const template_bundle *b);
const char *template_bundle_locale(const template_bundle *b);
const char *template_bundle_purpose(const template_bundle *b);
int template_bundle_tone(const template_bundle *b);
bool template_bundle_has(const template_bundle *b, template_part part);
/* The part's program; NULL when the bundle has no such part. */
const mustache *template_bundle_part(const template_bundle *b, template_part part);
/* Dotted names; *ret_count of them. */
const char *const *template_bundle_required(const template_bundle *b, size_t *ret_count);
const char *const *template_bundle_optional(const template_bundle *b, size_t *ret_count);

/* Does data hold every required fact, non-empty, and are its links http(s) addresses?
 * GW_EREFUSED names the first that is not. */
gw_code template_bundle_check(const template_bundle *b, const json_doc *data, gw_err *err)
    GW_NODISCARD;

/* Append one rendered part to out; on failure out is as it was. The part decides the escaping. A
 * subject comes without its final line break and is refused when empty, longer than
 * TEMPLATE_SUBJECT_MAX or holding a control character.
 * strict   always true for real reminders: template_bundle_check and strict rendering.
 * Errors   GW_ENOTFOUND no such part; GW_EBLOCKED the content guard (strict only); else as
 * mustache_render. */
gw_code template_bundle_render(const template_bundle *b, template_part part, const json_doc *data,
                               bool strict, gw_buf *out, gw_err *err) GW_NODISCARD;

#endif
