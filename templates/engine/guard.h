/* guard.h - the last look at a message before it may leave (P18).
 *
 * Lint sees templates; the guard sees what came of them with the values of one reminder, in strict
 * rendering, which is how every channel renders. It blocks, and says which rule:
 *
 *   threat, insult, ...   a phrase of a rule of severity error (lint.json), in the text a reader
 *                         sees. One word alone inside of a name or reference of the data ("Court
 *                         Street 1", "Lawyer & Sons Ltd") is none.
 *   no-words              the version carries no word lists: nothing can be looked for
 *   no-identity           text, HTML, short message and call name the creditor; text and HTML also
 *                         an address of it
 *   no-opt-out            text and HTML hold the opt-out address or link, a short message one of
 *                         the phrases opt_out of lint.json; not in purpose opt-out-confirmation
 *   tone                  the template is harsher than the data's `tone`, the level the ladder or
 *                         the job has reached
 *   PACK/NEED             what a rule pack that applies asks for is not there, or nobody knows how
 *                         to look for it (guard_rules.c lists what is known)
 *   PACK/opt-out-wording  a short message has neither the pack's wording nor one of our phrases
 *                         with a word of the pack
 *   deadline              a date ahead that the text shows is no business day where the debtor is;
 *                         due dates and the debtor's own promise are none of ours. Where nobody has
 *                         looked at the debtor's calendar (a preview): a Saturday or Sunday.
 *
 * What packs ask and which dates are closed stands in the data's member `guard`
 * (gateway/dispatch/task_guard.h). Desk scripts are read by our own people and are not looked at.
 * Pure; any thread. */
#ifndef TEMPLATES_ENGINE_GUARD_H
#define TEMPLATES_ENGINE_GUARD_H

#include "templates/engine/lint_internal.h"

/* w NULL: the version carries none. GW_EBLOCKED "content-guard: <rule>: why"; the text repeats
 * phrases of the word lists, never of the message. GW_ENOMEM. */
gw_code guard_check(const lint_words *w, const template_manifest *m, template_part part,
                    gw_str rendered, const json_doc *data, gw_err *err) GW_NODISCARD;
/* The same with what a bundle carries. */
gw_code template_bundle_guard(const template_bundle *b, template_part part, gw_str rendered,
                              const json_doc *data, gw_err *err) GW_NODISCARD;

#endif
