/* Receipts and replies against a whole dispatch: real store, real evidence, a worker that does what
 * the test says. */
#include "gateway/dispatch/booker.h"

#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/query.h"
#include "gateway/dispatch/reply.h"
#include "gateway/state/inbox.h"
#include "gateway/wire/hook_entry.h"
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static optout_words *words;

static booker *open_booker(rig *r)
{
    booker *b;
    booker_config c = {.config = &r->config, .dispatch = r->d, .words = words};
    if (booker_open(&c, &b, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    return b;
}

static void step(rig *r, booker *b)
{
    bool busy;
    gw_code rc = booker_step(b, true, &busy, &r->err);
    if (rc != GW_OK)
        fail_msg("booker: %s", r->err.text);
}

static void put_in(rig *r, const hook_entry *e)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 1 << 20);
    assert_int_equal(hook_entry_put(e, &text, &r->err), GW_OK);
    state_inbox_item item = {7, gw_buf_str(&text)};
    assert_int_equal(state_inbox_add(r->store, &item, 1, &r->err), GW_OK);
}

static uint64_t waiting(rig *r)
{
    uint64_t n = 0;
    assert_int_equal(state_inbox_size(r->store, &n, &r->err), GW_OK);
    return n;
}

/* The own reference of an attempt. */
static const char *own_of(const rig_task *t)
{
    static char text[WIRE_OWN_TEXT];
    assert_true(wire_own_of_task(gw_str_of(t->rid), gw_str_of(t->tok), t->attempt, text));
    return text;
}

static hook_entry receipt(rig *r, const rig_task *t, wire_receipt_state says, wire_auth auth)
{
    return (hook_entry){.kind = ENTRY_RECEIPT,
                        .provider = GW_STR("testsms"),
                        .auth = auth,
                        .rx_ms = gw_clock_now(r->clock).ms,
                        .own = t ? gw_str_of(own_of(t)) : GW_STR(""),
                        .state = says,
                        .raw = GW_STR("raw bytes of the receipt")};
}

/* What field y of a job says. */
static delivery known(rig *r, const char *job)
{
    delivery d;
    char text[DELIVERY_TEXT_MAX];
    snprintf(text, sizeof text, "%s", rig_field(r, job, "y"));
    assert_int_equal(delivery_read(gw_str_of(text), r->arena, &d, &r->err), GW_OK);
    return d;
}

static int count_of(const char *records, const char *event)
{
    int n = 0;
    for (const char *p = records; (p = strstr(p, event)); p += strlen(event))
        n++;
    return n;
}

static void a_signed_receipt_is_booked_once_with_its_raw_bytes(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED);
    put_in(r, &e);
    put_in(r, &e); /* the provider repeats it */
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_int_equal(count_of(rig_records(r, "j1"), "ReceivedFromNonERDS"), 1);
    assert_non_null(
        strstr(rig_fact(r, "j1", "ReceivedFromNonERDS"), "\"authenticity\":\"signed\""));

    rig_set(r, RIG_MONDAY_10H + 9 * RIG_DAY); /* replayed days later */
    put_in(r, &e);
    e.state = WIRE_RECEIPT_SENT; /* and an older one arrives at last */
    put_in(r, &e);
    step(r, b);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(count_of(rig_records(r, "j1"), "ReceivedFromNonERDS"), 2);
    assert_int_equal(waiting(r), 0);
    booker_close(b);
}

static void a_receipt_that_overtakes_the_outcome_waits_and_then_resolves_unknown(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED);
    put_in(r, &e);
    step(r, b);
    assert_int_equal(rig_state(r, "j1"), 'S'); /* the attempt in flight is left alone */
    assert_int_equal(waiting(r), 1);
    rig_send_outcome(r, 0, &t, WIRE_UNKNOWN, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'U');

    booker_close(b); /* a crash in between: nothing of it was in memory only */
    b = open_booker(r);
    step(r, b);
    assert_int_equal(rig_state(r, "j1"), 'D');
    assert_int_equal(waiting(r), 0);
    assert_int_equal(count_of(rig_records(r, "j1"), "ReceivedFromNonERDS"), 1);
    assert_int_equal(count_of(rig_records(r, "j1"), "RelayToNonERDS"), 1);
    booker_close(b);
}

static void a_receipt_shows_that_an_attempt_we_took_for_failed_left_and_stops_the_retry(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_LATER, 60000);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, "j1"), 'P');
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_SENT, WIRE_AUTH_SIGNED);
    put_in(r, &e);
    step(r, b);
    assert_int_equal(rig_state(r, "j1"), 'D');
    rig_set(r, RIG_MONDAY_10H + RIG_HOUR);
    assert_false(rig_try_task(r, 0, &t));
    booker_close(b);
}

static void a_receipt_without_our_reference_finds_its_reminder_by_the_providers(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, NULL, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED);
    e.ref = GW_STR("SM4711");
    put_in(r, &e); /* before the outcome said which message SM4711 is */
    step(r, b);
    assert_int_equal(waiting(r), 1);
    r->provider = "testsms";
    r->provider_ref = "SM4711";
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(known(r, "j1").attempt, 1);

    e.ref = GW_STR("SM9999"); /* nobody ever claims this one */
    put_in(r, &e);
    step(r, b);
    assert_int_equal(waiting(r), 1);
    rig_set(r, RIG_MONDAY_10H + 2 * RIG_DAY);
    step(r, b);
    assert_int_equal(waiting(r), 0);
    booker_close(b);
}

static void an_unsigned_receipt_counts_only_when_the_provider_confirms_it(void **cm)
{
    rig *r = *cm;
    rig_task t;
    char id[128], own[64];
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_UNSIGNED);
    put_in(r, &e);
    step(r, b);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_NONE);
    assert_int_equal(known(r, "j1").claimed, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(waiting(r), 1);
    assert_true(rig_try_pull(r, 0, id, own));
    assert_string_equal(own, own_of(&t));
    rig_send_pulled(r, 0, id, WIRE_PULLED_KNOWN, WIRE_RECEIPT_DELIVERED);
    rig_settle(r);
    for (int i = 0; i < 200 && waiting(r) < 2; i++)
        rig_turn(r);
    step(r, b);
    step(r, b);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_DELIVERED);
    assert_int_equal(known(r, "j1").auth, WIRE_AUTH_PULLED);
    assert_int_equal(waiting(r), 0);
    booker_close(b);
}

static void an_unsigned_receipt_that_nobody_confirms_is_recorded_and_never_counts(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_FAILED, WIRE_AUTH_UNSIGNED);
    put_in(r, &e);
    step(r, b);
    rig_set(r, RIG_MONDAY_10H + 2 * RIG_DAY);
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_NONE);
    assert_int_equal(known(r, "j1").claimed, WIRE_RECEIPT_NONE);
    assert_int_equal(count_of(rig_records(r, "j1"), "ReceivedFromNonERDS"), 2);
    booker_close(b);
}

static void an_unknown_attempt_is_asked_about_and_resolved_by_the_answer(void **cm)
{
    rig *r = *cm;
    rig_task t;
    char id[128], own[64];
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_expect_task(r, 0, &t);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    r->provider = "testsms";
    rig_send_outcome(r, 0, &t, WIRE_UNKNOWN, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    booker *b = open_booker(r);
    step(r, b);
    assert_true(rig_try_pull(r, 0, id, own));
    rig_send_pulled(r, 0, id, WIRE_PULLED_KNOWN, WIRE_RECEIPT_REJECTED);
    for (int i = 0; i < 200 && waiting(r) < 2; i++)
        rig_turn(r);
    step(r, b);
    step(r, b);
    assert_int_equal(rig_state(r, "j1"), 'R');
    assert_int_equal(waiting(r), 0);
    booker_close(b);
}

static void what_is_about_nothing_of_ours_is_recorded_and_changes_nothing(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED);
    rig_task other = t;
    other.attempt = 9; /* an attempt that never was */
    e.own = gw_str_of(own_of(&other));
    put_in(r, &e);
    e.own = GW_STR("not-ours");
    put_in(r, &e);
    state_inbox_item damaged = {3, GW_STR("{\"v\":99}")};
    assert_int_equal(state_inbox_add(r->store, &damaged, 1, &r->err), GW_OK);
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_string_equal(rig_field(r, "j1", "y"), "");
    booker_close(b);
}

static void an_entry_that_cannot_be_booked_is_put_aside_and_keeps_nobody_waiting(void **cm)
{
    rig *r = *cm;
    rig_task t;
    GW_AUTO_BUF gw_buf huge;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    gw_buf_init(&huge, 1 << 20);
    gw_buf_printf(&huge,
                  "{\"v\":1,\"kind\":\"receipt\",\"auth\":\"signed\",\"state\":\"sent\",\"rx\":1,"
                  "\"own\":\"%s\",\"code\":\"%030000d\"}",
                  own_of(&t), 1); /* a code longer than any that we keep */
    state_inbox_item item = {7, gw_buf_str(&huge)};
    assert_int_equal(state_inbox_add(r->store, &item, 1, &r->err), GW_OK);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED);
    put_in(r, &e);
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(known(r, "j1").state, WIRE_RECEIPT_DELIVERED);
    booker_close(b);
}

/* ---- replies ---- */

static void say(rig *r, const char *from, const char *text, const char *ref)
{
    hook_entry e = {.kind = ENTRY_INBOUND,
                    .provider = GW_STR("testsms"),
                    .auth = WIRE_AUTH_SIGNED,
                    .rx_ms = gw_clock_now(r->clock).ms,
                    .ref = gw_str_of(ref),
                    .from = gw_str_of(from),
                    .text = gw_str_of(text),
                    .raw = gw_str_of(text)};
    put_in(r, &e);
}

static bool debtor_has(rig *r, const char *field_start, const char *part)
{
    gw_id did;
    state_debtor d;
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("d1"), &did);
    assert_int_equal(state_load_debtors(r->store, &did, 1, r->arena, &d, &r->err), GW_OK);
    for (size_t i = 0; i < d.debtor.n; i++) {
        const state_field *f = &d.debtor.fields[i];
        if (f->name.n >= strlen(field_start) &&
            memcmp(f->name.p, field_start, strlen(field_start)) == 0 &&
            memmem(f->value.p, f->value.n, part, strlen(part)))
            return true;
    }
    return false;
}

static void stop_withdraws_the_consent_once_and_is_confirmed_once(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    rig_settle(r);
    booker *b = open_booker(r);
    say(r, "4930123456", "STOP", "in-1"); /* the provider leaves the plus away */
    say(r, "4930123456", "STOP", "in-1");
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_true(debtor_has(r, "o:sms:+4930123456", "\"withdrawn\""));
    assert_true(debtor_has(r, "z:", "\"class\":\"stop\""));
    assert_false(debtor_has(r, "z:", "\"open\":true"));
    assert_false(debtor_has(r, "h:" REPLY_HOLD, "set"));
    uint64_t by_state[128], outbox;
    assert_int_equal(state_counts(r->store, by_state, &outbox, &r->err), GW_OK);
    assert_int_equal(by_state['A'], 1); /* one confirmation */
    booker_close(b);
}

static void words_that_need_a_person_hold_the_debtor_until_one_has_read_them(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    rig_settle(r);
    booker *b = open_booker(r);
    say(r, "+4930123456", "My lawyer will answer you", "in-2");
    step(r, b);
    assert_true(debtor_has(r, "h:" REPLY_HOLD, "set"));
    assert_true(debtor_has(r, "z:", "\"open\":true"));
    rig_join(r, 0, 5);
    rig_task t;
    rig_submit(r, "j1", "");
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'H');
    booker_close(b);
}

/* A question or act of an operator about source erp. */
static const char *ask(rig *r, verb v, const char *body)
{
    static char text[16384];
    GW_AUTO(query_free) query *q = NULL;
    GW_AUTO_BUF gw_buf answer;
    json_doc doc;
    gw_buf_init(&answer, sizeof text - 1);
    assert_int_equal(query_new(&r->config, r->d, &q, &r->err), GW_OK);
    assert_int_equal(json_parse(gw_str_of(body), r->arena, &doc, &r->err), GW_OK);
    intake_ask a = {.verb = v,
                    .role = ZAP_OPERATOR,
                    .who = GW_STR("ann"),
                    .source = GW_STR("erp"),
                    .body = &doc,
                    .now = gw_clock_now(r->clock),
                    .store = r->store,
                    .arena = r->arena};
    gw_code rc = v == VERB_QUERY ? query_answer(q, &a, &answer, &r->err)
                                 : query_act(q, &a, &answer, &r->err);
    if (rc != GW_OK)
        fail_msg("%s: %s", body, r->err.text);
    snprintf(text, sizeof text, "%s", answer.data);
    return text;
}

static void an_open_reply_is_listed_until_a_person_has_read_it(void **cm)
{
    rig *r = *cm;
    rig_task t;
    char body[256];
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", ",\"case\":\"INV-1\"");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    say(r, "erika@debtor.example.test", "The boss is away until Monday", "in-4");
    step(r, b);
    const char *listed = ask(r, VERB_QUERY, "{\"what\":\"replies\"}");
    assert_non_null(strstr(listed, "\"text\":\"The boss is away until Monday\""));
    assert_non_null(strstr(listed, "\"case\":\"INV-1\""));
    const char *id = strstr(listed, "\"reply\":{\"reply\":\"");
    assert_non_null(id);
    snprintf(body, sizeof body, "{\"reply\":\"%.26s\",\"debtor\":\"d1\",\"by\":\"Ann\"}", id + 18);
    assert_non_null(
        strstr(ask(r, VERB_QUERY, "{\"what\":\"job\",\"job\":\"j1\"}"), "\"open\":true"));
    assert_non_null(strstr(ask(r, VERB_REPLY, body), "accepted"));
    assert_string_equal(ask(r, VERB_QUERY, "{\"what\":\"replies\"}"), "{\"replies\":[]}");
    assert_non_null(strstr(ask(r, VERB_QUERY, "{\"what\":\"debtor\",\"debtor\":\"d1\"}"),
                           "\"read_by\":\"Ann\",\"open\":false"));
    booker_close(b);
}

static void a_job_shows_what_became_of_it(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    rig_join(r, 0, 5);
    rig_submit(r, "j1", "");
    rig_deliver(r, 0, &t);
    booker *b = open_booker(r);
    hook_entry e = receipt(r, &t, WIRE_RECEIPT_DELIVERED, WIRE_AUTH_SIGNED);
    put_in(r, &e);
    e.state = WIRE_RECEIPT_FAILED;
    put_in(r, &e);
    step(r, b);
    const char *shown = ask(r, VERB_QUERY, "{\"what\":\"job\",\"job\":\"j1\"}");
    assert_non_null(strstr(shown, "\"delivery\":{\"state\":\"delivered\",\"authenticity\":"
                                  "\"signed\",\"attempt\":1"));
    assert_non_null(strstr(shown, "\"contradicted\":true,\"receipts\":2"));
    booker_close(b);
}

static char *operator_says(rig *r, const char *who, verb v, const char *json)
{
    static char text[8192];
    query *q = NULL;
    json_doc body;
    GW_AUTO_BUF gw_buf out;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(16 << 20);
    gw_buf_init(&out, sizeof text - 1);
    assert_int_equal(query_new(&r->config, r->d, &q, &r->err), GW_OK);
    assert_int_equal(json_parse(gw_str_of(json), arena, &body, &r->err), GW_OK);
    intake_ask ask = {.verb = v,
                      .role = ZAP_OPERATOR,
                      .who = gw_str_of(who),
                      .body = &body,
                      .now = gw_clock_now(r->clock),
                      .store = r->store,
                      .arena = arena};
    gw_err err = {0};
    gw_code rc =
        v == VERB_QUERY ? query_answer(q, &ask, &out, &err) : query_act(q, &ask, &out, &err);
    query_free(q);
    snprintf(text, sizeof text, "%.*s%s", (int)out.n, out.data ? out.data : "",
             rc == GW_OK ? "" : err.text);
    return text;
}

static void a_reply_of_a_stranger_reaches_one_person_at_a_time_and_opts_nobody_out(void **cm)
{
    static const char list[] = "{\"what\":\"replies\"}";
    rig *r = *cm;
    char take[200], id[GW_ID_TEXT];
    rig_debtor(r);
    rig_settle(r);
    booker *b = open_booker(r);
    say(r, "+15550100999", "Who are you? Wrong number, I never bought anything.", "in-3");
    step(r, b);
    say(r, "+15550100999", "Who are you? Wrong number, I never bought anything.", "in-3");
    step(r, b);
    assert_int_equal(waiting(r), 0);
    assert_false(debtor_has(r, "o:", "withdrawn"));
    char *a = operator_says(r, "ann", VERB_QUERY, list);
    assert_non_null(strstr(a, "\"from\":\"+15550100999\""));
    assert_non_null(strstr(a, "Wrong number"));
    char *at = strstr(a, "\"reply\":\"");
    assert_non_null(at);
    assert_null(strstr(at + 9, "\"reply\":\"")); /* said twice, listed once */
    snprintf(id, sizeof id, "%s", at + 9);
    snprintf(take, sizeof take, "{\"do\":\"take\",\"reply\":\"%s\"}", id);
    assert_non_null(strstr(operator_says(r, "ann", VERB_REPLY, take), "accepted"));
    assert_non_null(strstr(operator_says(r, "bob", VERB_REPLY, take), "another person"));
    assert_non_null(strstr(operator_says(r, "ann", VERB_QUERY, list), "\"taken_by\":\"ann\""));
    rig_set(r, gw_clock_now(r->clock).ms + 31 * 60000); /* ann has forgotten it */
    assert_non_null(strstr(operator_says(r, "bob", VERB_REPLY, take), "accepted"));
    snprintf(take, sizeof take, "{\"do\":\"release\",\"reply\":\"%s\"}", id);
    assert_non_null(strstr(operator_says(r, "bob", VERB_REPLY, take), "accepted"));
    snprintf(take, sizeof take, "{\"reply\":\"%s\",\"reason\":\"number removed\"}", id);
    assert_non_null(strstr(operator_says(r, "ann", VERB_REPLY, take), "accepted"));
    assert_null(strstr(operator_says(r, "ann", VERB_QUERY, list), "Wrong number"));
    assert_non_null(strstr(operator_says(r, "ann", VERB_REPLY, take), "no open reply"));
    booker_close(b);
}

static int load_words(void **cm)
{
    (void)cm;
    char dir[512];
    gw_err err;
    const char *source = getenv("DUNLIN_SOURCE");
    snprintf(dir, sizeof dir, "%s/config/optout", source ? source : ".");
    return optout_words_load(dir, &words, &err) == GW_OK ? 0 : -1;
}

static int drop_words(void **cm)
{
    (void)cm;
    optout_words_free(words);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signed_receipt_is_booked_once_with_its_raw_bytes),
        TEST(a_receipt_that_overtakes_the_outcome_waits_and_then_resolves_unknown),
        TEST(a_receipt_shows_that_an_attempt_we_took_for_failed_left_and_stops_the_retry),
        TEST(a_receipt_without_our_reference_finds_its_reminder_by_the_providers),
        TEST(an_unsigned_receipt_counts_only_when_the_provider_confirms_it),
        TEST(an_unsigned_receipt_that_nobody_confirms_is_recorded_and_never_counts),
        TEST(an_unknown_attempt_is_asked_about_and_resolved_by_the_answer),
        TEST(what_is_about_nothing_of_ours_is_recorded_and_changes_nothing),
        TEST(an_entry_that_cannot_be_booked_is_put_aside_and_keeps_nobody_waiting),
        TEST(stop_withdraws_the_consent_once_and_is_confirmed_once),
        TEST(words_that_need_a_person_hold_the_debtor_until_one_has_read_them),
        TEST(an_open_reply_is_listed_until_a_person_has_read_it),
        TEST(a_job_shows_what_became_of_it),
        TEST(a_reply_of_a_stranger_reaches_one_person_at_a_time_and_opts_nobody_out),
    };
    return cmocka_run_group_tests(tests, load_words, drop_words);
}
