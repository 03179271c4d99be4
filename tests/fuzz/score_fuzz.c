/* A stranger's table: read as examples whose figures can be computed, or refused with a reason. */
#include "gateway/timing/score_run.h"

#include <assert.h>
#include <math.h>

enum { INPUT_MAX = 32 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const score_options o = {.horizon_days = 7};
    GW_AUTO(score_table_free) score_table *t = NULL;
    score_run r = {0};
    gw_err err = {0};
    if (n > INPUT_MAX)
        return 0;
    if (score_table_read((gw_str){(const char *)data, n}, &o, &t, &err) != GW_OK) {
        assert(err.text[0]);
        return 0;
    }
    for (size_t i = 1; i < t->n; i++)
        assert(t->at[i] >= t->at[i - 1] && t->known[i] > t->at[i]);
    if (score_run_table(t, &r, &err) != GW_OK)
        return 0;
    for (size_t i = 0; i < t->n; i++)
        assert(r.p[i] > 0 && r.p[i] < 1);
    assert(r.card.auc >= 0 && r.card.auc <= 1);
    score_run_done(&r);
    return 0;
}
