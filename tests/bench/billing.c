/* billing - plays the billing system through libdunlin.
 *
 *   debtors N             register debtors 0..N-1
 *   burst N BATCH         submit N jobs, BATCH bodies a call; built before the clock starts
 *   steady N RATE FILE    submit job i at start + i / RATE. FILE gets one line a job:
 *                         "serial planned_ns accepted_ns"; a late call shows in the numbers, since
 *                         planned_ns is when the job should have been handed over
 *   print N               write N jobs to standard output, one a line, for the peers
 *   await STATE N SECONDS under an operator's key: wait until N reminders are in that state, then
 *                         until the evidence log has everything. Prints {"reached_ns",
 *                         "recorded_ns", "status": the gateway's own answer}
 *
 * The others print {"n","accepted","seconds","start_ns"}. Times are CLOCK_MONOTONIC. */
#include "gateway/client/dunlin.h"
#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char bench_usage_text[] =
    "billing [--endpoint E --server-key FILE --key FILE] [--first SERIAL] [--debtors N]\n"
    "        [--channel NAME] [--template NAME] [--statement LEVEL] [--not-before TIME]\n"
    "        debtors N | burst N BATCH | steady N RATE FILE | print N |\n"
    "        await STATE N SECONDS";

enum {
    KEY_TEXT = 41,
    DEBTOR_BYTES = 512,
    DEBTOR_BATCH = 1000,
    STEADY_BATCH = 1000,
    POLL_MS = 20,
    STATUS_BYTES = 64 * 1024
};

static const char *endpoint, *server_key_file, *key_file, *first_text = "0", *debtors_text = "1000";
static bench_kind kind;

static void read_key(const char *path, char key[KEY_TEXT])
{
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f || fread(key, 1, KEY_TEXT - 1, f) != KEY_TEXT - 1)
        bench_die(path ? path : "--key", "no key of 40 characters can be read there");
    key[KEY_TEXT - 1] = '\0';
    fclose(f);
}

static dunlin *connect_gateway(void)
{
    char server[KEY_TEXT], secret[KEY_TEXT], why[256];
    read_key(server_key_file, server);
    read_key(key_file, secret);
    dunlin_options o = {.endpoint = endpoint, .server_key = server, .secret_key = secret};
    dunlin *d = NULL;
    if (!endpoint)
        bench_usage();
    if (dunlin_open(&o, &d, why, sizeof why) != DUNLIN_OK)
        bench_die(endpoint, why);
    return d;
}

/* Send and count what was accepted; the first refusal ends the program: the numbers would lie. */
static long send_all(dunlin *d, const char *verb, const dunlin_body *bodies, long n)
{
    static dunlin_verdict verdicts[DUNLIN_BODIES_MAX];
    if (dunlin_send(d, verb, bodies, (size_t)n, verdicts) != DUNLIN_OK)
        bench_die(verb, dunlin_error(d));
    for (long i = 0; i < n; i++)
        if (verdicts[i].kind != DUNLIN_ACCEPTED)
            bench_die(verb, verdicts[i].json ? verdicts[i].json : "no verdict");
    return n;
}

static void report(long n, long accepted, int64_t start, int64_t end)
{
    printf("{\"n\":%ld,\"accepted\":%ld,\"seconds\":%.6f,\"start_ns\":%lld}\n", n, accepted,
           (double)(end - start) / 1e9, (long long)start);
}

static int debtors(char **args)
{
    long n = bench_number(args[0], 1);
    static char text[DEBTOR_BATCH][DEBTOR_BYTES];
    static dunlin_body bodies[DEBTOR_BATCH];
    dunlin *d = connect_gateway();
    int64_t start = bench_now_ns();
    long accepted = 0;
    while (accepted < n) {
        long m = n - accepted < DEBTOR_BATCH ? n - accepted : DEBTOR_BATCH;
        for (long i = 0; i < m; i++)
            bodies[i] = (dunlin_body){text[i], bench_debtor(accepted + i, text[i], DEBTOR_BYTES)};
        accepted += send_all(d, "debtor", bodies, m);
    }
    report(n, accepted, start, bench_now_ns());
    dunlin_close(d);
    return 0;
}

static dunlin_body *bodies_of(const char *jobs, long n)
{
    dunlin_body *b = calloc((size_t)n, sizeof *b);
    if (!b)
        bench_die("jobs", "out of memory");
    for (long i = 0; i < n; i++)
        b[i] = (dunlin_body){jobs + i * BENCH_JOB_BYTES, BENCH_JOB_BYTES};
    return b;
}

static int burst(char **args)
{
    long n = bench_number(args[0], 1);
    long batch = bench_number(args[1], 1);
    if (batch > DUNLIN_BODIES_MAX)
        bench_usage();
    char *jobs = bench_jobs(&kind, strtol(first_text, NULL, 10), n);
    dunlin_body *bodies = bodies_of(jobs, n);
    dunlin *d = connect_gateway();
    int64_t start = bench_now_ns();
    long accepted = 0;
    while (accepted < n)
        accepted +=
            send_all(d, "submit", bodies + accepted, n - accepted < batch ? n - accepted : batch);
    report(n, accepted, start, bench_now_ns());
    dunlin_close(d);
    free(bodies);
    free(jobs);
    return 0;
}

static void wait_until(int64_t at)
{
    struct timespec t = {at / 1000000000, at % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int steady(char **args)
{
    long n = bench_number(args[0], 1);
    long rate = bench_number(args[1], 1);
    long first = strtol(first_text, NULL, 10);
    FILE *out = args[2] ? fopen(args[2], "w") : NULL;
    char *jobs = bench_jobs(&kind, first, n);
    dunlin_body *bodies = bodies_of(jobs, n);
    if (!out)
        bench_usage();
    dunlin *d = connect_gateway();
    int64_t start = bench_now_ns() + 100000000; /* a moment for the connection */
    for (long done = 0; done < n;) {
        wait_until(start + (int64_t)((double)done * 1e9 / (double)rate));
        long due = (long)((double)(bench_now_ns() - start) * (double)rate / 1e9) + 1;
        long m = (due < n ? due : n) - done;
        m = m < 1 ? 1 : m > STEADY_BATCH ? STEADY_BATCH : m;
        send_all(d, "submit", bodies + done, m);
        int64_t accepted = bench_now_ns();
        for (long i = done; i < done + m; i++)
            fprintf(out, "%ld %lld %lld\n", first + i,
                    (long long)(start + (int64_t)((double)i * 1e9 / (double)rate)),
                    (long long)accepted);
        done += m;
    }
    report(n, n, start, bench_now_ns());
    dunlin_close(d);
    free(bodies);
    free(jobs);
    return fclose(out) == 0 ? 0 : 1;
}

static int print(char **args)
{
    long n = bench_number(args[0], 1);
    char job[BENCH_JOB_BYTES + 1];
    for (long i = 0; i < n; i++) {
        bench_job(&kind, strtol(first_text, NULL, 10) + i, job);
        puts(job);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

/* The status, copied: a verdict lives until the next call. */
static void ask_status(dunlin *d, char ret[STATUS_BYTES])
{
    static const char question[] = "{\"what\":\"status\"}";
    dunlin_body body = {question, sizeof question - 1};
    dunlin_verdict v;
    if (dunlin_send(d, "query", &body, 1, &v) != DUNLIN_OK)
        bench_die("status", dunlin_error(d));
    if (v.kind != DUNLIN_ANSWER || v.bytes >= STATUS_BYTES)
        bench_die("status", v.json ? v.json : "no answer");
    memcpy(ret, v.json, v.bytes + 1);
}

/* Our own gateway's answer, so a search for the member is reading enough. */
static long member_of(const char *status, const char *name)
{
    char text[64];
    int n = snprintf(text, sizeof text, "\"%s\":", name);
    const char *at = strstr(status, text);
    return at ? strtol(at + n, NULL, 10) : -1;
}

static int await(char **args)
{
    static char status[STATUS_BYTES];
    if (!args[0])
        bench_usage();
    long n = bench_number(args[1], 0);
    int64_t end = bench_now_ns() + bench_number(args[2], 1) * 1000000000;
    int64_t reached = 0;
    dunlin *d = connect_gateway();
    for (;;) {
        ask_status(d, status);
        int64_t now = bench_now_ns();
        if (!reached && member_of(status, args[0]) >= n)
            reached = now;
        if (reached && member_of(status, "outbox") == 0) {
            printf("{\"reached_ns\":%lld,\"recorded_ns\":%lld,\"status\":%s}\n", (long long)reached,
                   (long long)now, status);
            break;
        }
        if (now > end)
            bench_die("not reached in time", status);
        wait_until(now + POLL_MS * INT64_C(1000000));
    }
    dunlin_close(d);
    return 0;
}

static const struct {
    const char *name;
    const char **value;
} options[] = {
    {"--endpoint", &endpoint},
    {"--server-key", &server_key_file},
    {"--key", &key_file},
    {"--first", &first_text},
    {"--debtors", &debtors_text},
    {"--channel", &kind.channel},
    {"--template", &kind.template},
    {"--statement", &kind.statement},
    {"--not-before", &kind.not_before},
};

static const struct {
    const char *name;
    int (*run)(char **args);
} commands[] = {
    {"debtors", debtors}, {"burst", burst}, {"steady", steady}, {"print", print}, {"await", await}};

int main(int argc, char **argv)
{
    int at = 1;
    for (size_t i = 0; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        for (i = 0; i < sizeof options / sizeof *options; i++)
            if (strcmp(argv[at], options[i].name) == 0)
                break;
        if (i == sizeof options / sizeof *options)
            bench_usage();
        *options[i].value = argv[at + 1];
    }
    kind.debtors = bench_number(debtors_text, 1);
    for (size_t i = 0; at < argc && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[at], commands[i].name) == 0)
            return commands[i].run(argv + at + 1);
    bench_usage();
}
