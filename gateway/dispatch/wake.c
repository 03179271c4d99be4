/* wake.c - a debtor changed (payment, promise, hold, consent, contacts, items): every open reminder
 * is decided again, ladder steps that are missing are created, broken promises are marked.
 *
 * All of it is checked against the debtor's version that was read. If the debtor moves meanwhile
 * the entry in lane w stays and the work is done again. */
#include "gateway/dispatch/core.h"
#include "gateway/dispatch/desk.h"
#include "gateway/dispatch/learn.h"
#include "gateway/dispatch/person.h"
#include "gateway/dispatch/steps.h"

#include "gateway/base/log.h"
#include "gateway/state/mark.h"
#include "gateway/wire/event.h"

#include <stdio.h>

enum { TXNS_MAX = 4096, TXNS_ROOM = TXNS_MAX + 64 };

typedef struct {
    dispatch *d;
    const view_debtor *debtor;
    const zone *zone;
    decide_context ctx;
    gw_wall now;
    loaded *known; /* every reminder of the debtor */
    size_t known_n;
    state_txn *txns;
    size_t n;
    int64_t next_ms; /* when to look again by itself, INT64_MAX never */
    gw_err err;
} waking;

static void look_again(waking *w, int64_t at)
{
    if (at > w->now.ms && at < w->next_ms)
        w->next_ms = at;
}

/* ---- promises ---- */

static gw_str broken_body(const view_promise *p, gw_arena *arena)
{
    json_doc j;
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, STATE_VALUE_MAX);
    if (json_parse(p->body, arena, &j, NULL) != GW_OK)
        return (gw_str){NULL, 0};
    gw_buf_putc(&b, '{');
    for (uint32_t m = json_first(0); m < json_at(&j, 0)->next; m = json_at(&j, m + 1)->next) {
        if (gw_str_is(json_raw(&j, m), "state"))
            continue;
        bool text = json_kind_of(&j, m + 1) == JSON_STRING;
        gw_buf_printf(&b, "%s\"%.*s\":%s%.*s%s", b.n > 1 ? "," : "", GW_STR_ARG(json_raw(&j, m)),
                      text ? "\"" : "", GW_STR_ARG(json_raw(&j, m + 1)), text ? "\"" : "");
    }
    json_put_member_str(&b, "state", GW_STR("broken"));
    gw_buf_putc(&b, '}');
    char *out = b.code == GW_OK ? gw_arena_copy(arena, gw_buf_str(&b)) : NULL;
    return (gw_str){out, out ? b.n : 0};
}

static const view_item *item_named(const view_debtor *v, gw_str id)
{
    for (size_t i = 0; i < v->item_n; i++)
        if (gw_str_eq(v->items[i].id, id))
            return &v->items[i];
    return NULL;
}

static bool break_promise(waking *w, const view_promise *p)
{
    dispatch *d = w->d;
    const view_debtor *v = w->debtor;
    state_field *set = gw_arena_alloc(d->arena, sizeof *set);
    state_record *rec = gw_arena_alloc(d->arena, sizeof *rec);
    gw_str id = {NULL, p->id.n + 2};
    char *name = gw_arena_alloc(d->arena, id.n + 1);
    gw_str body = broken_body(p, d->arena);
    if (!set || !rec || !name || !body.p)
        return false;
    memcpy(name, "m:", 2);
    memcpy(name + 2, p->id.p, p->id.n);
    *set = (state_field){{name, id.n}, body};
    *rec = (state_record){.event = EVENT_PROMISE,
                          .t = w->now,
                          .source = v->source,
                          .debtor = v->id,
                          .case_id = p->item,
                          .why = GW_STR("broken"),
                          .fact = GW_STR("{\"state\":\"broken\"}")};
    const view_item *item = item_named(v, p->item);
    if (item && item->case_id.n)
        rec->case_id = item->case_id;
    uint8_t shard = state_shard(&v->did);
    w->txns[w->n++] = (state_txn){.shard = shard,
                                  .fence = d->fence[shard],
                                  .did = &v->did,
                                  .debtor_version = v->version + (int64_t)w->n - 1,
                                  .version = -1,
                                  .item_sets = set,
                                  .item_n = 1,
                                  .records = rec,
                                  .record_n = 1};
    return true;
}

/* True when a promise was found broken: everything else waits for the new version. */
static bool break_promises(waking *w)
{
    const view_debtor *v = w->debtor;
    int32_t grace = w->d->cfg.promise_grace_days;
    for (size_t i = 0; i < v->promise_n && w->zone && w->n < TXNS_MAX; i++) {
        const view_promise *p = &v->promises[i];
        const view_item *item = p->item.n ? item_named(v, p->item) : NULL;
        if (!p->open || p->date == VIEW_NO_DAY || (item && item->settled))
            continue;
        int64_t end = zone_instant(w->zone, p->date + grace, ZONE_DAY_MINUTES).ms;
        if (end > w->now.ms)
            look_again(w, end);
        else if (!break_promise(w, p))
            return w->n > 0;
    }
    return w->n > 0;
}

/* ---- open reminders ---- */

static void decide_open(waking *w, const loaded *l)
{
    dispatch *d = w->d;
    bool nothing;
    if (l->code == GW_ENOTFOUND || w->n == TXNS_MAX)
        return;
    if (l->r.state != LIFE_PLANNED && l->r.state != LIFE_HELD && !desk_is_out(&l->r))
        return; /* accepted ones have their own entry; what is in flight is checked at the intent */
    if (core_undecidable(d, l, &w->txns[w->n])) {
        w->n++;
        return;
    }
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    if (!decided || decide(&w->ctx, w->debtor, &l->r, w->now, d->arena, decided, &w->err) != GW_OK)
        return;
    /* What is due now is the claim's to decide: it would only be planned for now once more. */
    if (decided->on == ON_PLAN && l->r.state == LIFE_PLANNED && l->r.due_ms <= w->now.ms)
        return;
    w->n += core_decided(d, l, decided, &w->txns[w->n], &nothing, &w->err) == GW_OK && !nothing;
}

/* ---- ladder steps ---- */

static const ladder *ladder_of(const dispatch *d, const view_debtor *v, const view_item *item)
{
    const dispatch_source *s = core_source(d, v->source);
    gw_str name = item->ladder.n ? item->ladder : gw_str_of(s->ladder ? s->ladder : "");
    for (size_t i = 0; i < d->cfg.ladder_n && name.n; i++)
        if (gw_str_is(name, ladder_id(d->cfg.ladders[i])))
            return d->cfg.ladders[i];
    return NULL;
}

static bool went_out(char letter)
{
    return letter == LIFE_DELIVERED || letter == LIFE_SENDING || letter == LIFE_TALKING ||
           letter == LIFE_UNKNOWN;
}

static steps_sent sent_so_far(const waking *w, gw_str item)
{
    steps_sent sent = {LADDER_TONE_NOTHING, LADDER_NO_DAY};
    for (size_t i = 0; i < w->known_n; i++) {
        const view_reminder *r = &w->known[i].r;
        if (w->known[i].code == GW_ENOTFOUND || r->kind != 'l' || !went_out(r->state) ||
            !gw_str_eq(r->item, item))
            continue;
        int tone = (int)view_int(r->tone, 0);
        /* due of what went out is the moment its intent was booked (lane f) */
        int32_t day = zone_local(w->zone, (gw_wall){r->due_ms}).day;
        sent.tone_reached = tone > sent.tone_reached ? tone : sent.tone_reached;
        sent.last_sent_day = day > sent.last_sent_day ? day : sent.last_sent_day;
    }
    return sent;
}

static loaded *known_step(const waking *w, const gw_id *rid)
{
    for (size_t i = 0; i < w->known_n; i++)
        if (memcmp(w->known[i].ref.rid.b, rid->b, sizeof rid->b) == 0)
            return &w->known[i];
    return NULL;
}

static void set_time(state_field *f, const char *name, int64_t ms, gw_arena *arena)
{
    char *text = gw_arena_alloc(arena, 24);
    int n = text ? snprintf(text, 24, "%lld", (long long)ms) : 0;
    *f = (state_field){gw_str_of(name), {text, (size_t)n}};
}

/* The transition that a fresh reminder's first decision makes, turned into its creation. */
static gw_code create_from(waking *w, const ladder_reminder *step, const view_reminder *r,
                           state_txn *txn)
{
    const char *kind = r->kind == 'l' ? "l" : "j";
    enum { OWN = 9 };
    gw_arena *arena = w->d->arena;
    state_field *sets = gw_arena_alloc(arena, (txn->n + OWN) * sizeof *sets);
    if (!sets)
        return gw_fail(&w->err, GW_ENOMEM, "creating a ladder step");
    size_t n = 0;
    sets[n++] = (state_field){GW_STR("k"), gw_str_of(kind)};
    sets[n++] = (state_field){GW_STR("src"), r->source};
    sets[n++] = (state_field){GW_STR("deb"), r->debtor};
    sets[n++] = (state_field){GW_STR("cas"), r->case_id};
    sets[n++] = (state_field){GW_STR("job"), step->job};
    sets[n++] = (state_field){GW_STR("ch"), r->channel};
    sets[n++] = (state_field){GW_STR("b"), step->body};
    set_time(&sets[n++], "at", w->now.ms, arena);
    memcpy(sets + n, txn->sets, txn->n * sizeof *sets);
    txn->sets = sets;
    txn->n += n;
    txn->version = 0;
    /* The step's own text goes into the log with its first record, as a job's does: rebuild.c makes
     * the step again from it. */
    if (txn->record_n)
        ((state_record *)(uintptr_t)txn->records)[0].with_body = true;
    return GW_OK;
}

static gw_code create(waking *w, const char *kind, gw_str case_id, const ladder_reminder *step,
                      const gw_id *rid)
{
    dispatch *d = w->d;
    /* In the arena: the transition points into it until the store has answered. */
    loaded *l = gw_arena_alloc(d->arena, sizeof *l);
    if (!l)
        return gw_fail(&w->err, GW_ENOMEM, "creating a ladder step");
    *l = (loaded){.code = GW_OK, .d = w->debtor, .did = w->debtor->did};
    state_field fields[] = {
        {GW_STR("s"), GW_STR("A")},         {GW_STR("k"), gw_str_of(kind)},
        {GW_STR("src"), w->debtor->source}, {GW_STR("deb"), w->debtor->id},
        {GW_STR("cas"), case_id},           {GW_STR("job"), step->job},
        {GW_STR("b"), step->body},
    };
    state_reminder fresh = {*rid, {.version = 1, .fields = fields, .n = GW_COUNT(fields)}};
    gw_code rc = view_reminder_read(&fresh, d->arena, &l->r, &w->err);
    if (rc != GW_OK)
        return rc;
    l->r.channel = json_get_str(&l->r.doc, 0, "channel");
    state_txn *txn = &w->txns[w->n];
    if (step->skip) {
        change c = core_change(d, &w->debtor->did, step->skip);
        c.debtor_version = w->debtor->version;
        life_move move;
        bool moved;
        rc = change_build(&c, &l->r, ON_WITHDRAW, d->arena, txn, &move, &moved, &w->err);
    } else {
        bool nothing;
        decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
        rc = decided ? decide(&w->ctx, w->debtor, &l->r, w->now, d->arena, decided, &w->err)
                     : gw_fail(&w->err, GW_ENOMEM, "creating a ladder step");
        if (rc == GW_OK)
            rc = core_decided(d, l, decided, txn, &nothing, &w->err);
    }
    if (rc == GW_OK)
        rc = create_from(w, step, &l->r, txn);
    w->n += rc == GW_OK;
    return rc;
}

static gw_code create_step(waking *w, const view_item *item, const ladder_reminder *step,
                           const gw_id *rid)
{
    return create(w, "l", item->case_id.n ? item->case_id : item->id, step, rid);
}

/* A step that exists already: the gap since the last contact may have moved or ended it. */
static void move_step(waking *w, loaded *l, const ladder_reminder *step)
{
    dispatch *d = w->d;
    state_txn *txn = &w->txns[w->n];
    if (l->code == GW_ENOTFOUND || (l->r.state != LIFE_PLANNED && l->r.state != LIFE_HELD) ||
        !l->r.readable)
        return;
    if (step->skip) {
        change c = core_change(d, &l->did, step->skip);
        c.debtor_version = w->debtor->version;
        life_move move;
        bool moved;
        if (change_build(&c, &l->r, ON_WITHDRAW, d->arena, txn, &move, &moved, &w->err) == GW_OK) {
            w->n++;
            l->code = GW_ENOTFOUND; /* done with in this round */
        }
        return;
    }
    if (step->catch_up || step->not_before_ms <= l->r.not_before_ms)
        return;
    l->r.not_before_ms = step->not_before_ms;
    l->r.not_after_ms = step->not_after_ms;
    decision *decided = gw_arena_alloc(d->arena, sizeof *decided);
    state_field *sets = gw_arena_alloc(d->arena, 32 * sizeof *sets);
    bool nothing;
    if (!decided || !sets ||
        decide(&w->ctx, w->debtor, &l->r, w->now, d->arena, decided, &w->err) != GW_OK ||
        core_decided(d, l, decided, txn, &nothing, &w->err) != GW_OK || nothing)
        return;
    memcpy(sets, txn->sets, txn->n * sizeof *sets);
    set_time(&sets[txn->n++], "nb", step->not_before_ms, d->arena);
    set_time(&sets[txn->n++], "na", step->not_after_ms, d->arena);
    txn->sets = sets;
    w->n++;
    l->code = GW_ENOTFOUND;
}

static void climb(waking *w, const view_item *item)
{
    dispatch *d = w->d;
    const ladder *l = ladder_of(d, w->debtor, item);
    if (!l || item->settled || item->due == VIEW_NO_DAY)
        return;
    int32_t today = zone_local(w->zone, w->now).day;
    steps_sent sent = sent_so_far(w, item->id);
    ladder_reminder *steps;
    size_t n;
    bool later;
    if (steps_of_item(l, w->debtor, item, w->zone, today, &sent, d->arena, &steps, &n, &later,
                      &w->err) != GW_OK)
        return;
    if (later)
        look_again(w, zone_instant(w->zone, today + 1, 0).ms);
    for (size_t i = 0; i < n && w->n < TXNS_MAX; i++) {
        gw_id rid;
        load_reminder_id(d->cfg.id_key, w->debtor->source, steps[i].job, &rid);
        loaded *known = known_step(w, &rid);
        if (known)
            move_step(w, known, &steps[i]);
        else if (create_step(w, item, &steps[i], &rid) != GW_OK)
            return;
    }
}

/* ---- statements promised on the phone ---- */

static bool list_promised(waking *w, const gw_id *rid)
{
    static const gw_id all;
    char text[GW_ID_TEXT];
    gw_id_format(rid, text);
    const state_mark mark = {state_shard(&w->debtor->did), DESK_STATEMENT_MARK, all,
                             gw_str_of(text)};
    return core_store(w->d, state_mark_add(w->d->store, &mark, 1, &w->err), &w->err, "mark");
}

/* The job of the field, unless it is there; and the field goes. */
static bool make_promised(waking *w, const state_field *f)
{
    dispatch *d = w->d;
    const view_debtor *v = w->debtor;
    int64_t version = v->version + (int64_t)w->n;
    uint8_t shard = state_shard(&v->did);
    json_doc *j = gw_arena_alloc(d->arena, sizeof *j);
    state_field *drop = gw_arena_alloc(d->arena, sizeof *drop);
    gw_id *rid = gw_arena_alloc(d->arena, sizeof *rid);
    state_reminder there;
    if (!j || !drop || !rid || json_parse(f->value, d->arena, j, &w->err) != GW_OK)
        return false;
    *drop = (state_field){f->name, {NULL, 0}};
    const ladder_reminder job = {.job = json_get_str(j, 0, "id"), .body = f->value};
    load_reminder_id(d->cfg.id_key, v->source, job.job, rid);
    const state_ref ref = {*rid, shard};
    gw_code rc = state_load_reminders(d->store, &ref, 1, d->arena, &there, &w->err);
    if (!core_store(d, rc, &w->err, "promised") || !list_promised(w, rid))
        return false;
    state_txn *t = &w->txns[w->n];
    if (there.reminder.version)
        w->txns[w->n++] =
            (state_txn){.shard = shard, .fence = d->fence[shard], .did = &v->did, .version = -1};
    else if (create(w, "j", json_get_str(j, 0, "case"), &job, rid) != GW_OK)
        return false;
    t->debtor_version = version;
    t->debtor_sets = drop;
    t->debtor_n = 1;
    return true;
}

/* True when there was one: everything else waits for the debtor's new version. */
static bool make_all_promised(waking *w)
{
    const state_hash *h = w->debtor->hash;
    static const char prefix[] = DESK_STATEMENT_FIELD;
    for (size_t i = 0; i < h->n && w->n < TXNS_MAX; i++)
        if (h->fields[i].name.n > sizeof prefix - 1 &&
            memcmp(h->fields[i].name.p, prefix, sizeof prefix - 1) == 0 &&
            !make_promised(w, &h->fields[i]))
            break;
    return w->n > 0;
}

/* ---- one debtor ---- */

static void finish(waking *w)
{
    const view_debtor *v = w->debtor;
    uint8_t shard = state_shard(&v->did);
    w->txns[w->n++] = (state_txn){.shard = shard,
                                  .fence = w->d->fence[shard],
                                  .did = &v->did,
                                  .debtor_version = v->version,
                                  .version = -1,
                                  .unwake_debtor = true,
                                  .wake_debtor = w->next_ms != INT64_MAX,
                                  .wake_at = {w->next_ms}};
}

static bool load_known(waking *w, bool final_too)
{
    dispatch *d = w->d;
    gw_id *open = NULL, *done = NULL;
    size_t open_n = 0, done_n = 0;
    uint8_t shard = state_shard(&w->debtor->did);
    gw_code rc =
        state_debtor_reminders(d->store, &w->debtor->did, false, d->arena, &open, &open_n, &w->err);
    if (rc == GW_OK && final_too)
        rc = state_debtor_reminders(d->store, &w->debtor->did, true, d->arena, &done, &done_n,
                                    &w->err);
    size_t n = open_n + done_n;
    state_ref *refs = gw_arena_alloc(d->arena, (n + 1) * sizeof *refs);
    if (rc != GW_OK || !refs)
        return core_store(d, rc, &w->err, "debtor") && refs;
    for (size_t i = 0; i < n; i++)
        refs[i] = (state_ref){i < open_n ? open[i] : done[i - open_n], shard};
    rc = load_reminders(d->store, d->cfg.id_key, refs, n, false, d->arena, &w->known, &w->err);
    w->known_n = n;
    return core_store(d, rc, &w->err, "debtor");
}

static bool has_ladder(const waking *w)
{
    for (size_t i = 0; i < w->debtor->item_n && w->zone; i++)
        if (!w->debtor->items[i].settled && ladder_of(w->d, w->debtor, &w->debtor->items[i]))
            return true;
    return false;
}

/* Closed contacts go into the debtor's history. True when there were some: the version moves, and
 * the entry in lane w stays for another look. */
static bool learn(waking *w)
{
    const view_debtor *v = w->debtor;
    const learn_ask ask = {v, w->zone, w->known, w->known_n, w->now, &w->ctx};
    learned found;
    if (w->n >= TXNS_MAX || learn_closed(&ask, w->d->arena, &found) != GW_OK)
        return false;
    look_again(w, found.next_ms);
    if (found.set_n == 0)
        return false;
    uint8_t shard = state_shard(&v->did);
    w->txns[w->n++] = (state_txn){.shard = shard,
                                  .fence = w->d->fence[shard],
                                  .did = &v->did,
                                  .debtor_version = v->version,
                                  .version = -1,
                                  .debtor_sets = found.sets,
                                  .debtor_n = found.set_n,
                                  .records = found.records,
                                  .record_n = found.record_n};
    return true;
}

static bool has_calls(const waking *w)
{
    const state_hash *h = w->debtor->hash;
    for (size_t i = 0; i < h->n; i++)
        if (h->fields[i].name.n > 3 && memcmp(h->fields[i].name.p, "tc:", 3) == 0)
            return true;
    return false;
}

/* Adds this debtor's transitions; false when the store failed. */
static bool wake_one(waking *w)
{
    if (break_promises(w) || make_all_promised(w))
        return true;
    bool climbing = has_ladder(w);
    if (!load_known(w, climbing || w->debtor->item_n > 0 || w->d->timing_learns || has_calls(w)))
        return false;
    for (size_t i = 0; i < w->known_n; i++)
        w->known[i].d = w->debtor;
    for (size_t i = 0; i < w->debtor->item_n && climbing; i++)
        climb(w, &w->debtor->items[i]);
    for (size_t i = 0; i < w->known_n; i++)
        decide_open(w, &w->known[i]);
    for (size_t i = 0; i < w->debtor->hold_n; i++)
        look_again(w, w->debtor->holds[i].until_ms);
    if (!learn(w))
        finish(w);
    return true;
}

static void apply_woken(dispatch *d, state_txn *txns, size_t n)
{
    state_verdict *verdicts = gw_arena_alloc(d->arena, (n + 1) * sizeof *verdicts);
    if (!verdicts || n == 0)
        return;
    core_apply(d, txns, n, verdicts, "wake");
    for (size_t i = 0; i < n; i++)
        d->status.plans += txns[i].rid && verdicts[i] == STATE_OK;
}

void wake_debtors(dispatch *d, const gw_id *dids, size_t n)
{
    gw_err err = {0};
    state_debtor *raw = gw_arena_alloc(d->arena, (n + 1) * sizeof *raw);
    state_txn *txns = gw_arena_alloc(d->arena, (TXNS_MAX + TXNS_ROOM) * sizeof *txns);
    if (!raw || !txns)
        return;
    gw_code rc = state_load_debtors(d->store, dids, n, d->arena, raw, &err);
    if (!core_store(d, rc, &err, "debtors"))
        return;
    size_t filled = 0;
    for (size_t i = 0; i < n; i++) {
        view_debtor *v = gw_arena_alloc(d->arena, sizeof *v);
        if (!v)
            break;
        waking w = {.d = d,
                    .debtor = v,
                    .ctx = core_decide_context(d),
                    .now = core_now(d),
                    .next_ms = INT64_MAX,
                    .txns = txns + filled};
        /* An unreadable debtor holds its reminders when they are due; there is nothing to re-plan.
         */
        if (view_debtor_read(&raw[i], d->arena, v, &err) != GW_OK) {
            *v = (view_debtor){.did = dids[i], .version = (int64_t)raw[i].debtor.version};
            gw_log(GW_LOG_ERROR, "debtor not readable", "text=\"%s\"", err.text);
            finish(&w);
        } else {
            view_debtor *one = v;
            if (!core_store(d, person_load(d->store, d->cfg.id_key, &one, 1, d->arena, &err), &err,
                            "person"))
                break;
            w.zone = v->zone.n ? zone_table_get(d->cfg.zones, v->zone, NULL) : NULL;
            if (!wake_one(&w))
                break;
        }
        filled += w.n;
        if (filled > TXNS_MAX / 2) {
            apply_woken(d, txns, filled);
            filled = 0;
        }
    }
    apply_woken(d, txns, filled);
    d->busy = true;
}
