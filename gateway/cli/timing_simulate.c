/* timing_simulate.c - `dunlin timing simulate`: every policy where the truth is known. */
#include "gateway/base/json.h"
#include "gateway/cli/options.h"
#include "gateway/cli/timing.h"
#include "gateway/cli/timing_internal.h"
#include "gateway/timing/lab/ope_check.h"
#include "gateway/timing/lab/simulate.h"

#include <math.h>
#include <stdio.h>

enum { REPORT_BYTES = 1 << 20, ROWS_MAX = 16 };

typedef struct {
    const char *world, *cold, *plain, *debtors, *contacts, *seeds, *seed, *ope;
} words;

typedef struct {
    simulate_options o;
    long ope_runs;
    ope_check_result ope;
    size_t n;
    struct {
        policy_about about;
        simulate_row row;
    } rows[ROWS_MAX];
} outcome;

static const char *const worlds[] = {"normal", "null", "drift"};

static gw_code read_world(const char *text, simulate_world *ret, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(worlds); i++)
        if (strcmp(text, worlds[i]) == 0) {
            *ret = (simulate_world)i;
            return GW_OK;
        }
    return gw_fail(err, GW_EINVAL, "--world must be normal, null or drift");
}

static gw_code read_options(const words *w, outcome *out, gw_err *err)
{
    simulate_options *o = &out->o;
    gw_code rc = read_world(w->world, &o->world, err);
    long debtors = 0;
    long n = 0;
    long seeds = 0;
    long seed = 0;
    if (rc == GW_OK)
        rc = timing_number("--debtors", w->debtors, 10, SIMULATE_DEBTORS_MAX, &debtors, err);
    if (rc == GW_OK)
        rc = timing_number("--contacts", w->contacts, 8, SIMULATE_CONTACTS_MAX, &n, err);
    if (rc == GW_OK)
        rc = timing_number("--seeds", w->seeds, 1, SIMULATE_SEEDS_MAX, &seeds, err);
    if (rc == GW_OK)
        rc = timing_number("--seed", w->seed, 0, INT32_MAX, &seed, err);
    if (rc == GW_OK && w->ope)
        rc = timing_number("--ope", w->ope, 1, OPE_RUNS_MAX, &out->ope_runs, err);
    if (rc == GW_OK && o->world == SIMULATE_DRIFT && n < SIMULATE_CHANGE + SIMULATE_RECOVERY + 3)
        rc = gw_fail(err, GW_EINVAL, "--world drift needs at least %d contacts",
                     SIMULATE_CHANGE + SIMULATE_RECOVERY + 3);
    o->cold = w->cold != NULL;
    o->plain_log = w->plain != NULL;
    o->debtors = (unsigned)debtors;
    o->contacts = (unsigned)n;
    o->seeds = (unsigned)seeds;
    o->seed = (uint64_t)seed;
    return rc;
}

static gw_code run_all(outcome *out, gw_err *err)
{
    gw_code rc = GW_OK;
    if (out->ope_runs)
        return ope_check((unsigned)out->ope_runs, out->o.seed, &out->ope, err);
    for (size_t i = 0; rc == GW_OK && i < policy_count(); i++) {
        policy_about about = policy_describe(i);
        if (about.needs_world && out->o.world == SIMULATE_NULL)
            continue;
        timing_progress("simulating", about.title);
        rc = simulate_policy(i, &out->o, &out->rows[out->n].row, err);
        out->rows[out->n++].about = about;
    }
    timing_progress_end();
    return rc;
}

/* A gain is claimed only where the whole interval of a model's answers lies above random. */
static const char *verdict_of(const outcome *out)
{
    for (size_t i = 0; i < out->n; i++)
        if (out->rows[i].about.predicts && !out->rows[i].about.needs_world &&
            out->rows[i].row.times_random_low > 1)
            return "the hour matters here";
    return "the hour makes no difference here";
}

/* ---- JSON ---- */

static void put_row(gw_buf *b, const policy_about *about, const simulate_row *r)
{
    gw_buf_putc(b, '{');
    json_put_member_str(b, "policy", gw_str_of(about->id));
    json_put_member_str(b, "title", gw_str_of(about->title));
    timing_put_number(b, "overall", r->overall, 4);
    for (unsigned m = 0; m < SIMULATE_MARKS; m++) {
        char name[24];
        snprintf(name, sizeof name, "after_%d", simulate_marks[m]);
        json_put_name(b, name);
        gw_buf_putc(b, '{');
        timing_put_number(b, "share", r->share[m], 4);
        timing_put_number(b, "low", r->low[m], 4);
        timing_put_number(b, "high", r->high[m], 4);
        gw_buf_putc(b, '}');
    }
    timing_put_number(b, "times_random", r->times_random, 4);
    timing_put_number(b, "times_random_low", r->times_random_low, 4);
    timing_put_number(b, "times_random_high", r->times_random_high, 4);
    timing_put_number(b, "before_change", r->before_change, 4);
    timing_put_number(b, "after_change", r->after_change, 4);
    timing_put_number(b, "brier", r->brier, 6);
    timing_put_number(b, "calibration_error", r->calibration_error, 6);
    gw_buf_putc(b, '}');
}

static void put_ope(gw_buf *b, const ope_check_result *r)
{
    json_put_member_int(b, "runs", r->runs);
    json_put_member_int(b, "dr_within_2se", r->dr_within);
    json_put_member_int(b, "ips_within_2se", r->ips_within);
    json_put_member_int(b, "snips_within_2se", r->snips_within);
    timing_put_number(b, "truth", r->truth, 6);
    timing_put_number(b, "logged", r->logged, 6);
    timing_put_number(b, "dr", r->dr, 6);
    timing_put_number(b, "ips", r->ips, 6);
    timing_put_number(b, "snips", r->snips, 6);
    timing_put_number(b, "effective_sample_size", r->effective, 1);
    timing_put_number(b, "least_propensity", r->least_propensity, 6);
}

static int print_json(const outcome *out)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, REPORT_BYTES);
    gw_buf_putc(&b, '{');
    if (out->ope_runs) {
        put_ope(&b, &out->ope);
    } else {
        json_put_member_str(&b, "world", gw_str_of(worlds[out->o.world]));
        json_put_member_str(&b, "start", out->o.cold ? GW_STR("cold") : GW_STR("mature"));
        json_put_member_int(&b, "debtors", out->o.debtors);
        json_put_member_int(&b, "contacts", out->o.contacts);
        json_put_member_int(&b, "seeds", out->o.seeds);
        json_put_member_str(&b, "verdict", gw_str_of(verdict_of(out)));
        json_put_name(&b, "policies");
        gw_buf_putc(&b, '[');
        for (size_t i = 0; i < out->n; i++) {
            if (i)
                gw_buf_putc(&b, ',');
            put_row(&b, &out->rows[i].about, &out->rows[i].row);
        }
        gw_buf_putc(&b, ']');
    }
    gw_buf_putc(&b, '}');
    if (b.code != GW_OK)
        return gw_exit_code(b.code);
    puts(b.data);
    return 0;
}

/* ---- text ---- */

static void print_ope(const ope_check_result *r)
{
    printf("%u runs of %d contacts; logged by B, asked about A\n", r->runs,
           OPE_DEBTORS * OPE_CONTACTS);
    printf("truth %.4f, the log itself %.4f\n", r->truth, r->logged);
    printf("%-18s %.4f, truth within two standard errors in %u runs\n", "IPS", r->ips,
           r->ips_within);
    printf("%-18s %.4f, in %u\n", "SNIPS", r->snips, r->snips_within);
    printf("%-18s %.4f, in %u\n", "doubly robust", r->dr, r->dr_within);
    printf("effective sample size %.0f; smallest propensity %.5f\n", r->effective,
           r->least_propensity);
}

static void print_text(const outcome *out)
{
    bool drift = out->o.world == SIMULATE_DRIFT;
    printf("world %s, %s start, %u debtors x %u contacts, %u seeds\n\n", worlds[out->o.world],
           out->o.cold ? "cold" : "mature", out->o.debtors, out->o.contacts, out->o.seeds);
    printf("%-36s %7s", "share of the oracle's lift, %", "all");
    for (unsigned m = 0; m < SIMULATE_MARKS; m++)
        printf("  after %-2d (90 %%)    ", simulate_marks[m]);
    printf(" %8s", "x random");
    printf(drift ? " %7s %7s\n" : "\n", "before", "+25");
    for (size_t i = 0; i < out->n; i++) {
        const simulate_row *r = &out->rows[i].row;
        printf("%-36s", out->rows[i].about.title);
        timing_print_percent(r->overall, 7);
        for (unsigned m = 0; m < SIMULATE_MARKS; m++) {
            timing_print_percent(r->share[m], 6);
            timing_print_percent(r->low[m], 6);
            timing_print_percent(r->high[m], 6);
        }
        printf(" %8.3f", r->times_random);
        if (drift) {
            timing_print_percent(r->before_change, 7);
            timing_print_percent(r->after_change, 7);
        }
        putchar('\n');
    }
    printf("\n%s.\n", verdict_of(out));
}

static const char about[] =
    "dunlin timing simulate [--world normal|null|drift] [--cold] [--debtors N] [--contacts N]\n"
    "                       [--seeds N] [--seed N] [--plain-log] [--ope RUNS] [--json]\n"
    "\n"
    "Every policy in a world whose truth is known: six daily routines that drift, three channels,\n"
    "noisy segments, delayed answers. Shown is the share of the oracle's lift over a random "
    "allowed\n"
    "hour after 5, 10, 20 and 50 contacts. World null: the hour makes no difference. World drift:\n"
    "everybody changes before contact 26; shown are the shares before and 25 contacts later.\n"
    "--ope RUNS checks instead how often the off-policy estimates cover the truth.\n";

int timing_simulate(int argc, char **argv)
{
    words w = {.world = "normal", .debtors = "400", .contacts = "53", .seeds = "4", .seed = "1"};
    const char *wants_help = NULL;
    const cli_option own[] = {
        {"--world", &w.world, "normal, null (the hour makes no difference) or drift"},
        {"--cold!", &w.cold, "no log to start from"},
        {"--plain-log!", &w.plain, "a log without late reactions"},
        {"--debtors", &w.debtors, "400"},
        {"--contacts", &w.contacts, "of each debtor, 53"},
        {"--seeds", &w.seeds, "worlds to average over, 4"},
        {"--seed", &w.seed, "of the first world, 1"},
        {"--ope", &w.ope, "instead: check the off-policy estimates in so many runs"},
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
    gw_code rc = out ? read_options(&w, out, &err) : gw_fail(&err, GW_ENOMEM, "simulating");
    if (rc == GW_OK)
        rc = run_all(out, &err);
    code = rc == GW_OK ? 0 : cli_fail(&c, rc, &err);
    if (rc == GW_OK && c.json)
        code = print_json(out);
    else if (rc == GW_OK && out->ope_runs)
        print_ope(&out->ope);
    else if (rc == GW_OK)
        print_text(out);
    free(out);
    cli_done(&c);
    return code;
}
