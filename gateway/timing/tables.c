#include "gateway/timing/tables.h"

#include <math.h>

static const double rate_yes = 1;   /* of a channel: one answer ... */
static const double rate_tried = 8; /* ... in eight contacts, until the first hundreds are seen */
static const double neighbour = 0.5;
static const double bend_pull = 10;     /* answers after which an hour bends the rate by half */
static const double cell_pull = 200;    /* contacts after which a cell speaks for itself */
static const double segment_pull = 400; /* contacts after which a cell of a segment does */
static const double segment_bend = 20;  /* answers after which a segment bends an hour by half */
static const double segment_neighbour = 0.7;
static const double most = .97; /* a day of late reactions may count more answers than contacts */

static void add_contact(timing_cells *c, unsigned cell, const history_contact *contact)
{
    double w = (double)history_trust(contact->result);
    c->yes[cell] += history_is_yes(contact->result) ? w : 0;
    c->tried[cell] += w;
    if (contact->result == RESULT_LATE) {
        c->late_from[cell] += 1;
        c->late_at[cell + contact->late] += 1;
    }
}

void timing_counts_add(timing_counts *c, unsigned segment, const history_contact *contact)
{
    unsigned cell = timing_cell(contact->channel, contact->daytype, contact->hour);
    add_contact(&c->all, cell, contact);
    add_contact(&c->segment[segment], cell, contact);
}

static void find_edges(const timing_cells *c, unsigned row, uint8_t *first, uint8_t *last)
{
    *first = TIMING_HOURS;
    *last = TIMING_HOURS - 1;
    for (unsigned h = 0; h < TIMING_HOURS; h++) {
        if (c->tried[row + h] + c->late_at[row + h] <= 0)
            continue;
        *first = *first == TIMING_HOURS ? (uint8_t)h : *first;
        *last = (uint8_t)h;
    }
    if (*first == TIMING_HOURS)
        *first = 0;
}

/* How an hour of that day type bends the rate of any channel: pooled over the channels, so that a
 * young system learns the shape of a day three times as fast. */
static void bend_hours(const timing_cells *c, unsigned daytype, const double *rate,
                       double ret[TIMING_HOURS])
{
    for (unsigned h = 0; h < TIMING_HOURS; h++) {
        double yes = bend_pull;
        double expected = bend_pull;
        for (unsigned g = h ? h - 1 : 0; g <= h + 1 && g < TIMING_HOURS; g++)
            for (unsigned ch = 0; ch < TIMING_CHANNELS; ch++) {
                unsigned row = timing_row(ch, daytype);
                double k = g == h ? 1 : neighbour;
                yes += k * c->yes[row + g];
                expected += k * c->tried[row + g] * rate[ch];
            }
        ret[h] = yes / expected;
    }
}

/* How a segment bends an hour of everybody's curves, again pooled over the channels. */
static void bend_segment(const timing_cells *c, unsigned daytype, const float *population,
                         double ret[TIMING_HOURS])
{
    for (unsigned h = 0; h < TIMING_HOURS; h++) {
        double yes = segment_bend;
        double expected = segment_bend;
        for (unsigned g = h ? h - 1 : 0; g <= h + 1 && g < TIMING_HOURS; g++)
            for (unsigned ch = 0; ch < TIMING_CHANNELS; ch++) {
                unsigned cell = timing_cell(ch, daytype, g);
                double k = g == h ? 1 : segment_neighbour;
                yes += k * c->yes[cell];
                expected += k * c->tried[cell] * (double)population[cell];
            }
        ret[h] = yes / expected;
    }
}

static void make_segment(const timing_cells *c, unsigned daytype, const float *population,
                         float *ret)
{
    double bend[TIMING_HOURS];
    bend_segment(c, daytype, population, bend);
    for (unsigned ch = 0; ch < TIMING_CHANNELS; ch++)
        for (unsigned h = 0; h < TIMING_HOURS; h++) {
            unsigned cell = timing_cell(ch, daytype, h);
            double p0 = (double)population[cell] * bend[h];
            double p1 = (c->yes[cell] + segment_pull * p0) / (c->tried[cell] + segment_pull);
            ret[cell] = (float)fmin(most, p1);
        }
}

static double rate_of(const timing_cells *c, unsigned row)
{
    double yes = rate_yes;
    double tried = rate_tried;
    for (unsigned h = 0; h < TIMING_HOURS; h++) {
        yes += c->yes[row + h];
        tried += c->tried[row + h];
    }
    return yes / tried;
}

static double population_at(const timing_cells *c, unsigned row, unsigned h, double expected)
{
    double tried = cell_pull;
    double yes = cell_pull * expected;
    for (unsigned g = h ? h - 1 : 0; g <= h + 1 && g < TIMING_HOURS; g++) {
        double k = g == h ? 1 : neighbour;
        yes += k * c->yes[row + g];
        tried += k * c->tried[row + g];
    }
    return fmin(most, yes / tried);
}

static void make_curves(const timing_counts *c, timing_tables *ret)
{
    for (unsigned d = 0; d < TIMING_DAYTYPES; d++) {
        double rate[TIMING_CHANNELS];
        double bend[TIMING_HOURS];
        for (unsigned ch = 0; ch < TIMING_CHANNELS; ch++)
            rate[ch] = rate_of(&c->all, timing_row(ch, d));
        bend_hours(&c->all, d, rate, bend);
        for (unsigned i = 0; i < TIMING_CHANNELS * TIMING_HOURS; i++) {
            unsigned ch = i / TIMING_HOURS;
            unsigned h = i % TIMING_HOURS;
            unsigned cell = timing_cell(ch, d, h);
            double p0 = population_at(&c->all, cell - h, h, rate[ch] * bend[h]);
            ret->population[cell] = (float)p0;
        }
        for (unsigned s = 0; s < TIMING_SEGMENTS; s++)
            make_segment(&c->segment[s], d, ret->population, ret->segment[s]);
    }
}

/* Count the late reactions of a row in, with chances p as known so far. */
static void count_late(timing_cells *c, unsigned row, const float *p, unsigned last)
{
    double behind = 0; /* the sum of the chances behind hour h */
    for (unsigned h = last + 1; h-- > 0;) {
        if (c->late_from[row + h] > 0 && behind > 0)
            for (unsigned g = h + 1; g <= last; g++)
                c->tried[row + g] += c->late_from[row + h] / behind;
        behind += (double)p[h];
        c->yes[row + h] += c->late_at[row + h];
    }
}

void timing_tables_make(const timing_counts *c, timing_tables *ret)
{
    timing_counts whole = *c;
    make_curves(c, ret);
    for (unsigned r = 0; r < TIMING_ROWS; r++) {
        unsigned row = r * TIMING_HOURS;
        ret->tried[r] = 0;
        for (unsigned h = 0; h < TIMING_HOURS; h++)
            ret->tried[r] += (float)c->all.tried[row + h];
        find_edges(&c->all, row, &ret->first[r], &ret->last[r]);
        count_late(&whole.all, row, ret->population + row, ret->last[r]);
        for (unsigned s = 0; s < TIMING_SEGMENTS; s++)
            count_late(&whole.segment[s], row, ret->segment[s] + row, ret->last[r]);
    }
    make_curves(&whole, ret);
}
