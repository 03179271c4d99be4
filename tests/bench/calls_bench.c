/* calls_bench WORKER SOURCE N - what N calls cost that are outstanding at a slow provider, all at
 * the same time: resident memory of the real dunlin-worker (transport provider, HTTP/1.1, a
 * connection each), beside a process that holds N such requests by libcurl alone and knows nothing
 * of them.
 *
 * This program plays the gateway and the provider. WORKER: the program; SOURCE: the project. */
#include "gateway/base/file.h"
#include "gateway/wire/worker.h"
#include "templates/engine/bundle.h"
#include "tests/bench/bench.h"
#include "tests/bench/slow_provider.h"
#include "tests/workers/runtime/fake_gateway.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char bench_usage_text[] = "calls_bench WORKER SOURCE N\n";

enum { PATIENCE_MS = 120000, PATH = 512 };

static const char facts[] =
    "{\"creditor\":{\"name\":\"Creditor Ltd\",\"email\":\"help@creditor.example.test\","
    "\"phone\":\"+1 555 0100\"},\"debtor\":{\"id\":\"D-1\",\"name\":\"Sample Trading\"},"
    "\"contact\":{\"name\":\"Jane Example\",\"role\":\"primary\"},\"case\":\"INV-1\","
    "\"reference\":\"INV-1\",\"date\":\"2013-02-22\",\"items\":[{\"id\":\"INV-1\","
    "\"issued\":\"2013-01-05\",\"due\":\"2013-02-04\",\"amount_minor\":123456,\"paid_minor\":0,"
    "\"open_minor\":123456,\"currency\":\"USD\",\"days_overdue\":18}]}";

static const char provider_text[] =
    "{\"channel\":\"voice\",\"base_url\":\"http://"
    "127.0.0.1:%d\",\"loopback\":true,\"sign\":\"none\","
    "\"verify\":\"none\",\"limits\":{\"concurrency\":20000,\"connect_ms\":60000,\"total_ms\":"
    "300000},"
    "\"eligibility\":{\"dunning\":\"allowed\",\"source\":\"this bench\"},\"request\":{\"method\":"
    "\"POST\",\"path\":\"/"
    "calls\",\"json\":{\"to\":\"{to}\",\"text\":\"{text}\",\"ref\":\"{ref}\"}},"
    "\"answer\":{\"format\":\"json\",\"id\":\"/id\",\"rules\":[{\"http\":[\"200\"],\"then\":"
    "\"accepted\"}]}}";

static char folder[] = "/tmp/dunlin-calls-XXXXXX";

static const char *path(const char *name)
{
    static char text[8][PATH];
    static int at;
    char *to = text[at++ % 8];
    snprintf(to, PATH, "%s/%s", folder, name);
    return to;
}

static void good(gw_code rc, const gw_err *err)
{
    if (rc != GW_OK)
        bench_die("calls_bench", err->text);
}

static void write_file(const char *name, const char *text)
{
    gw_err err = {0};
    good(gw_file_replace(path(name), gw_str_of(text), 0600, &err), &err);
}

/* Everyone here holds a socket for every call. */
static void raise_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static void lay_out(const char *source, const fake_gateway *g, int port, long n)
{
    static const char *const dirs[] = {"config/providers", "data/keys/secret"};
    char text[2048], from[PATH];
    gw_err err = {0};
    for (size_t i = 0; i < GW_COUNT(dirs); i++)
        good(gw_dir_make(path(dirs[i]), 0700, &err), &err);
    snprintf(text, sizeof text, provider_text, port);
    write_file("config/providers/slow.jsonc", text);
    snprintf(text, sizeof text,
             "{\"voice\":{\"transport\":\"provider\",\"providers\":\"slow\",\"credit\":%ld},"
             "\"workers\":{\"endpoint\":\"%s\"}}",
             n, fake_gateway_endpoint(g));
    write_file("config/dunlin.jsonc", text);
    snprintf(text, sizeof text, "%s\n", fake_gateway_public(g));
    write_file("data/keys/gateway.pub", text);
    good(curve_save(fake_gateway_worker_pair(g), path("data/keys/secret/worker.key"),
                    path("data/keys/worker.pub"), &err),
         &err);
    snprintf(from, sizeof from, "%s/config/schema", source);
    if (symlink(from, path("config/schema")) != 0)
        bench_die("config/schema", strerror(errno));
}

static long status_kb(pid_t pid, const char *name)
{
    char file[64], line[256];
    long kb = 0;
    snprintf(file, sizeof file, "/proc/%d/status", (int)pid);
    FILE *f = fopen(file, "re");
    if (!f)
        bench_die(file, strerror(errno));
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(f);
    return kb;
}

/* ---- the worker ---- */

static pid_t start_worker(const char *program)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!freopen(path("worker.log"), "we", stderr))
        _exit(1);
    execl(program, program, "--channel", "voice", "--data", path("data"), "--config",
          path("config/dunlin.jsonc"), (char *)NULL);
    _exit(127);
}

static void expect(fake_gateway *g, wire_type type, fake_message *m)
{
    if (!fake_gateway_wait(g, type, PATIENCE_MS, m))
        bench_die("the worker is silent; it should say", wire_type_name(type));
}

static void give_tasks(fake_gateway *g, const template_bundle *b, long n)
{
    wire_header *h = calloc(1, sizeof *h);
    if (!h)
        bench_die("tasks", "out of memory");
    for (long i = 0; i < n; i++) {
        char number[32];
        snprintf(number, sizeof number, "+1555%07ld", 1000000 + i);
        h->type = WIRE_TASK;
        h->task = (wire_task){.ref = fake_ref((int)i),
                              .source = GW_STR("billing"),
                              .template = gw_str_of(template_bundle_version(b)),
                              .locale = GW_STR("en"),
                              .now_ms = 1361527200000,
                              .deadline_ms = INT64_MAX,
                              .from = {.name = GW_STR("Creditor Ltd"),
                                       .address = GW_STR("help@creditor.example.test")},
                              .to_n = 1,
                              .reference = GW_STR("INV-1")};
        h->task.to[0] = (wire_recipient){GW_STR("primary"), GW_STR("Jane Example"),
                                         gw_str_of(number), GW_STR("to")};
        fake_gateway_say(g, h, gw_str_of(facts));
    }
    free(h);
}

static void answer_want(fake_gateway *g, const template_bundle *b)
{
    fake_message m;
    expect(g, WIRE_WANT, &m);
    wire_header h = {.type = WIRE_TEMPLATE, .template = {gw_str_of(template_bundle_version(b))}};
    fake_gateway_say(g, &h, template_bundle_json(b));
}

typedef struct {
    long idle_kb, held_kb;
    double open_seconds, close_seconds;
    long delivered;
} measured;

static measured measure_worker(const char *program, const char *source, slow_provider *slow, long n)
{
    measured out = {0};
    char dir[PATH];
    fake_message m;
    gw_err err = {0};
    template_bundle *b = NULL;
    snprintf(dir, sizeof dir, "%s/templates/en/call-overdue", source);
    good(template_bundle_load(dir, &b, &err), &err);
    fake_gateway *g = fake_gateway_start(folder);
    lay_out(source, g, slow_provider_port(slow), n);
    pid_t pid = start_worker(program);
    expect(g, WIRE_READY, &m);
    out.idle_kb = status_kb(pid, "VmRSS");
    int64_t began = bench_now_ns();
    give_tasks(g, b, n);
    answer_want(g, b);
    for (long i = 0; i < n; i++) {
        expect(g, WIRE_INTENT, &m);
        fake_gateway_go(g, m.header.intent.ref);
    }
    if (!slow_provider_await(slow, (int)n, PATIENCE_MS))
        bench_die("calls_bench", "not all calls reached the provider");
    out.open_seconds = (double)(bench_now_ns() - began) / 1e9;
    out.held_kb = status_kb(pid, "VmRSS");
    began = bench_now_ns();
    slow_provider_answer(slow, false);
    for (long i = 0; i < n; i++) {
        expect(g, WIRE_OUTCOME, &m);
        out.delivered += m.header.outcome.outcome == WIRE_DELIVERED;
        fake_gateway_seen(g, m.header.outcome.ref);
    }
    out.close_seconds = (double)(bench_now_ns() - began) / 1e9;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    fake_gateway_stop(g);
    template_bundle_free(b);
    return out;
}

/* ---- libcurl alone ---- */

_Noreturn static void hold_bare(const char *url, long n)
{
    static const char body[] = "{\"to\":\"+15550000000\",\"text\":\"Hello.\",\"ref\":\"r\"}";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    for (long i = 0; i < n; i++) {
        CURL *c = curl_easy_init();
        curl_easy_setopt(c, CURLOPT_URL, url);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 1024L); /* as workers/providers sets it */
        curl_multi_add_handle(multi, c);
    }
    for (int running = 1; running;) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    _exit(0);
}

static long measure_bare(slow_provider *slow, long n)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/calls", slow_provider_port(slow));
    pid_t pid = fork();
    if (pid == 0)
        hold_bare(url, n);
    if (!slow_provider_await(slow, (int)n, PATIENCE_MS))
        bench_die("calls_bench", "libcurl alone did not reach the provider with all");
    long anonymous = status_kb(pid, "RssAnon"); /* it began as a copy of this program */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return anonymous;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        bench_usage();
    long n = bench_number(argv[3], 1);
    raise_files();
    if (!mkdtemp(folder))
        bench_die(folder, strerror(errno));
    slow_provider *slow = slow_provider_start();
    measured w = measure_worker(argv[1], argv[2], slow, n);
    if (!slow_provider_await(slow, 0, PATIENCE_MS))
        bench_die("calls_bench", "the provider still holds calls of the worker");
    long bare = measure_bare(slow, n);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        bench_die(folder, "not removed");
    printf("{\"calls\":%ld,\"delivered\":%ld,\"idle_kb\":%ld,\"held_kb\":%ld,\"bare_kb\":%ld,"
           "\"open_seconds\":%.3f,\"close_seconds\":%.3f}\n",
           n, w.delivered, w.idle_kb, w.held_kb, bare, w.open_seconds, w.close_seconds);
    return 0;
}
