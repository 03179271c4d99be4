#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/intake/bind.h"
#include "gateway/intake/ledger.h"
#include "gateway/intake/marks.h"
#include "gateway/intake/turn.h"

enum { ROUNDS_MAX = 5 }; /* folding again because the debtor moved; then the client repeats */

typedef struct {
    uint32_t slot;
    uint32_t debtor; /* index into debtors */
    json_doc doc;
    ledger_event event;
    ledger_result result;
    gw_id receipt_id;
    char receipt[GW_ID_TEXT];
    gw_str id;   /* shown in the verdict */
    bool folded; /* in this round */
    bool bound;  /* what it says at an address is told to the others */
    bool done;
    uint32_t txn; /* index + 1 of its transition in this round, 0 = none */
} event;

typedef struct {
    turn *t;
    event *events;
    uint32_t n;
    gw_id *dids; /* distinct debtors */
    uint32_t did_n;
    uint32_t *table; /* open hash: index + 1 into dids */
    uint32_t table_mask;
    state_debtor *debtors;
    bool *failed; /* a transition of this debtor did not happen in this round */
    state_txn *txns;
    state_verdict *verdicts;
    uint32_t txn_n;
    state_use *uses; /* ids that this round uses, in the order of events */
    state_reserved *reserved;
} batch;

static uint32_t debtor_index(batch *b, const gw_id *did)
{
    uint32_t at;
    memcpy(&at, did->b, sizeof at);
    for (at &= b->table_mask; b->table[at]; at = (at + 1) & b->table_mask)
        if (memcmp(b->dids[b->table[at] - 1].b, did->b, sizeof did->b) == 0)
            return b->table[at] - 1;
    b->dids[b->did_n] = *did;
    b->table[at] = ++b->did_n;
    return b->did_n - 1;
}

/* ---- which slots are events ---- */

static bool is_event(const turn *t, const slot *s)
{
    const request *r = &t->requests[s->request];
    return !r->code && !s->n && (verb_of(r->verb)->kind == VERB_EVENT || r->verb == VERB_CANCEL);
}

/* Exactly one of job and item; an item needs its debtor. */
static bool cancel_is_clear(turn *t, slot *s, const json_doc *d)
{
    bool job = json_member(d, 0, "job") != 0;
    bool item = json_member(d, 0, "item") != 0;
    if (job == item)
        slot_rejected(t, s, "invalid", "name either a job or an item", "/job");
    else if (item && !json_member(d, 0, "debtor"))
        slot_rejected(t, s, "invalid", "an item needs its debtor", "/debtor");
    return s->n == 0;
}

static void receipt_of(const turn *t, event *e)
{
    intake_event_id(t->id_key, e->event.source, e->event.verb, e->id, &e->receipt_id);
    gw_id_format(&e->receipt_id, e->receipt);
    e->event.receipt = gw_str_of(e->receipt);
}

static void open_event(batch *b, uint32_t index)
{
    turn *t = b->t;
    slot *s = &t->slots[index];
    verb v = t->requests[s->request].verb;
    event *e = &b->events[b->n];
    opened o;
    if (!slot_open(t, s, t->arena, &o))
        return;
    if (v == VERB_CANCEL && !cancel_is_clear(t, s, &o.doc))
        return;
    if (v == VERB_CANCEL && json_member(&o.doc, 0, "job"))
        return; /* an act */
    *e = (event){.slot = index, .doc = o.doc};
    e->id = json_get_str(&e->doc, 0, v == VERB_CANCEL ? "item" : "id");
    e->event = (ledger_event){
        .verb = v,
        .source = o.source,
        .debtor = v == VERB_DEBTOR ? e->id : json_get_str(&e->doc, 0, "debtor"),
        .body = &e->doc,
        .now = t->now,
        .third_parties = t->config->third_parties,
    };
    receipt_of(t, e);
    gw_id did;
    intake_debtor_id(t->id_key, e->event.source, e->event.debtor, &did);
    e->debtor = debtor_index(b, &did);
    b->n++;
}

/* ---- one round: load, fold, commit ---- */

static void fold_event(batch *b, event *e)
{
    turn *t = b->t;
    state_debtor *d = &b->debtors[e->debtor];
    gw_err err;
    gw_code rc = ledger_fold(d, &e->event, t->arena, &e->result, &err);
    if (rc != GW_OK) {
        if (rc == GW_ECORRUPT)
            gw_log(GW_LOG_ERROR, "a debtor's stored state cannot be read; run dunlin doctor",
                   "shard=%d", state_shard(&d->did));
        slot_failed(t, &t->slots[e->slot], rc, &err);
        e->done = true;
        return;
    }
    e->folded = true;
    e->txn = 0;
    if (e->result.verdict != LEDGER_ACCEPTED)
        return;
    rc = ledger_txn(d, &e->event, &e->result, t->id_key, t->arena, &b->txns[b->txn_n], &err);
    if (rc == GW_OK)
        rc = ledger_patch(d, &e->result, t->arena, &err);
    if (rc != GW_OK) {
        slot_failed(t, &t->slots[e->slot], rc, &err);
        e->done = true;
        b->failed[e->debtor] = true; /* what follows saw too little */
        return;
    }
    e->txn = ++b->txn_n;
}

static void answer(batch *b, event *e)
{
    turn *t = b->t;
    slot *s = &t->slots[e->slot];
    const ledger_result *r = &e->result;
    gw_str receipt = e->event.receipt;
    e->done = true;
    switch (r->verdict) {
    case LEDGER_ACCEPTED:
        slot_accepted(t, s, e->id, receipt, r->at);
        t->news = UINT64_MAX;
        return;
    case LEDGER_DUPLICATE:
        slot_duplicate(t, s, e->id, receipt, r->at);
        return;
    case LEDGER_REJECTED:
        slot_rejected(t, s, r->code, r->reason, r->pointer);
        return;
    }
}

/* A verdict that was reached on top of a transition which did not happen is not given: the event is
 * folded again, or answered busy. */
static void settle(batch *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        event *e = &b->events[i];
        if (e->done || !e->folded)
            continue;
        if (e->txn && b->verdicts[e->txn - 1] != STATE_OK)
            b->failed[e->debtor] = true;
        else if (e->txn || !b->failed[e->debtor])
            answer(b, e);
    }
}

/* Take the transitions of debtors that failed out of the round: they stand on what will not
 * happen. Their events are folded again. */
static void drop_failed(batch *b)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        event *e = &b->events[i];
        if (!e->folded || !e->txn)
            continue;
        if (b->failed[e->debtor]) {
            e->txn = 0;
            continue;
        }
        b->txns[kept] = b->txns[e->txn - 1];
        e->txn = ++kept;
    }
    b->txn_n = kept;
}

/* What this event would be stored under, which no other debtor may have used: its receipt, or the
 * job that confirms it. NULL: nothing of that kind. */
static const gw_id *id_used(const batch *b, const event *e)
{
    if (!e->folded || !e->txn)
        return NULL;
    return verb_of(e->event.verb)->of_one_debtor ? &e->receipt_id : b->txns[e->txn - 1].rid;
}

/* The id is another debtor's. A withdrawal of consent counts all the same; only the job that would
 * confirm it is not made. */
static void refuse_id(batch *b, event *e)
{
    turn *t = b->t;
    if (!verb_of(e->event.verb)->of_one_debtor) {
        ledger_txn_drop_job(&b->txns[e->txn - 1]);
        return;
    }
    slot_rejected(t, &t->slots[e->slot], "conflict", turn_elsewhere, "/id");
    e->done = b->failed[e->debtor] = true;
}

/* Before anything is stored under an id, it is written down for this debtor. Only ids of what would
 * be stored are, so that a refused event does not keep its id. */
static gw_code reserve_ids(batch *b, gw_err *err)
{
    size_t n = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        const gw_id *id = id_used(b, &b->events[i]);
        if (id)
            b->uses[n++] = (state_use){*id, b->dids[b->events[i].debtor]};
    }
    gw_code rc = state_reserve(b->t->store, b->uses, n, b->reserved, err);
    if (rc != GW_OK)
        return rc;
    n = 0;
    for (uint32_t i = 0; i < b->n; i++)
        if (id_used(b, &b->events[i]) && b->reserved[n++] == STATE_TAKEN)
            refuse_id(b, &b->events[i]);
    drop_failed(b);
    return GW_OK;
}

/* What the debtors of this round are reached by leads to them before they are stored. */
static gw_code mark_debtors(batch *b, gw_err *err)
{
    turn *t = b->t;
    state_mark *marks = NULL;
    size_t n = 0, debtors = 0;
    for (uint32_t i = 0; i < b->n; i++)
        debtors +=
            b->events[i].folded && b->events[i].txn && b->events[i].event.verb == VERB_DEBTOR;
    if (debtors == 0)
        return GW_OK;
    marks = gw_arena_alloc(t->arena, debtors * MARKS_OF_DEBTOR_MAX * sizeof *marks);
    if (!marks)
        return gw_fail(err, GW_ENOMEM, "marking debtors");
    for (uint32_t i = 0; i < b->n; i++) {
        const event *e = &b->events[i];
        if (e->folded && e->txn && e->event.verb == VERB_DEBTOR)
            n += marks_of_debtor(t->id_key, &b->dids[e->debtor], &e->doc, t->arena, marks + n);
    }
    return n ? state_mark_add(t->store, marks, n, err) : GW_OK;
}

/* ---- what binds addresses (bind.h) ---- */

static teller teller_of(const batch *b)
{
    const turn *t = b->t;
    return (teller){t->store, t->id_key, t->now, t->arena, t->config->apart};
}

static gw_code bind_consents(batch *b, gw_err *err)
{
    teller t = teller_of(b);
    gw_code rc = GW_OK;
    for (uint32_t i = 0; i < b->n && rc == GW_OK; i++) {
        event *e = &b->events[i];
        if (!e->folded || !e->txn || e->bound || e->event.verb != VERB_CONSENT)
            continue;
        rc = bind_said(&t, &b->dids[e->debtor], e->event.source, &b->debtors[e->debtor], &e->doc,
                       err);
        e->bound = rc == GW_OK;
    }
    return rc;
}

/* The debtors of this round that are, or were before, taken as they are. stored: only those whose
 * transition has just happened. */
static gw_code bind_new_debtors(batch *b, bool stored, gw_err *err)
{
    teller t = teller_of(b);
    size_t n = 0;
    bind_debtor *list = gw_arena_alloc(b->t->arena, (b->n + 1) * sizeof *list);
    if (!list)
        return gw_fail(err, GW_ENOMEM, "binding addresses");
    for (uint32_t i = 0; i < b->n; i++) {
        const event *e = &b->events[i];
        bool mine = e->folded && !e->done && e->event.verb == VERB_DEBTOR &&
                    e->result.verdict != LEDGER_REJECTED;
        if (mine && (!stored || (e->txn && b->verdicts[e->txn - 1] == STATE_OK)))
            list[n++] =
                (bind_debtor){b->dids[e->debtor], e->event.source, e->event.debtor, &e->doc};
    }
    return n ? bind_debtors(&t, list, n, err) : GW_OK;
}

static gw_code play_round(batch *b, gw_err *err)
{
    turn *t = b->t;
    gw_code rc = state_load_debtors(t->store, b->dids, b->did_n, t->arena, b->debtors, err);
    if (rc != GW_OK)
        return rc;
    b->txn_n = 0;
    for (uint32_t i = 0; i < b->did_n; i++)
        b->failed[i] = false;
    for (uint32_t i = 0; i < b->n; i++) {
        b->events[i].folded = false;
        if (!b->events[i].done && !b->failed[b->events[i].debtor])
            fold_event(b, &b->events[i]);
    }
    for (uint32_t i = 0; i < b->txn_n; i++)
        b->verdicts[i] = STATE_UNKNOWN;
    rc = reserve_ids(b, err);
    if (rc == GW_OK)
        rc = bind_consents(b, err);
    if (rc == GW_OK)
        rc = mark_debtors(b, err);
    if (rc == GW_OK)
        rc = bind_new_debtors(b, false, err);
    GW_CRASH_POINT("events-after-reserve");
    if (rc != GW_OK)
        return rc; /* nothing has happened: nobody is answered */
    if (b->txn_n)
        rc = state_apply(t->store, b->txns, b->txn_n, b->verdicts, err);
    if (rc == GW_OK && (rc = bind_new_debtors(b, true, err)) != GW_OK)
        return rc; /* stored, but not known to be bound */
    settle(b);
    return rc;
}

static bool is_finished(const batch *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        if (!b->events[i].done)
            return false;
    return true;
}

static bool make_room(batch *b, uint32_t n)
{
    gw_arena *a = b->t->arena;
    uint32_t slots = 16;
    while (slots < n * 2)
        slots *= 2;
    b->table_mask = slots - 1;
    b->events = gw_arena_alloc(a, n * sizeof *b->events);
    b->dids = gw_arena_alloc(a, n * sizeof *b->dids);
    b->table = gw_arena_alloc(a, slots * sizeof *b->table);
    b->debtors = gw_arena_alloc(a, n * sizeof *b->debtors);
    b->failed = gw_arena_alloc(a, n * sizeof *b->failed);
    b->txns = gw_arena_alloc(a, n * sizeof *b->txns);
    b->verdicts = gw_arena_alloc(a, n * sizeof *b->verdicts);
    b->uses = gw_arena_alloc(a, n * sizeof *b->uses);
    b->reserved = gw_arena_alloc(a, n * sizeof *b->reserved);
    return b->events && b->dids && b->table && b->debtors && b->failed && b->txns && b->verdicts &&
           b->uses && b->reserved;
}

void turn_events(turn *t)
{
    batch b = {.t = t};
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->slot_n; i++)
        n += is_event(t, &t->slots[i]);
    if (n == 0)
        return;
    if (!make_room(&b, n))
        return; /* slots without verdict are answered busy */
    for (uint32_t i = 0; i < t->slot_n; i++)
        if (is_event(t, &t->slots[i]))
            open_event(&b, i);
    gw_err err;
    gw_code rc = GW_OK;
    for (int round = 0; round < ROUNDS_MAX && rc == GW_OK && !is_finished(&b); round++)
        rc = play_round(&b, &err);
    for (uint32_t i = 0; i < b.n; i++)
        if (!b.events[i].done)
            slot_busy(t, &t->slots[b.events[i].slot],
                      rc == GW_OK ? INTAKE_BUSY_MS : INTAKE_DOWN_MS);
}
