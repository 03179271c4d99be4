/* facts_eligible.c - may any provider carry this text to this number? (S5) */
#include "gateway/dispatch/facts_eligible.h"

#include "gateway/wire/provider.h"

void facts_eligible(const facts_context *ctx, const view_reminder *r, policy_facts *f)
{
    if (!gw_str_is(r->channel, "sms") || ctx->provider_n == 0 || f->recipient_n == 0)
        return;
    const provider_subject s = {.to = f->recipients[0].address,
                                .creditor = f->sender == POLICY_SENDER_CREDITOR,
                                .no_demand = strcmp(f->purpose, POLICY_PURPOSE_CONFIRM) == 0};
    f->eligible = POLICY_NO;
    for (size_t i = 0; i < ctx->provider_n; i++) {
        const char *why = provider_forbids(ctx->providers[i], &s);
        if (!why) {
            f->eligible = POLICY_YES;
            f->eligible_why = NULL;
            return;
        }
        f->eligible_why = why;
    }
}
