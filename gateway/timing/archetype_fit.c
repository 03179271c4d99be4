#include "gateway/timing/archetype_fit.h"

#include "gateway/base/err.h"
#include "gateway/timing/random.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static const double own_pull = 200; /* pseudo-contacts of a cell */
static const double bend_pull = 10; /* pseudo-answers of an hour, over all channels */
static const double neighbour = .3;

/* Sums over a fixed part of the persons. Parts do not depend on the number of threads, so neither
 * does the result. */
enum { PARTS = 16 };

typedef struct {
    double yes[TIMING_CELLS][ARCHETYPE_COMPONENTS], all[TIMING_CELLS][ARCHETYPE_COMPONENTS];
    double late[TIMING_CELLS][ARCHETYPE_COMPONENTS]; /* by the cell of the contact */
    double component[TIMING_SEGMENTS][ARCHETYPE_COMPONENTS];
    double log_likelihood, contacts;
} sums;

typedef struct {
    const fit_log *log;
    const archetype_index *ix;
    sums *parts;
    unsigned thread, threads;
} job;

static double bump(double h, double centre)
{
    double z = (h + .5 - centre) / 1.6;
    return exp(-.5 * z * z);
}

void archetype_begin(const timing_tables *t, uint64_t seed, archetypes *ret)
{
    timing_random r = {seed};
    for (unsigned k = 0; k < ARCHETYPES; k++) {
        double centre[TIMING_DAYTYPES];
        for (unsigned d = 0; d < TIMING_DAYTYPES; d++)
            centre[d] = t->first[d] + (t->last[d] + 1 - t->first[d]) * timing_random_unit(&r);
        for (unsigned cell = 0; cell < TIMING_CELLS; cell++) {
            double tilt =
                .6 + 1.1 * bump(cell % TIMING_HOURS, centre[cell / TIMING_HOURS % TIMING_DAYTYPES]);
            ret->curve[k][cell] = fminf(.9F, t->population[cell] * (float)tilt);
        }
    }
    for (unsigned g = 0; g < TIMING_SEGMENTS; g++)
        for (unsigned i = 0; i < ARCHETYPE_COMPONENTS; i++)
            ret->prior[g][i] = 1.0F / ARCHETYPE_COMPONENTS;
}

/* ---- weighing persons ---- */

static double weigh(const archetype_index *ix, const fit_person *p, float w[ARCHETYPE_COMPONENTS])
{
    memcpy(w, ix->log_prior[p->segment], sizeof ix->log_prior[0]);
    for (uint32_t i = 0; i < p->n; i++) {
        unsigned cell = p->contacts[i] & 0xFF;
        history_result result = (p->contacts[i] >> 8) & 7;
        const float *say = history_is_yes(result) ? ix->log_yes[cell] : ix->log_no[cell];
        float trust = history_trust(result);
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            w[c] += trust * say[c];
        if (result == RESULT_LATE)
            archetype_add_late(ix, cell, p->contacts[i] >> 11, 1, w);
    }
    double likelihood = 0;
    for (unsigned f = 0; f < ARCHETYPE_FITS; f++) {
        float top = -INFINITY;
        float sum = 0;
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            if (c % ARCHETYPES / ARCHETYPE_EACH == f && w[c] > top)
                top = w[c];
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            if (c % ARCHETYPES / ARCHETYPE_EACH == f)
                sum += w[c] = expf(w[c] - top);
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            if (c % ARCHETYPES / ARCHETYPE_EACH == f)
                w[c] /= sum;
        likelihood += (double)top + log((double)sum);
    }
    return likelihood / ARCHETYPE_FITS;
}

static void add_person(const archetype_index *ix, const fit_person *p, sums *to)
{
    float w[ARCHETYPE_COMPONENTS];
    to->log_likelihood += weigh(ix, p, w);
    to->contacts += p->n;
    for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
        to->component[p->segment][c] += (double)w[c];
    for (uint32_t i = 0; i < p->n; i++) {
        unsigned cell = p->contacts[i] & 0xFF;
        history_result result = (p->contacts[i] >> 8) & 7;
        double trust = (double)history_trust(result);
        double *yes = to->yes[cell];
        double *all = to->all[cell];
        if (history_is_yes(result))
            for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
                yes[c] += trust * (double)w[c];
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            all[c] += trust * (double)w[c];
        if (result == RESULT_LATE)
            for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++) {
                to->yes[cell + (p->contacts[i] >> 11)][c] += (double)w[c];
                to->late[cell][c] += (double)w[c];
            }
    }
}

static void *run_parts(void *arg)
{
    const job *j = arg;
    for (unsigned part = j->thread; part < PARTS; part += j->threads) {
        size_t from = j->log->n * part / PARTS;
        size_t to = j->log->n * (part + 1) / PARTS;
        memset(&j->parts[part], 0, sizeof j->parts[part]);
        for (size_t i = from; i < to; i++)
            add_person(j->ix, &j->log->persons[i], &j->parts[part]);
    }
    return NULL;
}

static void run_threads(const fit_log *log, const archetype_index *ix, unsigned threads,
                        sums *parts)
{
    job jobs[PARTS];
    pthread_t ids[PARTS];
    bool started[PARTS] = {false};
    threads = threads < 1 ? 1 : threads > PARTS ? PARTS : threads;
    for (unsigned i = 0; i < threads; i++)
        jobs[i] = (job){log, ix, parts, i, threads};
    for (unsigned i = 1; i < threads; i++)
        started[i] = pthread_create(&ids[i], NULL, run_parts, &jobs[i]) == 0;
    for (unsigned i = 0; i < threads; i++)
        if (i == 0 || !started[i])
            run_parts(&jobs[i]);
    for (unsigned i = 1; i < threads; i++)
        if (started[i])
            pthread_join(ids[i], NULL);
}

static void join(sums *to, const sums *from)
{
    double *t = (double *)to;
    const double *f = (const double *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *t; i++)
        t[i] += f[i];
}

/* A late reaction is one answer somewhere in the hours behind the contact: each of them was tried
 * 1 / (sum of the chances of all of them) times. */
static void spread_late(const archetype_index *ix, const timing_tables *t, sums *s)
{
    for (unsigned cell = 0; cell < TIMING_CELLS; cell++) {
        unsigned row = cell - cell % TIMING_HOURS;
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++) {
            if (s->late[cell][c] <= 0)
                continue;
            double tail = exp((double)ix->log_tail[cell][c % ARCHETYPES]);
            double tried = s->late[cell][c] / tail / (double)archetype_levels[c / ARCHETYPES];
            for (unsigned g = cell + 1; g <= row + t->last[row / TIMING_HOURS]; g++)
                s->all[g][c] += tried;
        }
    }
}

/* ---- drawing the routines anew ---- */

typedef struct {
    double yes[TIMING_CELLS], all[TIMING_CELLS]; /* on the archetype's own clock */
} drawn;

static void collect(const sums *s, unsigned k, drawn *ret)
{
    memset(ret, 0, sizeof *ret);
    for (unsigned cell = 0; cell < TIMING_CELLS; cell++) {
        for (unsigned c = k; c < ARCHETYPE_COMPONENTS; c += ARCHETYPES) {
            ret->yes[cell] += s->yes[cell][c];
            ret->all[cell] += s->all[cell][c] * (double)archetype_levels[c / ARCHETYPES];
        }
    }
}

/* How the routine bends the population's curve at hour h of day type d, over all channels. */
static double bend(const drawn *x, const timing_tables *t, unsigned d, unsigned h)
{
    double yes = bend_pull;
    double expected = bend_pull;
    for (unsigned ch = 0; ch < TIMING_CHANNELS; ch++) {
        unsigned row = timing_row(ch, d);
        for (unsigned g = h ? h - 1 : 0; g <= h + 1 && g < TIMING_HOURS; g++) {
            double k = g == h ? 1 : neighbour;
            yes += k * x->yes[row + g];
            expected += k * x->all[row + g] * (double)t->population[row + g];
        }
    }
    return yes / expected;
}

static void draw(const drawn *x, const timing_tables *t, float curve[TIMING_CELLS])
{
    for (unsigned d = 0; d < TIMING_DAYTYPES; d++)
        for (unsigned h = 0; h < TIMING_HOURS; h++) {
            double r = bend(x, t, d, h);
            for (unsigned ch = 0; ch < TIMING_CHANNELS; ch++) {
                unsigned row = timing_row(ch, d);
                double yes = own_pull * r * (double)t->population[row + h];
                double all = own_pull;
                for (unsigned g = h ? h - 1 : 0; g <= h + 1 && g < TIMING_HOURS; g++) {
                    double z = g == h ? 1 : neighbour;
                    yes += z * x->yes[row + g];
                    all += z * x->all[row + g];
                }
                double p = yes / all;
                curve[row + h] = (float)(p < .001 ? .001 : p > .9 ? .9 : p);
            }
        }
}

static void renew(const sums *s, const timing_tables *t, archetypes *a)
{
    drawn x;
    for (unsigned k = 0; k < ARCHETYPES; k++) {
        collect(s, k, &x);
        draw(&x, t, a->curve[k]);
    }
    for (unsigned g = 0; g < TIMING_SEGMENTS; g++) {
        double total = 0;
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            total += s->component[g][c] + 1;
        for (unsigned c = 0; c < ARCHETYPE_COMPONENTS; c++)
            a->prior[g][c] = (float)((s->component[g][c] + 1) / total);
    }
}

double archetype_step(const fit_log *log, const timing_tables *t, unsigned threads, archetypes *a)
{
    archetype_index *ix = malloc(sizeof *ix);
    sums *parts = malloc(PARTS * sizeof *parts);
    double mean = -INFINITY;
    if (ix && parts) {
        archetype_index_make(a, t, ix);
        run_threads(log, ix, threads, parts);
        for (unsigned i = 1; i < PARTS; i++)
            join(&parts[0], &parts[i]);
        mean = parts[0].log_likelihood / (parts[0].contacts > 0 ? parts[0].contacts : 1);
        spread_late(ix, t, &parts[0]);
        renew(&parts[0], t, a);
    }
    free(ix);
    free(parts);
    return mean;
}
