/* claim.c - the due moment: everything is decided again from the state of now, caps are taken
 * atomically, and a worker with credit gets the task.
 *
 * A job that was just accepted and may go at once is claimed without being planned first: one
 * decision, one transition, and its plan record says so. What is due already comes before it. */
#include "gateway/dispatch/core.h"
#include "gateway/dispatch/person.h"
#include "gateway/dispatch/task_facts.h"
#include "gateway/state/mark.h"
#include "gateway/wire/unsubscribe.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"

#include <stdio.h>

enum { LINK_MAX = 1024 };

typedef struct {
    const loaded *l;
    decision *decided; /* NULL: not a claim */
    gw_str tok, cap;
    const state_txn *person; /* reserves the person's counters first, NULL: there are none */
} claim;

typedef struct {
    dispatch *d;
    state_txn *txns;
    claim *claims;
    state_verdict *verdicts;
    size_t n;
    gw_err err;
} claiming;

/* ---- deciding ---- */

static bool reserve(claiming *c, const view_debtor *d, const policy_cap *caps, size_t n, claim *cl)
{
    bool failed = false;
    state_txn *t = gw_arena_alloc(c->d->arena, sizeof *t);
    if (t && person_reserve(&d->person_id, caps, n, c->d->arena, t, &failed))
        cl->person = t;
    return t && !failed;
}

static gw_code take_claim(claiming *c, const loaded *l, decision *decided, state_txn *txn)
{
    dispatch *d = c->d;
    gw_wall now = core_now(d);
    policy_cap *caps = gw_arena_alloc(d->arena, POLICY_TAKES_MAX * sizeof *caps);
    char text[TOKEN_TEXT];
    token_make(l->ref.shard, text);
    char *tok_text = gw_arena_copy(d->arena, gw_str_of(text));
    if (!caps || !tok_text)
        return gw_fail(&c->err, GW_ENOMEM, "claiming");
    change ch = core_change(d, &l->did, "");
    ch.debtor_version = l->d->version;
    ch.caps = caps;
    ch.cap_n = policy_caps_at(&decided->facts.policy, d->rules.rules, now, caps);
    ch.tok = gw_str_of(tok_text);
    if (l->r.state == LIFE_ACCEPTED) { /* it was not planned before: this is its plan */
        ch.decided = decided;
        ch.due_ms = now.ms;
    }
    claim *cl = &c->claims[c->n];
    *cl = (claim){.l = l, .decided = decided, .tok = ch.tok};
    if (l->d->person_hash && !reserve(c, l->d, caps, ch.cap_n, cl))
        return gw_fail(&c->err, GW_ENOMEM, "claiming");
    ch.person = cl->person ? &l->d->person_id : NULL;
    cl->cap = change_cap_text(caps, ch.cap_n, ch.person, d->arena);
    life_move move;
    bool moved;
    return change_build(&ch, &l->r, ON_CLAIM, d->arena, txn, &move, &moved, &c->err);
}

static gw_code poison(claiming *c, const loaded *l, state_txn *txn)
{
    change ch = core_change(c->d, &l->did, "no-outcome-after-starts");
    life_move move;
    bool moved;
    gw_log(GW_LOG_WARN, "reminder parked: started again and again without outcome", "starts=%d",
           l->r.starts);
    return change_build(&ch, &l->r, ON_POISON, c->d->arena, txn, &move, &moved, &c->err);
}

/* Room for one more claim among the accepted, whose channels are mixed. */
static bool take_room(dispatch *d, const view_reminder *r)
{
    const char *lane = strchr(core_lanes, change_lane(r->channel));
    if (!change_lane(r->channel) || !lane || d->spare[lane - core_lanes] == 0)
        return false;
    d->spare[lane - core_lanes]--;
    return true;
}

/* Fills the next transition; false when this entry leaves nothing to do. */
static bool judge(claiming *c, const decide_context *ctx, const loaded *l)
{
    dispatch *d = c->d;
    state_txn *txn = &c->txns[c->n];
    c->claims[c->n] = (claim){.l = l};
    if (l->code == GW_ENOTFOUND || (l->r.state != LIFE_PLANNED && l->r.state != LIFE_ACCEPTED) ||
        flight_find(&d->flights, &l->r.rid))
        return false;
    if (core_undecidable(d, l, txn))
        return true;
    if (l->r.starts >= d->cfg.retry.starts)
        return poison(c, l, txn) == GW_OK;
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    if (!decided || decide(ctx, l->d, &l->r, core_now(d), d->arena, decided, &c->err) != GW_OK)
        return false;
    if (decided->on == ON_PLAN && decided->now &&
        (l->r.state == LIFE_PLANNED || (!view_is_task(&l->r) && take_room(d, &l->r))))
        return take_claim(c, l, decided, txn) == GW_OK;
    bool nothing;
    return core_decided(d, l, decided, txn, &nothing, &c->err) == GW_OK && !nothing;
}

/* ---- the task ---- */

static void put_recipients(const decision *decided, wire_task *t, gw_buf *priv)
{
    const policy_facts *f = &decided->facts.policy;
    gw_buf_puts(priv, "{\"to\":\"");
    for (size_t i = 0; i < f->recipient_n && t->to_n < WIRE_RECIPIENTS_MAX; i++) {
        if (i < 32 && (decided->policy.left_out >> i & 1))
            continue;
        const policy_recipient *p = &f->recipients[i];
        const view_contact *contact = decided->facts.contacts[i];
        if (t->to_n)
            gw_buf_puts(priv, ", ");
        gw_buf_put_str(priv, p->address);
        t->to[t->to_n++] = (wire_recipient){.role = p->role,
                                            .name = contact->name,
                                            .address = p->address,
                                            .kind = p->copy ? GW_STR("cc") : GW_STR("to")};
    }
    gw_buf_puts(priv, "\"}");
}

static gw_str message_id(dispatch *d, const char *rid)
{
    const char *at = strrchr(d->cfg.sender.address, '@');
    char text[256];
    int n = snprintf(text, sizeof text, "%s@%s", rid, at ? at + 1 : "localhost");
    char *copy = gw_arena_copy(d->arena, (gw_str){text, (size_t)n});
    return (gw_str){copy, copy ? (size_t)n : 0};
}

static gw_str optional(const char *z)
{
    return gw_str_of(z ? z : "");
}

/* The one-click link of this debtor and the first recipient, who is the one it is written for.
 * RFC 8058 §3.1 wants https; a public address without it (a test's) gives no link. */
static gw_str unsubscribe_link(dispatch *d, const claim *cl, const wire_task *t)
{
    const dispatch_sender *from = &d->cfg.sender;
    char text[UNSUBSCRIBE_TEXT];
    gw_id address;
    GW_AUTO_BUF gw_buf url;
    gw_buf_init(&url, LINK_MAX);
    if (!from->public_url || strncmp(from->public_url, "https://", 8) != 0 || !t->to_n ||
        !gw_str_is(cl->l->r.channel, "email"))
        return optional(from->unsubscribe);
    state_mark_address(d->cfg.id_key, t->to[0].address, &address);
    unsubscribe_format(d->cfg.id_key, &cl->l->did, &address, text);
    gw_buf_printf(&url, "%s/u/%s", from->public_url, text);
    char *copy = url.code == GW_OK ? gw_arena_copy(d->arena, gw_buf_str(&url)) : NULL;
    return copy ? (gw_str){copy, url.n} : optional(from->unsubscribe);
}

static void fill_task(dispatch *d, const claim *cl, flight *f, wire_task *t)
{
    const view_reminder *r = &cl->l->r;
    const dispatch_sender *from = &d->cfg.sender;
    t->ref = (wire_ref){gw_str_of(f->rid_text), f->attempt, gw_str_of(f->tok)};
    t->source = r->source;
    t->template = f->template_version;
    t->locale = gw_str_of(cl->decided->template.locale);
    t->now_ms = core_now(d).ms;
    t->deadline_ms = f->deadline_ms;
    t->from = (wire_sender){optional(from->name), optional(from->address), optional(from->reply_to),
                            unsubscribe_link(d, cl, t)};
    t->message_id = f->message_id;
    t->reference = task_reference(r, &cl->decided->facts);
    t->manual_clock = gw_clock_is_manual(d->clock);
}

/* Give the claimed reminder to a worker. Whatever fails here leaves a lost flight, and that goes
 * back to the schedule at once. */
static void hand_out(dispatch *d, const claim *cl, worker *w)
{
    const view_reminder *r = &cl->l->r;
    wire_header *h = gw_arena_alloc(d->arena, sizeof *h);
    GW_AUTO_BUF gw_buf priv;
    GW_AUTO_BUF gw_buf facts;
    gw_buf_init(&priv, 64 * 1024);
    gw_buf_init(&facts, TASK_FACTS_MAX);
    char rid[GW_ID_TEXT];
    gw_id_format(&r->rid, rid);
    if (!h)
        return; /* the store has it as claimed; recovery finds it */
    h->type = WIRE_TASK;
    put_recipients(cl->decided, &h->task, &priv);
    flight *f =
        flight_new(r, &cl->l->did, cl->tok, cl->cap, gw_str_of(cl->decided->template.version),
                   message_id(d, rid), gw_buf_str(&priv));
    if (!f) {
        memset(d->recover, 1, sizeof d->recover);
        return;
    }
    f->state = LIFE_CLAIMED;
    f->attempt = r->attempts + 1;
    f->starts = r->starts + 1;
    f->version = r->version + 1;
    f->debtor_version = cl->l->d->version;
    f->deadline_ms = cl->decided->deadline_ms;
    f->since = gw_mono_now();
    flight_add(&d->flights, f);

    const dispatch_source *source = core_source(d, r->source);
    task_facts_input in = {.debtor = cl->l->d,
                           .reminder = r,
                           .facts = &cl->decided->facts,
                           .creditor = source->creditor,
                           .signature = source->signature,
                           .locale = gw_str_of(cl->decided->template.locale),
                           .now = core_now(d),
                           .rules = d->rules.rules};
    gw_err err = {0};
    fill_task(d, cl, f, &h->task);
    gw_code rc = task_facts_json(&in, d->arena, &facts, &err);
    if (rc == GW_OK)
        rc = w ? port_send(d, w->identity, w->identity_n, h, gw_buf_str(&facts)) : GW_ECLOSED;
    if (rc != GW_OK) {
        f->lost = true;
        f->innocent = rc != GW_EINVAL && rc != GW_ELIMIT; /* a task nobody can carry is its fault */
        if (w && rc == GW_ECLOSED)
            port_gone(d, w); /* else it would be claimed for it again and again */
        return;
    }
    f->worker = w;
    w->outstanding++;
    d->status.tasks++;
}

/* ---- one lane ---- */

static bool lane_is_paused(const dispatch *d, const char *channel)
{
    return facts_paused(&d->control, gw_str_of(channel), (gw_str){NULL, 0}, d->control_arena) !=
           NULL;
}

/* Persons' counters first. What cannot be reserved is not claimed; it is still due, and is decided
 * again with the counters of then. */
static void reserve_persons(claiming *c)
{
    dispatch *d = c->d;
    state_txn *txns = gw_arena_alloc(d->arena, (c->n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, (c->n + 1) * sizeof *verdicts);
    size_t m = 0;
    size_t kept = 0;
    size_t at = 0;
    for (size_t i = 0; i < c->n && txns; i++)
        if (c->claims[i].person)
            txns[m++] = *c->claims[i].person;
    if (m == 0 && txns)
        return;
    if (verdicts && txns)
        core_apply(d, txns, m, verdicts, "person");
    for (size_t i = 0; i < c->n; i++) {
        bool refused = c->claims[i].person && (!verdicts || !txns || verdicts[at++] != STATE_OK);
        if (refused)
            continue;
        c->claims[kept] = c->claims[i];
        c->txns[kept++] = c->txns[i];
    }
    c->n = kept;
}

/* Claims that were certainly not made give their persons' counters back. */
static void return_persons(claiming *c)
{
    dispatch *d = c->d;
    state_txn *txns = gw_arena_alloc(d->arena, (c->n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, (c->n + 1) * sizeof *verdicts);
    size_t m = 0;
    for (size_t i = 0; i < c->n && txns && verdicts; i++) {
        bool failed;
        if (c->claims[i].person && c->verdicts[i] != STATE_OK && c->verdicts[i] != STATE_UNKNOWN)
            m += person_return(c->claims[i].cap, false, false, false, d->arena, &txns[m], &failed);
    }
    if (m)
        core_apply(d, txns, m, verdicts, "person");
}

static bool claim_batch(claiming *c, const loaded *list, size_t n)
{
    dispatch *d = c->d;
    c->txns = gw_arena_alloc(d->arena, (n + 1) * sizeof *c->txns);
    c->claims = gw_arena_alloc(d->arena, (n + 1) * sizeof *c->claims);
    c->verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *c->verdicts);
    if (!c->txns || !c->claims || !c->verdicts)
        return false;
    decide_context ctx = core_decide_context(d);
    for (size_t i = 0; i < n; i++)
        c->n += judge(c, &ctx, &list[i]);
    reserve_persons(c);
    GW_CRASH_POINT("plan-before-commit");
    core_apply(d, c->txns, c->n, c->verdicts, "claim");
    return_persons(c);
    GW_CRASH_POINT("claim-after-commit");
    for (size_t i = 0; i < c->n; i++) {
        const claim *cl = &c->claims[i];
        d->busy = d->busy || c->verdicts[i] == STATE_OK;
        d->status.plans += c->verdicts[i] == STATE_OK && cl->l->r.state == LIFE_ACCEPTED;
        if (c->verdicts[i] == STATE_OK && cl->decided)
            hand_out(d, cl, port_free_worker(d, change_lane(cl->l->r.channel)));
    }
    return true;
}

void claim_accepted(dispatch *d, const loaded *list, size_t n)
{
    claiming c = {.d = d};
    (void)claim_batch(&c, list, n);
}

/* *ret_spare: credit that what is due leaves for jobs just accepted. */
static void claim_lane(dispatch *d, char lane, const char *channel, size_t *ret_spare)
{
    size_t credit = port_credit(d, lane);
    if (credit == 0 || lane_is_paused(d, channel))
        return;
    if (credit > DISPATCH_BATCH)
        credit = DISPATCH_BATCH;
    claiming c = {.d = d};
    state_due_entry *due;
    size_t n;
    loaded *list;
    uint8_t mask[STATE_SHARDS];
    if (!core_look(d, lane, mask)) {
        *ret_spare = credit;
        return;
    }
    gw_code rc = state_due(d->store, mask, lane, core_now(d), credit, d->arena, &due, &n, &c.err);
    if (!core_store(d, rc, &c.err, "due"))
        return;
    core_seen(d, lane, mask, due, n, credit);
    *ret_spare = credit - n;
    if (n == 0)
        return;
    state_ref *refs = gw_arena_alloc(d->arena, n * sizeof *refs);
    if (!refs)
        return;
    for (size_t i = 0; i < n; i++)
        refs[i] = (state_ref){due[i].id, due[i].shard};
    rc = load_reminders(d->store, d->cfg.id_key, refs, n, true, d->arena, &list, &c.err);
    if (core_store(d, rc, &c.err, "load"))
        (void)claim_batch(&c, list, n);
}

void claim_run(dispatch *d)
{
    static const char *const channels[CORE_LANES] = {"email", "sms", "voice"};
    for (size_t i = 0; i < CORE_LANES; i++) {
        d->spare[i] = 0;
        if (core_may_send(d) && !atomic_load(&d->shared.draining))
            claim_lane(d, core_lanes[i], channels[i], &d->spare[i]);
    }
}
