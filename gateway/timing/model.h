/* model.h - what the gateway predicts with: one immutable version of the shared knowledge.
 *
 * Tables (A) are always there; archetypes (B) once a log is large enough and B predicts held-out
 * contacts better. A fit makes a new version; a version never changes, so that a decision can be
 * computed again from its version and the debtor's history.
 *
 * Thread: a model is read by any number of threads; it is changed only by its maker. */
#ifndef TIMING_MODEL_H
#define TIMING_MODEL_H

#include "gateway/timing/archetypes.h"
#include "gateway/timing/estimate.h"
#include "gateway/timing/personal.h"

enum { MODEL_VERSION_TEXT = 33 }; /* BLAKE2b-128, hex */

typedef enum { MODEL_A = 'a', MODEL_B = 'b' } model_kind;

typedef struct {
    model_kind kind;                  /* which of the two answers */
    bool has_curves;                  /* archetypes were fitted, whether they answer or not */
    uint64_t contacts;                /* closed contacts it was made from */
    char version[MODEL_VERSION_TEXT]; /* hash of its file, "" before it was written or read */
    timing_tables tables;
    archetypes curves;     /* MODEL_B */
    archetype_index index; /* of curves */
} timing_model;

/* What is known without any contact: no hour is better than another. NULL: out of memory. */
timing_model *timing_model_new(void);
void timing_model_free(timing_model *m);
GW_CLEANUP_FUNC(timing_model, timing_model_free)

/* Chances at the allowed hours. */
void timing_predict(const timing_model *m, const history *h, const timing_question *q,
                    timing_estimate *ret);

/* Share of the decisions that explore: .05, and more while the row of the question has seen fewer
 * than some hundred contacts, up to all of them in a new system. */
float timing_explore_share(const timing_model *m, const timing_question *q);

#endif
