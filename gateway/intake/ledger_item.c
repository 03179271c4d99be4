#include "gateway/intake/ledger_part.h"

#include "gateway/base/money.h"
#include "gateway/wire/event.h"

static const char unknown_item[] =
    "the debtor has no such item; send the item first, then repeat this with the same id";

/* What the gateway keeps of an item, whether it came from a body or from the store. */
typedef struct {
    int64_t amount, paid;
    gw_str currency, case_id, stated;
} item;

static const char *state_of(const item *i)
{
    if (gw_str_is(i->stated, "closed"))
        return "closed";
    if (i->paid >= i->amount)
        return "paid";
    return gw_str_is(i->stated, "disputed") ? "disputed" : "open";
}

static item item_of(const json_doc *d)
{
    return (item){
        .amount = json_get_int(d, 0, "amount_minor", 0),
        .paid = json_get_int(d, 0, "paid_minor", 0),
        .currency = json_get_str(d, 0, "currency"),
        .case_id = json_get_str(d, 0, "case"),
        .stated = json_get_str(d, 0, "stated"),
    };
}

static gw_str case_of(const item *i, gw_str id)
{
    return i->case_id.n ? i->case_id : id;
}

/* Members that are billing's words and stay as they came. */
static const char *const plain[] = {"case",           "issued", "due",       "amount_minor",
                                    "currency",       "terms",  "reference", "description",
                                    "contract_minor", "ladder", "plan"};

static void put_facts(gw_buf *fact, const item *i, const json_doc *d)
{
    json_put_member_int(fact, "amount_minor", i->amount);
    json_put_member_int(fact, "paid_minor", i->paid);
    json_put_member_str(fact, "currency", i->currency);
    json_put_member_str(fact, "due", json_get_str(d, 0, "due"));
    json_put_member_str(fact, "state", gw_str_of(state_of(i)));
}

static gw_code store_upsert(const fold *f, gw_str id, const item *i, const char *why)
{
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    for (size_t m = 0; m < GW_COUNT(plain); m++)
        part_copy(f, &object, plain[m]);
    json_put_member_int(&object, "paid_minor", i->paid);
    json_put_member_str(&object, "stated", i->stated);
    json_put_member_str(&object, "state", gw_str_of(state_of(i)));
    part_stamp(f, &object);
    put_facts(&fact, i, f->body);
    part_copy(f, &fact, "issued");
    part_copy(f, &fact, "contract_minor");
    json_put_member_str(&priv, "item", id);
    part_copy(f, &priv, "reference");
    part_copy(f, &priv, "description");
    part_copy(f, &priv, "terms");
    gw_code rc = part_set_item(f, "i:", id, &object);
    return rc == GW_OK ? part_record(f, EVENT_ITEM, case_of(i, id), why, &fact, &priv) : rc;
}

gw_code ledger_item(const fold *f)
{
    gw_str id = json_get_str(f->body, 0, "id");
    stored old;
    gw_code rc = part_read(f, &f->debtor->items, "i:", id, &old);
    if (rc != GW_OK)
        return rc;
    if (part_is_same(f, &old))
        return part_duplicate(f, part_received(&old));
    item was = {.stated = GW_STR("open")};
    if (old.exists)
        was = item_of(&old.doc);
    item now = item_of(f->body);
    now.paid = json_get_int(f->body, 0, "paid_minor", was.paid);
    now.stated = json_get_str(f->body, 0, "state");
    if (!now.stated.n)
        now.stated = was.stated;
    if (json_get_int(f->body, 0, "paid_minor", 0) > now.amount)
        return part_reject(f, "invalid", "more is paid than the item's amount; correct one of them",
                           "/paid_minor");
    if (was.paid > 0 && !gw_str_eq(was.currency, now.currency))
        return part_reject(f, "wrong-currency",
                           "payments were counted in another currency; close this item and send "
                           "a new one",
                           "/currency");
    return store_upsert(f, id, &now, old.exists ? "changed" : "new");
}

/* The stored item again with another paid sum or stated state; every other member as it was. */
static gw_code store_changed(const fold *f, gw_str id, const json_doc *old, const item *i)
{
    PART_BUF(object);
    uint32_t end = json_at(old, 0)->next;
    for (uint32_t m = json_first(0); m < end; m = json_at(old, m + 1)->next) {
        gw_str name = json_str(old, m);
        char *z = gw_arena_copy(f->arena, name);
        if (!z)
            return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
        if (gw_str_is(name, "paid_minor"))
            json_put_member_int(&object, z, i->paid);
        else if (gw_str_is(name, "stated"))
            json_put_member_str(&object, z, i->stated);
        else if (gw_str_is(name, "state"))
            json_put_member_str(&object, z, gw_str_of(state_of(i)));
        else if (json_kind_of(old, m + 1) == JSON_STRING)
            json_put_member_str(&object, z, json_str(old, m + 1));
        else
            json_put_member_raw(&object, z, json_raw(old, m + 1));
    }
    return part_set_item(f, "i:", id, &object);
}

gw_code ledger_cancel_item(const fold *f)
{
    gw_str id = json_get_str(f->body, 0, "item");
    stored old;
    gw_code rc = part_read(f, &f->debtor->items, "i:", id, &old);
    if (rc != GW_OK)
        return rc;
    if (!old.exists)
        return part_reject(f, "unknown-item", "the debtor has no such item; nothing to cancel",
                           "/item");
    item i = item_of(&old.doc);
    if (gw_str_is(i.stated, "closed"))
        return part_duplicate(f, part_received(&old));
    i.stated = GW_STR("closed");
    PART_BUF(fact);
    PART_BUF(priv);
    put_facts(&fact, &i, &old.doc);
    json_put_member_str(&priv, "item", id);
    part_copy(f, &priv, "reason");
    rc = store_changed(f, id, &old.doc, &i);
    return rc == GW_OK ? part_record(f, EVENT_ITEM, case_of(&i, id), "cancelled", &fact, &priv)
                       : rc;
}

static gw_code store_payment(const fold *f, gw_str id, gw_str item_id, const json_doc *old,
                             const item *i)
{
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    part_copy(f, &object, "item");
    part_copy(f, &object, "amount_minor");
    part_copy(f, &object, "currency");
    part_copy_moment(f, &object, "at");
    part_stamp(f, &object);
    part_copy(f, &fact, "amount_minor");
    part_copy(f, &fact, "currency");
    part_copy_moment(f, &fact, "at");
    json_put_member_int(&fact, "paid_minor", i->paid);
    json_put_member_int(&fact, "of_minor", i->amount);
    json_put_member_str(&fact, "state", gw_str_of(state_of(i)));
    part_copy(f, &priv, "item");
    json_put_member_str(&priv, "payment", id);
    gw_code rc = part_set_item(f, "y:", id, &object);
    if (rc == GW_OK)
        rc = store_changed(f, item_id, old, i);
    if (rc != GW_OK)
        return rc;
    return part_record(f, EVENT_PAYMENT, case_of(i, item_id),
                       i->paid >= i->amount ? "paid" : "partial", &fact, &priv);
}

gw_code ledger_payment(const fold *f)
{
    gw_str id = json_get_str(f->body, 0, "id");
    gw_str item_id = json_get_str(f->body, 0, "item");
    stored first;
    stored old;
    gw_code rc = part_read(f, &f->debtor->items, "y:", id, &first);
    if (rc == GW_OK)
        rc = part_read(f, &f->debtor->items, "i:", item_id, &old);
    if (rc != GW_OK)
        return rc;
    if (part_is_same(f, &first))
        return part_duplicate(f, part_received(&first));
    if (first.exists)
        return part_reject(f, "conflict",
                           "this payment id was used with another content; use a new id", "/id");
    if (!old.exists)
        return part_reject(f, "unknown-item", unknown_item, "/item");
    item i = item_of(&old.doc);
    if (!gw_str_eq(i.currency, json_get_str(f->body, 0, "currency")))
        return part_reject(f, "wrong-currency",
                           "the item is in another currency; send the amount in the item's",
                           "/currency");
    int64_t paid;
    if (money_add(i.paid, json_get_int(f->body, 0, "amount_minor", 0), &paid, NULL) != GW_OK ||
        paid > i.amount)
        return part_reject(f, "overpaid",
                           "more than what is open; correct the amount, or the item's paid_minor",
                           "/amount_minor");
    i.paid = paid;
    return store_payment(f, id, item_id, &old.doc, &i);
}

/* ---- promises and disputes: an object by its id, about an item or about everything ---- */

typedef struct {
    const char *prefix, *event;
    const char *facts[6]; /* members that are public, NULL ends */
    const char *privs[4];
} object_kind;

static const object_kind promise_kind = {
    "m:", EVENT_PROMISE, {"amount_minor", "currency", "date", "state"}, {"item", "id", "by"}};
static const object_kind dispute_kind = {"u:", EVENT_DISPUTE, {"state"}, {"item", "id", "reason"}};

static gw_code store_object(const fold *f, const object_kind *k, gw_str case_id)
{
    gw_str stage = json_get_str(f->body, 0, "state");
    PART_BUF(object);
    PART_BUF(fact);
    PART_BUF(priv);
    for (size_t m = 0; k->facts[m]; m++) {
        part_copy(f, &object, k->facts[m]);
        part_copy(f, &fact, k->facts[m]);
    }
    for (size_t m = 0; k->privs[m]; m++) {
        part_copy(f, &object, k->privs[m]);
        part_copy(f, &priv, k->privs[m]);
    }
    if (!stage.n) {
        stage = GW_STR("open");
        json_put_member_str(&object, "state", stage);
        json_put_member_str(&fact, "state", stage);
    }
    if (k == &dispute_kind)
        part_copy_moment(f, &object, "at");
    part_stamp(f, &object);
    char *why = gw_arena_copy(f->arena, stage);
    if (!why)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    gw_code rc = part_set_item(f, k->prefix, json_get_str(f->body, 0, "id"), &object);
    return rc == GW_OK ? part_record(f, k->event, case_id, why, &fact, &priv) : rc;
}

static gw_code fold_object(const fold *f, const object_kind *k)
{
    gw_str item_id = json_get_str(f->body, 0, "item");
    gw_str case_id = GW_STR("");
    stored old;
    stored about;
    gw_code rc = part_read(f, &f->debtor->items, k->prefix, json_get_str(f->body, 0, "id"), &old);
    if (rc == GW_OK)
        rc = part_read(f, &f->debtor->items, "i:", item_id, &about);
    if (rc != GW_OK)
        return rc;
    if (part_is_same(f, &old))
        return part_duplicate(f, part_received(&old));
    if (item_id.n && !about.exists)
        return part_reject(f, "unknown-item", unknown_item, "/item");
    if (old.exists && !gw_str_eq(json_get_str(&old.doc, 0, "item"), item_id))
        return part_reject(f, "conflict", "this id is about another item; use a new id", "/id");
    if (about.exists) {
        item i = item_of(&about.doc);
        gw_str currency = json_get_str(f->body, 0, "currency");
        if (currency.n && !gw_str_eq(currency, i.currency))
            return part_reject(f, "wrong-currency",
                               "the item is in another currency; send the amount in the item's",
                               "/currency");
        case_id = case_of(&i, item_id);
    }
    return store_object(f, k, case_id);
}

gw_code ledger_promise(const fold *f)
{
    bool amount = json_member(f->body, 0, "amount_minor") != 0;
    if (amount != (json_member(f->body, 0, "currency") != 0))
        return part_reject(f, "invalid", "amount_minor and currency go together; add the other one",
                           amount ? "/currency" : "/amount_minor");
    return fold_object(f, &promise_kind);
}

gw_code ledger_dispute(const fold *f)
{
    return fold_object(f, &dispute_kind);
}
