/* bootstrap.h - 90 % intervals over persons: draw persons with replacement, look at the spread.
 *
 * A person's contacts hang together, so persons are drawn, never single contacts. Fixed seed: the
 * same figures give the same interval. Pure. */
#ifndef TIMING_LAB_BOOTSTRAP_H
#define TIMING_LAB_BOOTSTRAP_H

#include <stddef.h>

enum { BOOTSTRAP_DRAWS = 300 };

/* A figure made of sums of three numbers each person contributes. */
typedef double bootstrap_figure(const double sums[3]);

/* [policy, random, oracle] -> share of the oracle's lift; NAN when there is no lift to share. */
double bootstrap_share(const double sums[3]);
/* [policy, random, ...] -> policy / random. */
double bootstrap_ratio(const double sums[3]);

/* rows: person i's three numbers begin at rows[i * stride]. NAN, NAN without persons or when the
 * figure is mostly undefined. */
void bootstrap_interval(const double *rows, size_t stride, size_t persons, bootstrap_figure *figure,
                        double *ret_low, double *ret_high);

#endif
