#include "gateway/dispatch/call_result.h"

#include "gateway/intake/ledger.h"
#include "gateway/policy/count.h"

#include <stdio.h>

enum { EVENT_BODY_MAX = 4096, EVENTS_MAX = 2, SETS_MAX = EVENTS_MAX * LEDGER_SETS_MAX + 2 };
#define SPOKEN_BY "a key pressed in an automated call"

bool call_result_placed(const wire_call *c)
{
    return c->amd.n > 0;
}

bool call_result_answered(const wire_call *c)
{
    return c->amd.n && c->answer_ms >= 0 && !gw_str_is(c->amd, "machine");
}

bool call_result_effective(const wire_call *c)
{
    return c->amd.n && gw_str_is(c->right_party, "yes");
}

static bool is_wrong_party(const wire_call *c)
{
    return gw_str_is(c->right_party, "no");
}

bool call_result_changes(const wire_call *c)
{
    return c->amd.n &&
           (call_result_effective(c) || is_wrong_party(c) || gw_str_is(c->pressed, "stop"));
}

void call_result_facts(const wire_call *c, gw_buf *fact)
{
    const struct {
        const char *name;
        gw_str value;
    } words[] = {{"amd", c->amd},
                 {"right_party", c->right_party},
                 {"pressed", c->pressed},
                 {"ended_by", c->ended_by}};
    const struct {
        const char *name;
        int64_t ms;
    } moments[] = {{"dialled_ms", c->dialled_ms},
                   {"ring_ms", c->ring_ms},
                   {"answer_ms", c->answer_ms},
                   {"end_ms", c->end_ms}};
    if (!c->amd.n)
        return;
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (words[i].value.n)
            json_put_member_str(fact, words[i].name, words[i].value);
    for (size_t i = 0; i < GW_COUNT(moments); i++)
        if (moments[i].ms >= 0)
            json_put_member_int(fact, moments[i].name, moments[i].ms);
    if (c->cause)
        json_put_member_int(fact, "q850", c->cause);
    json_put_member_str(fact, "recording", GW_STR("none"));
}

/* ---- events of the ledger ---- */

typedef struct {
    const call_result *c;
    gw_arena *arena;
    gw_err *err;
    gw_buf body;
    char rid[GW_ID_TEXT];
    state_field *debtor_sets, *item_sets;
    size_t debtor_n, item_n;
    state_record records[EVENTS_MAX];
    size_t record_n;
    int rejected;
} joining;

static gw_code no_memory(gw_err *err)
{
    return gw_fail(err, GW_ENOMEM, "booking what a call triggers: out of memory");
}

static void open_body(joining *j, const char *suffix)
{
    char id[GW_ID_TEXT + 32];
    int n = snprintf(id, sizeof id, "call:%s:%d%s", j->rid, j->c->out->ref.attempt, suffix);
    gw_buf_clear(&j->body);
    gw_buf_putc(&j->body, '{');
    json_put_member_str(&j->body, "id", (gw_str){id, (size_t)n});
    json_put_member_str(&j->body, "debtor", j->c->r->debtor);
}

static gw_code keep(joining *j, const ledger_result *out)
{
    memcpy(j->debtor_sets + j->debtor_n, out->debtor_sets, out->debtor_n * sizeof(state_field));
    memcpy(j->item_sets + j->item_n, out->item_sets, out->item_n * sizeof(state_field));
    j->debtor_n += out->debtor_n;
    j->item_n += out->item_n;
    j->records[j->record_n++] = out->record;
    return ledger_patch(j->c->debtor, out, j->arena, j->err);
}

static gw_code fold(joining *j, verb v)
{
    gw_buf_putc(&j->body, '}');
    char *text = j->body.code == GW_OK ? gw_arena_copy(j->arena, gw_buf_str(&j->body)) : NULL;
    char *receipt = gw_arena_copy(j->arena, gw_str_of(j->rid));
    json_doc *doc = gw_arena_alloc(j->arena, sizeof *doc);
    ledger_result *out = gw_arena_alloc(j->arena, sizeof *out);
    if (!text || !receipt || !doc || !out)
        return no_memory(j->err);
    gw_code rc = json_parse((gw_str){text, j->body.n}, j->arena, doc, j->err);
    if (rc != GW_OK)
        return rc;
    const ledger_event e = {.verb = v,
                            .source = j->c->r->source,
                            .debtor = j->c->r->debtor,
                            .body = doc,
                            .now = j->c->now,
                            .receipt = gw_str_of(receipt)};
    rc = ledger_fold(j->c->debtor, &e, j->arena, out, j->err);
    if (rc != GW_OK || out->verdict == LEDGER_DUPLICATE)
        return rc;
    if (out->verdict == LEDGER_REJECTED) {
        j->rejected++;
        return GW_OK;
    }
    return keep(j, out);
}

static void put_item(joining *j)
{
    const view_item *item = j->c->decided->facts.item;
    if (item)
        json_put_member_str(&j->body, "item", item->id);
}

static gw_code promise(joining *j)
{
    open_body(j, "");
    put_item(j);
    json_put_member_str(&j->body, "date", j->c->out->call.promise_date);
    json_put_member_str(&j->body, "by", GW_STR(SPOKEN_BY));
    return fold(j, VERB_PROMISE);
}

static gw_code dispute(joining *j)
{
    open_body(j, "");
    put_item(j);
    json_put_member_str(&j->body, "state", GW_STR("open"));
    json_put_member_str(&j->body, "reason", GW_STR(SPOKEN_BY));
    return fold(j, VERB_DISPUTE);
}

/* "No more calls like this one" is about the channel, not about one of the debtor's numbers. */
static gw_code stop(joining *j)
{
    open_body(j, "");
    json_put_member_str(&j->body, "channel", GW_STR("voice"));
    json_put_member_str(&j->body, "status", GW_STR("withdrawn"));
    json_put_member_str(&j->body, "source", GW_STR(SPOKEN_BY));
    json_put_member_str(&j->body, "scope", GW_STR("channel"));
    return fold(j, VERB_CONSENT);
}

/* Whoever has that number would read our SMS, too. */
static gw_code wrong_party(joining *j)
{
    static const char *const channels[] = {"voice", "sms"};
    const policy_facts *f = &j->c->decided->facts.policy;
    gw_str number = f->recipient_n ? f->recipients[0].address : (gw_str){NULL, 0};
    gw_code rc = GW_OK;
    for (size_t i = 0; i < GW_COUNT(channels) && number.n && rc == GW_OK; i++) {
        open_body(j, i ? ":sms" : "");
        json_put_member_str(&j->body, "channel", gw_str_of(channels[i]));
        json_put_member_str(&j->body, "address", number);
        json_put_member_str(&j->body, "source", GW_STR(SPOKEN_BY));
        json_put_member_str(&j->body, "status", GW_STR("suppressed"));
        json_put_member_str(&j->body, "suppression", GW_STR("unverified"));
        json_put_member_str(&j->body, "scope", GW_STR("address"));
        rc = fold(j, VERB_CONSENT);
    }
    return rc;
}

static gw_code trigger(joining *j)
{
    static const struct {
        const char *key;
        gw_code (*act)(joining *);
        bool anybody; /* whoever picked up may say it */
    } keys[] = {{"promise", promise, false}, {"dispute", dispute, false}, {"stop", stop, true}};
    const wire_call *c = &j->c->out->call;
    gw_code rc = GW_OK;
    for (size_t i = 0; i < GW_COUNT(keys) && rc == GW_OK; i++)
        if (gw_str_is(c->pressed, keys[i].key) && (keys[i].anybody || call_result_effective(c)))
            rc = keys[i].act(j);
    return rc == GW_OK && is_wrong_party(c) ? wrong_party(j) : rc;
}

/* A conversation starts the cool-down of policy, for the debt and for the debtor. */
static gw_code note_talk(joining *j)
{
    char names[2][COUNT_NAME_TEXT];
    char at[24];
    if (!call_result_effective(&j->c->out->call))
        return GW_OK;
    int n = snprintf(at, sizeof at, "%lld", (long long)j->c->now.ms);
    char *value = gw_arena_copy(j->arena, (gw_str){at, (size_t)n});
    count_talk_names(j->c->decided->facts.policy.debt, names);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char *name = gw_arena_copy(j->arena, gw_str_of(names[i]));
        if (!name || !value)
            return no_memory(j->err);
        j->debtor_sets[j->debtor_n++] = (state_field){gw_str_of(name), {value, (size_t)n}};
    }
    return GW_OK;
}

static gw_code join(joining *j, int64_t version, state_txn *txn)
{
    state_record *records =
        gw_arena_alloc(j->arena, (txn->record_n + EVENTS_MAX) * sizeof *records);
    if (!records)
        return no_memory(j->err);
    memcpy(records, txn->records, txn->record_n * sizeof *records);
    memcpy(records + txn->record_n, j->records, j->record_n * sizeof *records);
    txn->records = records;
    txn->record_n += j->record_n;
    txn->debtor_sets = j->debtor_sets;
    txn->debtor_n = j->debtor_n;
    txn->item_sets = j->item_sets;
    txn->item_n = j->item_n;
    txn->did = &j->c->debtor->did;
    txn->debtor_version = version;
    txn->wake_debtor = true;
    txn->wake_at = j->c->now;
    return GW_OK;
}

gw_code call_result_join(const call_result *c, gw_arena *arena, state_txn *txn, int *ret_rejected,
                         gw_err *err)
{
    joining j = {.c = c, .arena = arena, .err = err};
    int64_t version = (int64_t)c->debtor->debtor.version;
    j.debtor_sets = gw_arena_alloc(arena, SETS_MAX * sizeof *j.debtor_sets);
    j.item_sets = gw_arena_alloc(arena, SETS_MAX * sizeof *j.item_sets);
    if (!j.debtor_sets || !j.item_sets)
        return no_memory(err);
    gw_id_format(&c->r->rid, j.rid);
    gw_buf_init(&j.body, EVENT_BODY_MAX);
    gw_code rc = trigger(&j);
    gw_buf_done(&j.body);
    if (rc == GW_OK)
        rc = note_talk(&j);
    if (rc == GW_OK)
        rc = join(&j, version, txn);
    *ret_rejected = j.rejected;
    return rc;
}
