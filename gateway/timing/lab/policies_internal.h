/* policies_internal.h - what a policy is made of; only for the files of the policies. */
#ifndef TIMING_LAB_POLICIES_INTERNAL_H
#define TIMING_LAB_POLICIES_INTERNAL_H

#include "gateway/timing/lab/policies.h"

typedef struct policy_row policy_row;

struct policy {
    const policy_row *row;
};

struct policy_row {
    policy_about about;
    policy *(*make)(const policy_row *row, const policy_start *start);
    void (*destroy)(policy *p);
    void (*ask)(policy *p, size_t person, const timing_question *q, timing_random *r, float *choose,
                float *mean);
    void (*learn)(policy *p, size_t person, const history_contact *c, int32_t day); /* or NULL */
    void (*night)(policy *p);                                                       /* or NULL */
};

extern const policy_row policy_fixed, policy_random, policy_population, policy_segment,
    policy_frequent, policy_thompson, policy_linucb, policy_a, policy_b, policy_dunlin,
    policy_ceiling;

#endif
