#include "gateway/dispatch/unlearned.h"

#include <string.h>

/* control: field "timing:<source>" or "timing:*". */
static bool is_switched_off(const state_hash *control, gw_str source)
{
    const size_t skip = sizeof UNLEARNED_PREFIX - 1;
    for (size_t i = 0; control && i < control->n; i++) {
        gw_str name = control->fields[i].name;
        if (name.n <= skip || memcmp(name.p, UNLEARNED_PREFIX, skip) != 0)
            continue;
        gw_str of = {name.p + skip, name.n - skip};
        if (gw_str_is(of, "*") || gw_str_eq(of, source))
            return true;
    }
    return false;
}

/* The row of the source, else that of every other. */
static bool is_set_off(const facts_context *ctx, gw_str source)
{
    const dispatch_source *other = NULL;
    for (size_t i = 0; i < ctx->source_n; i++) {
        const dispatch_source *s = &ctx->sources[i];
        if (!s->name || strcmp(s->name, "*") == 0)
            other = s;
        else if (gw_str_is(source, s->name))
            return s->timing_off;
    }
    return other && other->timing_off;
}

bool unlearned_source(const facts_context *ctx, gw_str source)
{
    return is_set_off(ctx, source) || is_switched_off(ctx->control, source);
}

/* The newest word about it counts, whatever scope it came with. */
static bool objects(const view_debtor *d)
{
    const view_consent *last = NULL;
    for (size_t i = 0; i < d->consent_n; i++) {
        const view_consent *c = &d->consents[i];
        if (gw_str_is(c->purpose, UNLEARNED_PURPOSE) &&
            (!last || c->at_ms > last->at_ms || (c->at_ms == last->at_ms && !c->granted)))
            last = c;
    }
    return last && !last->granted;
}

const char *unlearned_why(const facts_context *ctx, const view_debtor *d)
{
    if (objects(d))
        return "objection";
    return unlearned_source(ctx, d->source) ? "source-off" : NULL;
}

const char *unlearned_sentence(const char *why)
{
    return strcmp(why, "objection") == 0
               ? "The debtor objected to profiling: the moment is the channel's preferred minute, "
                 "nothing learned is used and nothing is learned."
               : "Learned hours are switched off for this billing system: the moment is the "
                 "channel's preferred minute, nothing learned is used and nothing is learned.";
}
