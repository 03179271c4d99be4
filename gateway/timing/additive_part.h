/* additive_part.h - the inside of a model, shared by learning (additive.c) and its file form. */
#ifndef TIMING_ADDITIVE_PART_H
#define TIMING_ADDITIVE_PART_H

#include "gateway/timing/additive.h"

typedef struct {
    char name[ADDITIVE_NAME_MAX];
    int n; /* knots; 0: only the missing weight counts */
    double knots[ADDITIVE_KNOTS_MAX];
    double w[ADDITIVE_KNOTS_MAX + 1]; /* [n]: missing */
    size_t first;                     /* of its weights in the covariance */
    double mean, m2;                  /* of its part, over the rows learned */
} additive_curve;

struct additive {
    size_t n;
    double bias;
    uint64_t learned;
    size_t d;           /* weights in all, the bias first */
    double *covariance; /* d x d of the weights; NULL until the first row is learned */
    double *gain;       /* d */
    additive_curve c[];
};

#endif
