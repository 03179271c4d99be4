/* worker_inside.h - the worker's state, and what its files ask of each other. Inside of worker.h.
 *
 *   worker.c          the loop, time, starting and stopping
 *   worker_task.c     what the gateway says, and a job's way
 *   worker_say.c      what is said to the gateway
 *   worker_threads.c  preparing and sending threads
 *   worker_ask.c      questions of the gateway to the carrier */
#ifndef WORKERS_WORKER_INSIDE_H
#define WORKERS_WORKER_INSIDE_H

#include "gateway/base/id.h"
#include "workers/runtime/job.h"
#include "workers/runtime/link.h"
#include "workers/runtime/queue.h"
#include "workers/runtime/source.h"
#include "workers/runtime/templates.h"
#include "workers/runtime/worker.h"

#include <stdatomic.h>

enum { WORKER_NAME_BYTES = 128 };

typedef struct worker_question worker_question;

typedef struct {
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    worker_question *asked, *answered;
    size_t pending;
    bool closed;
    bool ready; /* the thread runs; set before it is used */
} worker_asker;

struct worker {
    worker_config config;
    char name[WORKER_NAME_BYTES], boot[GW_ID_TEXT];
    const channel *driver;
    void *zmq;
    link_end *link;
    gw_arena *scratch;   /* of one message of the gateway */
    wire_header outcome; /* being said; too large for the stack of a loop */
    job_table *jobs;
    templates *templates;
    channel_source *source;   /* GO came */
    attempt_queue to_prepare; /* template is there */
    attempt_queue done;       /* prepared or reported, back to the runtime */
    int wake_fd;              /* done has something, or stop was called */
    atomic_bool stop;
    pthread_t preparers[WORKER_THREADS_MAX], senders[WORKER_THREADS_MAX];
    int preparer_n, sender_n;
    worker_asker asker;

    char gateway_boot[GW_ID_TEXT + 1];
    gw_mono heard, said, watched, reopened;
    int reopen_ms; /* between two of them; doubles while nothing is heard */
    bool lost, draining, closed;
    gw_mono drain_since;
};

/* worker_threads.c: bodies of threads; arg is the worker. */
void *worker_prepare(void *arg);
void *worker_send(void *arg);
/* From any thread: an attempt goes back to the runtime. */
void worker_give_back(void *arg, channel_attempt *a);
void worker_wake(worker *w);

/* worker_say.c */
void worker_say(worker *w, const wire_header *h, gw_str payload);
void worker_say_ready(worker *w);
void worker_say_heartbeat(worker *w);
void worker_say_intent(worker *w, job *j);
void worker_say_outcome(worker *w, job *j);
/* Outcomes without SEEN that were said at least so long ago. */
void worker_repeat_outcomes(worker *w, int older_ms);

/* worker_ask.c */
gw_code worker_ask_start(worker *w, gw_err *err);
void worker_ask_stop(worker *w);
void worker_ask(worker *w, const wire_pull *pull); /* take a question; it is answered later */
void worker_tell_answers(worker *w);

/* worker_task.c */
void worker_receive(worker *w);
void worker_take_back(worker *w);    /* what the threads gave back */
void worker_feed_waiting(worker *w); /* jobs that wait for a template */
void worker_drop(worker *w, job *j);
void worker_drop_without_go(worker *w); /* nothing of these has left */
void worker_give_up_go(worker *w);      /* the same, and say so of what had its INTENT */
void worker_drain(worker *w, const char *why);

#endif
