/* rules.h - `dunlin rules list|lint|verify|diff|key|sign`: the rule packs as files of an operator.
 *
 * list     packs with version, roles, how many of their numbers are drafts, who signed them
 * lint     everything that is wrong or doubtful: files that do not parse, drafts, calendars that do
 *          not know this year or the next
 * verify   is every file signed by a key in keys/rules? exit code 1 if not
 * diff     what changed between two files, number by number
 * key      make a pair of keys that may sign; the public one goes to keys/rules
 * sign     write FILE.sig beside each file
 *
 * Local: no gateway is asked. --json gives one document. Thread: the main thread. */
#ifndef DUNLIN_CLI_RULES_H
#define DUNLIN_CLI_RULES_H

#include "gateway/cli/options.h"

int rules_cli(int argc, char **argv);
/* The warnings of `dunlin doctor` about the rules, on stdout. Returns 1 when they do not load. */
int rules_doctor(const cli_common *c);

#endif
