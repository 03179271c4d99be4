/* query.h - the commands that ask a running gateway or act on it as operator:
 *   status [--wait SECONDS] · job show|list|cancel|retry · explain · debtor show|items ·
 *   clock show|set|release|settle · pause · resume
 * Each takes argv from its own name on and returns the exit code. */
#ifndef DUNLIN_CLI_QUERY_H
#define DUNLIN_CLI_QUERY_H

int status_cli(int argc, char **argv);
int job_cli(int argc, char **argv);
int explain_cli(int argc, char **argv);
int clock_cli(int argc, char **argv);
int pause_cli(int argc, char **argv); /* also answers to "resume" */
int show_cli(int argc, char **argv);  /* show debtor|items ID */

#endif
