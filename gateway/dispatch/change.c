#include "gateway/dispatch/change.h"

#include "gateway/dispatch/learn.h"
#include "gateway/dispatch/person.h"
#include "gateway/policy/count.h"
#include "gateway/wire/event.h"
#include "gateway/wire/worker.h"

#include <stdio.h>

enum { FACT_MAX = 16 * 1024, SETS_MAX = 24, GIVES_MAX = STATE_CAPS_MAX };

typedef struct {
    const change *c;
    const view_reminder *r;
    life_move move;
    gw_arena *arena;
    state_field *sets;
    size_t n;
    state_txn *txn;
    bool failed;
} builder;

char change_lane(gw_str channel)
{
    static const struct {
        const char *name;
        char lane;
    } lanes[] = {{"email", 'e'}, {"sms", 's'}, {"voice", 'v'}};
    for (size_t i = 0; i < GW_COUNT(lanes); i++)
        if (gw_str_is(channel, lanes[i].name))
            return lanes[i].lane;
    return 0;
}

static const char *field_at(const policy_cap *cap, int before, gw_arena *arena)
{
    char name[COUNT_NAME_TEXT];
    count_name(cap, before, name);
    return gw_arena_copy(arena, gw_str_of(name));
}

const char *change_cap_field(const policy_cap *cap, gw_arena *arena)
{
    return field_at(cap, 0, arena);
}

/* "p:<person>:" before the name of a person's counter. */
static void put_person(const gw_id *person, char *text, size_t *n)
{
    char id[GW_ID_TEXT];
    gw_id_format(person, id);
    *n += (size_t)snprintf(text + *n, GW_ID_TEXT + 4, "p:%s:", id);
}

gw_str change_cap_text(const policy_cap *caps, size_t n, const gw_id *person, gw_arena *arena)
{
    gw_str out = {NULL, 0};
    char *text = gw_arena_alloc(arena, n * (COUNT_NAME_TEXT + GW_ID_TEXT + 4) + 1);
    if (!text)
        return out;
    for (size_t i = 0; i < n; i++) {
        char name[COUNT_NAME_TEXT];
        bool of_person = caps[i].scope == POLICY_OF_PERSON;
        if (caps[i].check_only || (of_person && !person))
            continue;
        count_name(&caps[i], 0, name);
        if (out.n)
            text[out.n++] = ' ';
        if (of_person)
            put_person(person, text, &out.n);
        out.n += (size_t)snprintf(text + out.n, COUNT_NAME_TEXT, "%s", name);
    }
    out.p = text;
    return out;
}

static void set(builder *b, const char *name, gw_str value)
{
    b->sets[b->n++] = (state_field){gw_str_of(name), value};
}

static void set_text(builder *b, const char *name, gw_str value)
{
    char *copy = gw_arena_copy(b->arena, value);
    b->failed = b->failed || !copy;
    set(b, name, (gw_str){copy, copy ? value.n : 0});
}

static void set_int(builder *b, const char *name, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    set_text(b, name, (gw_str){text, (size_t)n});
}

/* ---- caps ---- */

/* The buckets a cap sums beside its own: those before it and, for one debt, all of the contacts
 * about no single debt, which are held against every debt. */
static void sum_with(builder *b, const policy_cap *cap, state_cap *to)
{
    bool both = cap->scope == POLICY_OF_DEBT && cap->debt.n > 0;
    policy_cap shared = *cap;
    shared.debt = (gw_str){NULL, 0};
    const char **with = gw_arena_alloc(b->arena, (2 * (size_t)cap->before + 2) * sizeof *with);
    b->failed = b->failed || !with;
    for (int k = 0; k <= cap->before && cap->max != INT64_MAX && !b->failed; k++) {
        if (k > 0)
            with[to->with_n++] = field_at(cap, k, b->arena);
        if (both)
            with[to->with_n++] = field_at(&shared, k, b->arena);
    }
    for (size_t i = 0; i < to->with_n; i++)
        b->failed = b->failed || !with[i];
    to->with = with;
}

/* What a contact that nobody announced is counted with: it happened, so no cap can refuse it. */
static void count_caps(builder *b)
{
    const change *c = b->c;
    state_cap *takes = gw_arena_alloc(b->arena, (c->cap_n + 1) * sizeof *takes);
    if (!takes) {
        b->failed = true;
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < c->cap_n; i++) {
        const char *field = change_cap_field(&c->caps[i], b->arena);
        b->failed = b->failed || !field;
        if (field && !c->caps[i].check_only && c->caps[i].scope != POLICY_OF_PERSON &&
            count_stays(gw_str_of(field), c->answered, c->effective))
            takes[n++] = (state_cap){.field = field, .max = INT64_MAX};
    }
    b->txn->takes = takes;
    b->txn->take_n = n;
    state_txn *person = gw_arena_alloc(b->arena, sizeof *person);
    bool failed = false;
    if (c->person && person &&
        person_count(c->person, c->caps, c->cap_n, c->answered, c->effective, b->arena, person,
                     &failed))
        b->txn->then = person;
    b->failed = b->failed || !person || failed;
}

/* A cap that only looks takes its counter and gives it back in the same transition: the store
 * checks all sums first, so nothing grows but what is meant to. */
static void take_caps(builder *b)
{
    const change *c = b->c;
    state_cap *takes = gw_arena_alloc(b->arena, (c->cap_n + 1) * sizeof *takes);
    const char **gives = gw_arena_alloc(b->arena, (c->cap_n + 1) * sizeof *gives);
    gw_str names = change_cap_text(c->caps, c->cap_n, c->person, b->arena);
    if (!takes || !gives || !names.p) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < c->cap_n; i++) {
        state_cap *to = &takes[b->txn->take_n];
        if (c->caps[i].scope == POLICY_OF_PERSON) /* another shard's: person.h */
            continue;
        to->field = change_cap_field(&c->caps[i], b->arena);
        to->max = c->caps[i].max;
        sum_with(b, &c->caps[i], to);
        b->failed = b->failed || !to->field;
        if (c->caps[i].check_only)
            gives[b->txn->give_n++] = to->field;
        b->txn->take_n++;
    }
    b->txn->takes = takes;
    b->txn->gives = gives;
    set(b, "cap", names);
}

/* What the person's counters get back is another shard's transition: it goes with this one. */
static void return_person(builder *b)
{
    const change *c = b->c;
    bool failed;
    state_txn *t = gw_arena_alloc(b->arena, sizeof *t);
    if (t && person_return(b->r->cap, c->call, c->answered, c->effective, b->arena, t, &failed))
        b->txn->then = t;
    b->failed = b->failed || !t || failed;
}

/* All of them, or those that the outcome of a call did not make true. */
static void give_caps(builder *b)
{
    char *names = gw_arena_copy(b->arena, b->r->cap);
    const char **gives = gw_arena_alloc(b->arena, GIVES_MAX * sizeof *gives);
    if (!names || !gives) {
        b->failed = true;
        return;
    }
    size_t n = 0;
    for (char *save = NULL, *p = strtok_r(names, " ", &save); p && n < GIVES_MAX;
         p = strtok_r(NULL, " ", &save))
        if (p[0] == 'c' &&
            (!b->c->call || !count_stays(gw_str_of(p), b->c->answered, b->c->effective)))
            gives[n++] = p;
    return_person(b);
    b->txn->gives = gives;
    b->txn->give_n = n;
    set(b, "cap", GW_STR(""));
    if ((b->move.effects & DO_GIVE_CAP) && b->r->state == LIFE_SENDING && !b->c->call &&
        b->r->cap.n)
        set(b, "cg", b->r->cap);
}

/* What an attempt had given back, and was a contact after all, once more and only once. */
static void take_again(builder *b)
{
    char *names = gw_arena_copy(b->arena, b->r->given);
    state_cap *takes = gw_arena_alloc(b->arena, STATE_CAPS_MAX * sizeof *takes);
    state_txn *person = gw_arena_alloc(b->arena, sizeof *person);
    bool failed = !names || !takes || !person;
    size_t n = 0;
    if (failed || !b->r->given.n) {
        b->failed = b->failed || failed;
        return;
    }
    for (char *save = NULL, *p = strtok_r(names, " ", &save); p && n < STATE_CAPS_MAX;
         p = strtok_r(NULL, " ", &save))
        if (p[0] == 'c')
            takes[n++] = (state_cap){.field = p, .max = INT64_MAX};
    *person = b->txn->then ? *b->txn->then : (state_txn){.did = NULL};
    if (person_retake(b->r->given, b->arena, person, &failed))
        b->txn->then = person;
    b->failed = b->failed || failed;
    b->txn->takes = takes;
    b->txn->take_n = n;
    set(b, "cap", b->r->given);
    set(b, "cg", GW_STR(""));
}

/* ---- fields ---- */

static void set_fields(builder *b)
{
    const change *c = b->c;
    const view_reminder *r = b->r;
    unsigned fx = b->move.effects;
    char letter = (char)b->move.then;
    if (letter != r->state)
        set_text(b, "s", (gw_str){&letter, 1});
    if (letter != r->state || fx != DO_RECOUNT) { /* else it ended as it did before */
        set(b, "why", gw_str_of(c->why ? c->why : ""));
        if (life_is_final(b->move.then))
            set_int(b, "end", c->now.ms);
    }
    if (fx & DO_ATTEMPT) {
        set_int(b, "n", r->attempts + 1);
        if (!view_is_task(r)) {
            set_int(b, "st", r->starts + 1);
            set(b, "tok", c->tok);
        }
    }
    if (c->outcome && r->starts)
        set(b, "st", GW_STR("0"));
    if (c->spent_try)
        set_int(b, "ft", r->failed + 1);
    if (fx & DO_FRESH) {
        set(b, "st", GW_STR("0"));
        set(b, "ft", GW_STR("0"));
    }
    if (c->out.n)
        set(b, "out", c->out);
    if (fx & DO_TAKE_CAP)
        take_caps(b);
    if (fx & DO_COUNT_CAP)
        count_caps(b);
    if (fx & (DO_GIVE_CAP | DO_SETTLE_CAP) || c->call)
        give_caps(b);
    if (fx & DO_RECOUNT)
        take_again(b);
    if (fx & DO_HAND) {
        set(b, "tok", c->tok);
        set(b, "ag", c->agent);
    }
    if (fx & DO_OPEN)
        set_int(b, "rk", c->rank);
    if (c->desk.n)
        set(b, "dk", c->desk);
    bool pinned = b->move.then == LIFE_PLANNED || b->move.then == LIFE_CLAIMED;
    if (c->decided && pinned && r->template_version.n == 0) {
        set_text(b, "tv", gw_str_of(c->decided->template.version));
        set_text(b, "tl", gw_str_of(c->decided->template.locale));
    }
}

static void set_place(builder *b)
{
    unsigned fx = b->move.effects;
    state_txn *t = b->txn;
    if (fx & DO_SCHEDULE) {
        t->lane = view_is_task(b->r) ? CHANGE_LANE_DESK : change_lane(b->r->channel);
        t->lane = t->lane ? t->lane : 'w';
        t->due_ms = b->c->due_ms;
    } else if (fx & (DO_OPEN | DO_TIMER)) {
        t->lane = CHANGE_LANE_DESK;
        t->ranked = fx & DO_OPEN;
        t->rank = b->c->rank;
        t->due_ms = b->c->due_ms;
    } else if (fx & DO_PARK) {
        t->lane = 'w';
        t->due_ms = b->c->due_ms;
    } else if (fx & DO_UNSCHEDULE) {
        t->lane = '-';
    } else if (fx & DO_WATCH) {
        t->lane = CHANGE_LANE_FLIGHT;
        t->due_ms = b->c->now.ms;
    }
}

static void set_plan(builder *b)
{
    gw_buf text;
    if (!b->c->decided)
        return;
    gw_buf_init(&text, FACT_MAX);
    decision_summary(b->c->decided, &text);
    if (text.code != GW_OK)
        b->failed = true;
    else
        set_text(b, "plan", gw_buf_str(&text));
    gw_buf_done(&text);
}

/* A call waits with its debtor until it is learned. */
static void note_call(builder *b)
{
    const change *c = b->c;
    state_field *field = gw_arena_alloc(b->arena, sizeof *field);
    int attempt = c->attempt ? c->attempt : b->r->attempts + !!(b->move.effects & DO_ATTEMPT);
    if (!c->heard || !c->did)
        return;
    if (!field || learn_call(&b->r->rid, attempt, c->now, c->heard, b->arena, field) != GW_OK) {
        b->failed = true;
        return;
    }
    b->txn->debtor_sets = field;
    b->txn->debtor_n = 1;
    b->txn->wake_debtor = true;
    b->txn->wake_at = c->now;
}

/* ---- records ---- */

static void put_decision(gw_buf *f, const change *c, life_event on, bool full)
{
    const decision *d = c->decided;
    bool planned = on == ON_PLAN || on == ON_CLAIM;
    char inputs[33];
    if (d->rule[0])
        json_put_member_str(f, "rule", gw_str_of(d->rule));
    if (planned)
        json_put_member_int(f, "due_ms", c->due_ms);
    if (d->next_ms && (on == ON_HOLD || full))
        json_put_member_int(f, "next_ms", d->next_ms);
    json_put_member_str(f, "packs", gw_str_of(d->policy.pack_hash));
    decision_inputs_hash(d, inputs);
    json_put_member_str(f, "inputs", gw_str_of(inputs));
    if (planned && d->chooser) {
        json_put_member_str(f, "hour_by", gw_str_of(d->chooser));
        json_put_member_int(f, "propensity_ppm", d->propensity_ppm);
    }
    if (planned && d->template.version[0]) {
        json_put_member_str(f, "template_version", gw_str_of(d->template.version));
        json_put_member_str(f, "template_locale", gw_str_of(d->template.locale));
    }
}

static void put_cap_name(gw_buf *f, const gw_id *person, const char *field)
{
    char id[GW_ID_TEXT];
    bool first = f->n && f->data[f->n - 1] == '"';
    gw_buf_puts(f, first ? "" : " ");
    if (person) {
        gw_id_format(person, id);
        gw_buf_printf(f, "p:%s:", id);
    }
    gw_buf_puts(f, field);
}

/* Counters that the transition, and the one that goes with it to a person, take or give back. */
static void put_cap_names(gw_buf *f, const char *member, const state_txn *t, bool gives)
{
    const state_txn *p = t->then;
    size_t n = (gives ? t->give_n : t->take_n) + (!p ? 0 : gives ? p->give_n : p->take_n);
    if (n == 0)
        return;
    json_put_name(f, member);
    gw_buf_putc(f, '"');
    for (const state_txn *x = t; x; x = x == t ? p : NULL)
        for (size_t i = 0; i < (gives ? x->give_n : x->take_n); i++)
            put_cap_name(f, x == t ? NULL : x->did, gives ? x->gives[i] : x->takes[i].field);
    gw_buf_putc(f, '"');
}

/* What rebuild.c needs to count contacts again. A claim may still be taken back without a record:
 * its counters are told by the intent. */
static void put_caps(builder *b, gw_buf *f, life_event on)
{
    const change *c = b->c;
    unsigned fx = b->move.effects;
    char from = b->r->state;
    gw_str names = {NULL, 0};
    if (on == ON_CLAIM)
        return;
    if (on == ON_INTENT)
        names = b->r->cap;
    else if (fx & DO_TAKE_CAP)
        names = change_cap_text(c->caps, c->cap_n, c->person, b->arena);
    else if (fx & (DO_COUNT_CAP | DO_RECOUNT))
        put_cap_names(f, "caps", b->txn, false);
    if (names.n)
        json_put_member_str(f, "caps", names);
    if (from == LIFE_SENDING || from == LIFE_TALKING || from == LIFE_UNKNOWN)
        put_cap_names(f, "caps_given", b->txn, true);
}

static gw_str record_fact(builder *b, life_event on, bool rejection)
{
    const change *c = b->c;
    gw_buf f;
    gw_buf_init(&f, FACT_MAX);
    gw_buf_putc(&f, '{');
    if (b->r->channel.n)
        json_put_member_str(&f, "channel", b->r->channel);
    if (b->r->template.n)
        json_put_member_str(&f, "template", b->r->template);
    json_put_member_str(&f, "state", gw_str_of(life_state_name(b->move.then)));
    if (c->decided)
        put_decision(&f, c, on, rejection);
    else if (b->move.effects & (DO_SCHEDULE | DO_OPEN | DO_TIMER))
        json_put_member_int(&f, "due_ms", c->due_ms);
    put_caps(b, &f, on);
    if (c->spent_try)
        json_put_member_int(&f, "failed", b->r->failed + 1);
    if (c->fact.n && !rejection) {
        gw_buf_putc(&f, ',');
        gw_buf_put_str(&f, c->fact);
    }
    gw_buf_putc(&f, '}');
    char *text = f.code == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&f)) : NULL;
    gw_str out = {text, text ? f.n : 0};
    b->failed = b->failed || !text;
    gw_buf_done(&f);
    return out;
}

static state_record *add_record(builder *b, const char *event)
{
    state_record *list = (state_record *)(uintptr_t)b->txn->records;
    char rid[GW_ID_TEXT];
    gw_id_format(&b->r->rid, rid);
    char *rid_text = gw_arena_copy(b->arena, gw_str_of(rid));
    state_record *rec = &list[b->txn->record_n++];
    *rec = (state_record){
        .event = event,
        .t = b->c->now,
        .source = b->r->source,
        .debtor = b->r->debtor,
        .case_id = b->r->case_id.n ? b->r->case_id : b->r->job,
        .rid = {rid_text, rid_text ? GW_ID_TEXT - 1 : 0},
        .attempt =
            b->c->attempt ? b->c->attempt : b->r->attempts + (b->move.effects & DO_ATTEMPT ? 1 : 0),
        .why = gw_str_of(b->c->why ? b->c->why : ""),
        .priv = b->c->priv,
        .blobs = b->c->blobs,
    };
    b->failed = b->failed || !rid_text;
    return rec;
}

/* The explanation of a learned hour holds the hours of a person's answers: only committed to. */
static gw_str timing_priv(builder *b)
{
    gw_buf p;
    gw_buf_init(&p, FACT_MAX);
    gw_buf_putc(&p, '{');
    json_put_member_raw(&p, "timing", b->c->decided->timing);
    gw_buf_putc(&p, '}');
    char *text = p.code == GW_OK ? gw_arena_copy(b->arena, gw_buf_str(&p)) : NULL;
    gw_str out = {text, text ? p.n : 0};
    b->failed = b->failed || !text;
    gw_buf_done(&p);
    return out;
}

static void add_records(builder *b, life_event on)
{
    if (b->c->blocked && on == ON_PLAN) {
        state_record *rec = add_record(b, EVENT_REJECTED);
        rec->fact = record_fact(b, on, true);
        rec->priv = rec->blobs = (gw_str){NULL, 0};
    }
    if (!b->move.record || b->c->quiet)
        return;
    const char *event = b->move.record;
    bool relayed = strcmp(event, EVENT_RELAYED) == 0;
    bool local = relayed && b->c->why && strcmp(b->c->why, WIRE_WHY_OUTBOX) == 0;
    state_record *rec = add_record(b, local ? EVENT_OUTBOX : event);
    rec->fact = record_fact(b, on, on == ON_HOLD || on == ON_FORBID);
    if (on == ON_PLAN && b->c->decided && b->c->decided->chooser && !b->c->priv.n)
        rec->priv = timing_priv(b);
    if ((relayed && !local) || strcmp(event, EVENT_RELAY_FAILED) == 0)
        rec->level = 1;
}

/* An event nobody foresaw: the state stays, the record says what came when. */
static void unexpected(builder *b, life_event on)
{
    state_record *rec = add_record(b, EVENT_OPERATOR);
    gw_buf f;
    gw_buf_init(&f, FACT_MAX);
    gw_buf_putc(&f, '{');
    json_put_member_str(&f, "event", gw_str_of(life_event_name(on)));
    json_put_member_str(&f, "state", gw_str_of(life_state_name((life_state)b->r->state)));
    gw_buf_putc(&f, '}');
    char *text = gw_arena_copy(b->arena, gw_buf_str(&f));
    b->failed = b->failed || !text;
    rec->why = GW_STR("unexpected-event");
    rec->fact = (gw_str){text, text ? f.n : 0};
    gw_buf_done(&f);
}

gw_code change_build(const change *c, const view_reminder *r, life_event on, gw_arena *arena,
                     state_txn *ret_txn, life_move *ret_move, bool *ret_moved, gw_err *err)
{
    state_txn txn = {
        .shard = c->shard, .fence = c->fence, .did = c->did, .debtor_version = -1, .version = -1};
    builder b = {.c = c, .r = r, .arena = arena, .txn = &txn};
    b.sets = gw_arena_alloc(arena, SETS_MAX * sizeof *b.sets);
    txn.records = gw_arena_alloc(arena, 3 * sizeof *txn.records);
    gw_id *rid = gw_arena_alloc(arena, sizeof *rid);
    if (!b.sets || !txn.records || !rid)
        return gw_fail(err, GW_ENOMEM, "building a transition");

    bool moved = life_step((life_state)r->state, on, &b.move);
    if (!moved) {
        b.move = (life_move){(life_state)r->state, DO_NOTE, NULL};
        unexpected(&b, on);
        txn.did = NULL;
    } else if (!(b.move.effects & DO_REPEAT)) {
        *rid = r->rid;
        if (!(b.move.effects & DO_NOTE)) {
            txn.rid = rid;
            txn.version = r->version;
            txn.debtor_version = c->debtor_version;
            set_fields(&b);
            set_place(&b);
            set_plan(&b);
            note_call(&b);
            txn.sets = b.sets;
            txn.n = b.n;
        } else {
            txn.did = NULL;
        }
        add_records(&b, on);
    }
    if (b.failed)
        return gw_fail(err, GW_ENOMEM, "building a transition");
    *ret_txn = txn;
    *ret_move = b.move;
    *ret_moved = moved;
    return GW_OK;
}

gw_code change_window(int64_t from_ms, const view_reminder *r, gw_arena *arena, state_txn *txn,
                      gw_err *err)
{
    int64_t last = r->not_after_ms;
    if (last && last < from_ms + GW_MS_PER_DAY)
        last = from_ms + GW_MS_PER_DAY;
    const int64_t times[] = {from_ms, last};
    static const char *const names[] = {"nb", "na"};
    state_field *sets = gw_arena_alloc(arena, (txn->n + GW_COUNT(times)) * sizeof *sets);
    if (!sets)
        return gw_fail(err, GW_ENOMEM, "moving a reminder");
    memcpy(sets, txn->sets, txn->n * sizeof *sets);
    for (size_t i = 0; i < GW_COUNT(times); i++) {
        char text[24];
        int n = snprintf(text, sizeof text, "%lld", (long long)times[i]);
        char *kept = gw_arena_copy(arena, (gw_str){text, (size_t)n});
        if (!kept)
            return gw_fail(err, GW_ENOMEM, "moving a reminder");
        if (times[i])
            sets[txn->n++] = (state_field){gw_str_of(names[i]), {kept, (size_t)n}};
    }
    txn->sets = sets;
    return GW_OK;
}
