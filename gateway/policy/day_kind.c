#include "gateway/policy/day_kind.h"

#include "gateway/base/time.h"
#include "gateway/policy/decide.h"

policy_day policy_day_kind(const policy_facts *facts, const policy_rules *rules, int32_t day)
{
    walk w;
    policy_day kind = gw_day_weekday(day) >= 6 ? POLICY_DAY_WEEKEND : POLICY_DAY_WEEKDAY;
    walk_begin(&w, facts, rules, (gw_wall){day * GW_MS_PER_DAY});
    walk_packs(&w);
    for (size_t i = 0; i < w.pack_n; i++) {
        const pack *p = w.packs[i];
        calendar_day is = p->holidays ? calendar_look(p->holidays, day, NULL) : CALENDAR_ORDINARY;
        if (is == CALENDAR_HOLIDAY)
            return POLICY_DAY_HOLIDAY;
        if (is == CALENDAR_SHIFTED)
            kind = POLICY_DAY_WORKED;
    }
    return kind;
}
