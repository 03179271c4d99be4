/* timing_score.c - `dunlin timing score`: is the willingness score worth anything on your own
 * table? */
#include "gateway/base/csv.h"
#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/options.h"
#include "gateway/cli/timing.h"
#include "gateway/timing/score_run.h"
#include "gateway/timing/willing.h"

#include <math.h>
#include <stdio.h>

enum { REPORT_BYTES = 1 << 20, HORIZONS = 2 };

static const char about[] =
    "usage: dunlin timing score --csv FILE [--outcome COLUMN] [--horizon DAYS] [--out FILE.csv]\n"
    "                           [--save MODEL.json] [--json]\n"
    "Predicts each row before its outcome is learned, and prints how good the predictions of the\n"
    "second half were: AUC, Brier, calibration. Tables (header names in any case and "
    "punctuation):\n"
    "  ledger   customer, due date, settled date (empty: open), and if there: invoice date, "
    "amount,\n"
    "           disputed. One row an invoice; asked on the day after it was due, paid within "
    "--horizon\n"
    "           days (default: 7 and 30). Days as 2013-01-31 or 1/31/2013.\n"
    "  monthly  late1..lateN, bill1.., paid1.. (oldest first, shares of the limit), limit_k; or "
    "PAY_0,\n"
    "           PAY_2.., BILL_AMT1.., PAY_AMT1.., LIMIT_BAL (newest first). Outcome 0 or 1.\n"
    "  generic  any columns of numbers or of two words, and an outcome of 0 and 1.\n"
    "The outcome is --outcome, else default_next, \"default payment next month\", paid_next, "
    "default,\n"
    "paid, outcome, label, target, y, else the last column. Rows are taken in the order of the "
    "file.\n"
    "Ids and marks of a person (age, sex, education, family, ...) are never used.\n"
    "  --out FILE.csv    every row: its probability of paying as predicted then, band, segment, "
    "and\n"
    "                    three reasons as the trained model sees them\n"
    "  --save MODEL.json the trained model\n";

typedef struct {
    cli_common c;
    const char *csv, *outcome, *horizon, *out, *save, *help;
} options;

/* ---- the figures ---- */

static void put_real(gw_buf *b, const char *name, double v)
{
    json_put_name(b, name);
    if (isfinite(v))
        gw_buf_printf(b, "%.6f", v);
    else
        gw_buf_puts(b, "null");
}

static void put_calibration(gw_buf *b, const scorecard *s)
{
    json_put_name(b, "calibration");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < SCORECARD_BINS && s->bins[i].n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_int(b, "n", (int64_t)s->bins[i].n);
        put_real(b, "predicted", s->bins[i].predicted);
        put_real(b, "observed", s->bins[i].observed);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_columns(gw_buf *b, const score_table *t, const score_run *r)
{
    json_put_name(b, "columns");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < t->column_n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "name", gw_str_of(t->names[i]));
        put_real(b, "weight", additive_weight(r->model, i));
        gw_buf_putc(b, '}');
    }
    gw_buf_puts(b, "],\"left_out\":[");
    for (size_t i = 0; i < t->left_out_n; i++) {
        gw_buf_puts(b, i ? ",{" : "{");
        json_put_member_str(b, "name", gw_str_of(t->left_out[i].name));
        json_put_member_str(b, "why", gw_str_of(t->left_out[i].why));
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

/* One object, left open for what is said about another horizon. */
static void put_json(gw_buf *b, const score_table *t, const score_run *r)
{
    const scorecard *s = &r->card;
    gw_buf_putc(b, '{');
    json_put_member_str(b, "table", gw_str_of(score_kind_name(t->kind)));
    json_put_member_str(b, "outcome", gw_str_of(t->outcome));
    json_put_member_str(b, "outcome_1_means", t->y_pays ? GW_STR("pays") : GW_STR("does not pay"));
    json_put_member_int(b, "rows", (int64_t)t->n);
    json_put_member_int(b, "scored", (int64_t)s->n);
    json_put_member_int(b, "scored_positive", (int64_t)s->positive);
    if (t->kind == SCORE_LEDGER) {
        json_put_member_int(b, "paid_until_due", (int64_t)t->settled_before);
        json_put_member_int(b, "outcome_not_known_yet", (int64_t)t->censored);
    }
    put_real(b, "auc", s->auc);
    put_real(b, "auc_low", s->auc_low);
    put_real(b, "auc_high", s->auc_high);
    put_real(b, "brier", s->brier);
    put_real(b, "brier_constant", s->brier_constant);
    put_real(b, "log_loss", s->log_loss);
    put_real(b, "ece", s->ece);
    json_put_name(b, "best_single_column");
    gw_buf_putc(b, '{');
    json_put_member_str(b, "name", gw_str_of(t->names[r->baseline]));
    put_real(b, "auc", r->baseline_auc);
    gw_buf_putc(b, '}');
    put_calibration(b, s);
    put_columns(b, t, r);
}

static void print_text(const score_table *t, const score_run *r)
{
    const scorecard *s = &r->card;
    printf("%s table, outcome %s (1 = %s): %zu rows, scored on the last %zu, %zu of them 1\n",
           score_kind_name(t->kind), t->outcome, t->y_pays ? "pays" : "does not pay", t->n, s->n,
           s->positive);
    if (t->kind == SCORE_LEDGER)
        printf("  %zu invoices were paid until due and asked nothing; %zu have no outcome yet\n",
               t->settled_before, t->censored);
    printf("  AUC        %.4f  (95 %% interval %.4f to %.4f)\n", s->auc, s->auc_low, s->auc_high);
    printf("             %.4f  best single column, %s, chosen afterwards\n", r->baseline_auc,
           t->names[r->baseline]);
    printf("  Brier      %.4f  (a constant: %.4f)\n", s->brier, s->brier_constant);
    printf("  log-loss   %.4f\n", s->log_loss);
    printf("  calibration error %.4f; predicted -> observed by tenths:\n   ", s->ece);
    for (size_t i = 0; i < SCORECARD_BINS && s->bins[i].n; i++)
        printf(" %.2f->%.2f", s->bins[i].predicted, s->bins[i].observed);
    printf("\n  columns by weight:");
    for (size_t done = 0; done < t->column_n && done < 8; done++) {
        size_t best = t->column_n;
        for (size_t i = 0; i < t->column_n; i++) {
            double w = additive_weight(r->model, i);
            size_t above = 0;
            for (size_t k = 0; k < t->column_n; k++)
                above += additive_weight(r->model, k) > w ||
                         (k < i && additive_weight(r->model, k) >= w);
            best = above == done ? i : best;
        }
        printf(" %s %.2f", t->names[best], additive_weight(r->model, best));
    }
    printf("\n");
    for (size_t i = 0; i < t->left_out_n; i++)
        printf("  not used: %s (%s)\n", t->left_out[i].name, t->left_out[i].why);
    if (r->baseline_auc > 0.99)
        printf("  Warning: %s alone ranks almost perfectly; does it hold the answer?\n",
               t->names[r->baseline]);
}

/* ---- every row ---- */

static gw_code write_rows(const char *path, const score_table *t, const score_run *r, gw_err *err)
{
    static const char *const header[] = {"line",    "pays",    "band",   "segment",
                                         "reason1", "reason2", "reason3"};
    static const willing_facts nothing = {.able = ABLE_UNKNOWN};
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, CSV_FILE_BYTES_MAX * (size_t)4);
    csv_writer w;
    csv_start(&w, &b);
    for (size_t i = 0; i < GW_COUNT(header); i++)
        csv_put_text(&w, gw_str_of(header[i]));
    csv_end_row(&w);
    for (size_t i = 0; i < t->n; i++) {
        willing_score s;
        char text[32];
        willing_judge(r->model, t->y_pays, t->x + i * t->column_n, &nothing, &s);
        willing_place(&s, t->y_pays ? r->p[i] : 1 - r->p[i], &nothing);
        csv_put_int(&w, t->line[i]);
        snprintf(text, sizeof text, "%.6f", s.pays);
        csv_put_number(&w, gw_str_of(text));
        csv_put_text(&w, gw_str_of(willing_band_name(s.band)));
        csv_put_text(&w, gw_str_of(s.segment));
        for (size_t k = 0; k < WILLING_REASONS; k++) {
            char reason[ADDITIVE_NAME_MAX + 32] = "";
            if (s.reasons[k].column)
                snprintf(reason, sizeof reason, "%s (%s%.2f)",
                         willing_column_sentence(s.reasons[k].column),
                         s.reasons[k].part < 0 ? "-" : "+", fabs(s.reasons[k].part));
            csv_put_text(&w, gw_str_of(reason));
        }
        csv_end_row(&w);
    }
    gw_code rc = gw_buf_code(&b, "the rows", err);
    return rc == GW_OK ? gw_file_replace(path, gw_buf_str(&b), 0644, err) : rc;
}

static gw_code save_model(const char *path, const score_run *r, gw_err *err)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, REPORT_BYTES);
    additive_save(r->model, &b);
    gw_code rc = gw_buf_code(&b, "the model", err);
    return rc == GW_OK ? gw_file_replace(path, gw_buf_str(&b), 0644, err) : rc;
}

/* ---- the command ---- */

static gw_code score_once(const options *o, gw_str csv, int horizon, gw_buf *json, bool *ret_again,
                          gw_err *err)
{
    const score_options so = {.outcome = o->outcome, .horizon_days = horizon};
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r = {0};
    gw_code rc = score_table_read(csv, &so, &t, err);
    if (rc == GW_OK)
        rc = score_run_table(t, &r, err);
    *ret_again = rc == GW_OK && t->kind == SCORE_LEDGER && !o->horizon;
    if (rc == GW_OK && o->out)
        rc = write_rows(o->out, t, &r, err);
    if (rc == GW_OK && o->save)
        rc = save_model(o->save, &r, err);
    if (rc == GW_OK && o->c.json)
        put_json(json, t, &r);
    else if (rc == GW_OK)
        print_text(t, &r);
    score_run_done(&r);
    return rc;
}

/* A ledger is judged for both horizons unless one is named; the files hold the first, and in JSON
 * the second is the member "also". */
static gw_code run(options *o, gw_err *err)
{
    static const int usual[HORIZONS] = {7, 30};
    GW_AUTO_BUF gw_buf csv;
    GW_AUTO_BUF gw_buf json;
    GW_AUTO_BUF gw_buf also;
    gw_err second = {0};
    bool again;
    gw_buf_init(&csv, CSV_FILE_BYTES_MAX);
    gw_buf_init(&json, REPORT_BYTES);
    gw_buf_init(&also, REPORT_BYTES);
    int horizon = o->horizon ? atoi(o->horizon) : usual[0];
    if (horizon < 1 || horizon > 3650)
        return gw_fail(err, GW_EINVAL, "--horizon: 1 to 3650 days");
    gw_code rc = gw_file_read(o->csv, &csv, err);
    if (rc == GW_OK)
        rc = score_once(o, gw_buf_str(&csv), horizon, &json, &again, err);
    if (rc != GW_OK)
        return rc;
    o->out = o->save = NULL;
    if (again && score_once(o, gw_buf_str(&csv), usual[1], &also, &again, &second) != GW_OK)
        fprintf(stderr, "dunlin: within %d days: %s\n", usual[1], second.text);
    if (also.n)
        gw_buf_printf(&json, ",\"also\":%s}", also.data);
    if (o->c.json)
        printf("%s}\n", json.data);
    return gw_buf_code(&json, "the report", err);
}

int timing_score(int argc, char **argv)
{
    options o = {0};
    const cli_option own[] = {
        {"--csv", &o.csv, "the table"},
        {"--outcome", &o.outcome, "column of 0 and 1 to predict"},
        {"--horizon", &o.horizon, "ledger: paid within these days of the due date"},
        {"--out", &o.out, "write every row's score to this CSV file"},
        {"--save", &o.save, "write the trained model to this file"},
        {"--help!", &o.help, "this text"},
    };
    gw_err err = {0};
    int code = cli_parse(argc, argv, own, GW_COUNT(own), 0, &o.c, &err);
    if (code != 0)
        return code;
    if (o.help || !o.csv) {
        fputs(about, o.help ? stdout : stderr);
        cli_done(&o.c);
        return o.help ? 0 : CLI_USAGE;
    }
    gw_code rc = run(&o, &err);
    code = rc == GW_OK ? 0 : cli_fail(&o.c, rc, &err);
    cli_done(&o.c);
    return code;
}
