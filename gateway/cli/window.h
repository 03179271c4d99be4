/* window.h - `dunlin window`: the send windows of the house (config/windows.jsonc).
 *
 *   lint [FILE]                        is the file good? Talks to nobody
 *   show                               what is in force, since when, by whom
 *   diff [FILE]                        what applying the file would change
 *   apply [FILE] [--by NAME] [--reason WHY]
 * FILE: default windows.jsonc beside the configuration. Thread: the main thread. */
#ifndef DUNLIN_CLI_WINDOW_H
#define DUNLIN_CLI_WINDOW_H

int window_cli(int argc, char **argv);

#endif
