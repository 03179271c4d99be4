#include "gateway/timing/insight.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double z = 1.959964;

/* Chances are mostly small: finer bins there. Upper ends. */
static const double bin_end[INSIGHT_BINS] = {.01, .02, .04, .06, .08, .11,
                                             .15, .2,  .27, .36, .5,  1};

/* Sums of one bucket of persons. */
enum {
    N,     /* contacts with a propensity */
    Y,     /* answers among them */
    BRIER, /* sum of squared errors */
    N_OWN, /* the model's choices and its exploration: contacts, answers, reactions */
    Y_OWN,
    R_OWN,
    N_OUT, /* hold-out: the same */
    Y_OUT,
    R_OUT,
    DR_BEST, /* doubly robust terms */
    DR_ANY,
    W_BEST, /* importance weights, their squares and times the answer */
    WW_BEST,
    WY_BEST,
    W_ANY,
    WW_ANY,
    WY_ANY,
    SUMS
};

typedef struct {
    double v[INSIGHT_BUCKETS][SUMS];
    double implied_best, implied_any,
        implied_effect; /* variances of the sums by the propensities */
    double bin_p[INSIGHT_BINS];
    uint64_t bin_n[INSIGHT_BINS], bin_y[INSIGHT_BINS];
    uint64_t contacts, forced, yes, reacted;
    uint64_t curve_n[TIMING_CHANNELS][TIMING_DAYTYPES][TIMING_HOURS];
    uint64_t curve_y[TIMING_CHANNELS][TIMING_DAYTYPES][TIMING_HOURS];
    char kind[8], name[INSIGHT_NAME_MAX];
} group;

struct insight {
    group *list[INSIGHT_GROUPS_MAX];
    size_t n;
    uint64_t left_out;
};

insight *insight_new(void)
{
    return calloc(1, sizeof(insight));
}

void insight_free(insight *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->n; i++)
        free(x->list[i]);
    free(x);
}

/* ---- adding ---- */

/* Variance that the known probabilities imply: sum over hours of propensity x weight^2 x p (1 - p),
 * the hours besides the best one taken at their mean. */
static void add_implied(group *g, const insight_contact *c)
{
    double n = c->hours;
    double first = 1 - c->explore + c->explore / n;
    double rest = n > 1 ? (c->mean_p * n - c->best_p) / (n - 1) : 0;
    double at_best = c->best_p * (1 - c->best_p);
    double elsewhere = (n - 1) * rest * (1 - rest);
    g->implied_best += at_best / first;
    g->implied_any += at_best / (n * n * first) + elsewhere / (n * c->explore);
    g->implied_effect += at_best * (1 - 1 / n) * (1 - 1 / n) / first + elsewhere / (n * c->explore);
}

static void add_estimates(group *g, double *v, const insight_contact *c, double y)
{
    double best = c->contact.hour == c->best_hour ? 1 / c->propensity : 0;
    double any = 1 / (c->hours * c->propensity);
    v[DR_BEST] += c->best_p + best * (y - c->p);
    v[DR_ANY] += c->mean_p + any * (y - c->p);
    v[W_BEST] += best;
    v[WW_BEST] += best * best;
    v[WY_BEST] += best * y;
    v[W_ANY] += any;
    v[WW_ANY] += any * any;
    v[WY_ANY] += any * y;
    add_implied(g, c);
}

static void add_calibration(group *g, double *v, const insight_contact *c, bool yes)
{
    size_t b = 0;
    while (b + 1 < INSIGHT_BINS && c->p > bin_end[b])
        b++;
    g->bin_n[b]++;
    g->bin_y[b] += yes;
    g->bin_p[b] += c->p;
    v[BRIER] += (c->p - yes) * (c->p - yes);
}

static bool is_usable(const insight_contact *c)
{
    return c->has_propensity && c->contact.chooser != CHOSE_FORCED && c->hours > 0 &&
           c->propensity > 0 && c->explore > 0 && c->best_hour < TIMING_HOURS;
}

static void add_to(group *g, const insight_contact *c)
{
    const history_contact *h = &c->contact;
    bool yes = history_is_yes((history_result)h->result);
    bool reacted = h->result != RESULT_NONE;
    double *v = g->v[c->person % INSIGHT_BUCKETS];
    g->contacts++;
    g->yes += yes;
    g->reacted += reacted;
    if (!is_usable(c)) {
        g->forced++;
        return;
    }
    bool out = h->chooser == CHOSE_HOLDOUT;
    v[N]++;
    v[Y] += yes;
    v[out ? N_OUT : N_OWN]++;
    v[out ? Y_OUT : Y_OWN] += yes;
    v[out ? R_OUT : R_OWN] += reacted;
    add_calibration(g, v, c, yes);
    add_estimates(g, v, c, yes);
    if (h->chooser == CHOSE_BEST)
        return;
    g->curve_n[h->channel][h->daytype][h->hour]++;
    g->curve_y[h->channel][h->daytype][h->hour] += yes;
}

static bool add_named(insight *x, const char *kind, gw_str name, const insight_contact *c)
{
    char text[INSIGHT_NAME_MAX];
    group *g = NULL;
    snprintf(text, sizeof text, "%.*s", GW_STR_ARG(name));
    for (size_t i = 0; i < x->n && !g; i++)
        if (strcmp(x->list[i]->kind, kind) == 0 && strcmp(x->list[i]->name, text) == 0)
            g = x->list[i];
    if (!g && x->n == INSIGHT_GROUPS_MAX) {
        x->left_out++;
        return true;
    }
    if (!g && !(g = calloc(1, sizeof *g)))
        return false;
    if (!g->kind[0]) {
        snprintf(g->kind, sizeof g->kind, "%s", kind);
        memcpy(g->name, text, sizeof text);
        x->list[x->n++] = g;
    }
    add_to(g, c);
    return true;
}

bool insight_add(insight *x, const insight_contact *c)
{
    static const char *const channels[] = {"email", "sms", "voice"};
    return add_named(x, "all", GW_STR("all"), c) &&
           (!c->source.n || add_named(x, "source", c->source, c)) &&
           add_named(x, "channel", gw_str_of(channels[c->contact.channel]), c) &&
           (!c->step.n || add_named(x, "step", c->step, c));
}

size_t insight_groups(const insight *x)
{
    return x->n;
}

uint64_t insight_left_out(const insight *x)
{
    return x->left_out;
}

/* ---- figures ---- */

insight_rate insight_rate_of(uint64_t n, uint64_t yes)
{
    insight_rate r = {n, yes, (double)NAN, (double)NAN, (double)NAN};
    if (n == 0)
        return r;
    double m = (double)n;
    double p = (double)yes / m;
    double middle = (p + z * z / (2 * m)) / (1 + z * z / m);
    double half = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / (1 + z * z / m);
    r.rate = p;
    r.low = fmax(0, middle - half);
    r.high = fmin(1, middle + half);
    return r;
}

typedef double figure_fn(const double s[SUMS]);

static double of_brier(const double s[SUMS])
{
    return s[BRIER] / s[N];
}

static double of_uplift(const double s[SUMS])
{
    return s[Y_OWN] / s[N_OWN] - s[Y_OUT] / s[N_OUT];
}

static double of_reacted(const double s[SUMS])
{
    return s[R_OWN] / s[N_OWN] - s[R_OUT] / s[N_OUT];
}

static double of_dr_best(const double s[SUMS])
{
    return s[DR_BEST] / s[N];
}

static double of_dr_any(const double s[SUMS])
{
    return s[DR_ANY] / s[N];
}

static double of_ips_best(const double s[SUMS])
{
    return s[WY_BEST] / s[N];
}

static double of_ips_any(const double s[SUMS])
{
    return s[WY_ANY] / s[N];
}

static double of_snips_best(const double s[SUMS])
{
    return s[WY_BEST] / s[W_BEST];
}

static double of_snips_any(const double s[SUMS])
{
    return s[WY_ANY] / s[W_ANY];
}

static double of_effect(const double s[SUMS])
{
    return (s[DR_BEST] - s[DR_ANY]) / s[N];
}

static double of_lift(const double s[SUMS])
{
    return s[DR_BEST] / s[DR_ANY] - 1;
}

static void add_up(const group *g, double ret[SUMS])
{
    memset(ret, 0, SUMS * sizeof *ret);
    for (size_t b = 0; b < INSIGHT_BUCKETS; b++)
        for (size_t k = 0; k < SUMS; k++)
            ret[k] += g->v[b][k];
}

/* Delete-a-group jackknife; least: a standard error that is known to be true at least. */
static insight_figure figure_of(const group *g, figure_fn *f, double least)
{
    double all[SUMS];
    double sum = 0;
    double squares = 0;
    double n = 0;
    add_up(g, all);
    double value = f(all);
    for (size_t b = 0; b < INSIGHT_BUCKETS; b++) {
        double rest[SUMS];
        if (g->v[b][N] <= 0)
            continue;
        for (size_t k = 0; k < SUMS; k++)
            rest[k] = all[k] - g->v[b][k];
        double x = f(rest);
        if (!isfinite(x))
            continue;
        sum += x;
        squares += x * x;
        n++;
    }
    if (!isfinite(value) || n < 2)
        return (insight_figure){value, (double)NAN, (double)NAN};
    double spread = fmax(0, squares - sum * sum / n) * (n - 1) / n;
    double se = fmax(sqrt(spread), isfinite(least) ? least : 0);
    return (insight_figure){value, value - z * se, value + z * se};
}

/* Agresti and Caffo 2000: two more of each outcome, so that a side without answers has a spread. */
static double two_rates_se(double n1, double y1, double n2, double y2)
{
    double p = (y1 + 1) / (n1 + 2);
    double q = (y2 + 1) / (n2 + 2);
    return sqrt(p * (1 - p) / (n1 + 2) + q * (1 - q) / (n2 + 2));
}

static void put_calibration(const group *g, const double all[SUMS], insight_group *ret)
{
    double share = all[Y] / all[N];
    ret->brier = figure_of(g, of_brier, 0);
    ret->brier_constant = share * (1 - share);
    ret->ece = ret->ece_by_chance = all[N] > 0 ? 0 : (double)NAN;
    for (size_t b = 0; b < INSIGHT_BINS; b++) {
        double n = (double)g->bin_n[b];
        insight_rate r = insight_rate_of(g->bin_n[b], g->bin_y[b]);
        if (n <= 0)
            continue;
        double p = g->bin_p[b] / n;
        ret->bins[b] = (insight_bin){g->bin_n[b], p, r.rate, r.low, r.high};
        ret->ece += n / all[N] * fabs(p - r.rate);
        ret->ece_by_chance += n / all[N] * sqrt(2 / 3.141592653589793 * p * (1 - p) / n);
    }
}

static void put_uplift(const group *g, const double all[SUMS], insight_group *ret)
{
    ret->chosen = insight_rate_of((uint64_t)all[N_OWN], (uint64_t)all[Y_OWN]);
    ret->random = insight_rate_of((uint64_t)all[N_OUT], (uint64_t)all[Y_OUT]);
    ret->uplift =
        figure_of(g, of_uplift, two_rates_se(all[N_OWN], all[Y_OWN], all[N_OUT], all[Y_OUT]));
    ret->reacted_uplift =
        figure_of(g, of_reacted, two_rates_se(all[N_OWN], all[R_OWN], all[N_OUT], all[R_OUT]));
}

static void put_estimates(const group *g, const double all[SUMS], insight_group *ret)
{
    double n = all[N];
    double best = sqrt(g->implied_best) / n;
    double any = sqrt(g->implied_any) / n;
    double effect = sqrt(g->implied_effect) / n;
    ret->best =
        (insight_estimate){figure_of(g, of_ips_best, best), figure_of(g, of_snips_best, best),
                           figure_of(g, of_dr_best, best), 0};
    ret->any = (insight_estimate){figure_of(g, of_ips_any, any), figure_of(g, of_snips_any, any),
                                  figure_of(g, of_dr_any, any), 0};
    ret->best.effective = all[WW_BEST] > 0 ? all[W_BEST] * all[W_BEST] / all[WW_BEST] : 0;
    ret->any.effective = all[WW_ANY] > 0 ? all[W_ANY] * all[W_ANY] / all[WW_ANY] : 0;
    ret->effect = figure_of(g, of_effect, effect);
    ret->lift = figure_of(g, of_lift, effect / (all[DR_ANY] / n));
}

static insight_verdict verdict_of(const double all[SUMS], const insight_group *r)
{
    if (all[N] < INSIGHT_LEAST || all[Y] < 1 || !isfinite(r->effect.low))
        return INSIGHT_TOO_FEW;
    bool zero_inside = r->effect.low <= 0;
    return zero_inside || r->lift.value < INSIGHT_LIFT ? INSIGHT_NO_DIFFERENCE : INSIGHT_MATTERS;
}

void insight_read(const insight *x, size_t i, insight_group *ret)
{
    const group *g = x->list[i];
    double all[SUMS];
    add_up(g, all);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->kind, g->kind, sizeof ret->kind);
    memcpy(ret->name, g->name, sizeof ret->name);
    ret->contacts = g->contacts;
    ret->forced = g->forced;
    ret->predicted = (uint64_t)all[N_OWN];
    ret->holdout = (uint64_t)all[N_OUT];
    ret->answered = insight_rate_of(g->contacts, g->yes);
    ret->reacted = insight_rate_of(g->contacts, g->reacted);
    put_calibration(g, all, ret);
    put_uplift(g, all, ret);
    put_estimates(g, all, ret);
    ret->verdict = verdict_of(all, ret);
    for (size_t c = 0; c < TIMING_CHANNELS; c++)
        for (size_t d = 0; d < TIMING_DAYTYPES; d++)
            for (size_t h = 0; h < TIMING_HOURS; h++)
                ret->curve[c][d][h] = insight_rate_of(g->curve_n[c][d][h], g->curve_y[c][d][h]);
}

const char *insight_verdict_text(insight_verdict v)
{
    static const char *const texts[] = {"too few contacts to say",
                                        "the hour makes no difference here", "the hour matters"};
    return texts[v];
}
