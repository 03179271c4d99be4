/* desk_act.c - verb `call`: an agent takes a task, begins it, makes sure whom it is talking to,
 * gives it back. Each is one transition checked against the version that was read. */
#include "gateway/dispatch/desk.h"
#include "gateway/dispatch/person.h"

#include "gateway/base/crash.h"
#include "gateway/intake/verdict.h"

#include <stdio.h>

enum { PRIV_MAX = 256 * 1024 };

/* ---- who and what ---- */

static gw_str keep(const desk *k, const gw_buf *b)
{
    char *text = b->code == GW_OK ? gw_arena_copy(k->ask->arena, gw_buf_str(b)) : NULL;
    return (gw_str){text, text ? b->n : 0};
}

gw_code desk_no_memory(const desk *k)
{
    return gw_fail(k->err, GW_ENOMEM, "working the desk: out of memory");
}

gw_str desk_priv(const desk *k, gw_str more)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, PRIV_MAX);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "agent", k->agent);
    json_put_member_str(&b, "key", k->ask->who);
    query_put_text(&b, "note", json_get_str(k->ask->body, 0, "note"));
    if (more.n) {
        gw_buf_putc(&b, ',');
        gw_buf_put_str(&b, more);
    }
    gw_buf_putc(&b, '}');
    return keep(k, &b);
}

change desk_change(const desk *k, const loaded *l, const char *why)
{
    return (change){.now = k->ask->now,
                    .shard = state_shard(&l->did),
                    .did = &l->did,
                    .debtor_version = -1,
                    .why = why,
                    .rank = l->r.rank,
                    .priv = desk_priv(k, (gw_str){NULL, 0})};
}

gw_code desk_decide(const desk *k, const loaded *l, decision **ret)
{
    decision *decided = gw_arena_alloc(k->ask->arena, sizeof *decided);
    if (!decided)
        return desk_no_memory(k);
    *ret = decided;
    return decide(&k->decide, l->d, &l->r, k->ask->now, k->ask->arena, decided, k->err);
}

bool desk_is_now(const decision *d)
{
    return d->on == ON_PLAN && d->now;
}

/* Policy says no to a task that is out: dispatch looks at the debtor and books it properly. */
void desk_have_looked_at(const desk *k, const loaded *l)
{
    state_txn t = {.shard = state_shard(&l->did),
                   .did = &l->did,
                   .debtor_version = -1,
                   .version = -1,
                   .wake_debtor = true,
                   .wake_at = k->ask->now};
    state_verdict verdict;
    gw_err err = {0};
    if (state_apply(k->ask->store, &t, 1, &verdict, &err) == GW_OK)
        query_wake(k->q, 0, UINT64_C(1) << t.shard); /* else its own timer comes */
}

gw_code desk_refused(const desk *k, const loaded *l, const decision *d)
{
    desk_have_looked_at(k, l);
    return gw_fail(k->err, GW_ECONFLICT, "not now, and the task went back: %s %s",
                   policy_why_sentence(d->why), policy_why_remedy(d->why));
}

gw_code desk_find(desk *k, loaded **ret)
{
    return query_find_named(k->q, k->ask, json_get_str(k->ask->body, 0, "task"), ret, k->err);
}

gw_code desk_mine(desk *k, loaded **ret, desk_memory *ret_m)
{
    int64_t lease = json_get_int(k->ask->body, 0, "lease", 0);
    gw_code rc = desk_find(k, ret);
    if (rc != GW_OK)
        return rc;
    const view_reminder *r = &(*ret)->r;
    if (!view_is_task(r))
        return gw_fail(k->err, GW_ECONFLICT, "that is no task for people");
    desk_memory_read(r, k->ask->arena, ret_m);
    bool had = r->state == LIFE_LEASED || r->state == LIFE_TALKING || r->state == LIFE_UNKNOWN;
    if (!had)
        return gw_fail(k->err, GW_ECONFLICT, "the task is %s, in nobody's hands; take it first",
                       life_state_name((life_state)r->state));
    if (!gw_str_eq(r->agent, k->agent) || (lease && lease != ret_m->lease))
        return gw_fail(k->err, GW_ECONFLICT,
                       "the task is in another agent's hands, or the lease "
                       "named is an older one");
    return GW_OK;
}

/* ---- acts that are told once ---- */

/* Digest of the body, whatever the order of its members. */
gw_code desk_digest(const desk *k, gw_str *ret)
{
    static const uint8_t key[GW_ID_KEY_BYTES];
    GW_AUTO_BUF gw_buf text;
    gw_id sum;
    gw_buf_init(&text, INTAKE_BODY_MAX * 2);
    gw_code rc = json_canonical(k->ask->body, 0, &text, k->err);
    char *hex = gw_arena_alloc(k->ask->arena, GW_ID_TEXT);
    if (rc != GW_OK || !hex)
        return rc != GW_OK ? rc : desk_no_memory(k);
    gw_str parts[] = {gw_buf_str(&text)};
    gw_id_keyed(key, parts, 1, &sum);
    gw_id_format(&sum, hex);
    *ret = gw_str_of(hex);
    return GW_OK;
}

gw_code desk_look_back(const desk *k, const loaded *l, gw_str sum, desk_memory *ret_m,
                       bool *ret_known, gw_buf *ret)
{
    gw_str id = json_get_str(k->ask->body, 0, "id");
    char rid[GW_ID_TEXT];
    desk_memory_read(&l->r, k->ask->arena, ret_m);
    const desk_act *before = desk_memory_act(ret_m, id);
    *ret_known = before != NULL;
    gw_id_format(&l->r.rid, rid);
    if (before && gw_str_eq(before->sum, sum))
        verdict_duplicate(ret, id, gw_str_of(rid), (gw_wall){before->at_ms});
    else if (before)
        verdict_rejected(ret, "conflict", "this id was used with another content; use a new id",
                         "/id");
    return GW_OK;
}

/* ---- one move ---- */

/* STATE_STALE and the like: the caller reads again. */
gw_code desk_apply(const desk *k, const loaded *l, const change *c, life_event on,
                   state_verdict *ret)
{
    state_txn txn;
    life_move move;
    bool moved;
    if (!c->priv.p)
        return desk_no_memory(k);
    gw_code rc = change_build(c, &l->r, on, k->ask->arena, &txn, &move, &moved, k->err);
    if (rc != GW_OK)
        return rc;
    if (!moved)
        return gw_fail(k->err, GW_ECONFLICT, "the task is %s: that cannot be done with it",
                       life_state_name((life_state)l->r.state));
    rc = person_apply(k->ask->store, &txn, 1, ret, k->err);
    return rc;
}

gw_code desk_keeps_moving(const desk *k)
{
    return gw_fail(k->err, GW_EBUSY, "the task keeps moving; try again");
}

void desk_open_answer(const desk *k, const loaded *l, const char *name, const desk_memory *m,
                      int64_t until_ms, gw_buf *ret)
{
    char rid[GW_ID_TEXT];
    gw_id_format(&l->r.rid, rid);
    gw_buf_puts(ret, "{\"verdict\":\"accepted\"");
    json_put_member_str(ret, "id", l->r.job);
    json_put_member_str(ret, "receipt", gw_str_of(rid));
    query_put_time(ret, "at", k->ask->now.ms);
    json_put_member_str(ret, "state", gw_str_of(name));
    json_put_member_str(ret, "agent", k->agent);
    json_put_member_int(ret, "lease", m->lease);
    query_put_time(ret, "until", until_ms);
}

gw_code desk_show(desk *k, const loaded *l, const decision *decided, const desk_memory *m,
                  const char *name, int64_t until_ms, gw_buf *ret)
{
    desk_open_answer(k, l, name, m, until_ms, ret);
    gw_code rc = desk_put_task(k, l, decided, m, ret, NULL, NULL);
    gw_buf_putc(ret, '}');
    return rc;
}

gw_code desk_show_held(desk *k, const loaded *l, gw_buf *ret)
{
    desk_memory m;
    decision *decided;
    desk_memory_read(&l->r, k->ask->arena, &m);
    gw_code rc = desk_decide(k, l, &decided);
    return rc == GW_OK ? desk_show(k, l, decided, &m, life_state_name((life_state)l->r.state),
                                   l->r.due_ms, ret)
                       : rc;
}

/* ---- dial ---- */

/* Whom the agent calls and what it reads out, as private contents of the intent. */
static gw_str intent_contents(const desk *k, const decision *decided, gw_str script)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, PRIV_MAX);
    const policy_facts *f = &decided->facts.policy;
    if (f->recipient_n)
        json_put_member_str(&b, "to", f->recipients[0].address);
    query_put_text(&b, "script", script);
    return b.code == GW_OK ? desk_priv(k, gw_buf_str(&b)) : (gw_str){NULL, 0};
}

static gw_code dial(desk *k, const loaded *l, const decision *decided, desk_memory *m,
                    state_verdict *ret_verdict, gw_buf *ret)
{
    policy_cap *caps = gw_arena_alloc(k->ask->arena, POLICY_TAKES_MAX * sizeof *caps);
    gw_str script = {NULL, 0};
    gw_str version = {NULL, 0};
    GW_AUTO_BUF gw_buf shown;
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&shown, INTAKE_ANSWER_MAX);
    gw_buf_init(&fact, 1024);
    if (!caps)
        return desk_no_memory(k);
    m->dialled_ms = k->ask->now.ms;
    change c = desk_change(k, l, "");
    c.debtor_version = l->d->version;
    c.due_ms = k->ask->now.ms + k->rules.call_ms;
    c.caps = caps;
    c.cap_n = policy_caps_at(&decided->facts.policy, k->q->rules.rules, k->ask->now, caps);
    c.desk = desk_memory_text(m, k->ask->arena);
    desk_open_answer(k, l, life_state_name(LIFE_TALKING), m, c.due_ms, &shown);
    gw_code rc = desk_put_task(k, l, decided, m, &shown, &script, &version);
    gw_buf_putc(&shown, '}');
    if (rc != GW_OK)
        return rc;
    json_put_member_int(&fact, "lease", m->lease);
    query_put_text(&fact, "template_version", version);
    json_put_member_str(&fact, "packs", gw_str_of(decided->policy.pack_hash));
    c.fact = gw_buf_str(&fact);
    c.priv = intent_contents(k, decided, script);
    if (!c.desk.p)
        return desk_no_memory(k);
    rc = person_take(k->ask->store, l->d, caps, c.cap_n, k->ask->arena, &c.person, k->err);
    if (rc == GW_OK)
        rc = desk_apply(k, l, &c, ON_DIAL, ret_verdict);
    if (rc == GW_OK && *ret_verdict != STATE_OK && *ret_verdict != STATE_UNKNOWN)
        person_undo(k->ask->store, change_cap_text(caps, c.cap_n, c.person, k->ask->arena),
                    k->ask->arena);
    if (rc == GW_OK && *ret_verdict == STATE_OK)
        gw_buf_put_str(ret, gw_buf_str(&shown));
    return rc;
}

/* Nothing may be begun that could not be recorded. */
static gw_code need_recorder(const desk *k)
{
    const dispatch_config *cfg = k->q->cfg;
    return !cfg->recorder || recorder_ok(cfg->recorder)
               ? GW_OK
               : gw_fail(k->err, GW_EBUSY, "the evidence log cannot be written just now");
}

static gw_code act_dial(desk *k, gw_buf *ret)
{
    gw_code rc = need_recorder(k);
    for (int i = 0; i < DESK_TRIES && rc == GW_OK; i++) {
        loaded *l;
        desk_memory m;
        decision *decided;
        state_verdict verdict;
        rc = desk_mine(k, &l, &m);
        if (rc == GW_OK && l->r.state == LIFE_TALKING)
            return desk_show_held(k, l, ret); /* said twice */
        if (rc == GW_OK)
            rc = desk_decide(k, l, &decided);
        if (rc == GW_OK && !desk_is_now(decided))
            return desk_refused(k, l, decided);
        if (rc == GW_OK)
            rc = dial(k, l, decided, &m, &verdict, ret);
        if (rc == GW_OK && verdict == STATE_OK) {
            GW_CRASH_POINT("dial-after-commit");
            return GW_OK;
        }
        if (rc == GW_OK && verdict == STATE_CAPPED) {
            desk_have_looked_at(k, l);
            return gw_fail(k->err, GW_ECONFLICT,
                           "not now, and the task went back: another contact used the cap up");
        }
    }
    return rc != GW_OK ? rc : desk_keeps_moving(k);
}

/* ---- confirm, release ---- */

static gw_code act_confirm(desk *k, gw_buf *ret)
{
    gw_code rc = GW_OK;
    for (int i = 0; i < DESK_TRIES && rc == GW_OK; i++) {
        loaded *l;
        desk_memory m;
        state_verdict verdict;
        rc = desk_mine(k, &l, &m);
        if (rc != GW_OK)
            return rc;
        if (l->r.state == LIFE_TALKING && m.confirmed)
            return desk_show_held(k, l, ret);
        m.confirmed = true;
        change c = desk_change(k, l, "right-party");
        c.desk = desk_memory_text(&m, k->ask->arena);
        rc = desk_apply(k, l, &c, ON_CONFIRM, &verdict);
        if (rc == GW_OK && verdict == STATE_OK) {
            desk_open_answer(k, l, life_state_name(LIFE_TALKING), &m, l->r.due_ms, ret);
            json_put_member_bool(ret, "right_party", true);
            gw_buf_putc(ret, '}');
            return GW_OK;
        }
    }
    return rc != GW_OK ? rc : desk_keeps_moving(k);
}

static gw_code act_release(desk *k, gw_buf *ret)
{
    gw_code rc = GW_OK;
    for (int i = 0; i < DESK_TRIES && rc == GW_OK; i++) {
        loaded *l;
        desk_memory m;
        state_verdict verdict;
        rc = desk_mine(k, &l, &m);
        if (rc == GW_OK && l->r.state != LIFE_LEASED)
            return gw_fail(k->err, GW_ECONFLICT,
                           "it was begun: record its outcome, not-placed if nobody was contacted");
        change c = rc == GW_OK ? desk_change(k, l, "released") : (change){0};
        c.due_ms = k->ask->now.ms; /* dispatch looks when it closes */
        if (rc == GW_OK)
            rc = desk_apply(k, l, &c, ON_GIVE_BACK, &verdict);
        if (rc == GW_OK && verdict == STATE_OK) {
            desk_open_answer(k, l, life_state_name(LIFE_OPEN), &m, VIEW_NO_TIME, ret);
            gw_buf_putc(ret, '}');
            return GW_OK;
        }
    }
    return rc != GW_OK ? rc : desk_keeps_moving(k);
}

/* ---- the table ---- */

/* Members that only some acts know; a member elsewhere is a mistake somebody should hear of. */
static const struct {
    const char *name;
    gw_code (*act)(desk *, gw_buf *);
    const char *needs[4];
} acts[] = {
    {"next", desk_next, {NULL}},
    {"take", desk_take, {"task"}},
    {"dial", act_dial, {"task"}},
    {"confirm", act_confirm, {"task"}},
    {"release", act_release, {"task"}},
    {"record", desk_record, {"task", "id"}},
    {"attach", desk_attach, {"task", "id", "media", "base64"}},
};

static bool find_missing(const intake_ask *ask, size_t act, char ret_pointer[32])
{
    for (size_t i = 0; i < GW_COUNT(acts[act].needs) && acts[act].needs[i]; i++)
        if (!json_member(ask->body, 0, acts[act].needs[i])) {
            snprintf(ret_pointer, 32, "/%s", acts[act].needs[i]);
            return true;
        }
    return false;
}

static desk_rules rules_of(const dispatch_config *cfg)
{
    desk_rules r = desk_rules_defaults();
    const desk_rules *own = &cfg->desk;
    r.lease_ms = own->lease_ms ? own->lease_ms : r.lease_ms;
    r.call_ms = own->call_ms ? own->call_ms : r.call_ms;
    r.again_ms = own->again_ms ? own->again_ms : r.again_ms;
    r.attempts = own->attempts ? own->attempts : r.attempts;
    r.per_agent = own->per_agent ? own->per_agent : r.per_agent;
    r.excuses = own->excuses;
    return r;
}

gw_code desk_call(query *q, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    desk k = {.q = q, .ask = ask, .rules = rules_of(q->cfg), .err = err};
    gw_str named = json_get_str(ask->body, 0, "agent");
    gw_str act = json_get_str(ask->body, 0, "do");
    char pointer[32];
    if (ask->role == ZAP_CLIENT)
        return gw_fail(err, GW_EREFUSED, "the call desk is for agents and operators");
    if (ask->role == ZAP_AGENT && named.n && !gw_str_eq(named, ask->who))
        return gw_fail(err, GW_EREFUSED, "an agent acts for itself only");
    k.agent = named.n ? named : ask->who;
    gw_code rc = query_context(q, ask, &k.decide, err);
    for (size_t i = 0; i < GW_COUNT(acts) && rc == GW_OK; i++) {
        if (!gw_str_is(act, acts[i].name))
            continue;
        if (find_missing(ask, i, pointer)) {
            verdict_rejected(ret, "invalid", "this act needs that member", pointer);
            return GW_OK;
        }
        rc = acts[i].act(&k, ret);
        if (rc == GW_OK)
            query_wake(q, 0, UINT64_MAX);
        return rc;
    }
    return rc != GW_OK ? rc
                       : gw_fail(err, GW_EINVAL,
                                 "do must be next, take, dial, confirm, record, attach or release");
}
