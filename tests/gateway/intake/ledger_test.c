#include "gateway/intake/ledger.h"

#include "gateway/base/time.h"
#include "gateway/wire/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROOM = 64 * 1024 * 1024 };

/* A debtor in memory, and events folded into it as intake would. */
typedef struct {
    gw_arena *arena;
    state_debtor debtor;
    gw_wall now;
    ledger_result last;
    const third_party *outsiders;
} book;

static void open_book(book *b)
{
    *b = (book){.arena = gw_arena_new(ROOM), .now = {INT64_C(1359712800000)}}; /* 2013-02-01 */
    assert_non_null(b->arena);
}

static ledger_verdict tell(book *b, verb v, const char *json)
{
    json_doc *doc = gw_arena_alloc(b->arena, sizeof *doc);
    gw_err err = {0};
    char *copy = gw_arena_copy(b->arena, gw_str_of(json));
    gw_code rc = json_parse(gw_str_of(copy), b->arena, doc, &err);
    if (rc != GW_OK)
        print_error("%s\n", err.text);
    assert_int_equal(rc, GW_OK);
    ledger_event e = {.verb = v,
                      .source = GW_STR("erp"),
                      .debtor = GW_STR("d1"),
                      .body = doc,
                      .now = b->now,
                      .receipt = GW_STR("receipt"),
                      .third_parties = b->outsiders};
    assert_int_equal(ledger_fold(&b->debtor, &e, b->arena, &b->last, &err), GW_OK);
    if (b->last.verdict == LEDGER_ACCEPTED)
        assert_int_equal(ledger_patch(&b->debtor, &b->last, b->arena, &err), GW_OK);
    return b->last.verdict;
}

static json_doc object(book *b, const state_hash *hash, const char *field)
{
    json_doc d = {0};
    gw_err err = {0};
    gw_str text = state_get(hash, field);
    assert_non_null(text.p);
    assert_int_equal(json_parse(text, b->arena, &d, &err), GW_OK);
    return d;
}

static void item_is(book *b, const char *item, const char *want, int64_t paid)
{
    char field[64];
    snprintf(field, sizeof field, "i:%s", item);
    json_doc d = object(b, &b->debtor.items, field);
    assert_true(gw_str_is(json_get_str(&d, 0, "state"), want));
    assert_int_equal(json_get_int(&d, 0, "paid_minor", -1), paid);
}

#define ITEM                                                                                       \
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"case\":\"c1\",\"due\":\"2013-02-01\",\"amount_minor\":"    \
    "1000,\"currency\":\"EUR\"}"

static void pay(book *b, const char *id, int amount, ledger_verdict want)
{
    char json[256];
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":%d,\"currency\":"
             "\"EUR\",\"at\":\"2013-02-01T10:00:00Z\"}",
             id, amount);
    assert_int_equal(tell(b, VERB_PAYMENT, json), want);
}

static void an_item_creates_its_debtor_and_the_same_item_again_is_a_duplicate(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(tell(&b, VERB_ITEM, ITEM), LEDGER_ACCEPTED);
    assert_int_equal(b.debtor.debtor.version, 1);
    assert_true(gw_str_is(state_get(&b.debtor.debtor, "src"), "erp"));
    assert_true(gw_str_is(state_get(&b.debtor.debtor, "deb"), "d1"));
    item_is(&b, "i1", "open", 0);
    assert_string_equal(b.last.record.event, EVENT_ITEM);
    assert_true(gw_str_is(b.last.record.case_id, "c1"));
    gw_wall first = b.now;
    b.now.ms += 5000;
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"currency\":\"EUR\",\"amount_minor\":1000,\"due\":\"2013-02-01\", \"case\":\"c1\","
             "\"debtor\":\"d1\",\"source\":\"erp\",\"id\":\"\\u0069\\u0031\"}"),
        LEDGER_DUPLICATE);
    assert_int_equal(b.last.at.ms, first.ms);
    assert_int_equal(b.debtor.debtor.version, 1);
    gw_arena_free(b.arena);
}

static void a_changed_item_keeps_what_the_change_does_not_name(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    tell(&b, VERB_ITEM, ITEM);
    pay(&b, "p1", 400, LEDGER_ACCEPTED);
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":"
             "2000,\"currency\":\"EUR\"}"),
        LEDGER_ACCEPTED);
    item_is(&b, "i1", "open", 400);
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":"
             "300,\"currency\":\"EUR\",\"paid_minor\":300}"),
        LEDGER_ACCEPTED);
    item_is(&b, "i1", "paid", 300);
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":"
             "300,\"currency\":\"EUR\",\"paid_minor\":301}"),
        LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/paid_minor");
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":"
             "300,\"currency\":\"USD\"}"),
        LEDGER_REJECTED);
    assert_string_equal(b.last.code, "wrong-currency");
    gw_arena_free(b.arena);
}

static void items_are_disputed_closed_and_cancelled(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    tell(&b, VERB_ITEM, ITEM);
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-02-01\",\"amount_minor\":"
             "1000,\"currency\":\"EUR\",\"state\":\"disputed\"}"),
        LEDGER_ACCEPTED);
    item_is(&b, "i1", "disputed", 0);
    assert_int_equal(tell(&b, VERB_CANCEL, "{\"item\":\"i1\",\"debtor\":\"d1\",\"reason\":\"r\"}"),
                     LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "cancelled"));
    item_is(&b, "i1", "closed", 0);
    assert_int_equal(tell(&b, VERB_CANCEL, "{\"item\":\"i1\",\"debtor\":\"d1\"}"),
                     LEDGER_DUPLICATE);
    assert_int_equal(tell(&b, VERB_CANCEL, "{\"item\":\"i9\",\"debtor\":\"d1\"}"), LEDGER_REJECTED);
    assert_string_equal(b.last.code, "unknown-item");
    /* a nightly export that says nothing about the state does not open it again */
    assert_int_equal(
        tell(&b, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-02-02\",\"amount_minor\":"
             "1000,\"currency\":\"EUR\"}"),
        LEDGER_ACCEPTED);
    item_is(&b, "i1", "closed", 0);
    gw_arena_free(b.arena);
}

static void a_payment_counts_once_and_covers_the_item(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    tell(&b, VERB_ITEM, ITEM);
    pay(&b, "p1", 600, LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "partial"));
    item_is(&b, "i1", "open", 600);
    pay(&b, "p1", 600, LEDGER_DUPLICATE);
    item_is(&b, "i1", "open", 600);
    pay(&b, "p1", 100, LEDGER_REJECTED);
    assert_string_equal(b.last.code, "conflict");
    pay(&b, "p2", 401, LEDGER_REJECTED);
    assert_string_equal(b.last.code, "overpaid");
    pay(&b, "p3", 400, LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "paid"));
    item_is(&b, "i1", "paid", 1000);
    assert_int_equal(b.debtor.debtor.version, 3);
    gw_arena_free(b.arena);
}

static void events_about_what_is_not_known_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        verb verb;
        const char *json;
        const char *code;
    } rows[] = {
        {VERB_PAYMENT,
         "{\"id\":\"p\",\"debtor\":\"d1\",\"item\":\"nope\",\"amount_minor\":1,\"currency\":"
         "\"EUR\"}",
         "unknown-item"},
        {VERB_PROMISE, "{\"id\":\"m\",\"debtor\":\"d1\",\"item\":\"nope\",\"date\":\"2013-02-10\"}",
         "unknown-item"},
        {VERB_DISPUTE, "{\"id\":\"u\",\"debtor\":\"d1\",\"item\":\"nope\",\"state\":\"open\"}",
         "unknown-item"},
        {VERB_PAYMENT,
         "{\"id\":\"p\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":1,\"currency\":\"USD\"}",
         "wrong-currency"},
        {VERB_PROMISE,
         "{\"id\":\"m\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":1,\"date\":"
         "\"2013-02-10\"}",
         "invalid"},
        {VERB_PROMISE,
         "{\"id\":\"m\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":1,\"currency\":\"USD\","
         "\"date\":\"2013-02-10\"}",
         "wrong-currency"},
    };
    book b;
    open_book(&b);
    tell(&b, VERB_ITEM, ITEM);
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        assert_int_equal(tell(&b, rows[i].verb, rows[i].json), LEDGER_REJECTED);
        assert_string_equal(b.last.code, rows[i].code);
    }
    assert_int_equal(b.debtor.debtor.version, 1);
    gw_arena_free(b.arena);
}

/* Any order, any number of repetitions: the same sum. */
static void payments_in_any_order_and_repeated_give_the_same_sum(void **unused)
{
    (void)unused;
    static const int amounts[] = {1, 20, 300, 45, 67, 89, 100, 130};
    unsigned seed = 2013;
    for (int run = 0; run < 300; run++) {
        book b;
        bool told[GW_COUNT(amounts)] = {false};
        size_t left = GW_COUNT(amounts);
        int64_t sum = 0;
        open_book(&b);
        tell(&b, VERB_ITEM, ITEM);
        while (left) {
            seed = seed * 1103515245 + 12345;
            size_t i = (seed >> 16) % GW_COUNT(amounts);
            char id[16];
            snprintf(id, sizeof id, "p%zu", i);
            pay(&b, id, amounts[i], told[i] ? LEDGER_DUPLICATE : LEDGER_ACCEPTED);
            sum += told[i] ? 0 : amounts[i];
            left -= !told[i];
            told[i] = true;
            item_is(&b, "i1", sum == 1000 ? "paid" : "open", sum);
        }
        assert_int_equal(sum, 752);
        gw_arena_free(b.arena);
    }
}

static void a_promise_is_changed_under_its_id(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    tell(&b, VERB_ITEM, ITEM);
    const char *first =
        "{\"id\":\"m1\",\"debtor\":\"d1\",\"item\":\"i1\",\"date\":\"2013-02-10\",\"by\":\"A\"}";
    assert_int_equal(tell(&b, VERB_PROMISE, first), LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.case_id, "c1"));
    json_doc d = object(&b, &b.debtor.items, "m:m1");
    assert_true(gw_str_is(json_get_str(&d, 0, "state"), "open"));
    assert_true(gw_str_is(json_get_str(&d, 0, "date"), "2013-02-10"));
    assert_int_equal(tell(&b, VERB_PROMISE, first), LEDGER_DUPLICATE);
    assert_int_equal(
        tell(&b, VERB_PROMISE,
             "{\"id\":\"m1\",\"debtor\":\"d1\",\"item\":\"i1\",\"date\":\"2013-02-10\","
             "\"state\":\"broken\"}"),
        LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "broken"));
    assert_int_equal(
        tell(&b, VERB_PROMISE, "{\"id\":\"m1\",\"debtor\":\"d1\",\"date\":\"2013-02-10\"}"),
        LEDGER_REJECTED);
    assert_string_equal(b.last.code, "conflict");
    gw_arena_free(b.arena);
}

static void a_dispute_about_everything_needs_no_item(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(
        tell(&b, VERB_DISPUTE,
             "{\"id\":\"u1\",\"debtor\":\"d1\",\"state\":\"open\",\"reason\":\"why\"}"),
        LEDGER_ACCEPTED);
    assert_int_equal(b.last.record.case_id.n, 0);
    assert_int_equal(
        tell(&b, VERB_DISPUTE, "{\"id\":\"u1\",\"debtor\":\"d1\",\"state\":\"resolved\"}"),
        LEDGER_ACCEPTED);
    json_doc d = object(&b, &b.debtor.items, "u:u1");
    assert_true(gw_str_is(json_get_str(&d, 0, "state"), "resolved"));
    gw_arena_free(b.arena);
}

static void personal_data_stays_out_of_public_facts(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    tell(&b, VERB_DEBTOR,
         "{\"id\":\"d1\",\"name\":\"Canary Name\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
         "\"contacts\":[{\"role\":\"primary\",\"name\":\"Canary Person\",\"email\":"
         "\"canary@example.test\"}]}");
    assert_null(strstr(b.last.record.fact.p, "anary"));
    assert_non_null(strstr(b.last.record.priv.p, "canary@example.test"));
    assert_non_null(strstr(b.last.record.fact.p, "\"receipt\":\"receipt\""));
    tell(&b, VERB_HOLD,
         "{\"id\":\"h\",\"debtor\":\"d1\",\"kind\":\"lawyer\",\"state\":\"set\",\"by\":\"Canary\","
         "\"reason\":\"canary\"}");
    assert_null(strstr(b.last.record.fact.p, "anary"));
    assert_non_null(strstr(b.last.record.fact.p, "lawyer"));
    tell(
        &b, VERB_CONSENT,
        "{\"id\":\"c\",\"debtor\":\"d1\",\"channel\":\"email\",\"address\":\"canary@example.test\","
        "\"status\":\"withdrawn\",\"source\":\"canary\"}");
    assert_null(strstr(b.last.record.fact.p, "anary"));
    assert_non_null(strstr(b.last.record.priv.p, "canary@example.test"));
    gw_arena_free(b.arena);
}

static ledger_verdict consent(book *b, const char *id, const char *status, const char *at,
                              const char *more)
{
    char json[512];
    snprintf(
        json, sizeof json,
        "{\"id\":\"%s\",\"debtor\":\"d1\",\"channel\":\"email\",\"address\":\"a@example.test\","
        "\"status\":\"%s\",\"source\":\"web\",\"at\":\"%s\"%s}",
        id, status, at, more);
    return tell(b, VERB_CONSENT, json);
}

static void consent_is(book *b, const char *field, const char *want)
{
    json_doc d = object(b, &b->debtor.debtor, field);
    assert_true(gw_str_is(json_get_str(&d, 0, "status"), want));
}

static void the_latest_consent_holds_whatever_order_entries_arrive_in(void **unused)
{
    (void)unused;
    static const char field[] = "o:email:a@example.test";
    book b;
    open_book(&b);
    assert_int_equal(consent(&b, "1", "withdrawn", "2013-01-20T00:00:00Z", ""), LEDGER_ACCEPTED);
    assert_int_equal(consent(&b, "2", "granted", "2013-01-10T00:00:00Z", ""), LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "older-than-current"));
    consent_is(&b, field, "withdrawn");
    assert_int_equal(consent(&b, "3", "granted", "2013-01-20T00:00:00Z", ""), LEDGER_ACCEPTED);
    consent_is(&b, field, "withdrawn"); /* of two at the same moment the withdrawal */
    assert_int_equal(consent(&b, "4", "granted", "2013-01-21T00:00:00Z", ""), LEDGER_ACCEPTED);
    consent_is(&b, field, "granted");
    assert_int_equal(consent(&b, "1", "withdrawn", "2013-01-20T00:00:00Z", ""), LEDGER_DUPLICATE);
    consent_is(&b, field, "granted");
    assert_int_equal(consent(&b, "1", "granted", "2013-01-25T00:00:00Z", ""), LEDGER_REJECTED);
    assert_string_equal(b.last.code, "conflict");
    consent(&b, "6", "withdrawn", "2013-01-21T00:00:00Z", "");
    consent_is(&b, field, "withdrawn");
    assert_int_equal(consent(&b, "5", "granted", "2013-03-01T00:00:00Z", ""), LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/at");
    gw_arena_free(b.arena);
}

static void a_wider_withdrawal_has_its_own_field(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    consent(&b, "1", "withdrawn", "2013-01-20T00:00:00Z", ",\"scope\":\"channel\"");
    consent_is(&b, "o:email:*", "withdrawn");
    consent(&b, "2", "withdrawn", "2013-01-20T00:00:00Z", ",\"scope\":\"all\"");
    consent_is(&b, "o:*:*", "withdrawn");
    assert_int_equal(tell(&b, VERB_CONSENT,
                          "{\"id\":\"3\",\"debtor\":\"d1\",\"channel\":\"sms\",\"address\":"
                          "\"a@example.test\",\"status\":\"granted\",\"source\":\"web\"}"),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/address");
    gw_arena_free(b.arena);
}

static void each_purpose_has_a_value_of_its_own_beside_the_general_one(void **unused)
{
    (void)unused;
    static const char field[] = "o:email:a@example.test";
    book b;
    open_book(&b);
    consent(&b, "1", "granted", "2013-01-01T00:00:00Z", "");
    consent(&b, "2", "granted", "2013-01-02T00:00:00Z", ",\"purpose\":\"statement\"");
    consent(&b, "3", "withdrawn", "2013-01-03T00:00:00Z", ",\"purpose\":\"notice\"");
    consent_is(&b, field, "granted");
    consent_is(&b, "op:statement:email:a@example.test", "granted");
    consent_is(&b, "op:notice:email:a@example.test", "withdrawn");
    gw_arena_free(b.arena);
}

static void a_debt_may_have_its_own_withdrawal_and_needs_its_name(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(consent(&b, "1", "withdrawn", "2013-01-01T00:00:00Z", ",\"scope\":\"debt\""),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/debt");
    assert_int_equal(consent(&b, "1", "withdrawn", "2013-01-01T00:00:00Z",
                             ",\"scope\":\"debt\",\"debt\":\"i1\""),
                     LEDGER_ACCEPTED);
    consent_is(&b, "o:#:i1", "withdrawn");
    assert_int_equal(consent(&b, "2", "withdrawn", "2013-01-01T00:00:00Z", ",\"debt\":\"i1\""),
                     LEDGER_REJECTED);
    gw_arena_free(b.arena);
}

static void a_legal_suppression_has_no_end_and_a_bounce_has(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(consent(&b, "1", "suppressed", "2013-01-01T00:00:00Z", ""), LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/suppression");
    assert_int_equal(consent(&b, "1", "suppressed", "2013-01-01T00:00:00Z",
                             ",\"suppression\":\"legal\",\"until\":\"2014-01-01T00:00:00Z\""),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/until");
    assert_int_equal(
        consent(&b, "1", "suppressed", "2013-01-01T00:00:00Z", ",\"suppression\":\"legal\""),
        LEDGER_ACCEPTED);
    assert_int_equal(
        consent(&b, "2", "lifted", "2013-01-02T00:00:00Z", ",\"suppression\":\"legal\""),
        LEDGER_REJECTED);
    assert_string_equal(b.last.code, "refused");
    consent_is(&b, "x:legal:email:a@example.test", "suppressed");
    assert_int_equal(consent(&b, "3", "suppressed", "2013-01-01T00:00:00Z",
                             ",\"suppression\":\"bounce\",\"until\":\"2014-01-01T00:00:00Z\""),
                     LEDGER_ACCEPTED);
    json_doc d = object(&b, &b.debtor.debtor, "x:bounce:email:a@example.test");
    assert_int_equal(json_get_int(&d, 0, "until_ms", 0), INT64_C(1388534400000));
    assert_int_equal(
        consent(&b, "4", "lifted", "2013-01-02T00:00:00Z", ",\"suppression\":\"bounce\""),
        LEDGER_ACCEPTED);
    consent_is(&b, "x:bounce:email:a@example.test", "lifted");
    gw_arena_free(b.arena);
}

static void an_opt_out_is_confirmed_once_and_only_when_it_is_new(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    consent(&b, "1", "withdrawn", "2013-01-20T00:00:00Z", ",\"confirm\":true");
    assert_true(gw_str_is(b.last.job, "opt-out:1"));
    json_doc d;
    gw_err err = {0};
    assert_int_equal(json_parse(b.last.job_body, b.arena, &d, &err), GW_OK);
    assert_true(gw_str_is(json_get_str(&d, 0, "purpose"), "opt-out-confirmation"));
    assert_true(gw_str_is(json_get_str(&d, 0, "address"), "a@example.test"));
    assert_true(gw_str_is(json_get_str(&d, 0, "not_after"), "2013-02-01T10:05:00.000Z"));
    consent(&b, "2", "withdrawn", "2013-01-21T00:00:00Z", ",\"confirm\":true");
    assert_int_equal(b.last.job.n, 0); /* withdrawn already */
    consent(&b, "3", "granted", "2013-01-22T00:00:00Z", "");
    consent(&b, "4", "withdrawn", "2013-01-10T00:00:00Z", ",\"confirm\":true");
    assert_int_equal(b.last.job.n, 0); /* older than what holds */
    consent(&b, "5", "withdrawn", "2013-01-23T00:00:00Z", ",\"confirm\":true");
    assert_true(gw_str_is(b.last.job, "opt-out:5"));
    assert_int_equal(consent(&b, "6", "granted", "2013-01-24T00:00:00Z", ",\"confirm\":true"),
                     LEDGER_REJECTED);
    gw_arena_free(b.arena);
}

static void a_proof_is_kept_in_private_and_its_digest_in_public(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(consent(&b, "1", "granted", "2013-01-20T00:00:00Z",
                             ",\"proof\":{\"media\":\"text/plain\",\"base64\":\"!!!!\"}"),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/proof/base64");
    assert_int_equal(consent(&b, "1", "granted", "2013-01-20T00:00:00Z",
                             ",\"proof\":{\"media\":\"text/plain\",\"base64\":\"SSBhZ3JlZQ==\"}"),
                     LEDGER_ACCEPTED);
    assert_non_null(memmem(b.last.record.priv.p, b.last.record.priv.n, "SSBhZ3JlZQ==", 12));
    assert_null(memmem(b.last.record.fact.p, b.last.record.fact.n, "SSBhZ3JlZQ==", 12));
    assert_non_null(memmem(b.last.record.fact.p, b.last.record.fact.n, "proof_base64_sha256", 19));
    json_doc d = object(&b, &b.debtor.debtor, "o:email:a@example.test");
    assert_int_equal(json_member(&d, 0, "proof"), 0);
    gw_arena_free(b.arena);
}

static void stated_hours_are_set_replaced_and_released_by_acts(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(tell(&b, VERB_HOURS,
                          "{\"id\":\"1\",\"debtor\":\"d1\",\"hours\":\"nights\",\"state\":\"set\","
                          "\"use\":\"never\",\"from\":\"22:00\",\"to\":\"06:00\",\"by\":\"ann\"}"),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/to");
    assert_int_equal(tell(&b, VERB_HOURS,
                          "{\"id\":\"1\",\"debtor\":\"d1\",\"hours\":\"nights\",\"state\":\"set\","
                          "\"from\":\"22:00\",\"to\":\"24:00\",\"by\":\"ann\"}"),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/use");
    assert_int_equal(tell(&b, VERB_HOURS,
                          "{\"id\":\"1\",\"debtor\":\"d1\",\"hours\":\"nights\",\"state\":\"set\","
                          "\"use\":\"never\",\"from\":\"22:00\",\"to\":\"24:00\",\"by\":\"ann\"}"),
                     LEDGER_ACCEPTED);
    json_doc d = object(&b, &b.debtor.debtor, "w:nights");
    assert_true(gw_str_is(json_get_str(&d, 0, "use"), "never"));
    assert_int_equal(tell(&b, VERB_HOURS,
                          "{\"id\":\"2\",\"debtor\":\"d1\",\"hours\":\"nights\",\"state\":"
                          "\"released\",\"by\":\"ann\"}"),
                     LEDGER_ACCEPTED);
    d = object(&b, &b.debtor.debtor, "w:nights");
    assert_true(gw_str_is(json_get_str(&d, 0, "state"), "released"));
    gw_arena_free(b.arena);
}

static void nobody_outside_is_designated(void **unused)
{
    (void)unused;
    book b;
    gw_err err = {0};
    GW_AUTO(third_party_free) third_party *list = NULL;
    open_book(&b);
    assert_int_equal(third_party_parse("t",
                                       GW_STR("{\"format\":1,\"roles\":[\"Business partner\","
                                              "\"supplier\",\"客户\"]}"),
                                       &list, &err),
                     GW_OK);
    b.outsiders = list;
    static const char *const refused[] = {"supplier", "Suppliers", "business_partner",
                                          "BUSINESS-PARTNER", "客户"};
    char json[256];
    for (size_t i = 0; i < GW_COUNT(refused); i++) {
        snprintf(
            json, sizeof json,
            "{\"id\":\"d1\",\"name\":\"A\",\"role\":\"company\",\"contacts\":[{\"role\":\"%s\","
            "\"name\":\"B\",\"email\":\"b@example.test\",\"designated\":true}]}",
            refused[i]);
        assert_int_equal(tell(&b, VERB_DEBTOR, json), LEDGER_REJECTED);
        assert_string_equal(b.last.code, "third-party");
    }
    assert_int_equal(tell(&b, VERB_DEBTOR,
                          "{\"id\":\"d1\",\"name\":\"A\",\"role\":\"company\",\"contacts\":[{"
                          "\"role\":\"supplier\",\"name\":\"B\",\"email\":\"b@example.test\"},"
                          "{\"role\":\"partner\",\"name\":\"C\",\"designated\":true}]}"),
                     LEDGER_ACCEPTED);
    gw_arena_free(b.arena);
}

static void what_an_act_said_can_be_folded_again_from_its_record(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    consent(&b, "1", "withdrawn", "2013-01-20T00:00:00Z", "");
    json_doc priv;
    gw_err err = {0};
    assert_int_equal(json_parse(b.last.record.priv, b.arena, &priv, &err), GW_OK);
    assert_true(gw_str_is(json_get_str(&priv, 0, "verb"), "consent"));
    gw_str body = json_get_str(&priv, 0, "body");
    json_doc again;
    assert_int_equal(json_parse(body, b.arena, &again, &err), GW_OK);
    assert_true(gw_str_is(json_get_str(&again, 0, "address"), "a@example.test"));
    gw_arena_free(b.arena);
}

static ledger_verdict hold(book *b, const char *id, const char *what)
{
    char json[256];
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"debtor\":\"d1\",\"kind\":\"legal\",\"state\":\"%s\",\"by\":\"x\","
             "\"reason\":\"y\"}",
             id, what);
    return tell(b, VERB_HOLD, json);
}

static void a_repeated_old_act_does_not_undo_a_newer_one(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(hold(&b, "1", "set"), LEDGER_ACCEPTED);
    assert_int_equal(hold(&b, "2", "released"), LEDGER_ACCEPTED);
    assert_int_equal(hold(&b, "1", "set"), LEDGER_DUPLICATE);
    json_doc d = object(&b, &b.debtor.debtor, "h:legal");
    assert_true(gw_str_is(json_get_str(&d, 0, "state"), "released"));
    assert_int_equal(hold(&b, "2", "set"), LEDGER_REJECTED);
    for (int i = 10; i < 60; i++) { /* the memory of acts stays bounded */
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(hold(&b, id, i % 2 ? "set" : "released"), LEDGER_ACCEPTED);
    }
    d = object(&b, &b.debtor.debtor, "h:legal");
    assert_int_equal(json_at(&d, json_member(&d, 0, "seen"))->count, LEDGER_SEEN_MAX);
    assert_int_equal(hold(&b, "59", "set"), LEDGER_DUPLICATE);
    gw_arena_free(b.arena);
}

static void a_hold_is_released_with_a_reason_only(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    assert_int_equal(tell(&b, VERB_HOLD,
                          "{\"id\":\"1\",\"debtor\":\"d1\",\"kind\":\"minor\",\"state\":\"set\","
                          "\"by\":\"x\"}"),
                     LEDGER_ACCEPTED);
    assert_int_equal(tell(&b, VERB_HOLD,
                          "{\"id\":\"2\",\"debtor\":\"d1\",\"kind\":\"minor\",\"state\":"
                          "\"released\",\"by\":\"x\"}"),
                     LEDGER_REJECTED);
    assert_string_equal(b.last.pointer, "/reason");
    gw_arena_free(b.arena);
}

static void a_debtor_is_replaced_as_a_whole(void **unused)
{
    (void)unused;
    book b;
    open_book(&b);
    const char *first =
        "{\"id\":\"d1\",\"name\":\"A\",\"role\":\"company\",\"zone\":\"UTC\",\"contacts\":[]}";
    assert_int_equal(tell(&b, VERB_DEBTOR, first), LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "new"));
    gw_wall then = b.now;
    b.now.ms++;
    assert_int_equal(tell(&b, VERB_DEBTOR, first), LEDGER_DUPLICATE);
    assert_int_equal(b.last.at.ms, then.ms);
    assert_int_equal(tell(&b, VERB_DEBTOR,
                          "{\"id\":\"d1\",\"name\":\"B\",\"role\":\"company\",\"contacts\":[]}"),
                     LEDGER_ACCEPTED);
    assert_true(gw_str_is(b.last.record.why, "changed"));
    json_doc d = object(&b, &b.debtor.debtor, "b");
    assert_int_equal(json_member(&d, 0, "zone"), 0);
    gw_arena_free(b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_creates_its_debtor_and_the_same_item_again_is_a_duplicate),
        cmocka_unit_test(a_changed_item_keeps_what_the_change_does_not_name),
        cmocka_unit_test(items_are_disputed_closed_and_cancelled),
        cmocka_unit_test(a_payment_counts_once_and_covers_the_item),
        cmocka_unit_test(events_about_what_is_not_known_are_refused),
        cmocka_unit_test(payments_in_any_order_and_repeated_give_the_same_sum),
        cmocka_unit_test(a_promise_is_changed_under_its_id),
        cmocka_unit_test(a_dispute_about_everything_needs_no_item),
        cmocka_unit_test(personal_data_stays_out_of_public_facts),
        cmocka_unit_test(the_latest_consent_holds_whatever_order_entries_arrive_in),
        cmocka_unit_test(a_wider_withdrawal_has_its_own_field),
        cmocka_unit_test(each_purpose_has_a_value_of_its_own_beside_the_general_one),
        cmocka_unit_test(a_debt_may_have_its_own_withdrawal_and_needs_its_name),
        cmocka_unit_test(a_legal_suppression_has_no_end_and_a_bounce_has),
        cmocka_unit_test(an_opt_out_is_confirmed_once_and_only_when_it_is_new),
        cmocka_unit_test(a_proof_is_kept_in_private_and_its_digest_in_public),
        cmocka_unit_test(stated_hours_are_set_replaced_and_released_by_acts),
        cmocka_unit_test(nobody_outside_is_designated),
        cmocka_unit_test(what_an_act_said_can_be_folded_again_from_its_record),
        cmocka_unit_test(a_hold_is_released_with_a_reason_only),
        cmocka_unit_test(a_repeated_old_act_does_not_undo_a_newer_one),
        cmocka_unit_test(a_debtor_is_replaced_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
