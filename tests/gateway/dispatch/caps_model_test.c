/* What counters say, against what happened: random lives of a reminder, every move built by
 * change_build and carried out on counters in memory. The oracle knows nothing of effects; it knows
 * when somebody may have been contacted. */
#include "gateway/dispatch/change.h"
#include "gateway/policy/count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LIVES = 4000, STEPS = 40, ARENA = 8 << 20 };

static uint64_t seed = 20260131;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

/* ---- the store, as far as counters go ---- */

typedef struct {
    int own, person;   /* counters of the debtor and of the person */
    int given_nothing; /* gives that met a counter of zero: the store would ignore them */
    char cap[512], given[512], letter;
    int attempts;
} model;

static const gw_id person = {{7}};

static void carry_out(model *m, const state_txn *t)
{
    for (const state_txn *x = t; x; x = x == t ? t->then : NULL) {
        int *n = x == t ? &m->own : &m->person;
        *n += (int)x->take_n;
        for (size_t i = 0; i < x->give_n; i++) {
            m->given_nothing += *n == 0;
            *n -= *n > 0;
        }
    }
    for (size_t i = 0; i < t->n; i++) {
        const state_field *f = &t->sets[i];
        if (gw_str_is(f->name, "cap"))
            snprintf(m->cap, sizeof m->cap, "%.*s", GW_STR_ARG(f->value));
        if (gw_str_is(f->name, "cg"))
            snprintf(m->given, sizeof m->given, "%.*s", GW_STR_ARG(f->value));
        if (gw_str_is(f->name, "s"))
            m->letter = f->value.p[0];
    }
}

/* ---- what happened ---- */

typedef struct {
    int contacts;         /* that happened, or may have */
    bool under_way;       /* one that may become a contact */
    bool called_off;      /* an attempt that had GO ended without one */
    bool retried_unknown; /* then an earlier attempt's late word cannot be told from the other's */
} truth;

static bool is_late(life_event on)
{
    return on == ON_LATE_DELIVERED || on == ON_RECEIPT_TOOK || on == ON_DELIVERED;
}

static void happen(truth *h, char from, life_event on, char to)
{
    bool flying = from == LIFE_CLAIMED || from == LIFE_SENDING || from == LIFE_TALKING;
    bool waiting =
        from == LIFE_PLANNED || from == LIFE_HELD || from == LIFE_WITHDRAWN || from == LIFE_PARKED;
    if (to == LIFE_CLAIMED || (to == LIFE_TALKING && from == LIFE_LEASED)) {
        h->under_way = h->under_way || from != to;
        return;
    }
    if (from == LIFE_LEASED && to != LIFE_OPEN &&
        (on == ON_REACHED || on == ON_UNREACHED || on == ON_AGAIN)) {
        h->contacts++; /* nobody announced it */
        return;
    }
    if (flying && from != to && to != LIFE_SENDING) {
        bool never = on == ON_PLAN || on == ON_HOLD || on == ON_WITHDRAW || on == ON_FORBID ||
                     on == ON_LATER || on == ON_SPENT || on == ON_POISON || on == ON_UNDONE ||
                     (from == LIFE_CLAIMED && (on == ON_LOST || on == ON_REFUSED));
        bool earlier = from == LIFE_CLAIMED && (on == ON_LATE_DELIVERED || on == ON_RECEIPT_TOOK);
        h->under_way = false;
        h->contacts += earlier ? h->called_off : !never;
        h->called_off = !earlier && (h->called_off || (never && from == LIFE_SENDING));
        return;
    }
    if (waiting && is_late(on) && h->called_off) {
        h->contacts++;
        h->called_off = false;
        return;
    }
    if (from == LIFE_UNKNOWN && on == ON_UNDONE) {
        h->contacts--;
    }
    h->retried_unknown =
        h->retried_unknown ||
        (from == LIFE_UNKNOWN && (on == ON_RETRY || on == ON_AGAIN || on == ON_UNDONE));
}

/* ---- one life ---- */

static void step(model *m, truth *h, life_event on, gw_arena *arena)
{
    const policy_cap caps[] = {
        {.field = "email", .max = INT64_MAX, .day = 15768},
        {.field = "email", .max = INT64_MAX, .day = 15768, .scope = POLICY_OF_PERSON},
        {.field = "*", .max = INT64_MAX, .day = 15768, .check_only = true},
    };
    static const gw_id did = {{3}};
    gw_err err = {0};
    life_move move, row;
    bool moved;
    state_txn t;
    const model before = *m;
    view_reminder r = {.state = m->letter,
                       .kind = 'j',
                       .version = 1,
                       .channel = GW_STR("email"),
                       .cap = gw_str_of(before.cap),
                       .given = gw_str_of(before.given),
                       .attempts = m->attempts};
    change c = {.now = {INT64_C(1362387600000)},
                .did = &did,
                .debtor_version = -1,
                .why = "",
                .caps = caps,
                .cap_n = GW_COUNT(caps),
                .person = &person,
                .tok = GW_STR("tok"),
                .agent = GW_STR("ann"),
                .call = on == ON_REACHED || on == ON_UNREACHED || on == ON_AGAIN || on == ON_RETRY};
    char from = m->letter;
    gw_arena_reset(arena);
    bool known = life_step((life_state)from, on, &row);
    if (on == ON_CLAIM || on == ON_DIAL) /* the person's are reserved before, in another call */
        m->person += known;
    assert_int_equal(change_build(&c, &r, on, arena, &t, &move, &moved, &err), GW_OK);
    assert_int_equal(moved, known);
    carry_out(m, &t);
    m->attempts += moved && (move.effects & DO_ATTEMPT);
    if (moved && !(move.effects & (DO_NOTE | DO_REPEAT)))
        happen(h, from, on, m->letter);
}

static void live(gw_arena *arena)
{
    model m = {.letter = LIFE_ACCEPTED};
    truth h = {0};
    char path[STEPS * 24] = "";
    for (int i = 0; i < STEPS; i++) {
        life_event on = (life_event)draw(LIFE_EVENT_COUNT);
        life_move ignored;
        for (int k = 0; k < 8 && !life_step((life_state)m.letter, on, &ignored); k++)
            on = (life_event)draw(LIFE_EVENT_COUNT); /* mostly what means something */
        size_t n = strlen(path);
        snprintf(path + n, sizeof path - n, " %c:%s", m.letter, life_event_name(on));
        step(&m, &h, on, arena);
        int want = h.contacts + h.under_way;
        bool good = h.retried_unknown ? m.own >= want && m.person >= want
                                      : m.own == want && m.person == want;
        if (!good || m.own != m.person || m.given_nothing)
            fail_msg("after%s: own %d, person %d, happened %d", path, m.own, m.person, want);
    }
}

static void counters_say_what_happened_whatever_the_life(void **cm)
{
    (void)cm;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA);
    for (int i = 0; i < LIVES; i++)
        live(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_say_what_happened_whatever_the_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
