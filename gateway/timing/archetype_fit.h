/* archetype_fit.h - the nightly fit: routines learned from all histories by EM.
 *
 * Each iteration weighs every person over the components and re-draws the routines from the
 * weighted contacts: answers over contacts times level, smoothed with the neighbouring hours (.3),
 * pulled by 200 pseudo-contacts towards the population's curve bent by what the routine does on all
 * channels together. Deterministic: the same log, seed and number of iterations give the same
 * bytes, whatever the number of threads. */
#ifndef TIMING_ARCHETYPE_FIT_H
#define TIMING_ARCHETYPE_FIT_H

#include "gateway/timing/archetypes.h"

/* One closed contact in two bytes: cell 8 bits, history_result 3, hours until a late reaction 4. */
typedef uint16_t fit_contact;
#define FIT_CONTACT(cell, result, late)                                                            \
    ((fit_contact)((unsigned)(cell) | (unsigned)(result) << 8 | (unsigned)(late) << 11))
static inline history_contact fit_unpack(fit_contact c)
{
    unsigned cell = c & 0xFF;
    return (history_contact){
        .channel = (uint8_t)(cell / TIMING_HOURS / TIMING_DAYTYPES),
        .daytype = cell / TIMING_HOURS % TIMING_DAYTYPES,
        .hour = cell % TIMING_HOURS,
        .result = (c >> 8) & 7,
        .late = (uint8_t)(c >> 11),
    };
}

typedef struct {
    const fit_contact *contacts;
    uint32_t n;
    uint8_t segment;
} fit_person;

typedef struct {
    const fit_person *persons;
    size_t n;
} fit_log;

/* Start: the population's curve, bent by a bump at a different hour for each archetype. */
void archetype_begin(const timing_tables *t, uint64_t seed, archetypes *ret);

/* One iteration, in place. threads 1..16. Returns the mean log-likelihood per contact before the
 * step, or a negative infinity and *a untouched when memory is out. */
double archetype_step(const fit_log *log, const timing_tables *t, unsigned threads, archetypes *a);

#endif
