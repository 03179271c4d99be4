/* bench.h - what the measuring programs share: the monotonic clock in nanoseconds, the jobs all of
 * them carry, and the one line of JSON each ends with.
 *
 * A job is a submission as a billing system writes it, padded to exactly BENCH_JOB_BYTES, so that
 * every competitor stores the same bytes. Serial and seed decide the text: the same arguments give
 * the same bytes in every program of a run.
 *
 * Failing: a measuring program that cannot measure says why on stderr and ends with status 1. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>

enum { BENCH_JOB_BYTES = 1024, BENCH_ITEMS = 4 };

int64_t bench_now_ns(void); /* CLOCK_MONOTONIC: one value for all processes of the machine */
int64_t bench_cpu_ns(void); /* CPU time of this process: for work that waits for nothing */

typedef struct {
    long debtors;           /* job i is about debtor i % debtors */
    const char *channel;    /* NULL "email" */
    const char *template;   /* NULL "payment-reminder" */
    const char *statement;  /* none, detailed; NULL none */
    const char *not_before; /* RFC 3339, or NULL */
} bench_kind;

/* Write job `serial` at `at`; always BENCH_JOB_BYTES, and a NUL. */
void bench_job(const bench_kind *k, long serial, char at[BENCH_JOB_BYTES + 1]);
/* n jobs from `first` on, side by side without NUL; the caller frees. */
char *bench_jobs(const bench_kind *k, long first, long n);
/* The debtor of that number, one contact: d<number>@bench.example.test and one of a thousand phone
 * numbers that the German regulator keeps free for fiction. Returns the length. */
size_t bench_debtor(long number, char *at, size_t cap);

/* A whole number of at least min, or the program ends with its usage. */
long bench_number(const char *text, long min);
/* Set by each program: printed to stderr by bench_usage, which ends with status 2. */
extern const char bench_usage_text[];
_Noreturn void bench_usage(void);
_Noreturn void bench_die(const char *what, const char *why);

#endif
