/* outcome.c - what a worker reports becomes durable, and only then is acknowledged (SEEN).
 *
 * An outcome is a fact whoever owns the shard: it is booked with the reminder's version as check
 * and, where the shard is not ours, without a fence. */
#include "gateway/dispatch/core.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/dispatch/call_back.h"
#include "gateway/dispatch/call_result.h"
#include "gateway/dispatch/learn.h"
#include "gateway/dispatch/questions.h"

enum { TRIES_MAX = 16, OUT_MAX = 16 * 1024 };

typedef struct {
    outcome_msg *o;
    flight *f; /* NULL: read from the store */
    view_reminder r;
    gw_id did;
    state_txn txn;
    bool write;   /* the transition is to be applied */
    bool done;    /* nothing more to do but SEEN */
    bool dropped; /* cannot be booked at all */
} booking;

/* ---- which event is it ---- */

/* The worker never got GO: nothing was tried, so no try is spent and nothing waits. */
static bool is_without_go(const wire_outcome *out)
{
    return out->outcome == WIRE_LATER && gw_str_is(out->why, WIRE_WHY_NO_GO);
}

static life_event event_of(const dispatch *d, const booking *b)
{
    const wire_outcome *out = &b->o->out;
    bool current = gw_str_eq(out->ref.tok, b->r.tok) && out->ref.attempt == b->r.attempts;
    if (!current)
        return out->outcome == WIRE_DELIVERED ? ON_LATE_DELIVERED : ON_LATE_OTHER;
    switch (out->outcome) {
    case WIRE_DELIVERED:
        return ON_DELIVERED;
    case WIRE_REFUSED:
        return ON_REFUSED;
    case WIRE_LATER:
        if (call_back_asked(out) && call_back_is_spent(b->r.failed))
            return call_result_effective(&out->call) ? ON_DELIVERED : ON_SPENT;
        if ((b->r.state == LIFE_CLAIMED || b->r.state == LIFE_SENDING) && !is_without_go(out) &&
            retry_is_spent(&d->cfg.retry, b->r.failed + 1))
            return ON_SPENT;
        return ON_LATER;
    default:
        return ON_UNKNOWN;
    }
}

static void put_outcome(gw_buf *b, const wire_outcome *out)
{
    json_put_member_str(b, "outcome", gw_str_of(wire_result_name(out->outcome)));
    if (out->code)
        json_put_member_int(b, "code", out->code);
    if (out->enhanced.n)
        json_put_member_str(b, "enhanced", out->enhanced);
    if (out->remote_host.n)
        json_put_member_str(b, "remote_host", out->remote_host);
    if (out->remote_tls.n)
        json_put_member_str(b, "remote_tls", out->remote_tls);
    if (out->provider.n)
        json_put_member_str(b, "provider", out->provider);
    if (out->provider_ref.n)
        json_put_member_str(b, "provider_ref", out->provider_ref);
    json_put_member_int(b, "attempt", out->ref.attempt);
    call_result_facts(&out->call, b);
    if (out->recipient_n == 0)
        return;
    json_put_name(b, "recipients"); /* "0:250 2.1.5 1:550 5.1.1": facts are flat */
    gw_buf_putc(b, '"');
    for (size_t i = 0; i < out->recipient_n; i++)
        gw_buf_printf(b, "%s%d:%d%s%.*s", i ? " " : "", out->recipients[i].index,
                      out->recipients[i].code, out->recipients[i].enhanced.n ? " " : "",
                      GW_STR_ARG(out->recipients[i].enhanced));
    gw_buf_putc(b, '"');
}

static uint64_t seed_of(const booking *b)
{
    uint64_t seed;
    memcpy(&seed, b->r.rid.b, sizeof seed);
    return seed ^ (uint64_t)b->r.attempts;
}

static gw_str copy_out(dispatch *d, gw_buf *b)
{
    char *text = b->code == GW_OK ? gw_arena_copy(d->arena, gw_buf_str(b)) : NULL;
    return (gw_str){text, text ? b->n : 0};
}

/* Private reply text as {"reply": ...}; it may be any bytes, JSON needs UTF-8: what is not ASCII is
 * replaced, the codes say the rest. */
static gw_str private_reply(dispatch *d, gw_str raw)
{
    if (raw.n == 0)
        return (gw_str){NULL, 0};
    char *plain = gw_arena_copy(d->arena, raw);
    if (!plain)
        return (gw_str){NULL, 0};
    for (size_t i = 0; i < raw.n; i++)
        if ((unsigned char)plain[i] >= 0x80)
            plain[i] = '?';
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 6 * raw.n + 64);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "reply", (gw_str){plain, raw.n});
    gw_buf_putc(&b, '}');
    return copy_out(d, &b);
}

/* What a call changes about the debtor goes into the same transition. */
static gw_code join_call(dispatch *d, booking *b, gw_err *err)
{
    state_ref ref = {b->r.rid, state_shard(&b->did)};
    loaded *l = NULL;
    state_debtor *debtor = gw_arena_alloc(d->arena, sizeof *debtor);
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    int rejected = 0;
    if (!debtor || !decided)
        return gw_fail(err, GW_ENOMEM, "booking a call");
    gw_code rc = load_reminders(d->store, d->cfg.id_key, &ref, 1, true, d->arena, &l, err);
    if (rc == GW_OK && l->code != GW_OK)
        rc = gw_fail(err, l->code, "reading the debtor of a call");
    if (rc == GW_OK)
        rc = state_load_debtors(d->store, &l->did, 1, d->arena, debtor, err);
    decide_context ctx = core_decide_context(d);
    /* What is allowed now does not matter any more; whom it was about does. */
    if (rc == GW_OK)
        rc = decide(&ctx, l->d, &l->r, core_now(d), d->arena, decided, err);
    const teller t = {d->store, d->cfg.id_key, core_now(d), d->arena, d->cfg.apart};
    call_result c = {&b->o->out, &l->r, decided, debtor, core_now(d), &t};
    if (rc == GW_OK)
        rc = call_result_join(&c, d->arena, &b->txn, &rejected, err);
    if (rejected)
        gw_log(GW_LOG_WARN, "the ledger refused what a key in a call stands for", NULL);
    return rc;
}

/* The debtor asked for the call: a moment of policy's and timing's. */
static gw_code plan_call_back(dispatch *d, const booking *b, change *c, gw_err *err)
{
    int64_t from = call_back_from(&b->o->out, c->now);
    c->due_ms = from;
    gw_code rc = call_back_due(d, &b->r, &b->did, from, &c->due_ms, err);
    if (rc == GW_EBUSY || rc == GW_ETIMEOUT || rc == GW_ENOMEM)
        return rc;   /* booked again, all of it */
    if (rc != GW_OK) /* it is decided about again when it is due */
        gw_log(GW_LOG_WARN, "the moment of a call is not chosen", "text=\"%s\"", err->text);
    return GW_OK;
}

static gw_code build(dispatch *d, booking *b)
{
    const wire_outcome *out = &b->o->out;
    gw_err err = {0};
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, OUT_MAX);
    gw_buf_putc(&fact, '{');
    put_outcome(&fact, out);
    gw_buf_putc(&fact, '}');
    gw_str text = copy_out(d, &fact);
    if (text.n == 0)
        return GW_ENOMEM;

    life_event on = event_of(d, b);
    char *why = gw_arena_copy(d->arena, out->why.n ? out->why : gw_str_of(""));
    change c = core_change(d, &b->did, why ? why : "");
    if (b->o->tries)
        c.fence = 0;
    c.attempt = out->ref.attempt;
    c.out = text;
    c.fact = (gw_str){text.p + 1, text.n - 2};
    c.priv = private_reply(d, b->o->raw);
    c.outcome = true;
    c.call = call_result_placed(&out->call);
    c.answered = call_result_answered(&out->call);
    c.effective = call_result_effective(&out->call);
    c.heard = call_result_heard(&out->call);
    c.spent_try = (on == ON_LATER || on == ON_SPENT) && !is_without_go(out);
    c.due_ms = c.now.ms;
    if (!is_without_go(out))
        c.due_ms += retry_wait_ms(&d->cfg.retry, b->r.failed + 1, out->retry_after_ms, seed_of(b));
    bool back = on == ON_LATER && call_back_asked(out);
    gw_code rc = back ? plan_call_back(d, b, &c, &err) : GW_OK;
    if (rc != GW_OK)
        return rc;
    life_move move;
    bool moved;
    rc = change_build(&c, &b->r, on, d->arena, &b->txn, &move, &moved, &err);
    if (rc == GW_OK && back && moved && b->txn.rid)
        rc = change_window(call_back_from(out, c.now), &b->r, d->arena, &b->txn, &err);
    if (rc != GW_OK)
        return rc;
    if (!moved) {
        d->status.unexpected++;
        gw_log(GW_LOG_WARN, "unexpected outcome", "state=%c event=%s", b->r.state,
               life_event_name(on));
    }
    b->done = moved && (move.effects & DO_REPEAT);
    b->write = !b->done;
    if (b->write && call_result_changes(&out->call))
        rc = join_call(d, b, &err);
    if (rc == GW_EBUSY || rc == GW_ETIMEOUT || rc == GW_ENOMEM)
        return rc;   /* booked again, all of it */
    if (rc != GW_OK) /* a debtor that cannot be read: the outcome itself is a fact all the same */
        gw_log(GW_LOG_ERROR, "what a call triggers is not booked", "text=\"%s\"", err.text);
    /* The tone a ladder has reached decides what comes next. */
    if (move.then == LIFE_DELIVERED && b->r.kind == 'l' && b->txn.rid) {
        b->txn.wake_debtor = true;
        b->txn.wake_at = c.now;
    } else if (move.then == LIFE_DELIVERED && b->txn.rid && !b->txn.wake_debtor &&
               d->timing_learns) { /* nothing else wakes the debtor of a job to learn from it */
        b->txn.wake_debtor = true;
        b->txn.wake_at.ms = c.now.ms + LEARN_HORIZON_MS;
    }
    return GW_OK;
}

/* ---- a batch ---- */

static bool stranger_ref(const outcome_msg *o, state_ref *ret)
{
    int shard = token_shard(o->out.ref.tok);
    *ret = (state_ref){o->rid, (uint8_t)(shard < 0 ? 0 : shard)};
    return shard >= 0;
}

/* Outcomes that belong to nothing in flight here: a zombie's, a repetition, or after a restart. */
static bool load_strangers(dispatch *d, booking *list, size_t n)
{
    state_ref *refs = gw_arena_alloc(d->arena, (n + 1) * sizeof *refs);
    booking **of = gw_arena_alloc(d->arena, (n + 1) * sizeof *of);
    loaded *found = NULL;
    gw_err err = {0};
    size_t m = 0;
    if (!refs || !of)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (list[i].f)
            continue;
        list[i].dropped = !stranger_ref(list[i].o, &refs[m]);
        if (!list[i].dropped)
            of[m++] = &list[i];
    }
    if (m == 0)
        return true;
    gw_code rc = load_reminders(d->store, d->cfg.id_key, refs, m, false, d->arena, &found, &err);
    if (!core_store(d, rc, &err, "load"))
        return false;
    for (size_t i = 0; i < m; i++) {
        of[i]->dropped = found[i].code == GW_ENOTFOUND;
        of[i]->r = found[i].r;
        of[i]->did = found[i].did;
    }
    return true;
}

static void say_seen(dispatch *d, const outcome_msg *o)
{
    wire_header h = {.type = WIRE_SEEN, .seen = o->out.ref};
    /* A worker that is gone repeats its outcome after it is back, and gets SEEN then. */
    (void)port_send(d, o->identity, o->identity_n, &h, (gw_str){NULL, 0});
}

/* "2xx" of SMTP and HTTP; other numbers are the provider's own and tell nothing together. */
static gw_str code_class(int code)
{
    static const char *const names[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    return gw_str_of(code == 0                   ? "none"
                     : code >= 100 && code < 600 ? names[code / 100 - 1]
                                                 : "own");
}

static void count(const booking *b)
{
    const wire_outcome *out = &b->o->out;
    tally_add("dunlin_outcomes_total", "provider", out->provider.n ? out->provider : b->r.channel,
              "class", gw_str_of(wire_result_name(out->outcome)), 1);
    tally_add("dunlin_outcome_codes_total", "provider",
              out->provider.n ? out->provider : b->r.channel, "code", code_class(out->code), 1);
}

/* True when the outcome is finished with. */
static bool settle(dispatch *d, booking *b, state_verdict verdict)
{
    if (b->dropped) {
        gw_log(GW_LOG_ERROR, "outcome of a reminder nobody knows", NULL);
        say_seen(d, b->o);
        return true;
    }
    if (b->done || verdict == STATE_OK) {
        count(b); /* before the flight, whose texts these are, is gone */
        say_seen(d, b->o);
        if (b->f && b->txn.rid) /* a note about an earlier attempt leaves the present one alone */
            core_drop(d, b->f);
        d->status.outcomes++;
        return true;
    }
    /* The store did not answer, or the reminder moved under us: read it and book again. */
    if (b->f && verdict != STATE_UNKNOWN)
        core_drop(d, b->f);
    else if (b->f)
        b->f->unsure = true;
    if (verdict != STATE_UNKNOWN && ++b->o->tries > TRIES_MAX) {
        gw_log(GW_LOG_ERROR, "outcome not booked", "tries=%d", b->o->tries);
        return true;
    }
    return false;
}

static outcome_msg *take_first(dispatch *d)
{
    outcome_msg *o = d->outcomes;
    d->outcomes = o->next;
    if (!d->outcomes)
        d->outcomes_end = &d->outcomes;
    d->outcome_n--;
    return o;
}

static void put_back(dispatch *d, outcome_msg *o)
{
    o->next = NULL;
    *d->outcomes_end = o;
    d->outcomes_end = &o->next;
    d->outcome_n++;
}

static bool same_reminder(const booking *list, size_t n, const outcome_msg *o)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(list[i].o->rid.b, o->rid.b, sizeof o->rid.b) == 0)
            return true;
    return false;
}

/* Bookings of one batch are about different reminders, so that each meets the version it read. Only
 * outcomes without a flight can be doubles. */
static size_t gather(dispatch *d, booking *list, size_t cap)
{
    size_t n = 0;
    for (size_t left = d->outcome_n; left > 0 && n < cap; left--) {
        outcome_msg *o = take_first(d);
        flight *f = flight_find(&d->flights, &o->rid);
        bool ours = f && !f->unsure && gw_str_is(o->out.ref.tok, f->tok) &&
                    o->out.ref.attempt == f->attempt && !f->booked;
        if (!ours && same_reminder(list, n, o)) {
            put_back(d, o);
            continue;
        }
        list[n] = (booking){.o = o, .f = ours ? f : NULL};
        if (ours) {
            f->booked = true;
            flight_view(f, &list[n].r);
            list[n].did = f->did;
        }
        n++;
    }
    return n;
}

/* What was booked, as questions.c wants it. */
typedef struct {
    const wire_outcome **outs;
    gw_id *rids;
    size_t n;
} reported;

static void report(reported *r, const booking *b)
{
    if (b->o->out.provider.n) {
        r->outs[r->n] = &b->o->out;
        r->rids[r->n++] = b->o->rid;
    }
}

static void book(dispatch *d, booking *list, size_t n)
{
    reported told = {gw_arena_alloc(d->arena, (n + 1) * sizeof(wire_outcome *)),
                     gw_arena_alloc(d->arena, (n + 1) * sizeof(gw_id)), 0};
    state_txn *txns = gw_arena_alloc(d->arena, (n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *verdicts);
    bool good = txns && verdicts && told.outs && told.rids && load_strangers(d, list, n);
    size_t m = 0;
    for (size_t i = 0; i < n && good; i++) {
        if (list[i].dropped)
            continue;
        good = build(d, &list[i]) == GW_OK;
        if (good && list[i].write)
            txns[m++] = list[i].txn;
        report(&told, &list[i]);
    }
    good = good && questions_mark(d, told.outs, told.rids, told.n);
    GW_CRASH_POINT("outcome-before-commit");
    if (good)
        core_apply(d, txns, m, verdicts, "outcome");
    GW_CRASH_POINT("outcome-after-commit");
    questions_unknown(d, told.outs, told.rids, told.n);
    m = 0;
    for (size_t i = 0; i < n; i++) {
        state_verdict v = good && list[i].write ? verdicts[m++] : STATE_UNKNOWN;
        if (list[i].f)
            list[i].f->booked = false;
        if (settle(d, &list[i], v))
            free(list[i].o);
        else
            put_back(d, list[i].o);
    }
}

void outcome_run(dispatch *d)
{
    if (d->outcome_n == 0)
        return;
    size_t cap = d->outcome_n < DISPATCH_BATCH ? d->outcome_n : DISPATCH_BATCH;
    booking *list = gw_arena_alloc(d->arena, cap * sizeof *list);
    if (!list)
        return;
    size_t n = gather(d, list, cap);
    if (n)
        book(d, list, n);
    d->busy = true;
}
