#include "gateway/timing/lab/simulate.h"

#include "gateway/timing/lab/bootstrap.h"

#include <math.h>
#include <string.h>

enum { LOG_PERSONS = 2500, LOG_CONTACTS = 20, SLOW = 4, SETTLED = 5, BINS = 10 };

static const double slow_share = .3, late_share = .3, change_share = .004;

const int simulate_marks[SIMULATE_MARKS] = {5, 10, 20, 50};

history_contact simulate_answer(const world_debtor *d, const timing_question *q, unsigned hour,
                                const double u[2])
{
    const float *p = d->p[q->channel][q->daytype];
    unsigned at = hour - WORLD_FIRST_HOUR;
    history_contact c = {q->channel, q->daytype, (uint8_t)hour, RESULT_NONE, 0, 0, 0};
    double all = 0;
    double rest = 0;
    for (unsigned h = 0; h < WORLD_HOURS; h++) {
        all += (double)p[h];
        rest += h > at ? (double)p[h] : 0;
    }
    if (u[0] < (double)p[at]) {
        c.result = RESULT_ANSWER;
    } else if (u[1] * all < late_share * rest) {
        double left = u[1] * all / late_share; /* uniform in [0, rest) */
        unsigned h = at + 1;
        while (h + 1 < WORLD_HOURS && left >= (double)p[h])
            left -= (double)p[h++];
        c.result = RESULT_LATE;
        c.late = (uint8_t)(h - at);
    }
    return c;
}

gw_code simulate_log(uint64_t seed, size_t persons, unsigned contacts, world_kind kind,
                     bool with_late, fit_log *ret, fit_contact **ret_contacts)
{
    timing_random r = {seed};
    fit_person *list = calloc(persons + 1, sizeof *list);
    fit_contact *all = malloc((persons * contacts + 1) * sizeof *all);
    if (!list || !all) {
        free(list);
        free(all);
        return GW_ENOMEM;
    }
    for (size_t i = 0; i < persons; i++) {
        world_debtor d;
        world_debtor_make(&d, kind, &r);
        fit_contact *own = all + i * contacts;
        list[i] = (fit_person){own, contacts, d.segment};
        for (unsigned k = 0; k < contacts; k++) {
            timing_question q = {(uint8_t)world_channel(&r), (uint8_t)world_daytype(&r), d.segment,
                                 WORLD_WINDOW};
            unsigned hour = WORLD_FIRST_HOUR + timing_random_below(&r, WORLD_HOURS);
            double u[2] = {timing_random_unit(&r), timing_random_unit(&r)};
            history_contact c = simulate_answer(&d, &q, hour, u);
            if (c.result == RESULT_LATE && !with_late)
                c.result = c.late = 0;
            own[k] = FIT_CONTACT(timing_cell(c.channel, c.daytype, c.hour), c.result, c.late);
        }
    }
    *ret = (fit_log){list, persons};
    *ret_contacts = all;
    return GW_OK;
}

/* ---- one run ---- */

typedef struct {
    uint8_t channel, daytype;
    bool slow, changes;
    double luck[2];
} step;

typedef struct {
    size_t person;
    unsigned due;
    int32_t day;
    history_contact contact;
} pending;

typedef struct {
    const simulate_options *o;
    world_debtor *debtors;
    uint8_t *segments;
    step *steps; /* person * contacts + t */
    pending *queue;
    size_t queue_n;
    policy *p;
    timing_random random;
    /* of this run: [chosen, random, oracle] by contact, and by debtor for the intervals */
    double (*by_contact)[3];
    double (*by_debtor)[3];
    double (*by_mark)[SIMULATE_MARKS][3];
    double brier, predictions, bins[BINS][3]; /* expected, observed, n */
} run;

static void make_world(run *x, uint64_t seed)
{
    const simulate_options *o = x->o;
    timing_random r = {timing_mix(seed)};
    for (unsigned i = 0; i < o->debtors; i++) {
        world_debtor_make(&x->debtors[i], o->world == SIMULATE_NULL ? WORLD_NULL : WORLD_NORMAL,
                          &r);
        x->segments[i] = x->debtors[i].segment;
    }
    for (size_t i = 0; i < (size_t)o->debtors * o->contacts; i++) {
        unsigned t = (unsigned)(i % o->contacts);
        double drift = timing_random_unit(&r);
        x->steps[i] = (step){
            .channel = (uint8_t)world_channel(&r),
            .daytype = (uint8_t)world_daytype(&r),
            .slow = timing_random_unit(&r) < slow_share,
            .changes = o->world == SIMULATE_DRIFT ? t == SIMULATE_CHANGE
                                                  : drift < change_share && t > SETTLED,
            .luck = {timing_random_unit(&r), timing_random_unit(&r)},
        };
    }
}

static void book_value(run *x, size_t person, unsigned t, const timing_question *q, unsigned hour)
{
    const float *p = x->debtors[person].p[q->channel][q->daytype];
    double v[3] = {(double)p[hour - WORLD_FIRST_HOUR], 0, 0};
    for (unsigned h = 0; h < WORLD_HOURS; h++) {
        v[1] += (double)p[h] / WORLD_HOURS;
        v[2] = fmax(v[2], (double)p[h]);
    }
    for (unsigned i = 0; i < 3; i++) {
        x->by_contact[t][i] += v[i];
        x->by_debtor[person][i] += v[i];
        for (unsigned m = 0; m < SIMULATE_MARKS; m++)
            if ((int)t >= simulate_marks[m] - 3 && (int)t < simulate_marks[m] + 2)
                x->by_mark[person][m][i] += v[i];
    }
}

static void book_prediction(run *x, double p, bool yes)
{
    unsigned bin = (unsigned)fmin(BINS - 1, p * 2 * BINS); /* chances above a half are rare */
    x->brier += (p - yes) * (p - yes);
    x->predictions++;
    x->bins[bin][0] += p;
    x->bins[bin][1] += yes;
    x->bins[bin][2]++;
}

static void contact_one(run *x, size_t person, unsigned t)
{
    const step *s = &x->steps[person * x->o->contacts + t];
    if (s->changes)
        world_debtor_change(&x->debtors[person]);
    timing_question q = {s->channel, s->daytype, x->segments[person], WORLD_WINDOW};
    float choose[TIMING_HOURS];
    float mean[TIMING_HOURS];
    mean[0] = -1;
    policy_ask(x->p, person, &q, &x->random, choose, mean);
    unsigned hour = policy_draw(choose, &x->random);
    history_contact c = simulate_answer(&x->debtors[person], &q, hour, s->luck);
    book_value(x, person, t, &q, hour);
    if (mean[0] >= 0)
        book_prediction(x, (double)mean[hour], history_is_yes(c.result));
    x->queue[x->queue_n++] = (pending){person, t + (s->slow ? SLOW : 1), (int32_t)(t * 3 / 2), c};
}

static void close_due(run *x, unsigned t)
{
    size_t kept = 0;
    for (size_t i = 0; i < x->queue_n; i++) {
        pending *p = &x->queue[i];
        if (p->due <= t)
            policy_learn(x->p, p->person, &p->contact, p->day);
        else
            x->queue[kept++] = *p;
    }
    x->queue_n = kept;
}

static gw_code run_seed(run *x, size_t which, uint64_t seed)
{
    const simulate_options *o = x->o;
    fit_log log = {0};
    fit_contact *contacts = NULL;
    world_kind kind = o->world == SIMULATE_NULL ? WORLD_NULL : WORLD_NORMAL;
    if (!o->cold && simulate_log(timing_mix(seed ^ 900), LOG_PERSONS, LOG_CONTACTS, kind,
                                 !o->plain_log, &log, &contacts) != GW_OK)
        return GW_ENOMEM;
    make_world(x, seed);
    policy_start start = {o->cold ? NULL : &log, o->debtors, x->segments, seed};
    x->p = policy_new(which, &start);
    x->random.state = seed + 1;
    x->queue_n = 0;
    for (unsigned t = 0; x->p && t < o->contacts; t++) {
        close_due(x, t);
        policy_night(x->p);
        for (size_t d = 0; d < o->debtors; d++)
            contact_one(x, d, t);
    }
    gw_code rc = x->p ? GW_OK : GW_ENOMEM;
    policy_free(x->p);
    free((fit_person *)(uintptr_t)log.persons);
    free(contacts);
    return rc;
}

/* ---- figures ---- */

static double share_over(const run *x, unsigned from, unsigned to)
{
    double v[3] = {0};
    for (unsigned t = from; t < to && t < x->o->contacts; t++)
        for (unsigned i = 0; i < 3; i++)
            v[i] += x->by_contact[t][i];
    return bootstrap_share(v);
}

static void put_figures(const run *x, simulate_row *ret)
{
    const simulate_options *o = x->o;
    size_t n = (size_t)o->debtors * o->seeds;
    double sum[3] = {0};
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < 3; k++)
            sum[k] += x->by_debtor[i][k];
    ret->overall = bootstrap_share(sum);
    ret->times_random = sum[0] / sum[1];
    bootstrap_interval(&x->by_debtor[0][0], 3, n, bootstrap_ratio, &ret->times_random_low,
                       &ret->times_random_high);
    for (unsigned m = 0; m < SIMULATE_MARKS; m++) {
        unsigned from = (unsigned)simulate_marks[m] - 3;
        ret->share[m] = ret->low[m] = ret->high[m] = NAN;
        if (from + 5 > o->contacts)
            continue;
        ret->share[m] = share_over(x, from, from + 5);
        bootstrap_interval(&x->by_mark[0][m][0], SIMULATE_MARKS * 3, n, bootstrap_share,
                           &ret->low[m], &ret->high[m]);
    }
    ret->before_change = ret->after_change = NAN;
    if (o->world == SIMULATE_DRIFT) {
        unsigned after = SIMULATE_CHANGE + SIMULATE_RECOVERY;
        ret->before_change = share_over(x, SIMULATE_CHANGE - 5, SIMULATE_CHANGE);
        ret->after_change = share_over(x, after - 2, after + 3);
    }
    ret->brier = x->predictions > 0 ? x->brier / x->predictions : NAN;
    ret->calibration_error = x->predictions > 0 ? 0 : NAN;
    for (unsigned b = 0; b < BINS && x->predictions > 0; b++)
        ret->calibration_error += fabs(x->bins[b][0] - x->bins[b][1]) / x->predictions;
}

static void run_done(run *x)
{
    free(x->debtors);
    free(x->segments);
    free(x->steps);
    free(x->queue);
    free(x->by_contact);
    free(x->by_debtor);
    free(x->by_mark);
}

gw_code simulate_policy(size_t which, const simulate_options *o, simulate_row *ret, gw_err *err)
{
    size_t all = (size_t)o->debtors * o->contacts;
    size_t persons = (size_t)o->debtors * o->seeds;
    run x = {
        .o = o,
        .debtors = calloc(o->debtors, sizeof *x.debtors),
        .segments = calloc(o->debtors, 1),
        .steps = calloc(all, sizeof *x.steps),
        .queue = calloc((size_t)o->debtors * (SLOW + 1), sizeof *x.queue),
        .by_contact = calloc(o->contacts, sizeof *x.by_contact),
        .by_debtor = calloc(persons, sizeof *x.by_debtor),
        .by_mark = calloc(persons, sizeof *x.by_mark),
    };
    bool good =
        x.debtors && x.segments && x.steps && x.queue && x.by_contact && x.by_debtor && x.by_mark;
    double(*first)[3] = x.by_debtor;
    double(*marks)[SIMULATE_MARKS][3] = x.by_mark;
    for (unsigned s = 0; good && s < o->seeds; s++) {
        x.by_debtor = first + (size_t)s * o->debtors;
        x.by_mark = marks + (size_t)s * o->debtors;
        good = run_seed(&x, which, o->seed + s) == GW_OK;
    }
    x.by_debtor = first;
    x.by_mark = marks;
    if (good)
        put_figures(&x, ret);
    run_done(&x);
    return good ? GW_OK : gw_fail(err, GW_ENOMEM, "simulating %u debtors", o->debtors);
}
