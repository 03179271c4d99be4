/* supervise.h - run a fixed set of child programs, restart those that die, stop them in order.
 *
 * Children are started in the order of the table and stopped in the order of their `stop_rank`;
 * each gets SIGTERM, then its patience, then SIGKILL. A child that dies is started again after a
 * pause that doubles from 200 ms to 10 s and falls back after a minute of life. Children die with
 * the supervisor (PR_SET_PDEATHSIG). Output of a child goes to its log file.
 *
 * Thread: the main thread only; it owns SIGTERM, SIGINT and SIGCHLD. */
#ifndef DUNLIN_SUPERVISE_H
#define DUNLIN_SUPERVISE_H

#include "gateway/base/clock.h"

#include <sys/types.h>

enum { SUPERVISE_ARGS_MAX = 24 };

typedef struct {
    const char *name;
    char *argv[SUPERVISE_ARGS_MAX]; /* argv[0] is a path or a name looked up in PATH; NULL at end */
    const char *log_path;
    int stop_rank;   /* lower stops first */
    int patience_ms; /* between SIGTERM and SIGKILL */
    /* the supervisor's own */
    pid_t pid;
    int pause_ms;
    gw_mono started, start_at;
} supervise_child;

/* Block the signals this module owns; before any thread or child exists. */
void supervise_init(void);
/* Start one child. */
gw_code supervise_start(supervise_child *child, gw_err *err) GW_NODISCARD;
/* Restart what died until SIGTERM or SIGINT arrives, then stop all. on_tick (may be NULL) runs
 * about every 200 ms. Returns when all children are gone. */
void supervise_run(supervise_child *children, size_t n, void (*on_tick)(void *), void *ctx);
/* Stop all children in the order of their rank. */
void supervise_stop(supervise_child *children, size_t n);

#endif
