/* questions.h - PULL: the dispatch thread asks a worker of the channel, and its PULLED goes into
 * the inbox like any other receipt (authenticity "pulled").
 *
 * A question that finds no worker, or whose answer is lost, is simply asked again by the booker. */
#ifndef GATEWAY_DISPATCH_QUESTIONS_H
#define GATEWAY_DISPATCH_QUESTIONS_H

#include "gateway/dispatch/dispatch.h"
#include "gateway/wire/worker.h"

enum { QUESTIONS_MAX = 1024 }; /* waiting for the dispatch thread; more are dropped */

/* Copied. Thread: any. */
void dispatch_question(dispatch *d, gw_str channel, const wire_pull *question);

/* ---- the dispatch thread ---- */

/* Send what is waiting. */
void questions_run(dispatch *d);
/* An answer came: keep it durably. raw: the provider's answer. */
void questions_answer(dispatch *d, const wire_pulled *answer, gw_str raw);
/* Outcomes that are unknown become questions; what a provider calls its messages becomes marks.
 * Marks come before the commit (false: not durable, so do not commit), questions after it. */
bool questions_mark(dispatch *d, const wire_outcome *const *outs, const gw_id *rids, size_t n);
void questions_unknown(dispatch *d, const wire_outcome *const *outs, const gw_id *rids, size_t n);
void questions_clear(dispatch *d);

#endif
