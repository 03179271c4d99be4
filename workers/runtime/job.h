/* job.h - the tasks a worker has in hand, found by what the gateway calls them.
 *
 * A job goes  template -> preparing -> waiting -> sending -> reporting  and ends with SEEN; it is
 * dropped silently when the gateway aborts it or our patience runs out before GO; when the gateway
 * is a new one, or the connection is, a waiting job is reported as never given GO.
 * Thread: the runtime's; a job's attempt is lent to other threads while preparing and sending. */
#ifndef WORKERS_JOB_H
#define WORKERS_JOB_H

#include "workers/runtime/channel.h"

typedef enum {
    JOB_TEMPLATE,  /* waits for its template */
    JOB_PREPARING, /* a preparing thread has the attempt */
    JOB_WAITING,   /* INTENT said, waits for GO */
    JOB_SENDING,   /* GO came, a sending thread has the attempt */
    JOB_REPORTING, /* OUTCOME said, waits for SEEN */
    JOB_STATE_COUNT
} job_state;

typedef struct job {
    channel_attempt *attempt; /* owned */
    wire_ref ref;             /* in the attempt's arena */
    job_state state;
    bool dropped;  /* no longer wanted; a thread still has the attempt */
    gw_mono since; /* of the state */
    const template_bundle *bundle;
    gw_code prepared; /* what prepare answered */
    char hash[65];    /* SHA-256 of the bytes, hex */
    struct job *chain, *prev, *next;
} job;

typedef struct job_table job_table;

job_table *job_table_new(void);
/* Frees all jobs; no thread may have an attempt any more. */
void job_table_free(job_table *t);

/* A fresh job with an attempt whose bytes may grow to bytes_max; memory of ended jobs is used
 * again. NULL when out of memory. It is in the table from job_table_add on. */
job *job_new(job_table *t, size_t bytes_max);
void job_table_add(job_table *t, job *j);
/* NULL when there is no such job, or under another attempt or token. */
job *job_find(const job_table *t, const wire_ref *ref);
/* One with this rid, whatever its attempt. */
job *job_find_rid(const job_table *t, gw_str rid);
void job_set(job_table *t, job *j, job_state state);
/* Take it out and keep its memory for another. */
void job_end(job_table *t, job *j);

size_t job_count(const job_table *t);
size_t job_count_in(const job_table *t, job_state state);
/* Oldest first within a state; NULL ends. */
job *job_first(const job_table *t, job_state state);
static inline job *job_next(const job *j)
{
    return j->next;
}

#endif
