#include "gateway/timing/lab/replay.h"

#include "gateway/timing/lab/bootstrap.h"

#include <math.h>
#include <string.h>

enum { LOG_HOURS = 3, PARTS = REPLAY_BANDS + 1 }; /* the last part is the whole */
static const double late_share = .3;

const char *const replay_bands[REPLAY_BANDS] = {"1-5", "6-10", "11-20", "21-50", "51-"};

static unsigned band_of(size_t contact)
{
    static const size_t ends[REPLAY_BANDS - 1] = {5, 10, 20, 50};
    unsigned b = 0;
    while (b < REPLAY_BANDS - 1 && contact >= ends[b])
        b++;
    return b;
}

/* ---- the oracle ---- */

/* Best hour for the days of one parity and day type, from the days of the other parity. */
static unsigned best_hour(const trace_person *p, unsigned parity, unsigned weekend, uint32_t window)
{
    double same[TIMING_HOURS] = {0};
    double any[TIMING_HOURS] = {0};
    double days = 0;
    for (size_t i = 1 - parity; i < p->n; i += 2) {
        days++;
        for (unsigned h = 0; h < TIMING_HOURS; h++) {
            double hit = (p->days[i].hours >> h) & 1;
            any[h] += hit;
            same[h] += p->days[i].weekend == weekend ? hit : 0;
        }
    }
    int best = -1;
    double value = 0;
    for (int h = 0; h < TIMING_HOURS; h++) {
        double v = same[h] + 3 * any[h] / (days > 0 ? days : 1);
        if (((window >> h) & 1) && (best < 0 || v > value)) {
            best = h;
            value = v;
        }
    }
    return (unsigned)best;
}

/* [policy, random, oracle] by person and part. */
typedef double person_values[PARTS][3];

static void book(person_values v, unsigned band, unsigned which, double value)
{
    v[band][which] += value;
    v[REPLAY_BANDS][which] += value;
}

static void measure_person(const trace_person *p, uint32_t window, person_values ret)
{
    unsigned best[2][2];
    double hours = __builtin_popcount(window);
    for (unsigned parity = 0; parity < 2; parity++)
        for (unsigned w = 0; w < 2; w++)
            best[parity][w] = best_hour(p, parity, w, window);
    for (size_t i = 0; i < p->n; i++) {
        const trace_day *d = &p->days[i];
        book(ret, band_of(i), 1, __builtin_popcount(d->hours & window) / hours);
        book(ret, band_of(i), 2, (d->hours >> best[i % 2][d->weekend]) & 1);
    }
}

/* ---- one fold ---- */

typedef struct {
    const trace *t;
    const replay_options *o;
    person_values *values; /* of all persons */
    size_t *scored;        /* persons of this fold */
    size_t scored_n;
    fit_log log; /* of the other fold */
    fit_contact *contacts;
    fit_person *warm;
    double brier, loss, predictions;
} fold;

static void log_day(fold *f, const trace_day *d, timing_random *r, fit_person *p, size_t *used)
{
    uint32_t left = f->o->window;
    for (int i = 0; i < LOG_HOURS && left; i++) {
        timing_question q = {0, d->weekend, 0, left};
        float each[TIMING_HOURS];
        float all = 1.0F / (float)__builtin_popcount(left);
        for (unsigned h = 0; h < TIMING_HOURS; h++)
            each[h] = timing_allows(&q, h) ? all : 0;
        unsigned hour = policy_draw(each, r);
        left &= ~(UINT32_C(1) << hour);
        history_result result = (d->hours >> hour) & 1 ? RESULT_ANSWER : RESULT_NONE;
        f->contacts[(*used)++] = FIT_CONTACT(timing_cell(0, d->weekend, hour), result, 0);
        p->n++;
    }
}

static gw_code make_fold(fold *f, unsigned which)
{
    size_t n = trace_describe(f->t).persons_used;
    size_t days = 0;
    size_t used = 0;
    size_t warm = 0;
    timing_random r = {f->o->seed ^ 7};
    for (size_t i = 0; i < n; i++)
        days += i % 2 == which ? trace_person_at(f->t, i).n : 0;
    f->scored = malloc((n + 1) * sizeof *f->scored);
    f->warm = calloc(n + 1, sizeof *f->warm);
    f->contacts = malloc((days * LOG_HOURS + 1) * sizeof *f->contacts);
    if (!f->scored || !f->warm || !f->contacts)
        return GW_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        trace_person p = trace_person_at(f->t, i);
        if (i % 2 != which) {
            f->scored[f->scored_n++] = i;
            continue;
        }
        f->warm[warm] = (fit_person){f->contacts + used, 0, 0};
        for (size_t d = 0; d < p.n; d++)
            log_day(f, &p.days[d], &r, &f->warm[warm], &used);
        warm++;
    }
    f->log = (fit_log){f->warm, warm};
    return GW_OK;
}

static void fold_done(fold *f)
{
    free(f->scored);
    free(f->warm);
    free(f->contacts);
}

/* What would be seen of a contact at that hour. */
static history_contact answer(const trace_day *d, uint32_t window, unsigned hour, double luck)
{
    history_contact c = {0, d->weekend, (uint8_t)hour, RESULT_NONE, 0, 0, 0};
    if ((d->hours >> hour) & 1) {
        c.result = RESULT_ANSWER;
    } else if (luck < late_share) {
        for (unsigned h = hour + 1; h < TIMING_HOURS && h <= hour + HISTORY_LATE_MAX; h++)
            if ((d->hours & window) >> h & 1) {
                c.result = RESULT_LATE;
                c.late = (uint8_t)(h - hour);
                break;
            }
    }
    return c;
}

static void judge(fold *f, const float *mean, uint32_t hours, unsigned hour)
{
    double p = fmin(.999, fmax(.001, (double)mean[hour]));
    bool yes = (hours >> hour) & 1;
    f->brier += (p - yes) * (p - yes);
    f->loss -= log(yes ? p : 1 - p);
    f->predictions++;
}

static void contact_one(fold *f, policy *p, size_t own, size_t contact, timing_random *r)
{
    size_t person = f->scored[own];
    const trace_day *d = &trace_person_at(f->t, person).days[contact];
    timing_question q = {0, d->weekend, 0, f->o->window};
    float choose[TIMING_HOURS];
    float mean[TIMING_HOURS];
    double value = 0;
    mean[0] = -1;
    policy_ask(p, own, &q, r, choose, mean);
    /* The value is that of the choice's whole distribution: less noise than the one drawn hour. */
    for (unsigned h = 0; h < TIMING_HOURS; h++)
        value += (d->hours >> h) & 1 ? (double)choose[h] : 0;
    book(f->values[person], band_of(contact), 0, value / f->o->repeats);
    unsigned hour = policy_draw(choose, r);
    if (mean[0] >= 0)
        judge(f, mean, d->hours, hour);
    history_contact c = answer(d, f->o->window, hour, timing_random_unit(r));
    policy_learn(p, own, &c, d->day);
}

static gw_code run_once(fold *f, size_t which, unsigned repeat)
{
    uint8_t *segments = calloc(f->scored_n + 1, 1);
    policy_start start = {f->o->cold ? NULL : &f->log, f->scored_n, segments, f->o->seed};
    policy *p = segments ? policy_new(which, &start) : NULL;
    timing_random r = {timing_mix(f->o->seed + 11 + repeat)};
    size_t left = f->scored_n;
    for (size_t t = 0; p && left > 0; t++) {
        left = 0;
        for (size_t i = 0; i < f->scored_n; i++)
            if (t < trace_person_at(f->t, f->scored[i]).n) {
                contact_one(f, p, i, t, &r);
                left++;
            }
        policy_night(p);
    }
    policy_free(p);
    free(segments);
    return p ? GW_OK : GW_ENOMEM;
}

/* ---- figures ---- */

static void sum_part(const person_values *v, size_t n, unsigned part, double ret[3])
{
    ret[0] = ret[1] = ret[2] = 0;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < 3; k++)
            ret[k] += v[i][part][k];
}

static replay_figure figure_of(const person_values *v, size_t n, unsigned part, size_t contacts)
{
    replay_figure f = {NAN, NAN, NAN, NAN};
    double sums[3];
    sum_part(v, n, part, sums);
    if (contacts == 0)
        return f;
    f.share = bootstrap_share(sums);
    f.answered = sums[0] / (double)contacts;
    bootstrap_interval(&v[0][part][0], PARTS * 3, n, bootstrap_share, &f.low, &f.high);
    return f;
}

static void measure_all(const trace *t, const replay_options *o, person_values *v)
{
    for (size_t i = 0; i < trace_describe(t).persons_used; i++) {
        trace_person p = trace_person_at(t, i);
        measure_person(&p, o->window, v[i]);
    }
}

static void count_contacts(const trace *t, size_t ret[PARTS])
{
    memset(ret, 0, PARTS * sizeof *ret);
    for (size_t i = 0; i < trace_describe(t).persons_used; i++)
        for (size_t d = 0; d < trace_person_at(t, i).n; d++) {
            ret[band_of(d)]++;
            ret[REPLAY_BANDS]++;
        }
}

gw_code replay_measure(const trace *t, const replay_options *o, replay_ground *ret, gw_err *err)
{
    size_t n = trace_describe(t).persons_used;
    size_t contacts[PARTS];
    person_values *v = calloc(n, sizeof *v);
    if (!v)
        return gw_fail(err, GW_ENOMEM, "measuring a trace");
    measure_all(t, o, v);
    count_contacts(t, contacts);
    for (unsigned part = 0; part < PARTS; part++) {
        double sums[3];
        sum_part(v, n, part, sums);
        double random = contacts[part] ? sums[1] / (double)contacts[part] : NAN;
        double oracle = contacts[part] ? sums[2] / (double)contacts[part] : NAN;
        if (part == REPLAY_BANDS) {
            ret->contacts = contacts[part];
            ret->random = random;
            ret->oracle = oracle;
        } else {
            ret->band_contacts[part] = contacts[part];
            ret->band_random[part] = random;
            ret->band_oracle[part] = oracle;
        }
    }
    free(v);
    return GW_OK;
}

gw_code replay_policy(const trace *t, size_t which, const replay_options *o, replay_row *ret,
                      gw_err *err)
{
    size_t n = trace_describe(t).persons_used;
    size_t contacts[PARTS];
    person_values *v = calloc(n, sizeof *v);
    gw_code rc = v ? GW_OK : GW_ENOMEM;
    double brier = 0;
    double loss = 0;
    double predictions = 0;
    if (v)
        measure_all(t, o, v);
    for (unsigned side = 0; rc == GW_OK && side < 2; side++) {
        fold f = {.t = t, .o = o, .values = v};
        rc = make_fold(&f, side);
        for (unsigned k = 0; rc == GW_OK && k < o->repeats; k++)
            rc = run_once(&f, which, k);
        brier += f.brier;
        loss += f.loss;
        predictions += f.predictions;
        fold_done(&f);
    }
    if (rc == GW_OK) {
        count_contacts(t, contacts);
        ret->overall = figure_of(v, n, REPLAY_BANDS, contacts[REPLAY_BANDS]);
        for (unsigned b = 0; b < REPLAY_BANDS; b++)
            ret->bands[b] = figure_of(v, n, b, contacts[b]);
        ret->brier = predictions > 0 ? brier / predictions : NAN;
        ret->log_loss = predictions > 0 ? loss / predictions : NAN;
    }
    free(v);
    return rc == GW_OK ? rc : gw_fail(err, rc, "replaying a trace");
}
