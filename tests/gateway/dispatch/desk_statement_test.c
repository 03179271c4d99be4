/* A statement that was promised on the phone: its task or mail, its deadline, and who hears of it
 * when it is late. */
#include "tests/gateway/dispatch/desk_rig.h"

#define STATEMENT CALL "#statement-1"

static const char asked[] = ",\"id\":\"r1\",\"outcome\":\"no-result\",\"right_party\":true,"
                            "\"excuse\":\"invoice-missing\",\"statement_by\":\"2013-03-06\"";

static void add_postal(rig *r)
{
    rig_tell(r, VERB_DEBTOR,
             "{\"id\":\"d1\",\"name\":\"Debtor GmbH\",\"role\":\"company\",\"zone\":"
             "\"Europe/Berlin\",\"locale\":\"en\",\"contacts\":[{\"role\":\"primary\",\"name\":"
             "\"Erika\",\"email\":\"erika@debtor.example.test\",\"phone\":\"+4930123456\","
             "\"postal\":\"Ledgerweg 1, 10115 Berlin\",\"designated\":true}]}");
}

/* Talked on Monday, 03-04; the statement is promised for Wednesday. */
static void promise_statement(rig *r, const char *how)
{
    char members[400];
    snprintf(members, sizeof members, "%s%s", asked, how);
    rig_publish_shipped(r, "en/promised-statement");
    open_call(r);
    add_postal(r);
    rig_settle(r);
    take_and_dial(r);
    says(act(r, "bob", "record", CALL, members), "\"verdict\":\"accepted\"");
    says(act(r, "bob", "record", CALL, members), "\"verdict\":\"duplicate\"");
    rig_settle(r);
}

static void go_to(rig *r, const char *job)
{
    for (int i = 0; i < 5 && rig_state(r, job) == 'P'; i++) {
        rig_set(r, rig_due(r, job));
        rig_settle(r);
    }
}

static void a_stamped_statement_becomes_a_letter_for_people_with_its_own_deadline(void **cm)
{
    rig *r = of(cm);
    promise_statement(r, "");
    says(rig_fact(r, CALL, "x-Call"), "\"statement_by\":\"2013-03-06\"");
    says(list(r), "\"promised\":[{\"task\":\"" STATEMENT "\"");
    says(list(r), "\"deadline\":\"2013-03-06\",\"late\":false");
    go_to(r, STATEMENT);
    assert_int_equal(rig_state(r, STATEMENT), 'O');
    const char *a = act(r, "bob", "take", STATEMENT, "");
    says(a, "STAMPED STATEMENT");
    says(a, "March 6, 2013");
    says(a, "Ledgerweg 1");
    says(act(r, "bob", "dial", STATEMENT, ""), "calling");
    says(act(r, "bob", "record", STATEMENT,
             ",\"id\":\"r2\",\"outcome\":\"posted\",\"courier\":\"EMS\",\"courier_number\":"
             "\"EA12\""),
         "delivered");
    assert_int_equal(rig_state(r, STATEMENT), 'D');
    says(list(r), "\"promised\":[]");
}

static void a_statement_not_sent_by_its_day_is_named_as_late_wherever_it_waits(void **cm)
{
    rig *r = of(cm);
    promise_statement(r, "");
    rig_tell(r, VERB_HOLD,
             "{\"id\":\"h1\",\"debtor\":\"d1\",\"kind\":\"lawyer\",\"state\":\"set\",\"by\":"
             "\"ann\"}");
    rig_settle(r);
    assert_int_equal(rig_state(r, STATEMENT), 'H');
    says(list(r), "\"state\":\"held\"");
    rig_set(r, MONDAY + 2 * RIG_DAY + 22 * RIG_HOUR); /* still the 6th in Berlin */
    says(list(r), "\"late\":false");
    rig_set(r, MONDAY + 2 * RIG_DAY + 23 * RIG_HOUR); /* the 7th */
    says(list(r), "\"late\":true");
}

static void a_mail_with_the_statement_goes_the_way_of_every_mail(void **cm)
{
    rig *r = of(cm);
    rig_task t;
    rig_join(r, 0, 4);
    promise_statement(r, ",\"statement_how\":\"mail\"");
    char was = rig_state(r, STATEMENT);
    assert_true(was == 'P' || was == 'C');
    rig_expect_task(r, 0, &t);
    assert_string_equal(t.to, "erika@debtor.example.test");
    says(t.facts, "\"statement\":\"detailed\"");
    rig_send_intent(r, 0, &t);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_GO);
    rig_send_outcome(r, 0, &t, WIRE_DELIVERED, -1);
    assert_int_equal(rig_expect(r, 0, &t), WIRE_SEEN);
    assert_int_equal(rig_state(r, STATEMENT), 'D');
    says(list(r), "\"promised\":[]");
}

static void what_cannot_be_promised_is_refused_and_nothing_is_recorded(void **cm)
{
    static const struct {
        const char *members, *pointer;
    } rows[] = {
        {",\"id\":\"r1\",\"outcome\":\"no-answer\",\"statement_by\":\"2013-03-06\"",
         "/statement_by"},
        {",\"id\":\"r1\",\"outcome\":\"hardship\",\"right_party\":true,\"statement_by\":"
         "\"2013-03-06\"",
         "/statement_by"},
        {",\"id\":\"r1\",\"outcome\":\"no-result\",\"right_party\":true,\"statement_how\":"
         "\"mail\"",
         "/statement_by"},
        {",\"id\":\"r1\",\"outcome\":\"no-result\",\"right_party\":true,\"statement_by\":"
         "\"2013-03-01\"",
         "a day from today"},
        {",\"id\":\"r1\",\"outcome\":\"no-result\",\"right_party\":true,\"statement_by\":"
         "\"2014-03-01\"",
         "a day from today"},
        {asked, "no postal address"}, /* the standard debtor has none */
    };
    rig *r = of(cm);
    open_call(r);
    take_and_dial(r);
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        says(act(r, "bob", "record", CALL, rows[i].members), rows[i].pointer);
        assert_int_equal(rig_state(r, CALL), 'T');
    }
    says(act(r, "bob", "record", CALL,
             ",\"id\":\"r1\",\"outcome\":\"no-result\",\"right_party\":true"),
         "accepted");
    rig_settle(r);
    says(list(r), "\"promised\":[]");
}

static void a_gateway_that_dies_after_the_record_still_makes_the_task(void **cm)
{
    rig *r = of(cm);
    rig_publish_shipped(r, "en/promised-statement");
    open_call(r);
    add_postal(r);
    rig_settle(r);
    take_and_dial(r);
    says(act(r, "bob", "record", CALL, asked), "accepted");
    rig_crash(r);
    assert_int_equal(rig_state(r, STATEMENT), 0);
    rig_open(r);
    rig_settle(r);
    assert_int_equal(rig_state(r, STATEMENT), 'O');
    char left[64];
    rig_debtor_field(r, "sw:1", left, sizeof left);
    assert_string_equal(left, "");
}

#define promise(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(a_stamped_statement_becomes_a_letter_for_people_with_its_own_deadline),
        promise(a_statement_not_sent_by_its_day_is_named_as_late_wherever_it_waits),
        promise(a_mail_with_the_statement_goes_the_way_of_every_mail),
        promise(what_cannot_be_promised_is_refused_and_nothing_is_recorded),
        promise(a_gateway_that_dies_after_the_record_still_makes_the_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
