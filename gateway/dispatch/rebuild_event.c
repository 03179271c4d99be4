#include "gateway/dispatch/load.h"
#include "gateway/dispatch/rebuild_part.h"
#include "gateway/intake/bind.h"
#include "gateway/intake/intake.h"
#include "gateway/intake/marks.h"
#include "gateway/intake/rules.h"
#include "gateway/wire/event.h"

/* ---- events of billing ---- */

gw_code rebuild_debtor(rebuild *b, const gw_id *did, state_debtor **ret)
{
    for (size_t i = 0; i < b->debtor_n; i++)
        if (memcmp(b->debtors[i].did.b, did->b, sizeof did->b) == 0) {
            *ret = &b->debtors[i].d;
            return GW_OK;
        }
    rebuilt_debtor *d = &b->debtors[b->debtor_n];
    gw_code rc = state_load_debtors(b->store, did, 1, b->arena, &d->d, b->err);
    if (rc != GW_OK)
        return rc;
    d->did = *did;
    d->d.did = *did;
    b->debtor_n++;
    *ret = &d->d;
    return GW_OK;
}

/* ---- what leads to a debtor, and what was said at an address ---- */

static gw_code mark_again(rebuild *b, const gw_id *did, const json_doc *body)
{
    state_mark marks[MARKS_OF_DEBTOR_MAX];
    size_t n = marks_of_debtor(b->o->id_key, did, body, b->arena, marks);
    return n ? state_mark_add(b->store, marks, n, b->err) : GW_OK;
}

static teller teller_of(const rebuild *b, const entry *e)
{
    return (teller){b->store, b->o->id_key, e->v.t, b->arena, NULL};
}

/* The debtors it bound have their own entries in the log: only the register is made again. */
static gw_code register_again(rebuild *b, const entry *e, const state_debtor *d,
                              const json_doc *body)
{
    const teller t = teller_of(b, e);
    bind_entry *list;
    size_t n;
    bool reply = gw_str_is(json_get_str(body, 0, "source"), BIND_SAID_REPLY);
    gw_code rc = bind_entries(&t, reply ? GW_STR("") : e->source, d, body, &list, &n, b->err);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        rc = bind_put(&t, &list[i], NULL, b->err);
    return rc;
}

/* A stranger's opt-out (reply.c): no debtor, only the register. */
static gw_code stranger_again(rebuild *b, entry *e)
{
    const teller t = teller_of(b, e);
    gw_str address, text;
    bind_entry said;
    gw_code rc = rebuild_private(b, e, "address", &address);
    if (rc == GW_OK)
        rc = rebuild_private(b, e, "register", &text);
    if (rc == GW_OK)
        rc = bind_entry_read(text, address, b->arena, &said, b->err);
    return rc == GW_OK ? bind_put(&t, &said, NULL, b->err) : rc;
}

static gw_code fold_again(rebuild *b, entry *e, verb v, gw_str body)
{
    json_doc *doc = gw_arena_alloc(b->arena, sizeof *doc);
    ledger_result *result = gw_arena_alloc(b->arena, sizeof *result);
    state_debtor *d;
    gw_id did;
    if (!doc || !result)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    load_debtor_id(b->o->id_key, e->source, e->debtor, &did);
    gw_code rc = json_parse(body, b->arena, doc, b->err);
    if (rc == GW_OK)
        rc = rebuild_debtor(b, &did, &d);
    if (rc != GW_OK)
        return rc;
    const ledger_event event = {
        .verb = v,
        .source = e->source,
        .debtor = e->debtor,
        .body = doc,
        .now = e->v.t,
        .receipt = e->v.fact ? json_get_str(&e->v.doc, e->v.fact, "receipt") : GW_STR(""),
    };
    rc = ledger_fold(d, &event, b->arena, result, b->err);
    if (rc != GW_OK)
        return rc;
    if (result->verdict != LEDGER_ACCEPTED)
        return rebuild_fault(b, e, GW_ECORRUPT, "an event that was accepted is not any more");
    result->job.n = 0; /* the confirmation has a record of its own */
    state_txn *t = &b->txns[b->txn_n];
    rc = ledger_txn(d, &event, result, b->o->id_key, b->arena, t, b->err);
    if (rc == GW_OK)
        rc = ledger_patch(d, result, b->arena, b->err);
    if (rc == GW_OK && v == VERB_DEBTOR)
        rc = mark_again(b, &did, doc);
    if (rc == GW_OK && v == VERB_CONSENT)
        rc = register_again(b, e, d, doc);
    if (rc != GW_OK)
        return rc;
    t->records = NULL;
    t->record_n = 0;
    b->txn_n++;
    if (verb_of(v)->of_one_debtor) {
        state_use *use = &b->uses[b->use_n++];
        intake_event_id(b->o->id_key, e->source, v, json_get_str(doc, 0, "id"), &use->id);
        use->did = did;
    }
    b->ret->events++;
    return GW_OK;
}

gw_code rebuild_event(rebuild *b, entry *e)
{
    gw_str name, body;
    if (gw_str_is(e->v.event, EVENT_CONSENT) && !e->debtor.n)
        return stranger_again(b, e);
    gw_code rc = rebuild_private(b, e, "verb", &name);
    if (rc == GW_OK)
        rc = rebuild_private(b, e, "body", &body);
    if (rc != GW_OK)
        return rc;
    if (gw_str_is(e->v.event, EVENT_PROMISE) && gw_str_is(e->v.why, "broken"))
        return GW_OK; /* dispatch finds it broken again */
    verb v = verb_find(name);
    if (v == VERB_COUNT || !body.n)
        return rebuild_fault(b, e, GW_ECORRUPT,
                             "the event's body is not kept in it (an older version wrote it)");
    return fold_again(b, e, v, body);
}

/* ---- pauses, windows and rules ---- */

/* The pause as it was stored: who, since when, why. */
static gw_code pause_again(rebuild *b, entry *e, gw_str *ret)
{
    static const char *const members[] = {"by", "since", "reason"};
    gw_code rc = GW_OK;
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&json, 8192);
    gw_buf_putc(&json, '{');
    for (size_t i = 0; i < GW_COUNT(members) && rc == GW_OK; i++) {
        gw_str value;
        rc = rebuild_private(b, e, members[i], &value);
        if (rc == GW_OK && value.n)
            json_put_member_str(&json, members[i], value);
    }
    gw_buf_putc(&json, '}');
    if (rc != GW_OK)
        return rc;
    char *copy = json.code == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&json)) : NULL;
    *ret = (gw_str){copy, copy ? json.n : 0};
    return copy ? GW_OK : gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
}

/* The set before the control field that names it. */
static gw_code restore_rules(rebuild *b, entry *e, gw_str control)
{
    gw_str set = {NULL, 0};
    gw_code rc = rebuild_private(b, e, "set", &set);
    return rc == GW_OK ? rules_restore(b->store, control, set, b->arena, b->err) : rc;
}

gw_code rebuild_control(rebuild *b, entry *e)
{
    gw_str field = e->v.fact ? json_get_str(&e->v.doc, e->v.fact, "what") : GW_STR("");
    gw_str value = {NULL, 0};
    gw_code rc = GW_OK;
    if (gw_str_is(e->v.event, EVENT_POLICY))
        rc = rebuild_private(b, e, "control", &value);
    else if (gw_str_is(e->v.why, "pause"))
        rc = pause_again(b, e, &value);
    else if (!gw_str_is(e->v.why, "resume"))
        return GW_OK;
    if (rc == GW_OK && gw_str_is(e->v.event, EVENT_POLICY) && gw_str_is(field, RULES_FIELD))
        rc = restore_rules(b, e, value);
    if (rc == GW_OK && field.n)
        rc = state_control_set(b->store, field, value, b->err);
    return rc;
}
