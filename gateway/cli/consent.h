/* consent.h - `dunlin consent` and `dunlin hold`: the ledger of consent and the list of holds.
 *
 *   consent NAME=VALUE ...|FILE|-        one entry (send.h)
 *   consent show DEBTOR [--source S]     what holds now: consents, suppressions, hours, holds
 *   consent export [--source S] [--debtor D]   every entry ever made, from the evidence of this
 * data folder, oldest first: one body of verb consent a line consent import FILE.jsonl|- hand
 * entries in; one verdict a line, safe to repeat hold NAME=VALUE ...|FILE|-           set or
 * release hold list [--source S] [--kind K]    who is on hold, why, by whom, until when Thread: the
 * main thread. */
#ifndef DUNLIN_CLI_CONSENT_H
#define DUNLIN_CLI_CONSENT_H

int consent_cli(int argc, char **argv);
int hold_cli(int argc, char **argv);

#endif
