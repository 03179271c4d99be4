/* fit.h - the nightly fit: a new model from all histories.
 *
 * Tables are counted. Archetypes are fitted on 9 of 10 persons; B answers when it predicts the
 * contacts of the tenth better than A (log-loss, each contact predicted before it is learned), and
 * is then fitted on all. Deterministic: the same log and options give the same model.
 *
 * Thread: one owner; uses `threads` threads inside. */
#ifndef TIMING_FIT_H
#define TIMING_FIT_H

#include "gateway/timing/archetype_fit.h"
#include "gateway/timing/model.h"

enum {
    FIT_STEPS = 25,    /* EM iterations of a first fit */
    FIT_LEAST = 2000,  /* contacts below which no archetype is sought */
    FIT_HELD_OUT = 10, /* every tenth person judges */
};

/* Called after each EM step; done of all. Returning false stops (GW_ECLOSED); the curves so far are
 * in the model, to go on from. */
typedef bool fit_progress_fn(void *arg, unsigned done, unsigned all, double log_likelihood);

typedef struct {
    unsigned steps, threads;
    uint64_t seed;
    model_kind only;           /* MODEL_A or MODEL_B without comparing; 0: the better one */
    bool go_on;                /* begin from the curves in the model, where it has some */
    fit_progress_fn *progress; /* or NULL */
    void *arg;
} fit_options;

typedef struct {
    size_t persons, judges;
    uint64_t contacts;
    double loss_a,
        loss_b; /* mean log-loss of the judges' contacts; 0 when there was no comparison */
} fit_report;

/* The contacts of a history as the fit reads them; ret has room for HISTORY_MAX. Returns how many.
 */
size_t fit_pack(const history *h, fit_contact *ret);
void fit_count(const fit_log *log, timing_counts *ret);

/* ret_report may be NULL. GW_ENOMEM: m is as it was. GW_ECLOSED: progress asked to stop; m holds
 * the curves reached (kind as before), from which a fit with go_on continues. */
gw_code timing_fit(const fit_log *log, const fit_options *o, timing_model *m,
                   fit_report *ret_report) GW_NODISCARD;

#endif
