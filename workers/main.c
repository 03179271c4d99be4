/* dunlin-worker - one channel per process: takes tasks from a gateway, contacts people, reports. */
#include "config/loader/config.h"
#include "gateway/base/log.h"
#include "workers/email/compose.h"
#include "workers/email/email.h"
#include "workers/runtime/worker.h"

#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "usage: dunlin-worker --channel email [--data DIR] [--config FILE] [options]\n"
    "  --transport outbox|smtp  instead of email.transport; outbox contacts nobody\n"
    "  --endpoint ENDPOINT      of the gateway, instead of workers.endpoint\n"
    "  --key NAME               secret key keys/secret/NAME.key of the data folder (worker)\n"
    "  --name NAME              of this process among workers (channel, host and process id)\n"
    "  --credit N               tasks in hand, instead of email.credit\n"
    "  --sessions N             sending threads, instead of email.sessions\n"
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

static smtp_tls tls_of(const char *word)
{
    static const char *const words[] = {
        [SMTP_TLS_NONE] = "none",
        [SMTP_TLS_STARTTLS] = "opportunistic",
        [SMTP_TLS_REQUIRED] = "required",
    };
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (smtp_tls)i;
    return SMTP_TLS_REQUIRED;
}

static email_config email_settings(const config *c, const options *o, const char *outbox)
{
    enum { FINAL_MS = 600000 }; /* RFC 5321 §4.5.3.2.6: giving up early makes an unknown */
    int silence = (int)c->smtp_timeout_ms;
    const char *transport = o->transport ? o->transport : c->email_transport;
    return (email_config){
        .transport = strcmp(transport, "smtp") == 0 ? EMAIL_SMTP : EMAIL_OUTBOX,
        .from_name = c->email_from_name,
        .from_address = c->email_from_address,
        .reply_to = c->email_reply_to,
        .unsubscribe_mailto = c->email_unsubscribe_mailto,
        .unsubscribe_url = c->email_unsubscribe_url,
        .pdf = strcmp(c->email_pdf, "yes") == 0,
        .outbox = {.folder = outbox, .sync = true},
        .smtp = {.host = c->smtp_host,
                 .port = (int)c->smtp_port,
                 .tls = tls_of(c->smtp_tls),
                 .ca_file = c->smtp_ca_file,
                 .user = c->smtp_user,
                 .password_file = c->smtp_password_file,
                 .hostname = c->smtp_hostname,
                 .dsn = c->smtp_dsn ? SMTP_DSN_SUCCESS | SMTP_DSN_FAILURE | SMTP_DSN_DELAY : 0,
                 .greeting_ms = silence,
                 .envelope_ms = silence,
                 .data_ms = silence,
                 .transfer_ms = silence,
                 .final_ms = silence > FINAL_MS ? silence : FINAL_MS}};
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

static gw_code start(const config *c, const options *o, gw_err *err)
{
    char path[CONFIG_PATH_BYTES], relative[CONFIG_PATH_BYTES], outbox[CONFIG_PATH_BYTES];
    char host[64] = "host", name[128], server[CURVE_KEY_TEXT];
    curve_pair pair;
    config_data_path(c, "run/worker-home", path);
    gw_code rc = smtp_process_setup(path, err);
    config_data_path(c, "keys/gateway.pub", path);
    if (rc == GW_OK)
        rc = curve_load_public(path, server, err);
    snprintf(relative, sizeof relative, "keys/secret/%s.key", o->key);
    config_data_path(c, relative, path);
    if (rc == GW_OK)
        rc = curve_load(path, &pair, err);
    config_data_path(c, "outbox", outbox);
    email_config settings = email_settings(c, o, outbox);
    channel driver;
    if (rc == GW_OK)
        rc = email_channel(&settings, &driver, err);
    if (rc != GW_OK)
        return rc;
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "%s-%s-%d", o->channel, host, (int)getpid());
    int credit = o->credit ? o->credit : (int)c->email_credit;
    worker_config work = {.name = o->name ? o->name : name,
                          .endpoint = o->endpoint ? o->endpoint : c->worker_endpoint,
                          .server_public = server,
                          .pair = &pair,
                          .credit = credit < WORKER_CREDIT_MAX ? credit : WORKER_CREDIT_MAX,
                          .prepare_threads = o->prepare,
                          .send_threads = o->sessions ? o->sessions : (int)c->email_sessions,
                          .message_bytes_max = COMPOSE_BYTES_MAX,
                          .heartbeat_ms = (int)c->worker_heartbeat_ms};
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
    if (!o.channel || strcmp(o.channel, "email") != 0) {
        fprintf(stderr, "dunlin-worker: --channel %s: this build serves email only\n",
                o.channel ? o.channel : "is missing");
        return 2;
    }
    if (o.transport && strcmp(o.transport, "smtp") != 0 && strcmp(o.transport, "outbox") != 0) {
        fprintf(stderr, "dunlin-worker: --transport %s: outbox or smtp\n", o.transport);
        return 2;
    }
    gw_log_setup("dunlin-worker", GW_LOG_INFO);
    gw_err err = {0};
    config *c = NULL;
    gw_code rc = config_load(o.config, o.data, &c, &err);
    if (rc == GW_OK)
        rc = start(c, &o, &err);
    if (rc != GW_OK)
        gw_log(GW_LOG_ERROR, "cannot go on", "text=\"%s\"", err.text);
    if (rc == GW_ETIMEOUT)
        _exit(75); /* threads still wait for a carrier */
    config_free(c);
    return rc == GW_OK ? 0 : gw_exit_code(rc);
}
