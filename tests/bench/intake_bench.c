/* intake_bench - durable 1 KB jobs a second through libdunlin, CURVE, intake and a real Redis.
 *
 *     intake_bench [jobs [batch]]      default 200000 jobs in calls of 20000
 *
 * Client, gateway and Redis share this machine; the recorder is not running, so the outbox's bound
 * is lifted. libdunlin cuts a call into messages of 1000 bodies, eight on their way at once. */
#include "gateway/client/dunlin.h"
#include "tests/support/intake_server.h"

#include <stdio.h>
#include <sys/resource.h>

enum { BODY = 1024 };

static double cpu_seconds(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t write_job(char *at, long serial)
{
    static const char filler[] = "an item of an open account, as it stands on the statement; ";
    int n = snprintf(at, BODY + 1,
                     "{\"id\":\"job-%ld\",\"debtor\":\"debtor-%ld\",\"case\":\"invoice-%ld\","
                     "\"channel\":\"email\",\"template\":\"reminder-letter\",\"purpose\":"
                     "\"reminder\",\"not_after\":\"2013-03-01T00:00:00Z\",\"locale\":\"en\","
                     "\"facts\":{\"amount_minor\":%ld,\"currency\":\"EUR\",\"text\":\"",
                     serial, serial / 3, serial, 1000 + serial);
    for (size_t i = 0; n < BODY - 3; i = (i + 1) % (sizeof filler - 1))
        at[n++] = filler[i];
    memcpy(at + n, "\"}}", 3);
    return (size_t)n + 3;
}

static long send_all(dunlin *d, long jobs, long batch)
{
    char *text = malloc((size_t)batch * (BODY + 1));
    dunlin_body *bodies = calloc((size_t)batch, sizeof *bodies);
    dunlin_verdict *verdicts = calloc((size_t)batch, sizeof *verdicts);
    long accepted = 0;
    for (long from = 0; from < jobs; from += batch) {
        long n = jobs - from < batch ? jobs - from : batch;
        for (long i = 0; i < n; i++) {
            char *at = text + i * (BODY + 1);
            bodies[i] = (dunlin_body){at, write_job(at, from + i)};
        }
        if (dunlin_send(d, "submit", bodies, (size_t)n, verdicts) != DUNLIN_OK)
            fprintf(stderr, "%s\n", dunlin_error(d));
        for (long i = 0; i < n; i++)
            accepted += verdicts[i].kind == DUNLIN_ACCEPTED;
        if (from == 0 && verdicts[0].kind != DUNLIN_ACCEPTED)
            fprintf(stderr, "%s\n", verdicts[0].json);
    }
    free(text);
    free(bodies);
    free(verdicts);
    return accepted;
}

int main(int argc, char **argv)
{
    static intake_server server;
    long jobs = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
    long batch = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;
    char why[256] = "";
    dunlin *d = NULL;
    if (jobs < 1 || batch < 1 || batch > DUNLIN_BODIES_MAX) {
        fprintf(stderr, "usage: intake_bench [jobs [batch]]\n");
        return 2;
    }
    if (!intake_server_start(&server, UINT32_MAX, NULL))
        return 1;
    dunlin_options options = {
        .endpoint = intake_endpoint(server.intake),
        .server_key = server.server.public_key,
        .secret_key = server.erp.secret_key,
    };
    if (dunlin_open(&options, &d, why, sizeof why) != DUNLIN_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    double cpu = cpu_seconds(RUSAGE_SELF);
    gw_mono from = gw_mono_now();
    long accepted = send_all(d, jobs, batch);
    double seconds = (double)(gw_mono_now().ms - from.ms) / 1000;
    printf("%ld of %ld jobs of %d bytes durable in %.2f s: %.0f jobs/s; client and gateway used "
           "%.2f us CPU a job\n",
           accepted, jobs, BODY, seconds, (double)accepted / seconds,
           (cpu_seconds(RUSAGE_SELF) - cpu) * 1e6 / (double)jobs);
    dunlin_close(d);
    intake_server_stop(&server);
    return accepted == jobs ? 0 : 1;
}
