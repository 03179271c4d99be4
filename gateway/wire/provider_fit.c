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

const char *provider_unfit(const provider *p, const provider_subject *s,
                           const provider_approval **ret_approval)
{
    *ret_approval = approval_of(p, s);
    if (p->dunning == PROVIDER_DUNNING_FORBIDDEN)
        return "dunning-forbidden";
    if (p->dunning == PROVIDER_DUNNING_CREDITOR && !s->creditor)
        return "creditor-only";
    if (!serves_number(p, s->to))
        return "number-not-served";
    return p->approval_required && !*ret_approval ? "not-approved" : NULL;
}
