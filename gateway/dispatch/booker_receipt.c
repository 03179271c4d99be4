#include "gateway/dispatch/booker_part.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/dispatch/booker_ask.h"
#include "gateway/dispatch/change.h"
#include "gateway/dispatch/person.h"
#include "gateway/state/mark.h"
#include "gateway/state/receipt.h"
#include "gateway/wire/event.h"

enum { FACT_MAX = 16 * 1024, BLOBS_MAX = 4 * 1024 };

/* Own scale of evidence: 1 said by somebody, 2 said by the carrier, 3 the carrier says it arrived.
 */
enum { LEVEL_SAID = 1, LEVEL_CARRIER = 2, LEVEL_ARRIVED = 3 };

/* ---- which reminder ---- */

static bool place_by_own(book_item *it, gw_str own)
{
    it->placed = wire_own_parse(own, &it->ref.shard, &it->ref.rid, &it->attempt);
    return it->placed;
}

/* The outcome that names this id may still be on its way to us. */
static gw_code not_found(booker *b, book_item *it, gw_err *err)
{
    const hook_entry *e = &it->e;
    if (!e->ref.n)
        return book_stray(b, it, e->own.n ? "foreign-reference" : "no-reference", err);
    return book_is_old(b, e) ? book_stray(b, it, "unmatched", err) : GW_OK;
}

static bool is_wanted(const book_item *it)
{
    return it->e.kind != ENTRY_INBOUND && it->verdict != BOOK_DONE;
}

/* By our own reference, else by the provider's id: all of these in one question. */
static gw_code place_all(booker *b, book_item *items, size_t n, gw_err *err)
{
    gw_id *keys = gw_arena_alloc(b->arena, (n + 1) * sizeof *keys);
    gw_str *found = gw_arena_alloc(b->arena, (n + 1) * sizeof *found);
    book_item **of = gw_arena_alloc(b->arena, (n + 1) * sizeof(book_item *));
    size_t m = 0;
    if (!keys || !found || !of)
        return gw_fail(err, GW_ENOMEM, "booking receipts");
    for (size_t i = 0; i < n; i++) {
        const hook_entry *e = &items[i].e;
        if (!is_wanted(&items[i]) || place_by_own(&items[i], e->own) || !e->ref.n)
            continue;
        state_mark_provider(b->cfg.config->id_key, e->provider, e->ref, &keys[m]);
        of[m++] = &items[i];
    }
    gw_code rc = state_mark_lookup(b->store, keys, m, b->arena, found, err);
    for (size_t i = 0; i < m && rc == GW_OK; i++)
        (void)place_by_own(of[i], found[i]);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        if (is_wanted(&items[i]) && !items[i].placed)
            rc = not_found(b, &items[i], err);
    return rc;
}

/* ---- the booking of one receipt ---- */

static gw_str copy_of(booker *b, const gw_buf *text)
{
    char *p = text->code == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(text)) : NULL;
    return (gw_str){p, p ? text->n : 0};
}

static int level_of(const hook_entry *e)
{
    if (e->auth == WIRE_AUTH_UNSIGNED)
        return LEVEL_SAID;
    return e->state == WIRE_RECEIPT_DELIVERED ? LEVEL_ARRIVED : LEVEL_CARRIER;
}

/* The delivery state as it is from now on, for a rebuild. */
static gw_str private_state(booker *b, gw_str after)
{
    GW_AUTO_BUF gw_buf priv;
    gw_buf_init(&priv, 2 * DELIVERY_TEXT_MAX);
    gw_buf_putc(&priv, '{');
    json_put_member_str(&priv, "y", after);
    gw_buf_putc(&priv, '}');
    return copy_of(b, &priv);
}

static gw_code make_record(booker *b, const book_item *it, const char *why, gw_str state_after,
                           state_record *ret, gw_err *err)
{
    const view_reminder *r = &it->l->r;
    gw_str case_id = r->case_id.n ? r->case_id : r->job;
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf blobs;
    char rid[GW_ID_TEXT];
    gw_buf_init(&fact, FACT_MAX);
    gw_buf_init(&blobs, BLOBS_MAX);
    gw_id_format(&r->rid, rid);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "channel", r->channel);
    book_put_facts(&fact, &it->e);
    json_put_member_str(&fact, "delivery", gw_str_of(wire_receipt_state_name(it->known.state)));
    if (it->known.contradicted)
        json_put_member_bool(&fact, "contradicted", true);
    gw_buf_putc(&fact, '}');
    gw_code rc = gw_buf_code(&fact, "the facts of a receipt", err);
    if (rc == GW_OK)
        rc = book_keep_raw(b, &it->e, r->source, r->debtor, case_id, &blobs, err);
    if (rc != GW_OK)
        return rc;
    *ret = (state_record){.event = EVENT_RECEIVED,
                          .t = book_now(b),
                          .source = r->source,
                          .debtor = r->debtor,
                          .case_id = case_id,
                          .rid = {gw_arena_copy(b->arena, gw_str_of(rid)), GW_ID_TEXT - 1},
                          .attempt = it->attempt,
                          .why = gw_str_of(why),
                          .level = level_of(&it->e),
                          .fact = copy_of(b, &fact),
                          .priv = private_state(b, state_after),
                          .blobs = copy_of(b, &blobs)};
    return ret->rid.p && ret->fact.p && ret->priv.p ? GW_OK
                                                    : gw_fail(err, GW_ENOMEM, "booking a receipt");
}

static gw_code make_booking(booker *b, book_item *it, const char *why, state_booking *ret,
                            gw_err *err)
{
    GW_AUTO_BUF gw_buf after;
    gw_buf_init(&after, DELIVERY_TEXT_MAX);
    state_record *record = gw_arena_alloc(b->arena, sizeof *record);
    if (!record)
        return gw_fail(err, GW_ENOMEM, "booking a receipt");
    gw_code rc = delivery_write(&it->known, &after, err);
    if (rc != GW_OK)
        return rc;
    gw_str text = copy_of(b, &after);
    if (!text.p)
        return gw_fail(err, GW_ENOMEM, "booking a receipt");
    *ret = (state_booking){it->ref.shard, it->ref.rid, it->before, text, record};
    return make_record(b, it, why, text, record, err);
}

static void count_lag(const booker *b, const hook_entry *e)
{
    static const int64_t bounds_s[] = {1, 5, 30, 300, 3600, 86400};
    static const char *const names[] = {"1", "5", "30", "300", "3600", "86400"};
    int64_t lag = book_now(b).ms - (e->at_ms > 0 ? e->at_ms : e->rx_ms);
    lag = lag > 0 ? lag : 0;
    for (size_t i = 0; i < GW_COUNT(bounds_s); i++)
        if (lag <= bounds_s[i] * 1000)
            tally_add("dunlin_receipt_lag_seconds_bucket", "provider", e->provider, "le",
                      gw_str_of(names[i]), 1);
    tally_add("dunlin_receipt_lag_seconds_bucket", "provider", e->provider, "le", GW_STR("+Inf"),
              1);
    tally_add("dunlin_receipt_lag_seconds_sum", "provider", e->provider, NULL, GW_STR(""),
              lag / 1000);
    tally_add("dunlin_receipt_lag_seconds_count", "provider", e->provider, NULL, GW_STR(""), 1);
}

/* ---- what it means for the reminder's life ---- */

/* True: a transition to apply. *ret_wait: its outcome is still to come. */
static bool life_txn(booker *b, const book_item *it, state_txn *ret, bool *ret_wait)
{
    const view_reminder *r = &it->l->r;
    life_move move;
    bool moved;
    gw_err err;
    life_event on = delivery_life_event(&it->known, (life_state)r->state, r->attempts, ret_wait);
    if (on == LIFE_EVENT_COUNT || !life_step((life_state)r->state, on, &move))
        return false;
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, FACT_MAX);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "receipt", gw_str_of(wire_receipt_state_name(it->known.state)));
    json_put_member_str(&fact, "authenticity", gw_str_of(wire_auth_name(it->known.auth)));
    gw_str text = copy_of(b, &fact);
    if (!text.p)
        return false;
    change c = {.now = book_now(b),
                .shard = it->ref.shard,
                .did = &it->l->did,
                .debtor_version = -1,
                .why = "receipt",
                .fact = {text.p + 1, text.n - 1},
                .outcome = true};
    if (change_build(&c, r, on, b->arena, ret, &move, &moved, &err) != GW_OK)
        return false;
    if (move.then == LIFE_DELIVERED && r->kind == 'l') { /* the tone it reached counts */
        ret->wake_debtor = true;
        ret->wake_at = c.now;
    }
    return true;
}

static gw_code live(booker *b, book_item **list, size_t n, gw_err *err)
{
    state_txn *txns = gw_arena_alloc(b->arena, (n + 1) * sizeof *txns);
    state_verdict *verdicts = gw_arena_alloc(b->arena, (n + 1) * sizeof *verdicts);
    book_item **of = gw_arena_alloc(b->arena, (n + 1) * sizeof(book_item *));
    size_t m = 0;
    if (!txns || !verdicts || !of)
        return gw_fail(err, GW_ENOMEM, "booking receipts");
    for (size_t i = 0; i < n; i++) {
        bool wait = false;
        book_item *it = list[i];
        if (it->moved || it->verdict == BOOK_DONE || it->e.kind == ENTRY_ASK)
            continue;
        bool claim = it->e.auth == WIRE_AUTH_UNSIGNED && it->known.claimed != WIRE_RECEIPT_NONE;
        if (life_txn(b, it, &txns[m], &wait))
            of[m++] = it;
        else if (!wait && !claim)
            it->verdict = BOOK_DONE;
    }
    gw_code rc = m ? person_apply(b->store, txns, m, verdicts, err) : GW_OK;
    uint64_t shards = 0;
    for (size_t i = 0; i < m; i++)
        shards |= UINT64_C(1) << of[i]->ref.shard;
    for (size_t i = 0; i < m && rc == GW_OK; i++)
        if (verdicts[i] == STATE_OK) /* else it moved meanwhile: the next pass reads again */
            of[i]->verdict = BOOK_DONE;
    if (m && rc == GW_OK && b->cfg.dispatch)
        dispatch_wake(b->cfg.dispatch, shards);
    return rc;
}

/* ---- one round: different reminders ---- */

/* Read what is known and fold. False: finished with (or left for later) without a booking. */
static gw_code fold_item(booker *b, book_item *it, bool *ret_book, gw_err *err)
{
    *ret_book = false;
    if (it->l->code == GW_ENOTFOUND)
        return book_stray(b, it, "no-such-reminder", err);
    if (it->attempt > it->l->r.attempts)
        return book_stray(b, it, "no-such-attempt", err);
    it->before = it->l->r.delivery;
    gw_code rc = delivery_read(it->before, b->arena, &it->known, err);
    if (rc == GW_ECORRUPT) {
        gw_log(GW_LOG_ERROR, "a delivery state cannot be read; receipts of it are kept aside",
               "shard=%d", it->ref.shard);
        return book_stray(b, it, "state-unreadable", err);
    }
    if (rc != GW_OK)
        return rc;
    if (it->e.kind == ENTRY_ASK)
        return GW_OK;
    it->effect = delivery_fold(&it->known, &it->e, it->attempt);
    bool given_up = it->effect == DELIVERY_REPEAT && it->e.auth == WIRE_AUTH_UNSIGNED &&
                    it->known.claimed != WIRE_RECEIPT_NONE && book_is_old(b, &it->e);
    if (given_up)
        it->known.claimed = WIRE_RECEIPT_NONE;
    *ret_book = it->effect != DELIVERY_REPEAT || given_up;
    return GW_OK;
}

static const char *why_of(const book_item *it)
{
    return it->effect == DELIVERY_REPEAT ? "unconfirmed" : delivery_effect_name(it->effect);
}

static gw_code book(booker *b, book_item **list, size_t n, gw_err *err)
{
    state_booking *bookings = gw_arena_alloc(b->arena, (n + 1) * sizeof *bookings);
    state_verdict *verdicts = gw_arena_alloc(b->arena, (n + 1) * sizeof *verdicts);
    book_item **of = gw_arena_alloc(b->arena, (n + 1) * sizeof(book_item *));
    size_t m = 0;
    gw_code rc = bookings && verdicts && of ? GW_OK : gw_fail(err, GW_ENOMEM, "booking receipts");
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        bool write;
        rc = fold_item(b, list[i], &write, err);
        if (rc == GW_OK && write)
            rc = make_booking(b, list[i], why_of(list[i]), &bookings[m], err);
        if (rc == GW_OK && write)
            of[m++] = list[i];
    }
    if (rc == GW_OK && m)
        rc = evidence_blob_sync(b->cfg.config->evidence, err);
    GW_CRASH_POINT("booker-before-book");
    if (rc == GW_OK && m)
        rc = state_book_receipts(b->store, bookings, m, verdicts, err);
    if (rc != GW_OK)
        return rc;
    GW_CRASH_POINT("booker-after-book");
    for (size_t i = 0; i < m; i++) {
        of[i]->moved = verdicts[i] != STATE_OK;
        if (of[i]->moved)
            continue;
        tally_add("dunlin_receipts_total", "provider", of[i]->e.provider, "effect",
                  gw_str_of(why_of(of[i])), 1);
        count_lag(b, &of[i]->e);
    }
    return live(b, list, n, err);
}

static gw_code load(booker *b, book_item **list, size_t n, gw_err *err)
{
    state_ref *refs = gw_arena_alloc(b->arena, (n + 1) * sizeof *refs);
    loaded *found;
    if (!refs)
        return gw_fail(err, GW_ENOMEM, "booking receipts");
    for (size_t i = 0; i < n; i++)
        refs[i] = list[i]->ref;
    gw_code rc =
        load_reminders(b->store, b->cfg.config->id_key, refs, n, false, b->arena, &found, err);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        list[i]->l = &found[i];
    return rc;
}

/* The first entry of each reminder that was not looked at yet. */
static size_t next_round(book_item *items, size_t n, book_item **ret)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        book_item *it = &items[i];
        bool twice = false;
        if (!it->placed || it->l || it->verdict == BOOK_DONE)
            continue;
        for (size_t k = 0; k < m && !twice; k++)
            twice = memcmp(ret[k]->ref.rid.b, it->ref.rid.b, sizeof it->ref.rid.b) == 0;
        if (!twice)
            ret[m++] = it;
    }
    return m;
}

/* What still waits for a word of the provider. */
static gw_code ask_about(booker *b, book_item *items, size_t n, gw_err *err)
{
    gw_code rc = GW_OK;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        book_item *it = &items[i];
        if (!it->l || it->moved || it->verdict == BOOK_DONE)
            continue;
        bool asks = it->e.kind == ENTRY_ASK;
        if (asks && (it->l->r.state != LIFE_UNKNOWN || book_is_old(b, &it->e)))
            it->verdict = BOOK_DONE;
        else if (asks || it->known.claimed != WIRE_RECEIPT_NONE)
            rc = booker_ask(b, it, err);
    }
    return rc;
}

gw_code book_receipts(booker *b, book_item *items, size_t n, gw_err *err)
{
    book_item **list = gw_arena_alloc(b->arena, (n + 1) * sizeof(book_item *));
    gw_code rc = list ? GW_OK : gw_fail(err, GW_ENOMEM, "booking receipts");
    if (rc == GW_OK)
        rc = place_all(b, items, n, err);
    for (size_t m; rc == GW_OK && (m = next_round(items, n, list)) > 0;) {
        rc = load(b, list, m, err);
        if (rc == GW_OK)
            rc = book(b, list, m, err);
    }
    return rc == GW_OK ? ask_about(b, items, n, err) : rc;
}
