/* timing_bench [debtors] [contacts to fit]: what a learned hour costs.
 *
 * Prints one line of JSON: nanoseconds of a decision and of an update with that many debtors in
 * memory, met in random order (so the cache does not help), by model, beside the floor of summing
 * the bytes of the debtor so met; bytes of the largest state; seconds of a fit on two threads.
 * Nanoseconds are this thread's CPU time, seconds those of the clock. */
#include "gateway/timing/choose.h"
#include "gateway/timing/fit.h"

#include <stdio.h>
#include <time.h>

typedef struct {
    uint8_t n, bytes[HISTORY_BYTES_MAX];
} stored;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static history_contact some_contact(timing_random *r)
{
    return (history_contact){.channel = (uint8_t)timing_random_below(r, TIMING_CHANNELS),
                             .daytype = timing_random_below(r, 7) > 4,
                             .hour = (uint8_t)(8 + timing_random_below(r, 12)),
                             .result = timing_random_below(r, 6) ? RESULT_NONE : RESULT_ANSWER};
}

static double fit_seconds(size_t contacts, timing_model *m)
{
    enum { EACH = 80 };
    size_t n = contacts / EACH;
    timing_random r = {3};
    fit_contact *all = malloc(n * EACH * sizeof *all);
    fit_person *persons = calloc(n, sizeof *persons);
    if (!all || !persons)
        exit(1);
    for (size_t i = 0; i < n * EACH; i++) {
        history_contact c = some_contact(&r);
        all[i] = FIT_CONTACT(timing_cell(c.channel, c.daytype, c.hour), c.result, c.late);
    }
    for (size_t i = 0; i < n; i++)
        persons[i] = (fit_person){all + i * EACH, EACH, (uint8_t)(i % 4)};
    fit_log log = {persons, n};
    fit_options o = {.steps = FIT_STEPS, .threads = 2, .seed = 1};
    double from = now_s();
    if (timing_fit(&log, &o, m, NULL) != GW_OK)
        exit(1);
    double took = now_s() - from;
    free(all);
    free(persons);
    return took;
}

static double update_ns(stored *debtors, size_t n, size_t rounds)
{
    timing_random r = {5};
    double from = cpu_s();
    for (size_t i = 0; i < rounds; i++) {
        stored *d = &debtors[timing_random_below(&r, (unsigned)n)];
        history_contact c = some_contact(&r);
        d->n = (uint8_t)history_add(d->bytes, d->n, &c, (int32_t)(i % 400));
    }
    return (cpu_s() - from) * 1e9 / (double)rounds;
}

static double decision_ns(const timing_model *m, const stored *debtors, size_t n, size_t rounds)
{
    timing_random r = {7};
    unsigned sum = 0;
    double from = cpu_s();
    for (size_t i = 0; i < rounds; i++) {
        const stored *d = &debtors[timing_random_below(&r, (unsigned)n)];
        timing_question q = {(uint8_t)(i % 3), i % 7 > 4, (uint8_t)(i % 4), UINT32_C(0xFFF) << 8};
        history h;
        timing_choice c;
        if (history_read((gw_str){(const char *)d->bytes, d->n}, &h, NULL) == GW_OK &&
            timing_choose(m, &h, &q, false, i, &c))
            sum += c.hour;
    }
    double took = (cpu_s() - from) * 1e9 / (double)rounds;
    return sum ? took : 0;
}

/* The least any decision does: fetch a debtor's state from memory and look at each byte. */
static double floor_ns(const stored *debtors, size_t n, size_t rounds)
{
    timing_random r = {7};
    uint64_t sum = 0;
    double from = cpu_s();
    for (size_t i = 0; i < rounds; i++) {
        const stored *d = &debtors[timing_random_below(&r, (unsigned)n)];
        for (unsigned k = 0; k < d->n; k++)
            sum += d->bytes[k];
    }
    double took = (cpu_s() - from) * 1e9 / (double)rounds;
    return sum ? took : 0;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)atol(argv[1]) : 1000000;
    size_t contacts = argc > 2 ? (size_t)atol(argv[2]) : 10000000;
    stored *debtors = calloc(n, sizeof *debtors);
    timing_model *m = timing_model_new();
    if (!debtors || !m)
        return 1;
    double fit = fit_seconds(contacts, m);
    (void)update_ns(debtors, n, n * 20); /* twenty contacts each */
    double update = update_ns(debtors, n, 2000000);
    m->kind = MODEL_A;
    double a = decision_ns(m, debtors, n, 1000000);
    m->kind = MODEL_B;
    double b = decision_ns(m, debtors, n, 1000000);
    double least = floor_ns(debtors, n, 1000000);
    size_t largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = debtors[i].n > largest ? debtors[i].n : largest;
    printf("{\"debtors\":%zu,\"update_ns\":%.0f,\"decision_a_ns\":%.0f,\"decision_b_ns\":%.0f,"
           "\"floor_ns\":%.0f,\"state_bytes_max\":%zu,\"fit_contacts\":%zu,\"fit_seconds\":%.1f}\n",
           n, update, a, b, least, largest, contacts, fit);
    free(debtors);
    timing_model_free(m);
    return 0;
}
