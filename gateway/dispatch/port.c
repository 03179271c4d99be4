/* port.c - the workers' socket: who is there, what they say, who has credit. */
#include "gateway/dispatch/core.h"

#include "gateway/base/log.h"
#include "gateway/dispatch/questions.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { FRAMES_MAX = 6 };

gw_code port_open(dispatch *d, gw_err *err)
{
    curve_options options = {.message_bytes_max = WIRE_MESSAGE_MAX,
                             .send_hwm = 4 * DISPATCH_CREDIT_MAX,
                             .receive_hwm = 4 * DISPATCH_CREDIT_MAX};
    gw_code rc = curve_server(d->cfg.zmq, ZMQ_ROUTER, d->cfg.worker_endpoint, d->cfg.pair,
                              ZAP_DOMAIN_WORKERS, &options, &d->router, d->endpoint, err);
    return rc == GW_OK ? zap_watch(d->cfg.zap, d->router, err) : rc;
}

/* Workers are not told to drain: they stay, and the next gateway finds them. */
void port_close(dispatch *d)
{
    for (size_t i = 0; i < d->worker_n; i++)
        free(d->workers[i]);
    d->worker_n = 0;
    if (d->router)
        zmq_close(d->router);
    d->router = NULL;
}

/* ---- sending ---- */

gw_code port_send(dispatch *d, const uint8_t *identity, size_t identity_n, const wire_header *h,
                  gw_str payload)
{
    gw_err err = {0};
    const char *type = wire_type_name(h->type);
    gw_buf_clear(&d->scratch);
    gw_code rc = wire_encode(h, &d->scratch, &err);
    if (rc != GW_OK) {
        gw_log(GW_LOG_ERROR, "message to a worker not sent", "type=%s text=\"%s\"", type, err.text);
        return GW_EINVAL;
    }
    gw_str frames[] = {{(const char *)identity, identity_n},
                       gw_str_of(WIRE_WORKER_PROTOCOL),
                       gw_str_of(type),
                       gw_buf_str(&d->scratch),
                       payload};
    size_t n = wire_payload_frames(h->type) ? 5 : 4;
    for (size_t i = 0; i < n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);
        /* Only the first frame may fail for a peer that is gone or full (ROUTER_MANDATORY). */
        if (zmq_send(d->router, frames[i].p ? frames[i].p : "", frames[i].n, flags) < 0)
            return errno == EHOSTUNREACH ? GW_ECLOSED : GW_EBUSY;
    }
    return GW_OK;
}

static wire_ref ref_of(const flight *f)
{
    return (wire_ref){gw_str_of(f->rid_text), f->attempt, gw_str_of(f->tok)};
}

void port_abort(dispatch *d, flight *f, const char *why)
{
    worker *w = f->worker;
    if (!w)
        return;
    wire_header h = {.type = WIRE_ABORT, .abort = {ref_of(f), gw_str_of(why)}};
    (void)port_send(d, w->identity, w->identity_n, &h,
                    (gw_str){NULL, 0}); /* gone: nothing to stop */
    d->status.aborts++;
}

void port_heartbeats(dispatch *d)
{
    gw_mono now = gw_mono_now();
    char boot[GW_ID_TEXT];
    gw_id_format(&d->owner, boot);
    wire_header h = {.type = WIRE_HEARTBEAT, .heartbeat = {gw_str_of(boot)}};
    for (size_t i = 0; i < d->worker_n; i++) {
        worker *w = d->workers[i];
        if (now.ms - w->told.ms < d->cfg.heartbeat_ms)
            continue;
        w->told = now;
        (void)port_send(d, w->identity, w->identity_n, &h, (gw_str){NULL, 0});
    }
}

/* ---- workers ---- */

worker *port_worker(dispatch *d, const uint8_t *identity, size_t n)
{
    for (size_t i = 0; i < d->worker_n; i++)
        if (d->workers[i]->identity_n == n && memcmp(d->workers[i]->identity, identity, n) == 0)
            return d->workers[i];
    return NULL;
}

static worker *add_worker(dispatch *d, gw_str identity, gw_str key_name)
{
    worker *w = d->worker_n < DISPATCH_WORKERS_MAX ? calloc(1, sizeof *w) : NULL;
    if (!w) {
        gw_log(GW_LOG_WARN, "worker not taken: too many", "most=%d", DISPATCH_WORKERS_MAX);
        return NULL;
    }
    memcpy(w->identity, identity.p, identity.n);
    w->identity_n = identity.n;
    snprintf(w->key_name, sizeof w->key_name, "%.*s", GW_STR_ARG(key_name));
    d->workers[d->worker_n++] = w;
    return w;
}

/* Of the workers that each keep a carrier's rate by themselves the first one works; the next one's
 * turn comes when it has left, or has drained to the last task. */
static bool stands_by(const dispatch *d, const worker *w)
{
    for (size_t i = 0; i < d->worker_n && w->alone; i++) {
        const worker *v = d->workers[i];
        bool at_work = v->ready && (!v->draining || v->outstanding > 0);
        if (v->alone && at_work && v->lane == w->lane && v->turn < w->turn)
            return true;
    }
    return false;
}

static bool may_take(const dispatch *d, const worker *w, char lane)
{
    return w->ready && !w->draining && w->lane == lane && w->outstanding < w->credit &&
           !stands_by(d, w);
}

worker *port_free_worker(dispatch *d, char lane)
{
    worker *best = NULL;
    for (size_t i = 0; i < d->worker_n; i++) {
        worker *w = d->workers[i];
        if (!may_take(d, w, lane))
            continue;
        if (!best || w->credit - w->outstanding > best->credit - best->outstanding)
            best = w;
    }
    return best;
}

size_t port_credit(const dispatch *d, char lane)
{
    size_t credit = 0;
    for (size_t i = 0; i < d->worker_n; i++) {
        const worker *w = d->workers[i];
        if (may_take(d, w, lane))
            credit += (size_t)(w->credit - w->outstanding);
    }
    return credit;
}

void port_release(flight *f)
{
    if (f->worker)
        f->worker->outstanding--;
    f->worker = NULL;
}

typedef struct {
    const worker *w;
    gw_mono now;
} leaving;

static void lose_flight(void *arg, flight *f)
{
    leaving *l = arg;
    if (f->worker != l->w)
        return;
    port_release(f);
    f->lost = true;
    f->since = l->now;
}

static void remove_worker(dispatch *d, size_t at, const char *why)
{
    worker *w = d->workers[at];
    leaving l = {w, gw_mono_now()};
    gw_log(GW_LOG_INFO, "worker left", "worker=%s why=%s outstanding=%d", w->name, why,
           w->outstanding);
    flight_each(&d->flights, lose_flight, &l);
    d->workers[at] = d->workers[--d->worker_n];
    free(w);
    d->busy = true;
}

void port_gone(dispatch *d, const worker *w)
{
    for (size_t i = 0; i < d->worker_n; i++)
        if (d->workers[i] == w) {
            remove_worker(d, i, "disconnected");
            return;
        }
}

static void lose_silent(dispatch *d)
{
    gw_mono now = gw_mono_now();
    for (size_t i = d->worker_n; i-- > 0;)
        if (now.ms - d->workers[i]->heard.ms > d->cfg.silence_ms)
            remove_worker(d, i, "silent");
}

/* ---- receiving ---- */

typedef struct {
    zmq_msg_t frames[FRAMES_MAX];
    int n;
} message;

static gw_str frame(message *m, int i)
{
    return (gw_str){zmq_msg_data(&m->frames[i]), zmq_msg_size(&m->frames[i])};
}

static void message_done(message *m)
{
    for (int i = 0; i < m->n; i++)
        zmq_msg_close(&m->frames[i]);
    m->n = 0;
}

/* False when nothing is there. Frames past the last that any message has are dropped. */
static bool message_read(dispatch *d, message *m)
{
    m->n = 0;
    for (bool more = true; more;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, d->router, m->n ? 0 : ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return m->n > 0;
        }
        more = zmq_msg_more(&part);
        if (m->n < FRAMES_MAX)
            m->frames[m->n++] = part;
        else
            zmq_msg_close(&part);
    }
    return true;
}

static void on_ready(dispatch *d, worker *w, const wire_ready *r)
{
    char lane = change_lane(r->channel);
    if (!lane || r->channel.n >= sizeof w->channel) {
        gw_log(GW_LOG_WARN, "worker of an unknown channel", "key=%s", w->key_name);
        return;
    }
    /* The same worker under a new connection: the old one is dead, its flights wait for the grace.
     */
    for (size_t i = d->worker_n; i-- > 0;)
        if (d->workers[i] != w && gw_str_is(r->worker, d->workers[i]->name) &&
            strcmp(d->workers[i]->key_name, w->key_name) == 0)
            remove_worker(d, i, "reconnected");
    bool fresh = !w->ready;
    if (fresh)
        gw_log(GW_LOG_INFO, "worker ready", "worker=%.*s key=%s credit=%d",
               r->worker.n > ZAP_NAME_MAX ? ZAP_NAME_MAX : (int)r->worker.n, r->worker.p,
               w->key_name, r->credit);
    snprintf(w->name, sizeof w->name, "%.*s", GW_STR_ARG(r->worker));
    snprintf(w->channel, sizeof w->channel, "%.*s", GW_STR_ARG(r->channel));
    w->lane = lane;
    w->credit = r->credit > DISPATCH_CREDIT_MAX ? DISPATCH_CREDIT_MAX : r->credit;
    w->ready = true;
    w->draining = false;
    w->alone = r->alone;
    if (fresh)
        w->turn = ++d->turns;
    if (fresh && stands_by(d, w))
        gw_log(GW_LOG_INFO, "worker stands by: a provider's rate allows one at a time", "worker=%s",
               w->name);
}

static void on_want(dispatch *d, worker *w, gw_str version)
{
    gw_str bytes;
    gw_err err = {0};
    if (template_cache_bundle(d->templates, version, &bytes, &err) != GW_OK) {
        gw_log(GW_LOG_ERROR, "template wanted by a worker is missing", "text=\"%s\"", err.text);
        return;
    }
    wire_header h = {.type = WIRE_TEMPLATE, .template = {version}};
    (void)port_send(d, w->identity, w->identity_n, &h, bytes);
}

static bool same_ref(const flight *f, const wire_ref *ref)
{
    return f && gw_str_is(ref->tok, f->tok) && ref->attempt == f->attempt;
}

static void on_intent(dispatch *d, worker *w, const wire_intent *in, message *m)
{
    gw_id rid;
    flight *f =
        gw_id_parse(in->ref.rid, &rid, NULL) == GW_OK ? flight_find(&d->flights, &rid) : NULL;
    if (!same_ref(f, &in->ref) || f->worker != w || f->state != LIFE_CLAIMED ||
        d->intent_n == DISPATCH_MESSAGES) {
        wire_header h = {.type = WIRE_ABORT, .abort = {in->ref, GW_STR("stale")}};
        (void)port_send(d, w->identity, w->identity_n, &h, (gw_str){NULL, 0});
        d->status.aborts++;
        return;
    }
    for (size_t i = 0; i < d->intent_n; i++)
        if (memcmp(d->intents[i].rid.b, rid.b, sizeof rid.b) == 0)
            return; /* said twice within one turn */
    intent_msg *im = &d->intents[d->intent_n];
    char *sha = gw_arena_copy(d->arena, in->sha256);
    char *id = gw_arena_copy(d->arena, in->message_id);
    char *tok = gw_arena_copy(d->arena, in->ref.tok);
    if (!sha || !id || !tok)
        return;
    *im = (intent_msg){.rid = rid,
                       .tok = {tok, in->ref.tok.n},
                       .message_id = {id, in->message_id.n},
                       .sha256 = {sha, in->sha256.n}};
    zmq_msg_init(&im->bytes);
    zmq_msg_move(&im->bytes, &m->frames[m->n - 1]);
    d->intent_n++;
}

static gw_str keep(char **at, gw_str s)
{
    gw_str kept = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

/* The gateway keeps the outcome itself until it is durable: a worker repeats it only after a new
 * connection. */
static void on_outcome(dispatch *d, worker *w, const wire_outcome *out, gw_str raw)
{
    gw_str *texts[16 + WIRE_RECIPIENTS_MAX];
    size_t n = 0, total = 0;
    outcome_msg head = {.out = *out, .raw = raw};
    gw_str *const fixed[] = {&head.out.ref.rid,
                             &head.out.ref.tok,
                             &head.out.enhanced,
                             &head.out.why,
                             &head.out.remote_host,
                             &head.out.remote_tls,
                             &head.out.provider,
                             &head.out.provider_ref,
                             &head.raw,
                             &head.out.call.amd,
                             &head.out.call.right_party,
                             &head.out.call.pressed,
                             &head.out.call.promise_date,
                             &head.out.call.ended_by};
    for (size_t i = 0; i < GW_COUNT(fixed); i++)
        texts[n++] = fixed[i];
    for (size_t i = 0; i < head.out.recipient_n; i++)
        texts[n++] = &head.out.recipients[i].enhanced;
    for (size_t i = 0; i < n; i++)
        total += texts[i]->n;
    if (gw_id_parse(out->ref.rid, &head.rid, NULL) != GW_OK)
        return;
    outcome_msg *o = malloc(sizeof *o + total);
    if (!o)
        return; /* the worker keeps it: no SEEN */
    char *at = (char *)(o + 1);
    for (size_t i = 0; i < n; i++)
        *texts[i] = keep(&at, *texts[i]);
    *o = head;
    memcpy(o->identity, w->identity, w->identity_n);
    o->identity_n = w->identity_n;
    *d->outcomes_end = o;
    d->outcomes_end = &o->next;
    d->outcome_n++;
}

static void handle(dispatch *d, worker *w, wire_header *h, message *m)
{
    gw_str payload = wire_payload_frames(h->type) ? frame(m, m->n - 1) : (gw_str){NULL, 0};
    switch (h->type) {
    case WIRE_READY:
        on_ready(d, w, &h->ready);
        break;
    case WIRE_WANT:
        on_want(d, w, h->template.template);
        break;
    case WIRE_INTENT:
        on_intent(d, w, &h->intent, m);
        break;
    case WIRE_OUTCOME:
        on_outcome(d, w, &h->outcome, payload);
        break;
    case WIRE_PULLED:
        questions_answer(d, &h->pulled, payload);
        break;
    case WIRE_DRAIN:
        w->draining = true;
        break;
    case WIRE_HEARTBEAT:
        break;
    default: /* the gateway's own words */
        gw_log(GW_LOG_WARN, "worker says what only gateways say", "key=%s type=%s", w->key_name,
               wire_type_name(h->type));
    }
}

/* It lives, but we do not count on it: it was silent too long, or we are new. A boot that is
 * nobody's makes it forget what had no GO and say READY again; ours follows at once, so that it
 * does so before we give it anything. */
static void ask_ready(dispatch *d, worker *w)
{
    gw_mono now = gw_mono_now();
    char boot[GW_ID_TEXT];
    if (now.ms - w->told.ms < d->cfg.heartbeat_ms)
        return;
    w->told = now;
    gw_id_format(&d->owner, boot);
    const char *boots[] = {"nobody", boot};
    for (size_t i = 0; i < GW_COUNT(boots); i++) {
        wire_header h = {.type = WIRE_HEARTBEAT, .heartbeat = {gw_str_of(boots[i])}};
        (void)port_send(d, w->identity, w->identity_n, &h, (gw_str){NULL, 0});
    }
}

static void take_message(dispatch *d, message *m)
{
    zap_role role;
    gw_str key_name;
    if (m->n < 4 || frame(m, 0).n > CORE_IDENTITY_MAX ||
        !gw_str_is(frame(m, 1), WIRE_WORKER_PROTOCOL))
        return;
    if (!zap_user(&m->frames[m->n - 1], &role, &key_name) || role != ZAP_WORKER ||
        !zap_allows(d->cfg.zap, &m->frames[m->n - 1]))
        return;
    gw_err err = {0};
    wire_header *h = gw_arena_alloc(d->arena, sizeof *h);
    if (!h)
        return;
    gw_code rc = wire_decode(frame(m, 2), frame(m, 3), d->arena, h, &err);
    if (rc != GW_OK || m->n != 4 + wire_payload_frames(h->type)) {
        gw_log(GW_LOG_WARN, "worker message not understood", "key=%.*s text=\"%s\"",
               GW_STR_ARG(key_name), err.text);
        return;
    }
    gw_str identity = frame(m, 0);
    worker *w = port_worker(d, (const uint8_t *)identity.p, identity.n);
    if (!w)
        w = add_worker(d, identity, key_name);
    if (!w)
        return;
    w->heard = gw_mono_now();
    if (h->type != WIRE_HEARTBEAT)
        d->busy = true;
    handle(d, w, h, m);
    if (!w->ready && !w->draining)
        ask_ready(d, w);
}

void port_receive(dispatch *d, int wait_ms)
{
    zmq_pollitem_t items[] = {{.socket = d->router, .events = ZMQ_POLLIN},
                              {.fd = d->wake_fd, .events = ZMQ_POLLIN}};
    int n = zmq_poll(items, GW_COUNT(items), wait_ms);
    if (n > 0 && (items[1].revents & ZMQ_POLLIN)) {
        uint64_t times;
        ssize_t ignored = read(d->wake_fd, &times, sizeof times);
        (void)ignored;
    }
    size_t bytes = 0;
    for (int i = 0; i < DISPATCH_MESSAGES && bytes < DISPATCH_TURN_BYTES; i++) {
        message m;
        if (!message_read(d, &m))
            break;
        for (int k = 0; k < m.n; k++)
            bytes += zmq_msg_size(&m.frames[k]);
        take_message(d, &m);
        message_done(&m);
    }
    lose_silent(d);
}
