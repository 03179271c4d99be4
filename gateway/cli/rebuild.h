/* rebuild.h - `dunlin rebuild`: the state again from the evidence log, after Redis was lost.
 * Thread: the main thread. */
#ifndef DUNLIN_CLI_REBUILD_H
#define DUNLIN_CLI_REBUILD_H

int rebuild_cli(int argc, char **argv);

#endif
