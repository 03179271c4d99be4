/* The table of a call: what is said to whom, and how each call counts. */
#include "gateway/wire/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const call_plan plan = {.part_ms = {0, 8000, 15000, 2000, 2000, 6000},
                               .ring_ms = 30000,
                               .listen_ms = 6000,
                               .tone_ms = 30000,
                               .answer_ms = 6000,
                               .rounds = 2,
                               .end_ms = 5000};

typedef struct {
    call c;
    int64_t now;
    call_effects last;
    bool played[CALL_PART_COUNT];
} phone;

static void say(phone *p, call_event on)
{
    p->last = call_step(&p->c, on, &plan, (gw_mono){p->now});
    if (p->last.acts & CALL_DO_PLAY)
        p->played[p->last.part] = true;
}

/* Let time pass until the machine's own timer. */
static void wait_timer(phone *p)
{
    assert_true(p->c.due_ms < INT64_MAX);
    p->now = p->c.due_ms;
    say(p, CALL_ON_TIMER);
}

static void answered(phone *p)
{
    *p = (phone){.now = 1000};
    call_init(&p->c);
    say(p, CALL_ON_DIAL);
    assert_true(p->last.acts & CALL_DO_DIAL);
    p->now += 500;
    say(p, CALL_ON_RINGING);
    p->now += 4000;
    say(p, CALL_ON_ANSWERED);
    assert_true(p->last.acts & CALL_DO_LISTEN);
    assert_int_equal(p->c.state, CALL_LISTENING);
}

static void closes(phone *p, int sip)
{
    call_close(&p->c, sip, 0);
    say(p, CALL_ON_CLOSED);
    assert_int_equal(p->c.state, CALL_OVER);
    assert_true(p->last.acts & CALL_DO_REPORT);
}

static void assert_ended(const phone *p, const char *why, wire_result result)
{
    assert_string_equal(call_end_name(p->c.end), why);
    assert_int_equal(call_end_result(p->c.end), result);
}

static void the_debt_is_told_only_after_the_key_that_confirms_the_right_party(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    assert_int_equal(p.last.part, CALL_PART_ASK);
    assert_int_equal(p.c.party, CALL_PARTY_UNKNOWN);
    say(&p, CALL_ON_KEY_1);
    assert_int_equal(p.last.part, CALL_PART_DETAILS);
    assert_int_equal(p.c.party, CALL_PARTY_YES);
    say(&p, CALL_ON_KEY_1);
    assert_int_equal(p.last.part, CALL_PART_NOTED);
    assert_int_equal(p.c.pressed, CALL_PRESSED_PROMISE);
    wait_timer(&p);
    assert_true(p.last.acts & CALL_DO_HANG_UP);
    closes(&p, 0);
    assert_ended(&p, "right-party", WIRE_DELIVERED);
    assert_false(p.c.remote);
}

/* Every sequence of events up to a length, by their index: the details are never played without the
 * key before, and a call always ends. */
static void no_sequence_of_events_reaches_the_details_without_that_key(void **state)
{
    (void)state;
    enum { DEPTH = 4, EVENTS = CALL_ON_LOST + 1 };
    int at[DEPTH] = {0};
    for (;;) {
        phone p;
        answered(&p);
        bool confirmed = false;
        for (int i = 0; i < DEPTH; i++) {
            call_event on = (call_event)at[i];
            bool asked = p.c.state == CALL_ASKING || p.c.state == CALL_TELLING;
            say(&p, on);
            confirmed = confirmed || (asked && on == CALL_ON_KEY_1);
            assert_true(confirmed || !p.played[CALL_PART_DETAILS]);
            assert_true(confirmed || p.c.party != CALL_PARTY_YES);
        }
        for (int i = 0; p.c.state != CALL_OVER; i++) {
            assert_true(i < 12);
            wait_timer(&p);
        }
        assert_true(p.c.end != CALL_END_NONE);
        int i = 0;
        while (i < DEPTH && ++at[i] == EVENTS)
            at[i++] = 0;
        if (i == DEPTH)
            return;
    }
}

static void a_machine_hears_the_limited_message_after_its_greeting_and_nothing_else(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_MACHINE);
    assert_int_equal(p.c.state, CALL_TONE);
    assert_false(p.last.acts & CALL_DO_PLAY);
    say(&p, CALL_ON_QUIET);
    assert_int_equal(p.last.part, CALL_PART_MESSAGE);
    wait_timer(&p);
    closes(&p, 0);
    assert_ended(&p, "message-left", WIRE_DELIVERED);
    assert_int_equal(p.c.amd, CALL_ON_MACHINE);
    assert_false(p.played[CALL_PART_ASK] || p.played[CALL_PART_DETAILS]);
}

static void whoever_is_not_recognised_hears_only_the_limited_message(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    wait_timer(&p);
    assert_int_equal(p.last.part, CALL_PART_MESSAGE);
    assert_int_equal(p.c.amd, CALL_ON_UNSURE);
    closes(&p, 0);
    assert_ended(&p, "message-cut", WIRE_DELIVERED);
    assert_true(p.c.remote);
}

static void who_presses_nothing_is_asked_twice_and_then_hears_the_limited_message(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    wait_timer(&p);
    assert_int_equal(p.last.part, CALL_PART_ASK);
    wait_timer(&p);
    assert_int_equal(p.last.part, CALL_PART_MESSAGE);
    wait_timer(&p);
    assert_true(p.last.acts & CALL_DO_HANG_UP);
    wait_timer(&p);
    assert_int_equal(p.c.state, CALL_OVER);
    assert_ended(&p, "not-confirmed", WIRE_DELIVERED);
    assert_false(p.played[CALL_PART_DETAILS]);
}

static void the_wrong_party_is_thanked_and_told_nothing(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    say(&p, CALL_ON_KEY_2);
    assert_int_equal(p.last.part, CALL_PART_BYE);
    closes(&p, 0);
    assert_ended(&p, "wrong-party", WIRE_REFUSED);
    assert_int_equal(p.c.party, CALL_PARTY_NO);
}

static void the_key_that_stops_calls_works_whoever_presses_it(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    say(&p, CALL_ON_KEY_9);
    assert_int_equal(p.c.pressed, CALL_PRESSED_STOP);
    wait_timer(&p);
    closes(&p, 0);
    assert_ended(&p, "stop-pressed", WIRE_REFUSED);
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    say(&p, CALL_ON_KEY_1);
    say(&p, CALL_ON_KEY_9);
    closes(&p, 0);
    assert_ended(&p, "right-party", WIRE_DELIVERED);
    assert_int_equal(p.c.pressed, CALL_PRESSED_STOP);
}

static void who_hangs_up_before_the_question_is_answered_is_not_called_again(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    closes(&p, 0);
    assert_ended(&p, "hung-up", WIRE_REFUSED);
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    closes(&p, 0);
    assert_ended(&p, "hung-up", WIRE_REFUSED);
}

static void what_the_network_answers_decides_whether_it_is_tried_again(void **state)
{
    (void)state;
    static const struct {
        int sip, q850;
        bool rings;
        const char *why;
        wire_result result;
    } cases[] = {
        {486, 17, false, "busy", WIRE_LATER},
        {600, 17, true, "busy", WIRE_LATER},
        {480, 18, true, "no-answer", WIRE_LATER},
        {408, 102, true, "no-answer", WIRE_LATER},
        {404, 1, false, "no-such-number", WIRE_REFUSED},
        {604, 1, false, "no-such-number", WIRE_REFUSED},
        {603, 21, true, "declined", WIRE_REFUSED},
        {403, 21, false, "carrier-refused", WIRE_REFUSED},
        {503, 41, false, "carrier-later", WIRE_LATER},
        {599, 0, false, "carrier-later", WIRE_LATER},
        {499, 0, false, "carrier-refused", WIRE_REFUSED},
        {0, 0, false, "carrier-later", WIRE_LATER},
        {0, 0, true, "line-lost", WIRE_UNKNOWN},
    };
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        phone p = {.now = 1000};
        call_init(&p.c);
        say(&p, CALL_ON_DIAL);
        if (cases[i].rings)
            say(&p, CALL_ON_RINGING);
        closes(&p, cases[i].sip);
        assert_ended(&p, cases[i].why, cases[i].result);
        assert_int_equal(call_q850(cases[i].sip), cases[i].q850);
    }
}

static void call_me_later_counts_before_and_after_the_details_and_says_who_asked(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    say(&p, CALL_ON_KEY_3);
    closes(&p, 0);
    assert_ended(&p, "call-later", WIRE_LATER);
    assert_int_equal(p.c.party, CALL_PARTY_UNKNOWN);
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    say(&p, CALL_ON_KEY_1);
    say(&p, CALL_ON_KEY_3);
    assert_int_equal(p.c.pressed, CALL_PRESSED_LATER);
    wait_timer(&p);
    closes(&p, 0);
    assert_ended(&p, "call-later", WIRE_LATER);
    assert_int_equal(p.c.party, CALL_PARTY_YES);
}

static void causes_of_the_network_say_how_the_call_counts(void **state)
{
    (void)state;
    static const struct {
        int cause;
        bool rings;
        const char *why;
        wire_result result;
    } cases[] = {
        {17, true, "busy", WIRE_LATER},
        {19, true, "no-answer", WIRE_LATER},
        {1, false, "no-such-number", WIRE_REFUSED},
        {21, true, "declined", WIRE_REFUSED},
        {34, false, "carrier-later", WIRE_LATER},
        {50, false, "carrier-refused", WIRE_REFUSED},
        {127, false, "carrier-later", WIRE_LATER},
        /* Cleared, or nothing said: a phone that rang may have been picked up meanwhile. */
        {16, false, "line-lost", WIRE_UNKNOWN},
        {16, true, "line-lost", WIRE_UNKNOWN},
        {31, true, "line-lost", WIRE_UNKNOWN},
        {0, true, "line-lost", WIRE_UNKNOWN},
        {0, false, "carrier-later", WIRE_LATER},
    };
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        phone p = {.now = 1000};
        call_init(&p.c);
        say(&p, CALL_ON_DIAL);
        if (cases[i].rings)
            say(&p, CALL_ON_RINGING);
        call_close(&p.c, 0, cases[i].cause);
        say(&p, CALL_ON_CLOSED);
        assert_ended(&p, cases[i].why, cases[i].result);
        assert_int_equal(p.c.cause, cases[i].cause);
    }
}

static void ringing_ends_after_the_limit_counted_from_dialling(void **state)
{
    (void)state;
    phone p = {.now = 1000};
    call_init(&p.c);
    say(&p, CALL_ON_DIAL);
    p.now = 9000;
    say(&p, CALL_ON_RINGING);
    p.now = 20000;
    say(&p, CALL_ON_RINGING);
    assert_int_equal(p.c.due_ms, 31000);
    wait_timer(&p);
    assert_true(p.last.acts & CALL_DO_HANG_UP);
    closes(&p, 487);
    assert_ended(&p, "no-answer", WIRE_LATER);
    assert_int_equal(p.c.rang.ms, 9000);
}

static void a_call_without_a_question_tells_its_message_to_whoever_answers(void **state)
{
    (void)state;
    call_plan only = {.part_ms = {[CALL_PART_MESSAGE] = 6000}, .listen_ms = 6000, .rounds = 2};
    static const call_event answers[] = {CALL_ON_HUMAN, CALL_ON_UNSURE, CALL_ON_TIMER,
                                         CALL_ON_KEY_1};
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        phone p;
        answered(&p);
        call_effects fx = call_step(&p.c, answers[i], &only, (gw_mono){p.now});
        assert_int_equal(fx.part, CALL_PART_MESSAGE);
        assert_int_equal(p.c.amd == CALL_ON_HUMAN, answers[i] == CALL_ON_HUMAN);
        (void)call_step(&p.c, CALL_ON_TIMER, &only, (gw_mono){p.c.due_ms});
        assert_ended(&p, "message-left", WIRE_DELIVERED);
    }
}

static void a_line_that_is_lost_is_unknown_unless_nothing_was_dialled(void **state)
{
    (void)state;
    phone p = {.now = 1000};
    call_init(&p.c);
    say(&p, CALL_ON_DIAL);
    say(&p, CALL_ON_LOST);
    assert_ended(&p, "line-lost", WIRE_UNKNOWN);
    call_init(&p.c);
    say(&p, CALL_ON_DIAL);
    say(&p, CALL_ON_NOT_PLACED);
    assert_ended(&p, "not-placed", WIRE_LATER);
    answered(&p);
    say(&p, CALL_ON_HUMAN);
    say(&p, CALL_ON_KEY_1);
    say(&p, CALL_ON_LOST);
    assert_ended(&p, "line-lost", WIRE_UNKNOWN);
    assert_int_equal(p.c.party, CALL_PARTY_YES);
}

static void an_event_without_a_row_changes_nothing_and_is_counted(void **state)
{
    (void)state;
    phone p;
    answered(&p);
    say(&p, CALL_ON_ANSWERED);
    assert_int_equal(p.c.unexpected, 1);
    assert_int_equal(p.c.state, CALL_LISTENING);
    assert_int_equal(p.last.acts, 0);
}

static void an_outstanding_call_takes_little_memory(void **state)
{
    (void)state;
    assert_true(sizeof(call) <= 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_debt_is_told_only_after_the_key_that_confirms_the_right_party),
        cmocka_unit_test(no_sequence_of_events_reaches_the_details_without_that_key),
        cmocka_unit_test(a_machine_hears_the_limited_message_after_its_greeting_and_nothing_else),
        cmocka_unit_test(whoever_is_not_recognised_hears_only_the_limited_message),
        cmocka_unit_test(who_presses_nothing_is_asked_twice_and_then_hears_the_limited_message),
        cmocka_unit_test(the_wrong_party_is_thanked_and_told_nothing),
        cmocka_unit_test(the_key_that_stops_calls_works_whoever_presses_it),
        cmocka_unit_test(who_hangs_up_before_the_question_is_answered_is_not_called_again),
        cmocka_unit_test(what_the_network_answers_decides_whether_it_is_tried_again),
        cmocka_unit_test(call_me_later_counts_before_and_after_the_details_and_says_who_asked),
        cmocka_unit_test(causes_of_the_network_say_how_the_call_counts),
        cmocka_unit_test(ringing_ends_after_the_limit_counted_from_dialling),
        cmocka_unit_test(a_call_without_a_question_tells_its_message_to_whoever_answers),
        cmocka_unit_test(a_line_that_is_lost_is_unknown_unless_nothing_was_dialled),
        cmocka_unit_test(an_event_without_a_row_changes_nothing_and_is_counted),
        cmocka_unit_test(an_outstanding_call_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
