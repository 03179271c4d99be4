/* manifest.h - template.json: what a template is for and which facts it needs.
 *
 *   {"name":"reminder-letter", "locale":"en", "purpose":"reminder", "tone":2,
 *    "parts":["subject","text","html"],
 *    "required":["creditor.name","/total_open"], "optional":["creditor.phone"],
 *    "urls":["pay_link"]}
 *
 * name, locale  also the names of the bundle's folder and its parent
 * purpose       what kind of contact it is, for policy and reports: reminder, statement, ...
 * tone          1 friendly, 2 neutral, 3 firm, 4 formal, 5 final
 * required      facts that must be in the data, non-null and non-empty; in lists in every element
 * optional      facts a section may test for
 * urls          facts that must be http or https addresses where present; may be left out
 * Unknown members are refused by name. Pure. Thread: any. */
#ifndef TEMPLATES_ENGINE_MANIFEST_H
#define TEMPLATES_ENGINE_MANIFEST_H

#include "templates/engine/bundle.h"

typedef struct {
    const char **name; /* dotted, NUL-terminated, in the order of the manifest */
    size_t count;
} template_facts;

typedef struct {
    char name[TEMPLATE_NAME_MAX + 1];
    char locale[TEMPLATE_NAME_MAX + 1];
    char purpose[TEMPLATE_NAME_MAX + 1];
    int tone;
    bool parts[TEMPLATE_PART_COUNT];
    template_facts required, optional, urls;
} template_manifest;

/* Read the object at node. The facts' texts live in the arena. On failure *ret_at (may be NULL) is
 * the node at fault. GW_EINVAL, GW_ELIMIT, GW_ENOMEM. */
gw_code template_manifest_parse(const json_doc *d, uint32_t node, gw_arena *arena,
                                template_manifest *ret, uint32_t *ret_at, gw_err *err) GW_NODISCARD;

/* The work of template_bundle_check (bundle.h). */
gw_code template_manifest_check(const template_manifest *m, const json_doc *data, gw_err *err)
    GW_NODISCARD;

/* Is name among the facts? name need not end in NUL. */
bool template_facts_have(const template_facts *f, gw_str name);

#endif
