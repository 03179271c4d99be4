/* record.h - why this moment: the explanation kept with a reminder and in its evidence, and its
 * replay.
 *
 * A flat enough JSON object of integers and short texts:
 *   day hour at_ms   the moment     daytype channel segment   the cell it was asked in
 *   allowed          hours policy allowed and capacity gave     full   those capacity did not give
 *   within           allowed instants of the hour, [from_ms, to_ms, ...]   moved_ms  to find room
 *   chooser          best, explore or holdout; propensity_ppm, explore_ppm: with what probability
 *   model version contacts   which model, its file's hash, contacts it was made from
 *   p_ppm            {population, segment, debtor, final} chance of an answer at the hour
 *   best_hour best_ppm mean_ppm   the best hour, its chance, the mean over the allowed ones
 *   level_pm weight_pm archetype? archetype_pm?   what the debtor's own history added
 *   history state    contacts it had, and the stored history itself (history.h) in hex
 *   seed             what chance was drawn from
 * It is personal data (the hours of a person's answers): in evidence it is a private value.
 *
 * Pure; any thread. */
#ifndef TIMING_RECORD_H
#define TIMING_RECORD_H

#include "gateway/base/arena.h"
#include "gateway/timing/plan.h"

enum { TIMING_RECORD_MAX = 8192 }; /* bytes */

/* state: the stored history h was read from, or empty. */
gw_code timing_record_put(const timing_model *m, const history *h, gw_str state, uint64_t seed,
                          const timing_moment *t, gw_buf *out);

/* Decide again from what the record says went in, with the model of that version; out gets the
 * record this makes, which is the same to the byte. GW_EINVAL the record cannot be read, or was
 * made by another version than m. */
gw_code timing_record_replay(gw_str record, const timing_model *m, gw_arena *arena, gw_buf *out,
                             gw_err *err) GW_NODISCARD;

/* The version a record names, empty: none (made before versions were kept). */
gw_str timing_record_version(gw_str record, gw_arena *arena);

/* One sentence for people. */
void timing_record_sentence(gw_str record, gw_arena *arena, gw_buf *out);

#endif
