#include "gateway/intake/turn.h"

#include "gateway/base/crash.h"
#include "gateway/base/time.h"

void intake_reminder_id(const uint8_t key[GW_ID_KEY_BYTES], gw_str source, gw_str job,
                        gw_id *ret_rid)
{
    gw_id_keyed(key, (gw_str[]){GW_STR("r"), source, job}, 3, ret_rid);
}

void intake_debtor_id(const uint8_t key[GW_ID_KEY_BYTES], gw_str source, gw_str debtor,
                      gw_id *ret_did)
{
    gw_id_keyed(key, (gw_str[]){GW_STR("d"), source, debtor}, 3, ret_did);
}

void intake_event_id(const uint8_t key[GW_ID_KEY_BYTES], gw_str source, verb v, gw_str id,
                     gw_id *ret_receipt)
{
    gw_str parts[] = {GW_STR("e"), source, gw_str_of(verb_of(v)->name), id};
    gw_id_keyed(key, parts, GW_COUNT(parts), ret_receipt);
}

const char turn_elsewhere[] = "this id was used for another debtor; use a new id";

/* The members a job needs besides its body: one walk instead of one search each. */
typedef struct {
    uint32_t id, debtor, case_id, channel, not_before, not_after, to, cc, kind;
} members;

static members find_members(const json_doc *d)
{
    static const struct {
        gw_str name;
        size_t offset;
    } rows[] = {
        {GW_STR("id"), offsetof(members, id)},
        {GW_STR("debtor"), offsetof(members, debtor)},
        {GW_STR("case"), offsetof(members, case_id)},
        {GW_STR("channel"), offsetof(members, channel)},
        {GW_STR("not_before"), offsetof(members, not_before)},
        {GW_STR("not_after"), offsetof(members, not_after)},
        {GW_STR("to"), offsetof(members, to)},
        {GW_STR("cc"), offsetof(members, cc)},
        {GW_STR("kind"), offsetof(members, kind)},
    };
    members m = {0};
    uint32_t end = json_at(d, 0)->next;
    for (uint32_t at = json_first(0); at < end; at = json_at(d, at + 1)->next) {
        gw_str name = json_str(d, at);
        for (size_t i = 0; i < GW_COUNT(rows); i++)
            if (gw_str_eq(name, rows[i].name))
                *(uint32_t *)(void *)((char *)&m + rows[i].offset) = at + 1;
    }
    return m;
}

static bool window_is_empty(const json_doc *d, const members *m)
{
    gw_wall from;
    gw_wall until;
    return m->not_before && m->not_after &&
           gw_time_parse(json_str(d, m->not_before), &from, NULL) == GW_OK &&
           gw_time_parse(json_str(d, m->not_after), &until, NULL) == GW_OK && until.ms <= from.ms;
}

/* Workers send mails, SMS and automated calls; people call, post letters, visit and do desk work.
 * NULL when somebody does what is asked for. */
static const char *nobody_does(const json_doc *d, const members *m)
{
    gw_str channel = json_str(d, m->channel);
    bool task = m->kind && gw_str_is(json_str(d, m->kind), "task");
    bool sent = gw_str_is(channel, "email") || gw_str_is(channel, "sms");
    if (task && sent)
        return "a task for people is a call, a letter, a visit or desk work";
    return task || sent || gw_str_is(channel, "voice")
               ? NULL
               : "letters, visits and desk work are done by people: say kind task";
}

/* Where the job asks to write to somebody who is no party of the debt; NULL if nowhere. A contact
 * named by its id is looked at when the debtor is known. */
static const char *third_party_at(const turn *t, const json_doc *d, const members *m)
{
    const third_party *list = t->config->third_parties;
    if (m->to && third_party_has(list, json_str(d, m->to)))
        return "/to";
    if (!m->cc)
        return NULL;
    for (uint32_t c = json_first(m->cc); c < json_at(d, m->cc)->next; c = json_at(d, c)->next)
        if (third_party_has(list, json_str(d, c)))
            return "/cc";
    return NULL;
}

/* The text must outlive the scratch arena: unescaped text is in the message, the rest is copied. */
static gw_str keep(turn *t, const json_doc *d, uint32_t node)
{
    gw_str s = json_str(d, node);
    if (!json_at(d, node)->escaped)
        return s;
    return (gw_str){gw_arena_copy(t->arena, s), s.n};
}

static void prepare(turn *t, uint32_t index)
{
    slot *s = &t->slots[index];
    opened o;
    gw_arena_reset(t->scratch);
    if (!slot_open(t, s, t->scratch, &o))
        return;
    members m = find_members(&o.doc);
    if (window_is_empty(&o.doc, &m)) {
        slot_rejected(t, s, "invalid", "must be later than not_before", "/not_after");
        return;
    }
    const char *nobody = nobody_does(&o.doc, &m);
    if (nobody) {
        slot_rejected(t, s, "invalid", nobody, "/channel");
        return;
    }
    const char *outsider = third_party_at(t, &o.doc, &m);
    if (outsider) {
        slot_rejected(t, s, "third-party",
                      "customers, suppliers, tenderers and family of a debtor are never written to",
                      outsider);
        return;
    }
    bool mine = t->requests[s->request].role == ZAP_CLIENT; /* else the source lies in the body */
    char *copy = mine ? NULL : gw_arena_copy(t->arena, o.source);
    state_job j = {
        .source = copy ? (gw_str){copy, o.source.n} : o.source,
        .debtor = keep(t, &o.doc, m.debtor),
        .job = keep(t, &o.doc, m.id),
        .channel = keep(t, &o.doc, m.channel),
        .body = slot_body(s),
    };
    j.case_id = m.case_id ? keep(t, &o.doc, m.case_id) : j.job;
    if ((!mine && !copy) || !j.debtor.p || !j.job.p || !j.channel.p || !j.case_id.p) {
        slot_busy(t, s, INTAKE_BUSY_MS);
        return;
    }
    intake_reminder_id(t->id_key, j.source, j.job, &j.rid);
    intake_debtor_id(t->id_key, j.source, j.debtor, &j.did);
    t->job_slots[t->job_n] = index;
    t->jobs[t->job_n++] = j;
}

/* Other bytes under a known id: the same content written differently is a duplicate. */
static bool is_same_job(turn *t, gw_str a, gw_str b)
{
    json_doc x;
    json_doc y;
    gw_arena_reset(t->scratch);
    return json_parse(a, t->scratch, &x, NULL) == GW_OK &&
           json_parse(b, t->scratch, &y, NULL) == GW_OK && json_same(&x, &y, "source");
}

static void answer(turn *t, uint32_t i)
{
    const state_job *j = &t->jobs[i];
    const state_accepted *a = &t->accepted[i];
    slot *s = &t->slots[t->job_slots[i]];
    char receipt[GW_ID_TEXT];
    gw_id_format(&j->rid, receipt);
    gw_str text = {receipt, GW_ID_TEXT - 1};
    switch (a->code) {
    case STATE_ACCEPTED:
        slot_accepted(t, s, j->job, text, (gw_wall){a->accepted_ms});
        t->news_jobs |= UINT64_C(1) << state_shard(&j->did);
        return;
    case STATE_DUPLICATE:
        slot_duplicate(t, s, j->job, text, (gw_wall){a->accepted_ms});
        return;
    case STATE_DIFFERENT:
        if (is_same_job(t, a->stored_body, j->body))
            slot_duplicate(t, s, j->job, text, (gw_wall){a->accepted_ms});
        else
            slot_rejected(t, s, "conflict",
                          "this job id was used with another content; use a new id", "/id");
        return;
    case STATE_ELSEWHERE:
        slot_rejected(t, s, "conflict", turn_elsewhere, "/id");
        return;
    case STATE_BUSY:
        slot_busy(t, s, INTAKE_BUSY_MS);
        return;
    case STATE_UNSURE:
        slot_busy(t, s, INTAKE_DOWN_MS);
        return;
    }
}

void turn_submit(turn *t)
{
    for (uint32_t i = 0; i < t->slot_n; i++) {
        const request *r = &t->requests[t->slots[i].request];
        if (!r->code && r->verb == VERB_SUBMIT)
            prepare(t, i);
    }
    if (t->job_n == 0)
        return;
    for (uint32_t i = 0; i < t->job_n; i++)
        t->accepted[i] = (state_accepted){.code = STATE_UNSURE};
    uint32_t bound = t->config->outbox_max ? t->config->outbox_max : INTAKE_OUTBOX_MAX;
    gw_err err;
    GW_CRASH_POINT("intake-before-accept");
    /* A failure leaves the jobs it could not be sure of UNSURE: they are answered busy. */
    gw_code rc =
        state_accept(t->store, t->jobs, t->job_n, t->now, bound, t->arena, t->accepted, &err);
    (void)rc;
    GW_CRASH_POINT("intake-after-accept");
    for (uint32_t i = 0; i < t->job_n; i++)
        answer(t, i);
}
