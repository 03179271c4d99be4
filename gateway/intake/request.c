#include "gateway/intake/turn.h"

#include "gateway/base/log.h"

bool turn_has_room(const turn *t)
{
    return t->request_n < TURN_REQUESTS_MAX && t->slot_n < INTAKE_TURN_BODIES &&
           t->bytes < INTAKE_TURN_BYTES;
}

/* ---- receiving ---- */

static bool frame_is(zmq_msg_t *m, const char *text)
{
    return gw_str_is((gw_str){zmq_msg_data(m), zmq_msg_size(m)}, text);
}

static void refuse(request *r, const char *code, const char *reason)
{
    if (r->code) /* the first reason is the one that helps */
        return;
    r->code = code;
    r->reason = reason;
}

/* The frames before the bodies, by position behind the optional empty one. */
static void take_head(request *r, int position, zmq_msg_t *m)
{
    switch (position) {
    case 0:
        if (!frame_is(m, WIRE_INTAKE_PROTOCOL))
            refuse(r, "malformed", "the first frame must be DUN1");
        break;
    case 1:
        r->verb = verb_find((gw_str){zmq_msg_data(m), zmq_msg_size(m)});
        if (r->verb == VERB_COUNT)
            refuse(r, "malformed",
                   "unknown verb; one of submit item payment promise dispute debtor consent hold "
                   "hours cancel query clock pause resume windows retry call reply is expected");
        break;
    default:
        if (zmq_msg_size(m) > sizeof r->id) {
            refuse(r, "malformed", "the request id is longer than 128 bytes");
            break;
        }
        r->id_n = zmq_msg_size(m);
        memcpy(r->id, zmq_msg_data(m), r->id_n);
    }
}

/* A body goes into the next slot; past a limit it is read away and the message refused. */
static void take_body(turn *t, request *r, zmq_msg_t *m, size_t bytes)
{
    if (bytes > INTAKE_MESSAGE_MAX)
        refuse(r, "too-large", "the message is larger than 32 MiB; send smaller batches");
    else if (r->n == INTAKE_BODIES_MAX)
        refuse(r, "too-large", "the message has more than 4096 bodies; send smaller batches");
    if (r->code)
        return;
    slot *s = &t->slots[t->slot_n++];
    *s = (slot){.request = t->request_n};
    zmq_msg_init(&s->body);
    zmq_msg_move(&s->body, m);
    r->n++;
}

static void identify(turn *t, request *r, zmq_msg_t *m, zap *z)
{
    gw_str who;
    if (!zap_user(m, &r->role, &who)) {
        refuse(r, "refused", "the connection has no identity");
        return;
    }
    char *copy = gw_arena_copy(t->arena, who);
    r->who = copy ? (gw_str){copy, who.n} : GW_STR("");
    if (!copy || !zap_allows(z, m))
        refuse(r, "refused", "this key was revoked");
}

static bool has_more(zmq_msg_t *m)
{
    return zmq_msg_more(m) != 0;
}

bool turn_take(turn *t, zap *z)
{
    request *r = &t->requests[t->request_n];
    *r = (request){.verb = VERB_COUNT, .first = t->slot_n};
    zmq_msg_init(&r->route);
    if (zmq_msg_recv(&r->route, t->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&r->route);
        return false;
    }
    zmq_msg_t m;
    size_t bytes = 0;
    int position = 0;
    bool more = has_more(&r->route);
    zmq_msg_init(&m);
    while (more && zmq_msg_recv(&m, t->socket, 0) >= 0) {
        more = has_more(&m);
        bytes += zmq_msg_size(&m);
        if (position == 0 && !r->delimited && zmq_msg_size(&m) == 0) {
            r->delimited = true;
            continue;
        }
        if (position == 0)
            identify(t, r, &m, z);
        if (position < 3)
            take_head(r, position++, &m);
        else
            take_body(t, r, &m, bytes);
    }
    zmq_msg_close(&m);
    if (position < 3)
        refuse(r, "malformed",
               "the frames DUN1, verb, request id and at least one body are "
               "expected");
    else if (r->n == 0)
        refuse(r, "malformed", "at least one body frame is expected");
    t->bytes += bytes;
    t->request_n++;
    t->counts.messages++;
    return true;
}

/* ---- verdicts ---- */

static size_t begin(turn *t, slot *s)
{
    s->at = t->reply.n;
    return s->at;
}

static void end(turn *t, slot *s)
{
    s->n = t->reply.n - s->at;
}

void slot_accepted(turn *t, slot *s, gw_str id, gw_str receipt, gw_wall at)
{
    begin(t, s);
    verdict_accepted(&t->reply, id, receipt, at);
    end(t, s);
    t->counts.accepted++;
}

void slot_duplicate(turn *t, slot *s, gw_str id, gw_str receipt, gw_wall at)
{
    begin(t, s);
    verdict_duplicate(&t->reply, id, receipt, at);
    end(t, s);
    t->counts.duplicate++;
}

void slot_rejected(turn *t, slot *s, const char *code, const char *reason, const char *pointer)
{
    begin(t, s);
    verdict_rejected(&t->reply, code, reason, pointer);
    end(t, s);
    t->counts.rejected++;
}

void slot_busy(turn *t, slot *s, int retry_after_ms)
{
    begin(t, s);
    verdict_busy(&t->reply, retry_after_ms);
    end(t, s);
    t->counts.busy++;
}

void slot_failed(turn *t, slot *s, gw_code code, const gw_err *err)
{
    static const struct {
        gw_code code;
        const char *verdict;
    } rows[] = {
        {GW_EINVAL, "invalid"},     {GW_ENOTFOUND, "unknown-job"}, {GW_EREFUSED, "refused"},
        {GW_ECONFLICT, "too-late"}, {GW_ELIMIT, "too-large"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        if (rows[i].code == code) {
            slot_rejected(t, s, rows[i].verdict, err->text, NULL);
            return;
        }
    slot_busy(t, s, INTAKE_DOWN_MS); /* unknown or not now: the client repeats it */
}

/* ---- opening a body ---- */

/* Whom the body is about: a client itself, for an operator the named one. */
static bool find_source(turn *t, slot *s, const request *r, opened *o)
{
    const char *member = r->verb == VERB_CONSENT ? "of" : "source";
    const char *pointer = r->verb == VERB_CONSENT ? "/of" : "/source";
    gw_str named = json_get_str(&o->doc, 0, member);
    o->source = r->role == ZAP_CLIENT ? r->who : named;
    if (r->role == ZAP_CLIENT && named.n && !gw_str_eq(named, r->who)) {
        slot_rejected(t, s, "refused", "a billing system acts for itself only", pointer);
        return false;
    }
    verb_kind kind = verb_of(r->verb)->kind;
    if (!o->source.n && (kind == VERB_JOB || kind == VERB_EVENT || r->verb == VERB_CANCEL)) {
        slot_rejected(t, s, "invalid", "an operator must name the billing system here", pointer);
        return false;
    }
    return true;
}

bool slot_open(turn *t, slot *s, gw_arena *arena, opened *ret)
{
    const request *r = &t->requests[s->request];
    gw_str body = slot_body(s);
    gw_err err;
    schema_fault fault;
    if (verb_of(r->verb)->operators_only && r->role != ZAP_OPERATOR) {
        slot_rejected(t, s, "refused", "this verb is for operators", NULL);
        return false;
    }
    if (r->role == ZAP_AGENT && r->verb != VERB_CALL && r->verb != VERB_QUERY) {
        slot_rejected(t, s, "refused", "an agent's key works the call desk only", NULL);
        return false;
    }
    if (body.n > INTAKE_BODY_MAX) {
        slot_rejected(t, s, "too-large", "a body has at most 65536 bytes; move bulk out of it",
                      NULL);
        return false;
    }
    gw_code rc = json_parse(body, arena, &ret->doc, &err);
    if (rc != GW_OK) {
        slot_rejected(t, s, rc == GW_ELIMIT ? "too-large" : "malformed", err.text, NULL);
        return false;
    }
    if (!schema_check(t->schemas[r->verb], &ret->doc, 0, &fault)) {
        slot_rejected(t, s, "invalid", fault.what, fault.pointer);
        return false;
    }
    return find_source(t, s, r, ret);
}

/* ---- replying ---- */

static const char hopeless[] = "{\"verdict\":\"busy\",\"retry_after_ms\":1000}";

static bool send_part(turn *t, const void *bytes, size_t n, bool last)
{
    return zmq_send(t->socket, bytes, n, ZMQ_DONTWAIT | (last ? 0 : ZMQ_SNDMORE)) >= 0;
}

static bool send_verdicts(turn *t, const request *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        gw_str text = turn_verdict(t, &t->slots[r->first + i]);
        if (!send_part(t, text.p, text.n, i + 1 == r->n))
            return false;
    }
    return true;
}

/* With ROUTER_MANDATORY the first frame fails when the client is gone or does not read; the rest of
 * a message that was begun is always taken. */
static bool send_reply(turn *t, request *r)
{
    if (zmq_msg_send(&r->route, t->socket, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return false;
    bool sent = !r->delimited || send_part(t, "", 0, false);
    sent =
        sent && send_part(t, WIRE_INTAKE_PROTOCOL, 4, false) && send_part(t, r->id, r->id_n, false);
    if (!r->code)
        return sent && send_verdicts(t, r);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, VERDICT_MAX);
    verdict_rejected(&b, r->code, r->reason, NULL);
    gw_str text = b.code == GW_OK ? gw_buf_str(&b) : GW_STR(hopeless);
    t->counts.rejected++;
    return sent && send_part(t, text.p, text.n, true);
}

void turn_send(turn *t)
{
    for (uint32_t i = 0; i < t->request_n; i++) {
        request *r = &t->requests[i];
        if (!send_reply(t, r)) {
            t->counts.unsent++; /* the client asks again and gets the same receipts */
            zmq_msg_close(&r->route);
        }
    }
    turn_clear(t);
}
