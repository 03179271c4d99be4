/* Reading the JSON document into the model: which members there are is said in tables; ageing.c
 * does the arithmetic. */
#include "templates/statement/statement.h"
#include "gateway/base/money.h"
#include "templates/statement/ageing.h"
#include "templates/statement/read.h"

typedef struct {
    reader in;
    statement *s;
    statement_total totals[STATEMENT_CURRENCIES_MAX];
} builder;

#define TEXT(type, member, limit, how)                                                             \
    {                                                                                              \
#member, offsetof(type, member), limit, how                                                \
    }

static const read_text creditor_texts[] = {
    TEXT(statement_party, name, STATEMENT_NAME_BYTES, READ_REQUIRED),
    TEXT(statement_party, address, STATEMENT_ADDRESS_BYTES, READ_LINES),
    TEXT(statement_party, email, STATEMENT_ID_BYTES, READ_OPTIONAL),
    TEXT(statement_party, phone, STATEMENT_ID_BYTES, READ_OPTIONAL),
};
static const read_text debtor_texts[] = {
    TEXT(statement_party, name, STATEMENT_NAME_BYTES, READ_REQUIRED),
    TEXT(statement_party, id, STATEMENT_ID_BYTES, READ_OPTIONAL),
    TEXT(statement_party, address, STATEMENT_ADDRESS_BYTES, READ_LINES),
};
static const read_text item_texts[] = {
    TEXT(statement_item, id, STATEMENT_ID_BYTES, READ_REQUIRED),
    TEXT(statement_item, reference, STATEMENT_ID_BYTES, READ_OPTIONAL),
    TEXT(statement_item, description, STATEMENT_TEXT_BYTES, READ_LINES),
    TEXT(statement_item, terms, STATEMENT_TEXT_BYTES, READ_LINES),
};
static const read_text charge_texts[] = {
    TEXT(statement_line, label, STATEMENT_TEXT_BYTES, READ_REQUIRED | READ_LINES),
    TEXT(statement_line, basis, STATEMENT_TEXT_BYTES, READ_REQUIRED | READ_LINES),
};
static const read_text credit_texts[] = {
    TEXT(statement_line, label, STATEMENT_TEXT_BYTES, READ_REQUIRED | READ_LINES),
    TEXT(statement_line, reference, STATEMENT_ID_BYTES, READ_OPTIONAL),
};
static const read_text payment_texts[] = {
    TEXT(statement_line, reference, STATEMENT_ID_BYTES, READ_OPTIONAL),
};

/* Index of the currency in the totals; its row is made at first mention. */
static gw_code read_currency(builder *b, uint32_t object, size_t *ret)
{
    uint32_t node = read_member(&b->in, object, "currency");
    if (!node)
        return read_missing(&b->in, object, "currency");
    int exponent;
    gw_str code = {0};
    if (json_kind_of(b->in.d, node) == JSON_STRING)
        code = json_str(b->in.d, node);
    if (money_currency(code, &exponent) != GW_OK)
        return read_refuse(&b->in, node, GW_EINVAL,
                           "must be an ISO 4217 code in use, such as \"USD\"");
    for (size_t i = 0; i < b->s->total_n; i++)
        if (gw_str_is(code, b->totals[i].currency)) {
            *ret = i;
            return GW_OK;
        }
    if (b->s->total_n == STATEMENT_CURRENCIES_MAX)
        return read_refuse(&b->in, node, GW_ELIMIT, "more than 16 currencies on one statement");
    statement_total *t = &b->totals[b->s->total_n];
    memcpy(t->currency, code.p, 3);
    t->exponent = exponent;
    *ret = b->s->total_n++;
    return GW_OK;
}

static gw_code need_object(builder *b, uint32_t node)
{
    if (json_kind_of(b->in.d, node) != JSON_OBJECT)
        return read_refuse(&b->in, node, GW_EINVAL, "must be an object");
    return GW_OK;
}

static gw_code read_payment_lines(builder *b, uint32_t object, statement_party *ret)
{
    uint32_t list = 0;
    size_t n = 0;
    gw_code rc =
        read_list(&b->in, object, "payment", READ_OPTIONAL, STATEMENT_PAYMENT_LINES, &list, &n);
    if (rc != GW_OK || n == 0)
        return rc;
    gw_str *lines = gw_arena_alloc(b->in.arena, n * sizeof *lines);
    if (!lines)
        return read_refuse(&b->in, list, GW_ENOMEM, "out of memory");
    uint32_t node = json_first(list);
    for (size_t i = 0; rc == GW_OK && i < n; i++, node = json_at(b->in.d, node)->next)
        rc = read_text_node(&b->in, node, STATEMENT_TEXT_BYTES, READ_OPTIONAL, &lines[i]);
    ret->payment = lines;
    ret->payment_n = n;
    return rc;
}

static gw_code read_party(builder *b, uint32_t object, const char *name, const read_text *texts,
                          size_t text_n, statement_party *ret)
{
    uint32_t node = read_member(&b->in, object, name);
    if (!node)
        return read_missing(&b->in, object, name);
    gw_code rc = need_object(b, node);
    if (rc == GW_OK)
        rc = read_texts(&b->in, node, texts, text_n, ret);
    if (rc != GW_OK)
        return rc;
    size_t lines = 1;
    for (size_t i = 0; i < ret->address.n; i++)
        lines += ret->address.p[i] == '\n';
    if (lines > STATEMENT_ADDRESS_LINES)
        return read_refuse(&b->in, read_member(&b->in, node, "address"), GW_ELIMIT,
                           "more than 8 lines");
    return GW_OK;
}

static gw_code read_item(builder *b, uint32_t node, void *ret)
{
    statement_item *it = ret;
    reader *in = &b->in;
    gw_code rc = read_texts(in, node, item_texts, GW_COUNT(item_texts), it);
    if (rc == GW_OK)
        rc = read_day(in, node, "issued", READ_OPTIONAL, &it->has_issued, &it->issued);
    if (rc == GW_OK)
        rc = read_day(in, node, "due", READ_REQUIRED, NULL, &it->due);
    if (rc == GW_OK)
        rc = read_amount(in, node, "amount_minor", READ_REQUIRED, 1, NULL, &it->amount);
    if (rc == GW_OK)
        rc = read_amount(in, node, "paid_minor", READ_OPTIONAL, 0, NULL, &it->paid);
    if (rc == GW_OK)
        rc = read_amount(in, node, "contract_minor", READ_OPTIONAL, 1, &it->has_contract,
                         &it->contract);
    if (rc == GW_OK)
        rc = read_flag(in, node, "disputed", &it->disputed);
    if (rc == GW_OK)
        rc = read_currency(b, node, &it->currency);
    return rc;
}

static gw_code read_line(builder *b, uint32_t node, const read_text *texts, size_t text_n,
                         int day_how, statement_line *line)
{
    gw_code rc = read_texts(&b->in, node, texts, text_n, line);
    if (rc == GW_OK)
        rc = read_day(&b->in, node, "date", day_how, &line->has_date, &line->date);
    if (rc == GW_OK)
        rc = read_amount(&b->in, node, "amount_minor", READ_REQUIRED, 1, NULL, &line->amount);
    if (rc == GW_OK)
        rc = read_currency(b, node, &line->currency);
    return rc;
}

static gw_code read_charge(builder *b, uint32_t node, void *ret)
{
    return read_line(b, node, charge_texts, GW_COUNT(charge_texts), READ_OPTIONAL, ret);
}

static gw_code read_credit(builder *b, uint32_t node, void *ret)
{
    return read_line(b, node, credit_texts, GW_COUNT(credit_texts), READ_OPTIONAL, ret);
}

static gw_code read_payment(builder *b, uint32_t node, void *ret)
{
    return read_line(b, node, payment_texts, GW_COUNT(payment_texts), READ_REQUIRED, ret);
}

typedef gw_code read_element(builder *b, uint32_t node, void *ret);

static gw_code read_elements(builder *b, uint32_t object, const char *name, int how, size_t limit,
                             size_t size, read_element *read, void **ret, size_t *ret_n)
{
    uint32_t list = 0;
    size_t n = 0;
    gw_code rc = read_list(&b->in, object, name, how, limit, &list, &n);
    if (rc != GW_OK || n == 0)
        return rc;
    char *elements = gw_arena_alloc(b->in.arena, n * size);
    if (!elements)
        return read_refuse(&b->in, list, GW_ENOMEM, "out of memory");
    uint32_t node = json_first(list);
    for (size_t i = 0; i < n; i++, node = json_at(b->in.d, node)->next) {
        rc = need_object(b, node);
        if (rc == GW_OK)
            rc = read(b, node, elements + i * size);
        if (rc != GW_OK)
            return rc;
    }
    *ret = elements;
    *ret_n = n;
    return GW_OK;
}

static gw_code read_lists(builder *b, uint32_t object)
{
    statement *s = b->s;
    void *items = NULL, *charges = NULL, *credits = NULL, *payments = NULL;
    gw_code rc = read_elements(b, object, "items", READ_REQUIRED, STATEMENT_ITEMS_MAX,
                               sizeof(statement_item), read_item, &items, &s->item_n);
    if (rc == GW_OK)
        rc = read_elements(b, object, "charges", READ_OPTIONAL, STATEMENT_CHARGES_MAX,
                           sizeof(statement_line), read_charge, &charges, &s->charge_n);
    if (rc == GW_OK)
        rc = read_elements(b, object, "credits", READ_OPTIONAL, STATEMENT_CREDITS_MAX,
                           sizeof(statement_line), read_credit, &credits, &s->credit_n);
    if (rc == GW_OK)
        rc = read_elements(b, object, "payments", READ_OPTIONAL, STATEMENT_PAYMENTS_MAX,
                           sizeof(statement_line), read_payment, &payments, &s->payment_n);
    if (rc == GW_OK)
        rc = ageing_items(s->date, items, s->item_n, b->in.err);
    s->items = items;
    s->charges = charges;
    s->credits = credits;
    s->payments = payments;
    return rc;
}

static gw_code read_head(builder *b, uint32_t object)
{
    static const read_text texts[] = {
        TEXT(statement, locale, FORMAT_LOCALE_BYTES - 1, READ_OPTIONAL)};
    statement *s = b->s;
    gw_code rc = need_object(b, object);
    if (rc == GW_OK)
        rc = read_party(b, object, "creditor", creditor_texts, GW_COUNT(creditor_texts),
                        &s->creditor);
    if (rc == GW_OK)
        rc = read_payment_lines(b, read_member(&b->in, object, "creditor"), &s->creditor);
    if (rc == GW_OK)
        rc = read_party(b, object, "debtor", debtor_texts, GW_COUNT(debtor_texts), &s->debtor);
    if (rc == GW_OK)
        rc = read_day(&b->in, object, "date", READ_REQUIRED, NULL, &s->date);
    s->locale = GW_STR("en");
    if (rc == GW_OK)
        rc = read_texts(&b->in, object, texts, GW_COUNT(texts), s);
    return rc;
}

gw_code statement_from_json(const json_doc *d, uint32_t node, gw_arena *arena,
                            const statement **ret, gw_err *err)
{
    builder b = {.in = {d, arena, err}};
    b.s = gw_arena_alloc(arena, sizeof *b.s);
    if (!b.s)
        return gw_fail(err, GW_ENOMEM, "reading a statement");
    gw_code rc = read_head(&b, node);
    if (rc == GW_OK)
        rc = read_lists(&b, node);
    if (rc == GW_OK)
        rc = ageing_totals(b.s, b.totals, err);
    if (rc != GW_OK)
        return rc;
    statement_total *totals = gw_arena_alloc(arena, sizeof b.totals);
    if (!totals)
        return gw_fail(err, GW_ENOMEM, "reading a statement");
    memcpy(totals, b.totals, sizeof b.totals);
    b.s->totals = totals;
    *ret = b.s;
    return GW_OK;
}
