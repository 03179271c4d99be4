/* intent.c - the exact bytes become durable, the debtor is looked at once more, then GO.
 *
 * One blob sync and one pipeline serve all intents of a turn. The transition itself checks that the
 * debtor is the one the claim decided about: a payment, an opt-out or a hold in between makes it
 * fail, and the reminder is decided again before anything leaves. */
#include "gateway/dispatch/core.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/evidence/digest.h"
#include "gateway/wire/event.h"

typedef struct {
    flight *f;
    gw_str blobs, fact;
} pending;

typedef struct {
    dispatch *d;
    pending *list;
    size_t n;
    pending *again; /* the debtor moved: decide again */
    size_t again_n;
} intents;

/* The worker shall forget it; the reminder goes back as soon as the store takes it. */
static void take_back(dispatch *d, flight *f, const char *why)
{
    port_abort(d, f, why);
    port_release(f);
    f->lost = true;
    f->innocent = true;
    f->since = gw_mono_now();
}

/* ---- the bytes ---- */

static bool hash_matches(gw_str bytes, gw_str claimed)
{
    uint8_t digest[DIGEST_BYTES];
    char hex[2 * sizeof digest + 1];
    digest_of(bytes.p, bytes.n, digest);
    gw_hex(digest, sizeof digest, hex);
    return gw_str_is(claimed, hex);
}

static const char *media_of(gw_str channel)
{
    return gw_str_is(channel, "email") ? "message/rfc822" : "application/octet-stream";
}

static gw_code keep_bytes(dispatch *d, flight *f, const intent_msg *im, gw_str bytes, pending *ret)
{
    gw_err err = {0};
    GW_AUTO_BUF gw_buf blobs;
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&blobs, 4096);
    gw_buf_init(&fact, 4096);
    gw_buf_putc(&blobs, '[');
    gw_code rc = evidence_blob_put(d->cfg.evidence, f->source, f->debtor, f->case_id, "message",
                                   media_of(f->channel), bytes, &blobs, &err);
    gw_buf_putc(&blobs, ']');
    if (rc != GW_OK) {
        gw_log(GW_LOG_ERROR, "message bytes not stored: nothing is sent", "code=%s text=\"%s\"",
               gw_code_name(rc), err.text);
        return rc;
    }
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "sha256", im->sha256);
    json_put_member_int(&fact, "bytes", (int64_t)bytes.n);
    json_put_member_str(&fact, "message_id", im->message_id);
    json_put_member_str(&fact, "template_version", f->template_version);
    char *b = gw_arena_copy(d->arena, gw_buf_str(&blobs));
    char *t = gw_arena_copy(d->arena, gw_buf_str(&fact));
    if (!b || !t)
        return GW_ENOMEM;
    *ret = (pending){f, {b, blobs.n}, {t + 1, fact.n - 1}}; /* members only: change.c adds braces */
    return GW_OK;
}

/* NULL when it is not this gateway's to carry on any more; the worker was told, or is gone. */
static flight *flight_of(const dispatch *d, const intent_msg *im)
{
    flight *f = flight_find(&d->flights, &im->rid);
    bool good =
        f && gw_str_is(im->tok, f->tok) && f->state == LIFE_CLAIMED && f->worker && !f->lost;
    return good ? f : NULL;
}

static void collect(intents *in)
{
    dispatch *d = in->d;
    for (size_t i = 0; i < d->intent_n; i++) {
        intent_msg *im = &d->intents[i];
        gw_str bytes = {zmq_msg_data(&im->bytes), zmq_msg_size(&im->bytes)};
        flight *f = flight_of(d, im);
        if (!f)
            continue;
        d->status.intents++;
        if (!hash_matches(bytes, im->sha256)) {
            gw_log(GW_LOG_ERROR, "intent's hash is not that of its bytes", NULL);
            take_back(d, f, "hash-mismatch");
            f->innocent = false;
        } else if (!core_may_send(d)) {
            take_back(d, f, "not-now");
        } else if (keep_bytes(d, f, im, bytes, &in->list[in->n]) != GW_OK) {
            take_back(d, f, "evidence");
        } else {
            in->n++;
        }
    }
}

static bool sync_bytes(intents *in)
{
    gw_err err = {0};
    gw_code rc = in->n ? evidence_blob_sync(in->d->cfg.evidence, &err) : GW_OK;
    if (rc == GW_OK)
        return true;
    gw_log(GW_LOG_ERROR, "message bytes not durable: nothing is sent", "code=%s text=\"%s\"",
           gw_code_name(rc), err.text);
    for (size_t i = 0; i < in->n; i++)
        take_back(in->d, in->list[i].f, "evidence");
    return false;
}

/* ---- GO ---- */

static void give_go(dispatch *d, flight *f)
{
    worker *w = f->worker;
    wire_header h = {
        .type = WIRE_GO,
        .go = {{gw_str_of(f->rid_text), f->attempt, gw_str_of(f->tok)}, core_now(d).ms}};
    flight_set_state(&d->flights, f, LIFE_SENDING);
    f->version++;
    f->since = gw_mono_now();
    f->go = w && port_send(d, w->identity, w->identity_n, &h, (gw_str){NULL, 0}) == GW_OK;
    d->status.gos += f->go;
    if (!f->go) { /* certainly not given, so certainly nothing left */
        port_release(f);
        f->lost = f->unsent = true;
    }
    GW_CRASH_POINT("go-sent");
}

static void settle(intents *in, const pending *p, state_verdict verdict)
{
    dispatch *d = in->d;
    switch (verdict) {
    case STATE_OK:
        give_go(d, p->f);
        break;
    case STATE_DEBTOR_MOVED:
        in->again[in->again_n++] = *p;
        break;
    case STATE_UNKNOWN: /* durable or not: it was not given GO, and will not be */
        take_back(d, p->f, "store");
        p->f->unsure = true;
        break;
    case STATE_FENCED:
    case STATE_STALE: /* cancelled, or somebody else's now */
    case STATE_CAPPED:
        port_abort(d, p->f, "withdrawn");
        core_drop(d, p->f);
        break;
    }
}

static void commit(intents *in, const pending *list, size_t n)
{
    dispatch *d = in->d;
    state_txn *txns = gw_arena_alloc(d->arena, (n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *verdicts);
    gw_err err = {0};
    bool good = txns && verdicts;
    for (size_t i = 0; i < n && good; i++) {
        flight *f = list[i].f;
        view_reminder r;
        flight_view(f, &r);
        change c = core_change(d, &f->did, "");
        c.debtor_version = f->debtor_version;
        c.fact = list[i].fact;
        c.blobs = list[i].blobs;
        c.priv = f->to;
        life_move move;
        bool moved;
        good = change_build(&c, &r, ON_INTENT, d->arena, &txns[i], &move, &moved, &err) == GW_OK;
    }
    if (!good) {
        for (size_t i = 0; i < n; i++)
            take_back(d, list[i].f, "memory");
        return;
    }
    core_apply(d, txns, n, verdicts, "intent");
    GW_CRASH_POINT("intent-after-commit");
    for (size_t i = 0; i < n; i++)
        settle(in, &list[i], verdicts[i]);
}

/* ---- deciding again ---- */

/* What the moved debtor means for a claimed reminder: go on with its new version, or take it back
 * with the decision as reason. */
static bool still_allowed(dispatch *d, const loaded *l, flight *f, state_txn *ret, bool *ret_txn)
{
    gw_err err = {0};
    *ret_txn = false;
    if (l->code == GW_ENOTFOUND || l->r.version != f->version) {
        port_abort(d, f, "withdrawn");
        core_drop(d, f);
        return false;
    }
    if (core_undecidable(d, l, ret)) {
        *ret_txn = true;
        return false;
    }
    decide_context ctx = core_decide_context(d);
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    if (!decided || decide(&ctx, l->d, &l->r, core_now(d), d->arena, decided, &err) != GW_OK) {
        take_back(d, f, "undecided");
        return false;
    }
    if (decided->on == ON_PLAN && decided->now) {
        f->debtor_version = l->d->version;
        return true;
    }
    bool nothing;
    *ret_txn = core_decided(d, l, decided, ret, &nothing, &err) == GW_OK && !nothing;
    if (!*ret_txn)
        take_back(d, f, "undecided");
    return false;
}

static void decide_again(intents *in)
{
    dispatch *d = in->d;
    size_t n = in->again_n;
    pending *allowed = gw_arena_alloc(d->arena, (n + 1) * sizeof *allowed);
    flight **stopped = gw_arena_alloc(d->arena, (n + 1) * sizeof *stopped);
    state_txn *txns = gw_arena_alloc(d->arena, (n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *verdicts);
    state_ref *refs = gw_arena_alloc(d->arena, (n + 1) * sizeof *refs);
    size_t allowed_n = 0, stopped_n = 0;
    loaded *list = NULL;
    gw_err err = {0};
    if (!n)
        return;
    bool good = allowed && stopped && txns && verdicts && refs;
    for (size_t i = 0; i < n && good; i++)
        refs[i] = (state_ref){in->again[i].f->rid, in->again[i].f->shard};
    if (!good ||
        !core_store(d,
                    load_reminders(d->store, d->cfg.id_key, refs, n, true, d->arena, &list, &err),
                    &err, "load")) {
        for (size_t i = 0; i < n; i++)
            take_back(d, in->again[i].f, "store");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool txn;
        flight *f = in->again[i].f;
        if (still_allowed(d, &list[i], f, &txns[stopped_n], &txn))
            allowed[allowed_n++] = in->again[i];
        else if (txn)
            stopped[stopped_n++] = f;
    }
    core_apply(d, txns, stopped_n, verdicts, "abort");
    for (size_t i = 0; i < stopped_n; i++) {
        if (verdicts[i] == STATE_OK || verdicts[i] == STATE_STALE || verdicts[i] == STATE_FENCED) {
            port_abort(d, stopped[i], "policy");
            core_drop(d, stopped[i]);
        } else {
            take_back(d, stopped[i], "policy");
        }
    }
    in->again_n = 0;
    commit(in, allowed, allowed_n);
    for (size_t i = 0; i < in->again_n; i++) /* moved once more: start over from the schedule */
        take_back(d, in->again[i].f, "debtor-moved");
}

/* The allowed interval may have ended, or a pause begun, while the worker rendered. */
static void split_late(intents *in)
{
    dispatch *d = in->d;
    gw_wall now = core_now(d);
    size_t kept = 0;
    for (size_t i = 0; i < in->n; i++) {
        flight *f = in->list[i].f;
        if (now.ms >= f->deadline_ms ||
            facts_paused(&d->control, f->channel, f->template_name, d->arena))
            in->again[in->again_n++] = in->list[i];
        else
            in->list[kept++] = in->list[i];
    }
    in->n = kept;
}

/* The steps of this turn did not come to them, because the store rests: better claimed again later
 * than a worker that waits for its answer. */
void intent_done(dispatch *d)
{
    for (size_t i = 0; i < d->intent_n; i++) {
        flight *f = d->intents_seen ? NULL : flight_of(d, &d->intents[i]);
        if (f)
            take_back(d, f, "store");
        zmq_msg_close(&d->intents[i].bytes);
    }
    d->intent_n = 0;
    d->intents_seen = false;
}

void intent_run(dispatch *d)
{
    if (d->intent_n == 0)
        return;
    d->intents_seen = true;
    intents in = {.d = d};
    in.list = gw_arena_alloc(d->arena, (d->intent_n + 1) * sizeof *in.list);
    in.again = gw_arena_alloc(d->arena, (d->intent_n + 1) * sizeof *in.again);
    if (!in.list || !in.again)
        return; /* the flights run into DISPATCH_RENDER_MS */
    collect(&in);
    if (!sync_bytes(&in))
        return;
    GW_CRASH_POINT("intent-after-blob");
    split_late(&in);
    commit(&in, in.list, in.n);
    decide_again(&in);
}
