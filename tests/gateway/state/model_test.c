/* model_test.c - thousands of random transitions on a few reminders, beside a plain model in C.
 *
 * The model says each verdict and the whole state afterwards. Checked after every batch: versions,
 * one lane each and the right one, counters, open and final lists, the index of H U Q, caps, woken
 * debtors, and one outbox entry per record. DUNLIN_SEED repeats a run; the seed is printed. */
#include "tests/gateway/state/fixture.h"

#include <stdio.h>
#include <string.h>

enum { DEBTORS = 4, REMINDERS = 12, BATCHES = 400, BATCH_MAX = 12, CAP_MAX = 3 };
static const char states[] = "APHCSDXRUQ";
static const char lanes[] = "wesvf";
static const char *const cap_names[] = {"c:*:2013-01-02", "c:email:2013-01-02"};

typedef struct {
    gw_id did;
    int64_t version;
    int cap[2];
    int64_t wake; /* -1 = asleep */
} model_debtor;

typedef struct {
    gw_id rid;
    unsigned debtor;
    int64_t version; /* 0 = not there */
    char st, lane;   /* lane '-' = none, 'a' = accepted and never touched */
    int64_t due;
} model_reminder;

enum { ACCEPTED_MS = 77 };

typedef struct {
    uint64_t random;
    model_debtor debtors[DEBTORS];
    model_reminder reminders[REMINDERS];
    uint64_t fence[STATE_SHARDS];
    size_t outbox;
} model;

/* splitmix64 */
static uint64_t roll(model *m, uint64_t below)
{
    uint64_t z = (m->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

/* Everything one random transition points to. */
typedef struct {
    state_txn t;
    unsigned debtor, reminder; /* reminder REMINDERS = none */
    char st[2];
    char blob[16];
    state_field sets[2], facts[1];
    state_cap cap;
    unsigned cap_index, give_index;
    const char *give[1], *with[1];
    state_record records[3];
} draw;

static void draw_reminder(model *m, draw *d)
{
    model_reminder *r = &m->reminders[d->reminder];
    state_txn *t = &d->t;
    t->rid = &r->rid;
    t->version = roll(m, 8) ? r->version : (int64_t)roll(m, 5) - 1;
    d->st[0] = states[roll(m, sizeof states - 1)];
    bool with_state = roll(m, 4) || t->version == 0;
    snprintf(d->blob, sizeof d->blob, "%d", (int)roll(m, 1000));
    d->sets[0] = (state_field){GW_STR("x"), gw_str_of(d->blob)};
    d->sets[1] = (state_field){GW_STR("s"), gw_str_of(d->st)};
    t->sets = d->sets;
    t->n = with_state ? 2 : 1;
    switch (roll(m, 4)) {
    case 0:
        break;
    case 1:
        t->lane = '-';
        break;
    default:
        t->lane = lanes[roll(m, sizeof lanes - 1)];
        t->due_ms = (int64_t)roll(m, 100000);
    }
}

static void draw_debtor(model *m, draw *d)
{
    state_txn *t = &d->t;
    int64_t v = m->debtors[d->debtor].version;
    t->debtor_version = roll(m, 3) == 0 ? -1 : roll(m, 8) ? v : v + (int64_t)roll(m, 2) * 2 - 1;
    if (t->debtor_version < -1)
        t->debtor_version = -1;
    if (roll(m, 4) == 0) {
        d->facts[0] = FIELD("b", "{}");
        *(roll(m, 2) ? &t->debtor_sets : &t->item_sets) = d->facts;
        *(t->debtor_sets ? &t->debtor_n : &t->item_n) = 1;
    }
    if (roll(m, 3) == 0) {
        d->cap_index = (unsigned)roll(m, 2);
        d->cap = (state_cap){.field = cap_names[d->cap_index], .max = CAP_MAX};
        if (roll(m, 2)) {
            d->with[0] = cap_names[1 - d->cap_index];
            d->cap.with = d->with;
            d->cap.with_n = 1;
        }
        t->takes = &d->cap;
        t->take_n = 1;
    }
    if (roll(m, 4) == 0) {
        d->give_index = (unsigned)roll(m, 2);
        d->give[0] = cap_names[d->give_index];
        t->gives = d->give;
        t->give_n = 1;
    }
    t->unwake_debtor = roll(m, 6) == 0;
    t->wake_debtor = roll(m, 5) == 0;
    t->wake_at.ms = (int64_t)roll(m, 100000);
}

static void draw_txn(model *m, draw *d)
{
    *d = (draw){.reminder = (unsigned)roll(m, REMINDERS + 2)};
    if (d->reminder > REMINDERS)
        d->reminder = REMINDERS;
    d->debtor =
        d->reminder < REMINDERS ? m->reminders[d->reminder].debtor : (unsigned)roll(m, DEBTORS);
    state_txn *t = &d->t;
    t->did = &m->debtors[d->debtor].did;
    t->shard = state_shard(t->did);
    draw_debtor(m, d);
    if (d->reminder < REMINDERS)
        draw_reminder(m, d);
    t->fence = roll(m, 2) ? 0 : roll(m, 10) ? m->fence[t->shard] : m->fence[t->shard] + 1;
    t->record_n = (size_t)roll(m, 3);
    for (size_t i = 0; i < t->record_n; i++)
        d->records[i] = (state_record){.event = "x-Plan", .fact = GW_STR("{}")};
    t->records = d->records;
}

/* ---- the model ---- */

static state_verdict judge(const model *m, const draw *d)
{
    const state_txn *t = &d->t;
    const model_debtor *o = &m->debtors[d->debtor];
    if (t->fence && t->fence != m->fence[t->shard])
        return STATE_FENCED;
    if (t->rid) {
        int64_t v = m->reminders[d->reminder].version;
        if (t->version >= 0 ? v != t->version : v == 0)
            return STATE_STALE;
    }
    if (t->debtor_version >= 0 && t->debtor_version != o->version)
        return STATE_DEBTOR_MOVED;
    if (t->take_n) {
        int used = o->cap[d->cap_index] + (d->cap.with_n ? o->cap[1 - d->cap_index] : 0);
        if (used >= CAP_MAX)
            return STATE_CAPPED;
    }
    return STATE_OK;
}

static void follow(model *m, const draw *d)
{
    const state_txn *t = &d->t;
    model_debtor *o = &m->debtors[d->debtor];
    o->version += t->debtor_n + t->item_n > 0;
    if (t->take_n)
        o->cap[d->cap_index]++;
    if (t->give_n && o->cap[d->give_index] > 0)
        o->cap[d->give_index]--;
    if (t->unwake_debtor)
        o->wake = -1;
    if (t->wake_debtor && (o->wake < 0 || t->wake_at.ms < o->wake))
        o->wake = t->wake_at.ms;
    m->outbox += t->record_n;
    if (!t->rid)
        return;
    model_reminder *r = &m->reminders[d->reminder];
    r->version++;
    if (t->n == 2)
        r->st = d->st[0];
    if (t->lane) {
        r->lane = t->lane;
        r->due = t->due_ms;
    } else if (r->lane == 'a') {
        r->lane = 'w';
        r->due = ACCEPTED_MS;
    }
}

/* ---- comparing ---- */

/* Score of member <of><kind><id>, or -1. */
static int64_t score(fixture *f, uint8_t shard, const char *list, const gw_id *of, const char *kind,
                     const gw_id *id)
{
    char owner[GW_ID_TEXT] = "", text[GW_ID_TEXT];
    if (of)
        gw_id_format(of, owner);
    gw_id_format(id, text);
    redisReply *r =
        redisCommand(f->raw, "ZSCORE dl:{%02d}:%s %s%s%s", shard, list, owner, kind, text);
    assert_non_null(r);
    int64_t v = r->type == REDIS_REPLY_STRING ? strtoll(r->str, NULL, 10) : -1;
    freeReplyObject(r);
    return v;
}

static bool is_waiting(fixture *f, const model *m, const model_reminder *r)
{
    uint8_t mask[STATE_SHARDS] = {0};
    state_due_entry *due;
    size_t n, found = 0;
    mask[state_shard(&m->debtors[r->debtor].did)] = 1;
    assert_ok(f, state_due(f->s, mask, 'a', (gw_wall){0}, 100, f->arena, &due, &n, &f->err));
    for (size_t i = 0; i < n; i++)
        found += memcmp(&due[i].id, &r->rid, sizeof r->rid) == 0;
    assert_true(found <= 1);
    return found == 1;
}

static void compare_reminder(fixture *f, const model *m, const model_reminder *r)
{
    const gw_id *did = &m->debtors[r->debtor].did;
    uint8_t shard = state_shard(did);
    state_hash h = load_reminder(f, shard, &r->rid);
    assert_int_equal(h.version, r->version);
    const char *lane = r->version ? strchr(lanes, r->lane) : NULL;
    int64_t expected = lane ? (lane - lanes) * INT64_C(10000000000000) + r->due : -1;
    assert_int_equal(score(f, shard, "due", NULL, "r:", &r->rid), expected);
    bool final = r->version && strchr("DXRUQ", r->st);
    bool waits = r->lane == 'a';
    assert_int_equal(is_waiting(f, m, r), waits);
    assert_int_equal(score(f, shard, "p", did, "", &r->rid),
                     r->version && !final && !waits ? 0 : -1);
    assert_int_equal(score(f, shard, "f", did, "", &r->rid), final ? 0 : -1);
    for (const char *k = "HUQ"; *k; k++) {
        const char name[] = {'k', ':', *k, '\0'};
        assert_int_equal(score(f, shard, name, NULL, "", &r->rid),
                         r->version && r->st == *k ? 0 : -1);
    }
    if (r->version)
        assert_true(gw_str_eq(state_get(&h, "s"), (gw_str){&r->st, 1}));
}

static void compare(fixture *f, const model *m)
{
    uint64_t truth[128] = {0}, by_state[128], outbox;
    for (size_t i = 0; i < REMINDERS; i++) {
        compare_reminder(f, m, &m->reminders[i]);
        if (m->reminders[i].version)
            truth[(unsigned char)m->reminders[i].st]++;
    }
    for (size_t i = 0; i < DEBTORS; i++) {
        const model_debtor *o = &m->debtors[i];
        state_debtor d = load_debtor(f, &o->did);
        assert_int_equal(d.debtor.version, o->version);
        for (size_t k = 0; k < 2; k++) {
            gw_str v = state_get(&d.debtor, cap_names[k]);
            assert_int_equal(v.p ? strtoll(v.p, NULL, 10) : 0, o->cap[k]);
        }
        assert_int_equal(score(f, state_shard(&o->did), "due", NULL, "d:", &o->did), o->wake);
    }
    assert_ok(f, state_counts(f->s, by_state, &outbox, &f->err));
    assert_memory_equal(by_state, truth, sizeof truth);
    assert_int_equal(outbox, m->outbox);
    gw_arena_reset(f->arena);
}

static void random_transitions_always_leave_what_the_model_says(void **cm)
{
    fixture *f = *cm;
    const char *seed = getenv("DUNLIN_SEED");
    model m = {.random = seed ? strtoull(seed, NULL, 10) : (uint64_t)gw_mono_now().ms};
    print_message("DUNLIN_SEED=%llu\n", (unsigned long long)m.random);
    for (size_t i = 0; i < DEBTORS; i++)
        m.debtors[i] = (model_debtor){.did = id_in((uint8_t)(i % 3 * 20), i), .wake = -1};
    for (size_t i = 0; i < REMINDERS; i++)
        m.reminders[i] =
            (model_reminder){.rid = id_of(1000 + i), .debtor = i % DEBTORS, .lane = '-'};
    for (size_t i = 0; i < REMINDERS; i += 2) { /* every second one begins as an accepted job */
        state_job job = job_of(1000 + i, 0, "{}");
        job.did = m.debtors[i % DEBTORS].did;
        assert_int_equal(accept_one(f, job, ACCEPTED_MS, OUTBOX_MAX).code, STATE_ACCEPTED);
        m.reminders[i].version = 1;
        m.reminders[i].st = 'A';
        m.reminders[i].lane = 'a';
        m.outbox++;
    }
    gw_id owner = id_of(5000);
    assert_ok(f, state_lease(f->s, &owner, 600000, m.fence, &f->err));

    size_t verdicts[STATE_UNKNOWN] = {0};
    for (int b = 0; b < BATCHES; b++) {
        static draw draws[BATCH_MAX];
        state_txn txns[BATCH_MAX];
        state_verdict got[BATCH_MAX], expected[BATCH_MAX];
        size_t n = 1 + (size_t)roll(&m, BATCH_MAX);
        /* versions are drawn against the state the earlier ones of the batch will leave */
        for (size_t i = 0; i < n; i++) {
            draw_txn(&m, &draws[i]);
            expected[i] = judge(&m, &draws[i]);
            if (expected[i] == STATE_OK)
                follow(&m, &draws[i]);
            txns[i] = draws[i].t;
        }
        assert_ok(f, state_apply(f->s, txns, n, got, &f->err));
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(got[i], expected[i]);
            verdicts[got[i]]++;
        }
        compare(f, &m);
    }
    for (size_t v = 0; v < STATE_UNKNOWN; v++)
        assert_true(verdicts[v] > 0); /* a run that never meets a verdict tests little */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_transitions_always_leave_what_the_model_says,
                                        fixture_start, fixture_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
