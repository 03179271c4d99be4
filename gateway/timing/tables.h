/* tables.h - what is known of everybody: how often a contact in a cell was answered.
 *
 * Population and segment level of both models: cell = channel, day type, local hour.
 *     population p0 = (yes + 200 q) / (tried + 200), each hour smoothed with its neighbours (.5),
 *                q  = the channel's rate, bent by what the hour does on all channels together
 *     segment    p1 = (yes_g + 400 r p0) / (tried_g + 400)
 *                r  = how the segment bends that hour on all channels together: (yes + 20) /
 *                     (expected from p0 + 20), smoothed with its neighbours (.7)
 * The pulls are large because the shape of a day is much the same on every channel: what is pooled
 * over the channels and neighbouring hours is known long before a single cell is.
 * Counts are weighted by the trust of the signal (history.h). A late reaction is one answer at its
 * hour; each hour behind the contact was tried 1 / (sum of their chances) times.
 * Thread: any; pure. */
#ifndef TIMING_TABLES_H
#define TIMING_TABLES_H

#include "gateway/timing/history.h"

enum { TIMING_ROWS = TIMING_CHANNELS * TIMING_DAYTYPES };

/* late_from, late_at: late reactions by the cell of the contact and by that of the reaction. */
typedef struct {
    double yes[TIMING_CELLS], tried[TIMING_CELLS], late_from[TIMING_CELLS], late_at[TIMING_CELLS];
} timing_cells;

typedef struct {
    timing_cells all, segment[TIMING_SEGMENTS];
} timing_counts;

typedef struct {
    float population[TIMING_CELLS];
    float segment[TIMING_SEGMENTS][TIMING_CELLS];
    float tried[TIMING_ROWS]; /* contacts behind each row */
    /* First and last hour of each row in which anybody was contacted; 0 and 23 when nobody was. */
    uint8_t first[TIMING_ROWS], last[TIMING_ROWS];
} timing_tables;

/* One closed contact. segment below TIMING_SEGMENTS. */
void timing_counts_add(timing_counts *c, unsigned segment, const history_contact *contact);
void timing_tables_make(const timing_counts *c, timing_tables *ret);

#endif
