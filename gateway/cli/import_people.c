#include "gateway/cli/import_internal.h"

#include "gateway/base/json.h"
#include "gateway/policy/rules.h"

#include <sodium.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 200, LOCALE_MAX_BYTES = 35, SEGMENT_MAX_BYTES = 64 };

static const char *const who_names[WHO_COUNT] = {
    [WHO_PRIMARY] = "primary",
    [WHO_ACCOUNTS] = "accounts",
    [WHO_FINANCE] = "finance_head",
    [WHO_OWNER] = "owner",
};

/* What tables write into the role column of their main contact. Any other post (buyer, project
 * manager ...) is the customer's primary contact. */
static import_who who_of(gw_str role)
{
    static const struct {
        const char *word;
        import_who who;
    } words[] = {
        {"finance_head", WHO_FINANCE}, {"finance head", WHO_FINANCE}, {"Finance head", WHO_FINANCE},
        {"CFO", WHO_FINANCE},          {"财务负责人", WHO_FINANCE},   {"财务总监", WHO_FINANCE},
        {"财务主管", WHO_FINANCE},     {"财务经理", WHO_FINANCE},     {"owner", WHO_OWNER},
        {"Owner", WHO_OWNER},          {"老板", WHO_OWNER},           {"法人", WHO_OWNER},
        {"负责人", WHO_OWNER},         {"accounts", WHO_ACCOUNTS},    {"Accounts", WHO_ACCOUNTS},
        {"会计", WHO_ACCOUNTS},        {"财务", WHO_ACCOUNTS},        {"出纳", WHO_ACCOUNTS},
    };
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (gw_str_is(role, words[i].word))
            return words[i].who;
    return WHO_PRIMARY;
}

static gw_code read_person(const import_row *r, import_col name, import_col email, import_col phone,
                           import_person *p, gw_err *err)
{
    const gw_str none = {"", 0};
    gw_code rc = import_text(r, name, "line", LINE_MAX_BYTES, none, &p->name, err);
    if (rc == GW_OK)
        rc = import_text(r, email, "email", LINE_MAX_BYTES * 2, none, &p->email, err);
    if (rc == GW_OK)
        rc = import_phone(r, phone, &p->phone, err);
    if (rc == GW_OK && (p->name.n || p->email.n || p->phone.n))
        p->line = r->row->line;
    return rc;
}

/* Two columns may name the same person's role: the main contact with role CFO, and "CFO email". */
static gw_code read_people(const import_row *r, import_customer *c, gw_err *err)
{
    import_person main_contact = {0};
    import_person named = {0};
    gw_str role;
    gw_code rc = read_person(r, COL_CONTACT_NAME, COL_EMAIL, COL_PHONE, &main_contact, err);
    if (rc == GW_OK)
        rc = import_text(r, COL_CONTACT_ROLE, "line", LINE_MAX_BYTES, (gw_str){"", 0}, &role, err);
    if (rc == GW_OK)
        rc = read_person(r, COL_FINANCE_NAME, COL_FINANCE_EMAIL, COL_FINANCE_PHONE, &named, err);
    if (rc != GW_OK)
        return rc;
    c->people[WHO_FINANCE] = named;
    named = (import_person){0};
    rc = read_person(r, COL_OWNER_NAME, COL_OWNER_EMAIL, COL_OWNER_PHONE, &named, err);
    if (rc != GW_OK)
        return rc;
    c->people[WHO_OWNER] = named;
    import_person *slot = &c->people[who_of(role)];
    if (main_contact.line && slot->line)
        return import_bad(r, COL_CONTACT_ROLE, err,
                          "the row names two contacts of this role; keep one");
    if (main_contact.line)
        *slot = main_contact;
    return GW_OK;
}

static gw_code read_role(const import_row *r, import_customer *c, gw_err *err)
{
    static const struct {
        const char *word, *role;
    } words[] = {{"企业", "company"},    {"公司", "company"},     {"个人", "consumer"},
                 {"消费者", "consumer"}, {"担保人", "guarantor"}, {"保证人", "guarantor"}};
    gw_code rc = import_text(r, COL_ROLE, "line", LINE_MAX_BYTES, (gw_str){"", 0}, &c->role, err);
    for (size_t i = 0; rc == GW_OK && i < GW_COUNT(words); i++)
        if (gw_str_is(c->role, words[i].word))
            c->role = gw_str_of(words[i].role);
    if (rc == GW_OK && c->role.n && !policy_role_of(c->role))
        return import_bad(r, COL_ROLE, err, "must be company, consumer or guarantor");
    return rc;
}

static gw_code read_zone(const import_row *r, const import_options *o, import_customer *c,
                         gw_err *err)
{
    gw_code rc =
        import_text(r, COL_ZONE, "iana-zone", ZONE_NAME_MAX, (gw_str){"", 0}, &c->zone, err);
    if (rc == GW_OK && c->zone.n == 0 && o->zone.n == 0)
        return import_bad(r, COL_ZONE, err,
                          "is empty; write a zone such as Europe/Berlin, or give --zone for all");
    if (rc == GW_OK && c->zone.n && !zone_table_get(r->zones, c->zone, NULL))
        return import_bad(r, COL_ZONE, err,
                          "this system has no such time zone; write one like Europe/Berlin");
    return rc;
}

/* An id for a customer that has none: the same name gives the same one. */
static gw_code derive_id(const import_row *r, import_customer *c, gw_err *err)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    char text[40];
    crypto_generichash(digest, sizeof digest, (const unsigned char *)c->name.p, c->name.n, NULL, 0);
    snprintf(text, sizeof text, "c-%02x%02x%02x%02x%02x%02x%02x%02x", digest[0], digest[1],
             digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
    c->id.p = gw_arena_copy(r->arena, gw_str_of(text));
    c->id.n = strlen(text);
    return c->id.p ? GW_OK : gw_fail(err, GW_ENOMEM, "importing the table");
}

gw_code import_read_customer(const import_row *r, const import_options *o, import_customer *ret,
                             gw_err *err)
{
    const gw_str none = {"", 0};
    import_customer c = {.line = r->row->line};
    gw_code rc = import_text(r, COL_CUSTOMER, "line", LINE_MAX_BYTES, none, &c.name, err);
    if (rc == GW_OK)
        rc = import_text(r, COL_CUSTOMER_ID, "id", LINE_MAX_BYTES, none, &c.id, err);
    if (rc == GW_OK && c.id.n == 0 && c.name.n == 0)
        rc = import_bad(r, COL_CUSTOMER, err, "is empty; every row needs its customer");
    if (rc == GW_OK && c.id.n == 0)
        rc = derive_id(r, &c, err);
    if (rc == GW_OK)
        rc = read_role(r, &c, err);
    if (rc == GW_OK)
        rc = read_zone(r, o, &c, err);
    if (rc == GW_OK)
        rc = import_text(r, COL_LOCALE, "locale", LOCALE_MAX_BYTES, none, &c.locale, err);
    if (rc == GW_OK)
        rc = import_text(r, COL_SEGMENT, "line", SEGMENT_MAX_BYTES, none, &c.segment, err);
    if (rc == GW_OK)
        rc = read_people(r, &c, err);
    if (rc == GW_OK)
        *ret = c;
    return rc;
}

/* ---- rows of the same customer ---- */

static gw_code join(gw_str *known, gw_str more, size_t known_line, const import_row *r,
                    import_col c, gw_err *err)
{
    char what[120];
    if (more.n == 0 || gw_str_eq(*known, more))
        return GW_OK;
    if (known->n == 0) {
        *known = more;
        return GW_OK;
    }
    snprintf(what, sizeof what, "differs from line %zu for the same customer; make the rows agree",
             known_line);
    return import_bad(r, c, err, what);
}

static gw_code join_person(import_person *known, const import_person *more, const import_row *r,
                           const import_col cols[3], gw_err *err)
{
    size_t line = known->line ? known->line : more->line;
    gw_code rc = join(&known->name, more->name, line, r, cols[0], err);
    if (rc == GW_OK)
        rc = join(&known->email, more->email, line, r, cols[1], err);
    if (rc == GW_OK)
        rc = join(&known->phone, more->phone, line, r, cols[2], err);
    known->line = line;
    return rc;
}

gw_code import_join_customer(import_customer *known, const import_customer *more,
                             const import_row *r, gw_err *err)
{
    static const import_col main_cols[] = {COL_CONTACT_NAME, COL_EMAIL, COL_PHONE};
    static const import_col finance_cols[] = {COL_FINANCE_NAME, COL_FINANCE_EMAIL,
                                              COL_FINANCE_PHONE};
    static const import_col owner_cols[] = {COL_OWNER_NAME, COL_OWNER_EMAIL, COL_OWNER_PHONE};
    const struct {
        gw_str *known;
        gw_str more;
        import_col col;
    } texts[] = {
        {&known->name, more->name, COL_CUSTOMER},      {&known->role, more->role, COL_ROLE},
        {&known->zone, more->zone, COL_ZONE},          {&known->locale, more->locale, COL_LOCALE},
        {&known->segment, more->segment, COL_SEGMENT},
    };
    gw_code rc = GW_OK;
    for (size_t i = 0; rc == GW_OK && i < GW_COUNT(texts); i++)
        rc = join(texts[i].known, texts[i].more, known->line, r, texts[i].col, err);
    for (size_t w = 0; rc == GW_OK && w < WHO_COUNT; w++) {
        /* a finance head met through the role column is reported under the main columns */
        bool own = w == WHO_FINANCE || w == WHO_OWNER;
        const import_col *cols = w == WHO_FINANCE ? finance_cols : owner_cols;
        bool has_own = own && r->layout->at[cols[1]] >= 0;
        rc = join_person(&known->people[w], &more->people[w], r, has_own ? cols : main_cols, err);
    }
    return rc;
}

/* ---- the body ---- */

static void put_person(gw_buf *body, const char *role, const import_person *p, gw_str customer)
{
    gw_buf_putc(body, '{');
    json_put_member_str(body, "id", gw_str_of(role));
    json_put_member_str(body, "role", gw_str_of(role));
    json_put_member_str(body, "name", p->name.n ? p->name : customer);
    if (p->email.n)
        json_put_member_str(body, "email", p->email);
    if (p->phone.n)
        json_put_member_str(body, "phone", p->phone);
    json_put_member_bool(body, "designated", true);
    gw_buf_putc(body, '}');
}

void import_put_customer(const import_customer *c, const import_options *o, gw_buf *body)
{
    gw_str locale = c->locale.n ? c->locale : o->locale;
    gw_str role = c->role.n ? c->role : o->role.n ? o->role : GW_STR("company");
    gw_str name = c->name.n ? c->name : c->id;
    size_t people = 0;
    gw_buf_putc(body, '{');
    json_put_member_str(body, "id", c->id);
    json_put_member_str(body, "name", name);
    json_put_member_str(body, "role", role);
    json_put_member_str(body, "zone", c->zone.n ? c->zone : o->zone);
    if (locale.n)
        json_put_member_str(body, "locale", locale);
    if (c->segment.n)
        json_put_member_str(body, "segment", c->segment);
    json_put_name(body, "contacts");
    gw_buf_putc(body, '[');
    for (size_t w = 0; w < WHO_COUNT; w++) {
        if (!c->people[w].line)
            continue;
        if (people++)
            gw_buf_putc(body, ',');
        put_person(body, who_names[w], &c->people[w], name);
    }
    gw_buf_puts(body, "]}");
}
