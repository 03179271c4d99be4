/* baselines.c - what people and products do today: the yardsticks. */
#include "gateway/timing/choose.h"
#include "gateway/timing/lab/policies_internal.h"

#include <math.h>
#include <string.h>

static void destroy_plain(policy *p)
{
    free(p);
}

static policy *make_plain(const policy_row *row, const policy_start *start)
{
    (void)start;
    policy *p = calloc(1, sizeof *p);
    if (p)
        p->row = row;
    return p;
}

/* ---- fixed 10:00: the allowed hour nearest to ten ---- */

static void ask_fixed(policy *p, size_t person, const timing_question *q, timing_random *r,
                      float *choose, float *mean)
{
    (void)p, (void)person, (void)r, (void)mean;
    float near[TIMING_HOURS];
    for (int h = 0; h < TIMING_HOURS; h++)
        near[h] = (float)-abs(h - 10);
    timing_chances(q, near, 0, choose);
}

const policy_row policy_fixed = {
    {"fixed-10", "fixed 10:00", false, false}, make_plain, destroy_plain, ask_fixed, NULL, NULL};

static void ask_random(policy *p, size_t person, const timing_question *q, timing_random *r,
                       float *choose, float *mean)
{
    (void)p, (void)person, (void)r, (void)mean;
    timing_chances(q, NULL, 1, choose);
}

const policy_row policy_random = {{"random", "random allowed hour", false, false},
                                  make_plain,
                                  destroy_plain,
                                  ask_random,
                                  NULL,
                                  NULL};

/* ---- the best hour of the population, or of the segment, with 10 % exploration ---- */

typedef struct {
    policy base;
    bool by_segment;
    float yes[TIMING_SEGMENTS][TIMING_CELLS], tried[TIMING_SEGMENTS][TIMING_CELLS];
    const uint8_t *segments;
} best_hour;

static void best_learn(best_hour *b, unsigned segment, unsigned cell, bool yes)
{
    unsigned g = b->by_segment ? segment : 0;
    b->yes[g][cell] += yes;
    b->tried[g][cell] += 1;
}

static policy *make_best(const policy_row *row, const policy_start *start)
{
    best_hour *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->base.row = row;
    b->by_segment = row == &policy_segment;
    b->segments = start->segments;
    for (unsigned g = 0; g < TIMING_SEGMENTS; g++)
        for (unsigned i = 0; i < TIMING_CELLS; i++) {
            b->yes[g][i] = 1;
            b->tried[g][i] = 8;
        }
    for (size_t i = 0; start->log && i < start->log->n; i++) {
        const fit_person *p = &start->log->persons[i];
        for (uint32_t k = 0; k < p->n; k++)
            best_learn(b, p->segment, p->contacts[k] & 0xFF,
                       history_is_yes((p->contacts[k] >> 8) & 7));
    }
    return &b->base;
}

static void ask_best(policy *p, size_t person, const timing_question *q, timing_random *r,
                     float *choose, float *mean)
{
    (void)person, (void)r, (void)mean;
    best_hour *b = (best_hour *)p;
    float score[TIMING_HOURS];
    unsigned g = b->by_segment ? q->segment : 0;
    unsigned row = timing_row(q->channel, q->daytype);
    for (unsigned h = 0; h < TIMING_HOURS; h++)
        score[h] = b->yes[g][row + h] / b->tried[g][row + h];
    timing_chances(q, score, .1F, choose);
}

static void learn_best(policy *p, size_t person, const history_contact *c, int32_t day)
{
    (void)day;
    best_hour *b = (best_hour *)p;
    best_learn(b, b->segments[person], timing_cell(c->channel, c->daytype, c->hour),
               history_is_yes(c->result));
}

const policy_row policy_population = {{"population", "best hour of the population", false, false},
                                      make_best,
                                      destroy_plain,
                                      ask_best,
                                      learn_best,
                                      NULL};
const policy_row policy_segment = {{"segment", "best hour of the segment", false, false},
                                   make_best,
                                   destroy_plain,
                                   ask_best,
                                   learn_best,
                                   NULL};

/* ---- per debtor and hour: the most frequent hour, flat Thompson sampling ---- */

typedef struct {
    float yes[TIMING_HOURS], tried[TIMING_HOURS];
} hour_counts;

typedef struct {
    policy base;
    hour_counts *persons;
} by_hour;

static policy *make_by_hour(const policy_row *row, const policy_start *start)
{
    by_hour *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->base.row = row;
    b->persons = calloc(start->persons + 1, sizeof *b->persons);
    if (b->persons)
        return &b->base;
    free(b);
    return NULL;
}

static void destroy_by_hour(policy *p)
{
    free(((by_hour *)p)->persons);
    free(p);
}

/* A histogram of reactions, at the hour they were made: what opens-based products do. */
static void ask_frequent(policy *p, size_t person, const timing_question *q, timing_random *r,
                         float *choose, float *mean)
{
    (void)mean;
    const hour_counts *c = &((by_hour *)p)->persons[person];
    float score[TIMING_HOURS];
    for (unsigned h = 0; h < TIMING_HOURS; h++)
        score[h] = c->yes[h] + 1e-3F * (float)timing_random_unit(r);
    timing_chances(q, score, .1F, choose);
}

static void learn_frequent(policy *p, size_t person, const history_contact *c, int32_t day)
{
    (void)day;
    hour_counts *x = &((by_hour *)p)->persons[person];
    if (history_is_yes(c->result) || c->result == RESULT_LATE)
        x->yes[c->hour + c->late] += 1;
}

const policy_row policy_frequent = {{"frequent", "debtor's own most frequent hour", false, false},
                                    make_by_hour,
                                    destroy_by_hour,
                                    ask_frequent,
                                    learn_frequent,
                                    NULL};

static void ask_thompson(policy *p, size_t person, const timing_question *q, timing_random *r,
                         float *choose, float *mean)
{
    (void)mean;
    const hour_counts *c = &((by_hour *)p)->persons[person];
    float score[TIMING_HOURS] = {0};
    for (unsigned h = 0; h < TIMING_HOURS; h++)
        if (timing_allows(q, h))
            score[h] = (float)timing_random_beta(r, 1 + (double)c->yes[h],
                                                 1 + (double)(c->tried[h] - c->yes[h]));
    timing_chances(q, score, 0, choose);
}

static void learn_thompson(policy *p, size_t person, const history_contact *c, int32_t day)
{
    (void)day;
    hour_counts *x = &((by_hour *)p)->persons[person];
    x->yes[c->hour] += history_is_yes(c->result);
    x->tried[c->hour] += 1;
}

const policy_row policy_thompson = {{"thompson", "flat Thompson sampling per hour", false, false},
                                    make_by_hour,
                                    destroy_by_hour,
                                    ask_thompson,
                                    learn_thompson,
                                    NULL};
