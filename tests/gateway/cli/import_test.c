#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/import.h"
#include "gateway/wire/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { BODIES_MAX = 64 };

typedef struct {
    char verb[BODIES_MAX][8];
    char body[BODIES_MAX][2048];
    size_t n;
} bodies;

static gw_code collect(void *arg, const char *verb, gw_str body, gw_err *err)
{
    bodies *b = arg;
    (void)err;
    assert_true(b->n < BODIES_MAX && body.n < sizeof b->body[0]);
    snprintf(b->verb[b->n], sizeof b->verb[0], "%s", verb);
    snprintf(b->body[b->n++], sizeof b->body[0], "%.*s", GW_STR_ARG(body));
    return GW_OK;
}

static const import_options defaults = {.zone = {"Europe/Berlin", 13}, .currency = {"EUR", 3}};

static bodies *take(const char *csv)
{
    static bodies b;
    gw_err err = {0};
    b.n = 0;
    if (import_table(gw_str_of(csv), &defaults, collect, &b, &err) != GW_OK)
        fail_msg("%s", err.text);
    return &b;
}

static void refuse_with(const import_options *o, const char *csv, const char *where,
                        const char *what)
{
    bodies b = {.n = 0};
    gw_err err = {0};
    if (import_table(gw_str_of(csv), o, collect, &b, &err) == GW_OK)
        fail_msg("taken: %s", csv);
    assert_int_equal(b.n, 0); /* nothing half-accepted */
    if (!strstr(err.text, where) || !strstr(err.text, what))
        fail_msg("%s", err.text);
}

static void refuse(const char *csv, const char *where, const char *what)
{
    refuse_with(&defaults, csv, where, what);
}

#define HEAD "customer,customer id,invoice no,contract amount,paid,unpaid,due date,email\n"
#define GOOD "Acme,A1,I1,100.00,40.00,60.00,2013-02-01,ap@acme.example.test\n"

static void a_row_becomes_a_debtor_and_an_item(void **state)
{
    (void)state;
    bodies *b = take(HEAD GOOD);
    assert_int_equal(b->n, 2);
    assert_string_equal(b->verb[0], "debtor");
    assert_string_equal(
        b->body[0],
        "{\"id\":\"A1\",\"name\":\"Acme\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
        "\"contacts\":[{\"id\":\"primary\",\"role\":\"primary\",\"name\":\"Acme\","
        "\"email\":\"ap@acme.example.test\",\"designated\":true}]}");
    assert_string_equal(b->verb[1], "item");
    assert_string_equal(
        b->body[1],
        "{\"id\":\"I1\",\"debtor\":\"A1\",\"due\":\"2013-02-01\",\"amount_minor\":10000,"
        "\"currency\":\"EUR\",\"paid_minor\":4000,\"contract_minor\":10000}");
}

static void headers_are_found_in_both_languages_and_any_order_and_spelling(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "customer,customer id,invoice no,contract amount,paid,unpaid,due date,email\n",
        "Customer,CUSTOMER_ID,Invoice-No.,Contract Amount,Paid,Unpaid,Due Date,E-Mail\n",
        "\xEF\xBB\xBF客户,客户编号,发票号,合同金额,已付,未付,到期日,邮箱\r\n",
        "客户（名称）,客户编号,单据号,合同额,已收金额,未收金额,到期日期,电子邮件\n",
        "客户名称,客户代码,发票号码,应收金额,已付金额,未付金额, 到期日 ,联系人邮箱\n"};
    char first[2][2048];
    for (size_t i = 0; i < GW_COUNT(heads); i++) {
        char csv[1024];
        snprintf(csv, sizeof csv, "%s%s", heads[i], GOOD);
        bodies *b = take(csv);
        assert_int_equal(b->n, 2);
        if (i == 0)
            memcpy(first, b->body, sizeof first);
        assert_string_equal(b->body[0], first[0]);
        assert_string_equal(b->body[1], first[1]);
    }
    bodies *b =
        take("due date,unpaid,invoice no,customer,#my own,备注\n2013-02-01,5,I1,Acme,x,y\n");
    assert_non_null(strstr(b->body[1], "\"amount_minor\":500,"));
    assert_non_null(strstr(b->body[0], "\"id\":\"c-"));
}

static void rows_of_one_customer_are_joined(void **state)
{
    (void)state;
    bodies *b = take("customer,customer id,invoice no,unpaid,due date,email,phone,finance head "
                     "email,owner email\n"
                     "Acme,A1,I1,1,2013-02-01,ap@acme.example.test,,,\n"
                     "Beta,B1,I2,2,2013-02-01,ap@beta.example.test,,,\n"
                     "Acme,A1,I3,3,2013-02-01,,+44 20 7946-0018,cfo@acme.example.test,"
                     "boss@acme.example.test\n");
    assert_int_equal(b->n, 5);
    assert_string_equal(b->verb[1], "debtor");
    assert_string_equal(b->verb[2], "item");
    assert_non_null(strstr(b->body[0], "\"email\":\"ap@acme.example.test\",\"phone\":"
                                       "\"+442079460018\""));
    assert_non_null(strstr(b->body[0], "\"role\":\"finance_head\",\"name\":\"Acme\",\"email\":"
                                       "\"cfo@acme.example.test\""));
    assert_non_null(strstr(b->body[0], "\"role\":\"owner\""));
    refuse(HEAD GOOD "Acme,A1,I2,1,0,1,2013-02-01,other@acme.example.test\n", "line 3", "line 2");
    refuse(HEAD GOOD "Acme Inc,A1,I2,1,0,1,2013-02-01,\n", "column \"customer\"", "agree");
}

static void dates_are_read_year_first_only(void **state)
{
    (void)state;
    static const char *const good[] = {"2013-02-01", "2013/2/1",     "2013.2.1",    "20130201",
                                       "2013-2-1",   "2013年2月1日", " 2013-02-01 "};
    static const char *const bad[] = {"01/02/2013", "1.2.2013",    "2013-02-30",      "2013-13-01",
                                      "2013-02",    "2013-02-01T", "yesterday",       "2013/02-01",
                                      "41306",      "13-02-01",    "2013-02-01 10:00"};
    char csv[256];
    for (size_t i = 0; i < GW_COUNT(good); i++) {
        snprintf(csv, sizeof csv, "customer,invoice no,unpaid,due date\nAcme,I1,1,%s\n", good[i]);
        assert_non_null(strstr(take(csv)->body[1], "\"due\":\"2013-02-01\""));
    }
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        snprintf(csv, sizeof csv, "customer,invoice no,unpaid,due date\nAcme,I1,1,%s\n", bad[i]);
        refuse(csv, "line 2, column \"due date\"", "");
    }
}

static void terms_give_the_due_date_that_is_missing(void **state)
{
    (void)state;
    static const char *const good[] = {"30", "30 days", "net 30", "30天", "Net 30 days"};
    char csv[256];
    for (size_t i = 0; i < GW_COUNT(good); i++) {
        snprintf(csv, sizeof csv,
                 "customer,invoice no,unpaid,issued,terms\nAcme,I1,1,2013-01-31,%s\n", good[i]);
        assert_non_null(strstr(take(csv)->body[1], "\"due\":\"2013-03-02\""));
    }
    refuse("customer,invoice no,unpaid,issued,terms\nAcme,I1,1,2013-01-31,end of month\n",
           "column \"due date\"", "issue date and terms");
    refuse("customer,invoice no,unpaid,issued,due date\nAcme,I1,1,2013-01-31,2013-01-30\n",
           "due date", "before the issue date");
}

static void an_amount_that_does_not_add_up_is_refused(void **state)
{
    (void)state;
    refuse(HEAD "Acme,A1,I1,100.00,40.00,50.00,2013-02-01,\n", "line 2, column \"unpaid\"",
           "contract amount less paid");
    refuse(HEAD "Acme,A1,I1,100.00,140.00,,2013-02-01,\n", "column \"paid\"", "more than");
    refuse(HEAD "Acme,A1,I1,100.00,,140.00,2013-02-01,\n", "column \"unpaid\"", "more than");
    refuse(HEAD "Acme,A1,I1,0,0,0,2013-02-01,\n", "contract amount", "more than zero");
    refuse(HEAD "Acme,A1,I1,,,,2013-02-01,\n", "contract amount", "is empty");
    refuse(HEAD "Acme,A1,I1,-5,,,2013-02-01,\n", "contract amount", "negative");
    refuse(HEAD "Acme,A1,I1,1.005,,,2013-02-01,\n", "contract amount", "exact amount");
    refuse(HEAD "Acme,A1,I1,EUR 5,,,2013-02-01,\n", "contract amount", "exact amount");
    refuse(HEAD "Acme,A1,I1,1e5,,,2013-02-01,\n", "contract amount", "exact amount");
    refuse(HEAD "Acme,A1,I1,99999999999999999,,,2013-02-01,\n", "contract amount", "");
    assert_non_null(
        strstr(take(HEAD "Acme,A1,I1,100,100,0,2013-02-01,\n")->body[1], "\"paid_minor\":10000"));
    assert_non_null(
        strstr(take(HEAD "Acme,A1,I1,100,,25.5,2013-02-01,\n")->body[1], "\"paid_minor\":7450"));
}

static void a_missing_or_wrong_cell_names_line_column_and_remedy(void **state)
{
    (void)state;
    refuse("", "empty", "headers");
    refuse("customer,customer id,invoice no,unpaid\n", "due date", "needed");
    refuse("invoice no,unpaid,due date\n", "customer", "needed");
    refuse("customer,unpaid,due date\n", "invoice no", "needed");
    refuse("customer,invoice no,due date\n", "contract amount", "needed");
    refuse("customer,invoice no,unpaid,due date,e-mial\n", "e-mial", "#");
    refuse("customer,invoice no,unpaid,due date,到期日\n", "到期日", "mean the same");
    refuse("customer,invoice no,unpaid,due date,Due-Date\n", "Due-Date", "mean the same");
    refuse("customer,invoice no,unpaid,due date,\n", "unknown column", "");
    refuse(HEAD GOOD "Acme,A1,I2,1\n", "line 3 has 4 cells", "header has 8");
    refuse(HEAD GOOD "Beta,B1,I1,1,,,2013-02-01,\n", "line 3, column \"invoice no\"", "line 2");
    refuse(HEAD "Acme,A1,,1,,,2013-02-01,\n", "invoice no", "is empty");
    refuse(HEAD ",,I1,1,,,2013-02-01,\n", "customer", "is empty");
    refuse(HEAD "Acme,A 1,I1,1,,,2013-02-01,\n", "customer id", "1 to 64");
    refuse(HEAD "Acme,A1,I1,1,,,2013-02-01,not an address\n", "email", "mail address");
    refuse(HEAD "Acme,A1,I1,1,,,2013-02-01,\"a@b.example.test\r\nBcc: x@y.example.test\"\n",
           "email", "mail address");
    refuse(HEAD "\"Acme\nInc\",A1,I1,1,,,2013-02-01,\n", "customer", "one line");
    refuse(HEAD "Acme,A1,I1,\"1,,,2013-02-01,\n", "line 2", "");
    refuse("customer,invoice no,unpaid,due date,phone\nA,I1,1,2013-02-01,0123456789\n", "phone",
           "country code");
    refuse("customer,invoice no,unpaid,due date,disputed\nA,I1,1,2013-02-01,maybe\n", "disputed",
           "yes or no");
    refuse("customer,invoice no,unpaid,due date,currency\nA,I1,1,2013-02-01,RMB\n", "currency",
           "ISO 4217");
    refuse("customer,invoice no,unpaid,due date,role\nA,I1,1,2013-02-01,friend\n", "role",
           "guarantor");
    refuse("customer,invoice no,unpaid,due date,zone\nA,I1,1,2013-02-01,+08:00\n", "zone", "IANA");
    refuse("customer,invoice no,unpaid,due date,email,contact role,cfo email\n"
           "A,I1,1,2013-02-01,a@b.example.test,CFO,c@b.example.test\n",
           "contact role", "two contacts");
}

static void without_defaults_the_cells_are_needed(void **state)
{
    (void)state;
    import_options none = {0};
    refuse_with(&none, HEAD GOOD, "column \"zone\"", "--zone");
    import_options zoned = {.zone = GW_STR("Asia/Tokyo")};
    refuse_with(&zoned, HEAD GOOD, "column \"currency\"", "--currency");
    import_options bad = {.zone = GW_STR("Asia/Tokyo"), .currency = GW_STR("Yen")};
    refuse_with(&bad, HEAD GOOD, "default currency", "ISO 4217");
}

static void a_zone_the_system_lacks_is_refused(void **state)
{
    (void)state;
    refuse("customer,invoice no,unpaid,due date,zone\nA,I1,1,2013-02-01,Asia/Bejing\n",
           "line 2, column \"zone\"", "no such time zone");
    import_options o = {.zone = GW_STR("Europe/Berlni"), .currency = GW_STR("EUR")};
    refuse_with(&o, HEAD GOOD, "default zone", "Berlni");
}

static void errors_never_repeat_what_a_cell_says(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Secret Corp,A 1,I1,1,,,2013-02-01,\n", "Secret Corp,A1,I1,Secret,,,2013-02-01,\n",
        "Secret Corp,A1,I1,1,,,Secret,\n", "Secret Corp,A1,I1,1,,,2013-02-01,Secret\n"};
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        bodies b = {.n = 0};
        char csv[512];
        gw_err err = {0};
        snprintf(csv, sizeof csv, "%s%s", HEAD, rows[i]);
        assert_int_equal(import_table(gw_str_of(csv), &defaults, collect, &b, &err), GW_EINVAL);
        assert_null(strstr(err.text, "Secret"));
    }
}

static gw_code stop(void *arg, const char *verb, gw_str body, gw_err *err)
{
    (void)arg;
    (void)verb;
    (void)body;
    return gw_fail(err, GW_EBUSY, "the gateway is busy");
}

static void what_the_receiver_answers_is_returned(void **state)
{
    (void)state;
    gw_err err = {0};
    assert_int_equal(import_table(gw_str_of(HEAD GOOD), &defaults, stop, NULL, &err), GW_EBUSY);
}

static schema *load_schema(const char *verb)
{
    char path[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    schema *s = NULL;
    gw_err err = {0};
    snprintf(path, sizeof path, "%s/config/schema/%s.json", source ? source : ".", verb);
    if (schema_load(path, &s, &err) != GW_OK)
        fail_msg("%s", err.text);
    return s;
}

static void the_sample_table_is_taken_and_its_bodies_keep_to_the_schema(void **state)
{
    (void)state;
    static bodies b;
    char path[4096];
    const char *source = getenv("DUNLIN_SOURCE");
    GW_AUTO(schema_free) schema *debtor = load_schema("debtor");
    GW_AUTO(schema_free) schema *item = load_schema("item");
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(1 << 20);
    GW_AUTO_BUF gw_buf csv;
    gw_err err = {0};
    gw_buf_init(&csv, 1 << 20);
    snprintf(path, sizeof path, "%s/deploy/sample/receivables.csv", source ? source : ".");
    assert_int_equal(gw_file_read(path, &csv, &err), GW_OK);
    import_options o = {0};
    if (import_table(gw_buf_str(&csv), &o, collect, &b, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(b.n, 10 + 12);
    for (size_t i = 0; i < b.n; i++) {
        json_doc doc;
        schema_fault fault;
        gw_arena_reset(arena);
        assert_int_equal(json_parse(gw_str_of(b.body[i]), arena, &doc, &err), GW_OK);
        if (!schema_check(strcmp(b.verb[i], "item") == 0 ? item : debtor, &doc, 0, &fault))
            fail_msg("%s: %s %s", b.body[i], fault.pointer, fault.what);
    }
    assert_non_null(strstr(b.body[0], "\"name\":\"华东精密机械有限公司\""));
    assert_non_null(strstr(b.body[0], "\"role\":\"owner\",\"name\":\"陈总\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_a_debtor_and_an_item),
        cmocka_unit_test(headers_are_found_in_both_languages_and_any_order_and_spelling),
        cmocka_unit_test(rows_of_one_customer_are_joined),
        cmocka_unit_test(dates_are_read_year_first_only),
        cmocka_unit_test(terms_give_the_due_date_that_is_missing),
        cmocka_unit_test(an_amount_that_does_not_add_up_is_refused),
        cmocka_unit_test(a_missing_or_wrong_cell_names_line_column_and_remedy),
        cmocka_unit_test(without_defaults_the_cells_are_needed),
        cmocka_unit_test(a_zone_the_system_lacks_is_refused),
        cmocka_unit_test(errors_never_repeat_what_a_cell_says),
        cmocka_unit_test(what_the_receiver_answers_is_returned),
        cmocka_unit_test(the_sample_table_is_taken_and_its_bodies_keep_to_the_schema),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
