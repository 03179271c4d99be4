#include "gateway/dispatch/life.h"

#include "gateway/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char every_state[] = "APHOLTCSDXRUQ";

static bool in_set(char c, const char *set)
{
    return c && strchr(set, c);
}

/* The promises below walk every (state, event) pair, so a row added later is judged too. */
typedef void (*judge)(char in, life_event on, const life_move *m);

static void each_row(judge check)
{
    int rows = 0;
    for (const char *s = every_state; *s; s++) {
        for (int on = 0; on < LIFE_EVENT_COUNT; on++) {
            life_move m = {0};
            if (!life_step((life_state)*s, (life_event)on, &m))
                continue;
            rows++;
            check(*s, (life_event)on, &m);
        }
    }
    assert_true(rows > 50);
}

static void final_row(char in, life_event on, const life_move *m)
{
    if (!in_set(in, "DXRUQ") || m->then == (life_state)in)
        return;
    bool stated = (in == 'U' && (m->then == LIFE_DELIVERED || m->then == LIFE_REFUSED)) ||
                  (in == 'U' && (on == ON_AGAIN || on == ON_UNDONE)) || /* the agent said it */
                  (in_set(in, "UQ") && on == ON_RETRY && m->then == LIFE_PLANNED);
    assert_true(stated);
}

static void a_final_state_is_left_only_by_a_late_outcome_or_an_operators_retry(void **state)
{
    (void)state;
    each_row(final_row);
}

static void go_row(char in, life_event on, const life_move *m)
{
    bool go = m->effects & DO_GO;
    assert_int_equal(go, in == 'C' && on == ON_INTENT);
    if (go) {
        assert_int_equal(m->then, LIFE_SENDING);
        assert_string_equal(m->record, "x-AttemptIntent");
    }
}

static void go_is_given_only_by_a_recorded_intent_of_a_claimed_reminder(void **state)
{
    (void)state;
    each_row(go_row);
}

static void sending_row(char in, life_event on, const life_move *m)
{
    if (in != 'S')
        return;
    /* Only "later" (certainly not delivered) leads back to the schedule. */
    if (m->then == LIFE_PLANNED)
        assert_int_equal(on, ON_LATER);
    assert_false(m->then == LIFE_HELD || m->then == LIFE_CLAIMED || m->then == LIFE_WITHDRAWN);
}

static void what_may_have_left_is_never_planned_again_by_itself(void **state)
{
    (void)state;
    each_row(sending_row);
    life_move m;
    assert_true(life_step(LIFE_SENDING, ON_LOST, &m));
    assert_int_equal(m.then, LIFE_UNKNOWN);
    assert_true(life_step(LIFE_CLAIMED, ON_DELIVERED, &m));
    assert_int_equal(m.then, LIFE_UNKNOWN);
}

static void record_row(char in, life_event on, const life_move *m)
{
    if (m->effects & DO_REPEAT) {
        assert_null(m->record);
        assert_int_equal(m->then, in);
    } else if (on != ON_CLAIM) {
        assert_non_null(m->record);
    }
    if (m->effects & DO_NOTE)
        assert_int_equal(m->then, in);
}

static void every_move_but_the_claim_leaves_a_record_and_a_repeat_leaves_none(void **state)
{
    (void)state;
    each_row(record_row);
}

static void place_row(char in, life_event on, const life_move *m)
{
    unsigned place =
        m->effects & (DO_SCHEDULE | DO_PARK | DO_UNSCHEDULE | DO_WATCH | DO_OPEN | DO_TIMER);
    if (m->effects & (DO_NOTE | DO_REPEAT)) {
        assert_int_equal(place, 0);
        return;
    }
    switch (m->then) {
    case LIFE_PLANNED:
        assert_int_equal(place, DO_SCHEDULE);
        break;
    case LIFE_HELD:
        assert_int_equal(place, DO_PARK);
        break;
    case LIFE_OPEN:
        assert_int_equal(place, DO_OPEN);
        break;
    case LIFE_LEASED:
        assert_int_equal(place, DO_TIMER);
        break;
    case LIFE_TALKING:
        assert_int_equal(place, on == ON_CONFIRM ? 0 : DO_TIMER);
        break;
    case LIFE_CLAIMED:
    case LIFE_SENDING:
        assert_int_equal(place, DO_WATCH);
        break;
    default: /* final: in no lane, and from a final one it was in none before */
        assert_int_equal(place, in_set(in, "DXRUQ") ? 0 : DO_UNSCHEDULE);
    }
}

static void every_state_has_its_one_place_in_the_schedule(void **state)
{
    (void)state;
    each_row(place_row);
}

static void cap_row(char in, life_event on, const life_move *m)
{
    assert_int_equal(!!(m->effects & DO_TAKE_CAP),
                     (on == ON_CLAIM || on == ON_DIAL) && !(m->effects & DO_NOTE));
    if (m->effects & DO_GIVE_CAP)
        assert_true(in_set(in, "CS") ? m->then != LIFE_UNKNOWN
                                     : in_set(in, "TU") && on == ON_UNDONE);
    /* a call that was placed stays counted, and every outcome of one settles or counts */
    if (on == ON_REACHED || on == ON_UNREACHED || on == ON_AGAIN)
        assert_true(m->effects & (in == 'L' ? DO_COUNT_CAP : DO_SETTLE_CAP));
    /* leaving claimed without having contacted anybody always gives the cap back */
    if (in == 'C' && in_set((char)m->then, "PHXRQ"))
        assert_true(m->effects & DO_GIVE_CAP);
    if (in == 'S' && in_set((char)m->then, "PQ"))
        assert_true(m->effects & DO_GIVE_CAP);
}

static void a_cap_is_given_back_whenever_nobody_was_contacted(void **state)
{
    (void)state;
    each_row(cap_row);
}

static void call_row(char in, life_event on, const life_move *m)
{
    /* Only an agent that said "dial" is calling, and from there only its own word leads on. */
    if (m->then == LIFE_TALKING && in != 'T') {
        assert_int_equal(in, 'L');
        assert_int_equal(on, ON_DIAL);
        assert_string_equal(m->record, "x-AttemptIntent");
    }
    if (in == 'T' && m->then != LIFE_TALKING && m->then != LIFE_UNKNOWN)
        assert_string_equal(m->record, "x-Call");
    if (m->then == LIFE_LEASED)
        assert_true(in == 'O' && on == ON_LEASE && (m->effects & DO_HAND));
}

static void a_call_that_was_begun_is_never_dialled_again_unless_the_agent_says_so(void **state)
{
    (void)state;
    each_row(call_row);
    life_move m;
    assert_true(life_step(LIFE_TALKING, ON_LOST, &m));
    assert_int_equal(m.then, LIFE_UNKNOWN);
    assert_true(life_step(LIFE_LEASED, ON_GIVE_BACK, &m));
    assert_int_equal(m.then, LIFE_OPEN);
    assert_false(life_step(LIFE_TALKING, ON_PLAN, &m));
    assert_false(life_step(LIFE_TALKING, ON_HOLD, &m));
    assert_false(life_step(LIFE_OPEN, ON_CLAIM, &m));
}

static void an_event_without_a_row_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    life_move m = {LIFE_HELD, 77, "untouched"};
    assert_false(life_step(LIFE_DELIVERED, ON_RETRY, &m));
    assert_false(life_step(LIFE_ACCEPTED, ON_INTENT, &m));
    assert_false(life_step(LIFE_WITHDRAWN, ON_PLAN, &m));
    assert_false(life_step(LIFE_REFUSED, ON_CLAIM, &m));
    assert_int_equal(m.then, LIFE_HELD);
    assert_string_equal(m.record, "untouched");
}

static void states_have_names_that_find_them_again(void **state)
{
    (void)state;
    for (const char *s = every_state; *s; s++) {
        assert_true(life_is_state(*s));
        assert_int_equal(life_state_named(life_state_name((life_state)*s)), *s);
        assert_int_equal(life_is_final((life_state)*s), in_set(*s, "DXRUQ"));
    }
    assert_false(life_is_state('z'));
    assert_int_equal(life_state_named("nonsense"), 0);
    for (int on = 0; on < LIFE_EVENT_COUNT; on++)
        assert_non_null(life_event_name((life_event)on));
}

/* ---- many simulated lives under one seed ---- */

typedef struct {
    uint64_t x;
} dice;

static uint64_t roll(dice *d, uint64_t sides)
{
    d->x ^= d->x << 13;
    d->x ^= d->x >> 7;
    d->x ^= d->x << 17;
    return d->x % sides;
}

/* What the world knows about one reminder beside its state. */
typedef struct {
    life_state s;
    int attempts, goes, contacts, retries;
    bool reserved; /* caps are taken for the current attempt */
    bool went;     /* GO was given for the current attempt and no outcome is known */
    char lane;     /* 'e' channel, 'w' parked, 'f' in flight, '-' none */
} life_of_one;

static void carry_out(life_of_one *r, life_event on, const life_move *m)
{
    if (m->effects & DO_TAKE_CAP) {
        assert_false(r->reserved);
        r->reserved = true;
    }
    if (m->effects & DO_GIVE_CAP) {
        assert_true(r->reserved);
        r->reserved = false;
    }
    if (m->effects & DO_ATTEMPT)
        r->attempts++;
    if (m->effects & DO_GO) {
        assert_false(r->went);
        r->goes++;
        r->went = true;
    }
    if (m->effects & DO_SCHEDULE)
        r->lane = 'e';
    if (m->effects & DO_PARK)
        r->lane = 'w';
    if (m->effects & DO_WATCH)
        r->lane = 'f';
    if (m->effects & DO_UNSCHEDULE)
        r->lane = '-';
    if (on == ON_RETRY)
        r->retries++;
    if (m->then != LIFE_CLAIMED && m->then != LIFE_SENDING) {
        r->went = false;
        r->reserved = false; /* what was not given back is spent */
    }
    r->s = m->then;
}

static void check_life(const life_of_one *r)
{
    assert_int_equal(r->lane == '-', life_is_final(r->s));
    assert_int_equal(r->lane == 'f', r->s == LIFE_CLAIMED || r->s == LIFE_SENDING);
    assert_true(r->goes <= r->attempts);
    assert_int_equal(r->reserved, r->s == LIFE_CLAIMED || r->s == LIFE_SENDING);
    /* a second contact needs an operator who retried an unknown one */
    assert_true(r->contacts <= 1 + r->retries);
}

/* One event that the world may bring in this state; the rest must be refused by the table. */
static life_event happening(dice *d, const life_of_one *r, bool *ret_contact)
{
    static const life_event any[] = {ON_PLAN,   ON_HOLD,       ON_WITHDRAW,
                                     ON_FORBID, ON_LATE_OTHER, ON_RETRY};
    static const life_event outcome[] = {ON_DELIVERED, ON_LATER,   ON_SPENT,
                                         ON_REFUSED,   ON_UNKNOWN, ON_LOST};
    *ret_contact = false;
    if ((r->s == LIFE_PLANNED || r->s == LIFE_ACCEPTED) && roll(d, 2))
        return ON_CLAIM;
    if (r->s == LIFE_CLAIMED)
        return roll(d, 4) ? ON_INTENT : roll(d, 2) ? ON_LOST : (life_event)(ON_PLAN + roll(d, 4));
    if (r->s == LIFE_SENDING && roll(d, 8)) {
        life_event on = outcome[roll(d, GW_COUNT(outcome))];
        *ret_contact = on == ON_DELIVERED || ((on == ON_UNKNOWN || on == ON_LOST) && roll(d, 2));
        return on;
    }
    return any[roll(d, roll(d, 10) ? GW_COUNT(any) - 1 : GW_COUNT(any))];
}

static void thousands_of_lives_keep_caps_contacts_and_places_in_balance(void **state)
{
    (void)state;
    int ended = 0;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        dice d = {seed * UINT64_C(0x9e3779b97f4a7c15)};
        life_of_one r = {.s = LIFE_ACCEPTED, .lane = 'w'};
        for (int step = 0; step < 200; step++) {
            bool contact;
            life_event on = happening(&d, &r, &contact);
            life_move m;
            if (!life_step(r.s, on, &m))
                continue;
            carry_out(&r, on, &m);
            r.contacts += contact;
            check_life(&r);
        }
        ended += life_is_final(r.s);
    }
    assert_true(ended > 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_final_state_is_left_only_by_a_late_outcome_or_an_operators_retry),
        cmocka_unit_test(go_is_given_only_by_a_recorded_intent_of_a_claimed_reminder),
        cmocka_unit_test(what_may_have_left_is_never_planned_again_by_itself),
        cmocka_unit_test(every_move_but_the_claim_leaves_a_record_and_a_repeat_leaves_none),
        cmocka_unit_test(every_state_has_its_one_place_in_the_schedule),
        cmocka_unit_test(a_cap_is_given_back_whenever_nobody_was_contacted),
        cmocka_unit_test(a_call_that_was_begun_is_never_dialled_again_unless_the_agent_says_so),
        cmocka_unit_test(an_event_without_a_row_is_refused_and_changes_nothing),
        cmocka_unit_test(states_have_names_that_find_them_again),
        cmocka_unit_test(thousands_of_lives_keep_caps_contacts_and_places_in_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
