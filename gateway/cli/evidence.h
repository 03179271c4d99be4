/* evidence.h - `dunlin evidence export|search|csv|proof|checkpoint|fsck`.
 *
 * Works on the data folder, beside a running gateway or without one. Reads and exports leave an
 * x-Export record: through the gateway when it runs, else the log is opened for that moment; when
 * neither is possible the command says so on the error stream (and an export then cannot prove that
 * cases are complete). Link with the target dunlin_evidence_cli.
 * Exit codes as gw_exit_code: 0 done, 1 refused, failed or faults found, 2 usage, 75 try again. */
#ifndef GATEWAY_CLI_EVIDENCE_H
#define GATEWAY_CLI_EVIDENCE_H

#include <stdio.h>

/* argv[0] is "evidence", argv[1] the subcommand. Returns the exit code. */
int evidence_cli(int argc, char **argv);
/* The same with streams of the caller's choice. */
int evidence_cli_run(int argc, char **argv, FILE *out, FILE *errors);
/* The lines `dunlin help` shows. */
extern const char evidence_cli_usage[];

#endif
