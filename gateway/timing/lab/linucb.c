/* linucb.c - LinUCB per segment, channel and day type: Fourier features of the hour, alpha .25. */
#include "gateway/timing/choose.h"
#include "gateway/timing/lab/policies_internal.h"

#include <math.h>

enum { FEATURES = 7 };

typedef struct {
    double inverse[FEATURES][FEATURES], b[FEATURES];
} arm;

typedef struct {
    policy base;
    const uint8_t *segments;
    arm arms[TIMING_SEGMENTS][TIMING_CHANNELS][TIMING_DAYTYPES];
} linucb;

static void features(unsigned hour, double ret[FEATURES])
{
    const double two_pi = 6.283185307179586;
    ret[0] = 1;
    for (int k = 1; k <= 3; k++) {
        double angle = two_pi * k * (hour + .5) / TIMING_HOURS;
        ret[2 * k - 1] = sin(angle);
        ret[2 * k] = cos(angle);
    }
}

static void times(const arm *a, const double x[FEATURES], double ret[FEATURES])
{
    for (int i = 0; i < FEATURES; i++) {
        ret[i] = 0;
        for (int j = 0; j < FEATURES; j++)
            ret[i] += a->inverse[i][j] * x[j];
    }
}

static void learn_arm(arm *a, unsigned hour, bool yes)
{
    double x[FEATURES];
    double ax[FEATURES];
    double den = 1;
    features(hour, x);
    times(a, x, ax);
    for (int i = 0; i < FEATURES; i++)
        den += x[i] * ax[i];
    for (int i = 0; i < FEATURES; i++) { /* Sherman-Morrison */
        for (int j = 0; j < FEATURES; j++)
            a->inverse[i][j] -= ax[i] * ax[j] / den;
        a->b[i] += yes ? x[i] : 0;
    }
}

static double bound(const arm *a, unsigned hour)
{
    double x[FEATURES];
    double ax[FEATURES];
    double theta[FEATURES];
    double mean = 0;
    double q = 0;
    features(hour, x);
    times(a, x, ax);
    times(a, a->b, theta);
    for (int i = 0; i < FEATURES; i++) {
        mean += theta[i] * x[i];
        q += x[i] * ax[i];
    }
    return mean + .25 * sqrt(q > 0 ? q : 0);
}

static policy *make(const policy_row *row, const policy_start *start)
{
    linucb *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->base.row = row;
    l->segments = start->segments;
    for (unsigned i = 0; i < sizeof l->arms / sizeof(arm); i++)
        for (int k = 0; k < FEATURES; k++)
            (&l->arms[0][0][0])[i].inverse[k][k] = 1;
    for (size_t i = 0; start->log && i < start->log->n; i++) {
        const fit_person *p = &start->log->persons[i];
        for (uint32_t k = 0; k < p->n; k++) {
            unsigned cell = p->contacts[k] & 0xFF;
            unsigned row_of = cell / TIMING_HOURS;
            learn_arm(&l->arms[p->segment][row_of / TIMING_DAYTYPES][row_of % TIMING_DAYTYPES],
                      cell % TIMING_HOURS, history_is_yes((p->contacts[k] >> 8) & 7));
        }
    }
    return &l->base;
}

static void destroy(policy *p)
{
    free(p);
}

static void ask(policy *p, size_t person, const timing_question *q, timing_random *r, float *choose,
                float *mean)
{
    (void)person, (void)mean;
    float score[TIMING_HOURS] = {0};
    const arm *a = &((linucb *)p)->arms[q->segment][q->channel][q->daytype];
    for (unsigned h = 0; h < TIMING_HOURS; h++)
        if (timing_allows(q, h))
            score[h] = (float)(bound(a, h) + 1e-6 * timing_random_unit(r));
    timing_chances(q, score, 0, choose);
}

static void learn(policy *p, size_t person, const history_contact *c, int32_t day)
{
    (void)day;
    linucb *l = (linucb *)p;
    learn_arm(&l->arms[l->segments[person]][c->channel][c->daytype], c->hour,
              history_is_yes(c->result));
}

const policy_row policy_linucb = {
    {"linucb", "LinUCB per segment", false, false}, make, destroy, ask, learn, NULL};
