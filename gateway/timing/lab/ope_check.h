/* ope_check.h - do the off-policy estimates find the truth where it is known?
 *
 * A log is kept by the gateway's own way of choosing with model B; from it the value of choosing
 * with model A is estimated and compared with what the generator says. Pure but for memory. */
#ifndef TIMING_LAB_OPE_CHECK_H
#define TIMING_LAB_OPE_CHECK_H

#include "gateway/timing/lab/ope.h"
#include "gateway/timing/lab/simulate.h"

enum { OPE_DEBTORS = 1000, OPE_CONTACTS = 20, OPE_RUNS_MAX = 1000 };

typedef struct {
    unsigned runs;
    unsigned ips_within, snips_within, dr_within; /* runs in which truth lay within two s.e. */
    double truth, logged, ips, snips, dr;         /* means over the runs */
    double effective;                             /* mean effective sample size */
    double least_propensity;                      /* of all contacts of all runs */
} ope_check_result;

gw_code ope_check(unsigned runs, uint64_t seed, ope_check_result *ret, gw_err *err) GW_NODISCARD;

#endif
