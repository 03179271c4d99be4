/* personal.h - model A: population -> segment -> debtor, with a kernel over neighbouring hours.
 *
 * Observed over expected: the debtor's answers divided by what its segment would have given at the
 * same cells, so that hours which were only tried often gain nothing and channels can be pooled.
 *     level m   = (S + 2) / (E + 2)
 *     hour      a = sum K s, b = sum K e over hours 0, 1, 2 away (1, .5, .1);
 *               the other day type x .4
 *     mean      = p1 (2 + a) / (2 / m + b)
 * A late reaction is one answer at its hour, expected over the hours behind the contact. A
 * contact's weight fades by .985 with every newer one. Thread: any; pure, allocates nothing. */
#ifndef TIMING_PERSONAL_H
#define TIMING_PERSONAL_H

#include "gateway/timing/estimate.h"
#include "gateway/timing/tables.h"

void timing_personal(const timing_tables *t, const history *h, const timing_question *q,
                     timing_estimate *ret);

#endif
