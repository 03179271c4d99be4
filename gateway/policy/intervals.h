/* intervals.h - sets of instants as sorted, disjoint half-open intervals on the stack.
 *
 * A set that would need more than POLICY_INTERVALS_MAX intervals loses its latest part: too little
 * is allowed, never too much. Thread: any; pure. */
#ifndef POLICY_INTERVALS_H
#define POLICY_INTERVALS_H

#include "gateway/policy/policy.h"

typedef struct {
    size_t n;
    policy_interval v[POLICY_INTERVALS_MAX];
} interval_set;

/* Unite with one interval; the additions come roughly in order of time, which makes it cheap. */
void interval_add(interval_set *s, policy_interval add);
/* Keep only what lies within [from_ms, to_ms). */
void interval_clip(interval_set *s, int64_t from_ms, int64_t to_ms);
/* Take one interval away. */
void interval_remove(interval_set *s, policy_interval gone);
/* Keep only what other has too. */
void interval_intersect(interval_set *s, const interval_set *other);

#endif
