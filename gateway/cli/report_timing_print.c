#include "gateway/base/json.h"
#include "gateway/cli/report_timing.h"
#include "gateway/cli/timing_internal.h"

#include <math.h>

/* ---- text ---- */

static void print_figure(FILE *out, const char *name, insight_figure f, double scale,
                         const char *unit)
{
    if (!isfinite(f.value))
        fprintf(out, "  %-34s -\n", name);
    else if (!isfinite(f.low))
        fprintf(out, "  %-34s %8.3f%s\n", name, f.value * scale, unit);
    else
        fprintf(out, "  %-34s %8.3f%s  [%.3f, %.3f]\n", name, f.value * scale, unit, f.low * scale,
                f.high * scale);
}

static void print_rate(FILE *out, const char *name, insight_rate r)
{
    print_figure(out, name, (insight_figure){r.rate, r.low, r.high}, 100, " %");
}

static void print_estimate(FILE *out, const char *what, const insight_estimate *e)
{
    char name[64];
    const struct {
        const char *by;
        const insight_figure *f;
    } rows[] = {{"IPS", &e->ips}, {"SNIPS", &e->snips}, {"doubly robust", &e->dr}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        snprintf(name, sizeof name, "%s, %s", what, rows[i].by);
        print_figure(out, name, *rows[i].f, 100, " %");
    }
    fprintf(out, "  %-34s %8.0f\n", "  effective sample size", e->effective);
}

static void print_group(const insight_group *g, FILE *out)
{
    fprintf(out,
            "%s%s%s: %llu contacts (%llu by the model, %llu hold-out, %llu at an hour a rule or "
            "person chose)\n",
            g->kind, g->name[0] && strcmp(g->kind, "all") != 0 ? " " : "",
            strcmp(g->kind, "all") != 0 ? g->name : "", (unsigned long long)g->contacts,
            (unsigned long long)g->predicted, (unsigned long long)g->holdout,
            (unsigned long long)g->forced);
    fprintf(out, "  => %s\n", insight_verdict_text(g->verdict));
    print_rate(out, "answered in its hour, or paid", g->answered);
    print_rate(out, "reacted at all", g->reacted);
    if (!g->predicted && !g->holdout)
        return;
    print_figure(out, "lift of the best hour over random", g->lift, 100, " %");
    print_figure(out, "effect of the hour (points)", g->effect, 100, "");
    print_rate(out, "answers, model", g->chosen);
    print_rate(out, "answers, hold-out", g->random);
    print_figure(out, "uplift against hold-out (points)", g->uplift, 100, "");
    print_figure(out, "the same, any reaction (points)", g->reacted_uplift, 100, "");
    print_estimate(out, "always the best hour", &g->best);
    print_estimate(out, "always a random hour", &g->any);
    print_figure(out, "Brier score", g->brier, 1, "");
    fprintf(out, "  %-34s %8.3f\n", "  of a constant", g->brier_constant);
    fprintf(out, "  %-34s %8.3f   (by chance alone about %.3f)\n", "calibration error", g->ece,
            g->ece_by_chance);
}

void report_timing_text(const insight *x, uint64_t skipped, FILE *out)
{
    insight_group *g = calloc(1, sizeof *g);
    if (insight_groups(x) == 0)
        fputs("no contact has closed yet: too few contacts to say\n", out);
    for (size_t i = 0; g && i < insight_groups(x); i++) {
        insight_read(x, i, g);
        print_group(g, out);
    }
    if (skipped)
        fprintf(out, "%llu records could not be read as a contact\n", (unsigned long long)skipped);
    if (insight_left_out(x))
        fprintf(out, "%llu contacts belong to groups beyond the first %d\n",
                (unsigned long long)insight_left_out(x), INSIGHT_GROUPS_MAX);
    free(g);
}

/* ---- JSON ---- */

static void put_figure(gw_buf *b, const char *name, insight_figure f)
{
    json_put_name(b, name);
    gw_buf_putc(b, '{');
    timing_put_number(b, "value", f.value, 6);
    timing_put_number(b, "low", f.low, 6);
    timing_put_number(b, "high", f.high, 6);
    gw_buf_putc(b, '}');
}

static void put_rate(gw_buf *b, const char *name, insight_rate r)
{
    if (name)
        json_put_name(b, name);
    gw_buf_putc(b, '{');
    json_put_member_int(b, "n", (int64_t)r.n);
    json_put_member_int(b, "yes", (int64_t)r.yes);
    timing_put_number(b, "rate", r.rate, 6);
    timing_put_number(b, "low", r.low, 6);
    timing_put_number(b, "high", r.high, 6);
    gw_buf_putc(b, '}');
}

static void put_estimate(gw_buf *b, const char *name, const insight_estimate *e)
{
    json_put_name(b, name);
    gw_buf_putc(b, '{');
    put_figure(b, "ips", e->ips);
    put_figure(b, "snips", e->snips);
    put_figure(b, "doubly_robust", e->dr);
    timing_put_number(b, "effective_sample_size", e->effective, 1);
    gw_buf_putc(b, '}');
}

static void put_bins(gw_buf *b, const insight_group *g)
{
    size_t n = 0;
    json_put_name(b, "reliability");
    gw_buf_putc(b, '[');
    for (size_t i = 0; i < INSIGHT_BINS; i++) {
        if (!g->bins[i].n)
            continue;
        gw_buf_puts(b, n++ ? ",{" : "{");
        json_put_member_int(b, "n", (int64_t)g->bins[i].n);
        timing_put_number(b, "predicted", g->bins[i].predicted, 6);
        timing_put_number(b, "observed", g->bins[i].observed, 6);
        timing_put_number(b, "low", g->bins[i].low, 6);
        timing_put_number(b, "high", g->bins[i].high, 6);
        gw_buf_putc(b, '}');
    }
    gw_buf_putc(b, ']');
}

static void put_curves(gw_buf *b, const insight_group *g)
{
    static const char *const channels[] = {"email", "sms", "voice"};
    static const char *const days[] = {"weekday", "weekend"};
    size_t n = 0;
    json_put_name(b, "curves");
    gw_buf_putc(b, '[');
    for (size_t c = 0; c < TIMING_CHANNELS; c++)
        for (size_t d = 0; d < TIMING_DAYTYPES; d++)
            for (size_t h = 0; h < TIMING_HOURS; h++) {
                if (!g->curve[c][d][h].n)
                    continue;
                gw_buf_puts(b, n++ ? ",{" : "{");
                json_put_member_str(b, "channel", gw_str_of(channels[c]));
                json_put_member_str(b, "daytype", gw_str_of(days[d]));
                json_put_member_int(b, "hour", (int64_t)h);
                put_rate(b, "answers", g->curve[c][d][h]);
                gw_buf_putc(b, '}');
            }
    gw_buf_putc(b, ']');
}

static void put_group(gw_buf *b, const insight_group *g)
{
    static const char *const verdicts[] = {"too-few", "no-difference", "matters"};
    gw_buf_putc(b, '{');
    json_put_member_str(b, "kind", gw_str_of(g->kind));
    json_put_member_str(b, "name", gw_str_of(g->name));
    json_put_member_str(b, "verdict", gw_str_of(verdicts[g->verdict]));
    json_put_member_str(b, "says", gw_str_of(insight_verdict_text(g->verdict)));
    json_put_member_int(b, "contacts", (int64_t)g->contacts);
    json_put_member_int(b, "by_model", (int64_t)g->predicted);
    json_put_member_int(b, "hold_out", (int64_t)g->holdout);
    json_put_member_int(b, "forced", (int64_t)g->forced);
    put_rate(b, "answered", g->answered);
    put_rate(b, "reacted", g->reacted);
    put_figure(b, "effect", g->effect);
    put_figure(b, "lift", g->lift);
    put_rate(b, "answers_model", g->chosen);
    put_rate(b, "answers_hold_out", g->random);
    put_figure(b, "uplift", g->uplift);
    put_figure(b, "uplift_any_reaction", g->reacted_uplift);
    put_estimate(b, "always_best", &g->best);
    put_estimate(b, "always_random", &g->any);
    put_figure(b, "brier", g->brier);
    timing_put_number(b, "brier_of_a_constant", g->brier_constant, 6);
    timing_put_number(b, "calibration_error", g->ece, 6);
    timing_put_number(b, "calibration_error_by_chance", g->ece_by_chance, 6);
    put_bins(b, g);
    put_curves(b, g);
    gw_buf_putc(b, '}');
}

void report_timing_json(const insight *x, uint64_t skipped, gw_buf *out)
{
    insight_group *g = calloc(1, sizeof *g);
    gw_buf_putc(out, '{');
    json_put_member_int(out, "unreadable", (int64_t)skipped);
    json_put_member_int(out, "left_out", (int64_t)insight_left_out(x));
    json_put_name(out, "groups");
    gw_buf_putc(out, '[');
    for (size_t i = 0; g && i < insight_groups(x); i++) {
        insight_read(x, i, g);
        if (i)
            gw_buf_putc(out, ',');
        put_group(out, g);
    }
    gw_buf_puts(out, "]}");
    free(g);
}
