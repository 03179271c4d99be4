/* query_part.h - what the files behind query.h share. Private to gateway/dispatch. */
#ifndef GATEWAY_DISPATCH_QUERY_PART_H
#define GATEWAY_DISPATCH_QUERY_PART_H

#include "gateway/dispatch/decide.h"
#include "gateway/dispatch/desk_excuse.h"
#include "gateway/dispatch/house_live.h"
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/query.h"
#include "gateway/dispatch/rules_live.h"
#include "gateway/dispatch/template_cache.h"
#include "gateway/dispatch/timing_live.h"
#include "gateway/timing/willing.h"

struct query {
    const dispatch_config *cfg;
    dispatch *d;
    template_cache *templates;
    timing_live *timing; /* NULL: out of memory, no model */
    house_live house;
    rules_live rules;            /* as query_context saw them last */
    desk_excuses *excuses;       /* NULL: none are suggested */
    struct context_bench *bench; /* formatters of the agents' locales; made when first needed */
    additive *willing[2];        /* paying within 7 and within 30 days */
};

void desk_bench_free(struct context_bench *b); /* accepts NULL */

/* The reminder of (source, job), with its debtor. GW_ENOTFOUND, GW_EINVAL no job or source named.
 */
gw_code query_find_job(query *q, const intake_ask *ask, loaded **ret, gw_err *err);
/* The same, of a job named otherwise than in member job. */
gw_code query_find_named(query *q, const intake_ask *ask, gw_str job, loaded **ret, gw_err *err);
/* The debtor the body names. GW_ENOTFOUND, GW_EINVAL. */
gw_code query_find_debtor(query *q, const intake_ask *ask, view_debtor **ret, gw_err *err);
/* What decide needs, with the pauses as stored now. */
gw_code query_context(query *q, const intake_ask *ask, decide_context *ret, gw_err *err);

gw_code query_job(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code query_jobs(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code query_debtor(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code query_items(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code query_try(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code query_holds(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
/* Append "willingness":{...}: the score, its band, segment and reasons (timing/willing.h),
 * or why there is none (unlearned.h). */
gw_code query_put_willing(query *q, const intake_ask *ask, const view_debtor *d, gw_buf *ret,
                          gw_err *err);
gw_code query_explain(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);

gw_code query_calls(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code query_call_codes(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code desk_call(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
/* query_reply.c: replies of a debtor (all, or those of a job's case), the ones that wait for a
 * person, and a person's word that one was read. */
gw_code query_put_replies(const state_hash *debtor, gw_str case_id, gw_arena *arena, gw_buf *ret,
                          gw_err *err);
gw_code query_case_replies(query *q, const intake_ask *ask, const loaded *l, gw_buf *ret,
                           gw_err *err);
gw_code query_replies(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);
gw_code act_reply(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err);

/* Append {"verdict", ..., "text"} of the decision about this reminder as of now. */
gw_code explain_reminder(query *q, const intake_ask *ask, const view_debtor *d,
                         const view_reminder *r, gw_wall now, gw_buf *ret, gw_err *err);

/* "name":"2013-..Z" unless the time is absent. */
void query_put_time(gw_buf *b, const char *name, int64_t ms);
void query_put_text(gw_buf *b, const char *name, gw_str value); /* unless it is empty */

#endif
