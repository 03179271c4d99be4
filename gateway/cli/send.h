/* send.h - the commands that hand something in, under a billing system's key (--source NAME,
 * default "local", uses keys/secret/NAME.key): submit FILE.jsonl|-    one job per line; one JSON
 * verdict per line, in order; exit 0 only if none was rejected, 75 when some stayed busy import
 * TABLE.csv       the tracking table as debtors and open items; all or nothing is checked before
 * the first is sent payment|promise|dispute|hold|consent|debtor|item   NAME=VALUE... or a JSON body
 * from FILE or -
 */
#ifndef DUNLIN_CLI_SEND_H
#define DUNLIN_CLI_SEND_H

int submit_cli(int argc, char **argv);
int import_cli(int argc, char **argv);
/* submit of lines of that verb. */
int submit_as(const char *verb, int argc, char **argv);
int verb_cli(int argc, char **argv); /* argv[0] is the verb */

#endif
