/* rules.h - `dunlin rules list|lint|verify|show|diff|apply|key|sign`: the rule packs as files of an
 * operator, and which of them a running gateway has in force.
 *
 * list     packs with version, roles, how many of their numbers are drafts, who signed them
 * lint     everything that is wrong or doubtful: files that do not parse, drafts, calendars that do
 *          not know this year or the next
 * verify   is every file signed by a key in keys/rules? exit code 1 if not
 * diff     what changed between two files, number by number; without files: what applying would
 *          change in what is in force
 * apply    put the files in force [--by NAME] [--reason WHY]: a gateway reads its own, refuses what
 *          has a fault, is not signed and must be, or is not what was looked at here
 * show     what is in force, since when, by whom; --json with every number
 * key      make a pair of keys that may sign; the public one goes to keys/rules
 * sign     write FILE.sig beside each file, or beside all of the configuration's
 *
 * Only show, apply and diff without files ask a gateway. --json gives one document. Thread: the
 * main thread. */
#ifndef DUNLIN_CLI_RULES_H
#define DUNLIN_CLI_RULES_H

#include "gateway/cli/options.h"

int rules_cli(int argc, char **argv);
/* The warnings of `dunlin doctor` about the rules, on stdout. Returns 1 when they do not load. */
int rules_doctor(const cli_common *c);

#endif
