/* fit_run.h - one fit of the timing model: all histories of the store in, the next model in its
 * place.
 *
 * Begins from what an interrupted fit reached (FILE.part), else from the model in use; histories of
 * billing systems that are switched off are left out. The new model is kept as a version, swapped
 * in atomically, and its version, contacts and held-out losses are recorded (x-Model) before. Only
 * one fit of a FILE runs at a time, whoever starts it.
 *
 * Thread: any, one call at a time on its own connection. */
#ifndef GATEWAY_DISPATCH_FIT_RUN_H
#define GATEWAY_DISPATCH_FIT_RUN_H

#include "gateway/dispatch/facts.h"
#include "gateway/timing/fit.h"

typedef struct {
    const char *file; /* setting timing.model */
    bool fresh;       /* begin anew */
    fit_options options;
    const dispatch_source *sources;
    size_t source_n;
    const char *by; /* who asked for it, for the record: "night", "operator" */
    gw_wall now;
} fit_order;

typedef struct {
    fit_report report;
    size_t damaged; /* histories left out */
    model_kind kind;
    char version[MODEL_VERSION_TEXT];
} fit_done;

/* GW_EBUSY another fit of this file runs, or it was stopped and goes on from FILE.part next time;
 * GW_ENOMEM, GW_EIO; errors of the store. What is in use stays in use then. */
gw_code fit_run(state *store, const fit_order *o, fit_done *ret, gw_err *err) GW_NODISCARD;

#endif
