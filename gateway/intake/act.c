#include "gateway/intake/turn.h"

#include "gateway/base/time.h"
#include "gateway/intake/rules.h"
#include "gateway/intake/windows.h"
#include "gateway/wire/event.h"

enum { FIELD_MAX = 256, PAUSE_MAX = 4096 };

static const char unavailable[] = "this gateway does not run the part that answers this";

/* ---- pause and resume ---- */

/* "all", "channel:email", "template:NAME" or "timing:SOURCE". False: several were named. */
static bool pause_field(const json_doc *d, gw_buf *ret)
{
    gw_str channel = json_get_str(d, 0, "channel");
    gw_str template = json_get_str(d, 0, "template");
    gw_str timing = json_get_str(d, 0, "timing");
    if (!!channel.n + !!template.n + !!timing.n > 1)
        return false;
    gw_buf_puts(ret, channel.n    ? "channel:"
                     : template.n ? "template:"
                     : timing.n   ? "timing:"
                                  : "all");
    gw_buf_put_str(ret, channel.n ? channel : template.n ? template : timing);
    return true;
}

static gw_str who_ordered(const intake_ask *ask)
{
    gw_str by = json_get_str(ask->body, 0, "by");
    return by.n ? by : ask->who;
}

/* {"by":..,"since":..,"reason":..} as dl:control keeps it. */
static void put_pause(gw_buf *b, const intake_ask *ask)
{
    char now[GW_TIME_TEXT];
    gw_str reason = json_get_str(ask->body, 0, "reason");
    gw_time_format(ask->now, now);
    gw_buf_putc(b, '{');
    json_put_member_str(b, "by", who_ordered(ask));
    json_put_member_str(b, "since", gw_str_of(now));
    if (reason.n)
        json_put_member_str(b, "reason", reason);
    gw_buf_putc(b, '}');
}

/* The act's evidence: x-Operator, bound to no debtor. */
static gw_code record_pause(const intake_ask *ask, gw_str field, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf priv;
    gw_buf_init(&fact, PAUSE_MAX);
    gw_buf_init(&priv, PAUSE_MAX);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "what", field);
    gw_buf_putc(&fact, '}');
    put_pause(&priv, ask);
    state_record record = {
        .event = EVENT_OPERATOR,
        .t = ask->now,
        .source = GW_STR(""),
        .debtor = GW_STR(""),
        .case_id = GW_STR(""),
        .rid = GW_STR(""),
        .why = gw_str_of(verb_of(ask->verb)->name),
        .fact = gw_buf_str(&fact),
        .priv = gw_buf_str(&priv),
        .blobs = GW_STR(""),
    };
    state_txn txn = {.debtor_version = -1, .version = -1, .records = &record, .record_n = 1};
    state_verdict verdict;
    gw_code rc = state_apply(ask->store, &txn, 1, &verdict, err);
    if (rc == GW_OK && verdict != STATE_OK)
        rc = gw_fail(err, GW_EBUSY, "recording a pause");
    return rc;
}

static gw_code pause_or_resume(const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf field;
    GW_AUTO_BUF gw_buf json;
    gw_buf_init(&field, FIELD_MAX);
    gw_buf_init(&json, PAUSE_MAX);
    if (!pause_field(ask->body, &field))
        return gw_fail(err, GW_EINVAL, "name one of channel, template and timing");
    if (ask->verb == VERB_PAUSE)
        put_pause(&json, ask);
    gw_code rc = gw_buf_code(&json, "a pause", err);
    if (rc == GW_OK)
        rc = state_control_set(ask->store, gw_buf_str(&field),
                               json.n ? gw_buf_str(&json) : (gw_str){NULL, 0}, err);
    if (rc == GW_OK)
        rc = record_pause(ask, gw_buf_str(&field), err);
    if (rc == GW_OK)
        verdict_accepted(ret, gw_buf_str(&field), GW_STR(""), ask->now);
    return rc;
}

/* ---- windows of the house ---- */

static gw_code change_windows(const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    const windows_act act = {.by = who_ordered(ask),
                             .key = ask->who,
                             .reason = json_get_str(ask->body, 0, "reason"),
                             .now = ask->now};
    bool changed;
    gw_code rc = windows_apply(ask->store, "windows", json_get_str(ask->body, 0, "text"), &act,
                               ask->arena, &changed, err);
    if (rc == GW_EEXIST)
        rc = GW_EINVAL;
    if (rc != GW_OK)
        return rc;
    if (changed)
        verdict_accepted(ret, GW_STR("windows"), GW_STR(""), ask->now);
    else
        verdict_duplicate(ret, GW_STR("windows"), GW_STR(""), ask->now);
    return GW_OK;
}

/* ---- rules ---- */

static gw_code change_rules(const turn *t, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    const rules_act act = {.by = who_ordered(ask),
                           .key = ask->who,
                           .reason = json_get_str(ask->body, 0, "reason"),
                           .expect = json_get_str(ask->body, 0, "expect"),
                           .now = ask->now};
    bool changed;
    if (!t->config->rules) {
        verdict_rejected(ret, "unavailable", unavailable, NULL);
        return GW_OK;
    }
    gw_code rc = rules_apply(ask->store, t->config->rules, &act, ask->arena, &changed, err);
    if (rc == GW_EEXIST || rc == GW_ENOTFOUND || rc == GW_ELIMIT)
        rc = GW_EINVAL; /* a file is wrong: nothing that waiting or another name would mend */
    if (rc == GW_ECONFLICT)
        rc = GW_EREFUSED;
    if (rc != GW_OK)
        return rc;
    if (changed)
        verdict_accepted(ret, GW_STR("rules"), GW_STR(""), ask->now);
    else
        verdict_duplicate(ret, GW_STR("rules"), GW_STR(""), ask->now);
    return GW_OK;
}

/* ---- dispatch's acts and questions ---- */

static bool is_one_of_two(const json_doc *d, const char *a, const char *b)
{
    return (json_member(d, 0, a) != 0) != (json_member(d, 0, b) != 0);
}

/* The bodies inside of a dry run hold to the schemas of their verbs. */
static gw_code check_parts(const turn *t, const intake_ask *ask, gw_err *err)
{
    static const struct {
        const char *member;
        verb verb;
    } parts[] = {{"job", VERB_SUBMIT}, {"debtor", VERB_DEBTOR}, {"item", VERB_ITEM}};
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        schema_fault fault;
        uint32_t at = json_member(ask->body, 0, parts[i].member);
        if (at && !schema_check(t->schemas[parts[i].verb], ask->body, at, &fault))
            return gw_fail(err, GW_EINVAL, "%s: %s", fault.pointer, fault.what);
    }
    if (!is_one_of_two(ask->body, "job", "item"))
        return gw_fail(err, GW_EINVAL, "name either a job or an item");
    return GW_OK;
}

static gw_code perform(const turn *t, const intake_ask *ask, gw_buf *ret, gw_err *err)
{
    const intake_calls *calls = &t->config->calls;
    if (ask->verb == VERB_PAUSE || ask->verb == VERB_RESUME)
        return pause_or_resume(ask, ret, err);
    if (ask->verb == VERB_WINDOWS)
        return change_windows(ask, ret, err);
    if (ask->verb == VERB_RULES)
        return change_rules(t, ask, ret, err);
    if (ask->verb == VERB_CLOCK && !is_one_of_two(ask->body, "set", "release"))
        return gw_fail(err, GW_EINVAL, "name either set or release");
    if (ask->verb == VERB_TRY) {
        gw_code rc = check_parts(t, ask, err);
        if (rc != GW_OK)
            return rc;
    }
    bool asks = verb_of(ask->verb)->kind == VERB_ASK;
    if (asks ? !calls->query : !calls->act) {
        verdict_rejected(ret, "unavailable", unavailable, NULL);
        return GW_OK;
    }
    return asks ? calls->query(calls->context, ask, ret, err)
                : calls->act(calls->context, ask, ret, err);
}

static void act(turn *t, slot *s)
{
    const request *r = &t->requests[s->request];
    opened o;
    gw_err err = {0};
    if (!slot_open(t, s, t->arena, &o))
        return;
    intake_ask ask = {
        .verb = r->verb,
        .role = r->role,
        .who = r->who,
        .source = o.source,
        .body = &o.doc,
        .now = t->now,
        .store = t->store,
        .arena = t->arena,
    };
    GW_AUTO_BUF gw_buf answer;
    gw_buf_init(&answer, INTAKE_ANSWER_MAX);
    gw_code rc = perform(t, &ask, &answer, &err);
    if (rc == GW_OK)
        rc = gw_buf_code(&answer, "the answer", &err);
    if (rc != GW_OK) {
        slot_failed(t, s, rc, &err);
        return;
    }
    s->at = t->reply.n;
    gw_buf_put_str(&t->reply, gw_buf_str(&answer));
    s->n = t->reply.n - s->at;
    t->counts.answered++;
    if (verb_of(r->verb)->kind == VERB_ACT)
        t->news = UINT64_MAX;
}

void turn_acts(turn *t)
{
    for (uint32_t i = 0; i < t->slot_n; i++) {
        slot *s = &t->slots[i];
        const request *r = &t->requests[s->request];
        verb_kind kind = r->code ? VERB_JOB : verb_of(r->verb)->kind;
        if (!s->n && (kind == VERB_ACT || kind == VERB_ASK))
            act(t, s);
    }
}
