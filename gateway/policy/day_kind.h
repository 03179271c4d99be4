/* day_kind.h - is a local day a working day where the debtor lives?
 *
 * Asked by whoever learns or predicts from days; what may be done on a day is policy_decide's to
 * say. The calendars are those of the packs that apply. Pure; any thread. */
#ifndef POLICY_DAY_KIND_H
#define POLICY_DAY_KIND_H

#include "gateway/policy/policy.h"

/* WORKED: a weekend day that is worked (China's shifted days). A day no calendar knows is what its
 * weekday says. */
typedef enum {
    POLICY_DAY_WEEKDAY,
    POLICY_DAY_WEEKEND,
    POLICY_DAY_HOLIDAY,
    POLICY_DAY_WORKED
} policy_day;

/* A holiday of any pack counts, before a shifted day of another. */
policy_day policy_day_kind(const policy_facts *facts, const policy_rules *rules, int32_t day);

/* Holidays count as weekend, worked weekend days do not. */
static inline bool policy_day_is_off(policy_day kind)
{
    return kind == POLICY_DAY_WEEKEND || kind == POLICY_DAY_HOLIDAY;
}

#endif
