/* needs.c - what a message must hold, and what its dates must be, by the packs that apply. */
#include "gateway/policy/decide.h"

#include "gateway/base/time.h"

size_t policy_opt_outs(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                       gw_str locale, const policy_opt_out **ret, size_t max)
{
    walk w;
    size_t n = 0;
    walk_begin(&w, facts, rules, t);
    walk_packs(&w);
    for (size_t i = 0; i < w.pack_n; i++)
        for (size_t k = 0; k < w.packs[i]->opt_out_n; k++) {
            const policy_opt_out *o = &w.packs[i]->opt_outs[k];
            gw_str of = gw_str_of(o->locale);
            bool spoken = gw_str_eq(of, locale) || (locale.n > of.n && locale.p[of.n] == '-' &&
                                                    memcmp(locale.p, of.p, of.n) == 0);
            if (o->channel != w.channel || !spoken)
                continue;
            if (n < max)
                ret[n] = o;
            n++;
        }
    return n;
}

bool policy_is_business_day(const policy_facts *facts, const policy_rules *rules, gw_wall t,
                            int32_t day)
{
    enum { SATURDAY = 6 };
    walk w;
    bool known = false; /* some pack has a calendar of working days, which weekends lie in, too */
    walk_begin(&w, facts, rules, t);
    walk_packs(&w);
    for (size_t i = 0; i < w.pack_n; i++) {
        const pack *p = w.packs[i];
        calendar_day kind = p->holidays ? calendar_look(p->holidays, day, NULL) : CALENDAR_ORDINARY;
        if (kind == CALENDAR_HOLIDAY || kind == CALENDAR_UNKNOWN)
            return false;
        if (p->workdays && !calendar_is_workday(p->workdays, day))
            return false;
        known = known || p->workdays;
    }
    return known || gw_day_weekday(day) < SATURDAY;
}
