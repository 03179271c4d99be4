/* dunlin-worker - one channel per process: takes tasks from a gateway, contacts people, reports. */
#include "gateway/base/log.h"
#include "workers/channels.h"

#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
    "usage: dunlin-worker --channel email|sms|voice [--data DIR] [--config FILE] [options]\n"
    "  --transport NAME         instead of the channel's: email has outbox and smtp, sms has "
    "outbox\n"
    "                           and provider, voice has outbox, sip and provider;\n"
    "                           outbox contacts nobody\n"
    "  --endpoint ENDPOINT      of the gateway, instead of workers.endpoint\n"
    "  --key NAME               secret key keys/secret/NAME.key of the data folder (worker)\n"
    "  --name NAME              of this process among workers (channel, host and process id)\n"
    "  --credit N               tasks in hand, instead of the channel's\n"
    "  --sessions N             sending threads, instead of the channel's\n"
    "  --prepare N              preparing threads (2)\n"
    "Stops with SIGTERM or SIGINT: finishes what is in hand; a second one stops at once.\n"
    "Exit: 0 stopped, 1 failed, 2 usage, 75 gave up work in hand.\n";

typedef struct {
    const char *channel, *data, *config, *transport, *endpoint, *key, *name;
    int credit, sessions, prepare;
    bool help, version;
} options;

static worker *_Atomic running;

static void on_stop(int number)
{
    worker *w = atomic_load(&running);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(number, &usual, NULL);
    if (w)
        worker_stop(w);
}

static bool to_count(const char *text, int *ret)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*end || end == text || n < 1 || n > 100000)
        return false;
    *ret = (int)n;
    return true;
}

static bool read_options(int argc, char **argv, options *o)
{
    static const struct option list[] = {{"channel", 1, NULL, 'c'},
                                         {"data", 1, NULL, 'd'},
                                         {"config", 1, NULL, 'f'},
                                         {"transport", 1, NULL, 't'},
                                         {"endpoint", 1, NULL, 'e'},
                                         {"key", 1, NULL, 'k'},
                                         {"name", 1, NULL, 'n'},
                                         {"credit", 1, NULL, 'C'},
                                         {"sessions", 1, NULL, 'S'},
                                         {"prepare", 1, NULL, 'P'},
                                         {"help", 0, NULL, 'h'},
                                         {"version", 0, NULL, 'v'},
                                         {0}};
    *o = (options){.data = "data", .key = "worker", .prepare = 2};
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "", list, NULL)) != -1;) {
        switch (c) {
        case 'c':
            o->channel = optarg;
            break;
        case 'd':
            o->data = optarg;
            break;
        case 'f':
            o->config = optarg;
            break;
        case 't':
            o->transport = optarg;
            break;
        case 'e':
            o->endpoint = optarg;
            break;
        case 'k':
            o->key = optarg;
            break;
        case 'n':
            o->name = optarg;
            break;
        case 'C':
            good = to_count(optarg, &o->credit) && good;
            break;
        case 'S':
            good = to_count(optarg, &o->sessions) && good;
            break;
        case 'P':
            good = to_count(optarg, &o->prepare) && good;
            break;
        case 'h':
            o->help = true;
            break;
        case 'v':
            o->version = true;
            break;
        default:
            good = false;
        }
    }
    return good && optind == argc;
}

/* Every request under way is a descriptor, and the usual soft limit is 1024. */
static void raise_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

static gw_code run(const worker_config *settings, const channel *driver, gw_err *err)
{
    worker *w = NULL;
    gw_code rc = worker_new(settings, driver, &w, err);
    if (rc != GW_OK)
        return rc;
    atomic_store(&running, w);
    struct sigaction stop = {.sa_handler = on_stop};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    gw_log(GW_LOG_INFO, "started", "channel=%s name=%s credit=%d", driver->name, settings->name,
           settings->credit);
    rc = worker_run(w, err);
    if (rc == GW_ETIMEOUT) /* a session hangs; waiting for its thread is what the drain gave up */
        return rc;
    atomic_store(&running, NULL);
    worker_free(w);
    gw_log(GW_LOG_INFO, "stopped", NULL);
    return rc;
}

static const channel_program *const programs[] = {&email_program, &sms_program, &voice_program};

static const channel_program *program_named(const char *name)
{
    for (size_t i = 0; name && i < GW_COUNT(programs); i++)
        if (strcmp(programs[i]->name, name) == 0)
            return programs[i];
    return NULL;
}

static bool is_among(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && memcmp(p, word, n) == 0)
            return true;
    return false;
}

static gw_code start(const config *c, const options *o, const channel_program *program, gw_err *err)
{
    char path[CONFIG_PATH_BYTES], relative[CONFIG_PATH_BYTES];
    char host[64] = "host", name[128], server[CURVE_KEY_TEXT];
    curve_pair pair;
    config_data_path(c, "keys/gateway.pub", path);
    gw_code rc = curve_load_public(path, server, err);
    snprintf(relative, sizeof relative, "keys/secret/%s.key", o->key);
    config_data_path(c, relative, path);
    if (rc == GW_OK)
        rc = curve_load(path, &pair, err);
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "%s-%s-%d", program->name, host, (int)getpid());
    worker_config work = {.name = o->name ? o->name : name,
                          .endpoint = o->endpoint ? o->endpoint : c->worker_endpoint,
                          .server_public = server,
                          .pair = &pair,
                          .prepare_threads = o->prepare,
                          .heartbeat_ms = (int)c->worker_heartbeat_ms};
    channel driver;
    if (rc == GW_OK)
        rc = program->open(c, o->transport, &work, &driver, err);
    if (rc != GW_OK)
        return rc;
    if (o->credit)
        work.credit = o->credit;
    if (work.credit > WORKER_CREDIT_MAX)
        work.credit = WORKER_CREDIT_MAX;
    if (o->sessions)
        work.send_threads = o->sessions;
    rc = run(&work, &driver, err);
    curve_wipe(&pair);
    if (rc != GW_ETIMEOUT) /* else its threads are still at work */
        driver.close(driver.self);
    return rc;
}

int main(int argc, char **argv)
{
    options o;
    if (!read_options(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    if (o.help || o.version) {
        fputs(o.help ? usage : "dunlin-worker " DUNLIN_VERSION "\n", stdout);
        return 0;
    }
    const channel_program *program = program_named(o.channel);
    if (!program) {
        fprintf(stderr, "dunlin-worker: --channel %s: this build serves",
                o.channel ? o.channel : "is missing");
        for (size_t i = 0; i < GW_COUNT(programs); i++)
            fprintf(stderr, " %s", programs[i]->name);
        fputs("\n", stderr);
        return 2;
    }
    if (o.transport && !is_among(program->transports, o.transport)) {
        fprintf(stderr, "dunlin-worker: --transport %s: %s has %s\n", o.transport, program->name,
                program->transports);
        return 2;
    }
    gw_log_setup("dunlin-worker", GW_LOG_INFO);
    raise_files();
    gw_err err = {0};
    config *c = NULL;
    gw_code rc = config_load(o.config, o.data, &c, &err);
    if (rc == GW_OK)
        rc = start(c, &o, program, &err);
    if (rc != GW_OK)
        gw_log(GW_LOG_ERROR, "cannot go on", "text=\"%s\"", err.text);
    if (rc == GW_ETIMEOUT)
        _exit(75); /* threads still wait for a carrier */
    config_free(c);
    return rc == GW_OK ? 0 : gw_exit_code(rc);
}
