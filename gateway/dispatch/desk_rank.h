/* desk_rank.h - which task comes first when there are more than the desk can do (feature R4).
 *
 * Larger amount, younger debt, easier case first. Pure: whole numbers only, so that two gateways
 * give one task the same rank. Any thread.
 *
 *   amount  0 .. 900,000: 50,000 for each bit of the open amount in whole currency units, so that
 *           a doubled amount counts as much at the low end as at the high one. There are no
 *           exchange rates here: a unit of any currency counts alike
 *   age     300,000 for what is not due yet, half of it at 30 days past due, a third at 60
 *   ease    +100,000 when the debtor has paid something before, -100,000 for each broken promise
 *           (at most three), -50,000 for each try of this task that reached nobody
 *
 * The moment: timing chose when it opens. What opened within the last hour, that is at its
 * predicted moment, gets DESK_MOMENT_BONUS on top while agents choose. */
#ifndef GATEWAY_DISPATCH_DESK_RANK_H
#define GATEWAY_DISPATCH_DESK_RANK_H

#include "gateway/dispatch/facts.h"

enum { DESK_MOMENT_BONUS = 150000, DESK_MOMENT_MS = 3600000 };

int64_t desk_rank(const view_debtor *d, const view_item *item, int32_t today, int tries);

#endif
