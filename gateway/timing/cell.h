/* cell.h - what the timing model knows a moment by: channel, kind of day, local hour.
 *
 * Hours are those of the debtor's local clock. A holiday counts as weekend; the hour that a clock
 * change repeats or skips is the hour the clock shows. No cell holds anything about the person. */
#ifndef TIMING_CELL_H
#define TIMING_CELL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TIMING_CHANNELS = 3, /* e-mail, SMS, voice */
    TIMING_DAYTYPES = 2, /* weekday, weekend or holiday */
    TIMING_HOURS = 24,
    TIMING_CELLS = TIMING_CHANNELS * TIMING_DAYTYPES * TIMING_HOURS,
    TIMING_SEGMENTS = 8, /* 0: unknown */
};

/* Where a contact may go: which cells, and which of their hours policy allows (bit = hour). */
typedef struct {
    uint8_t channel, daytype, segment;
    uint32_t allowed;
} timing_question;

/* First cell (hour 0) of a channel and day type. */
static inline unsigned timing_row(unsigned channel, unsigned daytype)
{
    return (channel * TIMING_DAYTYPES + daytype) * TIMING_HOURS;
}

static inline unsigned timing_cell(unsigned channel, unsigned daytype, unsigned hour)
{
    return timing_row(channel, daytype) + hour;
}

static inline bool timing_allows(const timing_question *q, unsigned hour)
{
    return (q->allowed >> hour) & 1U;
}

#endif
