#include "gateway/client/dunlin.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/wire/curve.h"
#include "gateway/wire/verb.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <zmq.h>

enum {
    CHUNK_BODIES = 1000, /* bodies of one message; the gateway takes 4096 */
    CHUNK_BYTES = 8 * 1024 * 1024,
    WINDOW = 8,                      /* messages on their way at once */
    ANSWER_BYTES = 16 * 1024 * 1024, /* of one answer frame */
    TIMEOUT_MS = 30000,
    BUSY_MS = 60000,
    VERDICT_ARENA = 256 * 1024,
};

struct dunlin {
    void *zmq, *socket;
    void *monitor; /* says when the connection was lost */
    int timeout_ms, busy_ms;
    uint64_t serial;
    gw_arena *answers; /* verdict texts of the last call */
    gw_arena *scratch;
    char error[256];
};

/* A message on its way: bodies order[first .. first + n). */
typedef struct {
    uint64_t serial;
    size_t first, n;
} chunk;

typedef struct {
    dunlin *d;
    const char *verb;
    const dunlin_body *bodies;
    dunlin_verdict *ret;
    size_t *order; /* indexes into bodies, of those to send in this round */
    size_t todo, sent;
    chunk window[WINDOW];
    size_t in_flight;
    gw_mono since; /* of the last answer: timeout_ms counts from here, not from a lost connection */
} call;

static dunlin_code fail(dunlin *d, dunlin_code code, const char *text)
{
    snprintf(d->error, sizeof d->error, "%s", text);
    return code;
}

const char *dunlin_error(const dunlin *d)
{
    return d->error;
}

const char *dunlin_version(void)
{
    return DUNLIN_VERSION;
}

/* A lost connection takes what was on its way with it; only the monitor tells. */
static gw_code watch_socket(dunlin *d, gw_err *err)
{
    static const char endpoint[] = "inproc://connection";
    d->monitor = zmq_socket(d->zmq, ZMQ_PAIR);
    if (!d->monitor || zmq_socket_monitor(d->socket, endpoint, ZMQ_EVENT_DISCONNECTED) != 0 ||
        zmq_connect(d->monitor, endpoint) != 0)
        return gw_fail(err, GW_EIO, "watching the connection: %s", zmq_strerror(zmq_errno()));
    return GW_OK;
}

static gw_code connect_socket(dunlin *d, const dunlin_options *o, gw_err *err)
{
    curve_pair pair = {0};
    if (!curve_is_key(gw_str_of(o->server_key)) || !curve_is_key(gw_str_of(o->secret_key)))
        return gw_fail(err, GW_EINVAL, "server_key and secret_key must be 40 characters of Z85");
    memcpy(pair.secret_key, o->secret_key, CURVE_KEY_TEXT);
    if (zmq_curve_public(pair.public_key, pair.secret_key) != 0)
        return gw_fail(err, GW_EINVAL, "secret_key is not a CURVE key");
    const curve_options options = {.message_bytes_max = ANSWER_BYTES};
    gw_code rc = curve_client(d->zmq, ZMQ_DEALER, o->endpoint, o->server_key, &pair, &options,
                              &d->socket, err);
    curve_wipe(&pair);
    /* A refused key leaves no connection to write into: give up in time there too. */
    if (rc == GW_OK &&
        zmq_setsockopt(d->socket, ZMQ_SNDTIMEO, &d->timeout_ms, sizeof d->timeout_ms) != 0)
        return gw_fail(err, GW_EIO, "opening a connection: %s", zmq_strerror(zmq_errno()));
    return rc == GW_OK ? watch_socket(d, err) : rc;
}

static gw_code open_into(dunlin *d, const dunlin_options *o, gw_err *err)
{
    if (!o || !o->endpoint || !o->server_key || !o->secret_key)
        return gw_fail(err, GW_EINVAL, "endpoint, server_key and secret_key are needed");
    d->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
    d->busy_ms = o->busy_ms ? o->busy_ms : BUSY_MS;
    d->answers = gw_arena_new(SIZE_MAX / 4);
    d->scratch = gw_arena_new(VERDICT_ARENA);
    d->zmq = zmq_ctx_new();
    if (!d->answers || !d->scratch || !d->zmq)
        return gw_fail(err, GW_ENOMEM, "opening a connection: out of memory");
    return connect_socket(d, o, err);
}

dunlin_code dunlin_open(const dunlin_options *options, dunlin **ret, char *why, size_t why_bytes)
{
    gw_err err = {0};
    dunlin *d = sodium_init() < 0 ? NULL : calloc(1, sizeof *d);
    gw_code rc = d ? open_into(d, options, &err) : gw_fail(&err, GW_ENOMEM, "out of memory");
    if (rc == GW_OK) {
        *ret = d;
        return DUNLIN_OK;
    }
    if (why && why_bytes)
        snprintf(why, why_bytes, "%s", err.text);
    dunlin_close(d);
    return rc == GW_EINVAL ? DUNLIN_EINVAL : rc == GW_ENOMEM ? DUNLIN_ENOMEM : DUNLIN_EIO;
}

void dunlin_close(dunlin *d)
{
    if (!d)
        return;
    if (d->socket)
        zmq_close(d->socket);
    if (d->monitor)
        zmq_close(d->monitor);
    if (d->zmq)
        zmq_ctx_term(d->zmq);
    gw_arena_free(d->answers);
    gw_arena_free(d->scratch);
    free(d);
}

/* ---- sending ---- */

static dunlin_code send_frame(dunlin *d, const void *bytes, size_t n, bool more)
{
    while (zmq_send(d->socket, bytes, n, more ? ZMQ_SNDMORE : 0) < 0) {
        if (zmq_errno() == EAGAIN)
            return fail(d, DUNLIN_ETIMEOUT, "the gateway takes nothing; is it running?");
        if (zmq_errno() != EINTR)
            return fail(d, DUNLIN_EIO, zmq_strerror(zmq_errno()));
    }
    return DUNLIN_OK;
}

/* How many of the bodies from `first` on fit one message. */
static size_t chunk_size(const call *c, size_t first)
{
    size_t n = 0;
    size_t bytes = 0;
    while (first + n < c->todo && n < CHUNK_BODIES) {
        bytes += c->bodies[c->order[first + n]].bytes;
        if (n && bytes > CHUNK_BYTES)
            break;
        n++;
    }
    return n;
}

static dunlin_code send_message(call *c, chunk *k)
{
    dunlin *d = c->d;
    k->serial = ++d->serial;
    char id[24];
    int id_n = snprintf(id, sizeof id, "%llu", (unsigned long long)k->serial);
    dunlin_code rc = send_frame(d, WIRE_INTAKE_PROTOCOL, strlen(WIRE_INTAKE_PROTOCOL), true);
    if (rc == DUNLIN_OK)
        rc = send_frame(d, c->verb, strlen(c->verb), true);
    if (rc == DUNLIN_OK)
        rc = send_frame(d, id, (size_t)id_n, true);
    for (size_t i = 0; i < k->n && rc == DUNLIN_OK; i++) {
        const dunlin_body *b = &c->bodies[c->order[k->first + i]];
        rc = send_frame(d, b->json, b->bytes, i + 1 < k->n);
    }
    return rc;
}

static dunlin_code send_chunk(call *c)
{
    chunk *k = &c->window[c->in_flight];
    *k = (chunk){.first = c->sent, .n = chunk_size(c, c->sent)};
    dunlin_code rc = send_message(c, k);
    if (rc == DUNLIN_OK) {
        c->sent += k->n;
        c->in_flight++;
    }
    return rc;
}

/* Was the connection lost since the last look? */
static bool was_cut(dunlin *d)
{
    bool cut = false;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, d->monitor, ZMQ_DONTWAIT) >= 0)
        cut = true;
    zmq_msg_close(&msg);
    return cut;
}

/* Everything unanswered again, under new serials: the ids make it safe. */
static dunlin_code send_again(call *c)
{
    dunlin_code rc = DUNLIN_OK;
    for (size_t i = 0; i < c->in_flight && rc == DUNLIN_OK; i++)
        rc = send_message(c, &c->window[i]);
    return rc;
}

/* ---- receiving ---- */

static dunlin_kind kind_of(dunlin *d, gw_str json)
{
    static const struct {
        const char *word;
        dunlin_kind kind;
    } words[] = {
        {"accepted", DUNLIN_ACCEPTED},
        {"duplicate", DUNLIN_DUPLICATE},
        {"rejected", DUNLIN_REJECTED},
        {"busy", DUNLIN_BUSY},
    };
    gw_arena_reset(d->scratch);
    json_doc doc;
    if (json.n > VERDICT_ARENA / 16 || json_parse(json, d->scratch, &doc, NULL) != GW_OK)
        return DUNLIN_ANSWER; /* answers may be large; verdicts are not */
    gw_str word = json_get_str(&doc, 0, "verdict");
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (gw_str_is(word, words[i].word))
            return words[i].kind;
    return DUNLIN_ANSWER;
}

typedef struct {
    zmq_msg_t msg;
    bool more;
} frame;

static bool receive_frame(dunlin *d, frame *f)
{
    zmq_msg_init(&f->msg);
    while (zmq_msg_recv(&f->msg, d->socket, 0) < 0)
        if (zmq_errno() != EINTR)
            return false;
    f->more = zmq_msg_more(&f->msg);
    return true;
}

static gw_str frame_str(frame *f)
{
    return (gw_str){zmq_msg_data(&f->msg), zmq_msg_size(&f->msg)};
}

static chunk *find_chunk(call *c, gw_str id)
{
    for (size_t i = 0; i < c->in_flight; i++) {
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)c->window[i].serial);
        if (gw_str_is(id, text))
            return &c->window[i];
    }
    return NULL; /* an answer to a call that gave up */
}

/* Verdicts of one message. A single one for several bodies is about the whole message. */
static dunlin_code take_verdicts(call *c, chunk *k, frame *f)
{
    dunlin *d = c->d;
    size_t i = 0;
    while (f->more) {
        zmq_msg_close(&f->msg);
        if (!receive_frame(d, f))
            return fail(d, DUNLIN_EIO, zmq_strerror(zmq_errno()));
        if (!k)
            continue;
        gw_str json = frame_str(f);
        char *text = gw_arena_copy(d->answers, json);
        if (!text)
            return fail(d, DUNLIN_ENOMEM, "out of memory");
        dunlin_verdict v = {kind_of(d, json), text, json.n};
        size_t last = i == 0 && !f->more ? k->n : i + 1;
        for (; i < last && i < k->n; i++)
            c->ret[c->order[k->first + i]] = v;
    }
    if (k && i < k->n)
        return fail(d, DUNLIN_EPROTO, "the gateway answered with fewer verdicts than bodies");
    if (k) {
        *k = c->window[c->in_flight - 1];
        c->in_flight--;
    }
    return DUNLIN_OK;
}

static dunlin_code receive_answer(call *c)
{
    dunlin *d = c->d;
    zmq_pollitem_t items[] = {
        {.socket = d->socket, .events = ZMQ_POLLIN},
        {.socket = d->monitor, .events = ZMQ_POLLIN},
    };
    int64_t left_ms = c->since.ms + d->timeout_ms - gw_mono_now().ms;
    int n = zmq_poll(items, 2, left_ms > 0 ? left_ms : 0);
    if (n == 0 || (left_ms <= 0 && !(items[0].revents & ZMQ_POLLIN)))
        return fail(d, DUNLIN_ETIMEOUT, "no answer in time; sending the same ids again is safe");
    if (n < 0)
        return zmq_errno() == EINTR ? DUNLIN_OK : fail(d, DUNLIN_EIO, zmq_strerror(zmq_errno()));
    if (!(items[0].revents & ZMQ_POLLIN))
        return was_cut(d) ? send_again(c) : DUNLIN_OK;
    frame f;
    if (!receive_frame(d, &f))
        return fail(d, DUNLIN_EIO, zmq_strerror(zmq_errno()));
    bool ours = gw_str_is(frame_str(&f), WIRE_INTAKE_PROTOCOL) && f.more;
    chunk *k = NULL;
    if (ours) {
        zmq_msg_close(&f.msg);
        if (!receive_frame(d, &f))
            return fail(d, DUNLIN_EIO, zmq_strerror(zmq_errno()));
        k = find_chunk(c, frame_str(&f));
    }
    dunlin_code rc = take_verdicts(c, k, &f);
    c->since = gw_mono_now();
    zmq_msg_close(&f.msg);
    return ours ? rc : fail(d, DUNLIN_EPROTO, "the peer does not speak DUN1");
}

static dunlin_code send_round(call *c)
{
    c->sent = c->in_flight = 0;
    c->since = gw_mono_now();
    while (c->sent < c->todo || c->in_flight) {
        dunlin_code rc = DUNLIN_OK;
        while (c->sent < c->todo && c->in_flight < WINDOW && rc == DUNLIN_OK)
            rc = send_chunk(c);
        if (rc == DUNLIN_OK)
            rc = receive_answer(c);
        if (rc != DUNLIN_OK)
            return rc;
    }
    return DUNLIN_OK;
}

/* Keep in c->order what was answered busy; the longest pause they ask for, in ms. */
static int gather_busy(call *c)
{
    int pause_ms = 0;
    size_t busy = 0;
    for (size_t i = 0; i < c->todo; i++) {
        const dunlin_verdict *v = &c->ret[c->order[i]];
        if (v->kind != DUNLIN_BUSY)
            continue;
        json_doc doc;
        gw_arena_reset(c->d->scratch);
        int64_t asked = 250;
        if (json_parse((gw_str){v->json, v->bytes}, c->d->scratch, &doc, NULL) == GW_OK)
            asked = json_get_int(&doc, 0, "retry_after_ms", asked);
        asked = asked < 1 ? 1 : asked > 60000 ? 60000 : asked;
        pause_ms = asked > pause_ms ? (int)asked : pause_ms;
        c->order[busy++] = c->order[i];
    }
    c->todo = busy;
    return pause_ms;
}

dunlin_code dunlin_send(dunlin *d, const char *verb_name, const dunlin_body *bodies, size_t n,
                        dunlin_verdict *ret)
{
    if (!verb_name || !*verb_name || (n && (!bodies || !ret)) || n > DUNLIN_BODIES_MAX)
        return fail(d, DUNLIN_EINVAL, "a verb and at most 1000000 bodies are expected");
    call c = {.d = d, .verb = verb_name, .bodies = bodies, .ret = ret, .todo = n};
    GW_AUTO_FREE size_t *order = malloc((n + 1) * sizeof *order);
    if (!order)
        return fail(d, DUNLIN_ENOMEM, "out of memory");
    c.order = order;
    was_cut(d); /* old news: what is sent from here on goes into the next connection */
    gw_arena_reset(d->answers);
    for (size_t i = 0; i < n; i++) {
        ret[i] = (dunlin_verdict){DUNLIN_UNKNOWN, "", 0};
        order[i] = i;
    }
    gw_mono from = gw_mono_now();
    for (;;) {
        dunlin_code rc = send_round(&c);
        if (rc != DUNLIN_OK)
            return rc;
        int pause_ms = gather_busy(&c);
        if (c.todo == 0 || gw_mono_now().ms - from.ms + pause_ms > d->busy_ms)
            return DUNLIN_OK;
        nanosleep(&(struct timespec){pause_ms / 1000, pause_ms % 1000 * 1000000L}, NULL);
    }
}
