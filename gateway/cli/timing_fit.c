/* timing_fit.c - `dunlin timing fit`: tonight's model from all histories in the store. */
#include "gateway/base/json.h"
#include "gateway/cli/options.h"
#include "gateway/cli/timing.h"
#include "gateway/cli/timing_internal.h"
#include "gateway/dispatch/fit_run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 900, STEPS_MAX = 200 };

static const char about[] =
    "dunlin timing fit [--out FILE] [--fresh] [--steps N] [--threads N] [--json]\n"
    "\n"
    "Fits the model of the best hour from the histories of all debtors in the store and writes it "
    "to\n"
    "FILE (default: the setting timing.model), which running gateways load within ten seconds. A "
    "gateway\n"
    "does it by itself at the hour timing.fit_hour; this is for between. Archetypes answer only "
    "when they\n"
    "predict held-out persons better than the simpler model. Interrupted, it keeps what it reached "
    "in\n"
    "FILE.part and goes on from there the next time; otherwise it goes on from FILE. Every version "
    "is kept\n"
    "in FILE.versions. --fresh begins anew.\n";

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

static bool on_progress(void *arg, unsigned done, unsigned all, double log_likelihood)
{
    (void)arg;
    char text[80];
    snprintf(text, sizeof text, "step %u of %u, log-likelihood %.5f", done, all, log_likelihood);
    timing_progress("fitting", text);
    return !stopped;
}

static void tell(const cli_common *c, const fit_done *done)
{
    const fit_report *r = &done->report;
    model_kind kind = done->kind;
    if (!c->json) {
        printf("%zu debtors with %llu closed contacts (%zu damaged histories left out)\n",
               r->persons, (unsigned long long)r->contacts, done->damaged);
        if (r->judges)
            printf("held-out log-loss: A %.5f, B %.5f\n", r->loss_a, r->loss_b);
        printf("model %c answers%s\n", kind == MODEL_B ? 'B' : 'A',
               r->contacts < FIT_LEAST ? " (too few contacts for archetypes)" : "");
        return;
    }
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 4096);
    gw_buf_putc(&b, '{');
    json_put_member_int(&b, "debtors", (int64_t)r->persons);
    json_put_member_int(&b, "contacts", (int64_t)r->contacts);
    json_put_member_int(&b, "damaged", (int64_t)done->damaged);
    json_put_member_int(&b, "judges", (int64_t)r->judges);
    timing_put_number(&b, "loss_a", r->loss_a, 6);
    timing_put_number(&b, "loss_b", r->loss_b, 6);
    json_put_member_str(&b, "version", gw_str_of(done->version));
    json_put_member_str(&b, "model", kind == MODEL_B ? GW_STR("b") : GW_STR("a"));
    gw_buf_putc(&b, '}');
    puts(b.data ? b.data : "{}");
}

/* As the gateway reads them: a source that is switched off is left out. */
static size_t sources_of(const config *c, dispatch_source *list)
{
    static const gw_str none = {"*", 1};
    for (size_t i = 0; i <= c->source_n; i++) {
        const config_source *s = i < c->source_n ? &c->sources[i] : config_source_of(c, none);
        list[i] = (dispatch_source){.name = s->name, .timing_off = strcmp(s->timing, "off") == 0};
    }
    return c->source_n + 1;
}

static gw_code open_store(const config *f, state **ret, gw_err *err)
{
    const state_config sc = {
        .unix_socket = *f->redis_socket ? f->redis_socket : NULL,
        .host = f->redis_host,
        .port = (int)f->redis_port,
        .password_file = *f->redis_password_file ? f->redis_password_file : NULL,
        .timeout_ms = (int)f->redis_timeout_ms,
    };
    return state_open(&sc, ret, err);
}

/* The gateway's time: the system's, unless it was moved. */
static gw_code now_of(state *s, gw_wall *ret, gw_err *err)
{
    bool manual;
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    if (!clock)
        return gw_fail(err, GW_ENOMEM, "fitting");
    gw_code rc = state_clock_get(s, &manual, ret, err);
    if (rc == GW_OK && !manual)
        *ret = gw_clock_now(clock);
    return rc;
}

static gw_code fit(const cli_common *c, fit_order *o, gw_err *err)
{
    fit_done done;
    GW_AUTO(state_close) state *s = NULL;
    GW_AUTO_FREE dispatch_source *sources = calloc(c->config->source_n + 1, sizeof *sources);
    gw_code rc = sources ? open_store(c->config, &s, err) : gw_fail(err, GW_ENOMEM, "fitting");
    if (rc == GW_OK) {
        o->sources = sources;
        o->source_n = sources_of(c->config, sources);
        rc = now_of(s, &o->now, err);
    }
    if (rc == GW_OK)
        rc = fit_run(s, o, &done, err);
    timing_progress_end();
    if (rc == GW_OK)
        tell(c, &done);
    return rc;
}

int timing_fit_cli(int argc, char **argv)
{
    const char *out = NULL;
    const char *fresh = NULL;
    const char *steps_text = "25";
    const char *threads_text = "2";
    const char *wants_help = NULL;
    const cli_option own[] = {
        {"--out", &out, "file to write"},
        {"--fresh!", &fresh, "do not go on from the model so far"},
        {"--steps", &steps_text, "iterations, 25"},
        {"--threads", &threads_text, "2"},
        {"--help!", &wants_help, "this text"},
    };
    cli_common c;
    gw_err err = {0};
    long steps = 0;
    long threads = 0;
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    if (wants_help) {
        fputs(about, stdout);
        cli_done(&c);
        return 0;
    }
    gw_code rc = timing_number("--steps", steps_text, 1, STEPS_MAX, &steps, &err);
    if (rc == GW_OK)
        rc = timing_number("--threads", threads_text, 1, 16, &threads, &err);
    out = out ? out : c.config->timing_model;
    if (rc == GW_OK && (!*out || strlen(out) >= NAME_BYTES))
        rc = gw_fail(&err, GW_EINVAL,
                     "where to? Set timing.model in the configuration, or give --out FILE");
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    fit_order o = {.file = out,
                   .fresh = fresh != NULL,
                   .by = "operator",
                   .options = {.steps = (unsigned)steps,
                               .threads = (unsigned)threads,
                               .seed = 1,
                               .go_on = !fresh,
                               .progress = on_progress}};
    if (rc == GW_OK)
        rc = fit(&c, &o, &err);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
