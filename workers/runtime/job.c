#include "workers/runtime/job.h"

#include "workers/runtime/source.h"

enum { BUCKETS = 8192, SPARE_MAX = 1024 };

typedef struct {
    job *first, *last;
    size_t n;
} job_list;

struct job_table {
    job *buckets[BUCKETS];
    job_list states[JOB_STATE_COUNT];
    job *spare; /* linked by next */
    size_t n, spare_n;
};

job_table *job_table_new(void)
{
    return calloc(1, sizeof(job_table));
}

static void free_job(job *j)
{
    channel_attempt_free(j->attempt);
    free(j);
}

static void free_list(job *j)
{
    while (j) {
        job *next = j->next;
        free_job(j);
        j = next;
    }
}

void job_table_free(job_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < JOB_STATE_COUNT; i++)
        free_list(t->states[i].first);
    free_list(t->spare);
    free(t);
}

job *job_new(job_table *t, size_t bytes_max)
{
    job *j = t->spare;
    channel_attempt *a;
    if (j) {
        t->spare = j->next;
        t->spare_n--;
        a = j->attempt;
        channel_attempt_reset(a);
    } else {
        j = malloc(sizeof *j);
        a = channel_attempt_new(bytes_max);
        if (!j || !a) {
            channel_attempt_free(a);
            free(j);
            return NULL;
        }
    }
    *j = (job){.attempt = a};
    a->owner = j;
    return j;
}

static size_t bucket_of(gw_str rid)
{
    uint32_t h = 2166136261u; /* FNV-1a: ids are keyed hashes already, spread is all we need */
    for (size_t i = 0; i < rid.n; i++)
        h = (h ^ (unsigned char)rid.p[i]) * 16777619u;
    return h % BUCKETS;
}

static void link_last(job_list *l, job *j)
{
    j->next = NULL;
    j->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = j;
    l->last = j;
    l->n++;
}

static void unlink_from(job_list *l, job *j)
{
    *(j->prev ? &j->prev->next : &l->first) = j->next;
    *(j->next ? &j->next->prev : &l->last) = j->prev;
    l->n--;
}

void job_table_add(job_table *t, job *j)
{
    job **bucket = &t->buckets[bucket_of(j->ref.rid)];
    j->chain = *bucket;
    *bucket = j;
    j->since = gw_mono_now();
    link_last(&t->states[j->state], j);
    t->n++;
}

job *job_find_rid(const job_table *t, gw_str rid)
{
    for (job *j = t->buckets[bucket_of(rid)]; j; j = j->chain)
        if (!j->dropped && gw_str_eq(j->ref.rid, rid))
            return j;
    return NULL;
}

job *job_find(const job_table *t, const wire_ref *ref)
{
    for (job *j = t->buckets[bucket_of(ref->rid)]; j; j = j->chain)
        if (!j->dropped && gw_str_eq(j->ref.rid, ref->rid) && j->ref.attempt == ref->attempt &&
            gw_str_eq(j->ref.tok, ref->tok))
            return j;
    return NULL;
}

void job_set(job_table *t, job *j, job_state state)
{
    unlink_from(&t->states[j->state], j);
    j->state = state;
    j->since = gw_mono_now();
    link_last(&t->states[state], j);
}

void job_end(job_table *t, job *j)
{
    for (job **at = &t->buckets[bucket_of(j->ref.rid)]; *at; at = &(*at)->chain)
        if (*at == j) {
            *at = j->chain;
            break;
        }
    unlink_from(&t->states[j->state], j);
    t->n--;
    if (t->spare_n >= SPARE_MAX) {
        free_job(j);
        return;
    }
    j->next = t->spare;
    t->spare = j;
    t->spare_n++;
}

size_t job_count(const job_table *t)
{
    return t->n;
}

size_t job_count_in(const job_table *t, job_state state)
{
    return t->states[state].n;
}

job *job_first(const job_table *t, job_state state)
{
    return t->states[state].first;
}
