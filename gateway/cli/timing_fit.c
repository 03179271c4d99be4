/* timing_fit.c - `dunlin timing fit`: tonight's model from all histories in the store. */
#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "gateway/cli/options.h"
#include "gateway/cli/timing.h"
#include "gateway/cli/timing_internal.h"
#include "gateway/state/histories.h"
#include "gateway/timing/fit.h"
#include "gateway/timing/model_file.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 << 20, NAME_BYTES = 1024, STEPS_MAX = 200 };

static const char about[] =
    "dunlin timing fit [--out FILE] [--fresh] [--steps N] [--threads N] [--json]\n"
    "\n"
    "Fits the model of the best hour from the histories of all debtors in the store and writes it "
    "to\n"
    "FILE (default: the setting timing.model), which running gateways load within ten seconds. Run "
    "it\n"
    "every night. Archetypes answer only when they predict held-out persons better than the "
    "simpler\n"
    "model. Interrupted, it keeps what it reached in FILE.part and goes on from there the next "
    "time;\n"
    "otherwise it goes on from FILE. --fresh begins anew.\n";

typedef struct {
    uint64_t key; /* hash of the debtor's key */
    size_t first;
    uint32_t n;
    uint8_t segment;
} found;

typedef struct {
    found *list;
    size_t n, cap;
    fit_contact *contacts;
    size_t used, room;
    size_t damaged;
} gathered;

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

static uint64_t hash_of(gw_str s)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return h;
}

static bool make_room(gathered *g)
{
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 1024;
        found *list = realloc(g->list, cap * sizeof *list);
        if (!list)
            return false;
        g->list = list;
        g->cap = cap;
    }
    if (g->used + HISTORY_MAX > g->room) {
        size_t room = g->room ? g->room * 2 : 65536;
        fit_contact *contacts = realloc(g->contacts, room * sizeof *contacts);
        if (!contacts)
            return false;
        g->contacts = contacts;
        g->room = room;
    }
    return true;
}

static gw_code take(gathered *g, const state_history *s, gw_err *err)
{
    history h;
    if (s->history.n == 0)
        return GW_OK;
    if (history_read(s->history, &h, NULL) != GW_OK) {
        g->damaged++;
        return GW_OK;
    }
    if (!make_room(g))
        return gw_fail(err, GW_ENOMEM, "gathering histories");
    unsigned segment = s->segment.n == 1 ? (unsigned)(s->segment.p[0] - '0') : 0;
    g->list[g->n++] =
        (found){hash_of(s->key), g->used, h.n, (uint8_t)(segment < TIMING_SEGMENTS ? segment : 0)};
    g->used += fit_pack(&h, g->contacts + g->used);
    return GW_OK;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const found *)a)->key;
    uint64_t y = ((const found *)b)->key;
    return (x > y) - (x < y);
}

static gw_code gather(const cli_common *c, gathered *g, gw_err *err)
{
    const config *f = c->config;
    const state_config sc = {
        .unix_socket = *f->redis_socket ? f->redis_socket : NULL,
        .host = f->redis_host,
        .port = (int)f->redis_port,
        .password_file = *f->redis_password_file ? f->redis_password_file : NULL,
        .timeout_ms = (int)f->redis_timeout_ms,
    };
    GW_AUTO(state_close) state *s = NULL;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(PIECE_BYTES);
    char cursor[24] = "0";
    gw_code rc = arena ? state_open(&sc, &s, err) : gw_fail(err, GW_ENOMEM, "reading histories");
    do {
        state_history *list = NULL;
        size_t n = 0;
        if (rc == GW_OK)
            rc = state_histories(s, cursor, arena, &list, &n, err);
        for (size_t i = 0; rc == GW_OK && i < n; i++)
            rc = take(g, &list[i], err);
        if (arena)
            gw_arena_reset(arena);
    } while (rc == GW_OK && strcmp(cursor, "0") != 0);
    qsort(g->list, g->n, sizeof *g->list, by_key); /* the order of the store must not matter */
    return rc;
}

/* Persons for the fit; a debtor the store gave twice counts once. */
static fit_person *persons_of(const gathered *g, size_t *ret_n)
{
    fit_person *persons = calloc(g->n + 1, sizeof *persons);
    *ret_n = 0;
    for (size_t i = 0; persons && i < g->n; i++)
        if (i == 0 || g->list[i].key != g->list[i - 1].key)
            persons[(*ret_n)++] =
                (fit_person){g->contacts + g->list[i].first, g->list[i].n, g->list[i].segment};
    return persons;
}

/* ---- the model so far ---- */

static timing_model *model_from(const char *path)
{
    GW_AUTO_BUF gw_buf bytes;
    gw_err err = {0};
    timing_model *m = NULL;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    if (gw_file_read(path, &bytes, &err) != GW_OK ||
        timing_model_read(gw_buf_str(&bytes), &m, &err) != GW_OK)
        return NULL;
    return m;
}

static timing_model *begin(const char *out, bool fresh)
{
    char part[NAME_BYTES + 8];
    timing_model *m = NULL;
    snprintf(part, sizeof part, "%s.part", out);
    if (!fresh)
        m = model_from(part);
    if (!fresh && !m)
        m = model_from(out);
    return m ? m : timing_model_new();
}

static gw_code keep(const timing_model *m, const char *path, gw_err *err)
{
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, MODEL_FILE_MAX);
    gw_code rc = timing_model_write(m, &bytes, err);
    return rc == GW_OK ? gw_file_replace(path, gw_buf_str(&bytes), 0640, err) : rc;
}

static bool on_progress(void *arg, unsigned done, unsigned all, double log_likelihood)
{
    (void)arg;
    char text[80];
    snprintf(text, sizeof text, "step %u of %u, log-likelihood %.5f", done, all, log_likelihood);
    timing_progress("fitting", text);
    return !stopped;
}

static void tell(const cli_common *c, const gathered *g, const fit_report *r, model_kind kind)
{
    if (!c->json) {
        printf("%zu debtors with %llu closed contacts (%zu damaged histories left out)\n",
               r->persons, (unsigned long long)r->contacts, g->damaged);
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
    json_put_member_int(&b, "damaged", (int64_t)g->damaged);
    json_put_member_int(&b, "judges", (int64_t)r->judges);
    timing_put_number(&b, "loss_a", r->loss_a, 6);
    timing_put_number(&b, "loss_b", r->loss_b, 6);
    json_put_member_str(&b, "model", kind == MODEL_B ? GW_STR("b") : GW_STR("a"));
    gw_buf_putc(&b, '}');
    puts(b.data ? b.data : "{}");
}

static gw_code fit(const cli_common *c, const char *out, bool fresh, const fit_options *o,
                   gw_err *err)
{
    char part[NAME_BYTES + 8];
    gathered g = {0};
    fit_report report;
    size_t n = 0;
    snprintf(part, sizeof part, "%s.part", out);
    GW_AUTO(timing_model_free) timing_model *m = begin(out, fresh);
    gw_code rc = m ? gather(c, &g, err) : gw_fail(err, GW_ENOMEM, "fitting");
    fit_person *persons = rc == GW_OK ? persons_of(&g, &n) : NULL;
    if (rc == GW_OK && !persons)
        rc = gw_fail(err, GW_ENOMEM, "fitting");
    if (rc == GW_OK) {
        fit_log log = {persons, n};
        rc = timing_fit(&log, o, m, &report);
        timing_progress_end();
        if (rc == GW_ECLOSED && keep(m, part, err) == GW_OK)
            rc = gw_fail(err, GW_EBUSY, "stopped; run it again to go on from %s", part);
        else if (rc != GW_OK)
            rc = gw_fail(err, rc, "fitting");
    }
    if (rc == GW_OK)
        rc = keep(m, out, err);
    if (rc == GW_OK) {
        (void)unlink(part);
        tell(c, &g, &report, m->kind);
    }
    free(persons);
    free(g.list);
    free(g.contacts);
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
    fit_options o = {.steps = (unsigned)steps,
                     .threads = (unsigned)threads,
                     .seed = 1,
                     .go_on = !fresh,
                     .progress = on_progress};
    if (rc == GW_OK)
        rc = fit(&c, out, fresh != NULL, &o, &err);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    cli_done(&c);
    return code;
}
