/* timing_replay.c - `dunlin timing replay`: how strangers judge the model on their own data. */
#include "gateway/base/json.h"
#include "gateway/cli/options.h"
#include "gateway/cli/timing.h"
#include "gateway/cli/timing_internal.h"
#include "gateway/timing/lab/replay.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum { REPORT_BYTES = 1 << 20 };

typedef struct {
    const char *trace, *window, *cold, *days, *repeats, *seed;
} words;

typedef struct {
    replay_options o;
    trace_about about;
    replay_ground ground;
    size_t n;
    struct {
        policy_about about;
        replay_row row;
    } rows[16];
} outcome;

static gw_code read_window(const char *text, uint32_t *ret, gw_err *err)
{
    int from = -1;
    int to = -1;
    char end = 0;
    if (sscanf(text, "%d-%d%c", &from, &to, &end) != 2 || from < 0 || to > TIMING_HOURS ||
        to - from < 2)
        return gw_fail(err, GW_EINVAL,
                       "--window must be FROM-TO in local hours, e.g. 8-20, at least two of 0-24");
    *ret = 0;
    for (int h = from; h < to; h++)
        *ret |= UINT32_C(1) << h;
    return GW_OK;
}

static gw_code read_options(const words *w, replay_options *o, unsigned *days, gw_err *err)
{
    long least_days = 0;
    long repeats = 0;
    long seed = 0;
    gw_code rc = read_window(w->window, &o->window, err);
    if (rc == GW_OK && w->days)
        rc = timing_number("--min-days", w->days, 2, 100000, &least_days, err);
    if (rc == GW_OK)
        rc = timing_number("--repeats", w->repeats, 1, REPLAY_REPEATS_MAX, &repeats, err);
    if (rc == GW_OK)
        rc = timing_number("--seed", w->seed, 0, INT32_MAX, &seed, err);
    o->cold = w->cold != NULL;
    o->repeats = (unsigned)repeats;
    o->seed = (uint64_t)seed;
    *days = (unsigned)least_days;
    return rc;
}

static gw_code run_all(const trace *t, outcome *out, gw_err *err)
{
    out->about = trace_describe(t);
    gw_code rc = replay_measure(t, &out->o, &out->ground, err);
    for (size_t i = 0; rc == GW_OK && i < policy_count(); i++) {
        policy_about about = policy_describe(i);
        if (about.needs_world)
            continue;
        timing_progress("replaying", about.title);
        rc = replay_policy(t, i, &out->o, &out->rows[out->n].row, err);
        out->rows[out->n++].about = about;
    }
    timing_progress_end();
    return rc;
}

static gw_code run_file(const words *w, outcome *out, gw_err *err)
{
    unsigned days = 0;
    gw_code rc = read_options(w, &out->o, &days, err);
    if (rc != GW_OK)
        return rc;
    FILE *f = strcmp(w->trace, "-") == 0 ? stdin : fopen(w->trace, "r");
    if (!f)
        return gw_fail_errno(err, errno, "opening the trace %s", w->trace);
    GW_AUTO(trace_free) trace *t = NULL;
    rc = trace_read(f, out->o.window, days, &t, err);
    if (f != stdin)
        fclose(f);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", w->trace);
    return run_all(t, out, err);
}

/* The hour matters when a model's interval lies above zero: said in words, not left to the reader.
 */
static const char *verdict_of(const outcome *out)
{
    bool better = false;
    bool known = false;
    for (size_t i = 0; i < out->n; i++) {
        if (!out->rows[i].about.predicts)
            continue;
        known = known || isfinite(out->rows[i].row.overall.low);
        better = better || out->rows[i].row.overall.low > 0;
    }
    if (out->ground.oracle <= out->ground.random || !known)
        return "the hour makes no difference here";
    return better ? "the hour matters here" : "no effect of the hour can be shown here";
}

static void put_figure(gw_buf *b, const replay_figure *f)
{
    gw_buf_putc(b, '{');
    timing_put_number(b, "share", f->share, 4);
    timing_put_number(b, "low", f->low, 4);
    timing_put_number(b, "high", f->high, 4);
    timing_put_number(b, "answered", f->answered, 6);
    gw_buf_putc(b, '}');
}

static void put_ground(gw_buf *b, const outcome *out)
{
    json_put_member_int(b, "rows", (int64_t)out->about.rows);
    json_put_member_int(b, "persons", (int64_t)out->about.persons_used);
    json_put_member_int(b, "persons_left_out", (int64_t)out->about.persons_short);
    json_put_member_int(b, "min_days", out->about.days_least);
    json_put_member_int(b, "contacts", (int64_t)out->ground.contacts);
    json_put_member_str(b, "start", out->o.cold ? GW_STR("cold") : GW_STR("mature"));
    timing_put_number(b, "random", out->ground.random, 6);
    timing_put_number(b, "oracle", out->ground.oracle, 6);
    json_put_member_str(b, "verdict", gw_str_of(verdict_of(out)));
    json_put_name(b, "bands");
    gw_buf_putc(b, '[');
    for (unsigned i = 0; i < REPLAY_BANDS; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "contacts", gw_str_of(replay_bands[i]));
        json_put_member_int(b, "n", (int64_t)out->ground.band_contacts[i]);
        timing_put_number(b, "random", out->ground.band_random[i], 6);
        timing_put_number(b, "oracle", out->ground.band_oracle[i], 6);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_policy(gw_buf *b, const policy_about *about, const replay_row *r)
{
    static const char *const after[] = {"first_5", "after_5", "after_10", "after_20", "after_50"};
    gw_buf_putc(b, '{');
    json_put_member_str(b, "policy", gw_str_of(about->id));
    json_put_member_str(b, "title", gw_str_of(about->title));
    json_put_name(b, "overall");
    put_figure(b, &r->overall);
    for (unsigned i = 0; i < REPLAY_BANDS; i++) {
        json_put_name(b, after[i]);
        put_figure(b, &r->bands[i]);
    }
    timing_put_number(b, "brier", r->brier, 6);
    timing_put_number(b, "log_loss", r->log_loss, 6);
    gw_buf_putc(b, '}');
}

static int print_json(const outcome *out)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, REPORT_BYTES);
    gw_buf_putc(&b, '{');
    put_ground(&b, out);
    json_put_name(&b, "policies");
    gw_buf_putc(&b, '[');
    for (size_t i = 0; i < out->n; i++) {
        if (i)
            gw_buf_putc(&b, ',');
        put_policy(&b, &out->rows[i].about, &out->rows[i].row);
    }
    gw_buf_puts(&b, "]}");
    if (b.code != GW_OK)
        return gw_exit_code(b.code);
    puts(b.data);
    return 0;
}

static void print_text(const outcome *out)
{
    printf("%zu persons (%zu left out: fewer than %u days), %zu contacts, %s start\n",
           out->about.persons_used, out->about.persons_short, out->about.days_least,
           out->ground.contacts, out->o.cold ? "cold" : "mature");
    printf("answered: a random allowed hour %.1f %%, the oracle (best hour of the other days) "
           "%.1f %%\n\n",
           100 * out->ground.random, 100 * out->ground.oracle);
    printf("%-36s %7s %15s", "share of the oracle's lift, %", "all", "90 % interval");
    for (unsigned i = 0; i < REPLAY_BANDS; i++)
        printf(" %7s", replay_bands[i]);
    printf(" %7s\n", "Brier");
    for (size_t i = 0; i < out->n; i++) {
        const replay_row *r = &out->rows[i].row;
        printf("%-36s", out->rows[i].about.title);
        timing_print_percent(r->overall.share, 7);
        timing_print_percent(r->overall.low, 7);
        timing_print_percent(r->overall.high, 7);
        for (unsigned k = 0; k < REPLAY_BANDS; k++)
            timing_print_percent(r->bands[k].share, 7);
        if (isfinite(r->brier))
            printf(" %7.4f", r->brier);
        putchar('\n');
    }
    printf("\n%s.\n", verdict_of(out));
}

static const char about[] =
    "dunlin timing replay --trace FILE.csv [--window 8-20] [--cold] [--min-days N] [--repeats N]\n"
    "                     [--seed N] [--json]\n"
    "\n"
    "Replays every policy over a trace of real activity. The first line names the columns person,\n"
    "day (whole number), dow (0 Monday .. 6 Sunday) and hour (0..23), in any order; every further\n"
    "line says that this person would have responded in that hour of that day. Each day on which "
    "a\n"
    "person responded to anything inside the window is one contact. Persons are split in two "
    "folds;\n"
    "the log of one warms the shared tables (--cold: none), the other is scored, then the "
    "reverse.\n"
    "Shown is the share of the oracle's lift over a random allowed hour, with 90 % intervals over\n"
    "persons; the oracle is each person's best hour on its other days.\n"
    "Persons with fewer than --min-days contacts (20; 2 where hardly anybody has 20) are left "
    "out.\n"
    "The same file, options and seed give the same figures.\n";

int timing_replay(int argc, char **argv)
{
    words w = {.window = "8-20", .repeats = "3", .seed = "1"};
    const char *wants_help = NULL;
    const cli_option own[] = {
        {"--trace", &w.trace, "CSV with person,day,dow,hour; - for standard input"},
        {"--window", &w.window, "allowed local hours, 8-20"},
        {"--cold!", &w.cold, "no log to start from"},
        {"--min-days", &w.days, "persons with fewer days are left out, 20"},
        {"--repeats", &w.repeats, "runs to average, 3"},
        {"--seed", &w.seed, "of all random numbers, 1"},
        {"--help!", &wants_help, "this text"},
    };
    cli_common c;
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &c, &err);
    if (code != 0)
        return code;
    if (wants_help) {
        fputs(about, stdout);
        cli_done(&c);
        return 0;
    }
    outcome *out = calloc(1, sizeof *out);
    if (!w.trace) {
        fprintf(stderr, "dunlin timing replay: --trace FILE.csv is missing\n");
        code = CLI_USAGE;
    } else if (!out) {
        code = cli_fail(&c, gw_fail(&err, GW_ENOMEM, "replaying a trace"), &err);
    } else {
        gw_code rc = run_file(&w, out, &err);
        code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
        if (rc == GW_OK && c.json)
            code = print_json(out);
        else if (rc == GW_OK)
            print_text(out);
    }
    free(out);
    cli_done(&c);
    return code;
}
