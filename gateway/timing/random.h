/* random.h - a small seeded stream of random numbers for choices and simulations.
 *
 * splitmix64 (Steele, Lea, Flood 2014): every seed is good, neighbouring seeds fall far apart. Not
 * for secrets. The same seed gives the same stream on every machine. Thread: one owner. */
#ifndef TIMING_RANDOM_H
#define TIMING_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} timing_random;

/* The finisher alone: a good hash of one word. */
static inline uint64_t timing_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t timing_random_word(timing_random *r)
{
    uint64_t z = timing_mix(r->state);
    r->state += UINT64_C(0x9E3779B97F4A7C15);
    return z;
}

/* In [0, 1), 53 bits. */
static inline double timing_random_unit(timing_random *r)
{
    return (double)(timing_random_word(r) >> 11) * 0x1p-53;
}

/* In [0, n), n at least 1. The bias is below n / 2^64. */
static inline unsigned timing_random_below(timing_random *r, unsigned n)
{
    return (unsigned)(((unsigned __int128)timing_random_word(r) * n) >> 64);
}

double timing_random_normal(timing_random *r);
/* Gamma(shape, 1), shape > 0; Marsaglia and Tsang 2000. */
double timing_random_gamma(timing_random *r, double shape);
double timing_random_beta(timing_random *r, double a, double b);

#endif
