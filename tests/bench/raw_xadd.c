/* raw_xadd SOCKET N BATCH CONNECTIONS - the raw limit of durable intake: the same jobs, one
 * pipelined XADD each, BATCH on their way at once over each of CONNECTIONS. No checks, no receipts,
 * no second key, and nothing that would find a job given twice.
 *
 * Prints {"n","seconds"}. */
#include "tests/bench/bench.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char bench_usage_text[] = "raw_xadd SOCKET N BATCH CONNECTIONS";

enum { CONNECTIONS_MAX = 64 };

typedef struct {
    redisContext *c;
    const char *jobs;
    long n, batch;
} share;

static void take_replies(redisContext *c, long n)
{
    for (long i = 0; i < n; i++) {
        redisReply *r = NULL;
        if (redisGetReply(c, (void **)&r) != REDIS_OK || r->type != REDIS_REPLY_STRING)
            bench_die("XADD", r ? r->str : c->errstr);
        freeReplyObject(r);
    }
}

static void *add_share(void *arg)
{
    share *s = arg;
    for (long done = 0; done < s->n;) {
        long m = s->n - done < s->batch ? s->n - done : s->batch;
        for (long i = done; i < done + m; i++)
            redisAppendCommand(s->c, "XADD raw * b %b", s->jobs + i * BENCH_JOB_BYTES,
                               (size_t)BENCH_JOB_BYTES);
        take_replies(s->c, m);
        done += m;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        bench_usage();
    long n = bench_number(argv[2], 1);
    long batch = bench_number(argv[3], 1);
    long connections = bench_number(argv[4], 1);
    if (connections > CONNECTIONS_MAX)
        bench_usage();
    bench_kind kind = {.debtors = 1000};
    char *jobs = bench_jobs(&kind, 0, n);
    share shares[CONNECTIONS_MAX];
    pthread_t ids[CONNECTIONS_MAX];
    for (long k = 0; k < connections; k++) {
        long from = n * k / connections;
        redisContext *c = redisConnectUnix(argv[1]);
        if (!c || c->err)
            bench_die(argv[1], c ? c->errstr : "out of memory");
        shares[k] =
            (share){c, jobs + from * BENCH_JOB_BYTES, n * (k + 1) / connections - from, batch};
    }
    int64_t start = bench_now_ns();
    for (long k = 0; k < connections; k++)
        if (pthread_create(&ids[k], NULL, add_share, &shares[k]) != 0)
            bench_die("thread", "cannot be started");
    for (long k = 0; k < connections; k++)
        pthread_join(ids[k], NULL);
    printf("{\"n\":%ld,\"seconds\":%.6f}\n", n, (double)(bench_now_ns() - start) / 1e9);
    for (long k = 0; k < connections; k++)
        redisFree(shares[k].c);
    free(jobs);
    return 0;
}
