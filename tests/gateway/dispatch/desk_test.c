/* The call desk: tasks for people, on a real store, by the acts that intake hands over. */
#include "gateway/base/time.h"
#include "gateway/dispatch/desk_outcome.h"
#include "gateway/dispatch/desk_rank.h"
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/query.h"
#include "gateway/dispatch/rebuild.h"
#include "gateway/state/mark.h"
#include "tests/gateway/dispatch/desk_rig.h"
#include "tests/gateway/dispatch/rig.h"

/* ---- taking ---- */

static void a_task_opens_inside_its_window_and_closes_with_it(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_set(r, MONDAY + 5 * RIG_HOUR); /* 06:00 in Berlin: before the window */
    rig_tell(r, VERB_ITEM, desk_item);
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

/* The rules count what was answered too: two of them under way could both be. */
static void an_unknown_call_tried_again_stays_counted_as_placed_and_not_as_talk(void **cm)
{
    rig *r = of(cm);
    open_call(r);
    take_and_dial(r);
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 1);
    later(r, 61 * 60000);
    assert_int_equal(rig_state(r, CALL), 'U');
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 1); /* nobody knows */
    says(ask_as(r, ZAP_OPERATOR, "ann", VERB_RETRY, "{\"job\":\"" CALL "\",\"source\":\"erp\"}")
             ->text,
         "accepted");
    assert_int_equal(rig_cap(r, "c:voice.e:2013-03-04"), 0);
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 1);
    says(rig_fact(r, CALL, "x-Operator"), "\"caps_given\":\"c:voice.e:2013-03-04\"");
    rig_settle(r);
    assert_int_equal(rig_state(r, CALL), 'O');
    lacks(list(r), "unknown");
}

static void a_submitted_task_is_opened_for_people_and_never_claimed_for_a_worker(void **cm)
{
    rig *r = of(cm);
    rig_debtor(r);
    rig_task t;
    rig_join_on(r, "voice", 0, 4);
    rig_submit_on(r, "voice", "j1", ",\"kind\":\"task\"");
    rig_settle(r);
    assert_false(rig_try_task(r, 0, &t));
    assert_int_equal(rig_state(r, "j1"), 'O');
    says(next(r, "bob"), "\"task\":\"j1\"");
    says(act(r, "bob", "dial", "j1", ""), "calling");
    says(act(r, "bob", "record", "j1",
             ",\"id\":\"r1\",\"outcome\":\"refused\",\"right_party\":true"),
         "delivered");
}

/* A task about an item that is due much later: no ladder step gets in its way. */
static void submit_task(rig *r, const char *debtor, const char *id, const char *money)
{
    char text[600];
    gw_id rid, did;
    state_accepted verdict;
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"name\":\"%s GmbH\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
             "\"locale\":\"en\",\"contacts\":[{\"role\":\"primary\",\"name\":\"Ute\",\"phone\":"
             "\"+4930123457\",\"designated\":true}]}",
             debtor, debtor);
    rig_tell_of(r, debtor, VERB_DEBTOR, text);
    snprintf(text, sizeof text,
             "{\"id\":\"of-%s\",\"debtor\":\"%s\",\"due\":\"2013-12-02\",\"amount_minor\":%s,"
             "\"currency\":\"EUR\"}",
             debtor, debtor, money);
    rig_tell_of(r, debtor, VERB_ITEM, text);
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"debtor\":\"%s\",\"case\":\"of-%s\",\"channel\":\"voice\","
             "\"template\":\"call\",\"kind\":\"task\"}",
             id, debtor, debtor);
    load_reminder_id(r->id_key, GW_STR("erp"), gw_str_of(id), &rid);
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(debtor), &did);
    char of_debtor[64];
    snprintf(of_debtor, sizeof of_debtor, "of-%s", debtor);
    state_job job = {rid,
                     did,
                     GW_STR("erp"),
                     gw_str_of(debtor),
                     gw_str_of(of_debtor),
                     gw_str_of(id),
                     GW_STR("voice"),
                     gw_str_of(text)};
    gw_arena_reset(r->arena);
    assert_int_equal(state_accept(r->store, &job, 1, gw_clock_now(r->clock), 100000, r->arena,
                                  &verdict, &r->err),
                     GW_OK);
    rig_settle(r);
}

static void what_opened_at_its_predicted_moment_comes_before_a_little_more_money(void **cm)
{
    rig *r = of(cm);
    rig_set(r, MONDAY + 9 * RIG_HOUR);
    submit_task(r, "rich", "j1", "4938000");
    rig_set(r, MONDAY + 12 * RIG_HOUR); /* its moment is long past, and another one's is now */
    submit_task(r, "poor", "j2", "1234500");
    /* Four times the money is two bits of it, 100,000; the moment is worth 150,000. */
    says(next(r, "bob"), "\"id\":\"j2\"");
    says(act(r, "bob", "release", "j2", ""), "open");
    later(r, DESK_MOMENT_MS); /* now neither is at its moment: the money decides */
    says(next(r, "bob"), "\"id\":\"j1\"");
    says(act(r, "bob", "release", "j1", ""), "open");
    later(r, 0);
    submit_task(r, "small", "j3", "100"); /* at its moment, and yet not worth it */
    says(next(r, "bob"), "\"id\":\"j1\"");
}

/* ---- every outcome of the closed list ---- */

typedef struct {
    const char *outcome, *members;
    char then;                       /* state of the task */
    int placed, talks;               /* counters of the day */
    const char *debtor, *item_field; /* a field that begins like this is there, or NULL */
} ending;

static bool has_field(rig *r, bool item, const char *prefix)
{
    gw_id did;
    state_debtor d;
    gw_arena_reset(r->arena);
    static const gw_str parts[] = {{"d", 1}, {"erp", 3}, {"d1", 2}};
    gw_id_keyed(r->id_key, parts, 3, &did);
    assert_int_equal(state_load_debtors(r->store, &did, 1, r->arena, &d, &r->err), GW_OK);
    const state_hash *h = item ? &d.items : &d.debtor;
    for (size_t i = 0; i < h->n; i++)
        if (h->fields[i].name.n >= strlen(prefix) &&
            memcmp(h->fields[i].name.p, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

static void each_outcome_of_a_call_triggers_what_its_row_says_and_nothing_else(void **cm)
{
    static const ending rows[] = {
        {"no-answer", "", 'P', 1, 0, NULL, NULL},
        {"voicemail", "", 'P', 1, 0, NULL, NULL},
        {"wrong-party", "", 'R', 1, 0, "x:", NULL},
        {"no-result", ",\"right_party\":true", 'D', 1, 1, NULL, NULL},
        {"promise", ",\"right_party\":true,\"promise_date\":\"2013-03-08\"", 'D', 1, 1, NULL, "m:"},
        {"dispute", ",\"right_party\":true", 'D', 1, 1, NULL, "u:"},
        {"refused", ",\"right_party\":true", 'D', 1, 1, NULL, NULL},
        {"hardship", ",\"right_party\":true", 'D', 1, 1, "h:vulnerable", NULL},
        {"call-back", ",\"call_back_at\":\"2013-03-06T10:00:00Z\"", 'P', 1, 0, NULL, NULL},
        {"stop", "", 'D', 1, 1, "o:", NULL},
        {"not-placed", "", 'O', 0, 0, NULL, NULL},
    };
    static const char *const debtor_fields[] = {"x:", "h:", "o:"};
    static const char *const item_fields[] = {"m:", "u:"};
    size_t calls = 0;
    for (size_t i = 0; desk_outcome_at(i); i++)
        calls += desk_outcome_fits(desk_outcome_at(i), GW_STR("voice"));
    assert_int_equal(calls, GW_COUNT(rows)); /* the list is closed, and all of it is here */
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        const ending *e = &rows[i];
        void *fresh = NULL;
        char members[200];
        assert_int_equal(rig_start(&fresh), 0);
        rig *r = fresh;
        open_call(r);
        take_and_dial(r);
        snprintf(members, sizeof members, ",\"id\":\"r1\",\"outcome\":\"%s\"%s", e->outcome,
                 e->members);
        says(act(r, "bob", "record", CALL, members), "\"verdict\":\"accepted\"");
        bool talked = has_field(r, false, "t:");
        if (rig_state(r, CALL) != e->then || rig_cap(r, "c:voice:2013-03-04") != e->placed ||
            talked != (e->talks > 0))
            fail_msg("%s: state %c, placed %d, talked %d", e->outcome, rig_state(r, CALL),
                     rig_cap(r, "c:voice:2013-03-04"), talked);
        for (size_t f = 0; f < GW_COUNT(debtor_fields); f++)
            if (has_field(r, false, debtor_fields[f]) !=
                (e->debtor && strncmp(e->debtor, debtor_fields[f], 2) == 0))
                fail_msg("%s: field %s of the debtor", e->outcome, debtor_fields[f]);
        for (size_t f = 0; f < GW_COUNT(item_fields); f++)
            if (has_field(r, true, item_fields[f]) !=
                (e->item_field && strcmp(e->item_field, item_fields[f]) == 0))
                fail_msg("%s: field %s of the items", e->outcome, item_fields[f]);
        says(rig_fact(r, CALL, "x-Call"), e->outcome);
        rig_stop(&fresh);
    }
    (void)cm;
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
    assert_string_equal(rig_records(r, CALL),
                        "x-Plan x-Task x-Task x-AttemptIntent x-Call x-Closed");
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

/* The desk's own memory outlives Redis: how often it was tried, what was recorded, and when the
 * debtor wants to be called. */
static void tries_records_and_call_backs_come_out_of_the_log_after_a_loss(void **cm)
{
    rig *r = of(cm);
    static const char said[] = ",\"id\":\"r1\",\"outcome\":\"voicemail\"";
    static const char asked[] =
        ",\"id\":\"r2\",\"outcome\":\"call-back\",\"call_back_at\":\"2013-03-06T20:00:00Z\"";
    rebuild_result result;
    r->config.desk.attempts = 2;
    open_call(r);
    take_and_dial(r);
    says(act(r, "bob", "record", CALL, said), "\"planned\"");
    int64_t again = rig_due(r, CALL);
    while (rig_state(r, CALL) == 'P') {
        rig_set(r, rig_due(r, CALL));
        rig_settle(r);
    }
    take_and_dial(r);
    says(act(r, "bob", "record", CALL, asked), "\"planned\"");
    char memory[4096];
    snprintf(memory, sizeof memory, "%s", rig_field(r, CALL, "dk"));
    rig_log(r);
    rig_lose_store(r);
    const rebuild_order o = {.evidence_dir = r->paths[0],
                             .tenant_key = r->paths[2],
                             .id_key = r->id_key,
                             .state = r->config.state,
                             .now = gw_clock_now(r->clock)};
    if (rebuild_run(&o, r->ev, &result, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    assert_string_equal(rig_field(r, CALL, "dk"), memory);
    assert_non_null(strstr(memory, "\"tries\":1"));
    rig_open(r);
    rig_settle(r);
    assert_true(rig_due(r, CALL) >= MONDAY + 3 * RIG_DAY + 8 * RIG_HOUR);
    assert_true(rig_due(r, CALL) > again);
    says(act(r, "bob", "record", CALL, asked), "duplicate");
    assert_int_equal(rig_cap(r, "c:voice:2013-03-04"), 2);
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
    rig_tell(r, VERB_ITEM, desk_item);
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
        promise(tries_records_and_call_backs_come_out_of_the_log_after_a_loss),
        cmocka_unit_test(stop_hardship_and_a_wrong_number_end_what_must_end),
        promise(a_call_that_was_not_placed_gives_the_cap_back),
        promise(a_call_nobody_announced_is_counted_all_the_same),
        promise(a_letter_is_posted_under_a_number_and_its_receipt_is_kept),
        promise(billing_may_not_work_the_desk_and_an_agent_is_itself),
        promise(a_submitted_mail_is_no_task),
        promise(an_unknown_call_tried_again_stays_counted_as_placed_and_not_as_talk),
        promise(a_submitted_task_is_opened_for_people_and_never_claimed_for_a_worker),
        promise(what_opened_at_its_predicted_moment_comes_before_a_little_more_money),
        cmocka_unit_test(each_outcome_of_a_call_triggers_what_its_row_says_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
