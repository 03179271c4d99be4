#include "gateway/intake/tell.h"

#include "gateway/intake/intake.h"

enum { ROUNDS_MAX = 5 };

static void receipt_of(const teller *t, const ledger_event *e, gw_str id, char ret[GW_ID_TEXT])
{
    gw_id receipt;
    gw_str parts[] = {GW_STR("e"), e->source, gw_str_of(verb_of(e->verb)->name), id};
    gw_id_keyed(t->id_key, parts, GW_COUNT(parts), &receipt);
    gw_id_format(&receipt, ret);
}

static gw_code one_round(const teller *t, const gw_id *did, const ledger_event *e,
                         state_verdict *ret, gw_err *err)
{
    state_debtor found;
    ledger_result out;
    gw_code rc = state_load_debtors(t->store, did, 1, t->arena, &found, err);
    if (rc == GW_OK)
        rc = ledger_fold(&found, e, t->arena, &out, err);
    if (rc != GW_OK)
        return rc;
    *ret = STATE_OK;
    if (out.verdict == LEDGER_REJECTED)
        return gw_fail(err, strcmp(out.code, "conflict") == 0 ? GW_ECONFLICT : GW_EINVAL, "%s",
                       out.reason);
    if (out.verdict == LEDGER_DUPLICATE)
        return GW_OK;
    state_txn x;
    rc = ledger_txn(&found, e, &out, t->id_key, t->arena, &x, err);
    return rc == GW_OK ? state_apply(t->store, &x, 1, ret, err) : rc;
}

gw_code tell(const teller *t, verb v, gw_str source, gw_str debtor, gw_str body, gw_err *err)
{
    json_doc doc;
    char receipt[GW_ID_TEXT];
    gw_id did;
    gw_code rc = json_parse(body, t->arena, &doc, err);
    if (rc != GW_OK)
        return rc;
    ledger_event e = {.verb = v, .source = source, .debtor = debtor, .body = &doc, .now = t->now};
    receipt_of(t, &e, json_get_str(&doc, 0, "id"), receipt);
    e.receipt = gw_str_of(receipt);
    intake_debtor_id(t->id_key, source, debtor, &did);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        state_verdict verdict;
        rc = one_round(t, &did, &e, &verdict, err);
        if (rc != GW_OK || verdict == STATE_OK)
            return rc;
    }
    return gw_fail(err, GW_EBUSY, "a debtor keeps moving");
}
