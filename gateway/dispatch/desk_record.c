/* desk_record.c - what became of a task, with all it triggers, as one transition.
 *
 * What an outcome triggers are events of intake's ledger, as if billing had sent them: a promise, a
 * dispute, a hold, a withdrawn consent, a suppressed number. They are folded into the debtor as it
 * was read and committed together with the outcome: either everything is on record or nothing is.
 *
 * Idempotent by the body's id: the same body again is a duplicate, another body under it a
 * conflict. */
#include "gateway/dispatch/desk.h"
#include "gateway/dispatch/person.h"

#include "gateway/base/crash.h"
#include "gateway/dispatch/desk_excuse.h"
#include "gateway/intake/verdict.h"

#include <stdio.h>

/* Nobody asks to be called in half a year; a mistyped year would say so. */
enum { CALL_BACK_DAYS = 60, MEMORY_MAX = 64 * 1024 };
#define SAID_TO "call desk"

/* One record being booked. */
typedef struct {
    desk *k;
    const json_doc *body;
    gw_buf *ret;
    const desk_outcome *o;
    gw_str sum;
    int64_t call_back_ms;
    loaded *l;
    desk_memory m;
    decision *decided;
    state_debtor *debtor; /* as read, then as the folds leave it */
    ledger_join j;
    bool rejected; /* the verdict is written */
} booking;

static gw_code no_memory(const booking *b)
{
    return gw_fail(b->k->err, GW_ENOMEM, "recording an outcome: out of memory");
}

static gw_code reject(booking *b, const char *code, const char *reason, const char *pointer)
{
    verdict_rejected(b->ret, code, reason, pointer);
    b->rejected = true;
    return GW_OK;
}

/* ---- what is asked ---- */

static const struct {
    const char *member, *pointer;
    desk_trigger trigger;
    bool needed;
} members[] = {
    {"promise_date", "/promise_date", DESK_PROMISE, true},
    {"promise_amount_minor", "/promise_amount_minor", DESK_PROMISE, false},
    {"currency", "/currency", DESK_PROMISE, false},
    {"call_back_at", "/call_back_at", DESK_CALL_BACK, true},
    {"scope", "/scope", DESK_STOP, false},
};

/* A letter without its number cannot be followed. */
static gw_code check_courier(booking *b)
{
    static const char *const names[] = {"courier", "courier_number"};
    static const char *const pointers[] = {"/courier", "/courier_number"};
    bool posted = strcmp(b->o->name, "posted") == 0;
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        bool there = json_member(b->body, 0, names[i]) != 0;
        if (there != posted)
            return reject(b, "invalid",
                          posted ? "this outcome needs that member"
                                 : "this outcome has no such member",
                          pointers[i]);
    }
    return GW_OK;
}

static gw_code check_members(booking *b)
{
    for (size_t i = 0; i < GW_COUNT(members); i++) {
        bool there = json_member(b->body, 0, members[i].member) != 0;
        bool mine = b->o->trigger == members[i].trigger;
        if (there && !mine)
            return reject(b, "invalid", "this outcome has no such member", members[i].pointer);
        if (mine && members[i].needed && !there)
            return reject(b, "invalid", "this outcome needs that member", members[i].pointer);
    }
    return GW_OK;
}

/* What is promised needs somebody to whom, and a day. */
static gw_code check_statement(booking *b)
{
    bool by = json_member(b->body, 0, "statement_by") != 0;
    if (by && !desk_statement_fits(b->o))
        return reject(b, "invalid", "this outcome has no such member", "/statement_by");
    if (!by && json_member(b->body, 0, "statement_how"))
        return reject(b, "invalid", "a statement is promised for a day", "/statement_by");
    return GW_OK;
}

static gw_code check_call_back(booking *b)
{
    gw_wall t;
    gw_str at = json_get_str(b->body, 0, "call_back_at");
    if (!at.n)
        return GW_OK;
    int64_t now = b->k->ask->now.ms;
    if (gw_time_parse(at, &t, NULL) != GW_OK || t.ms <= now ||
        t.ms > now + CALL_BACK_DAYS * GW_MS_PER_DAY)
        return reject(b, "invalid", "a moment ahead is needed, at most 60 days", "/call_back_at");
    b->call_back_ms = t.ms;
    return GW_OK;
}

static gw_code check_words(booking *b)
{
    gw_str excuse = json_get_str(b->body, 0, "excuse");
    gw_str consent = json_get_str(b->body, 0, "recording_consent");
    const desk_excuses *known = b->k->q->excuses;
    if (excuse.n && known && !desk_excuse_known(known, excuse))
        return reject(b, "invalid", "no such excuse code; `dunlin calls codes` lists them",
                      "/excuse");
    if (json_member(b->body, 0, "recording_sha256") && !gw_str_is(consent, "yes"))
        return reject(b, "refused", "a recording is kept only with the debtor's recorded consent",
                      "/recording_sha256");
    return GW_OK;
}

static gw_code check_body(booking *b)
{
    b->o = desk_outcome_named(json_get_str(b->body, 0, "outcome"));
    if (!b->o)
        return reject(b, "invalid",
                      "outcome must be one of the closed list; `dunlin calls codes` "
                      "shows it",
                      "/outcome");
    gw_code rc = check_members(b);
    if (rc == GW_OK && !b->rejected)
        rc = check_statement(b);
    if (rc == GW_OK && !b->rejected)
        rc = check_call_back(b);
    if (rc == GW_OK && !b->rejected)
        rc = check_courier(b);
    if (rc == GW_OK && !b->rejected)
        rc = check_words(b);
    return rc;
}

/* What only the task itself tells. */
static gw_code check_task(booking *b)
{
    if (!desk_outcome_fits(b->o, b->l->r.channel))
        return reject(b, "invalid", "a task of this channel cannot end like that", "/outcome");
    if (b->o->right_party && !b->m.confirmed && !json_get_bool(b->body, 0, "right_party", false))
        return reject(
            b, "invalid",
            "only the right party can say that: record right_party=true if you made sure, "
            "else wrong-party",
            "/right_party");
    return GW_OK;
}

/* ---- the events it triggers ---- */

static gw_str item_of(const booking *b)
{
    gw_str named = json_get_str(b->body, 0, "item");
    const view_item *own = b->decided->facts.item;
    return named.n ? named : own ? own->id : (gw_str){NULL, 0};
}

static void begin(booking *b)
{
    GW_AUTO_BUF gw_buf id;
    gw_buf_init(&id, STATE_NAME_MAX);
    gw_buf_puts(&id, "call:");
    gw_buf_put_str(&id, json_get_str(b->body, 0, "id"));
    ledger_join_begin(&b->j, gw_buf_str(&id), "");
}

static gw_code trigger_promise(booking *b)
{
    gw_buf *e = &b->j.body;
    const view_item *own = b->decided->facts.item;
    gw_str item = item_of(b);
    gw_str currency = json_get_str(b->body, 0, "currency");
    int64_t amount = json_get_int(b->body, 0, "promise_amount_minor", 0);
    if (amount && !currency.n && own && gw_str_eq(own->id, item))
        currency = own->currency;
    if (amount && !currency.n)
        return reject(b, "invalid", "an amount needs its currency here", "/currency");
    begin(b);
    query_put_text(e, "item", item);
    json_put_member_str(e, "date", json_get_str(b->body, 0, "promise_date"));
    json_put_member_str(e, "by", b->k->agent);
    if (amount) {
        json_put_member_int(e, "amount_minor", amount);
        json_put_member_str(e, "currency", currency);
    }
    return ledger_join_event(&b->j, VERB_PROMISE);
}

static gw_code trigger_dispute(booking *b)
{
    gw_buf *e = &b->j.body;
    gw_str note = json_get_str(b->body, 0, "note");
    gw_str excuse = json_get_str(b->body, 0, "excuse");
    begin(b);
    query_put_text(e, "item", item_of(b));
    json_put_member_str(e, "state", GW_STR("open"));
    query_put_text(e, "reason", note.n ? note : excuse);
    return ledger_join_event(&b->j, VERB_DISPUTE);
}

static gw_code trigger_hardship(booking *b)
{
    gw_buf *e = &b->j.body;
    begin(b);
    json_put_member_str(e, "kind", GW_STR("vulnerable"));
    json_put_member_str(e, "state", GW_STR("set"));
    json_put_member_str(e, "by", b->k->agent);
    query_put_text(e, "reason", json_get_str(b->body, 0, "note"));
    return ledger_join_event(&b->j, VERB_HOLD);
}

static gw_code trigger_stop(booking *b)
{
    gw_buf *e = &b->j.body;
    gw_str scope = json_get_str(b->body, 0, "scope");
    bool voice = gw_str_is(b->l->r.channel, "voice");
    gw_str number = voice ? ledger_join_address(&b->j) : (gw_str){NULL, 0};
    begin(b);
    json_put_member_str(e, "channel", b->l->r.channel);
    query_put_text(e, "address", number);
    json_put_member_str(e, "source", GW_STR(SAID_TO));
    json_put_member_str(e, "status", GW_STR("withdrawn"));
    /* Without a number (a visit) it is the channel that is meant. */
    json_put_member_str(e, "scope",
                        scope.n    ? scope
                        : number.n ? GW_STR("address")
                                   : GW_STR("channel"));
    return ledger_join_event(&b->j, VERB_CONSENT);
}

static gw_code trigger_wrong(booking *b)
{
    GW_AUTO_BUF gw_buf id;
    gw_buf_init(&id, STATE_NAME_MAX);
    gw_buf_puts(&id, "call:");
    gw_buf_put_str(&id, json_get_str(b->body, 0, "id"));
    return ledger_join_wrong_number(&b->j, gw_buf_str(&id), GW_STR(SAID_TO));
}

static gw_code promise_statement(booking *b)
{
    const char *wrong;
    if (!json_member(b->body, 0, "statement_by"))
        return GW_OK;
    bool counted = b->l->r.state != LIFE_LEASED; /* "dial" has counted this attempt already */
    gw_code rc = desk_statement_add(b->k, b->l, b->l->r.attempts + !counted, &b->j, &wrong);
    return rc == GW_OK && wrong ? reject(b, "invalid", wrong, "/statement_by") : rc;
}

static gw_code trigger(booking *b)
{
    static gw_code (*const by_trigger[])(booking *) = {
        [DESK_PROMISE] = trigger_promise,   [DESK_DISPUTE] = trigger_dispute,
        [DESK_HARDSHIP] = trigger_hardship, [DESK_STOP] = trigger_stop,
        [DESK_WRONG] = trigger_wrong,       [DESK_CALL_BACK] = NULL,
    };
    gw_code rc = by_trigger[b->o->trigger] ? by_trigger[b->o->trigger](b) : GW_OK;
    const ledger_result *no = b->j.rejected;
    if (rc == GW_OK && no)
        return reject(b, no->code, no->reason, no->pointer);
    if (rc == GW_OK && b->o->effective)
        rc = ledger_join_talk(&b->j);
    return rc == GW_OK ? promise_statement(b) : rc;
}

/* ---- the transition ---- */

/* Nobody reached for the last time ends the task; a call-back is not such a try. */
static life_event event_of(booking *b)
{
    if (b->o->on != ON_AGAIN || b->o->trigger == DESK_CALL_BACK)
        return b->o->on;
    b->m.tries++;
    return b->m.tries >= b->k->rules.attempts ? ON_UNREACHED : ON_AGAIN;
}

/* The end of what may be done about the task: a day behind the moment the debtor named. */
static int64_t last_moment(const booking *b)
{
    int64_t last = b->l->r.not_after_ms;
    return last && last < b->call_back_ms + GW_MS_PER_DAY ? b->call_back_ms + GW_MS_PER_DAY : last;
}

static void put_facts(const booking *b, bool announced, gw_buf *fact)
{
    bool sure = b->m.confirmed || json_get_bool(b->body, 0, "right_party", false);
    json_put_member_str(fact, "outcome", gw_str_of(b->o->name));
    json_put_member_str(fact, "announced", announced ? GW_STR("yes") : GW_STR("no"));
    json_put_member_str(fact, "right_party", sure ? GW_STR("yes") : GW_STR("no"));
    json_put_member_int(fact, "tries", b->m.tries);
    query_put_text(fact, "excuse", json_get_str(b->body, 0, "excuse"));
    query_put_text(fact, "recording_consent", json_get_str(b->body, 0, "recording_consent"));
    query_put_text(fact, "recording_sha256", json_get_str(b->body, 0, "recording_sha256"));
    query_put_text(fact, "courier", json_get_str(b->body, 0, "courier"));
    query_put_text(fact, "statement_by", json_get_str(b->body, 0, "statement_by"));
    query_put_text(fact, "statement_how", json_get_str(b->body, 0, "statement_how"));
    if (b->m.dialled_ms)
        query_put_time(fact, "dialled", b->m.dialled_ms);
    if (b->call_back_ms) {
        query_put_time(fact, "call_back", b->call_back_ms);
        query_put_time(fact, "not_after", last_moment(b));
    }
    if (!b->o->effective)
        json_put_member_str(fact, "talk", GW_STR("no")); /* else ledger_join says about what */
}

/* What only the parties shall read: who, the note, the number a letter travels under; and what the
 * desk remembers, for a rebuild. */
static gw_str private_words(const booking *b, gw_str memory)
{
    GW_AUTO_BUF gw_buf more;
    gw_buf_init(&more, MEMORY_MAX);
    json_put_member_str(&more, "desk", memory);
    query_put_text(&more, "courier_number", json_get_str(b->body, 0, "courier_number"));
    return desk_priv(b->k, gw_buf_str(&more));
}

/* What the timing model hears of a call: refusing, or asking to stop, is no answer to an hour. */
static char heard(const booking *b)
{
    const desk_outcome *o = b->o;
    if (!gw_str_is(b->l->r.channel, "voice") || o->on == ON_UNDONE || o->trigger == DESK_WRONG)
        return 0;
    bool no = o->trigger == DESK_STOP || strcmp(o->name, "refused") == 0;
    return o->answered && !no ? 'a' : 'n';
}

static gw_code build(booking *b, life_move *ret_move, state_txn *ret)
{
    desk *k = b->k;
    bool announced = b->l->r.state != LIFE_LEASED;
    bool moved;
    policy_cap *caps = gw_arena_alloc(k->ask->arena, POLICY_TAKES_MAX * sizeof *caps);
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, 4096);
    if (!caps)
        return no_memory(b);
    life_event on = event_of(b);
    put_facts(b, announced, &fact);
    desk_memory_add(&b->m, json_get_str(b->body, 0, "id"), b->sum, k->ask->now.ms);
    b->m.confirmed = false;
    change c = desk_change(k, b->l, b->o->name);
    c.desk = desk_memory_text(&b->m, k->ask->arena);
    if (!c.desk.p)
        return no_memory(b);
    c.priv = private_words(b, c.desk);
    c.due_ms = k->ask->now.ms;
    if (on == ON_AGAIN)
        c.due_ms = b->call_back_ms ? b->call_back_ms : k->ask->now.ms + k->rules.again_ms;
    c.caps = caps;
    c.cap_n = policy_caps_at(&b->decided->facts.policy, k->q->rules.rules, k->ask->now, caps);
    c.person = b->l->d->person_hash ? &b->l->d->person_id : NULL;
    c.call = on != ON_UNDONE;
    c.answered = b->o->answered;
    c.effective = b->o->effective;
    c.heard = heard(b);
    c.fact = gw_buf_str(&fact);
    if (!c.priv.p)
        return no_memory(b);
    gw_code rc = change_build(&c, &b->l->r, on, k->ask->arena, ret, ret_move, &moved, k->err);
    if (rc == GW_OK && !moved)
        rc = gw_fail(k->err, GW_ECONFLICT, "the task is %s: nothing can be recorded about it",
                     life_state_name((life_state)b->l->r.state));
    if (rc == GW_OK)
        rc = ledger_join_into(&b->j, ret);
    if (rc == GW_OK && b->call_back_ms)
        rc = change_window(b->call_back_ms, &b->l->r, k->ask->arena, ret, k->err);
    return rc;
}

/* ---- one try ---- */

static gw_code load_all(booking *b)
{
    desk *k = b->k;
    gw_arena *arena = k->ask->arena;
    gw_code rc = desk_mine(k, &b->l, &b->m);
    if (rc != GW_OK)
        return rc;
    b->debtor = gw_arena_alloc(arena, sizeof *b->debtor);
    b->decided = gw_arena_alloc(arena, sizeof *b->decided);
    if (!b->debtor || !b->decided)
        return no_memory(b);
    rc = state_load_debtors(k->ask->store, &b->l->did, 1, arena, b->debtor, k->err);
    /* What is allowed now does not matter any more; whom it was about does. */
    return rc == GW_OK
               ? decide(&k->decide, b->l->d, &b->l->r, k->ask->now, arena, b->decided, k->err)
               : rc;
}

static void answer(const booking *b, const life_move *move)
{
    char rid[GW_ID_TEXT];
    gw_id_format(&b->l->r.rid, rid);
    gw_buf_puts(b->ret, "{\"verdict\":\"accepted\"");
    json_put_member_str(b->ret, "id", json_get_str(b->body, 0, "id"));
    json_put_member_str(b->ret, "receipt", gw_str_of(rid));
    query_put_time(b->ret, "at", b->k->ask->now.ms);
    json_put_member_str(b->ret, "task", b->l->r.job);
    json_put_member_str(b->ret, "outcome", gw_str_of(b->o->name));
    json_put_member_str(b->ret, "state", gw_str_of(life_state_name(move->then)));
    gw_buf_putc(b->ret, '}');
}

static gw_code look_back(booking *b, bool *ret_known)
{
    loaded *l;
    gw_code rc = desk_find(b->k, &l);
    *ret_known = false;
    return rc == GW_OK ? desk_look_back(b->k, l, b->sum, &b->m, ret_known, b->ret) : rc;
}

static gw_code commit(booking *b, bool *ret_done)
{
    state_txn txn;
    state_verdict verdict;
    life_move move;
    gw_code rc = trigger(b);
    *ret_done = b->rejected;
    if (rc != GW_OK || b->rejected)
        return rc;
    const desk *k = b->k;
    const teller t = {k->ask->store, k->q->cfg->id_key, k->ask->now, k->ask->arena,
                      k->q->cfg->apart};
    rc = build(b, &move, &txn);
    if (rc == GW_OK)
        rc = ledger_join_bind(&b->j, &t);
    GW_CRASH_POINT("call-record-before-commit");
    if (rc == GW_OK)
        rc = person_apply(b->k->ask->store, &txn, 1, &verdict, b->k->err);
    *ret_done = rc == GW_OK && verdict == STATE_OK;
    if (*ret_done)
        answer(b, &move);
    return rc;
}

static gw_code book(booking *b, bool *ret_done)
{
    gw_code rc = load_all(b);
    if (rc == GW_OK)
        rc = check_task(b);
    *ret_done = b->rejected;
    if (rc != GW_OK || b->rejected)
        return rc;
    b->j = (ledger_join){.r = &b->l->r,
                         .decided = b->decided,
                         .debtor = b->debtor,
                         .now = b->k->ask->now,
                         .arena = b->k->ask->arena,
                         .err = b->k->err};
    ledger_join_open(&b->j);
    rc = commit(b, ret_done);
    ledger_join_close(&b->j);
    return rc;
}

gw_code desk_record(desk *k, gw_buf *ret)
{
    booking *b = gw_arena_alloc(k->ask->arena, sizeof *b);
    bool done = false;
    if (!b)
        return gw_fail(k->err, GW_ENOMEM, "recording an outcome: out of memory");
    *b = (booking){.k = k, .body = k->ask->body, .ret = ret};
    gw_code rc = desk_digest(k, &b->sum);
    if (rc == GW_OK)
        rc = look_back(b, &done);
    if (rc == GW_OK && !done)
        rc = check_body(b);
    done = done || b->rejected;
    for (int i = 0; i < DESK_TRIES && rc == GW_OK && !done; i++)
        rc = book(b, &done);
    if (rc == GW_OK && !done)
        rc = gw_fail(k->err, GW_EBUSY, "the task keeps moving; try again");
    return rc;
}
