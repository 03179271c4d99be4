/* scorecard.h - how good were these probabilities? Ranking, accuracy, calibration.
 *
 * Pure; any thread. Works on pairs (probability of y = 1, y) that were predicted before y was
 * known. */
#ifndef TIMING_SCORECARD_H
#define TIMING_SCORECARD_H

#include <stdbool.h>
#include <stddef.h>

enum { SCORECARD_BINS = 10 };

typedef struct {
    double p; /* or any value that ranks, for scorecard_auc */
    bool y;
} scorecard_pair;

typedef struct {
    size_t n;
    double predicted, observed; /* means */
} scorecard_bin;

typedef struct {
    size_t n, positive;
    double auc, auc_low,
        auc_high; /* 95 % interval, Hanley and McNeil 1982; NAN with one class only */
    double brier, brier_constant; /* constant: the share of y = 1 in these very pairs */
    double log_loss;
    double ece;                         /* mean |predicted - observed| over bins of equal count */
    scorecard_bin bins[SCORECARD_BINS]; /* of equal count, by rising probability; n 0: unused */
} scorecard;

/* Sorts the pairs. */
void scorecard_of(scorecard_pair *pairs, size_t n, scorecard *ret);
/* Area under the ROC curve with ties counted half; NAN when only one class is there. Sorts. */
double scorecard_auc(scorecard_pair *pairs, size_t n);

#endif
