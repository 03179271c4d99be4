#include "gateway/timing/random.h"

#include <math.h>

double timing_random_normal(timing_random *r)
{
    const double two_pi = 6.283185307179586;
    double u = 1 - timing_random_unit(r); /* never 0 */
    return sqrt(-2 * log(u)) * cos(two_pi * timing_random_unit(r));
}

double timing_random_gamma(timing_random *r, double shape)
{
    if (shape < 1) /* boost: Gamma(a) = Gamma(a + 1) U^(1/a) */
        return timing_random_gamma(r, shape + 1) * pow(1 - timing_random_unit(r), 1 / shape);
    double d = shape - 1.0 / 3;
    double c = 1 / sqrt(9 * d);
    for (;;) {
        double x = timing_random_normal(r);
        double v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - timing_random_unit(r)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

double timing_random_beta(timing_random *r, double a, double b)
{
    double x = timing_random_gamma(r, a);
    return x / (x + timing_random_gamma(r, b));
}
