/* The call desk: tasks for people, on a real store, by the acts that intake hands over. */
#include "gateway/dispatch/query.h"
#include "tests/gateway/dispatch/rig.h"

#include "gateway/base/time.h"
#include "gateway/state/mark.h"

#include <stdio.h>
#include <string.h>

/* Due 2013-03-01 (a Friday): the call's day +1 is Saturday, so it opens on Monday 03-04. */
static const char item[] =
    "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":1234500,"
    "\"currency\":\"EUR\",\"reference\":\"INV-1\"}";
#define CALL   "i1#default#call"
#define LETTER "i1#default#letter"
#define MONDAY INT64_C(1362355200000) /* 2013-03-04T00:00Z */

typedef struct {
    gw_code code;
    char text[128 * 1024];
} answer;

static rig *of(void **cm)
{
    return *cm;
}

static answer *ask_as(rig *r, zap_role role, const char *who, verb v, const char *json)
{
    static answer a;
    query *q = NULL;
    json_doc body;
    gw_err err = {0};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, sizeof a.text - 1);
    assert_int_equal(query_new(&r->config, r->d, &q, &err), GW_OK);
    assert_int_equal(json_parse(gw_str_of(json), arena, &body, &err), GW_OK);
    intake_ask ask = {.verb = v,
                      .role = role,
                      .who = gw_str_of(who),
                      .source = GW_STR("erp"),
                      .body = &body,
                      .now = gw_clock_now(r->clock),
                      .store = r->store,
                      .arena = arena};
    a.code = v == VERB_QUERY ? query_answer(q, &ask, &out, &err) : query_act(q, &ask, &out, &err);
    query_free(q);
    snprintf(a.text, sizeof a.text, "%.*s", a.code == GW_OK ? (int)out.n : 0,
             out.data ? out.data : "");
    if (a.code != GW_OK)
        snprintf(a.text, sizeof a.text, "%s: %s", gw_code_name(a.code), err.text);
    json_doc check;
    if (a.code == GW_OK && json_parse(gw_str_of(a.text), arena, &check, &err) != GW_OK)
        fail_msg("not JSON: %s: %s", err.text, a.text);
    return &a;
}

/* An agent's act; members: further members, e.g. ",\"outcome\":\"promise\"". */
static const char *act(rig *r, const char *agent, const char *what, const char *task,
                       const char *members)
{
    char body[2048];
    int n = snprintf(body, sizeof body, "{\"do\":\"%s\"%s%s%s%s}", what, task ? ",\"task\":\"" : "",
                     task ? task : "", task ? "\"" : "", members);
    assert_true(n < (int)sizeof body);
    return ask_as(r, ZAP_AGENT, agent, VERB_CALL, body)->text;
}

static const char *next(rig *r, const char *agent)
{
    return act(r, agent, "next", NULL, "");
}

static const char *list(rig *r)
{
    return ask_as(r, ZAP_OPERATOR, "ann", VERB_QUERY, "{\"what\":\"calls\"}")->text;
}

static void says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" was expected in: %s", part, text);
}

static void lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" was not expected in: %s", part, text);
}

/* The debtor and the item, and the clock at the moment at which the call opens. */
static void open_call(rig *r)
{
    rig_debtor(r);
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    if (rig_state(r, CALL) == 'P') {
        rig_set(r, rig_due(r, CALL));
        rig_settle(r);
    }
    assert_int_equal(rig_state(r, CALL), 'O');
}

static void take_and_dial(rig *r)
{
    says(next(r, "bob"), "\"state\":\"leased\"");
    says(act(r, "bob", "dial", CALL, ""), "\"state\":\"calling\"");
    assert_int_equal(rig_state(r, CALL), 'T');
}

static void later(rig *r, int64_t ms)
{
    rig_set(r, gw_clock_now(r->clock).ms + ms);
    rig_settle(r);
}

/* ---- taking ---- */

static void a_task_opens_inside_its_window_and_closes_with_it(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_set(r, MONDAY + 5 * RIG_HOUR); /* 06:00 in Berlin: before the window */
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'P');
    says(next(r, "bob"), "\"task\":null");
    assert_true(rig_due(r, CALL) >= MONDAY + 8 * RIG_HOUR);
    rig_set(r, rig_due(r, CALL));
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'O');
    assert_int_equal(rig_due(r, CALL), MONDAY + 17 * RIG_HOUR);
    says(list(r), "\"state\":\"open\"");
    says(rig_fact(r, CALL, "x-Task"), "opened");
    rig_set(r, MONDAY + 17 * RIG_HOUR);
    says(next(r, "bob"), "\"task\":null"); /* even before dispatch has looked */
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'P');
}

static void of_two_agents_one_gets_the_task(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    says(next(r, "bob"), "\"state\":\"leased\"");
    says(next(r, "eve"), "\"task\":null");
    says(act(r, "eve", "take", CALL, ""), "not open");
    says(act(r, "eve", "dial", CALL, ""), "another agent");
    says(act(r, "eve", "record", CALL, ",\"id\":\"r1\",\"outcome\":\"no-answer\""),
         "another agent");
    /* The same agent asking again gets the same lease, not another task. */
    says(next(r, "bob"), "\"lease\":1,");
    assert_string_equal(rig_field(r, CALL, "ag"), "bob");
    /* Whoever read the task before somebody else took it loses by its version. */
    assert_int_equal(rig_state(r, CALL), 'L');
}

static void an_agent_that_vanishes_gives_the_task_back_and_its_old_lease_is_void(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    says(next(r, "bob"), "\"lease\":1,");
    later(r, 16 * 60000);
    assert_int_equal(rig_state(r, CALL), 'O');
    says(rig_fact(r, CALL, "x-Task"), "lease-expired");
    says(act(r, "bob", "dial", CALL, ""), "take it first");
    says(next(r, "eve"), "\"lease\":2,");
    says(act(r, "bob", "dial", CALL, ""), "another agent");
    says(act(r, "eve", "dial", CALL, ",\"lease\":1"), "older one");
    says(act(r, "eve", "release", CALL, ",\"lease\":2"), "\"state\":\"open\"");
    assert_int_equal(rig_state(r, CALL), 'O');
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 0);
}

static void the_best_task_comes_first_and_one_debtor_is_called_by_one_person(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i2\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":990000000,"
             "\"currency\":\"EUR\"}");
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i3\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":500,"
             "\"currency\":\"EUR\"}");
    rig_settle(r);
    rig_set(r, MONDAY + 16 * RIG_HOUR); /* all have opened, long ago or just now */
    rig_settle(r);
    says(next(r, "bob"), "\"id\":\"i2#default#call\"");
    says(next(r, "eve"), "\"task\":null");
    says(act(r, "eve", "take", CALL, ""), "another task of this debtor");
    says(act(r, "bob", "release", "i2#default#call", ""), "open");
    says(act(r, "eve", "take", CALL, ""), "\"state\":\"leased\"");
}

/* ---- dialling ---- */

static void the_script_fits_the_tone_and_the_number_is_shown_to_who_dials(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    const char *a = next(r, "bob");
    says(a, "May I speak to Erika?");
    says(a, "Firm.");
    says(a, "12,345.00");
    lacks(a, "+4930123456");
    says(a, "\"outcome\":\"call-back\"");
    says(act(r, "bob", "dial", CALL, ",\"locale\":\"de\""), "12.345,00");
    says(act(r, "bob", "dial", CALL, ""), "+4930123456"); /* said twice */
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    says(rig_fact(r, CALL, "x-AttemptIntent"), "\"template_version\":\"");
    lacks(rig_fact(r, CALL, "x-AttemptIntent"), "+4930");
    lacks(rig_fact(r, CALL, "x-AttemptIntent"), "12.345");
}

static void only_the_plan_that_billing_gave_is_offered(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    lacks(next(r, "bob"), "Offer");
    rig_tell(r, VERB_ITEM,
             "{\"id\":\"i1\",\"debtor\":\"d1\",\"due\":\"2013-03-01\",\"amount_minor\":1234500,"
             "\"currency\":\"EUR\",\"plan\":[{\"amount_minor\":370350,\"date\":\"2013-03-25\"},"
             "{\"amount_minor\":864150,\"date\":\"2013-04-25\"}]}");
    const char *a = next(r, "bob");
    says(a, "Offer EUR");
    says(a, "3,703.50");
    says(a, "8,641.50");
}

static void the_cap_decides_between_a_call_and_what_took_it_meanwhile(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    says(next(r, "bob"), "leased");
    /* Two other contacts of the same day use the cap up while bob reads. */
    gw_id did;
    static const gw_str parts[] = {{"d", 1}, {"erp", 3}, {"d1", 2}};
    gw_id_keyed(r->id_key, parts, 3, &did);
    static const state_cap cap = {.field = "c:voice:2013-03-04", .max = 9};
    state_txn t = {.shard = state_shard(&did),
                   .did = &did,
                   .debtor_version = -1,
                   .version = -1,
                   .takes = &cap,
                   .take_n = 1};
    state_verdict v;
    for (int i = 0; i < 2; i++)
        assert_int_equal(state_apply(r->store, &t, 1, &v, &r->err), GW_OK);
    says(act(r, "bob", "dial", CALL, ""), "the task went back");
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'P');
    says(rig_fact(r, CALL, "SubmissionRejection"), "cap-reached");
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 2);
    assert_true(rig_due(r, CALL) > MONDAY + RIG_DAY);
}

static void a_payment_takes_an_open_and_a_leased_task_away(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    says(next(r, "bob"), "leased");
    rig_tell(r, VERB_PAYMENT,
             "{\"id\":\"p1\",\"debtor\":\"d1\",\"item\":\"i1\",\"amount_minor\":1234500,"
             "\"currency\":\"EUR\",\"at\":\"2013-03-04T09:00:00Z\"}");
    /* Before dispatch has seen the payment: decided again at "dial". */
    says(act(r, "bob", "dial", CALL, ""), "the task went back");
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'X');
    assert_string_equal(rig_field(r, CALL, "why"), "paid");
    says(act(r, "bob", "dial", CALL, ""), "withdrawn");
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 0);
}

static void a_hold_takes_a_leased_task_away_but_a_begun_call_is_the_agents(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    take_and_dial(r);
    rig_tell(r, VERB_HOLD,
             "{\"id\":\"h1\",\"debtor\":\"d1\",\"kind\":\"lawyer\",\"state\":\"set\",\"by\":"
             "\"ann\"}");
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'T');
    says(act(r, "bob", "record", CALL, ",\"id\":\"r1\",\"outcome\":\"no-answer\""), "accepted");
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'H');
}

static void a_call_without_a_word_is_unknown_until_the_agent_says(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    take_and_dial(r);
    later(r, 61 * 60000);
    assert_int_equal(rig_state(r, CALL), 'U');
    says(rig_fact(r, CALL, "x-AttemptUnknown"), "agent-silent");
    later(r, 5 * RIG_DAY);
    assert_int_equal(rig_state(r, CALL), 'U'); /* never dialled again by itself */
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    says(list(r), "\"state\":\"unknown\"");
    says(list(r), "\"state\":\"unknown\""); /* looking takes nothing away */
    says(act(r, "eve", "record", CALL, ",\"id\":\"r1\",\"outcome\":\"no-answer\""),
         "another agent");
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"no-result\",\"right_party\":true"),
         "\"state\":\"delivered\"");
    assert_int_equal(rig_state(r, CALL), 'D');
    lacks(list(r), "unknown");
    static const gw_id all;
    state_mark *left;
    size_t n;
    assert_int_equal(state_mark_find(r->store, 't', &all, r->arena, &left, &n, &r->err), GW_OK);
    assert_int_equal(n, 0);
}

static void a_killed_gateway_finds_leases_and_calls_as_they_were(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    says(next(r, "bob"), "leased");
    rig_crash(r);
    rig_open(r);
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'L');
    says(act(r, "bob", "dial", CALL, ""), "calling");
    rig_crash(r);
    rig_open(r);
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'T');
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"refused\",\"right_party\":true"),
         "delivered");
    assert_string_equal(rig_records(r, CALL), "x-Plan x-Task x-Task x-AttemptIntent x-Call");
}

/* ---- outcomes ---- */

static void a_promise_on_the_phone_pauses_the_ladder_and_a_broken_one_resumes_it(void **cm)
{
    rig *r = of(cm);
    char text[1024];
    open_call(r);
    take_and_dial(r);
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"promise\",\"right_party\":true"),
         "/promise_date");
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"promise\",\"promise_date\":\"2013-03-08\""),
         "/right_party");
    says(act(r, "bob", "confirm", CALL, ""), "\"right_party\":true");
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"promise\",\"promise_date\":\"2013-03-08\","
             "\"promise_amount_minor\":370350,\"excuse\":\"cash-short\",\"note\":\"30 per cent\""),
         "\"state\":\"delivered\"");
    rig_item_field(r, "m:call:r1", text, sizeof text);
    says(text, "\"amount_minor\":370350");
    says(text, "\"currency\":\"EUR\"");
    says(text, "\"by\":\"bob\"");
    const char *fact = rig_fact(r, CALL, "x-Call");
    says(fact, "promise {");
    says(fact, "\"excuse\":\"cash-short\"");
    lacks(fact, "30 per cent");
    rig_settle(r);
    /* The letter of 03-08 waits for the promise and its grace (03-10), and comes when it is broken.
     */
    assert_true(rig_due(r, LETTER) >= MONDAY + 7 * RIG_DAY);
    rig_set(r, MONDAY + 7 * RIG_DAY);
    rig_settle(r);
    rig_item_field(r, "m:call:r1", text, sizeof text);
    says(text, "\"state\":\"broken\"");
    assert_int_equal(rig_state(r, LETTER), 'P');
    assert_int_equal(rig_due(r, LETTER) / RIG_DAY, (MONDAY + 7 * RIG_DAY) / RIG_DAY);
}

static void a_record_told_twice_counts_once_and_another_under_its_id_is_refused(void **cm)
{
    static const char said[] =
        ",\"id\":\"r1\",\"outcome\":\"dispute\",\"right_party\":true,\"note\":\"wrong goods\"";
    rig *r = of(cm);
    char text[1024];
    open_call(r);
    take_and_dial(r);
    says(act(r, "bob", "record", CALL, said), "\"verdict\":\"accepted\"");
    says(act(r, "bob", "record", CALL, said), "\"verdict\":\"duplicate\"");
    says(act(r, "bob", "record", CALL, ",\"id\":\"r1\",\"outcome\":\"no-answer\""), "\"conflict\"");
    rig_item_field(r, "u:call:r1", text, sizeof text);
    says(text, "wrong goods");
    rig_settle(r);
    assert_int_equal(rig_state(r, LETTER), 'H');
    assert_string_equal(rig_records(r, CALL), "x-Plan x-Task x-Task x-AttemptIntent x-Call");
}

static void reaching_nobody_is_tried_again_later_and_given_up_after_the_last_try(void **cm)
{
    rig *r = of(cm);
    char id[64];
    r->config.desk.attempts = 2;
    open_call(r);
    for (int i = 0; i < 2; i++) {
        take_and_dial(r);
        int64_t now = gw_clock_now(r->clock).ms;
        snprintf(id, sizeof id, ",\"id\":\"r%d\",\"outcome\":\"voicemail\"", i);
        says(act(r, "bob", "record", CALL, id), i ? "\"refused\"" : "\"planned\"");
        if (i)
            break;
        assert_true(rig_due(r, CALL) >= now + 4 * RIG_HOUR);
        while (rig_state(r, CALL) == 'P') {
            rig_set(r, rig_due(r, CALL));
            rig_settle(r);
        }
    }
    assert_int_equal(rig_state(r, CALL), 'R');
    assert_string_equal(rig_field(r, CALL, "why"), "voicemail");
}

static void a_call_back_is_planned_for_the_moment_asked_for_inside_the_window(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    take_and_dial(r);
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"call-back\",\"call_back_at\":\"2013-03-01T10:00:00Z\""),
         "/call_back_at");
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"call-back\",\"call_back_at\":\"2013-03-06T20:00:00Z\""),
         "\"planned\"");
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'P');
    /* 21:00 in Berlin is outside: the next morning, also beyond the step's own last day. */
    assert_true(rig_due(r, CALL) >= MONDAY + 3 * RIG_DAY + 8 * RIG_HOUR);
    assert_true(rig_due(r, CALL) < MONDAY + 3 * RIG_DAY + 17 * RIG_HOUR);
}

static void stop_hardship_and_a_wrong_number_end_what_must_end(void **cm)
{
    static const struct {
        const char *more;
        char call, letter;
    } rows[] = {
        {",\"id\":\"r1\",\"outcome\":\"stop\"", 'D', 'P'},
        {",\"id\":\"r1\",\"outcome\":\"stop\",\"scope\":\"all\"", 'D', 'H'},
        {",\"id\":\"r1\",\"outcome\":\"hardship\",\"right_party\":true", 'D', 'H'},
        {",\"id\":\"r1\",\"outcome\":\"wrong-party\"", 'R', 'P'},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        rig *r;
        void *fresh = NULL;
        assert_int_equal(rig_start(&fresh), 0);
        r = fresh;
        open_call(r);
        take_and_dial(r);
        says(act(r, "bob", "record", CALL, rows[i].more), "accepted");
        rig_settle(r);
        assert_int_equal(rig_state(r, CALL), rows[i].call);
        assert_int_equal(rig_state(r, LETTER), rows[i].letter);
        /* Another call to that number is held from now on, in all four cases. */
        rig_tell(r, VERB_ITEM,
                 "{\"id\":\"i2\",\"debtor\":\"d1\",\"due\":\"2013-03-03\",\"amount_minor\":100,"
                 "\"currency\":\"EUR\"}");
        rig_settle(r);
        assert_int_equal(rig_state(r, "i2#default#call"), 'H');
        rig_stop(&fresh);
    }
    (void)cm;
}

static void a_call_that_was_not_placed_gives_the_cap_back(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    take_and_dial(r);
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    says(act(r, "bob", "release", CALL, ""), "record its outcome");
    says(act(r, "bob", "record", CALL, ",\"id\":\"r1\",\"outcome\":\"not-placed\""), "\"open\"");
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 0);
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'O');
    says(next(r, "eve"), "\"lease\":2,");
}

static void a_call_nobody_announced_is_counted_all_the_same(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    says(next(r, "bob"), "leased");
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"refused\",\"right_party\":true"),
         "delivered");
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    says(rig_fact(r, CALL, "x-Call"), "\"announced\":\"no\"");
}

/* ---- letters ---- */

/* A ladder of one letter, and the clock at the moment at which it opens. */
static void open_letter(rig *r)
{
    static const char ladder_text[] =
        "{\"format\":1,\"id\":\"post\",\"version\":\"1\",\"title\":\"t\",\"gap_days\":1,\"steps\":["
        "{\"id\":\"letter\",\"day\":1,\"kind\":\"task\",\"channel\":\"letter\",\"template\":"
        "\"call\","
        "\"tone\":2,\"to\":\"primary\",\"fallback\":[],\"cc\":[],\"valid_days\":5,\"statement\":"
        "\"none\","
        "\"term_days\":3,\"calendar\":\"house\"}]}";
    ladder_free(r->ladders[0]);
    assert_int_equal(ladder_parse("post", gw_str_of(ladder_text), &r->ladders[0], &r->err), GW_OK);
    r->sources[0].ladder = "post";
    rig_tell(r, VERB_DEBTOR,
             "{\"id\":\"d1\",\"name\":\"Debtor GmbH\",\"role\":\"company\",\"zone\":"
             "\"Europe/Berlin\",\"locale\":\"en\",\"contacts\":[{\"role\":\"primary\",\"name\":"
             "\"Erika\",\"postal\":\"Ledgerweg 1, 10115 Berlin\",\"designated\":true}]}");
    rig_tell(r, VERB_ITEM, item);
    rig_settle(r);
    rig_set(r, rig_due(r, "i1#post#letter"));
    rig_settle(r);
    assert_int_equal(rig_state(r, "i1#post#letter"), 'O');
}

static void a_letter_is_posted_under_a_number_and_its_receipt_is_kept(void **cm)
{
    static const char page[] =
        ",\"id\":\"p1\",\"media\":\"image/jpeg\",\"base64\":\"/9j/4AAQSkZJRg==\"";
    rig *r = of(cm);
    open_letter(r);
    const char *task = "i1#post#letter";
    says(next(r, "bob"), "Ledgerweg 1");
    says(act(r, "bob", "dial", task, ""), "calling");
    says(act(r, "bob", "record", task, ",\"id\":\"r1\",\"outcome\":\"voicemail\""), "/outcome");
    says(act(r, "bob", "record", task, ",\"id\":\"r1\",\"outcome\":\"posted\",\"courier\":\"EMS\""),
         "/courier_number");
    says(act(r, "bob", "record", task,
             ",\"id\":\"r1\",\"outcome\":\"posted\",\"courier\":\"EMS\",\"courier_number\":"
             "\"EA12\""),
         "delivered");
    const char *fact = rig_fact(r, task, "x-Call");
    says(fact, "\"courier\":\"EMS\"");
    lacks(fact, "EA12");
    says(act(r, "eve", "attach", task, page), "another agent");
    says(act(r, "bob", "attach", task, ",\"id\":\"p0\",\"media\":\"image/jpeg\",\"base64\":\"??\""),
         "/base64");
    says(act(r, "bob", "attach", task, page), "accepted");
    says(act(r, "bob", "attach", task, page), "duplicate");
    assert_int_equal(rig_state(r, task), 'D');
    assert_string_equal(rig_field(r, task, "why"), "posted");
    says(rig_fact(r, task, "x-Task"),
         "attached {\"channel\":\"letter\",\"part\":1,\"parts\":1,\"bytes\":10}");
    assert_string_equal(rig_records(r, task), "x-Plan x-Task x-Task x-AttemptIntent x-Call x-Task");
}

/* ---- who may ---- */

static void billing_may_not_work_the_desk_and_an_agent_is_itself(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    answer *a = ask_as(r, ZAP_CLIENT, "erp", VERB_CALL, "{\"do\":\"next\"}");
    assert_int_equal(a->code, GW_EREFUSED);
    a = ask_as(r, ZAP_CLIENT, "erp", VERB_QUERY, "{\"what\":\"calls\"}");
    assert_int_equal(a->code, GW_EREFUSED);
    a = ask_as(r, ZAP_AGENT, "bob", VERB_CALL, "{\"do\":\"next\",\"agent\":\"eve\"}");
    assert_int_equal(a->code, GW_EREFUSED);
    a = ask_as(r, ZAP_AGENT, "bob", VERB_QUERY, "{\"what\":\"debtor\",\"debtor\":\"d1\"}");
    assert_int_equal(a->code, GW_EREFUSED);
    a = ask_as(r, ZAP_OPERATOR, "ann", VERB_CALL, "{\"do\":\"next\",\"agent\":\"eve\"}");
    says(a->text, "\"agent\":\"eve\"");
    a = ask_as(r, ZAP_OPERATOR, "ann", VERB_CALL, "{\"do\":\"dial\"}");
    says(a->text, "/task");
}

static void a_submitted_mail_is_no_task(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_submit(r, "j1", "");
    rig_settle(r);
    says(act(r, "bob", "take", "j1", ""), "planned, not open");
    says(act(r, "bob", "record", "j1", ",\"id\":\"r1\",\"outcome\":\"no-answer\""),
         "no task for people");
}

#define promise(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(a_task_opens_inside_its_window_and_closes_with_it),
        promise(of_two_agents_one_gets_the_task),
        promise(an_agent_that_vanishes_gives_the_task_back_and_its_old_lease_is_void),
        promise(the_best_task_comes_first_and_one_debtor_is_called_by_one_person),
        promise(the_script_fits_the_tone_and_the_number_is_shown_to_who_dials),
        promise(only_the_plan_that_billing_gave_is_offered),
        promise(the_cap_decides_between_a_call_and_what_took_it_meanwhile),
        promise(a_payment_takes_an_open_and_a_leased_task_away),
        promise(a_hold_takes_a_leased_task_away_but_a_begun_call_is_the_agents),
        promise(a_call_without_a_word_is_unknown_until_the_agent_says),
        promise(a_killed_gateway_finds_leases_and_calls_as_they_were),
        promise(a_promise_on_the_phone_pauses_the_ladder_and_a_broken_one_resumes_it),
        promise(a_record_told_twice_counts_once_and_another_under_its_id_is_refused),
        promise(reaching_nobody_is_tried_again_later_and_given_up_after_the_last_try),
        promise(a_call_back_is_planned_for_the_moment_asked_for_inside_the_window),
        cmocka_unit_test(stop_hardship_and_a_wrong_number_end_what_must_end),
        promise(a_call_that_was_not_placed_gives_the_cap_back),
        promise(a_call_nobody_announced_is_counted_all_the_same),
        promise(a_letter_is_posted_under_a_number_and_its_receipt_is_kept),
        promise(billing_may_not_work_the_desk_and_an_agent_is_itself),
        promise(a_submitted_mail_is_no_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
