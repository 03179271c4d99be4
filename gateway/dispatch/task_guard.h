/* task_guard.h - what the content guard (templates/engine/guard.h) must know of the rules that
 * apply, as member "guard" of a task's document:
 *
 *   {"needs": [{"pack","need"}], "opt_outs": [{"pack","wording","words":[...]}],
 *    "closed": ["YYYY-MM-DD", ...]}
 *
 * needs and opt_outs are rows of the packs that apply to this contact; closed lists those dates
 * among the job's own facts that are no business days there, or of a year nobody knows. Not there
 * for the confirmation of an opt-out. Pure; any thread. */
#ifndef GATEWAY_DISPATCH_TASK_GUARD_H
#define GATEWAY_DISPATCH_TASK_GUARD_H

#include "gateway/dispatch/task_facts.h"

/* Append the member. GW_ELIMIT: the packs ask for more than a message can be checked for. */
gw_code task_guard_put(const task_facts_input *in, gw_buf *out, gw_err *err) GW_NODISCARD;

#endif
