/* query.h - what intake asks of dispatch, answered on intake's thread and its own connection:
 * questions (job, jobs, debtor, items, explain, status, clock) and acts (cancel of a job, retry,
 * clock).
 *
 *   query.c       the table of questions, status, clock     query_job.c   job, jobs
 *   query_debtor.c  debtor, items                           explain.c     why, what blocks, when
 * next act.c         cancel, retry, clock set and release
 *
 * Explanations come from the same decide() that dispatch uses. Answers to a billing system concern
 * its own data only: intake sets the source. Pass query_answer, query_act and query_wake to
 * intake_config.calls with the query as context.
 *
 * Thread: intake's, but query_wake any. */
#ifndef GATEWAY_DISPATCH_QUERY_H
#define GATEWAY_DISPATCH_QUERY_H

#include "gateway/dispatch/dispatch.h"
#include "gateway/intake/intake.h"

enum { QUERY_LIST_MAX = 1000, QUERY_LIST_DEFAULT = 50 };

typedef struct query query;

/* config is borrowed; d may be NULL when this process does not run the dispatch role. */
gw_code query_new(const dispatch_config *config, dispatch *d, query **ret, gw_err *err)
    GW_NODISCARD;
void query_free(query *q); /* accepts NULL */
GW_CLEANUP_FUNC(query, query_free)

gw_code query_answer(void *q, const intake_ask *ask, gw_buf *ret_json, gw_err *err);
gw_code query_act(void *q, const intake_ask *ask, gw_buf *ret_json, gw_err *err);
void query_wake(void *q, uint64_t jobs, uint64_t changed);

#endif
