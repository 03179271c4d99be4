/* facts_eligible.h - the providers' own rules as a fact of one reminder.
 *
 * NO when the configured providers all forbid it, with the reason of the last; YES when one does
 * not; unchecked for channels without providers. Approvals of template versions are the worker's to
 * check: the version may still change. Pure; any thread. */
#ifndef GATEWAY_DISPATCH_FACTS_ELIGIBLE_H
#define GATEWAY_DISPATCH_FACTS_ELIGIBLE_H

#include "gateway/dispatch/facts.h"

void facts_eligible(const facts_context *ctx, const view_reminder *r, policy_facts *f);

#endif
