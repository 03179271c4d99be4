#include "gateway/intake/intake.h"

#include "gateway/base/log.h"
#include "gateway/intake/turn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { STOP_TEXT = 64 };

struct intake {
    intake_config
        config; /* its pointers are borrowed for the start only, but zmq zap clock calls */
    char endpoint[CURVE_ENDPOINT_TEXT];
    void *stop_send, *stop_receive; /* PAIR over inproc; receive belongs to the thread */
    pthread_t thread;
    bool started;
    turn *turn;
    pthread_mutex_t lock; /* of total */
    intake_counts total;
};

/* ---- the thread ---- */

static void add_counts(intake *in)
{
    const intake_counts *c = &in->turn->counts;
    pthread_mutex_lock(&in->lock);
    in->total.messages += c->messages;
    in->total.accepted += c->accepted;
    in->total.duplicate += c->duplicate;
    in->total.rejected += c->rejected;
    in->total.busy += c->busy;
    in->total.answered += c->answered;
    in->total.unsent += c->unsent;
    pthread_mutex_unlock(&in->lock);
    in->turn->counts = (intake_counts){0};
}

static void play(intake *in)
{
    turn *t = in->turn;
    while (turn_has_room(t) && turn_take(t, in->config.zap))
        ;
    if (t->request_n == 0)
        return;
    turn_play(t);
    /* First: who has the answer may look at the counts, or ask whether the gateway is idle. */
    add_counts(in);
    turn_send(t);
    add_counts(in);
}

static void *run(void *arg)
{
    intake *in = arg;
    zmq_pollitem_t items[] = {
        {.socket = in->turn->socket, .events = ZMQ_POLLIN},
        {.socket = in->stop_receive, .events = ZMQ_POLLIN},
    };
    pthread_setname_np(pthread_self(), "intake"); /* what top -H and deploy/bench show */
    while (!(items[1].revents & ZMQ_POLLIN)) {
        if (zmq_poll(items, 2, -1) < 0 && zmq_errno() != EINTR)
            break; /* the context is gone */
        play(in);
    }
    zmq_close(in->turn->socket);
    zmq_close(in->stop_receive);
    return NULL;
}

/* ---- life ---- */

static gw_code open_stop_pair(intake *in, gw_err *err)
{
    char endpoint[STOP_TEXT];
    snprintf(endpoint, sizeof endpoint, "inproc://dunlin.intake.%p", (void *)in);
    in->stop_receive = zmq_socket(in->config.zmq, ZMQ_PAIR);
    in->stop_send = zmq_socket(in->config.zmq, ZMQ_PAIR);
    if (!in->stop_receive || !in->stop_send || zmq_bind(in->stop_receive, endpoint) != 0 ||
        zmq_connect(in->stop_send, endpoint) != 0)
        return gw_fail(err, GW_EIO, "intake: %s", zmq_strerror(zmq_errno()));
    return GW_OK;
}

static gw_code start(intake *in, gw_err *err)
{
    static const curve_options options = {
        .message_bytes_max = INTAKE_MESSAGE_MAX,
        .send_hwm = INTAKE_QUEUE,
        .receive_hwm = INTAKE_QUEUE,
    };
    gw_code rc = turn_new(&in->config, &in->turn, err);
    if (rc == GW_OK)
        rc = open_stop_pair(in, err);
    if (rc == GW_OK)
        rc = curve_server(in->config.zmq, ZMQ_ROUTER, in->config.endpoint, in->config.pair,
                          ZAP_DOMAIN_INTAKE, &options, &in->turn->socket, in->endpoint, err);
    if (rc == GW_OK)
        rc = zap_watch(in->config.zap, in->turn->socket, err);
    if (rc != GW_OK)
        return rc;
    if (pthread_create(&in->thread, NULL, run, in) != 0)
        return gw_fail(err, GW_ENOMEM, "intake: no thread");
    in->started = true;
    return GW_OK;
}

gw_code intake_start(const intake_config *config, intake **ret_intake, gw_err *err)
{
    intake *in = calloc(1, sizeof *in);
    if (!in)
        return gw_fail(err, GW_ENOMEM, "intake: out of memory");
    in->config = *config;
    pthread_mutex_init(&in->lock, NULL);
    gw_code rc = start(in, err);
    if (rc != GW_OK) {
        intake_stop(in);
        return rc;
    }
    *ret_intake = in;
    return GW_OK;
}

void intake_stop(intake *in)
{
    if (!in)
        return;
    if (in->started) {
        if (zmq_send(in->stop_send, "", 0, 0) < 0)
            gw_log(GW_LOG_WARN, "the intake thread could not be told to stop", NULL);
        pthread_join(in->thread, NULL);
    } else {
        if (in->turn && in->turn->socket)
            zmq_close(in->turn->socket);
        if (in->stop_receive)
            zmq_close(in->stop_receive);
    }
    if (in->stop_send)
        zmq_close(in->stop_send);
    turn_free(in->turn);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

const char *intake_endpoint(const intake *in)
{
    return in->endpoint;
}

void intake_count(const intake *in, intake_counts *ret_counts)
{
    intake *open = (intake *)(uintptr_t)in; /* the lock is not part of what const promises */
    pthread_mutex_lock(&open->lock);
    *ret_counts = open->total;
    pthread_mutex_unlock(&open->lock);
}
