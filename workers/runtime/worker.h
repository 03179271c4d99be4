/* worker.h - one worker process: tasks from the gateway, through a channel driver, to outcomes.
 *
 * One thread talks to the gateway (the caller of worker_run), some prepare messages, some transmit.
 * What is in hand never exceeds the credit given. Nothing is kept on disk: the gateway knows what
 * it gave out, and an outcome is repeated until the gateway has said SEEN.
 *
 *   gateway heard again, or another boot id    READY is said again, outcomes are repeated; with
 *                                              another boot id tasks without GO are dropped
 *   gateway silent                             what has GO is transmitted; the link is made anew
 *   DRAIN from the gateway, or worker_stop     DRAIN is said, no task is taken, what is in hand is
 *                                              finished, worker_run returns
 *
 * Thread: worker_stop any thread and signal handlers; the rest one thread. */
#ifndef WORKERS_WORKER_H
#define WORKERS_WORKER_H

#include "gateway/wire/curve.h"
#include "workers/runtime/channel.h"

enum {
    WORKER_CREDIT_MAX = 16384,
    WORKER_THREADS_MAX = 64,
    WORKER_TEMPLATES_MAX = 64,   /* versions kept; the one used longest ago goes first */
    WORKER_HEARTBEAT_MS = 1000,  /* gateways give a silent worker up after 5 s */
    WORKER_SILENCE_MS = 10000,   /* of the gateway, before the link is made anew */
    WORKER_PATIENCE_MS = 120000, /* for a template and for GO */
    WORKER_REPEAT_MS = 15000,    /* an outcome without SEEN is said again */
    WORKER_DRAIN_MS = 60000,     /* then a drain gives up what is left */
};

typedef struct {
    const char *name; /* of this process among workers, e.g. "email-host-4711" */
    const char *endpoint, *server_public;
    const curve_pair *pair;
    int credit;                              /* tasks in hand, 1..WORKER_CREDIT_MAX */
    int prepare_threads, send_threads;       /* 1..WORKER_THREADS_MAX */
    size_t message_bytes_max;                /* of one prepared message */
    int heartbeat_ms, patience_ms, drain_ms; /* 0 = as above */
} worker_config;

typedef struct worker worker;

/* Starts the threads; connects in the background. The driver is borrowed until worker_free; config
 * is copied, its texts too. */
gw_code worker_new(const worker_config *config, const channel *driver, worker **ret, gw_err *err)
    GW_NODISCARD;
/* Work until drained. GW_OK; GW_ETIMEOUT when the drain gave something up. */
gw_code worker_run(worker *w, gw_err *err) GW_NODISCARD;
/* Begin the drain. */
void worker_stop(worker *w);
void worker_free(worker *w);
GW_CLEANUP_FUNC(worker, worker_free)

#endif
