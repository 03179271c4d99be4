#include "gateway/timing/scorecard.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = ((const scorecard_pair *)a)->p;
    double y = ((const scorecard_pair *)b)->p;
    return (x > y) - (x < y);
}

/* Of sorted pairs: the rank sum of Mann and Whitney, ties at their mean rank. */
static double area(const scorecard_pair *v, size_t n, size_t positive)
{
    double ranks = 0;
    for (size_t i = 0, j; i < n; i = j) {
        size_t ones = 0;
        for (j = i; j < n && v[j].p <= v[i].p; j++)
            ones += v[j].y;
        ranks += (double)ones * (double)(i + j + 1) / 2;
    }
    double p = (double)positive;
    double q = (double)(n - positive);
    return p > 0 && q > 0 ? (ranks - p * (p + 1) / 2) / (p * q) : (double)NAN;
}

static size_t positives(const scorecard_pair *v, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += v[i].y;
    return k;
}

double scorecard_auc(scorecard_pair *pairs, size_t n)
{
    qsort(pairs, n, sizeof *pairs, by_value);
    return area(pairs, n, positives(pairs, n));
}

static void interval(scorecard *s)
{
    double a = s->auc;
    double p = (double)s->positive;
    double q = (double)(s->n - s->positive);
    double both = a / (2 - a) - a * a;
    double other = 2 * a * a / (1 + a) - a * a;
    double se = sqrt((a * (1 - a) + (p - 1) * both + (q - 1) * other) / (p * q));
    s->auc_low = fmax(0, a - 1.96 * se);
    s->auc_high = fmin(1, a + 1.96 * se);
}

static void bins(const scorecard_pair *v, size_t n, scorecard *s)
{
    for (size_t b = 0; b < SCORECARD_BINS; b++) {
        scorecard_bin *bin = &s->bins[b];
        for (size_t i = b * n / SCORECARD_BINS; i < (b + 1) * n / SCORECARD_BINS; i++) {
            bin->n++;
            bin->predicted += v[i].p;
            bin->observed += v[i].y;
        }
        if (!bin->n)
            continue;
        s->ece += fabs(bin->predicted - bin->observed) / (double)n;
        bin->predicted /= (double)bin->n;
        bin->observed /= (double)bin->n;
    }
}

void scorecard_of(scorecard_pair *pairs, size_t n, scorecard *ret)
{
    scorecard s = {.n = n, .positive = positives(pairs, n)};
    s.auc = scorecard_auc(pairs, n);
    s.auc_low = s.auc_high = NAN;
    if (isfinite(s.auc))
        interval(&s);
    double share = n ? (double)s.positive / (double)n : 0;
    s.brier_constant = share * (1 - share);
    for (size_t i = 0; i < n; i++) {
        double p = pairs[i].p;
        s.brier += (p - pairs[i].y) * (p - pairs[i].y) / (double)n;
        s.log_loss -= log(fmax(1e-12, pairs[i].y ? p : 1 - p)) / (double)n;
    }
    bins(pairs, n, &s);
    *ret = s;
}
