/* models.c - our own models as policies: greedy, with logged exploration; `dunlin` is what the
 * gateway does: A until B predicts better. */
#include "gateway/timing/lab/policies_internal.h"

#include "gateway/timing/choose.h"
#include "gateway/timing/fit.h"

#include <string.h>

enum { NIGHT_STEPS = 4 };

typedef struct {
    policy base;
    const uint8_t *segments;
    size_t person_n;
    history *persons;
    const fit_log *warm;
    timing_counts counts;
    timing_model *model;
    model_kind fixed; /* 0: the better one */
    unsigned nights, next_fit;
} learner;

static void destroy(policy *p)
{
    learner *l = (learner *)p;
    free(l->persons);
    timing_model_free(l->model);
    free(l);
}

/* The warm log and the histories so far, as one log. Free persons and contacts. */
static bool gather(const learner *l, fit_log *ret, fit_contact **ret_contacts)
{
    size_t warm_n = l->warm ? l->warm->n : 0;
    fit_person *persons = calloc(warm_n + l->person_n + 1, sizeof *persons);
    fit_contact *contacts = malloc((l->person_n + 1) * HISTORY_MAX * sizeof *contacts);
    size_t n = 0;
    size_t used = 0;
    if (!persons || !contacts) {
        free(persons);
        free(contacts);
        return false;
    }
    for (; n < warm_n; n++)
        persons[n] = l->warm->persons[n];
    for (size_t i = 0; i < l->person_n; i++) {
        if (l->persons[i].n == 0)
            continue;
        persons[n++] = (fit_person){contacts + used, l->persons[i].n, l->segments[i]};
        used += fit_pack(&l->persons[i], contacts + used);
    }
    *ret = (fit_log){persons, n};
    *ret_contacts = contacts;
    return true;
}

static bool refit(learner *l, unsigned steps)
{
    fit_log log;
    fit_contact *contacts = NULL;
    if (l->fixed == MODEL_A)
        return true;
    if (!gather(l, &log, &contacts))
        return false;
    fit_options o = {
        .steps = steps, .threads = 2, .seed = 1, .only = l->fixed, .go_on = l->nights > 0};
    bool good = timing_fit(&log, &o, l->model, NULL) == GW_OK;
    free((fit_person *)(uintptr_t)log.persons);
    free(contacts);
    return good;
}

static policy *make_kind(const policy_row *row, const policy_start *start, model_kind kind)
{
    learner *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->base.row = row;
    l->segments = start->segments;
    l->person_n = start->persons;
    l->warm = start->log;
    l->fixed = kind;
    l->persons = calloc(start->persons + 1, sizeof *l->persons);
    l->model = timing_model_new();
    if (l->persons && l->model) {
        if (start->log)
            fit_count(start->log, &l->counts);
        timing_tables_make(&l->counts, &l->model->tables);
        if (refit(l, FIT_STEPS))
            return &l->base;
    }
    destroy(&l->base);
    return NULL;
}

static policy *make_a(const policy_row *row, const policy_start *start)
{
    return make_kind(row, start, MODEL_A);
}

static policy *make_b(const policy_row *row, const policy_start *start)
{
    return make_kind(row, start, MODEL_B);
}

static policy *make_better(const policy_row *row, const policy_start *start)
{
    return make_kind(row, start, 0);
}

static void ask(policy *p, size_t person, const timing_question *q, timing_random *r, float *choose,
                float *mean)
{
    (void)r;
    const learner *l = (const learner *)p;
    timing_estimate e;
    timing_predict(l->model, &l->persons[person], q, &e);
    timing_chances(q, e.mean, timing_explore_share(l->model, q), choose);
    if (mean)
        memcpy(mean, e.mean, sizeof e.mean);
}

static void learn(policy *p, size_t person, const history_contact *c, int32_t day)
{
    learner *l = (learner *)p;
    history_push(&l->persons[person], c, day);
    timing_counts_add(&l->counts, l->segments[person], c);
}

static void night(policy *p)
{
    learner *l = (learner *)p;
    timing_tables_make(&l->counts, &l->model->tables);
    /* Fits grow rarer: what many nights have taught does not change in one. */
    if (++l->nights > l->next_fit) {
        (void)refit(l, NIGHT_STEPS);
        l->next_fit = l->nights + 1 + l->nights / 3;
    } else if (l->model->kind == MODEL_B) {
        archetype_index_make(&l->model->curves, &l->model->tables, &l->model->index);
    }
}

const policy_row policy_a = {
    {"a", "A: population, segment, debtor", true, false}, make_a, destroy, ask, learn, night};
const policy_row policy_b = {
    {"b", "B: archetypes", true, false}, make_b, destroy, ask, learn, night};
const policy_row policy_dunlin = {{"dunlin", "A, then B once it predicts better", true, false},
                                  make_better,
                                  destroy,
                                  ask,
                                  learn,
                                  night};
