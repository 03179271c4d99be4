#include "gateway/dispatch/call_result.h"

#include "gateway/dispatch/ledger_join.h"

#include <stdio.h>

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

char call_result_heard(const wire_call *c)
{
    if (!call_result_placed(c) || is_wrong_party(c))
        return 0;
    return call_result_answered(c) && !gw_str_is(c->pressed, "stop") ? 'a' : 'n';
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
    ledger_join j;
    const wire_outcome *out;
    char id[GW_ID_TEXT + 32]; /* of reminder and attempt: said twice, it is one event */
} joining;

static void begin(joining *x)
{
    ledger_join_begin(&x->j, gw_str_of(x->id), "");
}

static void put_item(joining *x)
{
    const view_item *item = x->j.decided->facts.item;
    if (item)
        json_put_member_str(&x->j.body, "item", item->id);
}

static gw_code promise(joining *x)
{
    begin(x);
    put_item(x);
    json_put_member_str(&x->j.body, "date", x->out->call.promise_date);
    json_put_member_str(&x->j.body, "by", GW_STR(SPOKEN_BY));
    return ledger_join_event(&x->j, VERB_PROMISE);
}

static gw_code dispute(joining *x)
{
    begin(x);
    put_item(x);
    json_put_member_str(&x->j.body, "state", GW_STR("open"));
    json_put_member_str(&x->j.body, "reason", GW_STR(SPOKEN_BY));
    return ledger_join_event(&x->j, VERB_DISPUTE);
}

/* "No more calls like this one" is about the channel, not about one of the debtor's numbers. */
static gw_code stop(joining *x)
{
    gw_str number = ledger_join_address(&x->j);
    begin(x);
    json_put_member_str(&x->j.body, "channel", GW_STR("voice"));
    if (number.n)
        json_put_member_str(&x->j.body, "address", number);
    json_put_member_str(&x->j.body, "status", GW_STR("withdrawn"));
    json_put_member_str(&x->j.body, "source", GW_STR(SPOKEN_BY));
    json_put_member_str(&x->j.body, "scope", GW_STR("channel"));
    return ledger_join_event(&x->j, VERB_CONSENT);
}

static gw_code trigger(joining *x)
{
    static const struct {
        const char *key;
        gw_code (*act)(joining *);
        bool anybody; /* whoever picked up may say it */
    } keys[] = {{"promise", promise, false}, {"dispute", dispute, false}, {"stop", stop, true}};
    const wire_call *c = &x->out->call;
    gw_code rc = GW_OK;
    for (size_t i = 0; i < GW_COUNT(keys) && rc == GW_OK; i++)
        if (gw_str_is(c->pressed, keys[i].key) && (keys[i].anybody || call_result_effective(c)))
            rc = keys[i].act(x);
    if (rc == GW_OK && is_wrong_party(c))
        rc = ledger_join_wrong_number(&x->j, gw_str_of(x->id), GW_STR(SPOKEN_BY));
    return rc == GW_OK && call_result_effective(c) ? ledger_join_talk(&x->j) : rc;
}

gw_code call_result_join(const call_result *c, gw_arena *arena, state_txn *txn, int *ret_rejected,
                         gw_err *err)
{
    joining x = {.j = {.r = c->r,
                       .decided = c->decided,
                       .debtor = c->debtor,
                       .now = c->now,
                       .arena = arena,
                       .err = err},
                 .out = c->out};
    char rid[GW_ID_TEXT];
    gw_id_format(&c->r->rid, rid);
    snprintf(x.id, sizeof x.id, "call:%s:%d", rid, c->out->ref.attempt);
    ledger_join_open(&x.j);
    gw_code rc = trigger(&x);
    if (rc == GW_OK)
        rc = ledger_join_into(&x.j, txn);
    if (rc == GW_OK && c->teller)
        rc = ledger_join_bind(&x.j, c->teller);
    ledger_join_close(&x.j);
    *ret_rejected = x.j.rejected != NULL;
    return rc;
}
