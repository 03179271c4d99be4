/* ope.h - off-policy estimates: what another way of choosing would have brought, from the log
 * alone.
 *
 * For each logged contact: the probability p_h with which each hour was chosen, t_h with which the
 * other way would have chosen it, m_h the model's chance of an answer there, and the answer y at
 * the hour chosen.
 *     IPS    mean of w y, w = t / p                       (Horvitz and Thompson 1952)
 *     SNIPS  sum of w y / sum of w                        (Swaminathan and Joachims 2015)
 *     DR     mean of [sum over hours of t m] + w (y - m)   (Dudik, Langford and Li 2011)
 * Standard errors: of the spread seen in the log and of the spread the known probabilities imply,
 * sum over hours of t^2 / p m (1 - m), the larger. Where exploration is rare the log often lacks
 * the few contacts with large weights, and its own spread would promise far too much.
 * Effective sample size: (sum w)^2 / sum w^2. Forced contacts have no propensity and are left out
 * by the caller. Pure. */
#ifndef TIMING_LAB_OPE_H
#define TIMING_LAB_OPE_H

#include "gateway/timing/cell.h"

typedef struct {
    double n, w, ww, wy, wwy, wwyy, dr, drdr, y;
    double implied_dr, implied_ips; /* variances implied by the probabilities */
    double w_most;
} ope;

typedef struct {
    uint64_t n;
    double logged;                                  /* mean answer of the log itself */
    double ips, ips_se, snips, snips_se, dr, dr_se; /* NAN without contacts */
    double effective, largest_weight;
} ope_result;

typedef struct {
    float target[TIMING_HOURS], logged[TIMING_HOURS], model[TIMING_HOURS];
    uint8_t hour;  /* the one chosen; logged[hour] > 0 */
    double answer; /* 0 .. 1 */
} ope_contact;

void ope_add(ope *o, const ope_contact *c);
ope_result ope_finish(const ope *o);

#endif
