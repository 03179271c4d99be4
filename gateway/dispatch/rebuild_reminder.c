#include "gateway/base/time.h"
#include "gateway/dispatch/change.h"
#include "gateway/dispatch/desk.h"
#include "gateway/dispatch/life.h"
#include "gateway/dispatch/load.h"
#include "gateway/dispatch/rebuild_part.h"
#include "gateway/evidence/stray.h"
#include "gateway/state/mark.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { SETS_MAX = 28, FIRST_SLOTS = 1024 };

/* ---- the table ---- */

static size_t slot_of(const gw_id *rid, size_t cap)
{
    size_t h;
    memcpy(&h, rid->b, sizeof h);
    return h & (cap - 1);
}

rebuilt *rebuild_find(rebuild *b, const gw_id *rid)
{
    if (!b->reminder_cap)
        return NULL;
    size_t at = slot_of(rid, b->reminder_cap);
    while (b->reminders[at].state) {
        if (memcmp(b->reminders[at].rid.b, rid->b, sizeof rid->b) == 0)
            return &b->reminders[at];
        at = (at + 1) & (b->reminder_cap - 1);
    }
    return NULL;
}

static void put(rebuilt *list, size_t cap, const rebuilt *r)
{
    size_t at = slot_of(&r->rid, cap);
    while (list[at].state)
        at = (at + 1) & (cap - 1);
    list[at] = *r;
}

static gw_code grow(rebuild *b)
{
    size_t cap = b->reminder_cap ? 2 * b->reminder_cap : FIRST_SLOTS;
    rebuilt *list = calloc(cap, sizeof *list);
    if (!list)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    for (size_t i = 0; i < b->reminder_cap; i++)
        if (b->reminders[i].state)
            put(list, cap, &b->reminders[i]);
    free(b->reminders);
    b->reminders = list;
    b->reminder_cap = cap;
    return GW_OK;
}

/* ---- building a transition ---- */

typedef struct {
    rebuild *b;
    entry *e;
    state_field *sets;
    size_t n;
    bool failed;
} builder;

static void set(builder *x, const char *name, gw_str value)
{
    if (value.n)
        x->sets[x->n++] = (state_field){gw_str_of(name), value};
}

static void set_int(builder *x, const char *name, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    char *copy = gw_arena_copy(x->b->arena, (gw_str){text, (size_t)n});
    x->failed = x->failed || !copy;
    set(x, name, (gw_str){copy, copy ? (size_t)n : 0});
}

static gw_str fact(const entry *e, const char *name)
{
    return e->v.fact ? json_get_str(&e->v.doc, e->v.fact, name) : (gw_str){NULL, 0};
}

/* The state a record tells, or 0. What was planned or claimed begins again as accepted, so that it
 * is decided about anew. */
static char state_told(rebuild *b, const entry *e)
{
    gw_str name = fact(e, "state");
    char *z = name.n ? gw_arena_copy(b->arena, name) : NULL;
    char letter = z ? life_state_named(z) : 0;
    if (gw_str_is(e->v.event, EVENT_ACCEPTED))
        return LIFE_ACCEPTED;
    static const char again[] = {LIFE_PLANNED, LIFE_HELD, LIFE_CLAIMED, LIFE_OPEN, LIFE_LEASED};
    for (size_t i = 0; i < sizeof again; i++)
        if (letter == again[i])
            return LIFE_ACCEPTED;
    return letter;
}

/* Names of counters, separated by blanks, as change.c writes them: the debtor's own, and those of
 * the person it is as "p:<person>:<name>". */
typedef struct {
    const char *own[STATE_CAPS_MAX], *persons[STATE_CAPS_MAX];
    size_t own_n, person_n;
    gw_id *person;
} counters;

static bool split(rebuild *b, gw_str names, counters *ret)
{
    enum { PREFIX = 2 + GW_ID_TEXT - 1 + 1 }; /* "p:", the id, ":" */
    char *save = NULL;
    char *copy = gw_arena_copy(b->arena, names.n ? names : GW_STR(""));
    *ret = (counters){.person = gw_arena_alloc(b->arena, sizeof(gw_id))};
    if (!copy || !ret->person)
        return false;
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        bool of_person = p[0] == 'p' && strlen(p) > PREFIX;
        if (ret->own_n == STATE_CAPS_MAX || ret->person_n == STATE_CAPS_MAX)
            return false;
        if (!of_person)
            ret->own[ret->own_n++] = p;
        else if (gw_id_parse((gw_str){p + 2, GW_ID_TEXT - 1}, ret->person, NULL) == GW_OK)
            ret->persons[ret->person_n++] = p + PREFIX;
        else
            return false;
    }
    return true;
}

static bool take_all(rebuild *b, const char *const *names, size_t n, state_txn *t)
{
    state_cap *takes = gw_arena_alloc(b->arena, (n + 1) * sizeof *takes);
    for (size_t i = 0; takes && i < n; i++)
        takes[i] = (state_cap){.field = names[i], .max = INT64_MAX};
    t->takes = takes;
    t->take_n = n;
    return takes != NULL;
}

static bool give_all(rebuild *b, const char *const *names, size_t n, state_txn *t)
{
    const char **gives = gw_arena_alloc(b->arena, (n + 1) * sizeof *gives);
    if (gives && n)
        memcpy(gives, names, n * sizeof *gives);
    t->gives = gives;
    t->give_n = n;
    return gives != NULL;
}

/* The debtor's counters in t, the person's in a transition of its own behind it. */
static void count_contacts(builder *x, state_txn *t, state_txn *ret_person)
{
    rebuild *b = x->b;
    counters taken, given;
    *ret_person = (state_txn){.debtor_version = -1, .version = -1};
    bool good = split(b, fact(x->e, "caps"), &taken) && split(b, fact(x->e, "caps_given"), &given);
    if (!good) {
        x->failed = true;
        return;
    }
    ret_person->did = taken.person_n ? taken.person : given.person;
    ret_person->shard = state_shard(ret_person->did);
    good = take_all(b, taken.own, taken.own_n, t) && give_all(b, given.own, given.own_n, t) &&
           take_all(b, taken.persons, taken.person_n, ret_person) &&
           give_all(b, given.persons, given.person_n, ret_person);
    x->failed = x->failed || !good;
}

static void set_place(state_txn *t, char letter, int64_t at_ms)
{
    t->lane = letter == LIFE_SENDING ? CHANGE_LANE_FLIGHT : letter == LIFE_ACCEPTED ? 'w' : '-';
    t->due_ms = at_ms;
}

/* The caps it holds, and those it gave back (change.c): empty is a value. */
static void set_caps(builder *x)
{
    gw_str given = fact(x->e, "caps_given");
    gw_str taken = fact(x->e, "caps");
    bool call =
        fact(x->e, "outcome").n && (fact(x->e, "amd").n || gw_str_is(x->e->v.event, EVENT_CALL));
    if (call || (given.n && !taken.n)) {
        x->sets[x->n++] = (state_field){GW_STR("cap"), GW_STR("")};
        set(x, "cg", call ? (gw_str){NULL, 0} : given);
        return;
    }
    if (given.n)
        set(x, "cg", given);
    set(x, "cap", taken);
}

static void set_moment(builder *x, const char *name, gw_str text)
{
    gw_wall t;
    if (text.n && gw_time_parse(text, &t, NULL) == GW_OK)
        set_int(x, name, t.ms);
}

/* The moment the debtor asked for; and where it just was not reached, not before it would have been
 * called again. */
static void set_call_back(builder *x)
{
    int64_t due = x->e->v.fact ? json_get_int(&x->e->v.doc, x->e->v.fact, "due_ms", 0) : 0;
    bool call = gw_str_is(x->e->v.event, EVENT_CALL) || gw_str_is(fact(x->e, "pressed"), "later");
    if (call && fact(x->e, "call_back").n)
        set_moment(x, "nb", fact(x->e, "call_back"));
    else if (call && due && gw_str_is(fact(x->e, "state"), "planned"))
        set_int(x, "nb", due);
    set_moment(x, "na", fact(x->e, "not_after"));
}

/* What the call desk remembers of a task. */
static gw_code set_desk(builder *x)
{
    gw_str memory;
    if (!gw_str_is(x->e->v.event, EVENT_CALL))
        return GW_OK;
    gw_code rc = rebuild_private(x->b, x->e, "desk", &memory);
    if (rc == GW_OK)
        set(x, "dk", memory);
    return rc;
}

static void set_moved(builder *x, char letter, const rebuilt *known)
{
    entry *e = x->e;
    int64_t failed = e->v.fact ? json_get_int(&e->v.doc, e->v.fact, "failed", 0) : 0;
    /* Something was noted about one that had ended: it ended as it did. */
    bool noted = known && known->state == letter && life_is_final((life_state)letter);
    char *s = gw_arena_copy(x->b->arena, (gw_str){&letter, 1});
    x->failed = x->failed || !s;
    set(x, "s", (gw_str){s, s ? 1 : 0});
    if (!noted)
        set(x, "why", e->v.why);
    if (!noted && life_is_final((life_state)letter))
        set_int(x, "end", e->v.t.ms);
    if (failed)
        set_int(x, "ft", failed);
    if (gw_str_is(e->v.event, EVENT_OPERATOR) && gw_str_is(e->v.why, "retry"))
        set(x, "ft", GW_STR("0"));
    if (e->v.attempt > 0)
        set_int(x, "n", e->v.attempt);
    if (fact(e, "template_locale").n) {
        set(x, "tv", fact(e, "template_version"));
        set(x, "tl", fact(e, "template_locale"));
    }
    set_caps(x);
}

/* ---- creating and moving ---- */

/* As dispatch does when an agent goes silent (desk_run.c), or has promised a statement (wake.c). */
static gw_code list_mark(rebuild *b, char kind, uint8_t shard, gw_str rid)
{
    static const gw_id all;
    const state_mark mark = {shard, kind, all, rid};
    return state_mark_add(b->store, &mark, 1, b->err);
}

static gw_code create(builder *x, state_txn *t, rebuilt *ret)
{
    rebuild *b = x->b;
    entry *e = x->e;
    gw_str body;
    json_doc *doc = gw_arena_alloc(b->arena, sizeof *doc);
    gw_code rc = doc ? rebuild_body(b, e, &body) : gw_fail(b->err, GW_ENOMEM, "rebuilding");
    if (rc != GW_OK)
        return rc;
    if (!body.n)
        return rebuild_fault(
            b, e, GW_ECORRUPT,
            "a reminder begins without its submission (an older version wrote it)");
    rc = json_parse(body, b->arena, doc, b->err);
    if (rc != GW_OK)
        return rebuild_fault(b, e, GW_ECORRUPT, "the submission cannot be read");
    if (json_member(doc, 0, "deadline"))
        rc = list_mark(b, DESK_STATEMENT_MARK, state_shard(t->did), e->v.rid);
    if (rc != GW_OK)
        return rc;
    bool step = json_member(doc, 0, "ladder") != 0;
    set(x, "k", step ? GW_STR("l") : GW_STR("j"));
    if (!step) /* the id of a step follows from its item's */
        b->uses[b->use_n++] = (state_use){*t->rid, *t->did};
    set(x, "src", e->source);
    set(x, "deb", e->debtor);
    set(x, "cas", e->case_id);
    set(x, "job", json_get_str(doc, 0, "id"));
    set(x, "ch", json_get_str(doc, 0, "channel"));
    set(x, "b", body);
    set_int(x, "at", e->v.t.ms);
    t->version = 0;
    *ret = (rebuilt){.kase = e->kase, .shard = state_shard(t->did)};
    b->ret->reminders++;
    return GW_OK;
}

static void note_due(rebuilt *r, const entry *e)
{
    int64_t due = e->v.fact ? json_get_int(&e->v.doc, e->v.fact, "due_ms", 0) : 0;
    bool held = gw_str_is(fact(e, "state"), "held");
    r->due_ms = held ? INT64_MAX : due ? due : e->v.t.ms;
}

gw_code rebuild_move(rebuild *b, entry *e)
{
    gw_id *ids = gw_arena_alloc(b->arena, 2 * sizeof *ids); /* rid, did */
    state_field *sets = gw_arena_alloc(b->arena, SETS_MAX * sizeof *sets);
    builder x = {.b = b, .e = e, .sets = sets};
    char letter = state_told(b, e);
    if (!ids || !sets)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    if (!letter)
        return GW_OK; /* an act that moves nothing */
    gw_code rc = gw_id_parse(e->v.rid, &ids[0], b->err);
    if (rc != GW_OK)
        return rc;
    load_debtor_id(b->o->id_key, e->source, e->debtor, &ids[1]);
    rebuilt *known = rebuild_find(b, &ids[0]);
    rebuilt fresh;
    state_txn *t = &b->txns[b->txn_n];
    *t = (state_txn){.shard = state_shard(&ids[1]),
                     .did = &ids[1],
                     .debtor_version = -1,
                     .rid = &ids[0],
                     .version = -1,
                     .sets = sets};
    if (!known) {
        rc = 2 * (b->reminder_n + 1) > b->reminder_cap ? grow(b) : GW_OK;
        if (rc == GW_OK)
            rc = create(&x, t, &fresh);
        if (rc != GW_OK)
            return rc;
        fresh.rid = ids[0];
    }
    /* A call an agent had begun: nobody may begin it again. rebuild_doubts records it. */
    char stored = letter == LIFE_TALKING ? LIFE_UNKNOWN : letter;
    if (letter == LIFE_TALKING && (rc = list_mark(b, DESK_MARK, t->shard, e->v.rid)) != GW_OK)
        return rc;
    set_moved(&x, stored, known);
    set_call_back(&x);
    if ((rc = set_desk(&x)) != GW_OK)
        return rc;
    set_place(t, stored, e->v.t.ms);
    state_txn person;
    count_contacts(&x, t, &person);
    if (x.failed)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    t->n = x.n;
    b->txn_n++;
    if (person.take_n + person.give_n)
        b->txns[b->txn_n++] = person;
    rebuilt *r = known ? known : &fresh;
    r->state = letter;
    note_due(r, e);
    if (!known) {
        put(b->reminders, b->reminder_cap, &fresh);
        b->reminder_n++;
    }
    rc = rebuild_provider(b, e, r);
    return rc == GW_OK ? rebuild_talk(b, e) : rc;
}

/* ---- what may have been sent without an entry ---- */

static bool is_named(void *ctx, const gw_id *content)
{
    const rebuild *b = ctx;
    if (!b->content_cap)
        return false;
    size_t at = slot_of(content, b->content_cap);
    static const gw_id none = {{0}};
    while (memcmp(b->contents[at].b, none.b, sizeof none.b) != 0) {
        if (memcmp(b->contents[at].b, content->b, sizeof content->b) == 0)
            return true;
        at = (at + 1) & (b->content_cap - 1);
    }
    return false;
}

static gw_code make_unknown(rebuild *b, const rebuilt *r)
{
    gw_arena *a = b->arena;
    gw_id *rid = gw_arena_alloc(a, sizeof *rid);
    state_field *sets = gw_arena_alloc(a, 3 * sizeof *sets);
    state_record *rec = gw_arena_alloc(a, sizeof *rec);
    char *text = gw_arena_alloc(a, GW_ID_TEXT);
    char *end = gw_arena_alloc(a, 24);
    char kase[GW_ID_TEXT];
    gw_str source, debtor, case_id;
    if (!rid || !sets || !rec || !text || !end)
        return gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    gw_id_format(&r->kase, kase);
    gw_code rc = reader_who(b->reader, gw_str_of(kase), a, &source, &debtor, &case_id, b->err);
    if (rc != GW_OK)
        return rc;
    *rid = r->rid;
    gw_id_format(rid, text);
    int n = snprintf(end, 24, "%lld", (long long)b->o->now.ms);
    sets[0] = (state_field){GW_STR("s"), GW_STR("U")};
    sets[1] = (state_field){GW_STR("why"), GW_STR("rebuild-gap")};
    sets[2] = (state_field){GW_STR("end"), {end, (size_t)n}};
    *rec = (state_record){.event = EVENT_ATTEMPT_UNKNOWN,
                          .t = b->o->now,
                          .source = source,
                          .debtor = debtor,
                          .case_id = case_id,
                          .rid = {text, GW_ID_TEXT - 1},
                          .why = GW_STR("rebuild-gap"),
                          .fact = GW_STR("{\"state\":\"unknown\"}")};
    b->txns[b->txn_n++] = (state_txn){.shard = r->shard,
                                      .debtor_version = -1,
                                      .rid = rid,
                                      .version = -1,
                                      .sets = sets,
                                      .n = 3,
                                      .lane = '-',
                                      .records = rec,
                                      .record_n = 1};
    b->ret->unsure++;
    return b->txn_n == REBUILD_CHUNK ? rebuild_flush(b) : GW_OK;
}

/* Those that could have been claimed between the last entry and the loss. */
static bool is_doubtful(const rebuild *b, const rebuilt *r)
{
    return r->state == LIFE_ACCEPTED && r->due_ms <= b->o->now.ms;
}

gw_code rebuild_doubts(rebuild *b)
{
    size_t n = 0;
    gw_id *cases = calloc(b->reminder_n + 1, sizeof *cases);
    rebuilt **of = calloc(b->reminder_n + 1, sizeof(rebuilt *));
    bool *hit = calloc(b->reminder_n + 1, sizeof *hit);
    gw_code rc =
        cases && of && hit ? GW_OK : gw_fail(b->err, GW_ENOMEM, "rebuilding: out of memory");
    for (size_t i = 0; i < b->reminder_cap && rc == GW_OK; i++) {
        rebuilt *r = &b->reminders[i];
        b->ret->in_flight += r->state == LIFE_SENDING;
        if (r->state == LIFE_TALKING)
            rc = make_unknown(b, r);
        if (!r->state || !is_doubtful(b, r))
            continue;
        cases[n] = r->kase;
        of[n++] = r;
    }
    const stray_order o = {.role = "message",
                           .first_segment = gw_str_of(b->last_segment),
                           .is_named = is_named,
                           .ctx = b,
                           .cases = cases,
                           .case_n = n,
                           .ret_hit = hit};
    if (rc == GW_OK)
        rc = stray_find(b->reader, &o, &b->ret->strays, b->err);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        for (size_t k = 0; k < n && rc == GW_OK && hit[i]; k++)
            if (memcmp(cases[k].b, cases[i].b, sizeof cases[i].b) == 0 && of[k]) {
                rc = make_unknown(b, of[k]);
                of[k] = NULL;
            }
    free(cases);
    free(of);
    free(hit);
    return rc == GW_OK ? rebuild_flush(b) : rc;
}
