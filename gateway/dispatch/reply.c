#include "gateway/dispatch/reply.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/base/time.h"
#include "gateway/dispatch/booker_part.h"
#include "gateway/dispatch/life.h"
#include "gateway/intake/bind.h"
#include "gateway/state/mark.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { TEXT_MAX = 16 * 1024, BLOBS_MAX = 4 * 1024, TRIES = 5 };

typedef struct {
    booker *b;
    book_item *item;
    gw_str address, channel;
    char id[GW_ID_TEXT]; /* of the reply: what it says, and from whom */
    optout_verdict says;
    bool stranger; /* no debtor has the address */
    bool confirms; /* this debtor's entry asks for the one confirmation */
    gw_id did;
    state_debtor raw;
    view_debtor debtor;
    gw_str case_id;
} reply;

/* ---- who wrote ---- */

/* E.164 where a provider leaves the plus away; a mailbox as it is. */
static gw_str normal_address(booker *b, gw_str from)
{
    char text[HOOK_WORD_MAX + 2];
    size_t digits = 0;
    if (from.n == 0 || from.n > HOOK_WORD_MAX || memchr(from.p, '@', from.n))
        return from;
    while (digits < from.n && from.p[digits] >= '0' && from.p[digits] <= '9')
        digits++;
    if (digits != from.n || from.p[0] == '0')
        return from;
    int n = snprintf(text, sizeof text, "+%.*s", GW_STR_ARG(from));
    return (gw_str){gw_arena_copy(b->arena, (gw_str){text, (size_t)n}), (size_t)n};
}

static gw_code load_debtor(reply *r, gw_err *err)
{
    gw_code rc = state_load_debtors(r->b->store, &r->did, 1, r->b->arena, &r->raw, err);
    if (rc == GW_OK && r->stranger) {
        r->debtor = (view_debtor){.did = r->did, .version = (int64_t)r->raw.debtor.version};
        return GW_OK;
    }
    return rc == GW_OK ? view_debtor_read(&r->raw, r->b->arena, &r->debtor, err) : rc;
}

/* The case of the last message that may have reached this debtor on this channel. */
static gw_code find_case(reply *r, gw_err *err)
{
    booker *b = r->b;
    gw_id *ids;
    loaded *list;
    size_t n, m = 0;
    int64_t newest = -1;
    gw_code rc = state_debtor_reminders(b->store, &r->did, true, b->arena, &ids, &n, err);
    if (rc != GW_OK)
        return rc;
    n = n < REPLY_CASE_LOOK_MAX ? n : REPLY_CASE_LOOK_MAX;
    state_ref *refs = gw_arena_alloc(b->arena, (n + 1) * sizeof *refs);
    if (!refs)
        return gw_fail(err, GW_ENOMEM, "booking a reply");
    for (; m < n; m++)
        refs[m] = (state_ref){ids[m], state_shard(&r->did)};
    rc = load_reminders(b->store, b->cfg.config->id_key, refs, n, false, b->arena, &list, err);
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        const view_reminder *v = &list[i].r;
        bool left = list[i].code == GW_OK && (v->state == LIFE_DELIVERED ||
                                              v->state == LIFE_UNKNOWN || v->state == LIFE_SENDING);
        if (!left || !gw_str_eq(v->channel, r->channel) || v->ended_ms < newest)
            continue;
        newest = v->ended_ms;
        r->case_id = v->case_id.n ? v->case_id : v->job;
    }
    return rc;
}

/* ---- what it does ---- */

static gw_code finish(gw_buf *b, const char *what, gw_err *err)
{
    gw_buf_putc(b, '}');
    return gw_buf_code(b, what, err);
}

static teller teller_of(const reply *r)
{
    const dispatch_config *c = r->b->cfg.config;
    return (teller){r->b->store, c->id_key, book_now(r->b), r->b->arena, c->apart};
}

/* Words about a single debt cannot be told apart from others by an address: wider, never narrower.
 */
static const char *scope_of(const reply *r)
{
    switch (r->says.scope) {
    case OPTOUT_ADDRESS:
        return "address";
    case OPTOUT_CHANNEL:
        return "channel";
    case OPTOUT_DEBT:
    case OPTOUT_ALL:
        break;
    }
    return "all";
}

/* The channel the words are about, where it is another than the one they came by. */
static bool is_about_another(const reply *r)
{
    const char *about = r->says.channel;
    return about && *about && !gw_str_is(r->channel, about);
}

/* What was said, as the ledger and the register have it. Its moment is that of the message, so that
 * booking it twice says the same; one that waited long, or has no moment, counts from now. */
static bind_entry entry_of(const reply *r)
{
    int64_t now = book_now(r->b).ms, came = r->item->e.rx_ms;
    bool other = is_about_another(r);
    return (bind_entry){
        .channel = other ? gw_str_of(r->says.channel) : r->channel,
        .address = r->address,
        .scope = other ? GW_STR("channel") : gw_str_of(scope_of(r)),
        .status = GW_STR("withdrawn"),
        .source = GW_STR(""),
        .said = GW_STR(BIND_SAID_REPLY),
        .at_ms = came <= now && now - came < GW_MS_PER_DAY ? came : now,
    };
}

static gw_code withdraw(reply *r, gw_err *err)
{
    GW_AUTO_BUF gw_buf body;
    char at[GW_TIME_TEXT];
    const bind_entry e = entry_of(r);
    gw_buf_init(&body, TEXT_MAX);
    gw_time_format((gw_wall){e.at_ms}, at);
    gw_buf_putc(&body, '{');
    json_put_member_str(&body, "id", gw_str_of(r->id));
    json_put_member_str(&body, "debtor", r->debtor.id);
    json_put_member_str(&body, "channel", e.channel);
    json_put_member_str(&body, "status", e.status);
    json_put_member_str(&body, "scope", e.scope);
    if (bind_entry_fits(&e))
        json_put_member_str(&body, "address", r->address);
    json_put_member_str(&body, "source", e.said);
    json_put_member_str(&body, "at", gw_str_of(at));
    /* Confirmed where it was said, and only while it is news. */
    if (r->confirms && !is_about_another(r) &&
        book_now(r->b).ms - r->item->e.rx_ms < LEDGER_CONFIRM_MS)
        json_put_member_bool(&body, "confirm", true);
    gw_code rc = finish(&body, "an opt-out", err);
    teller t = teller_of(r);
    return rc == GW_OK
               ? tell(&t, VERB_CONSENT, r->debtor.source, r->debtor.id, gw_buf_str(&body), err)
               : rc;
}

static gw_code hold(reply *r, gw_err *err)
{
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, TEXT_MAX);
    gw_buf_putc(&body, '{');
    json_put_member_str(&body, "id", gw_str_of(r->id));
    json_put_member_str(&body, "debtor", r->debtor.id);
    json_put_member_str(&body, "kind", GW_STR(REPLY_HOLD));
    json_put_member_str(&body, "state", GW_STR("set"));
    json_put_member_str(&body, "by", GW_STR("gateway"));
    json_put_member_str(&body, "reason", gw_str_of(r->says.why));
    gw_code rc = finish(&body, "a hold", err);
    teller t = teller_of(r);
    return rc == GW_OK ? tell(&t, VERB_HOLD, r->debtor.source, r->debtor.id, gw_buf_str(&body), err)
                       : rc;
}

/* ---- keeping it ---- */

static bool needs_a_person(const reply *r)
{
    return r->says.kind != OPTOUT_STOP || (r->says.also && *r->says.also);
}

static gw_str field_name(const reply *r)
{
    char text[2 + GW_ID_TEXT];
    int n = snprintf(text, sizeof text, REPLY_FIELD "%s", r->id);
    return (gw_str){gw_arena_copy(r->b->arena, (gw_str){text, (size_t)n}), (size_t)n};
}

static gw_code put_shown(const reply *r, gw_buf *b, gw_err *err)
{
    const hook_entry *e = &r->item->e;
    gw_buf_putc(b, '{');
    json_put_member_int(b, "at", e->at_ms > 0 ? e->at_ms : e->rx_ms);
    json_put_member_str(b, "channel", r->channel);
    json_put_member_str(b, "authenticity", gw_str_of(wire_auth_name(e->auth)));
    json_put_member_str(b, "class", gw_str_of(optout_kind_name(r->says.kind)));
    json_put_member_str(b, "why", gw_str_of(r->says.why ? r->says.why : ""));
    if (r->case_id.n)
        json_put_member_str(b, "case", r->case_id);
    json_put_member_str(b, "text", e->text);
    if (r->stranger)
        json_put_member_str(b, "from", r->address);
    if (needs_a_person(r))
        json_put_member_bool(b, "open", true);
    return finish(b, "a reply", err);
}

static gw_code make_record(reply *r, gw_str shown, gw_buf *fact, gw_buf *priv, gw_buf *blobs,
                           state_record *ret, gw_err *err)
{
    const hook_entry *e = &r->item->e;
    gw_buf_putc(fact, '{');
    json_put_member_str(fact, "channel", r->channel);
    book_put_facts(fact, e);
    json_put_member_str(fact, "class", gw_str_of(optout_kind_name(r->says.kind)));
    if (r->says.kind == OPTOUT_STOP)
        json_put_member_str(fact, "scope", gw_str_of(scope_of(r)));
    if (r->says.language && *r->says.language)
        json_put_member_str(fact, "language", gw_str_of(r->says.language));
    gw_buf_putc(fact, '}');
    gw_buf_putc(priv, '{');
    json_put_member_str(priv, "from", r->address);
    json_put_member_str(priv, "reply", gw_str_of(r->id));
    json_put_member_str(priv, "shown", shown); /* its text, and what a rebuild makes again */
    gw_buf_putc(priv, '}');
    gw_code rc = book_keep_raw(r->b, e, r->debtor.source, r->debtor.id, r->case_id, blobs, err);
    if (rc == GW_OK && blobs->n)
        rc = evidence_blob_sync(r->b->cfg.config->evidence, err);
    if (rc == GW_OK)
        rc = gw_buf_code(fact, "the facts of a reply", err);
    if (rc == GW_OK)
        rc = gw_buf_code(priv, "a reply", err);
    const char *why = r->says.why && *r->says.why ? r->says.why : optout_kind_name(r->says.kind);
    if (r->stranger)
        why = "unknown-sender";
    *ret = (state_record){.event = EVENT_RECEIVED,
                          .t = book_now(r->b),
                          .source = r->debtor.source,
                          .debtor = r->debtor.id,
                          .case_id = r->case_id,
                          .rid = GW_STR(""),
                          .why = gw_str_of(why),
                          .level = e->auth == WIRE_AUTH_UNSIGNED ? 1 : 4,
                          .fact = gw_buf_str(fact),
                          .priv = gw_buf_str(priv),
                          .blobs = gw_buf_str(blobs)};
    return rc;
}

/* The oldest closed reply, when there are too many; n 0 otherwise. */
static gw_str one_too_many(const reply *r)
{
    size_t count = 0;
    int64_t oldest = INT64_MAX;
    gw_str name = {NULL, 0};
    for (size_t i = 0; i < r->raw.debtor.n; i++) {
        const state_field *f = &r->raw.debtor.fields[i];
        json_doc d;
        if (f->name.n < 2 || memcmp(f->name.p, REPLY_FIELD, 2) != 0)
            continue;
        count++;
        if (json_parse(f->value, r->b->arena, &d, NULL) != GW_OK ||
            json_get_bool(&d, 0, "open", false) || json_get_int(&d, 0, "at", 0) >= oldest)
            continue;
        oldest = json_get_int(&d, 0, "at", 0);
        name = f->name;
    }
    return count >= REPLY_KEPT_MAX ? name : (gw_str){NULL, 0};
}

static gw_code store(reply *r, const state_record *record, gw_str shown, state_verdict *ret,
                     gw_err *err)
{
    state_field sets[2] = {{field_name(r), shown}};
    gw_str old = one_too_many(r);
    size_t n = 1;
    if (!sets[0].name.p)
        return gw_fail(err, GW_ENOMEM, "booking a reply");
    if (old.n)
        sets[n++] = (state_field){old, {NULL, 0}};
    state_txn txn = {.shard = state_shard(&r->did),
                     .did = &r->did,
                     .debtor_version = (int64_t)r->raw.debtor.version,
                     .debtor_sets = sets,
                     .debtor_n = n,
                     .version = -1,
                     .wake_debtor = !r->stranger,
                     .wake_at = book_now(r->b),
                     .records = record,
                     .record_n = 1};
    return state_apply(r->b->store, &txn, 1, ret, err);
}

/* Listed before it is stored: a listing that leads nowhere is skipped, one that is missing hides a
 * person's words. */
static gw_code list_open(reply *r, gw_err *err)
{
    char value[2 * GW_ID_TEXT];
    char did[GW_ID_TEXT];
    gw_id all = {{0}};
    gw_id_format(&r->did, did);
    int n = snprintf(value, sizeof value, "%s.%s", did, r->id);
    state_mark m = {state_shard(&r->did), 'q', all, {value, (size_t)n}};
    return state_mark_add(r->b->store, &m, 1, err);
}

static gw_code keep_reply(reply *r, gw_err *err)
{
    GW_AUTO_BUF gw_buf shown;
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf priv;
    GW_AUTO_BUF gw_buf blobs;
    gw_buf_init(&shown, 8 * TEXT_MAX);
    gw_buf_init(&fact, TEXT_MAX);
    gw_buf_init(&priv, 16 * TEXT_MAX);
    gw_buf_init(&blobs, BLOBS_MAX);
    state_record record;
    gw_code rc = put_shown(r, &shown, err);
    if (rc == GW_OK)
        rc = make_record(r, gw_buf_str(&shown), &fact, &priv, &blobs, &record, err);
    if (rc == GW_OK && needs_a_person(r))
        rc = list_open(r, err);
    for (int i = 0; i < TRIES && rc == GW_OK; i++) {
        state_verdict verdict;
        rc = load_debtor(r, err); /* the ledger has moved it */
        if (rc == GW_OK)
            rc = store(r, &record, gw_buf_str(&shown), &verdict, err);
        if (rc == GW_OK && verdict == STATE_OK)
            return GW_OK;
    }
    return rc == GW_OK ? gw_fail(err, GW_EBUSY, "a debtor keeps moving") : rc;
}

/* ---- one debtor, one message ---- */

static gw_code answer_debtor(reply *r, gw_err *err)
{
    gw_code rc = load_debtor(r, err);
    if (rc != GW_OK || r->debtor.version == 0)
        return rc;
    gw_str name = field_name(r);
    if (!name.p)
        return gw_fail(err, GW_ENOMEM, "booking a reply");
    if (state_get(&r->raw.debtor, name.p).p)
        return GW_OK; /* all of it was done before */
    rc = find_case(r, err);
    if (rc == GW_OK && r->says.kind == OPTOUT_STOP)
        rc = withdraw(r, err);
    GW_CRASH_POINT("reply-after-withdraw");
    if (rc == GW_OK && (r->says.kind == OPTOUT_REVIEW || (r->says.also && *r->says.also)))
        rc = hold(r, err);
    return rc == GW_OK ? keep_reply(r, err) : rc;
}

static void classify(reply *r)
{
    if (r->b->cfg.words)
        optout_classify(r->b->cfg.words, r->item->e.text, &r->says);
    else
        r->says = (optout_verdict){OPTOUT_REVIEW, OPTOUT_ADDRESS, "", "no-words", "", ""};
    /* Nobody vouches for an unsigned message: closed all the same, but a person looks at it. */
    if (r->item->e.auth == WIRE_AUTH_UNSIGNED && r->says.kind == OPTOUT_STOP &&
        !(r->says.also && *r->says.also))
        r->says.also = "unsigned";
}

/* The reminder's own id is not in it: the same words again, from the same number at the same
 * moment, are the same message. */
static void name_reply(reply *r)
{
    gw_id id;
    hook_entry_digest(&r->item->e, &id);
    gw_id_format(&id, r->id);
}

/* ---- an address nobody here has ---- */

/* What a stranger said binds the address all the same, for every debtor who will have it. The
 * record is the only trace of it in the log: it carries what a rebuild needs. */
static gw_code bind_stranger(reply *r, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf priv;
    const bind_entry e = entry_of(r);
    char at[GW_TIME_TEXT];
    gw_buf_init(&fact, TEXT_MAX);
    gw_buf_init(&priv, TEXT_MAX);
    gw_time_format((gw_wall){e.at_ms}, at);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "channel", e.channel);
    json_put_member_str(&fact, "status", e.status);
    json_put_member_str(&fact, "scope", e.scope);
    json_put_member_str(&fact, "at", gw_str_of(at));
    gw_buf_puts(&priv, "{\"register\":");
    gw_code rc = bind_entry_write(&e, &priv, err);
    json_put_member_str(&priv, "address", e.address);
    if (rc == GW_OK)
        rc = finish(&fact, "the facts of an opt-out", err);
    if (rc == GW_OK)
        rc = finish(&priv, "an opt-out", err);
    const state_record record = {.event = EVENT_CONSENT,
                                 .t = book_now(r->b),
                                 .source = GW_STR(""),
                                 .debtor = GW_STR(""),
                                 .case_id = GW_STR(""),
                                 .rid = GW_STR(""),
                                 .why = GW_STR("unknown-sender"),
                                 .fact = gw_buf_str(&fact),
                                 .priv = gw_buf_str(&priv)};
    teller t = teller_of(r);
    return rc == GW_OK ? bind_put(&t, &e, &record, err) : rc;
}

/* Debtors who have the address. A stop is in the register before they are looked for, so that one
 * who is being stored at this moment is not missed (bind.h). */
static gw_code find_debtors(reply *r, gw_str **ret, size_t *ret_n, gw_err *err)
{
    booker *b = r->b;
    gw_id key;
    state_mark_address(b->cfg.config->id_key, r->address, &key);
    gw_code rc = state_mark_debtors(b->store, &key, b->arena, ret, ret_n, err);
    if (rc != GW_OK || r->says.kind != OPTOUT_STOP)
        return rc;
    const bind_entry e = entry_of(r);
    teller t = teller_of(r);
    rc = *ret_n ? bind_put(&t, &e, NULL, err) : bind_stranger(r, err);
    GW_CRASH_POINT("reply-after-register");
    return rc == GW_OK ? state_mark_debtors(b->store, &key, b->arena, ret, ret_n, err) : rc;
}

/* Kept for people under the address itself (reply.h): whoever wrote may be a debtor with a new
 * number, or somebody who is called by mistake. */
static gw_code keep_stranger(reply *r, gw_err *err)
{
    r->stranger = true;
    r->case_id = (gw_str){NULL, 0};
    load_debtor_id(r->b->cfg.config->id_key, GW_STR(""), r->address, &r->did);
    gw_code rc = load_debtor(r, err);
    gw_str name = field_name(r);
    if (rc == GW_OK && !name.p)
        rc = gw_fail(err, GW_ENOMEM, "booking a reply");
    if (rc == GW_OK && !state_get(&r->raw.debtor, name.p).p)
        rc = keep_reply(r, err);
    if (rc != GW_OK)
        return rc;
    tally_add("dunlin_replies_total", "class", gw_str_of(optout_kind_name(r->says.kind)),
              "provider", r->item->e.provider, 1);
    r->item->verdict = BOOK_DONE;
    return GW_OK;
}

gw_code book_reply(booker *b, book_item *item, gw_err *err)
{
    gw_str *found;
    size_t n;
    uint64_t shards = 0;
    reply r = {.b = b, .item = item, .address = normal_address(b, item->e.from)};
    if (!r.address.p)
        return item->e.from.p ? gw_fail(err, GW_ENOMEM, "booking a reply")
                              : book_stray(b, item, "no-sender", err);
    r.channel = memchr(r.address.p, '@', r.address.n) ? GW_STR("email") : GW_STR("sms");
    classify(&r);
    name_reply(&r);
    gw_code rc = find_debtors(&r, &found, &n, err);
    if (rc != GW_OK)
        return rc;
    if (n == 0) {
        gw_log(GW_LOG_WARN, "a reply of a number nobody here has; dunlin reply list shows it",
               NULL);
        return keep_stranger(&r, err);
    }
    r.confirms = true;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        if (gw_id_parse(found[i], &r.did, NULL) != GW_OK)
            continue;
        r.case_id = (gw_str){NULL, 0};
        shards |= UINT64_C(1) << state_shard(&r.did);
        rc = answer_debtor(&r, err);
        if (rc == GW_ECORRUPT || rc == GW_EINVAL || rc == GW_ECONFLICT) {
            gw_log(GW_LOG_ERROR, "a reply could not be booked; a person must look", "code=%s",
                   gw_code_name(rc));
            return book_stray(b, item, "not-booked", err);
        }
        r.confirms = r.confirms && r.debtor.version == 0; /* one person, one confirmation */
    }
    if (rc != GW_OK)
        return rc;
    tally_add("dunlin_replies_total", "class", gw_str_of(optout_kind_name(r.says.kind)), "provider",
              item->e.provider, 1);
    if (b->cfg.dispatch)
        dispatch_wake(b->cfg.dispatch, shards);
    item->verdict = BOOK_DONE;
    return GW_OK;
}
