/* template.h - `dunlin template lint|render|preview|version|publish|diff`.
 *
 * Reads and writes files and prints; everything else is in templates/engine. Link with the target
 * dunlin_template_cli. Results go to out, one message per failure to the error stream: what, where,
 * what to do. --json turns results into one JSON document on a line, and a failure into
 * {"code":"invalid","error":"..."} on out beside the message.
 * Exit codes as gw_exit_code: 0 done, 1 refused or failed, 2 usage, 75 try again later. */
#ifndef GATEWAY_CLI_TEMPLATE_H
#define GATEWAY_CLI_TEMPLATE_H

#include <stdio.h>

/* argv[0] is "template", argv[1] the subcommand. Returns the exit code. */
int template_cli(int argc, char **argv);
/* The same with streams of the caller's choice. */
int template_cli_run(int argc, char **argv, FILE *out, FILE *errors);
/* The lines `dunlin help` shows. */
extern const char template_cli_usage[];

#endif
