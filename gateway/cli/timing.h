/* timing.h - `dunlin timing`: judge what the predictions are worth, on any table, without a
 * gateway. Thread: the main thread. */
#ifndef DUNLIN_CLI_TIMING_H
#define DUNLIN_CLI_TIMING_H

int timing_cli(int argc, char **argv);

/* The subcommands; argv[0] is the subcommand's name. */
int timing_score(int argc, char **argv);
int timing_replay(int argc, char **argv);
int timing_fit_cli(int argc, char **argv);
int timing_simulate(int argc, char **argv);
int timing_switch(int argc, char **argv); /* off, on */
int timing_explain_cli(int argc, char **argv);

#endif
