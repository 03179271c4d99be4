#include "gateway/timing/lab/ope_check.h"

#include "gateway/timing/choose.h"
#include "gateway/timing/fit.h"

#include <math.h>
#include <string.h>

typedef struct {
    timing_model *logger, *target;
    ope sums;
    double truth;
    ope_check_result *ret;
} check;

static void contact_one(check *k, const world_debtor *d, history *h, unsigned t, timing_random *r)
{
    timing_question q = {(uint8_t)world_channel(r), (uint8_t)world_daytype(r), d->segment,
                         WORLD_WINDOW};
    timing_choice chosen;
    timing_estimate other;
    ope_contact o;
    double luck[2] = {timing_random_unit(r), timing_random_unit(r)};
    (void)timing_choose(k->logger, h, &q, false, timing_random_word(r), &chosen);
    timing_predict(k->target, h, &q, &other);
    timing_chances(&q, other.mean, timing_explore_share(k->target, &q), o.target);
    timing_chances(&q, chosen.estimate.mean, chosen.explore, o.logged);
    memcpy(o.model, chosen.estimate.mean, sizeof o.model);
    for (unsigned x = WORLD_FIRST_HOUR; x <= WORLD_LAST_HOUR; x++)
        k->truth += (double)(o.target[x] * world_chance(d, &q, x));
    history_contact c = simulate_answer(d, &q, chosen.hour, luck);
    c.chooser = (uint8_t)chosen.chooser;
    o.hour = chosen.hour;
    o.answer = history_is_yes(c.result);
    ope_add(&k->sums, &o);
    k->ret->least_propensity = fmin(k->ret->least_propensity, (double)chosen.propensity);
    history_push(h, &c, (int32_t)t);
}

static void run_once(check *k, uint64_t seed)
{
    ope_check_result *ret = k->ret;
    timing_random r = {timing_mix(seed)};
    k->sums = (ope){0};
    k->truth = 0;
    for (unsigned i = 0; i < OPE_DEBTORS; i++) {
        world_debtor d;
        history h = {0};
        world_debtor_make(&d, WORLD_NORMAL, &r);
        for (unsigned t = 0; t < OPE_CONTACTS; t++)
            contact_one(k, &d, &h, t, &r);
    }
    ope_result o = ope_finish(&k->sums);
    double truth = k->truth / (double)o.n;
    ret->ips_within += fabs(o.ips - truth) <= 2 * o.ips_se;
    ret->snips_within += fabs(o.snips - truth) <= 2 * o.snips_se;
    ret->dr_within += fabs(o.dr - truth) <= 2 * o.dr_se;
    ret->truth += truth;
    ret->logged += o.logged;
    ret->ips += o.ips;
    ret->snips += o.snips;
    ret->dr += o.dr;
    ret->effective += o.effective;
}

static gw_code fit_both(check *k, uint64_t seed)
{
    fit_log log = {0};
    fit_contact *contacts = NULL;
    gw_code rc =
        simulate_log(timing_mix(seed ^ 900), 2500, 20, WORLD_NORMAL, true, &log, &contacts);
    fit_options o = {.steps = FIT_STEPS, .threads = 2, .seed = 1, .only = MODEL_B};
    if (rc == GW_OK)
        rc = timing_fit(&log, &o, k->logger, NULL);
    o.only = MODEL_A;
    if (rc == GW_OK)
        rc = timing_fit(&log, &o, k->target, NULL);
    free((fit_person *)(uintptr_t)log.persons);
    free(contacts);
    return rc;
}

gw_code ope_check(unsigned runs, uint64_t seed, ope_check_result *ret, gw_err *err)
{
    GW_AUTO(timing_model_free) timing_model *logger = timing_model_new();
    GW_AUTO(timing_model_free) timing_model *target = timing_model_new();
    check k = {.logger = logger, .target = target, .ret = ret};
    *ret = (ope_check_result){.runs = runs, .least_propensity = 1};
    gw_code rc = logger && target ? fit_both(&k, seed) : GW_ENOMEM;
    if (rc != GW_OK)
        return gw_fail(err, rc, "checking the off-policy estimates");
    for (unsigned i = 0; i < runs; i++)
        run_once(&k, seed + 1 + i);
    double *means[] = {&ret->truth, &ret->logged, &ret->ips,
                       &ret->snips, &ret->dr,     &ret->effective};
    for (size_t i = 0; i < GW_COUNT(means); i++)
        *means[i] /= runs;
    return GW_OK;
}
