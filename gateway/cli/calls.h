/* calls.h - the call desk from the command line:
 *   calls next|take TASK|dial TASK|confirm TASK|release TASK|record TASK outcome=...|attach TASK
 * FILE|list|codes Takes argv from its own name on and returns the exit code. */
#ifndef DUNLIN_CLI_CALLS_H
#define DUNLIN_CLI_CALLS_H

int calls_cli(int argc, char **argv);

#endif
