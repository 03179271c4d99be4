/* unlearned.h - for whom nothing is predicted and nothing learned (GDPR articles 21 and 22, PIPL
 * article 24).
 *
 *   source-off   the billing system's setting "timing": "off", or an operator's act: `dunlin timing
 *                off --source S` (pause of "timing:S"; "timing:*" is every source)
 *   objection    the debtor withdrew consent for the purpose "profiling", whatever its scope
 *
 * Then moments are the channel's preferred minute (timing/timing.h) and no score is shown. A source
 * that is off keeps what was learned before, unused and out of every fit, until it is on again; of
 * a debtor who objects it is deleted at the next look. Pure; any thread. */
#ifndef GATEWAY_DISPATCH_UNLEARNED_H
#define GATEWAY_DISPATCH_UNLEARNED_H

#include "gateway/dispatch/facts.h"

#define UNLEARNED_PURPOSE "profiling"
#define UNLEARNED_PREFIX  "timing:"

/* NULL: prediction is allowed. Static storage. */
const char *unlearned_why(const facts_context *ctx, const view_debtor *d);
/* Of a source alone. */
bool unlearned_source(const facts_context *ctx, gw_str source);
/* A sentence for people. */
const char *unlearned_sentence(const char *why);

#endif
