#include "tests/gateway/intake/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

intake_server server;
void *dealer, *dealer_zmq;
state *store;
_Atomic uint64_t told_jobs, told_changed;

void send_frames(void *socket, const char *const *frames, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            zmq_send(socket, frames[i], strlen(frames[i]), i + 1 < n ? ZMQ_SNDMORE : 0),
            strlen(frames[i]));
}

bool receive(void *socket, int patience_ms, reply *ret)
{
    char frame[TEXT];
    int more = 1;
    size_t size = sizeof more;
    *ret = (reply){0};
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    for (int i = 0; more; i++) {
        int n = zmq_recv(socket, frame, sizeof frame - 1, 0);
        if (n < 0)
            return false;
        frame[n < TEXT ? n : TEXT - 1] = '\0';
        if (i == 0)
            assert_string_equal(frame, "DUN1");
        else if (i == 1)
            snprintf(ret->id, sizeof ret->id, "%.60s", frame);
        else
            memcpy(ret->text[ret->n++], frame, sizeof frame);
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

reply ask(void *socket, const char *name, const char *const *bodies, size_t n)
{
    const char *frames[3 + VERDICTS_MAX] = {"DUN1", name, "q7"};
    reply r;
    for (size_t i = 0; i < n; i++)
        frames[3 + i] = bodies[i];
    send_frames(socket, frames, 3 + n);
    assert_true(receive(socket, PATIENCE_MS, &r));
    assert_string_equal(r.id, "q7");
    return r;
}

reply ask_one(const char *name, const char *body)
{
    return ask(dealer, name, (const char *[]){body}, 1);
}

void says(const reply *r, size_t i, const char *part)
{
    if (i >= r->n || !strstr(r->text[i], part))
        print_error("verdict %zu is \"%s\", \"%s\" was expected in it\n", i, r->text[i], part);
    assert_true(i < r->n);
    assert_non_null(strstr(r->text[i], part));
}

void job(char ret[TEXT], const char *id, const char *more)
{
    snprintf(ret, TEXT,
             "{\"id\":\"%s\",\"debtor\":\"d1\",\"channel\":\"email\",\"template\":\"letter\"%s}",
             id, more);
}

void member(const char *verdict, const char *name, char ret[64])
{
    const char *at = strstr(verdict, name);
    assert_non_null(at);
    at += strlen(name) + 3;
    snprintf(ret, 64, "%.*s", (int)strcspn(at, "\""), at);
}

uint64_t accepted_reminders(void)
{
    uint64_t by_state[128];
    uint64_t outbox;
    gw_err err = {0};
    assert_int_equal(state_counts(store, by_state, &outbox, &err), GW_OK);
    return by_state['A'];
}

static void note_wake(void *context, uint64_t jobs, uint64_t changed)
{
    (void)context;
    atomic_fetch_or(&told_jobs, jobs);
    atomic_fetch_or(&told_changed, changed);
}

int start(void **unused)
{
    (void)unused;
    gw_err err = {0};
    if (!intake_server_start(&server, 0, &(intake_calls){.wake = note_wake}))
        return -1;
    dealer = intake_server_connect(&server, &server.erp, &dealer_zmq);
    return state_open(&server.store, &store, &err) == GW_OK ? 0 : -1;
}

void hang_up(void *socket, void *zmq)
{
    int none = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_close(socket);
    zmq_ctx_term(zmq);
}

int stop(void **unused)
{
    (void)unused;
    hang_up(dealer, dealer_zmq);
    state_close(store);
    intake_server_stop(&server);
    return 0;
}
