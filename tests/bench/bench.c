#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t bench_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_usage(void)
{
    fprintf(stderr, "usage: %s\n", bench_usage_text);
    exit(2);
}

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

long bench_number(const char *text, long min)
{
    char *end;
    long v = text ? strtol(text, &end, 10) : min - 1;
    if (v < min || *end)
        bench_usage();
    return v;
}

static size_t put_items(char *at, size_t cap, long serial)
{
    static const char *const months[] = {"08", "09", "10", "11"};
    size_t n = 0;
    for (int i = 0; i < BENCH_ITEMS; i++)
        n += (size_t)snprintf(at + n, cap - n,
                              "%s{\"id\":\"INV-%ld-%d\",\"description\":\"Machine parts, delivery "
                              "%d\",\"issued\":\"2026-%s-02\",\"due\":\"2026-%s-16\","
                              "\"amount_minor\":%ld,\"currency\":\"EUR\"}",
                              i ? "," : "", serial, i, i + 1, months[i], months[i],
                              5594 + 1000 * i + serial % 997);
    return n;
}

void bench_job(const bench_kind *k, long serial, char at[BENCH_JOB_BYTES + 1])
{
    static const char filler[] = "as agreed in the framework contract of the two companies, ";
    size_t cap = BENCH_JOB_BYTES + 1;
    size_t n =
        (size_t)snprintf(at, cap,
                         "{\"id\":\"job-%ld\",\"debtor\":\"D%ld\",\"case\":\"C-%ld\","
                         "\"channel\":\"%s\",\"template\":\"%s\",\"purpose\":"
                         "\"reminder\",\"locale\":\"en\",",
                         serial, serial % k->debtors, serial, k->channel ? k->channel : "email",
                         k->template ? k->template : "payment-reminder");
    if (k->statement)
        n += (size_t)snprintf(at + n, cap - n, "\"statement\":\"%s\",", k->statement);
    if (k->not_before)
        n += (size_t)snprintf(at + n, cap - n, "\"not_before\":\"%s\",", k->not_before);
    n += (size_t)snprintf(at + n, cap - n, "\"facts\":{\"items\":[");
    n += put_items(at + n, cap - n, serial);
    n += (size_t)snprintf(at + n, cap - n, "],\"note\":\"");
    if (n > BENCH_JOB_BYTES - 3)
        bench_die("bench_job", "the job's text is longer than BENCH_JOB_BYTES");
    for (size_t i = 0; n < BENCH_JOB_BYTES - 3; i = (i + 1) % (sizeof filler - 1))
        at[n++] = filler[i];
    memcpy(at + n, "\"}}", 4);
}

char *bench_jobs(const bench_kind *k, long first, long n)
{
    char *all = malloc((size_t)n * BENCH_JOB_BYTES + 1);
    if (!all)
        bench_die("jobs", "out of memory");
    for (long i = 0; i < n; i++)
        bench_job(k, first + i, all + i * BENCH_JOB_BYTES);
    return all;
}

size_t bench_debtor(long number, char *at, size_t cap)
{
    return (size_t)snprintf(
        at, cap,
        "{\"id\":\"D%ld\",\"name\":\"Lakeside Trading %ld Ltd\",\"role\":"
        "\"company\",\"zone\":\"Etc/UTC\",\"locale\":\"en\",\"contacts\":[{"
        "\"id\":\"ar\",\"role\":\"primary\",\"name\":\"R. Sample\",\"email\":"
        "\"d%ld@bench.example.test\",\"phone\":\"+493023125%03ld\",\"designated\":"
        "true}]}",
        number, number, number, number % 1000);
}
