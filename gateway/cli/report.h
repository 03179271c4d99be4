/* report.h - `dunlin report`: what the evidence says about how reminding went. Reads the evidence
 * folder, needs no gateway. Thread: the main thread. */
#ifndef DUNLIN_CLI_REPORT_H
#define DUNLIN_CLI_REPORT_H

int report_cli(int argc, char **argv);
int report_timing(int argc, char **argv); /* argv[0] is "timing" */

#endif
