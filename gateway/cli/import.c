#include "gateway/cli/import_internal.h"

#include "gateway/base/json.h"
#include "gateway/base/money.h"
#include "gateway/base/time.h"
#include "gateway/policy/rules.h"
#include "gateway/wire/format.h"

#include <stdio.h>

enum {
    ARENA_BYTES = 512 << 20,
    BODY_BYTES = 64 << 10,
    INVOICE_MAX = 64,
    TERMS_MAX = 1000,
    REFERENCE_MAX = 128,
    DESCRIPTION_MAX = 500,
};
static const int64_t most_minor = INT64_C(1000000000000000); /* the item schema's maximum */

typedef struct {
    gw_str id, currency, terms, reference, description;
    size_t customer; /* index */
    size_t line;
    bool has_issued, disputed;
    int32_t issued, due;
    int64_t amount, paid;
} item;

/* Index + 1 by text; open addressing, at most half full. */
typedef struct {
    struct {
        gw_str key;
        size_t value;
    } * slots;
    size_t cap, n;
} text_map;

typedef struct {
    const import_options *options;
    gw_arena *arena;
    zone_table *zones;
    bool has_layout;
    import_layout layout;
    import_customer *customers;
    size_t customer_n, customer_cap;
    item *items;
    size_t item_n, item_cap;
    text_map by_customer, by_invoice;
} table;

/* ---- small containers ---- */

static size_t hash_of(gw_str s)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return (size_t)(h ^ (h >> 29));
}

static size_t slot_of(const text_map *m, gw_str key)
{
    size_t at = hash_of(key) & (m->cap - 1);
    while (m->slots[at].value && !gw_str_eq(m->slots[at].key, key))
        at = (at + 1) & (m->cap - 1);
    return at;
}

/* The place of key's value, 0 when it is new; NULL when out of memory. */
static size_t *map_place(text_map *m, gw_str key)
{
    if (m->n * 2 >= m->cap) {
        text_map grown = {.cap = m->cap ? m->cap * 2 : 64};
        grown.slots = calloc(grown.cap, sizeof *grown.slots);
        if (!grown.slots)
            return NULL;
        for (size_t i = 0; i < m->cap; i++)
            if (m->slots[i].value)
                grown.slots[slot_of(&grown, m->slots[i].key)] = m->slots[i];
        grown.n = m->n;
        free(m->slots);
        *m = grown;
    }
    size_t at = slot_of(m, key);
    if (!m->slots[at].value) {
        m->slots[at].key = key;
        m->n++;
    }
    return &m->slots[at].value;
}

static bool make_room(void **list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = realloc(*list, more * size);
    if (!grown)
        return false;
    *list = grown;
    *cap = more;
    return true;
}

static void table_done(table *t)
{
    free(t->customers);
    free(t->items);
    free(t->by_customer.slots);
    free(t->by_invoice.slots);
    gw_arena_free(t->arena);
    zone_table_free(t->zones);
}

/* ---- one row ---- */

static gw_code add_customer(table *t, const import_row *r, size_t *ret, gw_err *err)
{
    import_customer c;
    gw_code rc = import_read_customer(r, t->options, &c, err);
    if (rc != GW_OK)
        return rc;
    size_t *place = map_place(&t->by_customer, c.id);
    void *list = t->customers;
    bool room = place && make_room(&list, t->customer_n, &t->customer_cap, sizeof c);
    t->customers = list;
    if (!room)
        return gw_fail(err, GW_ENOMEM, "importing the table");
    if (*place) {
        *ret = *place - 1;
        return import_join_customer(&t->customers[*ret], &c, r, err);
    }
    t->customers[t->customer_n] = c;
    *ret = t->customer_n++;
    *place = t->customer_n;
    return GW_OK;
}

static gw_code read_currency(const table *t, const import_row *r, item *x, gw_err *err)
{
    gw_code rc =
        import_text(r, COL_CURRENCY, "iso4217", 3, t->options->currency, &x->currency, err);
    if (rc == GW_OK && x->currency.n == 0)
        rc = import_bad(r, COL_CURRENCY, err,
                        "is empty; write a code such as EUR, or give --currency for all");
    return rc;
}

/* Two of contract amount, paid and unpaid give the third; all three must agree. */
static gw_code read_amounts(const import_row *r, item *x, gw_err *err)
{
    bool has_amount = false;
    bool has_paid = false;
    bool has_unpaid = false;
    int64_t unpaid = 0;
    gw_code rc = import_money(r, COL_AMOUNT, x->currency, &has_amount, &x->amount, err);
    if (rc == GW_OK)
        rc = import_money(r, COL_PAID, x->currency, &has_paid, &x->paid, err);
    if (rc == GW_OK)
        rc = import_money(r, COL_UNPAID, x->currency, &has_unpaid, &unpaid, err);
    if (rc != GW_OK)
        return rc;
    if (!has_amount && !has_unpaid)
        return import_bad(r, COL_AMOUNT, err, "is empty; every row needs its amount");
    if (!has_amount && money_add(unpaid, x->paid, &x->amount, NULL) != GW_OK)
        return import_bad(r, COL_UNPAID, err, "is too large");
    if (!has_paid && has_unpaid)
        x->paid = x->amount - unpaid;
    if (has_unpaid && x->amount - x->paid != unpaid)
        return import_bad(r, COL_UNPAID, err,
                          "is not contract amount less paid; correct one of the three");
    if (x->paid < 0 || x->paid > x->amount)
        return import_bad(r, has_paid ? COL_PAID : COL_UNPAID, err,
                          "is more than the contract amount; correct one of the two");
    if (x->amount == 0 || x->amount > most_minor)
        return import_bad(r, has_amount ? COL_AMOUNT : COL_UNPAID, err,
                          "must be more than zero and at most 10^15 minor units");
    return GW_OK;
}

static gw_code read_dates(const import_row *r, item *x, gw_err *err)
{
    bool has_due = false;
    gw_code rc = import_date(r, COL_ISSUED, &x->has_issued, &x->issued, err);
    if (rc == GW_OK)
        rc = import_date(r, COL_DUE, &has_due, &x->due, err);
    if (rc != GW_OK)
        return rc;
    if (!has_due) {
        int days = import_term_days(x->terms);
        if (!x->has_issued || days < 0)
            return import_bad(r, COL_DUE, err,
                              "is empty; write it, or the issue date and terms such as 30 days");
        x->due = x->issued + days;
    }
    if (x->has_issued && x->due < x->issued)
        return import_bad(r, COL_DUE, err, "lies before the issue date; correct one of the two");
    return GW_OK;
}

static gw_code read_item(table *t, const import_row *r, item *x, gw_err *err)
{
    const gw_str none = {"", 0};
    gw_code rc = import_text(r, COL_INVOICE, "id", INVOICE_MAX, none, &x->id, err);
    if (rc == GW_OK && x->id.n == 0)
        rc = import_bad(r, COL_INVOICE, err, "is empty; every row needs its own number");
    if (rc == GW_OK)
        rc = import_text(r, COL_TERMS, "line", TERMS_MAX, none, &x->terms, err);
    if (rc == GW_OK)
        rc = import_text(r, COL_REFERENCE, "line", REFERENCE_MAX, none, &x->reference, err);
    if (rc == GW_OK)
        rc = import_text(r, COL_DESCRIPTION, "line", DESCRIPTION_MAX, none, &x->description, err);
    if (rc == GW_OK)
        rc = import_yes(r, COL_DISPUTED, &x->disputed, err);
    if (rc == GW_OK)
        rc = read_currency(t, r, x, err);
    if (rc == GW_OK)
        rc = read_amounts(r, x, err);
    return rc == GW_OK ? read_dates(r, x, err) : rc;
}

static gw_code add_item(table *t, const import_row *r, size_t customer, gw_err *err)
{
    item x = {.customer = customer, .line = r->row->line};
    gw_code rc = read_item(t, r, &x, err);
    if (rc != GW_OK)
        return rc;
    size_t *place = map_place(&t->by_invoice, x.id);
    void *list = t->items;
    bool room = place && make_room(&list, t->item_n, &t->item_cap, sizeof x);
    t->items = list;
    if (!room)
        return gw_fail(err, GW_ENOMEM, "importing the table");
    if (*place) {
        char what[80];
        snprintf(what, sizeof what, "the number is already on line %zu; every row needs its own",
                 t->items[*place - 1].line);
        return import_bad(r, COL_INVOICE, err, what);
    }
    t->items[t->item_n++] = x;
    *place = t->item_n;
    return GW_OK;
}

static gw_code on_row(void *arg, const csv_row *row, gw_err *err)
{
    table *t = arg;
    size_t customer = 0;
    if (!t->has_layout) {
        t->has_layout = true;
        return import_read_header(row, &t->layout, err);
    }
    if (row->n != t->layout.n)
        return gw_fail(err, GW_EINVAL,
                       "line %zu has %zu cells, the header has %zu; quote cells with commas",
                       row->line, row->n, t->layout.n);
    if (t->item_n == IMPORT_ROWS_MAX)
        return gw_fail(err, GW_ELIMIT, "line %zu: more than %d rows; split the table", row->line,
                       IMPORT_ROWS_MAX);
    import_row r = {&t->layout, row, t->arena, t->zones};
    gw_code rc = add_customer(t, &r, &customer, err);
    return rc == GW_OK ? add_item(t, &r, customer, err) : rc;
}

/* ---- bodies ---- */

static void put_date(gw_buf *body, const char *name, int32_t day)
{
    char text[GW_DATE_TEXT];
    gw_date_format(day, text);
    json_put_member_str(body, name, gw_str_of(text));
}

static void put_item(const table *t, const item *x, gw_buf *body)
{
    gw_buf_putc(body, '{');
    json_put_member_str(body, "id", x->id);
    json_put_member_str(body, "debtor", t->customers[x->customer].id);
    if (x->has_issued)
        put_date(body, "issued", x->issued);
    put_date(body, "due", x->due);
    json_put_member_int(body, "amount_minor", x->amount);
    json_put_member_str(body, "currency", x->currency);
    json_put_member_int(body, "paid_minor", x->paid);
    json_put_member_int(body, "contract_minor", x->amount);
    if (x->terms.n)
        json_put_member_str(body, "terms", x->terms);
    if (x->reference.n)
        json_put_member_str(body, "reference", x->reference);
    if (x->description.n)
        json_put_member_str(body, "description", x->description);
    if (x->disputed)
        json_put_member_str(body, "state", GW_STR("disputed"));
    gw_buf_putc(body, '}');
}

static gw_code emit_all(const table *t, import_emit_fn *emit, void *arg, gw_err *err)
{
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, BODY_BYTES);
    gw_code rc = GW_OK;
    for (size_t i = 0; rc == GW_OK && i < t->customer_n + t->item_n; i++) {
        bool debtor = i < t->customer_n;
        gw_buf_clear(&body);
        if (debtor)
            import_put_customer(&t->customers[i], t->options, &body);
        else
            put_item(t, &t->items[i - t->customer_n], &body);
        rc = gw_buf_code(&body, "a body", err);
        if (rc == GW_OK)
            rc = emit(arg, debtor ? "debtor" : "item", gw_buf_str(&body), err);
    }
    return rc;
}

static gw_code check_options(const import_options *o, zone_table *zones, gw_err *err)
{
    const struct {
        const char *name;
        gw_str value;
        format_check check;
    } rows[] = {{"zone", o->zone, format_iana_zone},
                {"currency", o->currency, format_iso4217},
                {"locale", o->locale, format_locale}};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        const char *expected = rows[i].value.n ? rows[i].check(rows[i].value) : NULL;
        if (expected)
            return gw_fail(err, GW_EINVAL, "the default %s must be %s", rows[i].name, expected);
    }
    if (o->zone.n && !zone_table_get(zones, o->zone, err))
        return gw_wrap(err, GW_EINVAL, "the default zone");
    if (o->role.n && !policy_role_of(o->role))
        return gw_fail(err, GW_EINVAL, "the default role must be company, consumer or guarantor");
    return GW_OK;
}

gw_code import_table(gw_str csv, const import_options *options, import_emit_fn *emit, void *arg,
                     gw_err *err)
{
    static const csv_limits limits = {.columns = IMPORT_COLUMNS_MAX};
    table t = {.options = options, .arena = gw_arena_new(ARENA_BYTES), .zones = zone_table_new()};
    gw_code rc = GW_OK;
    if (!t.arena || !t.zones)
        rc = gw_fail(err, GW_ENOMEM, "importing the table");
    if (rc == GW_OK)
        rc = check_options(options, t.zones, err);
    if (rc == GW_OK)
        rc = csv_parse(csv, &limits, on_row, &t, err);
    if (rc == GW_OK && !t.has_layout)
        rc = gw_fail(err, GW_EINVAL, "the table is empty; its first line holds the headers");
    if (rc == GW_OK)
        rc = emit_all(&t, emit, arg, err);
    table_done(&t);
    return rc;
}
