#include "gateway/timing/fit.h"

#include <math.h>
#include <string.h>

size_t fit_pack(const history *h, fit_contact *ret)
{
    for (uint32_t i = 0; i < h->n; i++) {
        const history_contact *c = &h->contacts[i];
        ret[i] = FIT_CONTACT(timing_cell(c->channel, c->daytype, c->hour), c->result, c->late);
    }
    return h->n;
}

void fit_count(const fit_log *log, timing_counts *ret)
{
    for (size_t i = 0; i < log->n; i++)
        for (uint32_t k = 0; k < log->persons[i].n; k++) {
            history_contact c = fit_unpack(log->persons[i].contacts[k]);
            timing_counts_add(ret, log->persons[i].segment, &c);
        }
}

static uint64_t contacts_of(const fit_log *log)
{
    uint64_t n = 0;
    for (size_t i = 0; i < log->n; i++)
        n += log->persons[i].n;
    return n;
}

/* ---- judging ---- */

/* Every tenth person judges, the others teach. Both lists borrow the log's contacts. */
static void split(const fit_log *log, fit_person *teachers, fit_person *judges, fit_log *ret_teach,
                  fit_log *ret_judge)
{
    size_t t = 0;
    size_t j = 0;
    for (size_t i = 0; i < log->n; i++) {
        if (i % FIT_HELD_OUT == FIT_HELD_OUT - 1)
            judges[j++] = log->persons[i];
        else
            teachers[t++] = log->persons[i];
    }
    *ret_teach = (fit_log){teachers, t};
    *ret_judge = (fit_log){judges, j};
}

static double loss(float p, bool yes)
{
    double q = fmin(.999, fmax(.001, (double)p));
    return -log(yes ? q : 1 - q);
}

/* Mean log-loss, each contact predicted from those before it. At most JUDGED persons are asked:
 * more do not change the answer. */
static double judge(const timing_model *m, const fit_log *log)
{
    enum { JUDGED = 5000 };
    double sum = 0;
    uint64_t n = 0;
    for (size_t i = 0; i < log->n && i < JUDGED; i++) {
        history h = {0};
        for (uint32_t k = 0; k < log->persons[i].n; k++) {
            history_contact c = fit_unpack(log->persons[i].contacts[k]);
            timing_question q = {c.channel, c.daytype, log->persons[i].segment,
                                 UINT32_C(1) << c.hour};
            timing_estimate e;
            timing_predict(m, &h, &q, &e);
            sum += loss(e.mean[c.hour], history_is_yes(c.result));
            n++;
            history_push(&h, &c, 0);
        }
    }
    return n ? sum / (double)n : 0;
}

/* ---- fitting ---- */

typedef struct {
    const fit_options *o;
    unsigned done, all;
} progress;

static gw_code run_steps(const fit_log *log, unsigned steps, timing_model *m, progress *p)
{
    for (unsigned i = 0; i < steps; i++) {
        double l = archetype_step(log, &m->tables, p->o->threads, &m->curves);
        if (isinf(l))
            return GW_ENOMEM;
        p->done++;
        if (p->o->progress && !p->o->progress(p->o->arg, p->done, p->all, l))
            return GW_ECLOSED;
    }
    return GW_OK;
}

static void finish(timing_model *m, model_kind kind)
{
    m->kind = kind;
    m->has_curves = true;
    archetype_index_make(&m->curves, &m->tables, &m->index);
}

/* Fit on the teachers, ask the judges, go on with everybody when B has won. */
static gw_code fit_judged(const fit_log *teach, const fit_log *judges, const fit_log *log,
                          const timing_tables *all, timing_model *m, progress *p,
                          fit_report *report)
{
    gw_code rc = run_steps(teach, p->o->steps, m, p);
    if (rc != GW_OK)
        return rc;
    finish(m, MODEL_A);
    report->judges = judges->n;
    report->loss_a = judge(m, judges);
    m->kind = MODEL_B;
    report->loss_b = judge(m, judges);
    bool b_wins = report->loss_b < report->loss_a;
    m->tables = *all;
    rc = run_steps(log, p->all - p->o->steps, m, p);
    if (rc == GW_OK)
        finish(m, b_wins ? MODEL_B : MODEL_A);
    return rc;
}

static gw_code fit_compared(const fit_log *log, const timing_tables *all, timing_model *m,
                            progress *p, fit_report *report)
{
    fit_person *persons = malloc((log->n + 1) * 2 * sizeof *persons);
    timing_counts *counts = calloc(1, sizeof *counts);
    gw_code rc = GW_ENOMEM;
    if (persons && counts) {
        fit_log teach;
        fit_log judges;
        split(log, persons, persons + log->n + 1, &teach, &judges);
        fit_count(&teach, counts);
        timing_tables_make(counts, &m->tables);
        rc = fit_judged(&teach, &judges, log, all, m, p, report);
    }
    free(persons);
    free(counts);
    return rc;
}

gw_code timing_fit(const fit_log *log, const fit_options *o, timing_model *m,
                   fit_report *ret_report)
{
    fit_report report = {.persons = log->n, .contacts = contacts_of(log)};
    timing_counts *counts = calloc(1, sizeof *counts);
    timing_model *next = malloc(sizeof *next);
    gw_code rc = counts && next ? GW_OK : GW_ENOMEM;
    if (rc == GW_OK) {
        *next = *m;
        fit_count(log, counts);
        timing_tables_make(counts, &next->tables);
        timing_tables all = next->tables;
        bool seek = o->only != MODEL_A && report.contacts >= FIT_LEAST;
        progress p = {o, 0, o->only ? o->steps : o->steps + o->steps / 4 + 1};
        if (seek && !(o->go_on && m->has_curves))
            archetype_begin(&all, o->seed, &next->curves);
        if (seek && o->only == MODEL_B) {
            rc = run_steps(log, o->steps, next, &p);
            finish(next, MODEL_B);
        } else if (seek) {
            rc = fit_compared(log, &all, next, &p, &report);
        } else {
            next->kind = MODEL_A;
        }
        next->contacts = report.contacts;
    }
    if (rc == GW_OK)
        *m = *next;
    if (rc == GW_ECLOSED) { /* keep what was reached, to go on from */
        m->curves = next->curves;
        m->has_curves = true;
        archetype_index_make(&m->curves, &m->tables, &m->index);
    }
    if (ret_report)
        *ret_report = report;
    free(counts);
    free(next);
    return rc;
}
