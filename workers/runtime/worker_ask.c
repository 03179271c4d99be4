/* worker_ask.c - PULL: what became of a message, asked in a thread of its own.
 *
 * The gateway's question is copied, answered in order, and told by the runtime's thread. A question
 * too many is answered "not now" at once; what is lost with the process is asked again. */
#include "workers/runtime/worker_inside.h"

enum { QUESTIONS_MAX = 256, QUESTION_ARENA = 4 << 20 };

struct worker_question {
    gw_arena *arena;
    wire_pull pull;
    wire_pulled pulled;
    gw_buf raw;
    worker_question *next;
};

static void question_free(worker_question *q)
{
    if (!q)
        return;
    gw_buf_done(&q->raw);
    gw_arena_free(q->arena);
    free(q);
}

static bool copy_text(gw_arena *arena, gw_str *s)
{
    char *kept = gw_arena_copy(arena, *s);
    s->p = kept;
    return kept != NULL;
}

static worker_question *question_new(const wire_pull *pull)
{
    worker_question *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    gw_buf_init(&q->raw, CHANNEL_RAW_MAX);
    q->pull = *pull;
    q->arena = gw_arena_new(QUESTION_ARENA);
    gw_str *texts[] = {&q->pull.id, &q->pull.own, &q->pull.provider, &q->pull.provider_ref,
                       &q->pull.address};
    bool good = q->arena != NULL;
    for (size_t i = 0; i < GW_COUNT(texts) && good; i++)
        good = copy_text(q->arena, texts[i]);
    if (good)
        return q;
    question_free(q);
    return NULL;
}

static void put_last(worker_question **list, worker_question *q)
{
    while (*list)
        list = &(*list)->next;
    q->next = NULL;
    *list = q;
}

static void *answer(void *arg)
{
    worker *w = arg;
    worker_asker *a = &w->asker;
    pthread_setname_np(pthread_self(), "ask");
    pthread_mutex_lock(&a->lock);
    while (!a->closed) {
        worker_question *q = a->asked;
        if (!q) {
            pthread_cond_wait(&a->wake, &a->lock);
            continue;
        }
        a->asked = q->next;
        pthread_mutex_unlock(&a->lock);
        w->driver->ask(w->driver->self, &q->pull, q->arena, &q->pulled, &q->raw);
        pthread_mutex_lock(&a->lock);
        put_last(&a->answered, q);
        worker_wake(w);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

gw_code worker_ask_start(worker *w, gw_err *err)
{
    worker_asker *a = &w->asker;
    if (!w->driver->ask)
        return GW_OK;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    a->ready = pthread_create(&a->thread, NULL, answer, w) == 0;
    return a->ready ? GW_OK : gw_fail(err, GW_ENOMEM, "starting the asking thread");
}

void worker_ask_stop(worker *w)
{
    worker_asker *a = &w->asker;
    if (!a->ready)
        return;
    pthread_mutex_lock(&a->lock);
    a->closed = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    for (int i = 0; i < 2; i++)
        for (worker_question *q = i ? a->answered : a->asked, *next; q; q = next) {
            next = q->next;
            question_free(q);
        }
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
}

static void say_pulled(worker *w, const wire_pulled *p, gw_str raw)
{
    wire_header h = {.type = WIRE_PULLED, .pulled = *p};
    worker_say(w, &h, raw);
}

void worker_ask(worker *w, const wire_pull *pull)
{
    worker_asker *a = &w->asker;
    wire_pulled no = {.id = pull->id,
                      .verdict = a->ready ? WIRE_PULLED_NOT_NOW : WIRE_PULLED_CANNOT,
                      .at_ms = -1};
    worker_question *q = NULL;
    if (a->ready) {
        pthread_mutex_lock(&a->lock);
        q = a->pending < QUESTIONS_MAX ? question_new(pull) : NULL;
        if (q) {
            put_last(&a->asked, q);
            a->pending++;
            pthread_cond_signal(&a->wake);
        }
        pthread_mutex_unlock(&a->lock);
    }
    if (!q)
        say_pulled(w, &no, (gw_str){NULL, 0});
}

void worker_tell_answers(worker *w)
{
    worker_asker *a = &w->asker;
    if (!a->ready)
        return;
    pthread_mutex_lock(&a->lock);
    worker_question *list = a->answered;
    a->answered = NULL;
    for (worker_question *q = list; q; q = q->next)
        a->pending--;
    pthread_mutex_unlock(&a->lock);
    for (worker_question *next; list; list = next) {
        next = list->next;
        say_pulled(w, &list->pulled, gw_buf_str(&list->raw));
        question_free(list);
    }
}
