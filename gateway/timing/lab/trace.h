/* trace.h - activity traces: who would have responded in which hour of which day.
 *
 * A CSV with the columns person, day, dow, hour in any order (others are passed over): one row per
 * hour in which the person would have responded. person: any text; day: a whole number; dow: 0
 * Monday .. 6 Sunday; hour: 0..23. Rows may come in any order, doubled rows count once. Days
 * without any response inside the window are no contact. Read line by line; files may be larger
 * than memory holds as text.
 *
 * Thread: one owner. */
#ifndef TIMING_LAB_TRACE_H
#define TIMING_LAB_TRACE_H

#include "gateway/base/err.h"
#include "gateway/timing/cell.h"

#include <stdio.h>

enum {
    TRACE_LINE_MAX = 4096,
    TRACE_ROWS_MAX = 200000000,
    TRACE_DEFAULT_DAYS = 20, /* contacts below which a person says too little to be scored */
};

typedef struct {
    int32_t day;
    uint32_t hours; /* bit: would respond then; at least one inside the window */
    uint8_t weekend;
} trace_day;

typedef struct {
    const trace_day *days; /* in order of day */
    size_t n;
} trace_person;

typedef struct trace trace;

typedef struct {
    size_t rows, persons, persons_short, persons_used; /* short: fewer days than asked for */
    unsigned days_least;                               /* what a person needed to be used */
} trace_about;

/* window: allowed hours as bits. days_least 0: TRACE_DEFAULT_DAYS, lowered to 2 when fewer than
 * four persons have that many. GW_EINVAL with the line for anything that is not a trace; GW_ELIMIT,
 * GW_ENOMEM, GW_EIO. */
gw_code trace_read(FILE *f, uint32_t window, unsigned days_least, trace **ret, gw_err *err)
    GW_NODISCARD;
void trace_free(trace *t);
GW_CLEANUP_FUNC(trace, trace_free)

trace_about trace_describe(const trace *t);
/* Persons used, in the order in which they appear in the file. */
trace_person trace_person_at(const trace *t, size_t i);

#endif
