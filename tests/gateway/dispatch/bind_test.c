/* What is said at an address counts for every debtor who has it, now and later (intake/bind.h). */
#include "gateway/intake/bind.h"

#include "gateway/dispatch/booker.h"
#include "gateway/dispatch/load.h"
#include "gateway/state/inbox.h"
#include "gateway/state/mark.h"
#include "gateway/wire/event.h"
#include "gateway/wire/hook_entry.h"
#include "tests/gateway/dispatch/rig.h"

#include <stdio.h>
#include <string.h>

#define ERIKA  "erika@debtor.example.test"
#define NUMBER "+4930123456"

static optout_words *words;

/* A debtor of the same address, written in another case, and of another number. */
static void second(rig *r, const char *id, const char *email, const char *phone)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"name\":\"Second GmbH\",\"role\":\"company\",\"zone\":"
             "\"Europe/Berlin\",\"locale\":\"en\",\"contacts\":[{\"role\":\"primary\",\"name\":"
             "\"E\",\"email\":\"%s\",\"phone\":\"%s\",\"designated\":true,\"verified\":true}]}",
             id, email, phone);
    rig_tell_of(r, id, VERB_DEBTOR, json);
}

static void consent_of(rig *r, const char *debtor, const char *id, const char *more)
{
    char json[1024];
    rig_set(r, gw_clock_now(r->clock).ms + 1);
    snprintf(json, sizeof json, "{\"id\":\"%s\",\"debtor\":\"%s\",\"source\":\"letter\",%s}", id,
             debtor, more);
    rig_tell_of(r, debtor, VERB_CONSENT, json);
}

/* A field of a debtor of "erp"; empty when it has none. */
static const char *stored(rig *r, const char *debtor, const char *field)
{
    static char text[8192];
    gw_id did;
    state_debtor d;
    load_debtor_id(r->id_key, GW_STR("erp"), gw_str_of(debtor), &did);
    assert_int_equal(state_load_debtors(r->store, &did, 1, r->arena, &d, &r->err), GW_OK);
    snprintf(text, sizeof text, "%.*s", GW_STR_ARG(state_get(&d.debtor, field)));
    return text;
}

static void job_of(rig *r, const char *debtor, const char *channel, const char *id, char letter,
                   const char *why)
{
    r->debtor = debtor;
    if (!rig_state(r, id))
        rig_submit_on(r, channel, id, "");
    rig_settle(r);
    if (rig_state(r, id) != letter)
        fail_msg("%s of %s is %c, not %c (%s)", id, debtor, rig_state(r, id), letter,
                 rig_field(r, id, "why"));
    assert_string_equal(rig_field(r, id, "why"), why);
    r->debtor = NULL;
}

#define EMAIL_STOP "\"channel\":\"email\",\"address\":\"" ERIKA "\",\"status\":\"withdrawn\""

static void a_stop_at_an_address_holds_every_debtor_who_has_it_and_no_other(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    second(r, "d2", "Erika@Debtor.example.test", "+49301999001");
    second(r, "d3", "third@debtor.example.test", "+49301999002");
    consent_of(r, "d1", "stop-1", EMAIL_STOP);
    job_of(r, "d1", "email", "j1", 'H', "opted-out");
    job_of(r, "d2", "email", "j2", 'H', "opted-out");
    job_of(r, "d3", "email", "j3", 'P', "");
    assert_non_null(strstr(stored(r, "d2", "o:email:" ERIKA), "same address"));
}

static void a_debtor_stored_later_with_the_address_is_bound_from_its_first_moment(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    consent_of(r, "d1", "stop-1", EMAIL_STOP);
    r->debtor = "d9";
    rig_submit(r, "j9", ""); /* the job was there before its debtor */
    r->debtor = NULL;
    second(r, "d9", ERIKA, "+49301999003");
    job_of(r, "d9", "email", "j9", 'H', "opted-out");
}

static void a_stop_that_comes_before_go_stops_the_send_of_another_debtor(void **cm)
{
    rig *r = *cm;
    rig_task t;
    rig_debtor(r);
    second(r, "d2", ERIKA, "+49301999001");
    rig_join(r, 0, 4);
    r->debtor = "d2";
    rig_submit(r, "j2", "");
    rig_expect_task(r, 0, &t);
    consent_of(r, "d1", "stop-1", EMAIL_STOP);
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_ABORT);
    assert_int_equal(rig_state(r, "j2"), 'H');
    assert_string_equal(rig_field(r, "j2", "why"), "opted-out");
}

static void the_scope_goes_along(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    second(r, "d2", "two@debtor.example.test", NUMBER);
    consent_of(r, "d1", "s1",
               "\"channel\":\"sms\",\"address\":\"" NUMBER
               "\",\"status\":\"withdrawn\",\"scope\":\"all\"");
    job_of(r, "d2", "email", "j2", 'H', "opted-out"); /* all: by mail as well */
    second(r, "d3", "three@debtor.example.test", NUMBER);
    job_of(r, "d3", "email", "j3", 'H', "opted-out");
}

static void a_consent_given_later_frees_the_debtor_it_was_given_for_and_no_other(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    second(r, "d2", ERIKA, "+49301999001");
    consent_of(r, "d1", "stop-1", EMAIL_STOP);
    consent_of(r, "d2", "yes-1",
               "\"channel\":\"email\",\"address\":\"" ERIKA "\",\"status\":\"granted\"");
    job_of(r, "d2", "email", "j2", 'P', "");
    job_of(r, "d1", "email", "j1", 'H', "opted-out");
    second(r, "d2", ERIKA, "+49301999009"); /* stored again: the older word changes nothing */
    job_of(r, "d2", "email", "j2", 'P', "");
}

static void what_is_said_without_an_address_binds_each_of_the_debtors_as_that_address(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    second(r, "d2", ERIKA, "+49301999001");
    consent_of(r, "d1", "s1", "\"channel\":\"email\",\"status\":\"withdrawn\",\"scope\":\"all\"");
    job_of(r, "d2", "email", "j2", 'H', "opted-out");
    assert_string_equal(stored(r, "d2", "o:*:*"), "");
    assert_string_equal(stored(r, "d2", "o:email:*"), "");
}

static void bounces_and_doubts_stay_with_their_debtor_and_legal_bans_pass(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    second(r, "d2", ERIKA, "+49301999001");
    consent_of(r, "d1", "b1",
               "\"channel\":\"email\",\"address\":\"" ERIKA
               "\",\"status\":\"suppressed\",\"suppression\":\"bounce\"");
    consent_of(r, "d1", "b2",
               "\"channel\":\"email\",\"address\":\"" ERIKA
               "\",\"status\":\"suppressed\",\"suppression\":\"unverified\"");
    job_of(r, "d2", "email", "j2", 'P', "");
    consent_of(r, "d1", "b3",
               "\"channel\":\"email\",\"address\":\"" ERIKA
               "\",\"status\":\"suppressed\",\"suppression\":\"legal\"");
    job_of(r, "d2", "email", "j2", 'H', "suppressed-legal");
    rig_set(r, RIG_MONDAY_10H + 4000 * RIG_DAY);
    second(r, "d3", ERIKA, "+49301999004");
    job_of(r, "d3", "email", "j3", 'H', "suppressed-legal");
}

static void a_source_set_apart_keeps_its_opt_outs_but_not_a_legal_ban(void **cm)
{
    rig *r = *cm;
    static const char *const names[] = {"law-firm"};
    const bind_apart apart = {names, 1};
    bind_entry e = {
        .status = GW_STR("withdrawn"), .scope = GW_STR("address"), .source = GW_STR("law-firm")};
    (void)r;
    assert_true(bind_entry_counts(NULL, &e, GW_STR("erp")));
    assert_false(bind_entry_counts(&apart, &e, GW_STR("erp")));
    assert_true(bind_entry_counts(&apart, &e, GW_STR("law-firm")));
    e.source = GW_STR("erp");
    assert_false(bind_entry_counts(&apart, &e, GW_STR("law-firm")));
    e.source = GW_STR(""); /* a reply */
    assert_true(bind_entry_counts(&apart, &e, GW_STR("law-firm")));
    e.source = GW_STR("law-firm");
    e.status = GW_STR("suppressed");
    assert_true(bind_entry_counts(&apart, &e, GW_STR("erp")));
    e.status = GW_STR("withdrawn");
    e.scope = GW_STR("debt");
    assert_false(bind_entry_counts(NULL, &e, GW_STR("erp")));
}

/* ---- an opt-out and a debtor at the same moment, and kill -9 in between ---- */

static teller teller_of(rig *r)
{
    return (teller){r->store, r->id_key, gw_clock_now(r->clock), r->arena, NULL};
}

static void an_opt_out_that_died_behind_the_register_binds_whoever_is_stored_next(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    const teller t = teller_of(r);
    const bind_entry e = {.channel = GW_STR("email"),
                          .address = GW_STR(ERIKA),
                          .scope = GW_STR("address"),
                          .status = GW_STR("withdrawn"),
                          .source = GW_STR("erp"),
                          .said = GW_STR("reply"),
                          .at_ms = t.now.ms};
    assert_int_equal(bind_put(&t, &e, NULL, &r->err), GW_OK);
    second(r, "d2", ERIKA, "+49301999001");
    job_of(r, "d2", "email", "j2", 'H', "opted-out");
}

/* Its marks are there, its body is not: the opt-out passes it over, and it reads the register when
 * it is stored. */
static void a_debtor_that_is_only_marked_yet_is_bound_when_it_is_stored(void **cm)
{
    rig *r = *cm;
    gw_id did;
    char text[GW_ID_TEXT];
    rig_debtor(r);
    load_debtor_id(r->id_key, GW_STR("erp"), GW_STR("d2"), &did);
    gw_id_format(&did, text);
    state_mark m = {0, 'a', {{0}}, gw_str_of(text)};
    state_mark_address(r->id_key, GW_STR(ERIKA), &m.key);
    m.shard = state_shard(&m.key);
    assert_int_equal(state_mark_add(r->store, &m, 1, &r->err), GW_OK);
    consent_of(r, "d1", "stop-1", EMAIL_STOP);
    assert_string_equal(stored(r, "d2", "o:email:" ERIKA), "");
    second(r, "d2", ERIKA, "+49301999001");
    job_of(r, "d2", "email", "j2", 'H', "opted-out");
}

static void the_register_holds_no_address(void **cm)
{
    rig *r = *cm;
    gw_id key;
    state_debtor at;
    rig_debtor(r);
    consent_of(r, "d1", "stop-1", EMAIL_STOP);
    state_mark_address(r->id_key, GW_STR(ERIKA), &key);
    assert_int_equal(state_load_debtors(r->store, &key, 1, r->arena, &at, &r->err), GW_OK);
    assert_true(at.debtor.n > 0);
    for (size_t i = 0; i < at.debtor.n; i++)
        assert_null(memmem(at.debtor.fields[i].value.p, at.debtor.fields[i].value.n, "erika", 5));
}

/* ---- replies ---- */

static void say(rig *r, const char *from, const char *text, const char *ref)
{
    GW_AUTO_BUF gw_buf b;
    booker *k;
    bool busy;
    hook_entry e = {.kind = ENTRY_INBOUND,
                    .provider = GW_STR("testsms"),
                    .auth = WIRE_AUTH_SIGNED,
                    .rx_ms = gw_clock_now(r->clock).ms,
                    .ref = gw_str_of(ref),
                    .from = gw_str_of(from),
                    .text = gw_str_of(text),
                    .raw = gw_str_of(text)};
    gw_buf_init(&b, 1 << 20);
    assert_int_equal(hook_entry_put(&e, &b, &r->err), GW_OK);
    state_inbox_item item = {7, gw_buf_str(&b)};
    assert_int_equal(state_inbox_add(r->store, &item, 1, &r->err), GW_OK);
    booker_config c = {.config = &r->config, .dispatch = r->d, .words = words};
    assert_int_equal(booker_open(&c, &k, &r->err), GW_OK);
    if (booker_step(k, true, &busy, &r->err) != GW_OK)
        fail_msg("%s", r->err.text);
    booker_close(k);
}

static void the_stop_of_a_number_nobody_has_binds_the_debtor_who_has_it_later(void **cm)
{
    rig *r = *cm;
    say(r, "+15550100777", "STOP", "in-1");
    second(r, "d2", "two@debtor.example.test", "+15550100777");
    assert_non_null(strstr(stored(r, "d2", "o:sms:+15550100777"), "withdrawn"));
}

static void one_number_of_two_debtors_gets_one_confirmation(void **cm)
{
    rig *r = *cm;
    uint64_t by_state[128], outbox;
    rig_debtor(r);
    second(r, "d2", "two@debtor.example.test", NUMBER);
    rig_settle(r);
    say(r, NUMBER, "STOP", "in-1");
    assert_non_null(strstr(stored(r, "d1", "o:sms:" NUMBER), "withdrawn"));
    assert_non_null(strstr(stored(r, "d2", "o:sms:" NUMBER), "withdrawn"));
    assert_int_equal(state_counts(r->store, by_state, &outbox, &r->err), GW_OK);
    assert_int_equal(by_state['A'], 1);
}

static void no_more_calls_said_by_sms_withdraws_calls(void **cm)
{
    rig *r = *cm;
    rig_debtor(r);
    rig_settle(r);
    say(r, NUMBER, "Stop calling me", "in-1");
    assert_non_null(strstr(stored(r, "d1", "o:voice:*"), "withdrawn"));
    assert_string_equal(stored(r, "d1", "o:sms:" NUMBER), "");
    second(r, "d2", "two@debtor.example.test", NUMBER);
    assert_non_null(strstr(stored(r, "d2", "o:voice:*"), "withdrawn"));
}

/* "No more mail", said by SMS: the ledger takes no number for the channel email. */
static void an_address_of_another_channel_stays_out_of_the_entry(void **cm)
{
    rig *r = *cm;
    GW_AUTO_BUF gw_buf body;
    const teller t = teller_of(r);
    const bind_entry e = {.channel = GW_STR("email"),
                          .address = GW_STR(NUMBER),
                          .scope = GW_STR("channel"),
                          .status = GW_STR("withdrawn"),
                          .said = GW_STR("reply"),
                          .at_ms = t.now.ms};
    rig_debtor(r);
    gw_buf_init(&body, 4096);
    assert_int_equal(bind_entry_body(&t, &e, GW_STR("d1"), &body, &r->err), GW_OK);
    assert_int_equal(
        tell(&t, VERB_CONSENT, GW_STR("erp"), GW_STR("d1"), gw_buf_str(&body), &r->err), GW_OK);
    job_of(r, "d1", "email", "j1", 'H', "opted-out");
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
        TEST(a_stop_at_an_address_holds_every_debtor_who_has_it_and_no_other),
        TEST(a_debtor_stored_later_with_the_address_is_bound_from_its_first_moment),
        TEST(a_stop_that_comes_before_go_stops_the_send_of_another_debtor),
        TEST(the_scope_goes_along),
        TEST(a_consent_given_later_frees_the_debtor_it_was_given_for_and_no_other),
        TEST(what_is_said_without_an_address_binds_each_of_the_debtors_as_that_address),
        TEST(bounces_and_doubts_stay_with_their_debtor_and_legal_bans_pass),
        TEST(a_source_set_apart_keeps_its_opt_outs_but_not_a_legal_ban),
        TEST(an_opt_out_that_died_behind_the_register_binds_whoever_is_stored_next),
        TEST(a_debtor_that_is_only_marked_yet_is_bound_when_it_is_stored),
        TEST(the_register_holds_no_address),
        TEST(the_stop_of_a_number_nobody_has_binds_the_debtor_who_has_it_later),
        TEST(one_number_of_two_debtors_gets_one_confirmation),
        TEST(no_more_calls_said_by_sms_withdraws_calls),
        TEST(an_address_of_another_channel_stays_out_of_the_entry),
    };
    return cmocka_run_group_tests(tests, load_words, drop_words);
}
