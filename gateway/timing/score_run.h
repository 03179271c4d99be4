/* score_run.h - predict, then learn, over a table: honest figures and a trained model.
 *
 * Each example is predicted by a model that has seen only outcomes that were known before it was
 * decided. The figures are those of the second half, when the model has had a chance; what the
 * first half gave is not counted. Pure, deterministic; any thread. */
#ifndef TIMING_SCORE_RUN_H
#define TIMING_SCORE_RUN_H

#include "gateway/timing/additive.h"
#include "gateway/timing/score_table.h"
#include "gateway/timing/scorecard.h"

enum { SCORE_PLACE_MAX = 20000 }; /* rows that place the knots */

typedef struct {
    additive *model;     /* after the last row; the caller frees it by score_run_done */
    double *p;           /* of every row, as predicted before its outcome was known */
    size_t scored_from;  /* first row of the second half */
    scorecard card;      /* of y = 1 */
    int baseline;        /* column that ranks best alone in the second half */
    double baseline_auc; /* whichever way round it ranks */
} score_run;

/* GW_EINVAL when the second half has one outcome only; GW_ENOMEM. */
gw_code score_run_table(const score_table *t, score_run *ret, gw_err *err) GW_NODISCARD;
void score_run_done(score_run *r);

#endif
