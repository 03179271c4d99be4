#include "gateway/wire/provider.h"

static bool serves_number(const provider *p, gw_str to)
{
    for (size_t i = 0; i < p->prefix_n; i++)
        if (to.n >= p->prefixes[i].n && memcmp(to.p, p->prefixes[i].p, p->prefixes[i].n) == 0)
            return true;
    return p->prefix_n == 0;
}

static const provider_approval *approval_of(const provider *p, const provider_subject *s)
{
    for (size_t i = 0; i < p->approval_n; i++) {
        const provider_approval *a = &p->approvals[i];
        if (gw_str_eq(a->name, s->name) && gw_str_eq(a->locale, s->locale) &&
            gw_str_eq(a->version, s->version))
            return a;
    }
    return NULL;
}

const char *provider_forbids(const provider *p, const provider_subject *s)
{
    if (p->dunning == PROVIDER_DUNNING_FORBIDDEN && !s->no_demand)
        return "dunning-forbidden";
    if (p->dunning == PROVIDER_DUNNING_CREDITOR && !s->creditor && !s->no_demand)
        return "creditor-only";
    return serves_number(p, s->to) ? NULL : "number-not-served";
}

const char *provider_unfit(const provider *p, const provider_subject *s,
                           const provider_approval **ret_approval)
{
    const char *why = provider_forbids(p, s);
    *ret_approval = approval_of(p, s);
    return why ? why : p->approval_required && !*ret_approval ? "not-approved" : NULL;
}
