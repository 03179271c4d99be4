/* How many reminders a second go the whole way through one dispatch thread: accepted in the store,
 * planned, claimed, rendered by an in-process worker (the same small message each time), made
 * durable, GO, delivered, booked, recorded in the evidence log. Not part of ctest.
 *
 *     dispatch_bench [jobs] [debtors]
 */
#include "tests/gateway/dispatch/rig.h"

#include "gateway/dispatch/load.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { CREDIT = 4096, BATCH = 512 };

typedef struct {
    rig *r;
    _Atomic bool stop;
    _Atomic uint64_t delivered;
} bench_worker;

static void say(void *s, wire_header *h, gw_str payload, gw_buf *b)
{
    gw_err err = {0};
    gw_buf_clear(b);
    if (wire_encode(h, b, &err) != GW_OK)
        gw_bug(err.text);
    const char *type = wire_type_name(h->type);
    bool more = wire_payload_frames(h->type) > 0;
    zmq_send(s, "DUNW1", 5, ZMQ_SNDMORE);
    zmq_send(s, type, strlen(type), ZMQ_SNDMORE);
    zmq_send(s, b->data, b->n, more ? ZMQ_SNDMORE : 0);
    if (more)
        zmq_send(s, payload.p, payload.n, 0);
}

static void answer(bench_worker *w, void *s, wire_header *h, gw_buf *b, wire_header *out)
{
    static const char bytes[] = "Subject: Invoice\r\n\r\nPlease pay.\r\n";
    static char hex[2 * crypto_hash_sha256_BYTES + 1];
    if (!hex[0]) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        crypto_hash_sha256(digest, (const unsigned char *)bytes, sizeof bytes - 1);
        gw_hex(digest, sizeof digest, hex);
    }
    if (h->type == WIRE_TASK) {
        *out = (wire_header){
            .type = WIRE_INTENT,
            .intent = {h->task.ref, gw_str_of(hex), h->task.message_id, sizeof bytes - 1}};
        say(s, out, GW_STR("Subject: Invoice\r\n\r\nPlease pay.\r\n"), b);
    } else if (h->type == WIRE_GO) {
        memset(out, 0, sizeof *out);
        out->type = WIRE_OUTCOME;
        out->outcome.ref = h->go.ref;
        out->outcome.outcome = WIRE_DELIVERED;
        out->outcome.code = 250;
        out->outcome.retry_after_ms = -1;
        say(s, out, GW_STR("250 2.0.0 Ok"), b);
    } else if (h->type == WIRE_SEEN) {
        atomic_fetch_add(&w->delivered, 1);
    }
}

static bool receive(void *s, char *frames[5], size_t n[5], size_t cap)
{
    int more = 1, count = 0;
    size_t size = sizeof more;
    while (more) {
        int got = zmq_recv(s, frames[count < 4 ? count : 4], cap, 0);
        if (got < 0)
            return false;
        n[count < 4 ? count : 4] = (size_t)got;
        count++;
        zmq_getsockopt(s, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

static void *run_worker(void *arg)
{
    bench_worker *w = arg;
    rig *r = w->r;
    gw_err err = {0};
    pthread_setname_np(pthread_self(), "worker");
    void *s;
    char *frames[5];
    size_t n[5];
    int patience = 100;
    curve_options options = {
        .message_bytes_max = WIRE_MESSAGE_MAX, .send_hwm = 100000, .receive_hwm = 100000};
    if (curve_client(r->zmq, ZMQ_DEALER, dispatch_endpoint(r->d), r->pair.public_key,
                     &r->workers[0].pair, &options, &s, &err) != GW_OK)
        gw_bug(err.text);
    zmq_setsockopt(s, ZMQ_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < 5; i++)
        frames[i] = malloc(1 << 20);
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, 1 << 20);
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(64 << 20);
    wire_header *in = malloc(sizeof *in), *out = calloc(1, sizeof *out);
    *out = (wire_header){.type = WIRE_READY, .ready = {GW_STR("bench"), GW_STR("email"), CREDIT}};
    say(s, out, (gw_str){NULL, 0}, &b);
    while (!atomic_load(&w->stop)) {
        if (!receive(s, frames, n, 1 << 20))
            continue;
        gw_arena_reset(arena);
        if (wire_decode((gw_str){frames[1], n[1]}, (gw_str){frames[2], n[2]}, arena, in, &err) ==
            GW_OK)
            answer(w, s, in, &b, out);
    }
    for (int i = 0; i < 5; i++)
        free(frames[i]);
    free(in);
    free(out);
    zmq_close(s);
    return NULL;
}

static void *run_dispatch(void *arg)
{
    dispatch_run(arg);
    return NULL;
}

static void make_debtor(rig *r, int i)
{
    char id[16], body[512];
    snprintf(id, sizeof id, "d%d", i);
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"name\":\"Debtor\",\"role\":\"company\",\"zone\":\"Europe/Berlin\","
             "\"contacts\":[{\"role\":\"primary\",\"name\":\"E\",\"email\":\"e@%s.example.test\","
             "\"designated\":true}]}",
             id, id);
    rig_tell_of(r, id, VERB_DEBTOR, body);
    snprintf(body, sizeof body,
             "{\"id\":\"i1\",\"debtor\":\"%s\",\"due\":\"2013-03-01\",\"amount_minor\":10000,"
             "\"currency\":\"EUR\",\"reference\":\"INV-%d\",\"ladder\":\"none\"}",
             id, i);
    rig_tell_of(r, id, VERB_ITEM, body);
}

static void submit_jobs(rig *r, int jobs, int debtors)
{
    static char bodies[BATCH][256], ids[BATCH][16], names[BATCH][16];
    state_job batch[BATCH];
    state_accepted verdicts[BATCH];
    for (int from = 0; from < jobs; from += BATCH) {
        int n = jobs - from < BATCH ? jobs - from : BATCH;
        for (int i = 0; i < n; i++) {
            snprintf(ids[i], sizeof ids[i], "j%d", from + i);
            snprintf(names[i], sizeof names[i], "d%d", (from + i) % debtors);
            snprintf(bodies[i], sizeof bodies[i],
                     "{\"id\":\"%s\",\"debtor\":\"%s\",\"channel\":\"email\",\"template\":"
                     "\"letter\",\"case\":\"i1\",\"facts\":{\"pay_link\":\"https://p.example.test/"
                     "1\"}}",
                     ids[i], names[i]);
            batch[i] = (state_job){.source = GW_STR("erp"),
                                   .debtor = gw_str_of(names[i]),
                                   .case_id = GW_STR("i1"),
                                   .job = gw_str_of(ids[i]),
                                   .channel = GW_STR("email"),
                                   .body = gw_str_of(bodies[i])};
            load_reminder_id(r->id_key, GW_STR("erp"), batch[i].job, &batch[i].rid);
            load_debtor_id(r->id_key, GW_STR("erp"), batch[i].debtor, &batch[i].did);
        }
        gw_arena_reset(r->arena);
        if (state_accept(r->store, batch, (size_t)n, gw_clock_now(r->clock), 1000000, r->arena,
                         verdicts, &r->err) != GW_OK)
            gw_bug(r->err.text);
    }
}

static double seconds(gw_mono from)
{
    return (double)(gw_mono_now().ms - from.ms) / 1000.0;
}

static double cpu(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int jobs = argc > 1 ? atoi(argv[1]) : 20000;
    int debtors = argc > 2 ? atoi(argv[2]) : jobs / 2;
    rig *r = NULL;
    if (rig_start((void **)&r) != 0)
        return 1;
    rig_record(r);
    for (int i = 0; i < debtors; i++)
        make_debtor(r, i);
    rig_settle(r);
    gw_mono from = gw_mono_now();
    submit_jobs(r, jobs, debtors);
    printf("%d jobs of %d debtors accepted in %.2f s\n", jobs, debtors, seconds(from));

    bench_worker w = {.r = r};
    pthread_t dispatching, working;
    clockid_t clock_of;
    from = gw_mono_now();
    pthread_create(&dispatching, NULL, run_dispatch, r->d);
    pthread_getcpuclockid(dispatching, &clock_of);
    double used = cpu(clock_of);
    pthread_create(&working, NULL, run_worker, &w);
    while (atomic_load(&w.delivered) < (uint64_t)jobs && seconds(from) < 300)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    double took = seconds(from);
    used = cpu(clock_of) - used;
    printf("%llu delivered in %.2f s = %.0f reminders/s; dispatch thread %.0f us of CPU each\n",
           (unsigned long long)atomic_load(&w.delivered), took,
           (double)atomic_load(&w.delivered) / took, used * 1e6 / jobs);
    dispatch_status s;
    dispatch_get_status(r->d, &s);
    printf("turns %llu, tasks %llu, intents %llu, outcomes %llu, recorded %llu\n",
           (unsigned long long)s.turns, (unsigned long long)s.tasks, (unsigned long long)s.intents,
           (unsigned long long)s.outcomes, (unsigned long long)recorder_moved(r->recorder));
    dispatch_drain(r->d, 1000);
    pthread_join(dispatching, NULL);
    atomic_store(&w.stop, true);
    pthread_join(working, NULL);
    rig_stop((void **)&r);
    return 0;
}
