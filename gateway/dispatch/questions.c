#include "gateway/dispatch/questions.h"

#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/dispatch/core.h"
#include "gateway/state/inbox.h"
#include "gateway/state/mark.h"
#include "gateway/wire/hook_entry.h"

#include <stdio.h>

enum { ID_TEXT = 128, ENTRY_ROOM = 512 * 1024 };

typedef struct question {
    struct question *next;
    char lane;
    char
        id[ID_TEXT]; /* "<own> <provider>": PULLED repeats it, so nothing is remembered meanwhile */
    wire_pull pull;  /* its strings point behind the struct */
} question;

/* ---- from the booker ---- */

static gw_str keep(char **at, gw_str s)
{
    gw_str kept = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

void dispatch_question(dispatch *d, gw_str channel, const wire_pull *p)
{
    question *q = malloc(sizeof *q + p->own.n + p->provider.n + p->provider_ref.n + p->address.n);
    if (!q)
        return;
    char *at = (char *)(q + 1);
    q->lane = change_lane(channel);
    q->pull = (wire_pull){.own = keep(&at, p->own),
                          .provider = keep(&at, p->provider),
                          .provider_ref = keep(&at, p->provider_ref),
                          .address = keep(&at, p->address),
                          .sent_ms = p->sent_ms < 0 ? 0 : p->sent_ms};
    int n = snprintf(q->id, sizeof q->id, "%.*s %.*s", GW_STR_ARG(p->own), GW_STR_ARG(p->provider));
    q->pull.id = (gw_str){q->id, (size_t)n};
    pthread_mutex_lock(&d->shared.lock);
    bool room = d->shared.question_n < QUESTIONS_MAX && n < ID_TEXT;
    if (room) {
        q->next = d->shared.questions;
        d->shared.questions = q;
        d->shared.question_n++;
    }
    pthread_mutex_unlock(&d->shared.lock);
    if (room)
        dispatch_wake(d, 0);
    else
        free(q);
}

/* ---- to the workers ---- */

static question *take_all(dispatch *d)
{
    pthread_mutex_lock(&d->shared.lock);
    question *q = d->shared.questions;
    d->shared.questions = NULL;
    d->shared.question_n = 0;
    pthread_mutex_unlock(&d->shared.lock);
    return q;
}

static worker *any_worker(dispatch *d, char lane)
{
    for (size_t i = 0; i < d->worker_n; i++)
        if (d->workers[i]->ready && !d->workers[i]->draining && d->workers[i]->lane == lane)
            return d->workers[i];
    return NULL;
}

void questions_run(dispatch *d)
{
    for (question *q = take_all(d), *next; q; q = next) {
        next = q->next;
        worker *w = any_worker(d, q->lane);
        wire_header h = {.type = WIRE_PULL, .pull = q->pull};
        bool sent = w && port_send(d, w->identity, w->identity_n, &h, (gw_str){NULL, 0}) == GW_OK;
        tally_add("dunlin_pulls_total", "provider", q->pull.provider, "result",
                  sent ? GW_STR("asked") : GW_STR("no-worker"), 1);
        free(q);
    }
}

void questions_clear(dispatch *d)
{
    for (question *q = take_all(d), *next; q; q = next) {
        next = q->next;
        free(q);
    }
}

/* ---- the answer ---- */

void questions_answer(dispatch *d, const wire_pulled *a, gw_str raw)
{
    uint8_t shard;
    gw_id rid;
    int attempt;
    gw_err err;
    const char *space = memchr(a->id.p, ' ', a->id.n);
    size_t own_n = space ? (size_t)(space - a->id.p) : 0;
    gw_str own = {a->id.p, own_n};
    if (!space || !wire_own_parse(own, &shard, &rid, &attempt)) {
        gw_log(GW_LOG_WARN, "an answer to a question nobody asked", NULL);
        return;
    }
    gw_str provider = {space + 1, a->id.n - own_n - 1};
    if (a->verdict == WIRE_PULLED_NOT_NOW) /* the booker asks again */
        return;
    hook_entry e = {.kind = ENTRY_RECEIPT,
                    .provider = provider,
                    .auth = WIRE_AUTH_PULLED,
                    .rx_ms = core_now(d).ms,
                    .own = own,
                    .ref = a->provider_ref,
                    .state = a->verdict == WIRE_PULLED_KNOWN ? a->state : WIRE_RECEIPT_NONE,
                    .code = a->verdict == WIRE_PULLED_KNOWN    ? a->code
                            : a->verdict == WIRE_PULLED_ABSENT ? GW_STR("absent")
                                                               : GW_STR("cannot-be-asked"),
                    .at_ms = a->at_ms > 0 ? a->at_ms : 0,
                    .raw = raw};
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, ENTRY_ROOM);
    if (hook_entry_put(&e, &text, &err) != GW_OK) {
        e.raw = (gw_str){NULL, 0}; /* larger than an entry may be: what it says counts */
        gw_buf_clear(&text);
        if (hook_entry_put(&e, &text, &err) != GW_OK)
            return;
    }
    state_inbox_item item = {shard, gw_buf_str(&text)};
    (void)core_store(d, state_inbox_add(d->store, &item, 1, &err), &err, "inbox");
}

/* ---- outcomes ---- */

bool questions_mark(dispatch *d, const wire_outcome *const *outs, const gw_id *rids, size_t n)
{
    state_mark *marks = gw_arena_alloc(d->arena, (n + 1) * sizeof *marks);
    gw_err err;
    size_t m = 0;
    for (size_t i = 0; i < n && marks; i++) {
        const wire_outcome *out = outs[i];
        char own[WIRE_OWN_TEXT];
        int shard = token_shard(out->ref.tok);
        if (!out->provider_ref.n || shard < 0)
            continue;
        wire_own_format((uint8_t)shard, &rids[i], out->ref.attempt, own);
        marks[m] = (state_mark){.kind = 'p',
                                .value = {gw_arena_copy(d->arena, gw_str_of(own)), strlen(own)}};
        state_mark_provider(d->cfg.id_key, out->provider, out->provider_ref, &marks[m].key);
        marks[m].shard = state_shard(&marks[m].key);
        m += marks[m].value.p != NULL;
    }
    if (!marks)
        return false;
    return m == 0 || core_store(d, state_mark_add(d->store, marks, m, &err), &err, "mark");
}

void questions_unknown(dispatch *d, const wire_outcome *const *outs, const gw_id *rids, size_t n)
{
    gw_err err;
    for (size_t i = 0; i < n; i++) {
        const wire_outcome *out = outs[i];
        char own[WIRE_OWN_TEXT];
        int shard = token_shard(out->ref.tok);
        if (out->outcome != WIRE_UNKNOWN || !out->provider.n || shard < 0)
            continue;
        wire_own_format((uint8_t)shard, &rids[i], out->ref.attempt, own);
        hook_entry e = {.kind = ENTRY_ASK,
                        .provider = out->provider,
                        .rx_ms = core_now(d).ms,
                        .own = gw_str_of(own),
                        .ref = out->provider_ref};
        GW_AUTO_BUF gw_buf text;
        gw_buf_init(&text, ENTRY_ROOM);
        if (hook_entry_put(&e, &text, &err) != GW_OK)
            continue;
        state_inbox_item item = {(uint8_t)shard, gw_buf_str(&text)};
        (void)core_store(d, state_inbox_add(d->store, &item, 1, &err), &err, "inbox");
    }
}
