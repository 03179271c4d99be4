#include "gateway/timing/lab/bootstrap.h"

#include "gateway/timing/random.h"

#include <math.h>
#include <stdlib.h>

double bootstrap_share(const double sums[3])
{
    double lift = sums[2] - sums[1];
    return lift > 1e-9 ? (sums[0] - sums[1]) / lift : NAN;
}

double bootstrap_ratio(const double sums[3])
{
    return sums[1] > 0 ? sums[0] / sums[1] : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void bootstrap_interval(const double *rows, size_t stride, size_t persons, bootstrap_figure *figure,
                        double *ret_low, double *ret_high)
{
    double draws[BOOTSTRAP_DRAWS];
    size_t n = 0;
    timing_random r = {3};
    *ret_low = *ret_high = NAN;
    for (int d = 0; d < BOOTSTRAP_DRAWS && persons > 0; d++) {
        double sums[3] = {0};
        for (size_t i = 0; i < persons; i++) {
            const double *row = rows + stride * timing_random_below(&r, (unsigned)persons);
            for (int k = 0; k < 3; k++)
                sums[k] += row[k];
        }
        double value = figure(sums);
        if (!isnan(value))
            draws[n++] = value;
    }
    if (n < BOOTSTRAP_DRAWS / 2)
        return;
    qsort(draws, n, sizeof *draws, by_value);
    *ret_low = draws[n / 20];
    *ret_high = draws[n - 1 - n / 20];
}
